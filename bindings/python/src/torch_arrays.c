/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * torch_arrays.c - torch's tensors, by what they say of themselves, and new ones made by torch. A capsule of DLPack would say
 * the same, but takes torch longer to make than small tensors take to be ranked, and passes over views that negate.
 */
#include "arguments.h"
#include "arrays.h"

/* Learns torch where the caller has imported it; 1 where it is known then, -1 with an exception. */
static int learn(st_py_state *state) {
    PyObject *name = PyUnicode_FromString("torch");
    PyObject *module = name == NULL ? NULL : PyImport_GetModule(name);
    Py_XDECREF(name);
    if (module == NULL) return PyErr_Occurred() ? -1 : 0;
    st_py_torch torch = {.type = NULL};
    PyObject *type = PyObject_GetAttrString(module, "Tensor");
    torch.is_grad_enabled = type == NULL ? NULL : PyObject_GetAttrString(module, "is_grad_enabled");
    if (torch.is_grad_enabled == NULL || !PyType_Check(type)) { /* half imported, or another module of this name */
        PyErr_Clear();
        Py_XDECREF(type);
        Py_XDECREF(torch.is_grad_enabled);
        Py_DECREF(module);
        return 0;
    }
    torch.type = (PyTypeObject *)type;
    for (st_dtype dtype = ST_F32; dtype <= ST_U64; dtype++) torch.dtypes[dtype] = PyObject_GetAttrString(module, st_py_dtype_name(dtype));
    PyErr_Clear(); /* older ones have no unsigned integers but uint8 */
    Py_DECREF(module);
    state->torch = torch;
    return 1;
}

/* ---- looking at a tensor ------------------------------------------------------------------------------------------------- */

/* The truth of a value, which is taken over; -1 with an exception. */
static int truth(PyObject *value) {
    const int answer = value == NULL ? -1 : PyObject_IsTrue(value);
    Py_XDECREF(value);
    return answer;
}

/* A call that would lose a gradient without a word. */
static int check_gradient(const st_py_state *state, PyObject *object, const char *name) {
    const int wanted = truth(PyObject_GetAttr(object, ST_PY_INTERNED(state, requires_grad)));
    if (wanted <= 0) return wanted;
    const int follows = truth(PyObject_CallObject(state->torch.is_grad_enabled, NULL));
    if (follows <= 0) return follows;
    PyErr_Format(PyExc_ValueError, "%s: requires a gradient, which this function does not pass on; use spiraltorch.torch.topk, or give %s.detach()",
                 name, name);
    return -1;
}

static int check_sign(const st_py_state *state, PyObject *object, const char *name) {
    const int is_negated = truth(PyObject_CallMethodObjArgs(object, ST_PY_INTERNED(state, is_neg), NULL));
    if (is_negated <= 0) return is_negated;
    PyErr_Format(PyExc_ValueError, "%s: is a view that negates its memory; give %s.resolve_neg()", name, name);
    return -1;
}

static int check_place(const st_py_state *state, PyObject *object, const char *name) {
    const int is_here = truth(PyObject_GetAttr(object, ST_PY_INTERNED(state, is_cpu)));
    if (is_here != 0) return is_here < 0 ? -1 : 0;
    PyObject *device = PyObject_GetAttr(object, ST_PY_INTERNED(state, device)), *text = device == NULL ? NULL : PyObject_Str(device);
    const char *place = text == NULL ? NULL : PyUnicode_AsUTF8AndSize(text, NULL);
    if (place != NULL) st_py_refuse_device(state, name, place, "give a copy on the host, such as x.cpu()");
    Py_XDECREF(text);
    Py_XDECREF(device);
    return -1;
}

static int read_dtype(const st_py_state *state, PyObject *object, const char *name, st_dtype *dtype) {
    PyObject *given = PyObject_GetAttr(object, ST_PY_INTERNED(state, dtype));
    if (given == NULL) return -1;
    for (*dtype = ST_U64; *dtype > 0 && state->torch.dtypes[*dtype] != given;) --*dtype;
    if (*dtype == 0) st_py_refuse_dtype(name, given);
    Py_DECREF(given);
    return *dtype == 0 ? -1 : 0;
}

/* A tuple of integers, which is taken over. */
static int read_numbers(PyObject *tuple, const char *name, int64_t *numbers, int32_t *count) {
    const Py_ssize_t length = tuple == NULL ? -1 : PyTuple_Size(tuple);
    *count = (int32_t)length;
    if (length > ST_PY_MOST_DIMS) PyErr_Format(PyExc_ValueError, "%s: has %zd axes; at most %d are ranked", name, length, ST_PY_MOST_DIMS);
    for (Py_ssize_t i = 0; i < length && length <= ST_PY_MOST_DIMS; i++) numbers[i] = PyLong_AsLongLong(PyTuple_GetItem(tuple, i));
    Py_XDECREF(tuple);
    return PyErr_Occurred() ? -1 : 0;
}

static int read_address(const st_py_state *state, PyObject *object, char **data) {
    PyObject *address = PyObject_CallMethodObjArgs(object, ST_PY_INTERNED(state, data_ptr), NULL);
    *data = address == NULL ? NULL : PyLong_AsVoidPtr(address);
    Py_XDECREF(address);
    return PyErr_Occurred() ? -1 : 0;
}

int st_py_torch_import(st_py_state *state, PyObject *object, const char *name, st_py_array *array) {
    int32_t steps;
    if (state->torch.type == NULL) {
        const int known = learn(state);
        if (known <= 0) return known;
    }
    if (Py_TYPE(object) != state->torch.type && !PyType_IsSubtype(Py_TYPE(object), state->torch.type)) return 0;
    array->library = ST_PY_TORCH;
    array->writable = 1;
    if (check_gradient(state, object, name) < 0 || check_place(state, object, name) < 0 || check_sign(state, object, name) < 0 ||
        read_dtype(state, object, name, &array->dtype) < 0 ||
        read_numbers(PyObject_GetAttr(object, ST_PY_INTERNED(state, shape)), name, array->shape, &array->dims) < 0 ||
        read_numbers(PyObject_CallMethodObjArgs(object, ST_PY_INTERNED(state, stride), NULL), name, array->strides, &steps) < 0 ||
        read_address(state, object, &array->data) < 0)
        return -1;
    if (steps == array->dims) return 1;
    PyErr_Format(PyExc_ValueError, "%s: has a stride that does not fit its shape", name);
    return -1;
}

/* ---- making one ---------------------------------------------------------------------------------------------------------- */

static PyObject *shape_tuple(int32_t dims, const int64_t *shape) {
    PyObject *tuple = PyTuple_New(dims);
    for (int32_t i = 0; tuple != NULL && i < dims; i++) {
        PyObject *size = PyLong_FromLongLong(shape[i]);
        if (size == NULL || PyTuple_SetItem(tuple, i, size) < 0) Py_CLEAR(tuple);
    }
    return tuple;
}

PyObject *st_py_torch_make(st_py_state *state, const st_py_array *like, st_dtype dtype, int32_t dims, const int64_t *shape, char **data) {
    PyObject *make = PyObject_GetAttr(like->object, ST_PY_INTERNED(state, new_empty));
    PyObject *sizes = shape_tuple(dims, shape), *arguments = sizes == NULL ? NULL : PyTuple_Pack(1, sizes);
    PyObject *words = NULL, *made = NULL;
    Py_XDECREF(sizes);
    int failed = make == NULL || arguments == NULL;
    if (!failed && dtype != like->dtype) {
        words = PyDict_New();
        failed = words == NULL || PyDict_SetItem(words, ST_PY_INTERNED(state, dtype), state->torch.dtypes[dtype]) < 0;
    }
    if (!failed) made = PyObject_Call(make, arguments, words);
    if (made != NULL && read_address(state, made, data) < 0) Py_CLEAR(made);
    Py_XDECREF(words);
    Py_XDECREF(arguments);
    Py_XDECREF(make);
    return made;
}
