/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* outcomes.h - the arrays that a call fills: new ones of the input's library, or those that the caller gave as out=. */
#ifndef ST_PY_OUTCOMES_H
#define ST_PY_OUTCOMES_H

#include "layout.h"

typedef struct st_py_outcome {
    PyObject *object; /* owned */
    int32_t is_callers;
    st_py_array array; /* of a new array: data, dtype, shape and strides alone */
} st_py_outcome;

/* A new array, in C order, of the library of `like`. */
int st_py_outcome_make(st_py_state *state, const st_py_array *like, st_dtype dtype, int32_t dims, const int64_t *shape, st_py_outcome *outcome);

/*
 * The caller's own, as `name`: writable, of that shape, of dtype (or int32, where dtype is int64), with elements that share no
 * memory with each other.
 */
int st_py_outcome_take(st_py_state *state, PyObject *given, const char *name, st_dtype dtype, int32_t dims, const int64_t *shape,
                       st_py_outcome *outcome);

/* ValueError where two arrays share bytes between the first and the last of each. */
int st_py_check_apart(const st_py_array *a, const char *a_name, const st_py_array *b, const char *b_name);

/* Where the ranks along an axis (or ST_PY_FLAT) go. */
void st_py_target_of(const st_py_outcome *outcome, int32_t axis, st_py_target *target);

/* What the caller gets for it, owned; the outcome is done with. */
PyObject *st_py_outcome_finish(const st_py_state *state, const st_py_array *like, st_py_outcome *outcome);

/* Gives up an outcome; object NULL: it was never opened, or is finished. */
void st_py_outcome_drop(st_py_outcome *outcome);

/* A named tuple of arrays, which are taken over, NULL among them with an exception. */
PyObject *st_py_named_tuple(PyObject *type, Py_ssize_t count, PyObject **items);

#endif
