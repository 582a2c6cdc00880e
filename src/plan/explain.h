/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* explain.h - a decision as one screen of text, or as JSON. */
#ifndef ST_PLAN_EXPLAIN_H
#define ST_PLAN_EXPLAIN_H

#include "plan/decide.h"

/* Takes a piece of text; returns 0, or anything else to stop. */
typedef int32_t (*st_text_sink)(void *user, const char *text, uint64_t bytes);

/* Writes to a sink. The text ends with a newline; the JSON is one object without one. ST_E_IO where the sink refused. */
st_status st_explain_text(const st_registered *device, const st_plan *plan, const st_decision *decision, st_text_sink sink, void *user);
st_status st_explain_json(const st_plan *plan, const st_decision *decision, st_text_sink sink, void *user);

#endif
