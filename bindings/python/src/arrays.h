/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * arrays.h - arrays of any library, seen as one struct while a call lasts, and new ones of the same library for what it answers.
 */
#ifndef ST_PY_ARRAYS_H
#define ST_PY_ARRAYS_H

#include "binding.h"

enum { ST_PY_MOST_DIMS = 8 };

/* Whose array it is, which decides what kind of array comes back. */
enum { ST_PY_NUMPY = 1, ST_PY_TORCH = 2, ST_PY_DLPACK = 3, ST_PY_BUFFER = 4 };

/* Memory of the caller's, in elements. All fields are set by st_py_array_import; release gives back what holds the memory. */
typedef struct st_py_array {
    char *data;
    st_dtype dtype;
    int32_t library, dims, writable;
    int64_t shape[ST_PY_MOST_DIMS], strides[ST_PY_MOST_DIMS];
    PyObject *object;   /* the caller's own, borrowed */
    PyObject *capsule;  /* of DLPack, or NULL */
    int32_t has_buffer; /* 1: `buffer` is to be released */
    Py_buffer buffer;
} st_py_array;

/*
 * Looks at an array: NumPy's, torch's, anything with __dlpack__, or with the buffer protocol. No element is copied. `name` is
 * what messages call it. writable 1: refuses memory that is read-only. TypeError: no array, or a dtype that is not ranked;
 * ValueError: too many axes, strides that are no multiple of an element, not aligned; Error: on a device that is not the host's.
 */
int st_py_array_import(st_py_state *state, PyObject *object, const char *name, int writable, st_py_array *array);

/* After a failed import too. Keeps an exception that is set. */
void st_py_array_release(st_py_array *array);

/* Elements in all; -1 with ValueError where they are too many. */
int64_t st_py_array_elements(const st_py_array *array, const char *name);

/* Bytes [*first, *last) that the elements lie in. */
void st_py_array_extent(const st_py_array *array, uintptr_t *first, uintptr_t *last);

/* ---- one file for each kind of array ------------------------------------------------------------------------------------
 * Each import fills the array, and answers 1; 0 where the object is not of its kind, without an exception; or -1.
 */

int st_py_numpy_import(st_py_state *state, PyObject *object, const char *name, int writable, st_py_array *array);
int st_py_torch_import(st_py_state *state, PyObject *object, const char *name, st_py_array *array);
int st_py_dlpack_import(const st_py_state *state, PyObject *object, const char *name, int writable, st_py_array *array);
int st_py_buffer_import(PyObject *object, const char *name, int writable, st_py_array *array);
int st_py_cuda_refuse(const st_py_state *state, PyObject *object, const char *name);

/* The array in a capsule of DLPack, which the array then holds; the capsule is taken over. */
int st_py_dlpack_take(const st_py_state *state, PyObject *capsule, const char *name, int writable, st_py_array *array);

/* Elements on a device that no backend here can reach: raises Error, which names it. Returns -1. */
int st_py_refuse_device(const st_py_state *state, const char *name, const char *device, const char *fix);

/* A dtype that is not ranked: TypeError with the list of those that are. Returns -1. */
int st_py_refuse_dtype(const char *name, PyObject *dtype);

/* Strides of C order, in elements. */
void st_py_packed_strides(int32_t dims, const int64_t *shape, int64_t *strides);

/* ---- arrays that are made ------------------------------------------------------------------------------------------------ */

/*
 * A new array of the same library as `like`, on the host, in C order; *data is its memory, which is not filled. NULL with an
 * exception. Give it to st_py_array_finish once it is filled.
 */
PyObject *st_py_array_make(st_py_state *state, const st_py_array *like, st_dtype dtype, int32_t dims, const int64_t *shape, char **data);

/* What the caller gets for a filled array, which is taken over: NumPy's scalar for one without axes, another library's own array. */
PyObject *st_py_array_finish(const st_py_state *state, const st_py_array *like, PyObject *made, int32_t dims);

PyObject *st_py_numpy_make(st_py_state *state, const st_py_array *like, st_dtype dtype, int32_t dims, const int64_t *shape, char **data);
PyObject *st_py_torch_make(st_py_state *state, const st_py_array *like, st_dtype dtype, int32_t dims, const int64_t *shape, char **data);
PyObject *st_py_own_make(const st_py_state *state, st_dtype dtype, int32_t dims, const int64_t *shape, char **data);

/* The type spiraltorch.Array. */
PyTypeObject *st_py_own_type(PyObject *module);

#endif
