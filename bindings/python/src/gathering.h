/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gathering.h - rows whose elements do not lie side by side, brought together a block at a time before they are ranked. */
#ifndef ST_PY_GATHERING_H
#define ST_PY_GATHERING_H

#include "binding.h"

/* 1 where st_py_execute_gathered is faster than running the plan on the rows as they lie. */
int st_py_gathering_pays(const st_context *engine, const st_plan *plan);

/* As st_execute_rank of the request on the CPU, by way of blocks of at most some MiB. The GIL need not be held. */
st_status st_py_execute_gathered(st_context *engine, const st_rank_request *request, const st_rank_buffers *buffers);

#endif
