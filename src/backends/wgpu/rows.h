/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * rows.h - rows between a caller's memory, however they lie there, and a device's, where one follows the other.
 *
 * A packed matrix is taken in spans of elements, counted row by row, so that it can go through a small buffer.
 */
#ifndef ST_WGPU_ROWS_H
#define ST_WGPU_ROWS_H

#include <stddef.h>

#include "spiraltorch/rank.h"

/* Rows of an execution on a caller's memory, from one position of the output on. */
typedef struct st_wgpu_rows {
    const st_rank_request *request;
    const st_rank_buffers *buffers; /* checked */
    int64_t first;
} st_wgpu_rows;

/* The address of the first row where `count` rows lie packed already; else NULL. */
const void *st_wgpu_rows_in_place(const st_wgpu_rows *rows, int64_t count);

/* Copies elements [from, from + count) of the packed rows to target. */
void st_wgpu_rows_pack(const st_wgpu_rows *rows, int64_t from, int64_t count, void *target);

/* The lengths of `count` rows; cols where there are none. */
void st_wgpu_rows_lengths(const st_wgpu_rows *rows, int64_t count, uint32_t *target);

/* Copies elements [from, from + count) of the packed output rows to where the caller wants them: values, or indices. */
void st_wgpu_rows_put_values(const st_wgpu_rows *rows, int64_t from, int64_t count, const void *source);
void st_wgpu_rows_put_indices(const st_wgpu_rows *rows, int64_t from, int64_t count, const void *source);

/*
 * The lowest input row with a NaN among all rows of the execution, and its lowest column; 0 where there is none (another
 * thread may have changed the input since a device saw one).
 */
int st_wgpu_rows_find_nan(const st_rank_request *request, const st_rank_buffers *buffers, int64_t *row, int64_t *column);

#endif
