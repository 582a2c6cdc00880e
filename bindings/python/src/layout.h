/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * layout.h - an array of many axes as the rows that the engine takes, without a copy; and strided copies where there is no other
 * way. Plain C: the GIL need not be held.
 */
#ifndef ST_PY_LAYOUT_H
#define ST_PY_LAYOUT_H

#include "arrays.h"

/* The axis that means all elements of an array, in C order, as one row. */
enum { ST_PY_FLAT = -1 };

/* The rows along one axis: the other axes are those of the batch, in their order. Strides are in elements. */
typedef struct st_py_rows {
    const char *data;
    int64_t cols, col_stride;
    int32_t dims;
    int64_t shape[ST_PY_MOST_DIMS], strides[ST_PY_MOST_DIMS];
    void *gathered; /* a copy that had to be made, or NULL */
} st_py_rows;

/* Sets the rows of an array along an axis, or ST_PY_FLAT. ST_E_MEMORY: elements that lie in no one stride had to be gathered. */
st_status st_py_rows_open(const st_py_array *array, int32_t axis, st_py_rows *rows);
void st_py_rows_close(st_py_rows *rows);

/* Rows in all. */
int64_t st_py_rows_count(const st_py_rows *rows);

/*
 * Where results go: an element of `size` bytes for each rank and row. Strides of the batch are for the axes of st_py_rows.
 * data NULL: not wanted.
 */
typedef struct st_py_target {
    char *data;
    int64_t size, rank_stride;
    int64_t strides[ST_PY_MOST_DIMS];
} st_py_target;

/* Axes that several operands go through together, neighbours joined wherever all of them can. */
enum { ST_PY_INPUT = 0, ST_PY_VALUES = 1, ST_PY_INDICES = 2, ST_PY_ORDINAL = 3, ST_PY_OPERANDS = 4 };
typedef struct st_py_walk {
    int32_t dims;
    int64_t shape[ST_PY_MOST_DIMS];
    int64_t strides[ST_PY_OPERANDS][ST_PY_MOST_DIMS]; /* in elements; ST_PY_ORDINAL: the number of a row, in C order */
} st_py_walk;

void st_py_walk_of(const st_py_rows *rows, const int64_t *values, const int64_t *indices, st_py_walk *walk);

/*
 * Goes on to the next place of all axes but `inner` (-1: none is left out): at[] counts, offsets[] are the operands' elements
 * from the first. Start with zeros; 0 where there are no more.
 */
int st_py_walk_next(const st_py_walk *walk, int32_t inner, int64_t *at, int64_t *offsets);

/* Copies elements of `size` bytes between two layouts of one shape; strides in elements. */
void st_py_copy(int32_t dims, const int64_t *shape, int64_t size, const char *from, const int64_t *from_strides, char *to,
                const int64_t *to_strides);

#endif
