/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* arrays.c - which kind of array an object is, what all kinds are checked for, and what comes back for each. */
#include "arrays.h"

#include <string.h>

#include "arguments.h"

void st_py_packed_strides(int32_t dims, const int64_t *shape, int64_t *strides) {
    int64_t stride = 1;
    for (int32_t i = dims - 1; i >= 0; i--) {
        strides[i] = stride;
        stride = (int64_t)((uint64_t)stride * (uint64_t)shape[i]); /* a shape that overflows is refused elsewhere */
    }
}

int64_t st_py_array_elements(const st_py_array *array, const char *name) {
    int64_t elements = 1;
    int is_empty = 0;
    for (int32_t i = 0; i < array->dims; i++) {
        const int64_t size = array->shape[i];
        if (size < 0) {
            PyErr_Format(PyExc_ValueError, "%s: has an axis of %lld elements", name, (long long)size);
            return -1;
        }
        is_empty = is_empty || size == 0;
        /* Axes of nothing count as one, because the others alone are counted as well. */
        if (__builtin_mul_overflow(elements, size > 0 ? size : 1, &elements) || elements >= (int64_t)1 << 59) {
            PyErr_Format(PyExc_ValueError, "%s: has a shape of too many elements", name);
            return -1;
        }
    }
    return is_empty ? 0 : elements;
}

void st_py_array_extent(const st_py_array *array, uintptr_t *first, uintptr_t *last) {
    const int64_t size = st_dtype_size(array->dtype);
    int64_t low = 0, high = 1;
    for (int32_t i = 0; i < array->dims; i++) {
        if (array->shape[i] == 0) {
            *first = *last = (uintptr_t)array->data;
            return;
        }
        const int64_t reach = (array->shape[i] - 1) * array->strides[i];
        if (reach < 0) low += reach;
        else high += reach;
    }
    *first = (uintptr_t)array->data + (uintptr_t)(low * size);
    *last = (uintptr_t)array->data + (uintptr_t)(high * size);
}

int st_py_refuse_dtype(const char *name, PyObject *dtype) {
    PyErr_Format(PyExc_TypeError,
                 "%s: elements of %S cannot be ranked; give float16, bfloat16, float32, float64, or an integer of 8 to 64 bits", name,
                 dtype);
    return -1;
}

int st_py_refuse_device(const st_py_state *state, const char *name, const char *device, const char *fix) {
    PyObject *text = PyUnicode_FromFormat("%s: lies on %s, and no backend here can run there; device= says where plans run, not where data "
                                          "lies, and nothing is copied unasked: %s", name, device, fix);
    const char *message = text == NULL ? NULL : PyUnicode_AsUTF8AndSize(text, NULL);
    if (message != NULL) st_py_raise_error(state, ST_E_DEVICE, message, NULL);
    Py_XDECREF(text);
    return -1;
}

/* What every kind must fulfil: strides that stay in the address space, and elements where the processor can read them. */
static int check(st_py_array *array, const char *name) {
    const int64_t size = st_dtype_size(array->dtype), elements = st_py_array_elements(array, name);
    int64_t span = 0;
    if (elements < 0) return -1;
    for (int32_t i = 0; i < array->dims; i++) {
        int64_t reach;
        if (elements == 0 || array->shape[i] == 1) {
            array->strides[i] = 0; /* leads nowhere, and may hold anything */
            continue;
        }
        if (array->strides[i] == INT64_MIN || __builtin_mul_overflow(array->shape[i] - 1, array->strides[i], &reach) ||
            __builtin_add_overflow(span, reach < 0 ? -reach : reach, &span) || span >= (int64_t)1 << 59) {
            PyErr_Format(PyExc_ValueError, "%s: has strides that leave the address space", name);
            return -1;
        }
    }
    if (elements > 0 && array->data == NULL) {
        PyErr_Format(PyExc_ValueError, "%s: has elements, but no memory", name);
        return -1;
    }
    if (elements > 0 && (uintptr_t)array->data % (uintptr_t)size != 0) {
        PyErr_Format(PyExc_ValueError, "%s: is not aligned to its elements of %lld bytes; give a copy of it", name, (long long)size);
        return -1;
    }
    return 0;
}

int st_py_array_import(st_py_state *state, PyObject *object, const char *name, int writable, st_py_array *array) {
    array->object = object;
    array->capsule = NULL;
    array->has_buffer = 0;
    int found = st_py_numpy_import(state, object, name, writable, array);
    if (found == 0) found = st_py_torch_import(state, object, name, array);
    if (found == 0) found = st_py_dlpack_import(state, object, name, writable, array);
    if (found == 0) found = st_py_buffer_import(object, name, writable, array);
    if (found == 0) found = st_py_cuda_refuse(state, object, name);
    if (found == 0)
        PyErr_Format(PyExc_TypeError, "%s: expected an array (of NumPy, torch or another library with DLPack, or a buffer such as array.array), "
                     "got %R", name, Py_TYPE(object));
    if (found == 1 && check(array, name) == 0) return 0;
    st_py_array_release(array);
    return -1;
}

void st_py_array_release(st_py_array *array) {
    if (array->has_buffer) PyBuffer_Release(&array->buffer);
    array->has_buffer = 0;
    Py_CLEAR(array->capsule);
}

PyObject *st_py_array_make(st_py_state *state, const st_py_array *like, st_dtype dtype, int32_t dims, const int64_t *shape, char **data) {
    if (like->library == ST_PY_NUMPY) return st_py_numpy_make(state, like, dtype, dims, shape, data);
    if (like->library == ST_PY_TORCH) return st_py_torch_make(state, like, dtype, dims, shape, data);
    return st_py_own_make(state, dtype, dims, shape, data);
}

/* The module whose from_dlpack makes arrays like x: its array namespace, or the package of its type. NULL: none, or an exception. */
static PyObject *namespace_of(const st_py_state *state, PyObject *x) {
    PyObject *found = PyObject_CallMethodObjArgs(x, ST_PY_INTERNED(state, __array_namespace__), NULL);
    if (found != NULL || !PyErr_ExceptionMatches(PyExc_AttributeError)) return found;
    PyErr_Clear();
    PyObject *name = PyObject_GetAttr((PyObject *)Py_TYPE(x), ST_PY_INTERNED(state, __module__));
    const Py_ssize_t dot = name == NULL ? -1 : PyUnicode_FindChar(name, '.', 0, PyUnicode_GetLength(name), 1);
    PyObject *package = name == NULL ? NULL : PyUnicode_Substring(name, 0, dot < 0 ? PY_SSIZE_T_MAX : dot);
    if (package != NULL) found = PyImport_GetModule(package);
    Py_XDECREF(package);
    Py_XDECREF(name);
    return found;
}

/* Where the library of x takes no DLPack, the array stays one of ours. */
static PyObject *hand_over(const st_py_state *state, PyObject *x, PyObject *made) {
    PyObject *library = namespace_of(state, x);
    PyObject *take = library == NULL ? NULL : PyObject_GetAttr(library, ST_PY_INTERNED(state, from_dlpack));
    Py_XDECREF(library);
    if (take == NULL && (PyErr_Occurred() == NULL || PyErr_ExceptionMatches(PyExc_AttributeError))) {
        PyErr_Clear();
        return made;
    }
    if (take == NULL) {
        Py_DECREF(made);
        return NULL;
    }
    PyObject *given = PyObject_CallFunctionObjArgs(take, made, NULL);
    Py_DECREF(take);
    Py_DECREF(made);
    return given;
}

/* An array without axes as the scalar that its library would give. */
static PyObject *scalar(const st_py_state *state, PyObject *made, int32_t library) {
    PyObject *key = library == ST_PY_NUMPY ? PyTuple_New(0) : NULL;
    PyObject *value = NULL;
    if (library == ST_PY_BUFFER) value = PyObject_CallMethodObjArgs(made, ST_PY_INTERNED(state, tolist), NULL);
    else if (key != NULL) value = PyObject_GetItem(made, key);
    Py_XDECREF(key);
    Py_DECREF(made);
    return value;
}

PyObject *st_py_array_finish(const st_py_state *state, const st_py_array *like, PyObject *made, int32_t dims) {
    if (like->library == ST_PY_DLPACK) return hand_over(state, like->object, made);
    if (dims == 0 && like->library != ST_PY_TORCH) return scalar(state, made, like->library);
    return made;
}
