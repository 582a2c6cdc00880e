/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* input.c - opens INPUT as what it is, and reads it. */
#define _GNU_SOURCE 1 /* tee, which looks into a pipe without taking from it */
#include "input.h"

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

const char *const st_input_formats[] = {"auto", "npy", "raw", "text", NULL};

/* The library names the field of its options ("options.column: ..."), which here is an option ("--column: ..."). */
int st_input_fail(const char *command, st_status status) {
    static const char field[] = "options.";
    const char *message = st_last_message();
    int is_field = strncmp(message, field, sizeof field - 1) == 0;
    int code = st_cli_fail(command, "%s%s", is_field ? "--" : "", message + (is_field ? sizeof field - 1 : 0));
    return status == ST_E_ARGUMENT ? ST_CLI_USAGE : code;
}

/* ---- what the first bytes say ---------------------------------------------------------------------------------------
 */

enum { MAGIC = 6 };

/* Copies the first bytes of a pipe, and leaves them in it. Returns how many; -1 where they are not to be had. */
static ssize_t peek_pipe(int descriptor, char bytes[MAGIC]) {
#ifdef __linux__
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    st_interrupt_wait_begin();
    ssize_t count = tee(descriptor, ends[1], MAGIC, 0);
    st_interrupt_wait_end();
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

/* How many of the bytes of .npy's magic the input begins with, as far as it can be seen; 0 where it begins otherwise.
 */
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
        st_interrupt_wait_begin();
        count = recv(descriptor, bytes, MAGIC, MSG_PEEK);
        st_interrupt_wait_end();
    }
    return count > 0 && memcmp(bytes, "\x93NUMPY", (size_t)count) == 0 ? (int)count : 0;
}

/* ---- opening --------------------------------------------------------------------------------------------------------
 */

static int open_array(st_input *input, int is_raw) {
    st_array_options options = {.struct_size = sizeof options, .format = is_raw ? ST_FORMAT_RAW : ST_FORMAT_NPY};
    options.cols = is_raw ? input->options.cols : 0;
    options.dtype = is_raw || input->options.dtype == ST_BF16 ? input->options.dtype : 0;
    st_interrupt_wait_begin();
    st_status status = st_array_open(NULL, input->options.path, &options, &input->array);
    st_interrupt_wait_end();
    if (status != ST_OK) {
        input->array = NULL;
        return st_input_fail(input->options.command, status);
    }
    input->info.struct_size = sizeof input->info;
    status = st_array_get_info(input->array, &input->info);
    if (status != ST_OK) {
        return st_input_fail(input->options.command, status);
    }
    input->dtype = input->info.dtype;
    input->again = input->info.seekable;
    return ST_CLI_GO;
}

static int open_text(st_input *input, int labels) {
    st_text_options options = {.struct_size = sizeof options, .column = input->options.column};
    options.show = labels ? input->options.show : NULL;
    st_interrupt_wait_begin();
    st_status status = st_text_open(NULL, input->options.path, &options, &input->text);
    st_interrupt_wait_end();
    if (status != ST_OK) {
        input->text = NULL;
        return st_input_fail(input->options.command, status);
    }
    input->dtype = ST_F64;
    return ST_CLI_GO;
}

static int check_text(const st_input *input) {
    const st_input_options *options = &input->options;
    if (options->dtype) {
        return st_cli_usage(options->command,
                            "--dtype: %s is text, whose numbers are f64; leave --dtype out, or read raw "
                            "binary with --dtype and --cols together",
                            input->name);
    }
    if (options->cols) {
        return st_cli_usage(options->command,
                            "--cols: %s is text, one row of numbers; leave --cols out, or read raw binary "
                            "with --dtype and --cols together",
                            input->name);
    }
    return ST_CLI_GO;
}

static int check_array(const st_input *input, int is_raw) {
    const st_input_options *options = &input->options;
    const char *what = is_raw ? "raw binary" : "a .npy file";
    if (options->column || options->show) {
        return st_cli_usage(options->command, "--%s: names a field of text, but %s is %s; leave it out",
                            options->column ? "column" : "show", input->name, what);
    }
    if (is_raw && !options->dtype) {
        return st_cli_usage(options->command,
                            "--dtype: raw binary does not say what its elements are; add --dtype f32 or another");
    }
    if (is_raw && !options->cols) {
        return st_cli_usage(options->command, "--cols: raw binary does not say where its rows end; add --cols N");
    }
    if (!is_raw && options->cols) {
        return st_cli_usage(options->command, "--cols: %s is a .npy file, which has its own shape; leave --cols out",
                            input->name);
    }
    return ST_CLI_GO;
}

static int open_found(st_input *input, int seen) {
    const st_input_options *options = &input->options;
    int format = options->format;
    if (format == ST_INPUT_FORMAT_AUTO) {
        /* A pipe may show its first byte alone. No text begins with it; but raw data may. */
        int is_npy = seen == MAGIC || (seen > 0 && !options->cols);
        int is_raw = options->dtype != 0 || options->cols != 0;
        format = is_npy ? ST_INPUT_FORMAT_NPY : is_raw ? ST_INPUT_FORMAT_RAW : ST_INPUT_FORMAT_TEXT;
    }
    if (format == ST_INPUT_FORMAT_TEXT) {
        input->is_text = 1;
        int status = check_text(input);
        return status == ST_CLI_GO ? open_text(input, 1) : status;
    }
    int is_raw = format == ST_INPUT_FORMAT_RAW;
    int status = check_array(input, is_raw);
    if (status == ST_CLI_GO) {
        status = open_array(input, is_raw);
    }
    if (status == ST_CLI_GO && options->dtype && options->dtype != input->dtype) {
        return st_cli_usage(options->command, "--dtype: %s holds %s, not %s; leave --dtype out", input->name,
                            st_dtype_name(input->dtype), st_dtype_name(options->dtype));
    }
    return status;
}

int st_input_open(st_input *input, const st_input_options *options) {
    memset(input, 0, sizeof *input);
    input->options = *options;
    input->start = -1;
    int is_standard = strcmp(options->path, "-") == 0;
    input->name = is_standard ? "standard input" : options->path;
    int descriptor = is_standard ? STDIN_FILENO : -1;
    if (!is_standard) {
        st_interrupt_wait_begin(); /* opening a named pipe waits for its writer */
        descriptor = open(options->path, O_RDONLY | O_CLOEXEC);
        st_interrupt_wait_end();
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
        return st_cli_fail(options->command, "%s: is a folder; name a file, or - for standard input", input->name);
    }
    int is_file = known && (S_ISREG(about.st_mode) || S_ISBLK(about.st_mode));
    input->again = is_file;
    input->start = is_file && is_standard ? (int64_t)lseek(descriptor, 0, SEEK_CUR) : -1;
    if (known && S_ISFIFO(about.st_mode) && !is_standard) {
        /*
         * Opened a second time it would wait for a second writer, and closed it would lose the first: it becomes the
         * input.
         */
        if (dup2(descriptor, STDIN_FILENO) < 0) {
            int status = st_cli_fail(options->command, "%s: cannot open: %s", options->path, strerror(errno));
            close(descriptor);
            return status;
        }
        input->options.path = "-";
    }
    int status = open_found(input, peek(descriptor));
    if (!is_standard) {
        close(descriptor);
    }
    if (status == ST_CLI_GO) {
        int64_t size = st_dtype_size(input->dtype);
        int64_t total = input->is_text || input->info.elements < 0 || input->info.elements > INT64_MAX / size
                            ? -1
                            : input->info.elements * size;
        st_progress_start(&input->progress, options->quiet, "reading", input->is_text ? " numbers" : "B", total);
    }
    return status;
}

static void close_readers(st_input *input) {
    st_array_close(input->array);
    st_text_close(input->text);
    input->array = NULL;
    input->text = NULL;
}

void st_input_close(st_input *input) {
    st_progress_hide(&input->progress);
    close_readers(input);
}

/* ---- reading --------------------------------------------------------------------------------------------------------
 */

static int fail_reading(st_input *input, st_status status) {
    st_progress_hide(&input->progress);
    if (st_cli_interrupted()) {
        return ST_CLI_INTERRUPTED;
    }
    return st_input_fail(input->options.command, status);
}

int st_input_next(st_input *input, st_input_block *block) {
    memset(block, 0, sizeof *block);
    if (st_cli_interrupted()) {
        return ST_CLI_INTERRUPTED;
    }
    st_status status = ST_OK;
    if (input->is_text) {
        st_text_block text = {.struct_size = sizeof text};
        st_interrupt_wait_begin();
        status = st_text_next(input->text, &text);
        st_interrupt_wait_end();
        block->count = text.count;
        block->elements = text.values;
        block->labels = text.labels;
    } else {
        st_interrupt_wait_begin();
        status = st_array_next(input->array, &block->elements, &block->count);
        st_interrupt_wait_end();
    }
    if (status != ST_OK) {
        return fail_reading(input, status);
    }
    if (st_cli_interrupted()) {
        return ST_CLI_INTERRUPTED;
    }
    st_progress_add(&input->progress, input->is_text ? block->count : block->count * st_dtype_size(input->dtype));
    return ST_CLI_GO;
}

int st_input_read_at(st_input *input, int64_t first, int64_t count, void *elements) {
    st_interrupt_wait_begin();
    st_status status = st_array_read_at(input->array, first, count, elements);
    st_interrupt_wait_end();
    if (status != ST_OK) {
        return fail_reading(input, status);
    }
    if (st_cli_interrupted()) {
        return ST_CLI_INTERRUPTED;
    }
    st_progress_add(&input->progress, count * st_dtype_size(input->dtype));
    return ST_CLI_GO;
}

int st_input_rewind(st_input *input, int labels, const char *what) {
    int64_t total = input->progress.total;
    close_readers(input);
    if (input->start >= 0 && lseek(STDIN_FILENO, (off_t)input->start, SEEK_SET) < 0) {
        return st_cli_fail(input->options.command, "%s: cannot go back: %s", input->name, strerror(errno));
    }
    int status = input->is_text ? open_text(input, labels) : open_array(input, input->options.cols != 0);
    if (status == ST_CLI_GO) {
        st_progress_start(&input->progress, input->options.quiet, what, input->progress.unit, total);
    }
    return status;
}

/* ---- NaN ------------------------------------------------------------------------------------------------------------
 */

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

int64_t st_input_first_nan(st_dtype dtype, const void *elements, int64_t count, int64_t stride) {
    int64_t step = stride * st_dtype_size(dtype);
    const unsigned char *at = elements;
    for (int64_t i = 0; i < count; i++, at += step) {
        if (is_nan(dtype, at)) {
            return i;
        }
    }
    return -1;
}
