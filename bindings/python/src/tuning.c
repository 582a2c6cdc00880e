/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* tuning.c - a survey as an object: one step measures one cell, so that Python draws the bar, keeps the time and the files. */
#include "tuning.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"

enum { MOST_SERIES = 16, MOST_ENTRIES = 64, GRID_BYTES = 128 << 20 };

typedef struct survey {
    PyObject head;
    st_py_context *context;
    st_survey *survey;
    st_survey_device found;
    st_tuner *tuner;
    int is_busy;     /* one thread measures */
    int interrupted; /* by a signal whose handler raised an exception in that thread */
} survey;

static void survey_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    survey *made = (survey *)self;
    st_tuner_destroy(made->tuner);
    st_survey_destroy(made->survey);
    if (made->context != NULL && st_py_context_leave(made->context) < 0) PyErr_WriteUnraisable(self);
    PyObject_Free(self);
    Py_DECREF(type);
}

/* ---- making one ---------------------------------------------------------------------------------------------------------- */

typedef struct lists {
    int32_t kinds[MOST_SERIES], threads[MOST_SERIES];
    st_dtype dtypes[MOST_SERIES];
    int64_t shapes[2 * MOST_ENTRIES], k[MOST_ENTRIES];
} lists;

static int read_kind(PyObject *item, const char *name, int32_t *number) {
    static const char *const words[] = {"topk", "midk", "bottomk", NULL};
    if (st_py_read_word(item, name, words, number) < 0) return -1;
    *number += ST_TOPK;
    return 0;
}

static int read_dtype(PyObject *item, const char *name, int32_t *number) {
    const char *text = PyUnicode_Check(item) ? PyUnicode_AsUTF8AndSize(item, NULL) : NULL;
    if (text != NULL) return st_py_read_dtype(text, number);
    if (!PyErr_Occurred()) PyErr_Format(PyExc_TypeError, "%s: expected names such as 'float32'", name);
    return -1;
}

static int read_threads(PyObject *item, const char *name, int32_t *number) {
    int64_t wide;
    if (st_py_read_integer(item, name, &wide) < 0) return -1;
    *number = wide >= 1 && wide <= 4096 ? (int32_t)wide : -1;
    if (*number > 0) return 0;
    PyErr_Format(PyExc_ValueError, "%s: %lld is not in 1 to 4096", name, (long long)wide);
    return -1;
}

/* The items of a sequence, each by `read`; None and no items leave *count 0. */
static int read_narrow(PyObject *given, const char *name, int (*read_item)(PyObject *, const char *, int32_t *), int32_t *numbers, int32_t *count) {
    const Py_ssize_t length = given == Py_None ? 0 : PySequence_Size(given);
    if (length < 0) return -1;
    if (length > MOST_SERIES) {
        PyErr_Format(PyExc_ValueError, "%s: %zd entries are too many; give up to %d", name, length, (int)MOST_SERIES);
        return -1;
    }
    for (Py_ssize_t i = 0; i < length; i++) {
        PyObject *item = PySequence_GetItem(given, i);
        const int failed = item == NULL || read_item(item, name, &numbers[i]) < 0;
        Py_XDECREF(item);
        if (failed) return -1;
    }
    *count = (int32_t)length;
    return 0;
}

/* Integers, `each` of them to an item: 1, or 2 for pairs. */
static int read_wide(PyObject *given, const char *name, int each, int64_t *numbers, int32_t *count) {
    const Py_ssize_t length = given == Py_None ? 0 : PySequence_Size(given);
    if (length < 0) return -1;
    if (length > MOST_ENTRIES) {
        PyErr_Format(PyExc_ValueError, "%s: %zd entries are too many; give up to %d", name, length, (int)MOST_ENTRIES);
        return -1;
    }
    for (Py_ssize_t i = 0; i < length; i++) {
        PyObject *item = PySequence_GetItem(given, i);
        int failed = item == NULL;
        if (!failed && each == 1) failed = st_py_read_integer(item, name, &numbers[i]) < 0;
        for (int part = 0; part < each && each > 1 && !failed; part++) {
            PyObject *number = PySequence_Size(item) == each ? PySequence_GetItem(item, part) : NULL;
            if (number == NULL && !PyErr_Occurred()) PyErr_Format(PyExc_ValueError, "%s: expected pairs of rows and columns", name);
            failed = number == NULL || st_py_read_integer(number, name, &numbers[each * i + part]) < 0;
            Py_XDECREF(number);
        }
        Py_XDECREF(item);
        if (failed) return -1;
    }
    *count = (int32_t)length;
    return 0;
}

/* Asked without the GIL. */
static int32_t is_interrupted(void *user) {
    survey *made = user;
    const PyGILState_STATE gil = PyGILState_Ensure();
    if (PyErr_CheckSignals() < 0) made->interrupted = 1;
    PyGILState_Release(gil);
    return made->interrupted;
}

/* A cell's rounds are cut short where the coarse grid would else take more than half of the budget. */
static st_status open_tuner(survey *made, const char *device, int is_grid, double budget, uint64_t seed) {
    int64_t recorded, coarse;
    st_survey_counts(made->survey, &recorded, &coarse);
    const double share = 0.5 * budget / (double)(coarse > 0 ? coarse : 1);
    const st_tuner_options options = {.struct_size = sizeof options,
                                      .leaves_out = is_grid,
                                      .device = device,
                                      .seed = seed,
                                      .limit_ns = 1e9 * fmin(fmax(share, 0.05), 2),
                                      .user = made,
                                      .stops = is_interrupted};
    return st_tuner_create(st_py_context_engine(made->context), &options, &made->tuner);
}

static PyObject *survey_new(PyTypeObject *type, PyObject *arguments, PyObject *words) {
    static char *names[] = {"kinds", "dtypes", "threads", "shapes", "k", "device", "budget", "seed", NULL};
    st_py_state *state = st_py_state_of_type(type);
    PyObject *kinds, *dtypes, *threads, *shapes, *k, *device;
    double budget;
    unsigned long long seed;
    const char *id;
    lists given;
    st_survey_options options = {.struct_size = sizeof options, .kinds = given.kinds, .dtypes = given.dtypes, .threads = given.threads,
                                 .shapes = given.shapes, .k = given.k, .most_bytes = GRID_BYTES};
    if (!PyArg_ParseTupleAndKeywords(arguments, words, "OOOOOOdK:Survey", names, &kinds, &dtypes, &threads, &shapes, &k, &device, &budget, &seed))
        return NULL;
    if (st_py_read_device(device, &id) < 0 || read_narrow(kinds, "kinds", read_kind, given.kinds, &options.kind_count) < 0 ||
        read_narrow(dtypes, "dtypes", read_dtype, given.dtypes, &options.dtype_count) < 0 ||
        read_narrow(threads, "threads", read_threads, given.threads, &options.thread_count) < 0 ||
        read_wide(shapes, "shapes", 2, given.shapes, &options.shape_count) < 0 || read_wide(k, "k", 1, given.k, &options.k_count) < 0)
        return NULL;
    survey *made = (survey *)PyType_GenericAlloc(type, 0);
    if (made == NULL) return NULL;
    made->context = st_py_context_enter(state);
    if (made->context != NULL) {
        const st_context *engine = st_py_context_engine(made->context);
        made->found.struct_size = sizeof made->found;
        st_status status = st_survey_device_of(engine, id, &made->found);
        if (options.thread_count == 0) { /* on a device those of a call do not matter; 0 says so */
            const int32_t all = st_context_threads(engine), is_cpu = strcmp(made->found.backend, "cpu") == 0;
            given.threads[0] = is_cpu ? 1 : 0;
            given.threads[1] = all;
            options.thread_count = is_cpu && all > 1 ? 2 : 1;
        }
        if (status == ST_OK) status = st_survey_create(NULL, &options, &made->survey);
        if (status == ST_OK) status = open_tuner(made, id, options.shape_count == 0, budget, seed);
        if (status == ST_OK) return (PyObject *)made;
        st_py_raise(state, status);
    }
    Py_DECREF(made);
    return NULL;
}

/* ---- steps --------------------------------------------------------------------------------------------------------------- */

static PyObject *finding_dict(const st_survey_finding *finding) {
    const st_survey_cell *cell = &finding->cell;
    return Py_BuildValue("{s:s,s:s,s:i,s:L,s:L,s:L,s:L,s:d,s:d}", "kind", st_py_kind_words[cell->kind - ST_TOPK], "dtype", st_py_dtype_name(cell->dtype),
                         "threads", cell->threads, "rows", (long long)cell->rows, "cols", (long long)cell->cols, "k", (long long)cell->k, "n",
                         (long long)finding->n, "ns", finding->n > 0 ? exp(finding->mean_log_ns) : 0.0, "gain", finding->gain);
}

static int begin(survey *made, st_py_state *state) {
    if (st_py_context_is_gone(made->context)) st_py_raise_error(state, ST_E_STATE, "the process was forked; tune anew in the child", NULL);
    else if (made->is_busy) st_py_raise_error(state, ST_E_STATE, "another thread is measuring", NULL);
    else return 0;
    return -1;
}

static PyObject *survey_step(PyObject *self, PyObject *unused) {
    survey *made = (survey *)self;
    st_py_state *state = st_py_state_of_type(Py_TYPE(self));
    st_survey_cell cell;
    st_survey_finding finding;
    int32_t more = 0, stopped = 0;
    st_status status;
    (void)unused;
    if (begin(made, state) < 0) return NULL;
    made->is_busy = 1;
    Py_BEGIN_ALLOW_THREADS
    status = st_survey_next(made->survey, &cell, &more);
    if (status == ST_OK && more) status = st_tuner_measure(made->tuner, &cell, &finding, &stopped);
    if (status == ST_OK && more && !stopped) status = st_survey_record(made->survey, &finding);
    Py_END_ALLOW_THREADS
    made->is_busy = 0;
    if (made->interrupted) {
        made->interrupted = 0;
        return NULL;
    }
    if (status != ST_OK) return st_py_raise(state, status);
    if (more) return finding_dict(&finding);
    Py_RETURN_NONE;
}

static PyObject *survey_counts(PyObject *self, PyObject *unused) {
    survey *made = (survey *)self;
    int64_t recorded, coarse, changed = 0;
    double gain = 0;
    (void)unused;
    st_survey_counts(made->survey, &recorded, &coarse);
    for (int64_t i = 0; i < recorded; i++) {
        st_survey_finding finding = {.struct_size = sizeof finding};
        if (st_survey_at(made->survey, i, &finding) != ST_OK) continue;
        changed += finding.gain > 0;
        gain += finding.gain / (double)recorded;
    }
    return Py_BuildValue("{s:L,s:L,s:L,s:L,s:d}", "cells", (long long)recorded, "coarse", (long long)coarse, "changed", (long long)changed,
                         "wrong", (long long)st_tuner_wrong(made->tuner), "gain", exp(gain));
}

/* A path as the file system's bytes, owned. */
static PyObject *path_bytes(PyObject *path) {
    PyObject *bytes = NULL;
    return PyUnicode_FSConverter(path, &bytes) ? bytes : NULL;
}

static PyObject *with_state(PyObject *self, PyObject *arguments, st_status (*call)(st_survey *, const char *, const char *)) {
    survey *made = (survey *)self;
    st_py_state *state = st_py_state_of_type(Py_TYPE(self));
    PyObject *path = NULL;
    const char *signature;
    if (!PyArg_ParseTuple(arguments, "O&s", PyUnicode_FSConverter, &path, &signature)) return NULL;
    st_status status = ST_OK;
    if (begin(made, state) == 0) status = call(made->survey, PyBytes_AsString(path), signature);
    Py_DECREF(path);
    if (PyErr_Occurred()) return NULL;
    if (status != ST_OK) return st_py_raise(state, status);
    Py_RETURN_NONE;
}

/* st_survey_save takes a constant survey. */
static st_status save(st_survey *made, const char *path, const char *signature) { return st_survey_save(made, path, signature); }

static PyObject *survey_save(PyObject *self, PyObject *arguments) { return with_state(self, arguments, save); }
static PyObject *survey_load(PyObject *self, PyObject *arguments) { return with_state(self, arguments, st_survey_load); }

static PyObject *survey_table(PyObject *self, PyObject *path) {
    survey *made = (survey *)self;
    st_py_state *state = st_py_state_of_type(Py_TYPE(self));
    const st_survey_model model = {sizeof model, made->tuner, st_tuner_predict};
    int64_t entries = 0;
    PyObject *bytes = begin(made, state) < 0 ? NULL : path_bytes(path);
    if (bytes == NULL) return NULL;
    const st_status status = st_survey_table(made->survey, &made->found, &model, PyBytes_AsString(bytes), &entries);
    Py_DECREF(bytes);
    return status == ST_OK ? PyLong_FromLongLong(entries) : st_py_raise(state, status);
}

static PyObject *survey_device(PyObject *self, void *unused) {
    const st_survey_device *found = &((survey *)self)->found;
    (void)unused;
    return Py_BuildValue("(sssss)", found->backend, found->device, found->driver, found->isa, found->kernel_hash);
}

PyTypeObject *st_py_survey_type(PyObject *module) {
    static PyMethodDef methods[] = {
        {"step", survey_step, METH_NOARGS, "Measures the next cell; a dict of what was found, or None where none is left."},
        {"counts", survey_counts, METH_NOARGS, "What was measured so far, a dict."},
        {"save", survey_save, METH_VARARGS, "Keeps what was measured in a file, under a line that says what it belongs to."},
        {"load", survey_load, METH_VARARGS, "Reads what was kept under the same line."},
        {"table", survey_table, METH_O, "Writes the findings as a table, and answers the number of its entries."},
        {NULL, NULL, 0, NULL}};
    static PyGetSetDef attributes[] = {{"device", survey_device, NULL, "Backend, name, driver, instruction set and kernels.", NULL},
                                       {NULL, NULL, NULL, NULL, NULL}};
    static PyType_Slot slots[] = {{Py_tp_new, (void *)survey_new}, {Py_tp_dealloc, (void *)survey_dealloc}, {Py_tp_methods, methods},
                                  {Py_tp_getset, attributes}, {Py_tp_doc, "What spiraltorch.tune measures with."}, {0, NULL}};
    static PyType_Spec spec = {"spiraltorch._engine.Survey", sizeof(survey), 0, Py_TPFLAGS_DEFAULT, slots};
    return (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, NULL);
}

PyObject *st_py_install_table(PyObject *module, PyObject *path) {
    st_table *table = NULL;
    PyObject *bytes = path_bytes(path);
    if (bytes == NULL) return NULL;
    st_status status = st_table_read_file(NULL, PyBytes_AsString(bytes), &table, NULL);
    if (status == ST_OK) status = st_table_install(table, 0);
    st_table_close(table);
    Py_DECREF(bytes);
    if (status != ST_OK) return st_py_raise(st_py_state_of(module), status);
    Py_RETURN_NONE;
}
