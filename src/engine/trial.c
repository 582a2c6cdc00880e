/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* trial.c - a request's plans run on data that lies where they run, and timed. */
#define _GNU_SOURCE /* clock.h */
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/memory.h"
#include "engine/context_state.h"
#include "engine/planning.h"
#include "rank/request.h"
#include "spiraltorch/measure.h"
#include "spiraltorch/memory.h"

/* Executions that are under way at once: more would only fill the driver's queue. */
enum { IN_FLIGHT = 16 };

struct st_trial {
    st_context *context;
    st_rank_request request;
    int32_t position; /* of the device */
    const void *input;
    size_t values_bytes, indices_bytes, workspace_bytes;
    void *values, *indices, *workspace;   /* on the host */
    st_memory *there, *values_there, *indices_there; /* NULL where plans run on the host's memory */
};

/* The size of a contiguous input; the request was checked, and products of it fit. */
static uint64_t input_bytes(const st_rank_request *request) {
    return (uint64_t)request->rows * (uint64_t)request->cols * (uint64_t)st_dtype_size(request->dtype);
}

static st_status check_request(const st_rank_request *request) {
    if (request->row_stride != request->cols || request->col_stride != 1)
        return st_fail(ST_E_ARGUMENT, "plan.request has strides; a trial's input is contiguous");
    if (request->outputs != (ST_OUT_VALUES | ST_OUT_INDICES) || request->index_dtype != ST_I64)
        return st_fail(ST_E_ARGUMENT, "plan.request must ask for values and for indices of ST_I64");
    if (request->rows == 0 || st_request_width(request) == 0) return st_fail(ST_E_ARGUMENT, "plan.request selects nothing");
    return ST_OK;
}

static st_status place_on_device(st_trial *made, const char *device) {
    const uint64_t bytes = input_bytes(&made->request);
    st_status status = st_memory_create(made->context, device, bytes, &made->there);
    if (status == ST_E_UNSUPPORTED) return ST_OK;
    if (status == ST_OK) status = st_memory_create(made->context, device, made->values_bytes, &made->values_there);
    if (status == ST_OK) status = st_memory_create(made->context, device, made->indices_bytes, &made->indices_there);
    return status == ST_OK ? st_memory_upload(made->there, 0, made->input, bytes) : status;
}

static st_status place_on_host(st_trial *made) {
    made->values = st_allocate(&made->context->host, made->values_bytes);
    made->indices = st_allocate(&made->context->host, made->indices_bytes);
    if (made->values != NULL && made->indices != NULL) return ST_OK;
    return st_fail(ST_E_MEMORY, "no memory for the answers of %lld rows", (long long)made->request.rows);
}

st_status st_trial_open(st_context *context, const st_plan *plan, const void *input, st_trial **trial) {
    st_plan revised;
    int32_t position;
    if (trial == NULL) return st_fail(ST_E_ARGUMENT, "trial is NULL; give the address of a pointer");
    *trial = NULL;
    st_status status = st_plan_revise(context, plan, &revised, &position);
    if (status == ST_OK) status = check_request(&revised.request);
    if (status == ST_OK && input == NULL) status = st_fail(ST_E_ARGUMENT, "input is NULL");
    if (status != ST_OK) return status;
    st_trial *made = st_allocate_zeroed(&context->host, sizeof *made);
    if (made == NULL) return st_fail(ST_E_MEMORY, "no memory for a trial");
    const size_t elements = (size_t)(revised.request.rows * st_request_width(&revised.request));
    *made = (st_trial){.context = context,
                       .request = revised.request,
                       .position = position,
                       .input = input,
                       .values_bytes = elements * (size_t)st_dtype_size(revised.request.dtype),
                       .indices_bytes = elements * sizeof(int64_t)};
    status = place_on_device(made, plan->device);
    if (status == ST_OK && made->there == NULL) status = place_on_host(made);
    if (status == ST_OK)
        *trial = made;
    else
        st_trial_close(made);
    return status;
}

void st_trial_close(st_trial *trial) {
    if (trial == NULL) return;
    const st_host *host = &trial->context->host;
    st_memory_destroy(trial->there);
    st_memory_destroy(trial->values_there);
    st_memory_destroy(trial->indices_there);
    st_release(host, trial->values, trial->values_bytes);
    st_release(host, trial->indices, trial->indices_bytes);
    st_release(host, trial->workspace, trial->workspace_bytes);
    st_release(host, trial, sizeof *trial);
}

/* ---- running ---------------------------------------------------------------------------------------------------------- */

static st_status finish(st_fence *fence) {
    int32_t done = 0;
    st_status status = ST_OK;
    while (fence != NULL && status == ST_OK && !done) status = st_fence_wait(fence, UINT64_MAX, &done);
    st_fence_destroy(fence);
    return status;
}

static st_status run_there(st_trial *trial, const st_plan *plan, int64_t repetitions) {
    const st_memory_buffers buffers = {.struct_size = sizeof buffers,
                                       .input = {trial->there, 0},
                                       .values = {trial->values_there, 0},
                                       .indices = {trial->indices_there, 0}};
    st_fence *fences[IN_FLIGHT] = {NULL};
    st_status status = ST_OK;
    for (int64_t i = 0; i < repetitions && status == ST_OK; i++) {
        st_fence **fence = &fences[i % IN_FLIGHT];
        status = finish(*fence);
        *fence = NULL;
        if (status == ST_OK) status = st_execute_rank_on(trial->context, plan, &buffers, fence);
    }
    for (int64_t i = 0; i < IN_FLIGHT; i++) {
        const st_status ended = finish(fences[(repetitions + i) % IN_FLIGHT]); /* the oldest first */
        status = status == ST_OK ? ended : status;
    }
    return status;
}

static st_status run_here(st_trial *trial, const st_plan *plan, int64_t repetitions) {
    const st_rank_buffers buffers = {.struct_size = sizeof buffers,
                                     .input = trial->input,
                                     .values = trial->values,
                                     .indices = trial->indices,
                                     .workspace = trial->workspace,
                                     .workspace_size = trial->workspace_bytes};
    st_status status = ST_OK;
    for (int64_t i = 0; i < repetitions && status == ST_OK; i++) status = st_execute_rank(trial->context, plan, &buffers);
    return status;
}

static int is_same_request(const st_rank_request *one, const st_rank_request *other) {
    return one->kind == other->kind && one->dtype == other->dtype && one->rows == other->rows && one->cols == other->cols &&
           one->k == other->k && one->lo == other->lo && one->hi == other->hi && one->descending == other->descending &&
           one->outputs == other->outputs && one->index_dtype == other->index_dtype && one->row_stride == other->row_stride &&
           one->col_stride == other->col_stride;
}

/* Where plans run on the host, scratch memory for this one. */
static st_status make_room(st_trial *trial, const st_plan *plan) {
    uint64_t bytes = 0;
    const st_status status = st_rank_workspace(trial->context, plan, &bytes);
    if (status != ST_OK || bytes <= trial->workspace_bytes) return status;
    return st_grow(&trial->context->host, &trial->workspace, &trial->workspace_bytes, (size_t)bytes);
}

st_status st_trial_run(st_trial *trial, const st_plan *plan, int64_t repetitions, double *ns) {
    st_plan revised;
    int32_t position;
    if (trial == NULL || ns == NULL) return st_fail(ST_E_ARGUMENT, "%s is NULL", trial == NULL ? "trial" : "ns");
    if (repetitions < 1) return st_fail(ST_E_ARGUMENT, "repetitions is %lld; it must be at least 1", (long long)repetitions);
    st_status status = st_plan_revise(trial->context, plan, &revised, &position);
    if (status != ST_OK) return status;
    if (position != trial->position || !is_same_request(&revised.request, &trial->request))
        return st_fail(ST_E_ARGUMENT, "plan is for another request or device than the trial's");
    if (trial->there == NULL && (status = make_room(trial, plan)) != ST_OK) return status;
    const int64_t start = st_clock_ns();
    status = trial->there == NULL ? run_here(trial, plan, repetitions) : run_there(trial, plan, repetitions);
    *ns = (double)(st_clock_ns() - start);
    return status;
}

st_status st_trial_answer(const st_trial *trial, void *values, int64_t *indices) {
    if (trial == NULL || values == NULL || indices == NULL)
        return st_fail(ST_E_ARGUMENT, "%s is NULL", trial == NULL ? "trial" : values == NULL ? "values" : "indices");
    if (trial->there != NULL) {
        const st_status status = st_memory_download(trial->values_there, 0, values, trial->values_bytes);
        return status == ST_OK ? st_memory_download(trial->indices_there, 0, indices, trial->indices_bytes) : status;
    }
    memcpy(values, trial->values, trial->values_bytes);
    memcpy(indices, trial->indices, trial->indices_bytes);
    return ST_OK;
}
