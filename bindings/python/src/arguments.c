/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* arguments.c - vectorcalls sorted by name, and values that say which argument is wrong. */
#include "arguments.h"

#include <string.h>

const char *const st_py_nan_words[] = {"greatest", "least", "last", "error", NULL};
const char *const st_py_kind_words[] = {"topk", "midk", "bottomk", "window", NULL};

static int find(const st_py_state *state, const st_py_signature *signature, PyObject *keyword) {
    for (int i = signature->positional_only; i < signature->count; i++)
        if (state->names[signature->names[i]] == keyword) return i;
    /* A keyword that was made at run time is another object with the same text. */
    for (int i = signature->positional_only; i < signature->count; i++)
        if (PyUnicode_Compare(state->names[signature->names[i]], keyword) == 0) return i;
    return -1;
}

int st_py_read_arguments(const st_py_state *state, const st_py_signature *signature, PyObject *const *arguments, Py_ssize_t count,
                         PyObject *keywords, PyObject **values) {
    if (count > signature->positional) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most %d positional arguments, %zd were given", signature->function,
                     signature->positional, count);
        return -1;
    }
    for (Py_ssize_t i = 0; i < signature->count; i++) values[i] = i < count ? arguments[i] : NULL;
    const Py_ssize_t named = keywords == NULL ? 0 : PyTuple_Size(keywords);
    for (Py_ssize_t i = 0; i < named; i++) {
        PyObject *keyword = PyTuple_GetItem(keywords, i);
        const int at = find(state, signature, keyword);
        if (at < 0) {
            PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", signature->function, keyword);
            return -1;
        }
        if (values[at] != NULL) {
            PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%U'", signature->function, keyword);
            return -1;
        }
        values[at] = arguments[count + i];
    }
    for (int i = 0; i < signature->required; i++) {
        if (values[i] != NULL) continue;
        PyErr_Format(PyExc_TypeError, "%s() missing required argument: '%U'", signature->function, state->names[signature->names[i]]);
        return -1;
    }
    return 0;
}

int st_py_read_integer(PyObject *value, const char *name, int64_t *number) {
    const int is_plain = PyLong_CheckExact(value);
    PyObject *index = is_plain ? value : PyNumber_Index(value);
    if (index == NULL) {
        if (PyErr_ExceptionMatches(PyExc_TypeError)) {
            PyErr_Clear();
            PyErr_Format(PyExc_TypeError, "%s: expected an integer, got %R", name, Py_TYPE(value));
        }
        return -1;
    }
    *number = PyLong_AsLongLong(index);
    if (!is_plain) Py_DECREF(index);
    if (*number != -1 || !PyErr_Occurred()) return 0;
    if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Clear();
        PyErr_Format(PyExc_ValueError, "%s: does not fit 64 bits", name);
    }
    return -1;
}

int st_py_read_flag(PyObject *value, int otherwise, int *flag) {
    *flag = value == NULL ? otherwise : value == Py_True ? 1 : value == Py_False ? 0 : PyObject_IsTrue(value);
    return *flag < 0 ? -1 : 0;
}

/* A list of words as text for a message: "a, b, c". */
static PyObject *listed(const char *const *words) {
    PyObject *text = PyUnicode_FromString(words[0]);
    for (int i = 1; text != NULL && words[i] != NULL; i++) {
        PyObject *longer = PyUnicode_FromFormat("%U, %s", text, words[i]);
        Py_DECREF(text);
        text = longer;
    }
    return text;
}

int st_py_read_word(PyObject *value, const char *name, const char *const *words, int32_t *position) {
    *position = 0;
    if (value == NULL) return 0;
    for (int32_t i = 0; PyUnicode_Check(value) && words[i] != NULL; i++) {
        if (PyUnicode_CompareWithASCIIString(value, words[i]) != 0) continue;
        *position = i;
        return 0;
    }
    PyObject *text = listed(words);
    if (text == NULL) return -1;
    PyErr_Format(PyUnicode_Check(value) ? PyExc_ValueError : PyExc_TypeError, "%s: %R is not one of %U", name, value, text);
    Py_DECREF(text);
    return -1;
}

int st_py_read_device(PyObject *value, const char **device) {
    *device = NULL;
    if (value == NULL || value == Py_None) return 0;
    if (!PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "device: expected a string such as 'cpu' or 'auto', got %R", Py_TYPE(value));
        return -1;
    }
    *device = PyUnicode_AsUTF8AndSize(value, NULL);
    return *device == NULL ? -1 : 0;
}

int st_py_read_axis(PyObject *value, const char *name, int32_t dims, int32_t *axis) {
    int64_t number = -1;
    if (value != NULL && st_py_read_integer(value, name, &number) < 0) return -1;
    if (number >= -dims && number < dims) {
        *axis = (int32_t)(number < 0 ? number + dims : number);
        return 0;
    }
    PyErr_Format(PyExc_ValueError, "%s: %lld is no axis of x, which has %d; give %d to %d", name, (long long)number, dims, -dims,
                 dims - 1);
    return -1;
}

int st_py_read_dtype(const char *name, st_dtype *dtype) {
    *dtype = st_dtype_from_name(name);
    if (*dtype != 0) return 0;
    PyErr_Format(PyExc_ValueError,
                 "dtype: '%s' is not one of float32, float64, float16, bfloat16, int8, uint8, int16, uint16, int32, uint32, int64, uint64",
                 name);
    return -1;
}

const char *st_py_dtype_name(st_dtype dtype) {
    static const char *const names[] = {"float32", "float64", "float16", "bfloat16", "int8",  "uint8",
                                        "int16",   "uint16",  "int32",   "uint32",   "int64", "uint64"};
    return dtype >= ST_F32 && dtype <= ST_U64 ? names[dtype - 1] : "?";
}
