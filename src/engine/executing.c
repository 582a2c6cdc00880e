/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* executing.c - running plans, on the host's memory and on a device's. */
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "device/choice_fields.h"
#include "engine/memories.h"
#include "engine/planning.h"
#include "rank/request.h"

/* Where workspaces start for a backend, whatever the caller's memory is aligned to. */
enum { ALIGNMENT = 64 };

/* The kernel's name and the prediction are carried along unread. */
st_status st_plan_revise(const st_context *context, const st_plan *plan, st_plan *revised, int32_t *position) {
    st_status status;
    if (context == NULL) return st_fail(ST_E_ARGUMENT, "context is NULL");
    if (plan == NULL) return st_fail(ST_E_ARGUMENT, "plan is NULL");
    if (plan->struct_size != sizeof *plan)
        return st_fail(ST_E_ARGUMENT, "plan.struct_size is %u; make the plan with st_plan_request", plan->struct_size);
    if (memchr(plan->device, '\0', sizeof plan->device) == NULL || memchr(plan->kernel, '\0', sizeof plan->kernel) == NULL)
        return st_fail(ST_E_ARGUMENT, "plan.device or plan.kernel is no string; make the plan with st_plan_request");
    *revised = *plan;
    if ((status = st_request_check(&plan->request, context->threads, &revised->request)) != ST_OK) return status;
    if ((status = st_device_find(context, plan->device, position)) != ST_OK) return status;
    const st_registered *registered = &context->registry.items[*position];
    if ((status = st_choice_check(&plan->choice)) != ST_OK) return status;
    if ((status = st_choice_legal(registered, revised->request.kind, &plan->choice)) != ST_OK) return status;
    revised->caps = registered->info.caps;
    st_choice_normalise(&registered->backend, &revised->request, &revised->caps, &revised->choice, NULL);
    return ST_OK;
}

/* Scratch bytes for a revised plan, with room to align; 0 where the backend needs none. */
static st_status scratch_bytes(const st_context *context, const st_registered *registered, const st_plan *plan, size_t *bytes) {
    const st_backend_services services = st_services_of(context, plan->request.threads);
    *bytes = 0;
    if (plan->request.rows == 0 || st_request_width(&plan->request) == 0) return ST_OK;
    const uint64_t wanted = registered->backend.workspace(registered->backend.self, plan, &services);
    if (wanted == 0) return ST_OK;
    if (wanted > SIZE_MAX - ALIGNMENT)
        return st_fail(ST_E_MEMORY, "this plan's scratch memory does not fit in the address space; use a smaller window or fewer threads");
    *bytes = (size_t)wanted + ALIGNMENT;
    return ST_OK;
}

st_status st_rank_workspace(st_context *context, const st_plan *plan, uint64_t *bytes) {
    st_plan revised;
    int32_t position;
    size_t wanted = 0;
    if (bytes == NULL) return st_fail(ST_E_ARGUMENT, "bytes is NULL");
    st_status status = st_plan_revise(context, plan, &revised, &position);
    if (status == ST_OK) status = scratch_bytes(context, &context->registry.items[position], &revised, &wanted);
    if (status == ST_OK) *bytes = wanted;
    return status;
}

static st_status run(const st_context *context, const st_registered *registered, const st_plan *plan, st_rank_buffers *buffers,
                     void *scratch, size_t bytes) {
    const st_backend_services services = st_services_of(context, plan->request.threads);
    const size_t skip = scratch == NULL ? 0 : (ALIGNMENT - (uintptr_t)scratch % ALIGNMENT) % ALIGNMENT;
    buffers->workspace = scratch == NULL ? NULL : (char *)scratch + skip;
    buffers->workspace_size = bytes - skip;
    char before[ST_MESSAGE_BYTES];
    st_executor_begin(registered, before);
    return st_executor_end(registered, before, registered->backend.run(registered->backend.self, plan, buffers, &services));
}

/* Runs a revised plan on checked buffers, in the caller's workspace or in memory of its own. */
static st_status run_somewhere(const st_context *context, const st_registered *registered, const st_plan *plan, st_rank_buffers checked) {
    size_t bytes;
    st_status status = scratch_bytes(context, registered, plan, &bytes);
    if (status != ST_OK) return status;
    if (bytes == 0) return run(context, registered, plan, &checked, NULL, 0);
    if (checked.workspace != NULL) {
        if (checked.workspace_size < bytes)
            return st_fail(ST_E_CAPACITY, "workspace_size is %llu; this plan needs %zu, as st_rank_workspace says",
                           (unsigned long long)checked.workspace_size, bytes);
        return run(context, registered, plan, &checked, checked.workspace, (size_t)checked.workspace_size);
    }
    void *scratch = st_allocate(&context->host, bytes);
    if (scratch == NULL) return st_fail(ST_E_MEMORY, "no memory for %zu bytes of scratch; use a smaller window or fewer threads", bytes);
    status = run(context, registered, plan, &checked, scratch, bytes);
    st_release(&context->host, scratch, bytes);
    return status;
}

/* The CPU, for a device that auto had picked and that failed. Its scratch memory is another than the caller was told. */
static st_status stand_in(const st_context *context, const st_rank_request *resolved, st_rank_buffers checked) {
    const st_registered *cpu = &context->registry.items[ST_BACKEND_CPU - 1];
    const st_target target = {.request = *resolved, .position = ST_BACKEND_CPU - 1, .automatic = 1, .caps = cpu->info.caps};
    st_plan plan;
    const st_status status = st_target_plan(context, &target, &plan);
    checked.workspace = NULL;
    return status == ST_OK ? run_somewhere(context, cpu, &plan, checked) : status;
}

st_status st_execute_rank(st_context *context, const st_plan *plan, const st_rank_buffers *buffers) {
    st_plan revised;
    st_rank_buffers checked;
    int32_t position;
    st_status status = st_plan_revise(context, plan, &revised, &position);
    if (status != ST_OK) return status;
    if ((status = st_buffers_check(&revised.request, buffers, &checked)) != ST_OK) return status;
    if (checked.row_list_count == 0 || st_request_width(&revised.request) == 0) return ST_OK;
    status = run_somewhere(context, &context->registry.items[position], &revised, checked);
    if (status == ST_OK || !plan->automatic || !st_automatic_stands_in(&context->automatic, position, status)) return status;
    st_automatic_fail(&context->automatic, position, status);
    return stand_in(context, &revised.request, checked);
}

/* The fence of an execution that had nothing to do has no handle. */
st_status st_execute_rank_on(st_context *context, const st_plan *plan, const st_memory_buffers *buffers, st_fence **fence) {
    st_plan revised;
    st_backend_buffers checked;
    int32_t position, done = 0;
    if (fence != NULL) *fence = NULL;
    st_status status = st_plan_revise(context, plan, &revised, &position);
    if (status != ST_OK) return status;
    const st_backend *backend = &context->registry.items[position].backend;
    if (backend->memory == NULL)
        return st_fail(ST_E_UNSUPPORTED, "device %s has no memory of its own; run its plans with st_execute_rank", plan->device);
    if ((status = st_memory_buffers_check(context, position, &revised.request, buffers, &checked)) != ST_OK) return status;
    st_fence *made = st_allocate(&context->host, sizeof *made);
    if (made == NULL) return st_fail(ST_E_MEMORY, "no memory for a fence");
    *made = (st_fence){.context = context, .position = position};
    st_context_hold(context);
    if (checked.output_rows > 0 && st_request_width(&revised.request) > 0)
        status = backend->memory->run(backend->self, &revised, &checked, &made->handle);
    if (status == ST_OK && fence != NULL) {
        *fence = made;
        return ST_OK;
    }
    while (status == ST_OK && !done) status = st_fence_wait(made, UINT64_MAX, &done);
    st_fence_destroy(made);
    return status;
}

st_status st_rank(st_context *context, const st_rank_request *request, const st_rank_buffers *buffers) {
    st_plan plan;
    const st_status status = st_plan_request(context, request, NULL, NULL, &plan);
    return status == ST_OK ? st_execute_rank(context, &plan, buffers) : status;
}

static st_status rank_contiguous(st_context *context, int32_t kind, st_dtype dtype, const void *input, int64_t rows, int64_t cols,
                                 int64_t k, void *values, int64_t *indices) {
    st_rank_request request;
    st_rank_request_init(&request, kind, rows, cols, k);
    request.dtype = dtype;
    if (values == NULL && indices == NULL && rows > 0 && k > 0)
        return st_fail(ST_E_ARGUMENT, "values and indices are both NULL; give at least one");
    if (values != NULL || indices != NULL)
        request.outputs = (values != NULL ? ST_OUT_VALUES : 0) | (indices != NULL ? ST_OUT_INDICES : 0);
    const st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = input, .values = values, .indices = indices};
    return st_rank(context, &request, &buffers);
}

st_status st_topk(st_context *context, st_dtype dtype, const void *input, int64_t rows, int64_t cols, int64_t k, void *values,
                  int64_t *indices) {
    return rank_contiguous(context, ST_TOPK, dtype, input, rows, cols, k, values, indices);
}

st_status st_midk(st_context *context, st_dtype dtype, const void *input, int64_t rows, int64_t cols, int64_t k, void *values,
                  int64_t *indices) {
    return rank_contiguous(context, ST_MIDK, dtype, input, rows, cols, k, values, indices);
}

st_status st_bottomk(st_context *context, st_dtype dtype, const void *input, int64_t rows, int64_t cols, int64_t k, void *values,
                     int64_t *indices) {
    return rank_contiguous(context, ST_BOTTOMK, dtype, input, rows, cols, k, values, indices);
}
