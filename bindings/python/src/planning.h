/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* planning.h - what the package's Python files ask: plans and why, devices, and rule programs. */
#ifndef ST_PY_PLANNING_H
#define ST_PY_PLANNING_H

#include "binding.h"

PyObject *st_py_plan(PyObject *module, PyObject *arguments, PyObject *words);
PyObject *st_py_devices(PyObject *module, PyObject *unused);

PyObject *st_py_kdsl_check(PyObject *module, PyObject *text);
PyObject *st_py_kdsl_format(PyObject *module, PyObject *text);
PyObject *st_py_kdsl_eval(PyObject *module, PyObject *arguments, PyObject *words);

/* Caps from a dict such as {"backend": "wgpu", "lanes": 32, "subgroup": True, "max_workgroup": 256, "shared_mem": 32768}. */
int st_py_read_caps(PyObject *given, st_device_caps *caps);

/* The fields of a Choice by name, a new dict. */
PyObject *st_py_choice_dict(const st_choice *choice);

#endif
