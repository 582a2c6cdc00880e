/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* sink.c - takes results as they come, and hands them to the form that was asked for. */
#include "sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "interrupt.h"
#include "options.h"
#include "sink_forms.h"

/* ---- opening --------------------------------------------------------------------------------------------------------
 */

/* The folder of PREFIX, where an unnamed file for what waits has the room that the results will need. */
static char *folder_of(const char *prefix) {
    const char *slash = strrchr(prefix, '/');
    size_t length = slash ? (size_t)(slash - prefix) + (slash == prefix) : 1;
    char *folder = malloc(length + 1);
    if (folder) {
        memcpy(folder, slash ? prefix : ".", length);
        folder[length] = 0;
    }
    return folder;
}

int st_sink_create(st_sink *sink, const char *what, st_dtype dtype, int32_t dims, const int64_t *shape,
                   st_npy_writer **writer) {
    size_t length = strlen(sink->options.prefix) + strlen(what) + sizeof "..npy";
    char *path = malloc(length);
    if (!path) {
        return st_cli_fail(sink->options.command, "out of memory");
    }
    snprintf(path, length, "%s.%s.npy", sink->options.prefix, what);
    st_status status = st_npy_create(NULL, path, dtype, dims, shape, writer);
    free(path);
    if (status != ST_OK) {
        *writer = NULL;
        return st_input_fail(sink->options.command, status);
    }
    return ST_CLI_GO;
}

static void discard(void *argument) {
    st_sink *sink = argument;
    st_npy_discard(sink->values_writer);
    st_npy_discard(sink->indices_writer);
    sink->values_writer = NULL;
    sink->indices_writer = NULL;
}

int st_sink_open(st_sink *sink, const st_sink_options *options) {
    memset(sink, 0, sizeof *sink);
    sink->options = *options;
    sink->form = options->prefix         ? ST_SINK_FILES
                 : options->json         ? ST_SINK_JSON
                 : isatty(STDOUT_FILENO) ? ST_SINK_TABLE
                                         : ST_SINK_LINES;
    sink->deferred =
        sink->form == ST_SINK_JSON || (sink->form == ST_SINK_FILES && (options->width < 0 || options->rows < 0));
    if (options->prefix) {
        sink->folder = folder_of(options->prefix);
        if (!sink->folder) {
            return st_cli_fail(options->command, "out of memory");
        }
    }
    st_spill *spills[] = {&sink->values, &sink->indices, &sink->labels, &sink->counts};
    for (size_t i = 0; i < sizeof spills / sizeof spills[0]; i++) {
        st_spill_start(spills[i], sink->folder);
    }
    st_interrupt_clean(discard, sink);
    if (sink->form == ST_SINK_FILES && !sink->deferred) {
        int status =
            st_sink_create(sink, "values", options->dtype, options->dims, options->shape, &sink->values_writer);
        return status == ST_CLI_GO
                   ? st_sink_create(sink, "indices", ST_I64, options->dims, options->shape, &sink->indices_writer)
                   : status;
    }
    return ST_CLI_GO;
}

void st_sink_close(st_sink *sink) {
    st_interrupt_clean(NULL, NULL);
    discard(sink);
    st_spill_end(&sink->values);
    st_spill_end(&sink->indices);
    st_spill_end(&sink->labels);
    st_spill_end(&sink->counts);
    free(sink->block);
    free(sink->folder);
    sink->block = NULL;
    sink->folder = NULL;
}

/* ---- gathering --------------------------------------------------------------------------------------------------- */

static int fail_spill(const st_sink *sink) {
    const char *folder = sink->folder ? sink->folder : "the folder for temporary files (TMPDIR)";
    return st_cli_fail(sink->options.command, "%s: cannot keep results until they are complete: %s", folder,
                       strerror(errno));
}

static int spill_piece(st_sink *sink, int64_t count, const void *values, const int64_t *indices,
                       const char *const *labels) {
    size_t size = (size_t)st_dtype_size(sink->options.dtype);
    int failed = st_spill_add(&sink->values, values, (size_t)count * size) != 0 ||
                 st_spill_add(&sink->indices, indices, (size_t)count * sizeof *indices) != 0;
    for (int64_t i = 0; sink->options.labels && i < count && !failed; i++) {
        uint64_t length = strlen(labels[i]);
        failed = st_spill_add(&sink->labels, &length, sizeof length) != 0 ||
                 st_spill_add(&sink->labels, labels[i], (size_t)length) != 0;
    }
    return failed ? fail_spill(sink) : ST_CLI_GO;
}

/* ---- .npy files of known shape ----------------------------------------------------------------------------------- */

/* Rows beside each other in the output array: element j of row i of the block goes to [outer, j, i]. */
static int write_turned(st_sink *sink, st_npy_writer *writer, const void *elements, size_t size, int64_t rows) {
    int64_t width = sink->options.width, inner = sink->options.inner;
    int64_t outer = sink->row / inner, from = sink->row % inner;
    uint64_t bytes = (uint64_t)rows * (uint64_t)width * size;
    if (bytes > sink->block_bytes) {
        char *block = realloc(sink->block, (size_t)bytes);
        if (!block) {
            return st_cli_fail(sink->options.command, "out of memory");
        }
        sink->block = block;
        sink->block_bytes = bytes;
    }
    const char *at = elements;
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < width; j++, at += size) {
            memcpy(sink->block + (size_t)(j * rows + i) * size, at, size);
        }
    }
    int64_t pieces = rows == inner ? 1 : width;
    int64_t count = rows == inner ? rows * width : rows;
    for (int64_t j = 0; j < pieces; j++) {
        st_status status =
            st_npy_write_at(writer, (outer * width + j) * inner + from, sink->block + (size_t)(j * rows) * size, count);
        if (status != ST_OK) {
            return st_input_fail(sink->options.command, status);
        }
    }
    return ST_CLI_GO;
}

static int write_rows(st_sink *sink, int64_t rows, const void *values, const int64_t *indices) {
    int64_t count = rows * sink->options.width;
    if (count == 0) {
        return ST_CLI_GO;
    }
    if (sink->options.inner > 1) {
        int status = write_turned(sink, sink->values_writer, values, (size_t)st_dtype_size(sink->options.dtype), rows);
        return status == ST_CLI_GO ? write_turned(sink, sink->indices_writer, indices, sizeof *indices, rows) : status;
    }
    st_status status = st_npy_append(sink->values_writer, values, count);
    if (status == ST_OK) {
        status = st_npy_append(sink->indices_writer, indices, count);
    }
    return status == ST_OK ? ST_CLI_GO : st_input_fail(sink->options.command, status);
}

/* ---- taking ------------------------------------------------------------------------------------------------------ */

int st_sink_piece(st_sink *sink, int64_t count, const void *values, const int64_t *indices, const char *const *labels) {
    if (count == 0) {
        return ST_CLI_GO;
    }
    int status = sink->deferred ? spill_piece(sink, count, values, indices, labels)
                                : st_sink_print(sink, count, values, indices, labels);
    sink->position += count;
    sink->elements += count;
    return status;
}

int st_sink_end_row(st_sink *sink) {
    int64_t count = sink->position;
    sink->position = 0;
    sink->row++;
    if (sink->options.width < 0 && sink->deferred && st_spill_add(&sink->counts, &count, sizeof count) != 0) {
        return fail_spill(sink);
    }
    return st_cli_interrupted() ? ST_CLI_INTERRUPTED : ST_CLI_GO;
}

int st_sink_rows(st_sink *sink, int64_t rows, const void *values, const int64_t *indices, const char *const *labels) {
    int64_t width = sink->options.width;
    if (sink->form == ST_SINK_FILES && !sink->deferred) {
        int status = write_rows(sink, rows, values, indices);
        sink->row += rows;
        return status;
    }
    if (width == 0) {
        sink->row += rows;
        return ST_CLI_GO;
    }
    const char *at = values;
    for (int64_t row = 0; row < rows; row++) {
        int status = st_sink_piece(sink, width, at, indices, labels);
        if (status == ST_CLI_GO) {
            status = st_sink_end_row(sink);
        }
        if (status != ST_CLI_GO) {
            return status;
        }
        at += width * st_dtype_size(sink->options.dtype);
        indices += width;
        labels = labels ? labels + width : NULL;
    }
    return ST_CLI_GO;
}

/* ---- finishing --------------------------------------------------------------------------------------------------- */

static int commit(st_sink *sink, st_npy_writer **writer) {
    st_npy_writer *taken = *writer;
    *writer = NULL;
    st_status status = st_npy_commit(taken);
    return status == ST_OK ? ST_CLI_GO : st_input_fail(sink->options.command, status);
}

int st_sink_copy(st_sink *sink, st_spill *spill, st_dtype dtype, st_npy_writer *writer) {
    char block[4096];
    int64_t size = st_dtype_size(dtype);
    for (int64_t left = spill->bytes / size; left > 0;) {
        int64_t count = left < (int64_t)sizeof block / size ? left : (int64_t)sizeof block / size;
        if (st_spill_read(spill, block, (size_t)(count * size)) != 0) {
            return fail_spill(sink);
        }
        st_status status = st_npy_append(writer, block, count);
        if (status != ST_OK) {
            return st_input_fail(sink->options.command, status);
        }
        if (st_cli_interrupted()) {
            return ST_CLI_INTERRUPTED;
        }
        left -= count;
    }
    return ST_CLI_GO;
}

/* One file of a shape that is known only now. */
static int write_late(st_sink *sink, const char *what, st_spill *spill, st_dtype dtype, int32_t dims,
                      const int64_t *shape) {
    st_npy_writer **writer = &sink->values_writer; /* one at a time */
    int status = st_sink_create(sink, what, dtype, dims, shape, writer);
    if (status == ST_CLI_GO) {
        status = st_sink_copy(sink, spill, dtype, *writer);
    }
    return status == ST_CLI_GO ? commit(sink, writer) : status;
}

static int finish_files(st_sink *sink) {
    if (!sink->deferred) {
        int status = commit(sink, &sink->values_writer);
        return status == ST_CLI_GO ? commit(sink, &sink->indices_writer) : status;
    }
    int packed = sink->options.width < 0;
    int64_t shape[2] = {packed ? sink->elements : sink->row, sink->options.width};
    int32_t dims = packed ? 1 : 2;
    int status = write_late(sink, "values", &sink->values, sink->options.dtype, dims, shape);
    if (status == ST_CLI_GO) {
        status = write_late(sink, "indices", &sink->indices, ST_I64, dims, shape);
    }
    if (status == ST_CLI_GO && packed) {
        status = write_late(sink, "counts", &sink->counts, ST_I64, 1, &sink->row);
    }
    return status;
}

int st_sink_finish(st_sink *sink) {
    if (sink->options.progress) {
        st_progress_hide(sink->options.progress);
    }
    if (st_cli_interrupted()) {
        return ST_CLI_INTERRUPTED;
    }
    int status = sink->form == ST_SINK_FILES  ? finish_files(sink)
                 : sink->form == ST_SINK_JSON ? st_sink_json(sink)
                                              : ST_CLI_GO;
    return status == ST_CLI_GO ? ST_CLI_DONE : status;
}
