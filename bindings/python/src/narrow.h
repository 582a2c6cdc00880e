/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* narrow.h - elements of any dtype as a double and back, rounded to nearest, ties to even. */
#ifndef ST_PY_NARROW_H
#define ST_PY_NARROW_H

#include <stdint.h>

#include "spiraltorch/dtype.h"

/* Reads an element; 64-bit integers beyond 2^53 are rounded. */
double st_py_load(st_dtype dtype, const void *element);

/* Writes an element of a float dtype. */
void st_py_store(st_dtype dtype, void *element, double value);

/* What a value becomes by being stored as a float dtype. */
double st_py_rounded(st_dtype dtype, double value);

/* 1 for the four float dtypes. */
int st_py_is_float(st_dtype dtype);

#endif
