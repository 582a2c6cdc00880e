/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* outcomes.c - arrays for results: made, or taken and looked over. */
#include "outcomes.h"

#include <stdlib.h>
#include <string.h>

#include "arguments.h"

int st_py_outcome_make(st_py_state *state, const st_py_array *like, st_dtype dtype, int32_t dims, const int64_t *shape, st_py_outcome *outcome) {
    outcome->is_callers = 0;
    outcome->object = st_py_array_make(state, like, dtype, dims, shape, &outcome->array.data);
    if (outcome->object == NULL) return -1;
    outcome->array.dtype = dtype;
    outcome->array.dims = dims;
    memcpy(outcome->array.shape, shape, (size_t)dims * sizeof *shape);
    st_py_packed_strides(dims, shape, outcome->array.strides);
    return 0;
}

/* ---- out= ---------------------------------------------------------------------------------------------------------------- */

/* A layout in which every axis steps over all that the axes with nearer elements reach; views have no other as a rule. */
static int is_nested(const st_py_array *array) {
    int32_t order[ST_PY_MOST_DIMS], count = 0;
    for (int32_t i = 0; i < array->dims; i++) {
        if (array->shape[i] == 0) return 1;
        if (array->shape[i] == 1) continue;
        int32_t place = count++;
        for (; place > 0 && llabs(array->strides[order[place - 1]]) > llabs(array->strides[i]); place--) order[place] = order[place - 1];
        order[place] = i;
    }
    int64_t reach = 1;
    for (int32_t i = 0; i < count; i++) {
        const int64_t stride = llabs(array->strides[order[i]]);
        if (stride < reach) return 0;
        reach += stride * (array->shape[order[i]] - 1);
    }
    return 1;
}

static int check_shape(const st_py_array *array, const char *name, int32_t dims, const int64_t *shape) {
    int same = array->dims == dims;
    for (int32_t i = 0; i < dims && same; i++) same = array->shape[i] == shape[i];
    if (same) return 0;
    PyObject *wanted = PyTuple_New(dims);
    for (int32_t i = 0; wanted != NULL && i < dims; i++) {
        PyObject *size = PyLong_FromLongLong(shape[i]);
        if (size == NULL || PyTuple_SetItem(wanted, i, size) < 0) Py_CLEAR(wanted);
    }
    if (wanted != NULL) PyErr_Format(PyExc_ValueError, "%s: has another shape than the result, which has %R", name, wanted);
    Py_XDECREF(wanted);
    return -1;
}

int st_py_outcome_take(st_py_state *state, PyObject *given, const char *name, st_dtype dtype, int32_t dims, const int64_t *shape,
                       st_py_outcome *outcome) {
    st_py_array *array = &outcome->array;
    if (st_py_array_import(state, given, name, 1, array) < 0) return -1;
    outcome->is_callers = 1;
    outcome->object = given;
    Py_INCREF(given);
    if (array->dtype != dtype && !(dtype == ST_I64 && array->dtype == ST_I32)) {
        PyErr_Format(PyExc_TypeError, "%s: has dtype %s; the result has %s%s", name, st_py_dtype_name(array->dtype), st_py_dtype_name(dtype),
                     dtype == ST_I64 ? " or int32" : "");
        return -1;
    }
    if (check_shape(array, name, dims, shape) < 0) return -1;
    if (is_nested(array)) return 0;
    PyErr_Format(PyExc_ValueError, "%s: has elements that share memory with each other", name);
    return -1;
}

int st_py_check_apart(const st_py_array *a, const char *a_name, const st_py_array *b, const char *b_name) {
    uintptr_t a_first, a_last, b_first, b_last;
    st_py_array_extent(a, &a_first, &a_last);
    st_py_array_extent(b, &b_first, &b_last);
    if (a_first >= a_last || b_first >= b_last || a_last <= b_first || b_last <= a_first) return 0;
    PyErr_Format(PyExc_ValueError, "%s: shares memory with %s; give it memory of its own", a_name, b_name);
    return -1;
}

/* ---- from there on ------------------------------------------------------------------------------------------------------- */

void st_py_target_of(const st_py_outcome *outcome, int32_t axis, st_py_target *target) {
    static char no_elements;
    const st_py_array *array = &outcome->array;
    int32_t batch = 0;
    /* torch's arrays without elements have no memory; NULL would say that they are not wanted. */
    target->data = array->data != NULL ? array->data : &no_elements;
    target->size = st_dtype_size(array->dtype);
    target->rank_stride = array->strides[axis == ST_PY_FLAT ? 0 : axis];
    for (int32_t i = 0; i < array->dims && axis != ST_PY_FLAT; i++)
        if (i != axis) target->strides[batch++] = array->strides[i];
}

PyObject *st_py_outcome_finish(const st_py_state *state, const st_py_array *like, st_py_outcome *outcome) {
    PyObject *object = outcome->object;
    outcome->object = NULL;
    if (!outcome->is_callers) return st_py_array_finish(state, like, object, outcome->array.dims);
    st_py_array_release(&outcome->array);
    return object;
}

void st_py_outcome_drop(st_py_outcome *outcome) {
    if (outcome->object == NULL) return;
    if (outcome->is_callers) st_py_array_release(&outcome->array);
    Py_CLEAR(outcome->object);
}

/* From 3.14 on a tuple keeps its hash, which nothing but its own __new__ sets right. */
static PyObject *fresh_tuple(PyObject *type, Py_ssize_t count) {
    if (Py_Version < 0x030E0000) return PyType_GenericAlloc((PyTypeObject *)type, count);
    const newfunc make = (newfunc)PyType_GetSlot(&PyTuple_Type, Py_tp_new);
    PyObject *items = PyTuple_New(count), *arguments = NULL, *tuple = NULL;
    for (Py_ssize_t i = 0; items != NULL && i < count; i++) {
        Py_INCREF(Py_None);
        PyTuple_SetItem(items, i, Py_None);
    }
    if (items != NULL) arguments = PyTuple_Pack(1, items);
    if (arguments != NULL) tuple = make((PyTypeObject *)type, arguments, NULL);
    Py_XDECREF(arguments);
    Py_XDECREF(items);
    return tuple;
}

/* By way of tuple itself: the type's own __new__ is Python, and would sort out arguments that are in order. */
PyObject *st_py_named_tuple(PyObject *type, Py_ssize_t count, PyObject **items) {
    int failed = 0;
    for (Py_ssize_t i = 0; i < count; i++) failed = failed || items[i] == NULL;
    PyObject *tuple = failed ? NULL : fresh_tuple(type, count);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (tuple != NULL) PyTuple_SetItem(tuple, i, items[i]);
        else Py_XDECREF(items[i]);
    }
    return tuple;
}
