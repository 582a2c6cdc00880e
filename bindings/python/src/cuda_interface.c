/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * cuda_interface.c - arrays that say where they lie by __cuda_array_interface__ alone, such as Numba's: read and checked, so that
 * the answer can name what was given. No backend here runs where such memory is.
 */
#include <string.h>

#include "arguments.h"
#include "arrays.h"

static int refuse(const char *name, const char *what) {
    if (PyErr_Occurred() != NULL && !PyErr_ExceptionMatches(PyExc_Exception)) return -1;
    PyErr_Clear();
    PyErr_Format(PyExc_ValueError, "%s: its __cuda_array_interface__ %s", name, what);
    return -1;
}

/* A type string such as "<f4": byte order, class, bytes. 0: not ranked. */
static st_dtype dtype_of(const char *text) {
    static const struct {
        const char *text;
        st_dtype dtype;
    } known[] = {{"f2", ST_F16}, {"f4", ST_F32}, {"f8", ST_F64}, {"i1", ST_I8},  {"i2", ST_I16}, {"i4", ST_I32},
                 {"i8", ST_I64}, {"u1", ST_U8},  {"u2", ST_U16}, {"u4", ST_U32}, {"u8", ST_U64}};
    if (*text != '<' && *text != '|') return 0;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(text + 1, known[i].text) == 0) return known[i].dtype;
    return 0;
}

/* A tuple of at most 8 integers. */
static int read_tuple(PyObject *tuple, int64_t *numbers, int32_t *count) {
    if (!PyTuple_Check(tuple) || PyTuple_Size(tuple) > ST_PY_MOST_DIMS) return -1;
    *count = (int32_t)PyTuple_Size(tuple);
    for (int32_t i = 0; i < *count; i++) {
        PyObject *item = PyTuple_GetItem(tuple, i);
        if (!PyLong_Check(item)) return -1;
        numbers[i] = PyLong_AsLongLong(item);
        if (numbers[i] == -1 && PyErr_Occurred()) return -1;
    }
    return 0;
}

static int read_type(PyObject *interface, const char *name, st_py_array *array) {
    PyObject *type = PyDict_GetItemString(interface, "typestr");
    const char *text = type == NULL || !PyUnicode_Check(type) ? NULL : PyUnicode_AsUTF8AndSize(type, NULL);
    if (text == NULL) return refuse(name, "has no string as typestr");
    array->dtype = dtype_of(text);
    return array->dtype == 0 ? st_py_refuse_dtype(name, type) : 0;
}

static int read_place(PyObject *interface, const char *name, st_py_array *array) {
    PyObject *data = PyDict_GetItemString(interface, "data"), *stream = PyDict_GetItemString(interface, "stream");
    if (data == NULL || !PyTuple_Check(data) || PyTuple_Size(data) != 2 || !PyLong_Check(PyTuple_GetItem(data, 0)))
        return refuse(name, "has no pair of address and read-only flag as data");
    array->data = PyLong_AsVoidPtr(PyTuple_GetItem(data, 0));
    if (PyErr_Occurred()) return refuse(name, "has an address beyond the address space");
    array->writable = !PyObject_IsTrue(PyTuple_GetItem(data, 1));
    if (stream == NULL || stream == Py_None) return 0;
    if (!PyLong_Check(stream)) return refuse(name, "has a stream that is no integer");
    if (PyObject_Not(stream)) return refuse(name, "has stream 0, which could mean two streams; 1 and 2 are the default ones");
    return 0;
}

static int read_layout(PyObject *interface, const char *name, st_py_array *array) {
    PyObject *shape = PyDict_GetItemString(interface, "shape"), *strides = PyDict_GetItemString(interface, "strides");
    const int64_t size = st_dtype_size(array->dtype);
    int32_t count;
    if (shape == NULL || read_tuple(shape, array->shape, &array->dims) < 0) return refuse(name, "has no tuple of at most 8 integers as shape");
    if (st_py_array_elements(array, name) < 0) return -1;
    st_py_packed_strides(array->dims, array->shape, array->strides);
    if (strides == NULL || strides == Py_None) return 0;
    if (read_tuple(strides, array->strides, &count) < 0 || count != array->dims) return refuse(name, "has strides that do not fit its shape");
    for (int32_t i = 0; i < array->dims; i++) {
        if (array->strides[i] % size != 0) return refuse(name, "has strides that are no multiple of its elements");
        array->strides[i] /= size;
    }
    return 0;
}

static int read_interface(PyObject *interface, const char *name, st_py_array *array) {
    PyObject *mask;
    if (!PyDict_Check(interface)) return refuse(name, "is no dict");
    mask = PyDict_GetItemString(interface, "mask");
    if (mask != NULL && mask != Py_None) return refuse(name, "has a mask, which would be passed over");
    if (read_type(interface, name, array) < 0 || read_place(interface, name, array) < 0) return -1;
    return read_layout(interface, name, array);
}

int st_py_cuda_refuse(const st_py_state *state, PyObject *object, const char *name) {
    st_py_array array;
    PyObject *interface = PyObject_GetAttr(object, ST_PY_INTERNED(state, __cuda_array_interface__));
    if (interface == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return -1;
        PyErr_Clear();
        return 0;
    }
    const int answer = read_interface(interface, name, &array);
    Py_DECREF(interface);
    if (answer < 0) return -1;
    const int64_t elements = st_py_array_elements(&array, name);
    PyObject *text = PyUnicode_FromFormat("a CUDA device (%lld elements of %s at %p)", (long long)elements,
                                          st_py_dtype_name(array.dtype), (void *)array.data);
    const char *device = text == NULL ? NULL : PyUnicode_AsUTF8AndSize(text, NULL);
    if (device != NULL) st_py_refuse_device(state, name, device, "give a copy on the host, such as x.copy_to_host() of Numba");
    Py_XDECREF(text);
    return -1;
}
