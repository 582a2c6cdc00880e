/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* buffers.c - anything with the buffer protocol: array.array, memoryview, bytes, mmap, ctypes. */
#include <string.h>

#include "arrays.h"

/* The class of a format's letter, by the struct module: 'f' float, 'i' signed, 'u' unsigned; 0: not ranked. */
static char class_of(char letter) {
    if (strchr("efd", letter) != NULL) return 'f';
    if (strchr("bhilqn", letter) != NULL) return 'i';
    if (strchr("BHILQN", letter) != NULL) return 'u';
    return 0;
}

/* The dtype of a format of one letter, perhaps with the mark of this machine's byte order; 0 for all others. */
static st_dtype dtype_of(const char *format, Py_ssize_t size) {
    const uint16_t one = 1;
    const char here = *(const char *)&one == 1 ? '<' : '>';
    if (*format == '@' || *format == '=' || *format == here) format++;
    if (*format == '\0' || format[1] != '\0') return 0;
    const char class = class_of(*format);
    const int step = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : size == 8 ? 3 : -1;
    if (class == 0 || step < 0) return 0;
    if (class != 'f') return ST_I8 + 2 * step + (class == 'u');
    return size == 8 ? ST_F64 : size == 4 ? ST_F32 : size == 2 ? ST_F16 : 0;
}

static int refuse_format(const char *name, const char *format) {
    PyObject *text = PyUnicode_FromFormat("format '%s'", format);
    if (text != NULL) st_py_refuse_dtype(name, text);
    Py_XDECREF(text);
    return -1;
}

int st_py_buffer_import(PyObject *object, const char *name, int writable, st_py_array *array) {
    if (!PyObject_CheckBuffer(object)) return 0;
    if (PyObject_GetBuffer(object, &array->buffer, writable ? PyBUF_FULL : PyBUF_FULL_RO) < 0) {
        if (writable && PyErr_ExceptionMatches(PyExc_BufferError)) {
            PyErr_Clear();
            PyErr_Format(PyExc_ValueError, "%s: is read-only", name);
        }
        return -1;
    }
    array->has_buffer = 1;
    const Py_buffer *view = &array->buffer;
    const char *format = view->format == NULL ? "B" : view->format;
    array->library = ST_PY_BUFFER;
    array->data = view->buf;
    array->writable = !view->readonly;
    array->dims = view->ndim;
    array->dtype = dtype_of(format, view->itemsize);
    if (array->dtype == 0) return refuse_format(name, format);
    if (view->ndim < 0 || view->ndim > ST_PY_MOST_DIMS) {
        PyErr_Format(PyExc_ValueError, "%s: has %d axes; at most %d are ranked", name, view->ndim, ST_PY_MOST_DIMS);
        return -1;
    }
    for (int i = 0; i < view->ndim && view->suboffsets != NULL; i++) {
        if (view->suboffsets[i] < 0) continue;
        PyErr_Format(PyExc_ValueError, "%s: is a buffer of pointers; give a copy of it", name);
        return -1;
    }
    if (view->ndim > 0 && view->shape == NULL) {
        PyErr_Format(PyExc_ValueError, "%s: is a buffer that keeps its shape to itself", name);
        return -1;
    }
    for (int i = 0; i < view->ndim; i++) array->shape[i] = view->shape[i];
    st_py_packed_strides(array->dims, array->shape, array->strides);
    for (int i = 0; i < view->ndim && view->strides != NULL; i++) {
        array->strides[i] = view->strides[i] / view->itemsize;
        if (view->strides[i] % view->itemsize == 0 || view->shape[i] <= 1) continue;
        PyErr_Format(PyExc_ValueError, "%s: strides of %zd bytes are no multiple of its elements of %zd; give a copy of it", name,
                     view->strides[i], view->itemsize);
        return -1;
    }
    return 1;
}
