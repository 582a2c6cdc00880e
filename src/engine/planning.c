/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* planning.c - requests to plans, by way of the plan cache. */
#include "engine/planning.h"

#include <string.h>

#include "base/fail.h"
#include "device/caps.h"
#include "rank/request.h"

st_status st_target_plan(const st_context *context, const st_target *target, st_plan *plan) {
    st_plan_answer answer;
    const st_registered *registered = &context->registry.items[target->position];
    const st_plan_key key = st_plan_key_of(&target->request, target->position, &target->caps);
    if (st_plan_cache_find(context->plans, &key, &answer)) {
        plan->struct_size = sizeof *plan;
        plan->source = answer.source;
        plan->request = target->request;
        plan->choice = answer.choice;
        plan->caps = target->caps;
        memcpy(plan->device, registered->info.id, sizeof plan->device);
        memcpy(plan->kernel, answer.kernel, sizeof plan->kernel);
        plan->predicted_ns = answer.predicted_ns;
        plan->automatic = target->automatic;
        return ST_OK;
    }
    st_plan made;
    const st_sources sources = st_sources_of(context, target->position);
    const st_status status = st_decide(registered, &target->caps, &target->request, &sources, NULL, &made, NULL);
    if (status != ST_OK) return status;
    memset(&answer, 0, sizeof answer);
    answer.choice = made.choice;
    answer.source = made.source;
    memcpy(answer.kernel, made.kernel, sizeof answer.kernel);
    answer.predicted_ns = made.predicted_ns;
    st_plan_cache_keep(context->plans, &key, &answer);
    *plan = made;
    plan->automatic = target->automatic;
    return ST_OK;
}

int st_target_ns(const st_context *context, int32_t choice, const st_rank_request *copied, st_target *target, double *ns) {
    const st_auto_device *device = &context->automatic.devices[choice];
    st_plan plan;
    target->position = device->position;
    target->caps = context->registry.items[device->position].info.caps;
    if (atomic_load(&context->automatic.failures[device->position].lost) || st_target_plan(context, target, &plan) != ST_OK) return 0;
    *ns = plan.predicted_ns + (target->caps.backend == ST_BACKEND_CPU ? 0 : st_transfer_ns(&device->transfer, copied));
    return 1;
}

/* Moves a target to the device on which auto expects its request to be answered first. */
static st_status pick(const st_context *context, st_target *target) {
    const st_automatic *automatic = &context->automatic;
    double least = 0;
    st_status status = st_automatic_first(automatic, &target->position);
    if (status != ST_OK) return status;
    target->automatic = 1;
    target->caps = context->registry.items[target->position].info.caps;
    if (automatic->count == 1) return ST_OK;
    st_target found = *target;
    for (int32_t i = 0; i < automatic->count; i++) {
        st_target candidate = *target;
        double ns;
        if (!st_target_ns(context, i, &target->request, &candidate, &ns) || (least > 0 && ns >= least)) continue;
        least = ns;
        found = candidate;
    }
    *target = found;
    return ST_OK;
}

st_status st_target_find(const st_context *context, const st_rank_request *request, const char *device,
                         const st_device_caps *caps, st_target *target) {
    st_status status;
    if (context == NULL) return st_fail(ST_E_ARGUMENT, "context is NULL");
    if ((status = st_request_check(request, context->threads, &target->request)) != ST_OK) return status;
    target->automatic = 0;
    if (caps == NULL) {
        if (device == NULL || strcmp(device, "auto") == 0) return pick(context, target);
        if ((status = st_device_find(context, device, &target->position)) != ST_OK) return status;
        target->caps = context->registry.items[target->position].info.caps;
        return ST_OK;
    }
    if (device != NULL) return st_fail(ST_E_ARGUMENT, "device and caps are both given; with caps, device must be NULL");
    if ((status = st_caps_check(caps)) != ST_OK) return status;
    if (caps->backend == ST_BACKEND_CALLER)
        return st_fail(ST_E_ARGUMENT, "caps.backend is ST_BACKEND_CALLER; name a registered backend's device by its id");
    target->position = caps->backend - 1;
    target->caps = *caps;
    return ST_OK;
}

st_sources st_sources_of(const st_context *context, int32_t position) {
    const int32_t backend = context->registry.items[position].info.caps.backend;
    return (st_sources){.host = &context->host,
                        .rules = &context->rules.book,
                        .table = &context->tables.views[position],
                        .table_weight = context->table_weights[backend - 1]};
}

st_status st_plan_request(st_context *context, const st_rank_request *request, const char *device, const st_device_caps *caps,
                          st_plan *plan) {
    st_target target;
    if (plan == NULL) return st_fail(ST_E_ARGUMENT, "plan is NULL");
    const st_status status = st_target_find(context, request, device, caps, &target);
    return status == ST_OK ? st_target_plan(context, &target, plan) : status;
}

st_status st_plan_rank(st_context *context, int32_t kind, int64_t rows, int64_t cols, int64_t k, const st_device_caps *caps,
                       st_plan *plan) {
    st_rank_request request;
    if (kind == ST_WINDOW) return st_fail(ST_E_ARGUMENT, "kind is ST_WINDOW; plan a window with st_plan_request");
    st_rank_request_init(&request, kind, rows, cols, k);
    return st_plan_request(context, &request, NULL, caps, plan);
}

st_status st_plan_with_choice(st_context *context, const st_rank_request *request, const char *device, const st_choice *choice,
                              st_plan *plan) {
    st_target target;
    st_plan made;
    if (plan == NULL) return st_fail(ST_E_ARGUMENT, "plan is NULL");
    if (choice == NULL) return st_fail(ST_E_ARGUMENT, "choice is NULL");
    st_status status = st_target_find(context, request, device, NULL, &target);
    if (status != ST_OK) return status;
    const st_sources sources = st_sources_of(context, target.position);
    status = st_decide(&context->registry.items[target.position], &target.caps, &target.request, &sources, choice, &made, NULL);
    if (status != ST_OK) return status;
    *plan = made;
    plan->automatic = target.automatic;
    return ST_OK;
}

st_status st_rank_candidates(st_context *context, const st_rank_request *request, const char *device, st_choice *choices,
                             int32_t capacity, int32_t *count) {
    st_target target;
    if (count == NULL) return st_fail(ST_E_ARGUMENT, "count is NULL");
    if (capacity < 0) return st_fail(ST_E_ARGUMENT, "capacity is %d; it must be at least 0", capacity);
    if (choices == NULL && capacity > 0)
        return st_fail(ST_E_ARGUMENT, "choices is NULL but capacity is %d; use capacity 0 to count", capacity);
    const st_status status = st_target_find(context, request, device, NULL, &target);
    if (status != ST_OK) return status;
    const st_backend *backend = &context->registry.items[target.position].backend;
    const int32_t found = backend->candidates(backend->self, &target.request, &target.caps, choices, capacity);
    *count = found < 0 ? 0 : found;
    if (capacity > 0 && found > capacity)
        return st_fail(ST_E_CAPACITY, "capacity is %d but there are %d candidates", capacity, found);
    return ST_OK;
}
