/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* layout.c - axes joined and walked through, so that one call of the engine takes as many rows as its strides allow. */
#include "layout.h"

#include <stdlib.h>
#include <string.h>

/* ---- joining axes -------------------------------------------------------------------------------------------------------- */

void st_py_walk_of(const st_py_rows *rows, const int64_t *values, const int64_t *indices, st_py_walk *walk) {
    int64_t ordinals[ST_PY_MOST_DIMS];
    const int64_t *const operands[ST_PY_OPERANDS] = {rows->strides, values, indices, ordinals};
    st_py_packed_strides(rows->dims, rows->shape, ordinals);
    int32_t dims = 0;
    for (int32_t i = 0; i < rows->dims; i++) {
        if (rows->shape[i] == 1) continue;
        int joins = dims > 0;
        for (int32_t o = 0; o < ST_PY_OPERANDS && joins; o++)
            joins = walk->strides[o][dims - 1] == operands[o][i] * rows->shape[i];
        if (!joins) walk->shape[dims++] = 1;
        walk->shape[dims - 1] *= rows->shape[i];
        for (int32_t o = 0; o < ST_PY_OPERANDS; o++) walk->strides[o][dims - 1] = operands[o][i];
    }
    walk->dims = dims;
}

int st_py_walk_next(const st_py_walk *walk, int32_t inner, int64_t *at, int64_t *offsets) {
    for (int32_t i = walk->dims - 1; i >= 0; i--) {
        if (i == inner) continue;
        const int64_t steps = ++at[i] < walk->shape[i] ? 1 : 1 - walk->shape[i];
        for (int32_t o = 0; o < ST_PY_OPERANDS; o++) offsets[o] += steps * walk->strides[o][i];
        if (steps == 1) return 1;
        at[i] = 0;
    }
    return 0;
}

/* ---- copies -------------------------------------------------------------------------------------------------------------- */

#define COPY_LINE(bytes) \
    for (int64_t i = 0; i < count; i++) memcpy(to + i * to_step, from + i * from_step, bytes)

static void copy_line(int64_t count, int64_t size, const char *from, int64_t from_step, char *to, int64_t to_step) {
    if (size == 1) COPY_LINE(1);
    else if (size == 2) COPY_LINE(2);
    else if (size == 4) COPY_LINE(4);
    else COPY_LINE(8);
}

#undef COPY_LINE

void st_py_copy(int32_t dims, const int64_t *shape, int64_t size, const char *from, const int64_t *from_strides, char *to,
                const int64_t *to_strides) {
    if (dims == 0) {
        memcpy(to, from, (size_t)size);
        return;
    }
    if (dims == 1) {
        copy_line(shape[0], size, from, from_strides[0] * size, to, to_strides[0] * size);
        return;
    }
    for (int64_t i = 0; i < shape[0]; i++)
        st_py_copy(dims - 1, shape + 1, size, from + i * from_strides[0] * size, from_strides + 1, to + i * to_strides[0] * size,
                   to_strides + 1);
}

/* ---- rows ---------------------------------------------------------------------------------------------------------------- */

/* All elements as one row: where they lie in one stride, as they are. */
static st_status flatten(const st_py_array *array, st_py_rows *rows) {
    int64_t cols = 1, stride = 1, packed[ST_PY_MOST_DIMS];
    int is_regular = 1, has_stride = 0;
    for (int32_t i = array->dims - 1; i >= 0; i--) {
        if (array->shape[i] != 1 && !has_stride) stride = array->strides[i];
        else if (array->shape[i] != 1) is_regular = is_regular && array->strides[i] == stride * cols;
        has_stride = has_stride || array->shape[i] != 1;
        cols *= array->shape[i];
    }
    rows->cols = cols;
    rows->col_stride = stride;
    if (is_regular || cols == 0) return ST_OK;
    const int64_t size = st_dtype_size(array->dtype);
    rows->gathered = malloc((size_t)(cols * size));
    if (rows->gathered == NULL) return st_backend_fail(ST_E_MEMORY, "no memory to gather the elements of x in one row");
    st_py_packed_strides(array->dims, array->shape, packed);
    st_py_copy(array->dims, array->shape, size, array->data, array->strides, rows->gathered, packed);
    rows->data = rows->gathered;
    rows->col_stride = 1;
    return ST_OK;
}

st_status st_py_rows_open(const st_py_array *array, int32_t axis, st_py_rows *rows) {
    rows->data = array->data;
    rows->gathered = NULL;
    rows->dims = 0;
    if (axis == ST_PY_FLAT) return flatten(array, rows);
    rows->cols = array->shape[axis];
    rows->col_stride = array->strides[axis];
    for (int32_t i = 0; i < array->dims; i++) {
        if (i == axis) continue;
        rows->shape[rows->dims] = array->shape[i];
        rows->strides[rows->dims++] = array->strides[i];
    }
    return ST_OK;
}

void st_py_rows_close(st_py_rows *rows) { free(rows->gathered); }

int64_t st_py_rows_count(const st_py_rows *rows) {
    int64_t count = 1;
    for (int32_t i = 0; i < rows->dims; i++) count *= rows->shape[i];
    return count;
}
