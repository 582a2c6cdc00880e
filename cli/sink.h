/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* sink.h - where results go: a table, tab-separated lines, JSON, or .npy files. */
#ifndef ST_CLI_SINK_H
#define ST_CLI_SINK_H

#include <stdint.h>

#include "input.h"
#include "spill.h"
#include "spiraltorch/spiraltorch.h"

typedef struct st_sink_options {
    const char *command;
    const char *prefix; /* -o; NULL: standard output */
    int32_t json;
    int32_t labels;         /* results carry labels, shown in place of the index */
    const char *label_name; /* the header of that column */
    st_dtype dtype;
    int64_t width; /* elements of every row; -1: each row its own (compact) */
    int64_t rows;  /* -1: not known until the end */
    int64_t cols;  /* elements of an input row, for the table's columns; -1: not known */
    int64_t inner; /* rows beside each other in the output array: 1 but for an axis that is not the last */
    int32_t dims;  /* shape of the .npy files, where width >= 0 and rows are known */
    int64_t shape[8];
    st_progress *progress; /* taken away before anything is printed */
} st_sink_options;

typedef struct st_sink {
    st_sink_options options;
    int32_t form;
    int32_t deferred; /* gathered in spills, and written out at the end */
    int64_t row;      /* the next row */
    int64_t position; /* elements of it so far */
    int64_t elements;
    int32_t header; /* printed */
    int widths[4];
    st_spill values, indices, labels, counts;
    char *folder;
    st_npy_writer *values_writer, *indices_writer;
    char *block; /* an output block, turned into the array's order */
    uint64_t block_bytes;
} st_sink;

/* As in input.h: calls print errors and return an exit status or ST_CLI_GO. st_sink_close undoes what is not finished.
 */
int st_sink_open(st_sink *sink, const st_sink_options *options);

/* `rows` whole rows of `width` elements, packed, following the last. */
int st_sink_rows(st_sink *sink, int64_t rows, const void *values, const int64_t *indices, const char *const *labels);

/* Part of the present row; and its end. For width -1. */
int st_sink_piece(st_sink *sink, int64_t count, const void *values, const int64_t *indices, const char *const *labels);
int st_sink_end_row(st_sink *sink);

/* Everything is there: writes what waits, gives files their names. */
int st_sink_finish(st_sink *sink);
void st_sink_close(st_sink *sink);

#endif
