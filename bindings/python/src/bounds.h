/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bounds.h - the ends of a band, numbers of Python's, as elements of a dtype. */
#ifndef ST_PY_BOUNDS_H
#define ST_PY_BOUNDS_H

#include "binding.h"

/*
 * Writes lower and upper as elements. Floats are rounded to nearest, as in x >= 0.1; for integers the same elements lie between
 * them as between the numbers given. Where no integer of the dtype does, lower comes out above upper. ValueError: NaN.
 */
int st_py_read_bounds(PyObject *lower, PyObject *upper, st_dtype dtype, void *lower_element, void *upper_element);

#endif
