/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* record.c - a program's dispatches, as commands. */
#include "backends/wgpu/native/record.h"

#include <string.h>

#include "backends/wgpu/native/device_state.h"
#include "base/fail.h"
#include "base/memory.h"

/* A uniform block in WGSL ends on 16 bytes. */
enum { NUMBERS_BYTES = (sizeof(st_wgpu_numbers) + 15) / 16 * 16 };

/* Bytes from one step's numbers to the next one's. */
static uint64_t stride_of(const st_wgpu_device *device) {
    const uint64_t alignment = device->opened.uniform_alignment;
    return (NUMBERS_BYTES + alignment - 1) / alignment * alignment;
}

static st_status upload_numbers(st_wgpu_device *device, const st_wgpu_program *program, st_wgpu_buffer **numbers) {
    const uint64_t stride = stride_of(device), bytes = stride * program->count;
    st_status status = st_wgpu_buffer_take(device, ST_WGPU_USE_UNIFORM, bytes, numbers);
    if (status != ST_OK) return status;
    char *all = st_allocate_zeroed(&device->host, bytes);
    if (all == NULL) {
        status = st_fail(ST_E_MEMORY, "no memory for the numbers of %u steps", program->count);
    } else {
        for (uint32_t i = 0; i < program->count; i++) memcpy(all + i * stride, &program->steps[i].numbers, sizeof(st_wgpu_numbers));
        status = st_wgpu_upload(device, (*numbers)->handle, 0, all, bytes);
        st_release(&device->host, all, bytes);
    }
    if (status == ST_OK) return ST_OK;
    st_wgpu_buffer_give(device, *numbers);
    *numbers = NULL;
    return status;
}

/* What stands in for bindings that no kernel of the program uses; those that are written have a part each. */
static st_wgpu_span stand_in(const st_wgpu_device *device, int binding) {
    if (binding == ST_WGPU_INPUT || binding == ST_WGPU_LISTS) return (st_wgpu_span){device->nothing[0], 0, 256};
    return (st_wgpu_span){device->nothing[1], (uint64_t)(binding - ST_WGPU_VALUES) * 256, 256};
}

/* Which slice of a binding a step asks for; NULL: the whole. */
static const st_wgpu_slice *slice_of(const st_wgpu_step *step, int binding) {
    switch (binding) {
        case ST_WGPU_INPUT: return &step->input;
        case ST_WGPU_VALUES: return &step->values;
        case ST_WGPU_INDICES: return &step->indices;
        default: return NULL;
    }
}

/* In a scope. The bind group of one step: NULL where wgpu-native refuses it. */
static WGPUBindGroup bind(st_wgpu_device *device, const st_wgpu_step *step, const st_wgpu_bindings *bindings, WGPUBuffer numbers) {
    WGPUBindGroupEntry entries[ST_WGPU_BINDINGS];
    memset(entries, 0, sizeof entries);
    for (int i = 0; i < ST_WGPU_BINDINGS; i++) {
        const st_wgpu_slice *slice = slice_of(step, i);
        st_wgpu_span span = bindings->span[i];
        if (i == ST_WGPU_NUMBERS)
            span = (st_wgpu_span){numbers, 0, NUMBERS_BYTES};
        else if (span.buffer == NULL || (slice != NULL && slice->bytes == 0))
            span = stand_in(device, i);
        else if (slice != NULL)
            span = (st_wgpu_span){span.buffer, span.offset + slice->offset, slice->bytes};
        entries[i].binding = (uint32_t)i;
        entries[i].buffer = span.buffer;
        entries[i].offset = span.offset;
        entries[i].size = span.bytes;
    }
    const WGPUBindGroupDescriptor descriptor = {.layout = device->bindings, .entryCount = ST_WGPU_BINDINGS, .entries = entries};
    return device->opened.call->DeviceCreateBindGroup(device->opened.device, &descriptor);
}

static int same_slice(const st_wgpu_slice *a, const st_wgpu_slice *b) { return a->offset == b->offset && a->bytes == b->bytes; }

/* Steps that see the same slices share a bind group; each finds its numbers by an offset. */
static st_status encode(st_wgpu_device *device, const st_wgpu_program *program, const st_wgpu_bindings *bindings,
                        const WGPUComputePipeline *pipelines, WGPUBuffer numbers, WGPUCommandEncoder encoder) {
    const st_wgpu_table *call = device->opened.call;
    const uint64_t stride = stride_of(device);
    WGPUBindGroup group = NULL;
    st_wgpu_scope_enter(device);
    WGPUComputePassEncoder pass = call->CommandEncoderBeginComputePass(encoder, NULL);
    for (uint32_t i = 0; i < program->count; i++) {
        const st_wgpu_step *step = &program->steps[i];
        const uint32_t offset = (uint32_t)(i * stride);
        if (i == 0 || !same_slice(&step->input, &step[-1].input) || !same_slice(&step->values, &step[-1].values) ||
            !same_slice(&step->indices, &step[-1].indices)) {
            if (group != NULL) call->BindGroupRelease(group);
            group = bind(device, step, bindings, numbers);
        }
        if (group == NULL) break;
        call->ComputePassEncoderSetPipeline(pass, pipelines[i]);
        call->ComputePassEncoderSetBindGroup(pass, 0, group, 1, &offset);
        call->ComputePassEncoderDispatchWorkgroups(pass, step->groups[0], step->groups[1], 1);
    }
    if (group != NULL) call->BindGroupRelease(group);
    call->ComputePassEncoderEnd(pass);
    call->ComputePassEncoderRelease(pass);
    return st_wgpu_scope_leave(device, "recording");
}

st_status st_wgpu_record(st_wgpu_device *device, const st_wgpu_program *program, const st_wgpu_bindings *bindings, st_wgpu_text text,
                         WGPUCommandEncoder encoder, st_wgpu_buffer **numbers) {
    WGPUComputePipeline pipelines[ST_WGPU_MOST_STEPS];
    uint32_t ready = 0;
    *numbers = NULL;
    st_status status = st_wgpu_device_check(device);
    if (status == ST_OK && program->count == 0) return ST_OK;
    while (status == ST_OK && ready < program->count) {
        status = st_wgpu_pipeline(device, &program->steps[ready].variant, text, &pipelines[ready]);
        ready += status == ST_OK;
    }
    if (status == ST_OK) status = upload_numbers(device, program, numbers);
    if (status == ST_OK) status = encode(device, program, bindings, pipelines, (*numbers)->handle, encoder);
    for (uint32_t i = 0; i < ready; i++) device->opened.call->ComputePipelineRelease(pipelines[i]);
    if (status != ST_OK) {
        st_wgpu_buffer_give(device, *numbers);
        *numbers = NULL;
    }
    return status;
}
