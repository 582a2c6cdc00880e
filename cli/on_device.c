/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* on_device.c - inputs moved to a device once, and plans run on them there. */
#include "on_device.h"

#include <string.h>

/* Executions that are under way at once: more would only fill the driver's queue. */
enum { IN_FLIGHT = 16 };

int st_on_device_has_memory(st_context *context, const st_plan *plan) {
    st_memory *memory = NULL;
    if (st_memory_create(context, plan->device, 4, &memory) == ST_E_UNSUPPORTED) {
        return 0;
    }
    st_memory_destroy(memory);
    return 1; /* also where making it fails: what opens it next says why */
}

st_status st_on_device_open(st_context *context, const st_plan *plan, const void *input, st_on_device *made) {
    const st_rank_request *request = &plan->request;
    const uint64_t size = (uint64_t)st_dtype_size(request->dtype), outputs = (uint64_t)request->rows * (uint64_t)request->k;
    const uint64_t bytes = (uint64_t)request->rows * (uint64_t)request->cols * size;
    memset(made, 0, sizeof *made);
    made->values_bytes = outputs * size;
    made->indices_bytes = outputs * sizeof(int64_t);
    st_status status = st_memory_create(context, plan->device, bytes, &made->input);
    if (status == ST_OK) {
        status = st_memory_create(context, plan->device, made->values_bytes, &made->values);
    }
    if (status == ST_OK) {
        status = st_memory_create(context, plan->device, made->indices_bytes, &made->indices);
    }
    return status == ST_OK ? st_memory_upload(made->input, 0, input, bytes) : status;
}

static st_status finish(st_fence *fence) {
    int32_t done = 0;
    st_status status = ST_OK;
    while (fence && status == ST_OK && !done) {
        status = st_fence_wait(fence, UINT64_MAX, &done);
    }
    st_fence_destroy(fence);
    return status;
}

st_status st_on_device_run(st_context *context, const st_plan *plan, const st_on_device *there, int64_t repetitions) {
    const st_memory_buffers buffers = {.struct_size = sizeof buffers, .input = {there->input, 0}, .values = {there->values, 0},
                                       .indices = {there->indices, 0}};
    st_fence *fences[IN_FLIGHT] = {NULL};
    st_status status = ST_OK;
    for (int64_t i = 0; i < repetitions && status == ST_OK; i++) {
        st_fence **fence = &fences[i % IN_FLIGHT];
        status = finish(*fence);
        *fence = NULL;
        if (status == ST_OK) {
            status = st_execute_rank_on(context, plan, &buffers, fence);
        }
    }
    for (int64_t i = repetitions; i < repetitions + IN_FLIGHT; i++) { /* the oldest first */
        const st_status ended = finish(fences[i % IN_FLIGHT]);
        status = status == ST_OK ? ended : status;
    }
    return status;
}

st_status st_on_device_fetch(const st_on_device *there, void *values, int64_t *indices) {
    const st_status status = st_memory_download(there->values, 0, values, there->values_bytes);
    return status == ST_OK ? st_memory_download(there->indices, 0, indices, there->indices_bytes) : status;
}

void st_on_device_close(st_on_device *there) {
    st_memory_destroy(there->input);
    st_memory_destroy(there->values);
    st_memory_destroy(there->indices);
    memset(there, 0, sizeof *there);
}
