/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* pipelines.h - compiled kernels, kept for as long as the device lives or until others need the room. */
#ifndef ST_BACKENDS_WGPU_NATIVE_PIPELINES_H
#define ST_BACKENDS_WGPU_NATIVE_PIPELINES_H

#include "backends/wgpu/native/device.h"

enum { ST_WGPU_MOST_PIPELINES = 512 };

/* Writes a variant's WGSL: st_wgpu_source is one. */
typedef st_status (*st_wgpu_text)(const st_wgpu_variant *variant, char *text, size_t capacity, size_t *length);

/*
 * The pipeline of a variant, compiled at the first call for it, with the layout that all kernels share (wgpu_program.h). Of several
 * threads that ask for the same one, one compiles; the entry point is "main". The pipeline is the caller's, who releases it
 * with call->ComputePipelineRelease.
 * ST_E_UNSUPPORTED: wgpu-native refuses the text: the message names the kernel, and the next call tries again; ST_E_MEMORY;
 * ST_E_DEVICE. From any thread, outside a scope.
 */
st_status st_wgpu_pipeline(st_wgpu_device *device, const st_wgpu_variant *variant, st_wgpu_text text, WGPUComputePipeline *pipeline);

/* How many pipelines have been compiled so far: for tests. */
uint64_t st_wgpu_pipelines_compiled(st_wgpu_device *device);

#endif
