/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * own_array.c - spiraltorch.Array: what comes back where the input was a plain buffer, and what another library's from_dlpack
 * is given. It is memory with a shape, that shows itself by the buffer protocol and by DLPack.
 */
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "arrays.h"
#include "dlpack.h"
#include "narrow.h"

enum { ALIGNMENT = 64 }; /* what the strictest takers of DLPack want before they use memory as it is */

typedef struct own_array {
    PyObject head;
    void *allocation;
    char *data;
    st_dtype dtype;
    int32_t dims;
    int64_t shape[ST_PY_MOST_DIMS], strides[ST_PY_MOST_DIMS];
    Py_ssize_t sizes[ST_PY_MOST_DIMS], steps[ST_PY_MOST_DIMS]; /* the same for the buffer protocol, steps in bytes */
} own_array;

static int64_t bytes_of(const own_array *array) {
    int64_t bytes = st_dtype_size(array->dtype);
    for (int32_t i = 0; i < array->dims; i++) bytes *= array->shape[i];
    return bytes;
}

PyObject *st_py_own_make(const st_py_state *state, st_dtype dtype, int32_t dims, const int64_t *shape, char **data) {
    own_array *array = (own_array *)PyType_GenericAlloc(state->array, 0);
    if (array == NULL) return NULL;
    array->dtype = dtype;
    array->dims = dims;
    memcpy(array->shape, shape, (size_t)dims * sizeof *shape);
    st_py_packed_strides(dims, shape, array->strides);
    for (int32_t i = 0; i < dims; i++) {
        array->sizes[i] = (Py_ssize_t)shape[i];
        array->steps[i] = (Py_ssize_t)(array->strides[i] * st_dtype_size(dtype));
    }
    array->allocation = malloc((size_t)bytes_of(array) + ALIGNMENT);
    if (array->allocation == NULL) {
        Py_DECREF(array);
        return PyErr_NoMemory();
    }
    array->data = (char *)(((uintptr_t)array->allocation + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1));
    *data = array->data;
    return (PyObject *)array;
}

static void own_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    free(((own_array *)self)->allocation);
    PyObject_Free(self);
    Py_DECREF(type);
}

/* ---- the buffer protocol ------------------------------------------------------------------------------------------------- */

static int own_getbuffer(PyObject *self, Py_buffer *view, int flags) {
    static const char *const formats[] = {"f", "d", "e", NULL, "b", "B", "h", "H", "i", "I", "q", "Q"};
    own_array *array = (own_array *)self;
    if (formats[array->dtype - 1] == NULL) {
        view->obj = NULL;
        PyErr_SetString(PyExc_BufferError, "bfloat16 has no buffer format; use DLPack or tolist()");
        return -1;
    }
    const int has_shape = (flags & PyBUF_ND) == PyBUF_ND;
    memset(view, 0, sizeof *view);
    view->buf = array->data;
    view->obj = self;
    Py_INCREF(self);
    view->len = (Py_ssize_t)bytes_of(array);
    view->itemsize = (Py_ssize_t)st_dtype_size(array->dtype);
    view->format = (flags & PyBUF_FORMAT) == PyBUF_FORMAT ? (char *)formats[array->dtype - 1] : NULL;
    view->ndim = has_shape ? array->dims : 1;
    view->shape = has_shape ? array->sizes : NULL;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? array->steps : NULL;
    return 0;
}

/* ---- DLPack -------------------------------------------------------------------------------------------------------------- */

/* What a taker holds: the struct that it sees, and the array whose memory it is. */
typedef struct lent {
    union {
        st_dl_managed plain;
        st_dl_versioned versioned;
    } managed;
    PyObject *array;
} lent;

/* A taker may be done on any thread. */
static void end(void *manager) {
    const PyGILState_STATE gil = PyGILState_Ensure();
    lent *loan = manager;
    Py_DECREF(loan->array);
    PyMem_Free(loan);
    PyGILState_Release(gil);
}

static void end_plain(st_dl_managed *self) { end(self->manager); }
static void end_versioned(st_dl_versioned *self) { end(self->manager); }

/* A capsule that nobody took still has its first name. */
static void drop_capsule(PyObject *capsule) {
    if (PyCapsule_IsValid(capsule, "dltensor")) {
        st_dl_managed *managed = PyCapsule_GetPointer(capsule, "dltensor");
        managed->deleter(managed);
    } else if (PyCapsule_IsValid(capsule, "dltensor_versioned")) {
        st_dl_versioned *managed = PyCapsule_GetPointer(capsule, "dltensor_versioned");
        managed->deleter(managed);
    }
}

static st_dl_tensor tensor_of(own_array *array) {
    const int code = array->dtype == ST_BF16 ? ST_DL_BFLOAT : st_py_is_float(array->dtype) ? ST_DL_FLOAT : (array->dtype - ST_I8) % 2;
    st_dl_tensor tensor = {.data = array->data, .device = {ST_DL_CPU, 0}, .dims = array->dims, .shape = array->shape, .strides = array->strides};
    tensor.dtype.code = (uint8_t)code;
    tensor.dtype.bits = (uint8_t)(8 * st_dtype_size(array->dtype));
    tensor.dtype.lanes = 1;
    return tensor;
}

static PyObject *lend(PyObject *self, int is_versioned) {
    lent *loan = PyMem_Calloc(1, sizeof *loan);
    if (loan == NULL) return PyErr_NoMemory();
    const st_dl_tensor tensor = tensor_of((own_array *)self);
    loan->array = self;
    Py_INCREF(self);
    if (is_versioned) {
        st_dl_versioned *managed = &loan->managed.versioned;
        managed->version.major = 1;
        managed->manager = loan;
        managed->deleter = end_versioned;
        managed->tensor = tensor;
    } else {
        loan->managed.plain = (st_dl_managed){tensor, loan, end_plain};
    }
    PyObject *capsule = PyCapsule_New(&loan->managed, is_versioned ? "dltensor_versioned" : "dltensor", drop_capsule);
    if (capsule == NULL) end(loan);
    return capsule;
}

static PyObject *own_copy(st_py_state *state, own_array *array) {
    char *data;
    PyObject *copy = st_py_own_make(state, array->dtype, array->dims, array->shape, &data);
    if (copy != NULL) memcpy(data, array->data, (size_t)bytes_of(array));
    return copy;
}

static PyObject *own_dlpack(PyObject *self, PyObject *arguments, PyObject *words) {
    static char *names[] = {"stream", "max_version", "dl_device", "copy", NULL};
    PyObject *stream = Py_None, *version = Py_None, *device = Py_None, *copy = Py_None;
    int type = ST_DL_CPU, id = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, words, "|$OOOO:__dlpack__", names, &stream, &version, &device, &copy)) return NULL;
    if (stream != Py_None) return PyErr_Format(PyExc_BufferError, "stream: this array lies on the host, which has none; give None");
    if (device != Py_None && !PyArg_ParseTuple(device, "ii;dl_device: expected a pair of integers", &type, &id)) return NULL;
    if (type != ST_DL_CPU) return PyErr_Format(PyExc_BufferError, "dl_device: this array lies on the host, device (1, 0)");
    long major = 0;
    if (version != Py_None) {
        if (!PyTuple_Check(version) || PyTuple_Size(version) < 1) return PyErr_Format(PyExc_TypeError, "max_version: expected a pair of integers");
        major = PyLong_AsLong(PyTuple_GetItem(version, 0));
        if (major == -1 && PyErr_Occurred()) return NULL;
    }
    if (copy == Py_None || !PyObject_IsTrue(copy)) return lend(self, major >= 1);
    PyObject *other = own_copy(st_py_state_of_type(Py_TYPE(self)), (own_array *)self);
    PyObject *capsule = other == NULL ? NULL : lend(other, major >= 1);
    Py_XDECREF(other);
    return capsule;
}

static PyObject *own_dlpack_device(PyObject *self, PyObject *unused) {
    (void)self;
    (void)unused;
    return Py_BuildValue("(ii)", ST_DL_CPU, 0);
}

/* ---- for people ---------------------------------------------------------------------------------------------------------- */

static PyObject *element(const own_array *array, const char *at) {
    uint64_t whole;
    if (array->dtype == ST_I64) return PyLong_FromLongLong(*(const int64_t *)(const void *)at);
    if (array->dtype == ST_U64) {
        memcpy(&whole, at, sizeof whole);
        return PyLong_FromUnsignedLongLong(whole);
    }
    const double value = st_py_load(array->dtype, at);
    return st_py_is_float(array->dtype) ? PyFloat_FromDouble(value) : PyLong_FromDouble(value);
}

static PyObject *nested(const own_array *array, int32_t axis, const char *at) {
    if (axis == array->dims) return element(array, at);
    PyObject *list = PyList_New(array->sizes[axis]);
    for (Py_ssize_t i = 0; list != NULL && i < array->sizes[axis]; i++) {
        PyObject *item = nested(array, axis + 1, at + i * array->steps[axis]);
        if (item == NULL || PyList_SetItem(list, i, item) < 0) Py_CLEAR(list);
    }
    return list;
}

static PyObject *own_tolist(PyObject *self, PyObject *unused) {
    (void)unused;
    return nested((own_array *)self, 0, ((own_array *)self)->data);
}

static PyObject *own_shape(PyObject *self, void *unused) {
    own_array *array = (own_array *)self;
    PyObject *shape = PyTuple_New(array->dims);
    (void)unused;
    for (int32_t i = 0; shape != NULL && i < array->dims; i++) {
        PyObject *size = PyLong_FromLongLong(array->shape[i]);
        if (size == NULL || PyTuple_SetItem(shape, i, size) < 0) Py_CLEAR(shape);
    }
    return shape;
}

static PyObject *own_dtype(PyObject *self, void *unused) {
    (void)unused;
    return PyUnicode_FromString(st_py_dtype_name(((own_array *)self)->dtype));
}

static Py_ssize_t own_length(PyObject *self) {
    own_array *array = (own_array *)self;
    if (array->dims > 0) return array->sizes[0];
    PyErr_SetString(PyExc_TypeError, "an array without axes has no length");
    return -1;
}

static PyObject *own_item(PyObject *self, Py_ssize_t at) {
    own_array *array = (own_array *)self;
    if (array->dims > 0 && at >= 0 && at < array->sizes[0]) return nested(array, 1, array->data + at * array->steps[0]);
    PyErr_SetString(PyExc_IndexError, "index out of range");
    return NULL;
}

static PyObject *own_repr(PyObject *self) {
    PyObject *shape = own_shape(self, NULL), *text = NULL;
    if (shape != NULL) text = PyUnicode_FromFormat("spiraltorch.Array(shape=%R, dtype='%s')", shape, st_py_dtype_name(((own_array *)self)->dtype));
    Py_XDECREF(shape);
    return text;
}

PyTypeObject *st_py_own_type(PyObject *module) {
    static PyMethodDef methods[] = {
        {"tolist", own_tolist, METH_NOARGS, "tolist($self, /)\n--\n\nThe elements as nested lists of int or float."},
        {"__dlpack__", (PyCFunction)(void (*)(void))own_dlpack, METH_VARARGS | METH_KEYWORDS,
         "__dlpack__($self, *, stream=None, max_version=None, dl_device=None, copy=None)\n--\n\n"
         "A DLPack capsule of this memory, which is not copied unless copy=True."},
        {"__dlpack_device__", own_dlpack_device, METH_NOARGS, "__dlpack_device__($self, /)\n--\n\n(1, 0): the host."},
        {NULL, NULL, 0, NULL}};
    static PyGetSetDef attributes[] = {{"shape", own_shape, NULL, "The sizes of the axes, a tuple.", NULL},
                                       {"dtype", own_dtype, NULL, "NumPy's name of the dtype, such as 'float32'.", NULL},
                                       {NULL, NULL, NULL, NULL, NULL}};
    static PyType_Slot slots[] = {
        {Py_tp_dealloc, (void *)own_dealloc}, {Py_tp_methods, methods}, {Py_tp_getset, attributes}, {Py_tp_repr, (void *)own_repr},
        {Py_bf_getbuffer, (void *)own_getbuffer}, {Py_sq_length, (void *)own_length}, {Py_sq_item, (void *)own_item},
        {Py_tp_doc, "An array of the host's memory, in C order: what functions answer where their input was a plain buffer.\n\n"
                    "NumPy and others take it without a copy (numpy.asarray, from_dlpack), and so does memoryview."},
        {0, NULL}};
    static PyType_Spec spec = {"spiraltorch.Array", sizeof(own_array), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    return (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, NULL);
}
