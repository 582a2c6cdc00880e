/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* effects.h - what each field of a Choice does in one plan, in a line. */
#ifndef ST_PLAN_EFFECTS_H
#define ST_PLAN_EFFECTS_H

#include "spiraltorch/rank.h"

/*
 * The line for a field (ST_FIELD_*) in a plan; for a registered backend, which alone knows, a line that says so.
 * *active is 1 where changing the field would change what runs.
 */
void st_choice_effect(const st_plan *plan, int32_t field, char line[96], int32_t *active);

#endif
