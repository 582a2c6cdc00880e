/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* banding.c - band_compact: counted first, so that the results are made as large as they must be, and then gathered. */
#include "banding.h"

#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "bounds.h"
#include "outcomes.h"

typedef struct band {
    st_py_array x;
    st_py_rows rows;
    st_py_walk walk;
    int32_t inner; /* the axis of the engine's rows: the last, in which results follow each other */
    st_band_request request;
    uint64_t lower, upper;
    int64_t *again; /* counts of the second pass */
} band;

/* Counts and gathers, or counts alone where values is NULL: one call for each step of the axes outside. */
static st_status compact(st_context *engine, const band *made, int64_t *counts, char *values, int64_t *indices, int64_t capacity) {
    const int64_t size = st_dtype_size(made->x.dtype);
    int64_t at[ST_PY_MOST_DIMS] = {0}, offsets[ST_PY_OPERANDS] = {0}, taken = 0;
    st_status status;
    if (st_py_rows_count(&made->rows) == 0) return ST_OK;
    do {
        int64_t *here = counts + offsets[ST_PY_ORDINAL];
        const st_band_buffers buffers = {.struct_size = sizeof buffers,
                                         .input = made->rows.data + offsets[ST_PY_INPUT] * size,
                                         .counts = here,
                                         .values = values == NULL ? NULL : values + taken * size,
                                         .indices = indices == NULL ? NULL : indices + taken,
                                         .capacity = capacity - taken};
        status = st_band_compact(engine, &made->request, &buffers);
        for (int64_t i = 0; i < made->request.rows && status == ST_OK; i++) taken += here[i];
    } while (status == ST_OK && st_py_walk_next(&made->walk, made->inner, at, offsets));
    return status;
}

static int compact_released(st_py_state *state, const band *made, int64_t *counts, char *values, int64_t *indices, int64_t capacity) {
    st_py_context *context = st_py_context_enter(state);
    st_status status;
    if (context == NULL) return -1;
    Py_BEGIN_ALLOW_THREADS
    status = compact(st_py_context_engine(context), made, counts, values, indices, capacity);
    Py_END_ALLOW_THREADS
    if (status == ST_E_CAPACITY) st_py_raise_error(state, ST_E_STATE, "x: was changed while it was read", NULL);
    else if (status != ST_OK) st_py_raise(state, status);
    return st_py_context_leave(context) < 0 || status != ST_OK ? -1 : 0;
}

static int prepare(const st_py_state *state, band *made, PyObject *lower, PyObject *upper, PyObject *dim, int32_t *axis) {
    static const int64_t zeros[ST_PY_MOST_DIMS];
    *axis = ST_PY_FLAT;
    if (dim != Py_None && st_py_read_axis(dim, "dim", made->x.dims, axis) < 0) return -1;
    if (st_py_read_bounds(lower, upper, made->x.dtype, &made->lower, &made->upper) < 0) return -1;
    const st_status status = st_py_rows_open(&made->x, *axis, &made->rows);
    if (status != ST_OK) {
        st_py_raise(state, status);
        return -1;
    }
    st_py_walk_of(&made->rows, zeros, zeros, &made->walk);
    made->inner = made->walk.dims - 1;
    made->request = (st_band_request){.struct_size = sizeof made->request,
                                      .dtype = made->x.dtype,
                                      .index_dtype = ST_I64,
                                      .rows = made->inner < 0 ? 1 : made->walk.shape[made->inner],
                                      .cols = made->rows.cols,
                                      .row_stride = made->inner < 0 ? made->rows.cols : made->walk.strides[ST_PY_INPUT][made->inner],
                                      .col_stride = made->rows.cols > 1 ? made->rows.col_stride : 1,
                                      .lower = &made->lower,
                                      .upper = &made->upper};
    return 0;
}

/* Fills values and indices for counts that are known; rows that changed meanwhile would leave places unfilled. */
static int gather(st_py_state *state, band *made, const int64_t *counts, st_py_outcome *values, st_py_outcome *indices) {
    const int64_t rows = st_py_rows_count(&made->rows);
    int64_t total = 0;
    for (int64_t i = 0; i < rows; i++) total += counts[i];
    if (st_py_outcome_make(state, &made->x, made->x.dtype, 1, &total, values) < 0 ||
        st_py_outcome_make(state, &made->x, ST_I64, 1, &total, indices) < 0)
        return -1;
    if (total == 0) return 0;
    made->again = malloc((size_t)rows * sizeof *made->again);
    if (made->again == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (compact_released(state, made, made->again, values->array.data, (int64_t *)(void *)indices->array.data, total) < 0) return -1;
    if (memcmp(made->again, counts, (size_t)rows * sizeof *counts) == 0) return 0;
    st_py_raise_error(state, ST_E_STATE, "x: was changed while it was read", NULL);
    return -1;
}

PyObject *st_py_band_compact(PyObject *module, PyObject *arguments, PyObject *words) {
    static char *names[] = {"x", "lower", "upper", "dim", "device", NULL};
    PyObject *given, *lower, *upper, *dim = NULL, *device = NULL, *result = NULL;
    st_py_state *state = st_py_state_of(module);
    st_py_outcome values = {.object = NULL}, indices = {.object = NULL}, counts = {.object = NULL};
    int64_t shape[ST_PY_MOST_DIMS];
    int32_t axis = 0;
    const char *id;
    band made;
    if (!PyArg_ParseTupleAndKeywords(arguments, words, "OOO|O$O:band_compact", names, &given, &lower, &upper, &dim, &device)) return NULL;
    if (st_py_read_device(device, &id) < 0) return NULL;
    if (st_py_array_import(state, given, "x", 0, &made.x) < 0) return NULL;
    made.rows.gathered = NULL;
    made.again = NULL;
    int failed = prepare(state, &made, lower, upper, dim == NULL && made.x.dims == 0 ? Py_None : dim, &axis) < 0;
    if (!failed) {
        made.request.device = id;
        memcpy(shape, made.rows.shape, sizeof shape);
        failed = st_py_outcome_make(state, &made.x, ST_I64, made.rows.dims, shape, &counts) < 0;
    }
    if (!failed) {
        int64_t *found = (int64_t *)(void *)counts.array.data;
        failed = compact_released(state, &made, found, NULL, NULL, 0) < 0 || gather(state, &made, found, &values, &indices) < 0;
    }
    if (!failed) {
        PyObject *first = st_py_outcome_finish(state, &made.x, &values);
        PyObject *second = first == NULL ? NULL : st_py_outcome_finish(state, &made.x, &indices);
        PyObject *items[] = {first, second, second == NULL ? NULL : st_py_outcome_finish(state, &made.x, &counts)};
        result = st_py_named_tuple(state->band, 3, items);
    }
    free(made.again);
    st_py_outcome_drop(&counts);
    st_py_outcome_drop(&indices);
    st_py_outcome_drop(&values);
    st_py_rows_close(&made.rows);
    st_py_array_release(&made.x);
    return result;
}
