/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* arguments.h - reading the arguments of a call: which is which, and what each one says. */
#ifndef ST_PY_ARGUMENTS_H
#define ST_PY_ARGUMENTS_H

#include "binding.h"

enum { ST_PY_MOST_ARGUMENTS = 12 };

/* What a function takes, in order: names are ST_PY_NAME_*. */
typedef struct st_py_signature {
    const char *function;
    int32_t positional_only, positional, required, count;
    uint8_t names[ST_PY_MOST_ARGUMENTS];
} st_py_signature;

/* Sorts the arguments of a vectorcall into `values`, borrowed, NULL where one is not given. TypeError as Python's own. */
int st_py_read_arguments(const st_py_state *state, const st_py_signature *signature, PyObject *const *arguments, Py_ssize_t count,
                         PyObject *keywords, PyObject **values);

/* An integer, or anything with __index__; ValueError where it does not fit 64 bits. */
int st_py_read_integer(PyObject *value, const char *name, int64_t *number);

/* The truth of a value; NULL gives `otherwise`. */
int st_py_read_flag(PyObject *value, int otherwise, int *flag);

/* The position of a word in a list that ends in NULL; a value of NULL gives 0. */
int st_py_read_word(PyObject *value, const char *name, const char *const *words, int32_t *position);

/* A device's id as a string that lives as long as value; NULL, for None and for no value, means auto. */
int st_py_read_device(PyObject *value, const char **device);

/* The number of an axis of `dims`, from the end where it is negative. */
int st_py_read_axis(PyObject *value, const char *name, int32_t dims, int32_t *axis);

/* The dtype of a name such as "float32". */
int st_py_read_dtype(const char *name, st_dtype *dtype);

extern const char *const st_py_nan_words[];  /* as ST_NAN_* */
extern const char *const st_py_kind_words[]; /* as ST_TOPK and so on, less 1 */

/* NumPy's name of a dtype, such as "float32". */
const char *st_py_dtype_name(st_dtype dtype);

#endif
