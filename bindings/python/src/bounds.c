/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bounds.c - numbers that an integer dtype may not hold, brought to those that it does. */
#include "bounds.h"

#include <math.h>
#include <string.h>

#include "narrow.h"

static int read_number(PyObject *value, const char *name, double *number) {
    PyObject *given = PyNumber_Float(value);
    if (given == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_TypeError)) return -1;
        PyErr_Clear();
        PyErr_Format(PyExc_TypeError, "%s: expected a number, got %R", name, Py_TYPE(value));
        return -1;
    }
    *number = PyFloat_AsDouble(given);
    Py_DECREF(given);
    if (!isnan(*number)) return 0;
    PyErr_Format(PyExc_ValueError, "%s: is NaN, which bounds nothing; use -inf or inf for an open end", name);
    return -1;
}

/* The nearest integer that is not below (lower) or above (upper) a number; an infinity becomes a number beyond 64 bits. */
static PyObject *whole(PyObject *value, const char *name, int is_lower) {
    double number;
    if (PyIndex_Check(value)) return PyNumber_Index(value);
    if (read_number(value, name, &number) < 0) return NULL;
    if (isinf(number)) number = number > 0 ? 0x1p70 : -0x1p70;
    return PyLong_FromDouble(is_lower ? ceil(number) : floor(number));
}

/* The bits of an integer within the dtype's range; -1 and 1: it lies below or above that range. -2: exception. */
static int bits_of(PyObject *integer, st_dtype dtype, uint64_t *bits) {
    const int is_unsigned = (dtype - ST_I8) % 2, width = 8 * (int)st_dtype_size(dtype);
    int beyond = 0;
    const long long number = PyLong_AsLongLongAndOverflow(integer, &beyond);
    if (PyErr_Occurred()) return -2;
    *bits = (uint64_t)number;
    if (is_unsigned && beyond > 0 && width == 64) {
        *bits = PyLong_AsUnsignedLongLong(integer);
        if (!PyErr_Occurred()) return 0;
        PyErr_Clear();
        return 1;
    }
    if (beyond != 0) return beyond;
    const long long least = is_unsigned ? 0 : width == 64 ? LLONG_MIN : -(1ll << (width - 1));
    const long long most = width == 64 ? LLONG_MAX : is_unsigned ? (1ll << width) - 1 : (1ll << (width - 1)) - 1;
    return number < least ? -1 : number > most ? 1 : 0;
}

/* The dtype's own ends. */
static uint64_t end_of(st_dtype dtype, int is_least) {
    const int width = 8 * (int)st_dtype_size(dtype);
    if ((dtype - ST_I8) % 2) return is_least ? 0 : UINT64_MAX;
    return is_least ? (uint64_t)1 << (width - 1) : ((uint64_t)1 << (width - 1)) - 1;
}

/* The low bytes of a word, wherever this machine keeps them. */
static void put(uint64_t bits, st_dtype dtype, void *element) {
    const uint8_t one = (uint8_t)bits;
    const uint16_t two = (uint16_t)bits;
    const uint32_t four = (uint32_t)bits;
    switch (st_dtype_size(dtype)) {
    case 1: memcpy(element, &one, sizeof one); break;
    case 2: memcpy(element, &two, sizeof two); break;
    case 4: memcpy(element, &four, sizeof four); break;
    default: memcpy(element, &bits, sizeof bits);
    }
}

int st_py_read_bounds(PyObject *lower, PyObject *upper, st_dtype dtype, void *lower_element, void *upper_element) {
    if (st_py_is_float(dtype)) {
        double low, high;
        if (read_number(lower, "lower", &low) < 0 || read_number(upper, "upper", &high) < 0) return -1;
        st_py_store(dtype, lower_element, low);
        st_py_store(dtype, upper_element, high);
        return 0;
    }
    PyObject *low = whole(lower, "lower", 1), *high = low == NULL ? NULL : whole(upper, "upper", 0);
    uint64_t low_bits = 0, high_bits = 0;
    const int low_place = high == NULL ? -2 : bits_of(low, dtype, &low_bits), high_place = low_place == -2 ? -2 : bits_of(high, dtype, &high_bits);
    Py_XDECREF(low);
    Py_XDECREF(high);
    if (high_place == -2) return -1;
    const int is_empty = low_place > 0 || high_place < 0;
    put(is_empty ? end_of(dtype, 0) : low_place < 0 ? end_of(dtype, 1) : low_bits, dtype, lower_element);
    put(is_empty ? end_of(dtype, 1) : high_place > 0 ? end_of(dtype, 0) : high_bits, dtype, upper_element);
    return 0;
}
