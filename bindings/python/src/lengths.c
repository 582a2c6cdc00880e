/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* lengths.c - lengths=, which is copied, because the caller's memory may be of any integer dtype and stride. */
#include "lengths.h"

#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "narrow.h"

static int64_t whole(st_dtype dtype, const char *at) {
    uint64_t bits;
    if (dtype != ST_I64 && dtype != ST_U64) return (int64_t)st_py_load(dtype, at);
    memcpy(&bits, at, sizeof bits);
    return dtype == ST_U64 && bits > INT64_MAX ? INT64_MAX : (int64_t)bits;
}

static int read_array(const st_py_array *given, const st_py_rows *rows, int64_t *lengths) {
    int same = given->dims == rows->dims;
    for (int32_t i = 0; i < rows->dims && same; i++) same = given->shape[i] == rows->shape[i];
    if (!same) {
        PyErr_SetString(PyExc_ValueError, "lengths: has another shape than the rows: that of x without the axis that is ranked");
        return -1;
    }
    if (st_py_is_float(given->dtype)) {
        PyErr_Format(PyExc_TypeError, "lengths: expected integers, got %s", st_py_dtype_name(given->dtype));
        return -1;
    }
    st_py_walk walk;
    st_py_rows view = *rows;
    static const int64_t zeros[ST_PY_MOST_DIMS];
    int64_t at[ST_PY_MOST_DIMS] = {0}, offsets[ST_PY_OPERANDS] = {0};
    memcpy(view.strides, given->strides, sizeof view.strides);
    st_py_walk_of(&view, zeros, zeros, &walk);
    if (st_py_rows_count(rows) == 0) return 0;
    do lengths[offsets[ST_PY_ORDINAL]] = whole(given->dtype, given->data + offsets[ST_PY_INPUT] * st_dtype_size(given->dtype));
    while (st_py_walk_next(&walk, -1, at, offsets));
    return 0;
}

static int read_sequence(PyObject *given, const st_py_rows *rows, int64_t *lengths) {
    const Py_ssize_t count = PySequence_Size(given);
    if (count < 0) return -1;
    if (rows->dims != 1 || count != rows->shape[0]) {
        PyErr_Format(PyExc_ValueError, "lengths: %zd integers are not one for each row; for more than one axis of rows, give an array", count);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PySequence_GetItem(given, i);
        const int failed = item == NULL || st_py_read_integer(item, "lengths", &lengths[i]) < 0;
        Py_XDECREF(item);
        if (failed) return -1;
    }
    return 0;
}

static int check(const st_py_rows *rows, const int64_t *lengths) {
    const int64_t count = st_py_rows_count(rows);
    for (int64_t i = 0; i < count; i++) {
        if (lengths[i] >= 0 && lengths[i] <= rows->cols) continue;
        PyErr_Format(PyExc_ValueError, "lengths: %lld, of row %lld, is not in 0 to %lld, the elements of a row", (long long)lengths[i],
                     (long long)i, (long long)rows->cols);
        return -1;
    }
    return 0;
}

int st_py_lengths_read(st_py_state *state, PyObject *given, const st_py_rows *rows, int64_t **lengths) {
    st_py_array array;
    int failed;
    if (given == NULL || given == Py_None) return 0;
    *lengths = malloc((size_t)st_py_rows_count(rows) * sizeof **lengths + 1);
    if (*lengths == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (PyList_Check(given) || PyTuple_Check(given)) {
        failed = read_sequence(given, rows, *lengths) < 0;
    } else {
        if (st_py_array_import(state, given, "lengths", 0, &array) < 0) return -1;
        failed = read_array(&array, rows, *lengths) < 0;
        st_py_array_release(&array);
    }
    return failed ? -1 : check(rows, *lengths);
}
