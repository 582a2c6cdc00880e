/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* pipelines.c - the cache of compiled kernels, and the layout that they share. */
#include "backends/wgpu/native/pipelines.h"

#include <stdio.h>
#include <string.h>

#include "backends/wgpu/native/device_state.h"
#include "backends/wgpu/wgpu_kernels.h"
#include "base/fail.h"
#include "base/memory.h"

/* How a kernel is called in messages. Those of tests have numbers beyond the library's own. */
static void name_of(const st_wgpu_variant *variant, char name[128]) {
    const int known = variant->kernel > 0 && variant->kernel < ST_WGPU_KERNELS;
    snprintf(name, 128, "WGSL kernel %u%s%s (%u bits, source %u, sink %u, %u threads, %u lanes)", variant->kernel, known ? ", " : "",
             known ? st_wgpu_kernel_name(variant->kernel) : "", variant->bits, variant->source, variant->sink, variant->workgroup,
             variant->lanes);
}

static st_status make_layout(st_wgpu_device *device) {
    const st_wgpu_table *call = device->opened.call;
    WGPUBindGroupLayoutEntry entries[ST_WGPU_BINDINGS];
    memset(entries, 0, sizeof entries);
    for (uint32_t i = 0; i < ST_WGPU_BINDINGS; i++) {
        entries[i].binding = i;
        entries[i].visibility = WGPUShaderStage_Compute;
        entries[i].buffer.type = i == ST_WGPU_NUMBERS                        ? WGPUBufferBindingType_Uniform
                                 : i == ST_WGPU_INPUT || i == ST_WGPU_LISTS ? WGPUBufferBindingType_ReadOnlyStorage
                                                                             : WGPUBufferBindingType_Storage;
        entries[i].buffer.hasDynamicOffset = i == ST_WGPU_NUMBERS;
    }
    st_wgpu_scope_enter(device);
    const WGPUBindGroupLayoutDescriptor bindings = {.entryCount = ST_WGPU_BINDINGS, .entries = entries};
    device->bindings = call->DeviceCreateBindGroupLayout(device->opened.device, &bindings);
    const WGPUPipelineLayoutDescriptor layout = {.bindGroupLayoutCount = 1, .bindGroupLayouts = &device->bindings};
    if (device->bindings != NULL) device->layout = call->DeviceCreatePipelineLayout(device->opened.device, &layout);
    return st_wgpu_scope_leave(device, "the kernels' bindings");
}

/* Room for each unused binding that is written: no two may overlap. */
enum { WRITTEN_BINDINGS = 4, ASIDE = 256 };

st_status st_wgpu_pipelines_open(st_wgpu_device *device) {
    const WGPUBufferUsage usage = WGPUBufferUsage_Storage;
    st_status status = make_layout(device);
    if (status == ST_OK) status = st_wgpu_buffer_make(device, usage, ASIDE, &device->nothing[0]);
    if (status == ST_OK) status = st_wgpu_buffer_make(device, usage, ASIDE * WRITTEN_BINDINGS, &device->nothing[1]);
    return status;
}

void st_wgpu_pipelines_close(st_wgpu_device *device) {
    const st_wgpu_table *call = device->opened.call;
    for (size_t i = 0; i < ST_WGPU_MOST_PIPELINES; i++)
        if (device->pipelines[i].pipeline != NULL) call->ComputePipelineRelease(device->pipelines[i].pipeline);
    for (int i = 0; i < 2; i++)
        if (device->nothing[i] != NULL) call->BufferRelease(device->nothing[i]);
    if (device->layout != NULL) call->PipelineLayoutRelease(device->layout);
    if (device->bindings != NULL) call->BindGroupLayoutRelease(device->bindings);
}

uint64_t st_wgpu_pipelines_compiled(st_wgpu_device *device) {
    pthread_mutex_lock(&device->cache);
    const uint64_t compilations = device->compilations;
    pthread_mutex_unlock(&device->cache);
    return compilations;
}

/*
 * Our kernels' loops end, so the counters that wgpu-native adds to loops in case they do not are left out; that reads
 * and writes stay inside their buffers is still its to see to.
 */
static st_status compile_text(st_wgpu_device *device, const char *name, const char *text, size_t length, WGPUComputePipeline *pipeline) {
    const st_wgpu_table *call = device->opened.call;
    WGPUShaderSourceWGSL source = {.chain = {.sType = WGPUSType_ShaderSourceWGSL}, .code = {text, length}};
    const WGPUShaderModuleDescriptor descriptor = {.nextInChain = &source.chain, .label = st_wgpu_string(name)};
    st_status status = st_wgpu_device_check(device);
    if (status != ST_OK) return status;
    st_wgpu_scope_enter(device);
    WGPUShaderModule module =
        call->DeviceCreateShaderModuleTrusted(device->opened.device, &descriptor, WGPUShaderRuntimeChecks_BoundsChecks);
    status = st_wgpu_scope_leave(device, name);
    *pipeline = NULL;
    if (status == ST_OK) {
        st_wgpu_scope_enter(device);
        *pipeline = call->DeviceCreateComputePipeline(
            device->opened.device, &(WGPUComputePipelineDescriptor){.label = st_wgpu_string(name),
                                                                    .layout = device->layout,
                                                                    .compute = {.module = module, .entryPoint = st_wgpu_string("main")}});
        status = st_wgpu_scope_leave(device, name);
    }
    if (module != NULL) call->ShaderModuleRelease(module);
    if (status == ST_OK || *pipeline == NULL) return status;
    call->ComputePipelineRelease(*pipeline);
    *pipeline = NULL;
    return status;
}

/* Asks for the text's length, then for the text. */
static st_status compile(st_wgpu_device *device, const st_wgpu_variant *variant, st_wgpu_text text, WGPUComputePipeline *pipeline) {
    char name[128];
    size_t length = 0;
    *pipeline = NULL;
    name_of(variant, name);
    st_status status = text(variant, NULL, 0, &length);
    if (status != ST_OK && status != ST_E_CAPACITY) return status;
    const size_t capacity = length + 1;
    char *written = st_allocate(&device->host, capacity);
    if (written == NULL) return st_fail(ST_E_MEMORY, "no memory for the text of %s", name);
    status = text(variant, written, capacity, &length);
    if (status == ST_OK) status = compile_text(device, name, written, length, pipeline);
    st_release(&device->host, written, capacity);
    return status;
}

static uint32_t hash_of(const st_wgpu_variant *variant) {
    const unsigned char *bytes = (const unsigned char *)variant;
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < sizeof *variant; i++) hash = (hash ^ bytes[i]) * 16777619u;
    return hash;
}

/* A variant may stand in any of so many places from its hash on; where all are taken, the one longest not asked for goes. */
enum { PLACES = 8 };

/* Under the cache's lock. The variant's entry, or one that is free for it, or NULL where all its places are being compiled. */
static st_wgpu_cached *find(st_wgpu_device *device, const st_wgpu_variant *variant) {
    const uint32_t start = hash_of(variant);
    st_wgpu_cached *best = NULL;
    for (uint32_t i = 0; i < PLACES; i++) {
        st_wgpu_cached *entry = &device->pipelines[(start + i) % ST_WGPU_MOST_PIPELINES];
        if (entry->taken && memcmp(&entry->variant, variant, sizeof *variant) == 0) return entry;
        if (entry->taken && entry->pipeline == NULL) continue;
        if (best == NULL || (best->taken && (!entry->taken || entry->asked < best->asked))) best = entry;
    }
    if (best == NULL || !best->taken) return best;
    device->opened.call->ComputePipelineRelease(best->pipeline);
    *best = (st_wgpu_cached){.taken = 0};
    return best;
}

st_status st_wgpu_pipeline(st_wgpu_device *device, const st_wgpu_variant *variant, st_wgpu_text text, WGPUComputePipeline *pipeline) {
    st_status status = ST_OK;
    *pipeline = NULL;
    pthread_mutex_lock(&device->cache);
    while (*pipeline == NULL && status == ST_OK) {
        st_wgpu_cached *entry = find(device, variant);
        if (entry == NULL || (entry->taken && entry->pipeline == NULL)) {
            pthread_cond_wait(&device->compiled, &device->cache);
            continue;
        }
        if (!entry->taken) {
            WGPUComputePipeline made;
            entry->taken = 1;
            entry->variant = *variant;
            pthread_mutex_unlock(&device->cache);
            status = compile(device, variant, text, &made);
            pthread_mutex_lock(&device->cache);
            entry->pipeline = made;
            entry->taken = status == ST_OK;
            device->compilations += status == ST_OK;
            pthread_cond_broadcast(&device->compiled);
            if (status != ST_OK) break;
        }
        entry->asked = ++device->clock;
        device->opened.call->ComputePipelineAddRef(entry->pipeline);
        *pipeline = entry->pipeline;
    }
    pthread_mutex_unlock(&device->cache);
    return status;
}
