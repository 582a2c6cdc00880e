/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* callers_objects.c - devices and buffers that a program made with WebGPU itself. */
#include "backends/wgpu/native/device_memory.h"
#include "backends/wgpu/wgpu_backend.h"
#include "base/fail.h"

st_status st_wgpu_backend_adopt(const st_host *host, const st_wgpu_settings *settings, void *instance, void *device, st_backend *backend) {
    st_wgpu_device *adopted;
    st_status status = st_wgpu_device_adopt(host, settings, instance, device, &adopted);
    if (status != ST_OK) return status;
    if ((status = st_wgpu_backend_open(host, adopted, backend)) != ST_OK) st_wgpu_device_close(adopted);
    return status;
}

st_status st_wgpu_wrap(st_wgpu_self *self, void *buffer, void **memory, uint64_t *bytes) {
    const st_wgpu_opened *opened;
    const st_status status = st_wgpu_device_open(self->device, &opened);
    if (status != ST_OK) return status;
    const WGPUBuffer handle = buffer;
    st_wgpu_memory made = {.users = 1, .wrapped = 1, .buffer = handle, .usage = opened->call->BufferGetUsage(handle),
                           .bytes = opened->call->BufferGetSize(handle)};
    if (made.bytes == 0 || made.bytes % 4 != 0)
        return st_fail(ST_E_UNSUPPORTED, "buffer has %llu bytes; WebGPU binds a multiple of 4", (unsigned long long)made.bytes);
    if (!(made.usage & WGPUBufferUsage_Storage))
        return st_fail(ST_E_UNSUPPORTED, "buffer was made without WGPUBufferUsage_Storage, which kernels need");
    const st_status kept = st_wgpu_memory_keep(self, made, memory);
    if (kept != ST_OK) return kept;
    opened->call->BufferAddRef(handle);
    *bytes = made.bytes;
    return ST_OK;
}
