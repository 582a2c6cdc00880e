/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* meeting_wgpu.c - a program's own WebGPU device, buffers and encoders in a context. */
#include <stdio.h>
#include <string.h>

#include "backends/wgpu/wgpu_backend.h"
#include "base/fail.h"
#include "base/memory.h"
#include "device/caps.h"
#include "engine/memories.h"
#include "engine/planning.h"
#include "rank/request.h"
#include "spiraltorch/wgpu.h"

struct st_wgpu_recording {
    st_context *context;
    int32_t position;
    void *handle; /* NULL: there was nothing to record */
};

/* Whether the backend at a position is the library's own for WebGPU, so that its handles are known. */
static st_status check_wgpu(const st_context *context, int32_t position) {
    const st_device_info *info = &context->registry.items[position].info;
    if (info->caps.backend == ST_BACKEND_WGPU) return ST_OK;
    return st_fail(ST_E_ARGUMENT, "device %s is no WebGPU device; use one whose id begins with wgpu", info->id);
}

/* Ids count on from the devices that were found here. */
static int32_t next_number(const st_registry *registry) {
    char id[32];
    int32_t number = 0;
    do
        snprintf(id, sizeof id, "wgpu:%d", number++);
    while (st_registry_find(registry, id) >= 0);
    return number - 1;
}

st_status st_wgpu_add_device(st_context *context, void *instance, void *device, char id[32]) {
    st_backend backend;
    st_device_info info = {.struct_size = sizeof info};
    int32_t position;
    if (context == NULL) return st_fail(ST_E_ARGUMENT, "context is NULL");
    if (id == NULL) return st_fail(ST_E_ARGUMENT, "id is NULL");
    if (instance == NULL) return st_fail(ST_E_ARGUMENT, "instance is NULL");
    if (device == NULL) return st_fail(ST_E_ARGUMENT, "device is NULL");
    st_status status = st_wgpu_backend_adopt(&context->host, &context->wgpu, instance, device, &backend);
    if (status != ST_OK) return status;
    status = backend.device(backend.self, &info);
    snprintf(info.id, sizeof info.id, "wgpu:%d", next_number(&context->registry));
    snprintf(info.reason, sizeof info.reason, "the program's own, which auto never picks");
    if (status == ST_OK) status = st_registry_place_further(&context->registry, &backend, &info, &position);
    if (status != ST_OK) {
        backend.close(backend.self);
        return status;
    }
    status = st_tables_see(&context->tables, &context->registry, position);
    if (status != ST_OK) {
        backend.close(backend.self);
        context->registry.count--;
        return status;
    }
    memcpy(id, info.id, sizeof info.id);
    return ST_OK;
}

st_status st_wgpu_wrap_buffer(st_context *context, const char *device, void *buffer, st_memory **memory) {
    int32_t position;
    void *handle = NULL;
    uint64_t bytes = 0;
    if (memory == NULL) return st_fail(ST_E_ARGUMENT, "memory is NULL; give the address of a pointer");
    *memory = NULL;
    if (context == NULL) return st_fail(ST_E_ARGUMENT, "context is NULL");
    if (buffer == NULL) return st_fail(ST_E_ARGUMENT, "buffer is NULL");
    st_status status = st_device_find(context, device, &position);
    if (status == ST_OK) status = check_wgpu(context, position);
    if (status != ST_OK) return status;
    const st_backend *backend = &context->registry.items[position].backend;
    if ((status = st_wgpu_backend_wrap(backend, buffer, &handle, &bytes)) != ST_OK) return status;
    status = st_memory_open(context, position, handle, bytes, memory);
    if (status != ST_OK) backend->memory->destroy(backend->self, handle);
    return status;
}

st_status st_wgpu_record_rank(st_context *context, const st_plan *plan, const st_memory_buffers *buffers, void *encoder,
                              st_wgpu_recording **recording) {
    st_plan revised;
    st_backend_buffers checked;
    int32_t position;
    if (recording == NULL) return st_fail(ST_E_ARGUMENT, "recording is NULL; give the address of a pointer");
    *recording = NULL;
    if (encoder == NULL) return st_fail(ST_E_ARGUMENT, "encoder is NULL");
    st_status status = st_plan_revise(context, plan, &revised, &position);
    if (status == ST_OK) status = check_wgpu(context, position);
    if (status == ST_OK) status = st_memory_buffers_check(context, position, &revised.request, buffers, &checked);
    if (status != ST_OK) return status;
    st_wgpu_recording *made = st_allocate(&context->host, sizeof *made);
    if (made == NULL) return st_fail(ST_E_MEMORY, "no memory for a recording");
    *made = (st_wgpu_recording){.context = context, .position = position};
    if (checked.output_rows > 0 && st_request_width(&revised.request) > 0)
        status = st_wgpu_backend_record(&context->registry.items[position].backend, &revised, &checked, encoder, &made->handle);
    if (status != ST_OK) {
        st_release(&context->host, made, sizeof *made);
        return status;
    }
    st_context_hold(context);
    *recording = made;
    return ST_OK;
}

st_status st_wgpu_recording_wait(st_wgpu_recording *recording, uint64_t timeout_ns, int32_t *done) {
    if (recording == NULL) return st_fail(ST_E_ARGUMENT, "recording is NULL");
    if (done == NULL) return st_fail(ST_E_ARGUMENT, "done is NULL");
    *done = recording->handle == NULL;
    if (*done) return ST_OK;
    return st_wgpu_backend_recorded(&recording->context->registry.items[recording->position].backend, recording->handle, timeout_ns, done);
}

void st_wgpu_recording_destroy(st_wgpu_recording *recording) {
    if (recording == NULL) return;
    st_context *context = recording->context;
    if (recording->handle != NULL) st_wgpu_backend_forget(&context->registry.items[recording->position].backend, recording->handle);
    st_release(&context->host, recording, sizeof *recording);
    st_context_drop(context);
}
