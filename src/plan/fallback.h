/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* fallback.h - the conservative chooser: a safe Choice with no rule, no table and no measurement. */
#ifndef ST_PLAN_FALLBACK_H
#define ST_PLAN_FALLBACK_H

#include "device/registry.h"

/* Fills *choice for a resolved request; not normalised yet where the backend is the caller's. */
void st_fallback_choice(const st_registered *device, const st_device_caps *caps, const st_rank_request *resolved, st_choice *choice);

#endif
