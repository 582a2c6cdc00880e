/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * buffers.h - device memory: made to measure, or taken from a device's pool, and how bytes come into it and out of it.
 *
 * From any thread, outside a scope. Offsets and sizes of copies are multiples of 4. What a buffer holds at first is unspecified.
 */
#ifndef ST_BACKENDS_WGPU_NATIVE_BUFFERS_H
#define ST_BACKENDS_WGPU_NATIVE_BUFFERS_H

#include "backends/wgpu/native/device.h"

/* What a pooled buffer is for. */
enum {
    ST_WGPU_USE_STORAGE = 0,  /* bound by kernels, copied from and to */
    ST_WGPU_USE_UNIFORM = 1,  /* numbers of steps */
    ST_WGPU_USE_READBACK = 2, /* copied to, then mapped */
    ST_WGPU_USES = 3
};

/* A pooled buffer. bytes may be more than was asked for. */
typedef struct st_wgpu_buffer {
    WGPUBuffer handle;
    uint64_t bytes;
    int32_t use;
    _Atomic uint64_t mapping; /* how a readback's mapping stands: for buffers.c */
    struct st_wgpu_buffer *next;
} st_wgpu_buffer;

/*
 * Makes a buffer of its own, outside the pool; usage: WGPUBufferUsage_*. Free it with st_wgpu_buffer_free, at once or while
 * commands that read it still run. ST_E_MEMORY, ST_E_CAPACITY: more than opened->buffer_bytes; ST_E_DEVICE.
 */
st_status st_wgpu_buffer_make(st_wgpu_device *device, WGPUBufferUsage usage, uint64_t bytes, WGPUBuffer *buffer);
void st_wgpu_buffer_free(st_wgpu_device *device, WGPUBuffer buffer);

/*
 * Takes a buffer of at least `bytes` from the pool, which makes one where it has none. Giving it back: a storage or uniform buffer
 * as soon as the commands that use it are submitted (the queue runs them in order; but commands in a caller's encoder
 * must be done), a readback once it is read. The pool keeps at most 512 MiB of idle buffers of a use.
 * NULL may be given back.
 */
st_status st_wgpu_buffer_take(st_wgpu_device *device, int32_t use, uint64_t bytes, st_wgpu_buffer **buffer);
void st_wgpu_buffer_give(st_wgpu_device *device, st_wgpu_buffer *buffer);

/*
 * Copies host memory into a buffer: what is submitted later sees it. Bounded in host memory: large copies go in pieces, and
 * wait for earlier ones.
 */
st_status st_wgpu_upload(st_wgpu_device *device, WGPUBuffer buffer, uint64_t offset, const void *memory, uint64_t bytes);

/* Copies a buffer (usage CopySrc) into host memory, after what was submitted so far; waits for it. */
st_status st_wgpu_download(st_wgpu_device *device, WGPUBuffer buffer, uint64_t offset, void *memory, uint64_t bytes);

/*
 * A readback's first bytes, to be read until st_wgpu_readback_unmap. Only after the commands that fill it are done
 * (st_wgpu_finish).
 */
st_status st_wgpu_readback_map(st_wgpu_device *device, st_wgpu_buffer *readback, uint64_t bytes, const void **memory);
void st_wgpu_readback_unmap(st_wgpu_device *device, st_wgpu_buffer *readback);

#endif
