/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* banding.h - band_compact and stream_topk: results whose size the data decides, and a row that comes in pieces. */
#ifndef ST_PY_BANDING_H
#define ST_PY_BANDING_H

#include "binding.h"

PyObject *st_py_band_compact(PyObject *module, PyObject *arguments, PyObject *words);
PyObject *st_py_stream_topk(PyObject *module, PyObject *arguments, PyObject *words);

#endif
