/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* source.c - opens INPUT as what it is, and reads it. */
#define _GNU_SOURCE 1 /* tee, which looks into a pipe without taking from it */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "interrupt.h"
#include "options.h"

const char *const st_source_formats[] = {"auto", "npy", "raw", "text", NULL};

int st_source_fail(const char *command, st_status status) {
    int code = st_cli_fail(command, "%s", st_last_message());
    return status == ST_E_ARGUMENT ? ST_CLI_USAGE : code;
}

/* ---- what the first bytes say --------------------------------------------------------------------------------------- */

enum { MAGIC = 6 };

/* Copies the first bytes of a pipe, and leaves them in it. Returns how many; -1 where they are not to be had. */
static ssize_t peek_pipe(int descriptor, char bytes[MAGIC]) {
#ifdef __linux__
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    st_interrupt_read_begin();
    ssize_t count = tee(descriptor, ends[1], MAGIC, 0);
    st_interrupt_read_end();
    if (count > 0) {
        count = read(ends[0], bytes, (size_t)count);
    }
    close(ends[0]);
    close(ends[1]);
    return count;
#else
    (void)descriptor;
    (void)bytes;
    return -1;
#endif
}

/* How many of the bytes of .npy's magic the input begins with, as far as it can be seen; 0 where it begins otherwise. */
static int peek(int descriptor) {
    struct stat about;
    char bytes[MAGIC];
    ssize_t count = -1;
    if (fstat(descriptor, &about) != 0) {
        return 0;
    }
    if (S_ISREG(about.st_mode) || S_ISBLK(about.st_mode)) {
        off_t at = lseek(descriptor, 0, SEEK_CUR);
        count = at < 0 ? -1 : pread(descriptor, bytes, MAGIC, at);
    } else if (S_ISFIFO(about.st_mode)) {
        count = peek_pipe(descriptor, bytes);
    } else if (S_ISSOCK(about.st_mode)) {
        st_interrupt_read_begin();
        count = recv(descriptor, bytes, MAGIC, MSG_PEEK);
        st_interrupt_read_end();
    }
    return count > 0 && memcmp(bytes, "\x93NUMPY", (size_t)count) == 0 ? (int)count : 0;
}

/* ---- opening -------------------------------------------------------------------------------------------------------- */

static int open_array(st_source *source, int is_raw) {
    st_array_options options = {.struct_size = sizeof options, .format = is_raw ? ST_FORMAT_RAW : ST_FORMAT_NPY};
    options.cols = is_raw ? source->options.cols : 0;
    options.dtype = is_raw || source->options.dtype == ST_BF16 ? source->options.dtype : 0;
    st_interrupt_read_begin();
    st_status status = st_array_open(NULL, source->options.path, &options, &source->array);
    st_interrupt_read_end();
    if (status != ST_OK) {
        source->array = NULL;
        return st_source_fail(source->options.command, status);
    }
    source->info.struct_size = sizeof source->info;
    status = st_array_get_info(source->array, &source->info);
    if (status != ST_OK) {
        return st_source_fail(source->options.command, status);
    }
    source->dtype = source->info.dtype;
    source->again = source->info.seekable;
    return ST_CLI_GO;
}

static int open_text(st_source *source, int labels) {
    st_text_options options = {.struct_size = sizeof options, .column = source->options.column};
    options.show = labels ? source->options.show : NULL;
    st_interrupt_read_begin();
    st_status status = st_text_open(NULL, source->options.path, &options, &source->text);
    st_interrupt_read_end();
    if (status != ST_OK) {
        source->text = NULL;
        return st_source_fail(source->options.command, status);
    }
    source->dtype = ST_F64;
    return ST_CLI_GO;
}

static int check_text(const st_source *source) {
    const st_source_options *options = &source->options;
    if (options->dtype) {
        return st_cli_usage(options->command, "--dtype: %s is text, whose numbers are f64; leave --dtype out, or read raw "
                            "binary with --dtype and --cols together", source->name);
    }
    if (options->cols) {
        return st_cli_usage(options->command, "--cols: %s is text, one row of numbers; leave --cols out, or read raw binary "
                            "with --dtype and --cols together", source->name);
    }
    return ST_CLI_GO;
}

static int check_array(const st_source *source, int is_raw) {
    const st_source_options *options = &source->options;
    const char *what = is_raw ? "raw binary" : "a .npy file";
    if (options->column || options->show) {
        return st_cli_usage(options->command, "--%s: names a field of text, but %s is %s; leave it out",
                            options->column ? "column" : "show", source->name, what);
    }
    if (is_raw && !options->dtype) {
        return st_cli_usage(options->command, "--dtype: raw binary does not say what its elements are; add --dtype f32 or another");
    }
    if (is_raw && !options->cols) {
        return st_cli_usage(options->command, "--cols: raw binary does not say where its rows end; add --cols N");
    }
    if (!is_raw && options->cols) {
        return st_cli_usage(options->command, "--cols: %s is a .npy file, which has its own shape; leave --cols out", source->name);
    }
    return ST_CLI_GO;
}

static int open_found(st_source *source, int seen) {
    const st_source_options *options = &source->options;
    int format = options->format;
    if (format == ST_SOURCE_FORMAT_AUTO) {
        /* A pipe may show its first byte alone. No text begins with it; but raw data may. */
        int is_npy = seen == MAGIC || (seen > 0 && !options->cols);
        int is_raw = options->dtype != 0 || options->cols != 0;
        format = is_npy ? ST_SOURCE_FORMAT_NPY : is_raw ? ST_SOURCE_FORMAT_RAW : ST_SOURCE_FORMAT_TEXT;
    }
    if (format == ST_SOURCE_FORMAT_TEXT) {
        source->is_text = 1;
        int status = check_text(source);
        return status == ST_CLI_GO ? open_text(source, 1) : status;
    }
    int is_raw = format == ST_SOURCE_FORMAT_RAW;
    int status = check_array(source, is_raw);
    if (status == ST_CLI_GO) {
        status = open_array(source, is_raw);
    }
    if (status == ST_CLI_GO && options->dtype && options->dtype != source->dtype) {
        return st_cli_usage(options->command, "--dtype: %s holds %s, not %s; leave --dtype out", source->name,
                            st_dtype_name(source->dtype), st_dtype_name(options->dtype));
    }
    return status;
}

int st_source_open(st_source *source, const st_source_options *options) {
    memset(source, 0, sizeof *source);
    source->options = *options;
    source->start = -1;
    int is_standard = strcmp(options->path, "-") == 0;
    source->name = is_standard ? "standard input" : options->path;
    int descriptor = is_standard ? STDIN_FILENO : -1;
    if (!is_standard) {
        st_interrupt_read_begin(); /* opening a named pipe waits for its writer */
        descriptor = open(options->path, O_RDONLY | O_CLOEXEC);
        st_interrupt_read_end();
        if (descriptor < 0) {
            return st_cli_fail(options->command, "%s: cannot open: %s", options->path, strerror(errno));
        }
    }
    struct stat about;
    int known = fstat(descriptor, &about) == 0;
    if (known && S_ISDIR(about.st_mode)) {
        if (!is_standard) {
            close(descriptor);
        }
        return st_cli_fail(options->command, "%s: is a folder; name a file, or - for standard input", source->name);
    }
    int is_file = known && (S_ISREG(about.st_mode) || S_ISBLK(about.st_mode));
    source->again = is_file;
    source->start = is_file && is_standard ? (int64_t)lseek(descriptor, 0, SEEK_CUR) : -1;
    int status = open_found(source, peek(descriptor));
    if (!is_standard) {
        close(descriptor); /* held until now, so that the writer of a named pipe never sees it without a reader */
    }
    if (status == ST_CLI_GO) {
        int64_t size = st_dtype_size(source->dtype);
        int64_t total = source->is_text || source->info.elements < 0 || source->info.elements > INT64_MAX / size
                            ? -1
                            : source->info.elements * size;
        st_progress_start(&source->progress, options->quiet, "reading", source->is_text ? " numbers" : "B", total);
    }
    return status;
}

static void close_readers(st_source *source) {
    st_array_close(source->array);
    st_text_close(source->text);
    source->array = NULL;
    source->text = NULL;
}

void st_source_close(st_source *source) {
    st_progress_hide(&source->progress);
    close_readers(source);
}

/* ---- reading -------------------------------------------------------------------------------------------------------- */

static int fail_reading(st_source *source, st_status status) {
    st_progress_hide(&source->progress);
    if (st_cli_interrupted()) {
        return ST_CLI_INTERRUPTED;
    }
    return st_source_fail(source->options.command, status);
}

int st_source_next(st_source *source, st_source_block *block) {
    memset(block, 0, sizeof *block);
    if (st_cli_interrupted()) {
        return ST_CLI_INTERRUPTED;
    }
    st_status status = ST_OK;
    if (source->is_text) {
        st_text_block text = {.struct_size = sizeof text};
        st_interrupt_read_begin();
        status = st_text_next(source->text, &text);
        st_interrupt_read_end();
        block->count = text.count;
        block->elements = text.values;
        block->labels = text.labels;
    } else {
        st_interrupt_read_begin();
        status = st_array_next(source->array, &block->elements, &block->count);
        st_interrupt_read_end();
    }
    if (status != ST_OK) {
        return fail_reading(source, status);
    }
    if (st_cli_interrupted()) {
        return ST_CLI_INTERRUPTED;
    }
    st_progress_add(&source->progress, source->is_text ? block->count : block->count * st_dtype_size(source->dtype));
    return ST_CLI_GO;
}

int st_source_read_at(st_source *source, int64_t first, int64_t count, void *elements) {
    st_interrupt_read_begin();
    st_status status = st_array_read_at(source->array, first, count, elements);
    st_interrupt_read_end();
    if (status != ST_OK) {
        return fail_reading(source, status);
    }
    if (st_cli_interrupted()) {
        return ST_CLI_INTERRUPTED;
    }
    st_progress_add(&source->progress, count * st_dtype_size(source->dtype));
    return ST_CLI_GO;
}

int st_source_rewind(st_source *source, int labels, const char *what) {
    int64_t total = source->progress.total;
    close_readers(source);
    if (source->start >= 0 && lseek(STDIN_FILENO, (off_t)source->start, SEEK_SET) < 0) {
        return st_cli_fail(source->options.command, "%s: cannot go back: %s", source->name, strerror(errno));
    }
    int status = source->is_text ? open_text(source, labels) : open_array(source, source->options.cols != 0);
    if (status == ST_CLI_GO) {
        st_progress_start(&source->progress, source->options.quiet, what, source->progress.unit, total);
    }
    return status;
}

/* ---- NaN ------------------------------------------------------------------------------------------------------------ */

static int is_nan(st_dtype dtype, const unsigned char *element) {
    if (dtype == ST_F32) {
        float value;
        memcpy(&value, element, sizeof value);
        return isnan(value);
    }
    if (dtype == ST_F64) {
        double value;
        memcpy(&value, element, sizeof value);
        return isnan(value);
    }
    uint16_t bits;
    if (dtype != ST_F16 && dtype != ST_BF16) {
        return 0;
    }
    memcpy(&bits, element, sizeof bits);
    return (bits & 0x7fff) > (dtype == ST_F16 ? 0x7c00 : 0x7f80);
}

int64_t st_source_first_nan(st_dtype dtype, const void *elements, int64_t count, int64_t stride) {
    int64_t step = stride * st_dtype_size(dtype);
    const unsigned char *at = elements;
    for (int64_t i = 0; i < count; i++, at += step) {
        if (is_nan(dtype, at)) {
            return i;
        }
    }
    return -1;
}
