/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* ranking.h - the functions that answer with the values and the indices of a selection. */
#ifndef ST_PY_RANKING_H
#define ST_PY_RANKING_H

#include "binding.h"

PyObject *st_py_topk(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords);
PyObject *st_py_top_k(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords);
PyObject *st_py_topk2d(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords);
PyObject *st_py_midk2d(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords);
PyObject *st_py_bottomk2d(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords);
PyObject *st_py_rank_window(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords);

#endif
