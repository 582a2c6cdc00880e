/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * binding.h - what all files of the extension share: the limited API, the state of the module, and how failures are raised.
 *
 * Everything here is called with the GIL held. A function that returns int answers 0, or -1 with an exception set.
 */
#ifndef ST_PY_BINDING_H
#define ST_PY_BINDING_H

#ifndef ST_PY_FREE_THREADED       /* there is no limited API of interpreters without a GIL before 3.15 */
#define Py_LIMITED_API 0x030B0000 /* 3.11: the first with buffers in it */
#endif
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#include "spiraltorch/spiraltorch.h"

/*
 * Names that are interned once: of arguments, which are then compared by address, and of what arrays are asked for at each call;
 * a new string for each would fill the interpreter's cache of attributes.
 */
#define ST_PY_NAMES(X)                                                                                                           \
    X(x) X(k) X(dim) X(largest) X(sorted) X(nan) X(lengths) X(device) X(out) X(axis) X(mode) X(lo) X(hi) X(descending)            \
    X(requires_grad) X(is_neg) X(is_cpu) X(new_empty) X(data_ptr) X(dtype) X(shape) X(stride)                                     \
    X(__module__) X(__dlpack__) X(__dlpack_device__) X(__array_namespace__) X(__cuda_array_interface__) X(from_dlpack) X(tolist) X(mask) X(name)

enum {
#define ST_PY_NAME(name) ST_PY_NAME_##name,
    ST_PY_NAMES(ST_PY_NAME)
#undef ST_PY_NAME
        ST_PY_NAME_COUNT
};

/* The engine's context with those who use it: the last one frees it. */
typedef struct st_py_context st_py_context;

/* What is known of NumPy once a caller has imported it; type NULL: not yet. See numpy_arrays.c. */
typedef struct st_py_numpy {
    PyTypeObject *type;
    PyObject *(*descr_from_type)(int);
    PyObject *(*new_from_descr)(PyTypeObject *, PyObject *, int, const Py_ssize_t *, const Py_ssize_t *, void *, int, PyObject *);
} st_py_numpy;

/* The same of torch; type NULL: not yet. See torch_arrays.c. */
typedef struct st_py_torch {
    PyTypeObject *type;
    PyObject *is_grad_enabled;
    PyObject *dtypes[ST_U64 + 1]; /* by number; NULL: this torch does not have it */
} st_py_torch;

typedef struct st_py_state {
    PyObject *error;      /* spiraltorch.Error */
    PyObject *topk, *band; /* the named tuples TopK and Band */
    PyTypeObject *array, *survey;
    PyObject *names[ST_PY_NAME_COUNT];
    st_py_numpy numpy;
    st_py_torch torch;
    st_py_context *context; /* NULL until the first call, and in a child after fork */
    int32_t threads;        /* as set_num_threads had it; 0: the default */
} st_py_state;

st_py_state *st_py_state_of(PyObject *module);

/* One of the names, borrowed. */
#define ST_PY_INTERNED(state, name) ((state)->names[ST_PY_NAME_##name])

/* The state for an object of one of the module's own types. */
st_py_state *st_py_state_of_type(PyTypeObject *type);

/*
 * Raises what a status means, with the engine's message: ST_E_ARGUMENT as ValueError, ST_E_MEMORY as MemoryError, all others
 * as spiraltorch.Error with status and message. Returns NULL.
 */
PyObject *st_py_raise(const st_py_state *state, st_status status);

/* Raises spiraltorch.Error with a status and a message of the binding's own; fields may be NULL, or a dict of more attributes. */
PyObject *st_py_raise_error(const st_py_state *state, st_status status, const char *message, PyObject *fields);

/* ---- the context, in context.c ---------------------------------------------------------------------------------------- */

/* The context of calls that begin now, made where there is none. NULL with an exception. Each enter needs its leave. */
st_py_context *st_py_context_enter(st_py_state *state);
st_context *st_py_context_engine(const st_py_context *context);

/* Emits the warnings that the engine left. -1 where the caller turned them into an exception. */
int st_py_context_leave(st_py_context *context);

/*
 * The last plan that a small call made for the auto device, which the next one often needs again: comparing the request takes a
 * fifth of the time of asking the engine. asked.struct_size 0: there is none. Only with the GIL held.
 */
typedef struct st_py_recent {
    st_rank_request asked;
    st_plan plan;
} st_py_recent;

st_py_recent *st_py_context_recent(st_py_context *context);

/* 1 where the process has forked since: its threads are not here, and it is to be left alone. */
int st_py_context_is_gone(const st_py_context *context);

PyObject *st_py_set_num_threads(PyObject *module, PyObject *number);
PyObject *st_py_get_num_threads(PyObject *module, PyObject *unused);
PyObject *st_py_reload(PyObject *module, PyObject *unused);
PyObject *st_py_after_fork(PyObject *module, PyObject *unused);

/* Frees the context of a module that goes, where no call is on it. */
void st_py_context_close(st_py_state *state);

#endif
