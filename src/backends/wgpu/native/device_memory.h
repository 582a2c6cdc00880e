/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* device_memory.h - buffers that a caller fills and reads through memory.h, or that were the caller's from the start. */
#ifndef ST_WGPU_DEVICE_MEMORY_H
#define ST_WGPU_DEVICE_MEMORY_H

#include "backends/wgpu/native/fit.h"

typedef struct st_wgpu_memory {
    _Atomic int users; /* the caller, and each execution that may still need it */
    int32_t wrapped;   /* the caller's own buffer */
    WGPUBuffer buffer;
    WGPUBufferUsage usage;
    uint64_t bytes;    /* of the buffer: whole words */
} st_wgpu_memory;

/* A place of its own for what was made or wrapped. ST_E_MEMORY. */
st_status st_wgpu_memory_keep(st_wgpu_self *self, st_wgpu_memory made, void **memory);
void st_wgpu_memory_hold(st_wgpu_memory *memory);
void st_wgpu_memory_drop(st_wgpu_self *self, st_wgpu_memory *memory);

/* ST_E_UNSUPPORTED where a caller's buffer lacks a usage; `use` says what for, `flag` what it is called. */
st_status st_wgpu_memory_needs(const st_wgpu_memory *memory, WGPUBufferUsage usage, const char *flag, const char *use);

/* Calls of st_backend_memory. */
st_status st_wgpu_memory_create(void *self, uint64_t bytes, void **memory);
void st_wgpu_memory_destroy(void *self, void *memory);
st_status st_wgpu_memory_upload(void *self, void *memory, uint64_t offset, const void *source, uint64_t bytes);
st_status st_wgpu_memory_download(void *self, void *memory, uint64_t offset, void *target, uint64_t bytes);

#endif
