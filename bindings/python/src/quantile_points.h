/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* quantile_points.h - which ranks a quantile lies between, by NumPy's thirteen methods, and what lies between two elements. */
#ifndef ST_PY_QUANTILE_POINTS_H
#define ST_PY_QUANTILE_POINTS_H

#include <stdint.h>

#include "spiraltorch/dtype.h"

/* NumPy's names of the methods, ending in NULL; their positions are what `method` means. */
extern const char *const st_py_quantile_methods[];

/* 1 where a method always gives an element, so that the result has the input's dtype. */
int st_py_quantile_is_element(int32_t method);

/* The ascending ranks below and above a quantile of n >= 1 elements, and how far it is from the one to the other. */
typedef struct st_py_point {
    int64_t below, above;
    double way;
} st_py_point;

st_py_point st_py_quantile_point(int32_t method, double q, int64_t n);

/*
 * Writes what lies between two elements of dtype, of which `below` is not the greater, to an element of `result`: dtype itself,
 * in whose arithmetic it is computed, or ST_F64 for integers.
 */
void st_py_quantile_between(st_dtype dtype, const void *below, const void *above, double way, st_dtype result, void *to);

#endif
