/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* rank_job.h - one run of topk, midk, bottomk or window, and the ways to do it in little memory. */
#ifndef ST_CLI_RANK_JOB_H
#define ST_CLI_RANK_JOB_H

#include <stddef.h>
#include <stdint.h>

#include "input.h"
#include "sink.h"
#include "spiraltorch/spiraltorch.h"

/* Bytes of input, or of state, that one step may hold. */
enum { ST_JOB_BUDGET = 16 << 20 };

/* More numbers than any text can hold: a larger K is known to be too large only when the text has ended. */
#define ST_JOB_MOST_NUMBERS (INT64_C(1) << 56)

typedef struct st_rank_job {
    const char *command;
    const char *device;
    int32_t quiet;
    int32_t kind, nan_rule, order, descending;
    int64_t k, lo, hi; /* k for all kinds but ST_WINDOW, lo and hi for that */
    int64_t width;     /* elements of a row of output */
    st_context *context;
    st_input input;
    st_sink sink;
    st_dtype dtype;
    int64_t size;               /* bytes of an element */
    int64_t outer, cols, inner; /* the array is outer x cols x inner, ranked along cols; outer -1: not known */
} st_rank_job;

/* The window of a row of n elements: ranks [lo, hi) in a direction. */
void st_job_window(const st_rank_job *job, int64_t n, int64_t *lo, int64_t *hi, int32_t *descending);

/* malloc with overflow check; prints and returns NULL. count 0 gives one byte. */
void *st_job_allocate(const st_rank_job *job, int64_t count, int64_t size);

/*
 * A failed library call, or a NaN under --nan error at a row and a place along it. Both print and return an exit
 * status.
 */
int st_job_fail(st_rank_job *job, st_status status);
int st_job_nan(st_rank_job *job, int64_t row, int64_t index);

/* Says on standard error that something must be held, unless --quiet. */
void st_job_note(st_rank_job *job, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* `rows` rows in memory that follow one another in the input, the first of them row `first_row`. */
typedef struct st_job_rows {
    const void *elements;
    int64_t rows, cols;
    int64_t row_stride, col_stride;
    int64_t first_row;
    int64_t first_col; /* where these columns begin in the whole row: for messages alone */
    int32_t *has_nan;  /* set to 1 in place of the message for a NaN under --nan error; NULL: the message */
} st_job_rows;

/* Ranks rows in memory as the job says (their cols are the whole row), packed. */
int st_job_select(st_rank_job *job, const st_job_rows *rows, void *values, int64_t *indices);

/* The same with a window and an order of one's own. */
int st_job_select_window(st_rank_job *job, const st_job_rows *rows, int64_t lo, int64_t hi, int32_t order, void *values,
                         int64_t *indices);

/*
 * Reads the input from here to its end in whole units of `unit` elements; gives take() one or more of them at a time,
 * numbered from 0, straight from the reader's memory where they lie there whole.
 */
int st_job_units(st_rank_job *job, int64_t unit,
                 int (*take)(st_rank_job *job, const void *elements, int64_t units, int64_t first, void *argument),
                 void *argument);

/* Columns [column, column + columns) of slices [slice, slice + slices) of slab `outer`, in a file. */
typedef struct st_job_tile {
    int64_t outer;
    int64_t slice, slices;
    int64_t column, columns;
} st_job_tile;

/* Reads a tile, packed slice by slice. scratch: room for `room` elements, which whole slices are read into. */
int st_job_read_tile(st_rank_job *job, const st_job_tile *tile, void *to, void *scratch, int64_t room);

/* What reading tiles of so many columns over all slices of a slab takes from the file, in bytes. */
int64_t st_job_tile_bytes(const st_rank_job *job, int64_t columns);

/* Reads a file slab by slab, in tiles of `columns` whole columns, and gives each tile to take() as rows. */
int st_job_tiles(st_rank_job *job, int64_t columns,
                 int (*take)(st_rank_job *job, const st_job_rows *rows, void *argument), void *argument);

/* A row that is too long to hold, and can be read several times. begin: from its start; next: count 0 at the end. */
typedef struct st_job_feed {
    int (*begin)(st_rank_job *job, struct st_job_feed *feed, const char *what);
    int (*next)(st_rank_job *job, struct st_job_feed *feed, const void **elements, int64_t *count);
    int64_t row;
    int64_t at;    /* elements handed out in this pass */
    void *scratch; /* a block */
    int64_t room;  /* elements of it */
} st_job_feed;

/* Ranks one such row of n elements in a few passes, and in memory for the result; gives it to the sink. */
int st_job_passes(st_rank_job *job, st_job_feed *feed, int64_t n, void *values, int64_t *indices);

/* The strategies: arrays along the last axis, along another, and text. Each fills the sink; none finishes it. */
int st_job_last_axis(st_rank_job *job);
int st_job_other_axis(st_rank_job *job);
int st_job_text(st_rank_job *job);

#endif
