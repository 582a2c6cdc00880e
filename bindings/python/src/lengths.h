/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* lengths.h - the length of each row, from an array of integers or a sequence of them. */
#ifndef ST_PY_LENGTHS_H
#define ST_PY_LENGTHS_H

#include "layout.h"

/*
 * Reads lengths=: an array of an integer dtype with the shape of the batch, or, for a batch of one axis, a sequence of
 * integers; each in [0, cols]. *lengths is in C order, for free(); NULL where none are given.
 */
int st_py_lengths_read(st_py_state *state, PyObject *given, const st_py_rows *rows, int64_t **lengths);

#endif
