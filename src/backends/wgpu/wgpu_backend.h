/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * wgpu_backend.h - WebGPU as a backend. No WebGPU type is in it: handles are void *, and a build without webgpu.h has all of
 * these calls too, of which those that need a device fail.
 */
#ifndef ST_WGPU_BACKEND_H
#define ST_WGPU_BACKEND_H

#include "backends/wgpu/adapters.h"
#include "spiraltorch/backend.h"

/*
 * Fills *backend for a device, which it owns from then on: backend->close closes it. device NULL: the pure calls answer for any
 * caps, and nothing runs. ST_E_MEMORY, with the device still the caller's.
 */
st_status st_wgpu_backend_open(const st_host *host, st_wgpu_device *device, st_backend *backend);

/* A backend for a caller's WGPUInstance and WGPUDevice; errors as st_wgpu_add_device. */
st_status st_wgpu_backend_adopt(const st_host *host, const st_wgpu_settings *settings, void *instance, void *device, st_backend *backend);

/* A caller's WGPUBuffer as memory of a backend; errors as st_wgpu_wrap_buffer. */
st_status st_wgpu_backend_wrap(const st_backend *backend, void *buffer, void **memory, uint64_t *bytes);

/* Records a plan on checked places into a caller's WGPUCommandEncoder; for the next two. Errors as st_wgpu_record_rank. */
st_status st_wgpu_backend_record(const st_backend *backend, const st_plan *plan, const st_backend_buffers *buffers, void *encoder,
                                 void **recording);
st_status st_wgpu_backend_recorded(const st_backend *backend, void *recording, uint64_t timeout_ns, int32_t *done);
void st_wgpu_backend_forget(const st_backend *backend, void *recording);

#endif
