/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * context.c - the one context that all calls share: made by the first call, made anew when the number of threads changes, and
 * left behind by fork, whose child has none of its threads. The GIL guards all fields but the warnings.
 */
#include <stdatomic.h>
#include <string.h>

#include "binding.h"

struct st_py_context {
    st_context *engine;
    int64_t users; /* calls and objects on it, and one for being the module's */
    int forked;
    st_py_recent recent;
    /* The engine warns from any thread, and often one without the GIL, so that the text waits for its call to end. */
    atomic_flag busy;
    atomic_int waiting;
    char warning[512];
};

/* Keeps the first of several warnings: the engine says each once, and the next call brings the next. */
static void keep_warning(void *user, const char *text) {
    st_py_context *context = user;
    if (atomic_load(&context->waiting) || atomic_flag_test_and_set(&context->busy)) return;
    const size_t length = strlen(text) < sizeof context->warning ? strlen(text) : sizeof context->warning - 1;
    memcpy(context->warning, text, length);
    context->warning[length] = '\0';
    atomic_store(&context->waiting, 1);
    atomic_flag_clear(&context->busy);
}

static void drop(st_py_context *context) {
    if (--context->users > 0) return;
    /* In a child the threads are not there to be joined: what is left of them stays where it is. */
    if (!context->forked) st_context_destroy(context->engine);
    PyMem_Free(context);
}

/* The path of an installed package's wgpu-native as bytes, or None; NULL with an exception. */
static PyObject *find_wgpu(void) {
    PyObject *module = PyImport_ImportModule("spiraltorch.wgpu_native");
    PyObject *path = module == NULL ? NULL : PyObject_CallMethod(module, "path", NULL);
    Py_XDECREF(module);
    return path;
}

static st_py_context *make(const st_py_state *state) {
    PyObject *wgpu = find_wgpu();
    st_py_context *context = wgpu == NULL ? NULL : PyMem_Calloc(1, sizeof *context);
    if (context == NULL) {
        if (wgpu != NULL) PyErr_NoMemory();
        Py_XDECREF(wgpu);
        return NULL;
    }
    atomic_flag_clear(&context->busy);
    context->users = 1;
    const st_host host = {.struct_size = sizeof host, .user = context, .warn = keep_warning};
    const st_context_options options = {.struct_size = sizeof options,
                                        .threads = state->threads,
                                        .host = &host,
                                        .wgpu_library = wgpu == Py_None ? NULL : PyBytes_AsString(wgpu)};
    const st_status status = st_context_create(&options, &context->engine);
    Py_DECREF(wgpu);
    if (status != ST_OK) {
        PyMem_Free(context);
        st_py_raise(state, status);
        return NULL;
    }
    return context;
}

/* Has calls that begin from now on use another context. */
static int replace(st_py_state *state, int32_t threads) {
    const int32_t before = state->threads;
    state->threads = threads;
    st_py_context *made = make(state);
    if (made == NULL) {
        state->threads = before;
        return -1;
    }
    if (state->context != NULL) drop(state->context);
    state->context = made;
    return 0;
}

st_py_context *st_py_context_enter(st_py_state *state) {
    if (state->context == NULL) {
        st_py_context *made = make(state); /* which may let another thread on, that makes one too */
        if (made == NULL) return NULL;
        if (state->context == NULL) state->context = made;
        else drop(made);
    }
    state->context->users++;
    return state->context;
}

st_context *st_py_context_engine(const st_py_context *context) { return context->engine; }

st_py_recent *st_py_context_recent(st_py_context *context) { return &context->recent; }

int st_py_context_is_gone(const st_py_context *context) { return context->forked; }

int st_py_context_leave(st_py_context *context) {
    int status = 0;
    if (atomic_load_explicit(&context->waiting, memory_order_acquire)) {
        char text[sizeof context->warning];
        memcpy(text, context->warning, sizeof text);
        atomic_store(&context->waiting, 0);
        /* An exception that is under way says more. */
        if (PyErr_Occurred() == NULL) status = PyErr_WarnEx(PyExc_RuntimeWarning, text, 1);
    }
    drop(context);
    return status;
}

PyObject *st_py_set_num_threads(PyObject *module, PyObject *number) {
    const long threads = PyLong_AsLong(number);
    if (threads == -1 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_OverflowError)) PyErr_SetString(PyExc_ValueError, "threads: give 1 to 4096");
        return NULL;
    }
    if (threads < 1 || threads > 4096) return PyErr_Format(PyExc_ValueError, "threads: %ld is not in 1 to 4096", threads);
    if (replace(st_py_state_of(module), (int32_t)threads) < 0) return NULL;
    Py_RETURN_NONE;
}

PyObject *st_py_get_num_threads(PyObject *module, PyObject *unused) {
    (void)unused;
    st_py_context *context = st_py_context_enter(st_py_state_of(module));
    if (context == NULL) return NULL;
    const long threads = st_context_threads(context->engine);
    return st_py_context_leave(context) < 0 ? NULL : PyLong_FromLong(threads);
}

PyObject *st_py_reload(PyObject *module, PyObject *unused) {
    (void)unused;
    st_py_state *state = st_py_state_of(module);
    if (replace(state, state->threads) < 0) return NULL;
    Py_RETURN_NONE;
}

PyObject *st_py_after_fork(PyObject *module, PyObject *unused) {
    (void)unused;
    st_py_state *state = st_py_state_of(module);
    if (state->context != NULL) state->context->forked = 1;
    state->context = NULL;
    Py_RETURN_NONE;
}

void st_py_context_close(st_py_state *state) {
    if (state->context != NULL) drop(state->context);
    state->context = NULL;
}
