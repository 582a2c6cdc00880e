/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* streaming.c - stream_topk: the chunks of an iterable as one row, in memory for k elements. */
#include <stdlib.h>

#include "arguments.h"
#include "banding.h"
#include "outcomes.h"

typedef struct streaming {
    st_py_context *context;
    st_stream *stream;
    st_py_array first; /* whose library the result is of */
    PyObject *first_object;
    int64_t chunks;
} streaming;

/* The elements of a chunk, in one piece. *copy is for free(). */
static st_status push(st_stream *stream, const st_py_array *chunk, char **copy) {
    const int64_t one = 1, size = st_dtype_size(chunk->dtype);
    const char *elements = chunk->data;
    if (chunk->shape[0] > 1 && chunk->strides[0] != 1) {
        *copy = malloc((size_t)(chunk->shape[0] * size));
        if (*copy == NULL) return st_backend_fail(ST_E_MEMORY, "no memory for a chunk in one piece");
        st_py_copy(1, chunk->shape, size, chunk->data, chunk->strides, *copy, &one);
        elements = *copy;
    }
    return st_stream_push(stream, elements, chunk->shape[0]);
}

static int push_released(const st_py_state *state, const streaming *made, const st_py_array *chunk) {
    char *copy = NULL;
    st_status status;
    if (chunk->shape[0] == 0) return 0;
    Py_BEGIN_ALLOW_THREADS
    status = push(made->stream, chunk, &copy);
    Py_END_ALLOW_THREADS
    free(copy);
    if (status == ST_OK) return 0;
    st_py_raise(state, status);
    return -1;
}

static int take(st_py_state *state, streaming *made, st_stream_options *options, PyObject *object) {
    st_py_array later;
    st_py_array *chunk = made->chunks == 0 ? &made->first : &later;
    if (st_py_array_import(state, object, "chunks", 0, chunk) < 0) return -1;
    int failed = 1;
    if (made->chunks == 0) {
        made->first_object = object;
        Py_INCREF(object);
        options->dtype = chunk->dtype;
        const st_status status = st_stream_open(st_py_context_engine(made->context), options, &made->stream);
        if (status != ST_OK) {
            st_py_array_release(chunk);
            st_py_raise(state, status);
            return -1;
        }
    }
    if (chunk->dims != 1) PyErr_Format(PyExc_ValueError, "chunks: number %lld has %d axes, not 1", (long long)made->chunks, chunk->dims);
    else if (chunk->dtype != made->first.dtype)
        PyErr_Format(PyExc_TypeError, "chunks: number %lld has dtype %s, and the first has %s", (long long)made->chunks,
                     st_py_dtype_name(chunk->dtype), st_py_dtype_name(made->first.dtype));
    else failed = push_released(state, made, chunk) < 0;
    if (made->chunks++ > 0 || failed) st_py_array_release(chunk);
    return failed ? -1 : 0;
}

static PyObject *finish(st_py_state *state, streaming *made, int64_t k) {
    st_py_outcome values = {.object = NULL}, indices = {.object = NULL};
    const st_py_array *like = &made->first;
    PyObject *result = NULL;
    const int64_t pushed = st_stream_pushed(made->stream);
    if (k > pushed) return PyErr_Format(PyExc_ValueError, "k: %lld is more than the %lld elements of all chunks", (long long)k, (long long)pushed);
    if (st_py_outcome_make(state, like, like->dtype, 1, &k, &values) == 0 && st_py_outcome_make(state, like, ST_I64, 1, &k, &indices) == 0) {
        st_status status = ST_OK;
        if (k > 0) status = st_stream_finish(made->stream, values.array.data, (int64_t *)(void *)indices.array.data, k);
        if (status == ST_OK) {
            PyObject *first = st_py_outcome_finish(state, like, &values);
            PyObject *items[] = {first, first == NULL ? NULL : st_py_outcome_finish(state, like, &indices)};
            result = st_py_named_tuple(state->topk, 2, items);
        } else {
            st_py_raise(state, status);
        }
    }
    st_py_outcome_drop(&indices);
    st_py_outcome_drop(&values);
    return result;
}

static PyObject *run(st_py_state *state, PyObject *chunks, st_stream_options *options) {
    streaming made = {.chunks = 0};
    PyObject *result = NULL, *iterator = PyObject_GetIter(chunks), *chunk;
    int failed = 0;
    if (iterator == NULL) return NULL;
    made.context = st_py_context_enter(state);
    while (made.context != NULL && !failed && (chunk = PyIter_Next(iterator)) != NULL) {
        failed = take(state, &made, options, chunk) < 0;
        Py_DECREF(chunk);
        if (!failed && st_py_context_is_gone(made.context)) {
            st_py_raise_error(state, ST_E_STATE, "chunks: the process was forked between two of them; begin anew in the child", NULL);
            failed = 1;
        }
    }
    Py_DECREF(iterator);
    if (made.context == NULL) return NULL;
    if (!failed && PyErr_Occurred() == NULL) {
        if (made.chunks == 0) PyErr_SetString(PyExc_ValueError, "chunks: there are none, so that nothing says of which dtype the result is");
        else result = finish(state, &made, options->hi);
    }
    st_stream_close(made.stream);
    if (made.first_object != NULL) st_py_array_release(&made.first);
    Py_XDECREF(made.first_object);
    if (st_py_context_leave(made.context) < 0) Py_CLEAR(result);
    return result;
}

PyObject *st_py_stream_topk(PyObject *module, PyObject *arguments, PyObject *words) {
    static char *names[] = {"chunks", "k", "largest", "sorted", "nan", NULL};
    PyObject *chunks, *k, *nan = NULL;
    int is_largest = 1, is_sorted = 1;
    st_stream_options options = {.struct_size = sizeof options, .length = -1};
    if (!PyArg_ParseTupleAndKeywords(arguments, words, "OO|pp$O:stream_topk", names, &chunks, &k, &is_largest, &is_sorted, &nan)) return NULL;
    if (st_py_read_integer(k, "k", &options.hi) < 0 || st_py_read_word(nan, "nan", st_py_nan_words, &options.nan_rule) < 0) return NULL;
    if (options.hi < 0) return PyErr_Format(PyExc_ValueError, "k: %lld is negative", (long long)options.hi);
    options.descending = is_largest;
    options.order = is_sorted ? ST_SORTED : ST_UNSORTED;
    return run(st_py_state_of(module), chunks, &options);
}
