/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* statistics.h - one number of each row, by its ranks: quantiles and trimmed means. */
#ifndef ST_PY_STATISTICS_H
#define ST_PY_STATISTICS_H

#include "binding.h"

PyObject *st_py_quantile(PyObject *module, PyObject *arguments, PyObject *words);
PyObject *st_py_trimmed_mean(PyObject *module, PyObject *arguments, PyObject *words);

#endif
