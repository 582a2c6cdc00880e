/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* tuning.h - the type _engine.Survey, which the package's tune() drives, and installing what came of it. */
#ifndef ST_PY_TUNING_H
#define ST_PY_TUNING_H

#include "binding.h"

PyTypeObject *st_py_survey_type(PyObject *module);
PyObject *st_py_install_table(PyObject *module, PyObject *path);

#endif
