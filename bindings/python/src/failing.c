/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* failing.c - a status of the engine as a Python exception. */
#include "binding.h"

PyObject *st_py_raise_error(const st_py_state *state, st_status status, const char *message, PyObject *fields) {
    const char *name = st_status_name(status);
    PyObject *text = PyUnicode_FromFormat("%s: %s", name, message);
    PyObject *error = text == NULL ? NULL : PyObject_CallFunctionObjArgs(state->error, text, NULL);
    Py_XDECREF(text);
    if (error == NULL) return NULL;
    PyObject *status_name = PyUnicode_FromString(name), *message_text = PyUnicode_FromString(message);
    int failed = status_name == NULL || message_text == NULL || PyObject_SetAttrString(error, "status", status_name) < 0 ||
                 PyObject_SetAttrString(error, "message", message_text) < 0;
    Py_XDECREF(status_name);
    Py_XDECREF(message_text);
    PyObject *key, *value;
    Py_ssize_t position = 0;
    while (!failed && fields != NULL && PyDict_Next(fields, &position, &key, &value)) failed = PyObject_SetAttr(error, key, value) < 0;
    if (!failed) PyErr_SetObject(state->error, error);
    Py_DECREF(error);
    return NULL;
}

PyObject *st_py_raise(const st_py_state *state, st_status status) {
    if (status == ST_E_ARGUMENT) PyErr_SetString(PyExc_ValueError, st_last_message());
    else if (status == ST_E_MEMORY) PyErr_SetString(PyExc_MemoryError, st_last_message());
    else st_py_raise_error(state, status, st_last_message(), NULL);
    return NULL;
}
