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
    int32_t automatic; /* 1: auto picked the device */
    st_device_caps caps;
} st_target;

/*
 * Checks the arguments that all planning calls share, and finds the device: for auto the one on which the request on host
 * memory is expected to take least time, copies included. ST_E_ARGUMENT, ST_E_DEVICE.
 */
st_status st_target_find(const st_context *context, const st_rank_request *request, const char *device,
                         const st_device_caps *caps, st_target *target);

/*
 * Moves a target to one of auto's devices, by its number there, and predicts how long it takes on host memory: 0 where the device
 * was lost, or has no plan for it. `copied` says what goes there and back.
 */
int st_target_ns(const st_context *context, int32_t choice, const st_rank_request *copied, st_target *target, double *ns);

/* The plan of a target, from the cache where it is there. Errors as st_decide. */
st_status st_target_plan(const st_context *context, const st_target *target, st_plan *plan);

/*
 * The plan as it will run here: request resolved for this context, caps the device's own, Choice normalised to them (it may
 * have been made for another machine's caps). A plan is a plain value that may come from anywhere, so everything in it that
 * steers memory is checked again; that costs nanoseconds. *position is the device's. ST_E_ARGUMENT, ST_E_DEVICE.
 */
st_status st_plan_revise(const st_context *context, const st_plan *plan, st_plan *revised, int32_t *position);

/* What plans for the device at a position may draw on. Lives as long as the context, unless that is reloaded. */
st_sources st_sources_of(const st_context *context, int32_t position);

#endif
