/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * wgpu.h - meeting a program's own use of WebGPU: its device, its buffers and its command encoders.
 *
 * Handles are those of webgpu.h, cast to void *, so that this header needs none. They must come from the library that the
 * context has opened: wgpu-native where the system's loader, or ST_WGPU_LIBRARY, finds it.
 */
#ifndef SPIRALTORCH_WGPU_H
#define SPIRALTORCH_WGPU_H

#include <stdint.h>

#include "context.h"
#include "export.h"
#include "memory.h"
#include "rank.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Adds a caller's device to a context: plans run on it like on the context's own, and it stands in the list of devices.
 * instance: WGPUInstance; device: WGPUDevice, with the limits and features that it was made with; both are kept until the context
 * is destroyed. id: what the device is called from now on, such as "wgpu:1". ST_E_ARGUMENT: a NULL; ST_E_UNSUPPORTED: this
 * build has no wgpu backend, or the device's limits are below WebGPU's defaults; ST_E_CAPACITY: the list is full; ST_E_MEMORY.
 * Not while other calls use the context.
 */
ST_API st_status st_wgpu_add_device(st_context *context, void *instance, void *device, char id[32]);

/*
 * A caller's WGPUBuffer of a device of this context as memory; it is kept until st_memory_destroy. Its usage must hold
 * Storage; CopySrc too for st_memory_download and as a row list or lengths, CopyDst for st_memory_upload.
 * ST_E_ARGUMENT, ST_E_DEVICE, ST_E_UNSUPPORTED, ST_E_MEMORY. Thread-safe.
 */
ST_API st_status st_wgpu_wrap_buffer(st_context *context, const char *device, void *buffer, st_memory **memory);

/* What a plan that was recorded needs on the device: scratch memory, numbers, and where it says how it went. */
typedef struct st_wgpu_recording st_wgpu_recording;

/*
 * Records a plan's commands into a caller's WGPUCommandEncoder, of the plan's device and outside any pass. None is submitted:
 * that is the caller's, once. *recording must live until the device is done with the commands. A failure spoils the encoder:
 * ST_E_ARGUMENT and others as st_execute_rank_on. An encoder is one thread's at a time.
 */
ST_API st_status st_wgpu_record_rank(st_context *context, const st_plan *plan, const st_memory_buffers *buffers, void *encoder,
                                     st_wgpu_recording **recording);

/*
 * How recorded commands that were submitted went; as st_fence_wait, and ST_E_STATE: they were not submitted.
 * ST_E_UNSUPPORTED: the device did not run kernels as it said it would, and the outputs are not to be used; record the plan
 * again: what was met is avoided from then on.
 */
ST_API st_status st_wgpu_recording_wait(st_wgpu_recording *recording, uint64_t timeout_ns, int32_t *done);

/* Frees a recording. NULL is allowed. */
ST_API void st_wgpu_recording_destroy(st_wgpu_recording *recording);

#ifdef __cplusplus
}
#endif

#endif
