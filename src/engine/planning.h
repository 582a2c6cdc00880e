/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* planning.h - what a plan asks for, checked: shared by planning and executing. */
#ifndef ST_ENGINE_PLANNING_H
#define ST_ENGINE_PLANNING_H

#include "engine/context_state.h"
#include "plan/decide.h"

/* A request, resolved, and the device and caps to plan it for. */
typedef struct st_target {
    st_rank_request request;
    int32_t position;
    st_device_caps caps;
} st_target;

/* Checks the arguments that all planning calls share. ST_E_ARGUMENT, ST_E_DEVICE. */
st_status st_target_find(const st_context *context, const st_rank_request *request, const char *device,
                         const st_device_caps *caps, st_target *target);

/* What plans for the device at a position may draw on. Lives as long as the context, unless that is reloaded. */
st_sources st_sources_of(const st_context *context, int32_t position);

#endif
