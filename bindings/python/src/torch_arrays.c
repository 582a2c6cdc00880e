/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* torch_arrays.c - torch's tensors, seen through the DLPack capsules that torch makes, and new ones made by torch. */
#include "arguments.h"
#include "arrays.h"

/* Learns torch where the caller has imported it; 1 where it is known then, -1 with an exception. */
static int learn(st_py_state *state) {
    PyObject *name = PyUnicode_FromString("torch");
    PyObject *module = name == NULL ? NULL : PyImport_GetModule(name);
    Py_XDECREF(name);
    if (module == NULL) return PyErr_Occurred() ? -1 : 0;
    PyObject *type = PyObject_GetAttrString(module, "Tensor");
    PyObject *exchange = type == NULL ? NULL : PyImport_ImportModule("torch.utils.dlpack");
    PyObject *to_dlpack = exchange == NULL ? NULL : PyObject_GetAttrString(exchange, "to_dlpack");
    PyObject *is_grad_enabled = to_dlpack == NULL ? NULL : PyObject_GetAttrString(module, "is_grad_enabled");
    Py_XDECREF(exchange);
    if (is_grad_enabled == NULL || !PyType_Check(type)) { /* half imported, or another module of this name */
        PyErr_Clear();
        Py_XDECREF(type);
        Py_XDECREF(to_dlpack);
        Py_XDECREF(is_grad_enabled);
        Py_DECREF(module);
        return 0;
    }
    state->torch = (st_py_torch){(PyTypeObject *)type, module, to_dlpack, is_grad_enabled};
    return 1;
}

/* The truth of a value, which is taken over; -1 with an exception. */
static int truth(PyObject *value) {
    const int answer = value == NULL ? -1 : PyObject_IsTrue(value);
    Py_XDECREF(value);
    return answer;
}

/* A call that would lose a gradient without a word. */
static int check_gradient(const st_py_state *state, PyObject *object, const char *name) {
    const int wanted = truth(PyObject_GetAttr(object, state->names[ST_PY_NAME_requires_grad]));
    if (wanted <= 0) return wanted;
    const int follows = truth(PyObject_CallObject(state->torch.is_grad_enabled, NULL));
    if (follows <= 0) return follows;
    PyErr_Format(PyExc_ValueError, "%s: requires a gradient, which this function does not pass on; use spiraltorch.torch.topk, or give %s.detach()",
                 name, name);
    return -1;
}

int st_py_torch_import(st_py_state *state, PyObject *object, const char *name, int writable, st_py_array *array) {
    if (state->torch.type == NULL) {
        const int known = learn(state);
        if (known <= 0) return known;
    }
    if (Py_TYPE(object) != state->torch.type && !PyType_IsSubtype(Py_TYPE(object), state->torch.type)) return 0;
    if (check_gradient(state, object, name) < 0) return -1;
    const int negated = truth(PyObject_CallMethodObjArgs(object, state->names[ST_PY_NAME_is_neg], NULL));
    if (negated < 0) return -1;
    if (negated) {
        PyErr_Format(PyExc_ValueError, "%s: is a view that negates its memory; give %s.resolve_neg()", name, name);
        return -1;
    }
    PyObject *capsule = PyObject_CallFunctionObjArgs(state->torch.to_dlpack, object, NULL);
    if (capsule == NULL) return -1;
    array->library = ST_PY_TORCH;
    return st_py_dlpack_take(state, capsule, name, writable, array) < 0 ? -1 : 1;
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
    PyObject *make = PyObject_GetAttr(like->object, state->names[ST_PY_NAME_new_empty]);
    PyObject *sizes = shape_tuple(dims, shape), *arguments = sizes == NULL ? NULL : PyTuple_Pack(1, sizes);
    PyObject *words = NULL, *element = NULL, *made = NULL, *address = NULL;
    Py_XDECREF(sizes);
    int failed = make == NULL || arguments == NULL;
    if (!failed && dtype != like->dtype) {
        words = PyDict_New();
        element = PyObject_GetAttrString(state->torch.module, st_py_dtype_name(dtype));
        failed = words == NULL || element == NULL || PyDict_SetItem(words, state->names[ST_PY_NAME_dtype], element) < 0;
    }
    if (!failed) made = PyObject_Call(make, arguments, words);
    if (made != NULL) address = PyObject_CallMethodObjArgs(made, state->names[ST_PY_NAME_data_ptr], NULL);
    if (address != NULL) *data = PyLong_AsVoidPtr(address);
    if (address == NULL || PyErr_Occurred()) Py_CLEAR(made);
    Py_XDECREF(address);
    Py_XDECREF(element);
    Py_XDECREF(words);
    Py_XDECREF(arguments);
    Py_XDECREF(make);
    return made;
}
