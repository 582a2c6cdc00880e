/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* selecting.h - one selection over the rows of an array, whatever axes it has and wherever the results go. */
#ifndef ST_PY_SELECTING_H
#define ST_PY_SELECTING_H

#include "layout.h"

/* request: start from st_py_selection_start; the shape and strides in it are filled from the rows. */
typedef struct st_py_selection {
    st_rank_request request;
    const char *device; /* NULL: auto */
    const st_py_rows *rows;
    const int64_t *lengths; /* of each row, in C order of the batch; NULL: all whole */
    st_py_target values, indices;
} st_py_selection;

/* A selection with the engine's defaults; targets are not wanted. */
void st_py_selection_start(st_py_selection *selection, int32_t kind, st_dtype dtype, const st_py_rows *rows);

/* Elements of a row's result. */
int64_t st_py_selection_width(const st_py_selection *selection);

/* Plans and runs it. Statuses of st_plan_request and st_execute_rank. The GIL need not be held, unless recent is given. */
st_status st_py_select(st_context *engine, const st_py_selection *selection, st_py_recent *recent);

/*
 * The same with the GIL held on entry and on return: given up meanwhile where the work is worth it, and a failure raised. The
 * context is entered and left.
 */
int st_py_select_released(st_py_state *state, const st_py_selection *selection);

#endif
