/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* ranking.c - topk, top_k, topk2d, midk2d, bottomk2d and rank_window: from arguments to a selection, and to a TopK. */
#include "ranking.h"

#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "lengths.h"
#include "outcomes.h"
#include "selecting.h"

/* A call's arguments, borrowed: NULL where one was not given. */
typedef struct question {
    int32_t kind, descending, is_2d;
    const char *axis_name;
    PyObject *x, *dim, *k, *lo, *hi, *sorted, *nan, *lengths, *device, *out;
} question;

/* What a call holds while it lasts. */
typedef struct call {
    st_py_array x;
    st_py_rows rows;
    int32_t axis;
    int64_t *lengths;
    st_py_outcome values, indices;
    st_py_selection selection;
} call;

static int find_axis(const question *asked, call *made) {
    const int32_t dims = made->x.dims;
    if (asked->is_2d && dims != 2) {
        PyErr_Format(PyExc_ValueError, "x: has %d axes; this function takes 2, rows and columns", dims);
        return -1;
    }
    made->axis = ST_PY_FLAT;
    if (asked->dim == Py_None) return 0;
    if (dims > 0) return st_py_read_axis(asked->dim, asked->axis_name, dims, &made->axis);
    PyErr_Format(PyExc_ValueError, "x: is a single element, which has no axis to rank along; give %s=None", asked->axis_name);
    return -1;
}

/* The number of a rank, in [0, most]. */
static int read_rank(PyObject *value, const char *name, int64_t most, int64_t *number) {
    if (st_py_read_integer(value, name, number) < 0) return -1;
    if (*number >= 0 && *number <= most) return 0;
    PyErr_Format(PyExc_ValueError, "%s: %lld is not in 0 to %lld, the elements that are ranked", name, (long long)*number, (long long)most);
    return -1;
}

static int read_ranks(const question *asked, const call *made, st_rank_request *request) {
    if (asked->kind != ST_WINDOW) return read_rank(asked->k, "k", made->rows.cols, &request->k);
    request->descending = asked->descending;
    if (read_rank(asked->lo, "lo", made->rows.cols, &request->lo) < 0 || read_rank(asked->hi, "hi", made->rows.cols, &request->hi) < 0)
        return -1;
    if (request->lo <= request->hi) return 0;
    PyErr_Format(PyExc_ValueError, "hi: %lld is less than lo, %lld", (long long)request->hi, (long long)request->lo);
    return -1;
}

static int read_options(const question *asked, st_py_selection *selection) {
    int is_sorted;
    if (st_py_read_flag(asked->sorted, 1, &is_sorted) < 0) return -1;
    selection->request.order = is_sorted ? ST_SORTED : ST_UNSORTED;
    if (asked->nan != NULL && st_py_read_word(asked->nan, "nan", st_py_nan_words, &selection->request.nan_rule) < 0) return -1;
    return st_py_read_device(asked->device, &selection->device);
}

static int take_outcomes(st_py_state *state, const question *asked, call *made, int32_t dims, const int64_t *shape) {
    if (!PySequence_Check(asked->out) || PySequence_Size(asked->out) != 2) {
        PyErr_Clear();
        PyErr_SetString(PyExc_TypeError, "out: expected a pair of arrays, values and indices");
        return -1;
    }
    PyObject *values = PySequence_GetItem(asked->out, 0), *indices = values == NULL ? NULL : PySequence_GetItem(asked->out, 1);
    const int failed = indices == NULL || st_py_outcome_take(state, values, "out[0]", made->x.dtype, dims, shape, &made->values) < 0 ||
                       st_py_outcome_take(state, indices, "out[1]", ST_I64, dims, shape, &made->indices) < 0 ||
                       st_py_check_apart(&made->values.array, "out[0]", &made->x, "x") < 0 ||
                       st_py_check_apart(&made->indices.array, "out[1]", &made->x, "x") < 0 ||
                       st_py_check_apart(&made->indices.array, "out[1]", &made->values.array, "out[0]") < 0;
    Py_XDECREF(values);
    Py_XDECREF(indices);
    if (failed) return -1;
    made->selection.request.index_dtype = made->indices.array.dtype;
    if (made->indices.array.dtype == ST_I64 || made->rows.cols <= INT32_MAX) return 0;
    PyErr_SetString(PyExc_TypeError, "out[1]: int32 cannot hold the indices of so many elements; give int64");
    return -1;
}

static int open_outcomes(st_py_state *state, const question *asked, call *made) {
    int64_t shape[ST_PY_MOST_DIMS];
    const int32_t dims = made->axis == ST_PY_FLAT ? 1 : made->x.dims;
    memcpy(shape, made->x.shape, sizeof shape);
    shape[made->axis == ST_PY_FLAT ? 0 : made->axis] = st_py_selection_width(&made->selection);
    if (asked->out != NULL && asked->out != Py_None) return take_outcomes(state, asked, made, dims, shape);
    if (st_py_outcome_make(state, &made->x, made->x.dtype, dims, shape, &made->values) < 0) return -1;
    return st_py_outcome_make(state, &made->x, ST_I64, dims, shape, &made->indices);
}

static int prepare(st_py_state *state, const question *asked, call *made) {
    if (find_axis(asked, made) < 0) return -1;
    const st_status status = st_py_rows_open(&made->x, made->axis, &made->rows);
    if (status != ST_OK) {
        st_py_raise(state, status);
        return -1;
    }
    st_py_selection_start(&made->selection, asked->kind, made->x.dtype, &made->rows);
    if (read_ranks(asked, made, &made->selection.request) < 0 || read_options(asked, &made->selection) < 0) return -1;
    if (st_py_lengths_read(state, asked->lengths, &made->rows, &made->lengths) < 0) return -1;
    made->selection.lengths = made->lengths;
    if (open_outcomes(state, asked, made) < 0) return -1;
    st_py_target_of(&made->values, made->axis, &made->selection.values);
    st_py_target_of(&made->indices, made->axis, &made->selection.indices);
    return 0;
}

static PyObject *answer(PyObject *module, const question *asked) {
    st_py_state *state = st_py_state_of(module);
    call made;
    PyObject *result = NULL;
    if (st_py_array_import(state, asked->x, "x", 0, &made.x) < 0) return NULL;
    made.rows.gathered = NULL;
    made.lengths = NULL;
    made.values.object = made.indices.object = NULL;
    if (prepare(state, asked, &made) == 0 && st_py_select_released(state, &made.selection) == 0) {
        PyObject *values = st_py_outcome_finish(state, &made.x, &made.values);
        PyObject *items[] = {values, values == NULL ? NULL : st_py_outcome_finish(state, &made.x, &made.indices)};
        result = st_py_named_tuple(state->topk, 2, items);
    }
    st_py_outcome_drop(&made.indices);
    st_py_outcome_drop(&made.values);
    free(made.lengths);
    st_py_rows_close(&made.rows);
    st_py_array_release(&made.x);
    return result;
}

/* ---- the functions ------------------------------------------------------------------------------------------------------- */

#define NAME(name) ST_PY_NAME_##name

PyObject *st_py_topk(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords) {
    static const st_py_signature signature = {
        "topk", 0, 5, 2, 9,
        {NAME(x), NAME(k), NAME(dim), NAME(largest), NAME(sorted), NAME(nan), NAME(lengths), NAME(device), NAME(out)}};
    PyObject *v[ST_PY_MOST_ARGUMENTS];
    int is_largest;
    if (st_py_read_arguments(st_py_state_of(module), &signature, arguments, count, keywords, v) < 0) return NULL;
    if (st_py_read_flag(v[3], 1, &is_largest) < 0) return NULL;
    const question asked = {.kind = is_largest ? ST_TOPK : ST_BOTTOMK, .axis_name = "dim", .x = v[0], .k = v[1], .dim = v[2],
                            .sorted = v[4], .nan = v[5], .lengths = v[6], .device = v[7], .out = v[8]};
    return answer(module, &asked);
}

PyObject *st_py_top_k(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords) {
    static const st_py_signature signature = {"top_k", 2, 2, 2, 4, {NAME(x), NAME(k), NAME(axis), NAME(mode)}};
    static const char *const modes[] = {"largest", "smallest", NULL};
    PyObject *v[ST_PY_MOST_ARGUMENTS];
    int32_t mode;
    if (st_py_read_arguments(st_py_state_of(module), &signature, arguments, count, keywords, v) < 0) return NULL;
    if (st_py_read_word(v[3], "mode", modes, &mode) < 0) return NULL;
    const question asked = {.kind = mode == 0 ? ST_TOPK : ST_BOTTOMK, .axis_name = "axis", .x = v[0], .k = v[1], .dim = v[2]};
    return answer(module, &asked);
}

static PyObject *answer_2d(PyObject *module, const char *function, int32_t kind, PyObject *const *arguments, Py_ssize_t count,
                           PyObject *keywords) {
    const st_py_signature signature = {function, 0, 2, 2, 7, {NAME(x), NAME(k), NAME(sorted), NAME(nan), NAME(lengths), NAME(device), NAME(out)}};
    PyObject *v[ST_PY_MOST_ARGUMENTS];
    if (st_py_read_arguments(st_py_state_of(module), &signature, arguments, count, keywords, v) < 0) return NULL;
    const question asked = {.kind = kind, .is_2d = 1, .x = v[0], .k = v[1], .sorted = v[2], .nan = v[3], .lengths = v[4], .device = v[5],
                            .out = v[6]};
    return answer(module, &asked);
}

PyObject *st_py_topk2d(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords) {
    return answer_2d(module, "topk2d", ST_TOPK, arguments, count, keywords);
}

PyObject *st_py_midk2d(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords) {
    return answer_2d(module, "midk2d", ST_MIDK, arguments, count, keywords);
}

PyObject *st_py_bottomk2d(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords) {
    return answer_2d(module, "bottomk2d", ST_BOTTOMK, arguments, count, keywords);
}

PyObject *st_py_rank_window(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords) {
    static const st_py_signature signature = {
        "rank_window", 0, 6, 3, 10,
        {NAME(x), NAME(lo), NAME(hi), NAME(dim), NAME(descending), NAME(sorted), NAME(nan), NAME(lengths), NAME(device), NAME(out)}};
    PyObject *v[ST_PY_MOST_ARGUMENTS];
    int is_descending;
    if (st_py_read_arguments(st_py_state_of(module), &signature, arguments, count, keywords, v) < 0) return NULL;
    if (st_py_read_flag(v[4], 0, &is_descending) < 0) return NULL;
    const question asked = {.kind = ST_WINDOW, .descending = is_descending, .axis_name = "dim", .x = v[0], .lo = v[1], .hi = v[2],
                            .dim = v[3], .sorted = v[5], .nan = v[6], .lengths = v[7], .device = v[8], .out = v[9]};
    return answer(module, &asked);
}
