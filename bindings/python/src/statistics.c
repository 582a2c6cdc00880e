/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * statistics.c - quantiles and trimmed means: which elements of the order are needed, rows with NaN apart from the others, and
 * the numbers that come of them.
 */
#include "statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "narrow.h"
#include "outcomes.h"
#include "quantile_points.h"
#include "selecting.h"

/* What a NaN makes of its row: NaN; nothing, the row is ranked without it; or an error. */
enum { PROPAGATE = 0, OMIT = 1, REFUSE = 2 };
static const char *const nan_words[] = {"propagate", "omit", "error", NULL};

/* From so many quantiles on, one sorted window that has them all in it is cheaper than a selection for each. */
enum { ONE_WINDOW = 8 };

/* Elements that one selection of a trimmed mean may hold, for all rows together. */
static const int64_t MOST_HELD = 1 << 24;

typedef struct job job;

/* Computes the results of rows of which the n least elements count; result (i, row) goes to `to`, i * rows + row elements on. */
typedef st_status (*compute)(st_context *engine, const job *work, const st_py_rows *rows, int64_t n, char *to, int64_t step);

struct job {
    st_dtype dtype, result;
    const char *device;
    int32_t nan, method;
    int64_t count; /* results of a row */
    const double *q;
    double cut;
    compute compute;
};

/* ---- selections ---------------------------------------------------------------------------------------------------------- */

/* The ascending ranks [lo, hi) of every row, packed. *values is for free(). */
static st_status select_values(st_context *engine, const job *work, const st_py_rows *rows, int64_t lo, int64_t hi, int32_t order, char **values) {
    const int64_t size = st_dtype_size(work->dtype), width = hi - lo;
    st_py_selection selection;
    st_py_selection_start(&selection, ST_WINDOW, work->dtype, rows);
    selection.request.lo = lo;
    selection.request.hi = hi;
    selection.request.order = order;
    selection.request.nan_rule = work->nan == REFUSE ? ST_NAN_ERROR : ST_NAN_GREATEST;
    selection.device = work->device;
    *values = malloc((size_t)(st_py_rows_count(rows) * width * size) + 1);
    if (*values == NULL) return st_backend_fail(ST_E_MEMORY, "no memory for the elements that the result is made of");
    selection.values.data = *values;
    selection.values.size = size;
    selection.values.rank_stride = 1;
    st_py_packed_strides(rows->dims, rows->shape, selection.values.strides);
    for (int32_t i = 0; i < rows->dims; i++) selection.values.strides[i] *= width;
    return st_py_select(engine, &selection, NULL);
}

/* ---- quantiles ----------------------------------------------------------------------------------------------------------- */

static void put_quantile(const job *work, const char *window, int64_t first, const st_py_point *point, char *to) {
    const int64_t size = st_dtype_size(work->dtype);
    const char *below = window + (point->below - first) * size, *above = window + (point->above - first) * size;
    if (work->result == work->dtype && point->below == point->above) memcpy(to, below, (size_t)size);
    else st_py_quantile_between(work->dtype, below, above, point->way, work->result, to);
}

/* Quantiles [first, last) of every row, out of one window. */
static st_status quantiles_together(st_context *engine, const job *work, const st_py_rows *rows, int64_t n, int64_t first, int64_t last,
                                    char *to, int64_t step) {
    const int64_t rows_count = st_py_rows_count(rows), size = st_dtype_size(work->dtype), result_size = st_dtype_size(work->result);
    int64_t lo = n, hi = 0;
    char *values = NULL;
    for (int64_t i = first; i < last; i++) {
        const st_py_point point = st_py_quantile_point(work->method, work->q[i], n);
        lo = point.below < lo ? point.below : lo;
        hi = point.above + 1 > hi ? point.above + 1 : hi;
    }
    const st_status status = select_values(engine, work, rows, lo, hi, ST_SORTED, &values);
    for (int64_t i = first; i < last && status == ST_OK; i++) {
        const st_py_point point = st_py_quantile_point(work->method, work->q[i], n);
        for (int64_t row = 0; row < rows_count; row++)
            put_quantile(work, values + row * (hi - lo) * size, lo, &point, to + (i * step + row) * result_size);
    }
    free(values);
    return status;
}

static st_status compute_quantiles(st_context *engine, const job *work, const st_py_rows *rows, int64_t n, char *to, int64_t step) {
    st_status status = ST_OK;
    if (work->count > ONE_WINDOW) return quantiles_together(engine, work, rows, n, 0, work->count, to, step);
    for (int64_t i = 0; i < work->count && status == ST_OK; i++) status = quantiles_together(engine, work, rows, n, i, i + 1, to, step);
    return status;
}

/* ---- trimmed means ------------------------------------------------------------------------------------------------------- */

/* A sum with what each addition lost carried along (Neumaier 1974), as long as there is no infinity in it. */
static double mean_of(st_dtype dtype, const char *values, int64_t count) {
    const int64_t size = st_dtype_size(dtype);
    double sum = 0, lost = 0;
    for (int64_t i = 0; i < count; i++) {
        const double value = st_py_load(dtype, values + i * size), next = sum + value;
        lost += fabs(sum) >= fabs(value) ? (sum - next) + value : (value - next) + sum;
        sum = next;
    }
    return (isfinite(sum) ? sum + lost : sum) / (double)count;
}

static st_status compute_mean(st_context *engine, const job *work, const st_py_rows *rows, int64_t n, char *to, int64_t step) {
    const int64_t cut = (int64_t)(work->cut * (double)n), width = n - 2 * cut, size = st_dtype_size(work->dtype);
    const int64_t count = st_py_rows_count(rows);
    char *values = NULL;
    (void)step;
    const st_status status = select_values(engine, work, rows, cut, n - cut, ST_UNSORTED, &values);
    for (int64_t row = 0; row < count && status == ST_OK; row++)
        st_py_store(work->result, to + row * st_dtype_size(work->result), mean_of(work->dtype, values + row * width * size, width));
    free(values);
    return status;
}

/* ---- rows with NaN, and rows in portions --------------------------------------------------------------------------------- */

/* How many elements of each row are no NaN: those between the infinities. */
static st_status count_numbers(st_context *engine, const job *work, const st_py_rows *rows, int64_t *counts) {
    static const int64_t zeros[ST_PY_MOST_DIMS];
    uint64_t lower, upper;
    st_py_walk walk;
    st_status status;
    st_py_store(work->dtype, &lower, -INFINITY);
    st_py_store(work->dtype, &upper, INFINITY);
    st_py_walk_of(rows, zeros, zeros, &walk);
    const int32_t inner = walk.dims - 1; /* the one in which counts follow each other */
    const st_band_request request = {.struct_size = sizeof request, .dtype = work->dtype, .index_dtype = ST_I64,
                                     .rows = inner < 0 ? 1 : walk.shape[inner], .cols = rows->cols,
                                     .row_stride = inner < 0 ? rows->cols : walk.strides[ST_PY_INPUT][inner],
                                     .col_stride = rows->cols > 1 ? rows->col_stride : 1, .lower = &lower, .upper = &upper};
    int64_t at[ST_PY_MOST_DIMS] = {0}, offsets[ST_PY_OPERANDS] = {0};
    do {
        const st_band_buffers buffers = {.struct_size = sizeof buffers, .counts = counts + offsets[ST_PY_ORDINAL],
                                         .input = rows->data + offsets[ST_PY_INPUT] * st_dtype_size(work->dtype)};
        status = st_band_compact(engine, &request, &buffers);
    } while (status == ST_OK && st_py_walk_next(&walk, inner, at, offsets));
    return status;
}

/* One row of several, by its number in C order. */
static st_py_rows row_of(const st_py_rows *rows, int64_t number, int64_t size) {
    st_py_rows one = *rows;
    one.dims = 0;
    one.gathered = NULL;
    for (int32_t i = rows->dims - 1; i >= 0; i--) {
        one.data += number % rows->shape[i] * rows->strides[i] * size;
        number /= rows->shape[i];
    }
    return one;
}

static st_status compute_row(st_context *engine, const job *work, const st_py_rows *rows, int64_t row, int64_t n, char *to, int64_t step) {
    const int64_t result_size = st_dtype_size(work->result);
    const st_py_rows one = row_of(rows, row, st_dtype_size(work->dtype));
    if (n > 0 && (n == rows->cols || work->nan == OMIT)) return work->compute(engine, work, &one, n, to + row * result_size, step);
    for (int64_t i = 0; i < work->count; i++) st_py_store(work->result, to + (i * step + row) * result_size, NAN);
    return ST_OK;
}

static st_status compute_all(st_context *engine, const job *work, const st_py_rows *rows, char *to) {
    const int64_t count = st_py_rows_count(rows), cols = rows->cols;
    const int looks_for_nan = st_py_is_float(work->dtype) && work->nan != REFUSE;
    const int is_large = work->compute == compute_mean && cols > MOST_HELD / count;
    st_status status = ST_OK;
    int64_t *numbers = looks_for_nan ? malloc((size_t)count * sizeof *numbers) : NULL;
    if (looks_for_nan && numbers == NULL) return st_backend_fail(ST_E_MEMORY, "no memory for a count of each row's numbers");
    if (looks_for_nan) status = count_numbers(engine, work, rows, numbers);
    if (status == ST_OK && !is_large) status = work->compute(engine, work, rows, cols, to, count);
    for (int64_t row = 0; row < count && status == ST_OK; row++) {
        const int64_t n = numbers == NULL ? cols : numbers[row];
        if (is_large || n < cols) status = compute_row(engine, work, rows, row, n, to, count);
    }
    free(numbers);
    return status;
}

/* ---- arguments and the result -------------------------------------------------------------------------------------------- */

static int run(st_py_state *state, const job *work, const st_py_rows *rows, char *to) {
    st_py_context *context = st_py_context_enter(state);
    st_status status;
    if (context == NULL) return -1;
    Py_BEGIN_ALLOW_THREADS
    status = compute_all(st_py_context_engine(context), work, rows, to);
    Py_END_ALLOW_THREADS
    if (status != ST_OK) st_py_raise(state, status);
    return st_py_context_leave(context) < 0 || status != ST_OK ? -1 : 0;
}

/* The shape of the result: `lead` axes of q before those of the batch, where keepdim leaves 1 in place of what was ranked. */
static int32_t shape_of(const st_py_array *x, int32_t axis, int keeps, int64_t lead, int64_t *shape) {
    int32_t dims = 0;
    if (lead >= 0) shape[dims++] = lead;
    for (int32_t i = 0; i < x->dims; i++) {
        const int is_ranked = axis == ST_PY_FLAT || i == axis;
        if (!is_ranked || keeps) shape[dims++] = is_ranked ? 1 : x->shape[i];
    }
    return dims;
}

/* lead: the number of quantiles, where they are an axis of the result; else -1. */
static PyObject *answer(st_py_state *state, job *work, st_py_array *x, PyObject *dim, int keeps, int64_t lead) {
    int64_t shape[ST_PY_MOST_DIMS + 1];
    int32_t axis = ST_PY_FLAT;
    st_py_rows rows = {.gathered = NULL};
    st_py_outcome outcome = {.object = NULL};
    PyObject *result = NULL;
    if (dim != Py_None && st_py_read_axis(dim, "dim", x->dims, &axis) < 0) return NULL;
    const int32_t dims = shape_of(x, axis, keeps, lead, shape);
    if (dims > ST_PY_MOST_DIMS) return PyErr_Format(PyExc_ValueError, "q: its axis would be the ninth of the result; give one at a time");
    const st_status status = st_py_rows_open(x, axis, &rows);
    if (status != ST_OK) return st_py_raise(state, status);
    const int is_empty = st_py_rows_count(&rows) == 0 || work->count == 0;
    if (rows.cols == 0 && !is_empty) PyErr_SetString(PyExc_ValueError, "x: has no elements to rank");
    else if (st_py_outcome_make(state, x, work->result, dims, shape, &outcome) == 0 &&
             (is_empty || run(state, work, &rows, outcome.array.data) == 0))
        result = st_py_outcome_finish(state, x, &outcome);
    st_py_outcome_drop(&outcome);
    st_py_rows_close(&rows);
    return result;
}

/* One quantile, or a sequence of them: *lead is their number, or -1 for one alone. *q is for free(). */
static int read_quantiles(PyObject *given, double **q, int64_t *lead) {
    Py_ssize_t count = PySequence_Check(given) && !PyUnicode_Check(given) ? PySequence_Size(given) : -1;
    PyErr_Clear(); /* an array without axes has no length */
    *lead = count;
    *q = malloc((size_t)(count > 0 ? count : 1) * sizeof **q);
    if (*q == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < (count < 0 ? 1 : count); i++) {
        PyObject *item = count < 0 ? given : PySequence_GetItem(given, i);
        PyObject *number = item == NULL ? NULL : PyNumber_Float(item);
        (*q)[i] = number == NULL ? -1 : PyFloat_AsDouble(number);
        Py_XDECREF(number);
        if (count >= 0) Py_XDECREF(item);
        if (PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_TypeError)) {
            PyErr_Clear();
            PyErr_SetString(PyExc_TypeError, "q: expected a number, or a sequence of numbers with one axis");
        }
        if (PyErr_Occurred()) return -1;
        if ((*q)[i] >= 0 && (*q)[i] <= 1) continue;
        PyErr_SetString(PyExc_ValueError, "q: a quantile is not in 0 to 1");
        return -1;
    }
    return 0;
}

PyObject *st_py_quantile(PyObject *module, PyObject *arguments, PyObject *words) {
    static char *names[] = {"x", "q", "dim", "method", "keepdim", "nan", "device", NULL};
    st_py_state *state = st_py_state_of(module);
    PyObject *given, *quantiles, *dim = Py_None, *method = NULL, *nan = NULL, *device = NULL, *result = NULL;
    int keeps = 0;
    st_py_array x;
    job work = {.compute = compute_quantiles};
    double *q = NULL;
    int64_t lead;
    if (!PyArg_ParseTupleAndKeywords(arguments, words, "OO|O$OpOO:quantile", names, &given, &quantiles, &dim, &method, &keeps, &nan, &device))
        return NULL;
    if (st_py_read_word(method, "method", st_py_quantile_methods, &work.method) < 0 || st_py_read_word(nan, "nan", nan_words, &work.nan) < 0 ||
        st_py_read_device(device, &work.device) < 0)
        return NULL;
    if (read_quantiles(quantiles, &q, &lead) == 0 && st_py_array_import(state, given, "x", 0, &x) == 0) {
        work.dtype = x.dtype;
        work.result = st_py_is_float(x.dtype) || st_py_quantile_is_element(work.method) ? x.dtype : ST_F64;
        work.q = q;
        work.count = lead < 0 ? 1 : lead;
        result = answer(state, &work, &x, dim, keeps, lead);
        st_py_array_release(&x);
    }
    free(q);
    return result;
}

PyObject *st_py_trimmed_mean(PyObject *module, PyObject *arguments, PyObject *words) {
    static char *names[] = {"x", "proportiontocut", "dim", "keepdim", "nan", "device", NULL};
    st_py_state *state = st_py_state_of(module);
    PyObject *given, *dim = Py_None, *nan = NULL, *device = NULL, *result = NULL;
    int keeps = 0;
    st_py_array x;
    job work = {.compute = compute_mean, .count = 1};
    if (!PyArg_ParseTupleAndKeywords(arguments, words, "Od|O$pOO:trimmed_mean", names, &given, &work.cut, &dim, &keeps, &nan, &device))
        return NULL;
    if (!(work.cut >= 0 && work.cut < 0.5))
        return PyErr_Format(PyExc_ValueError, "proportiontocut: what is cut at each end must be at least 0 and below 0.5");
    if (st_py_read_word(nan, "nan", nan_words, &work.nan) < 0 || st_py_read_device(device, &work.device) < 0) return NULL;
    if (st_py_array_import(state, given, "x", 0, &x) < 0) return NULL;
    work.dtype = x.dtype;
    work.result = st_py_is_float(x.dtype) ? x.dtype : ST_F64;
    result = answer(state, &work, &x, dim, keeps, -1);
    st_py_array_release(&x);
    return result;
}
