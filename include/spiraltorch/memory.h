/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * memory.h - memory on a device, and plans that run on what lies there: nothing is copied to the host and back.
 *
 * Not every device has such memory: st_memory_create says ST_E_UNSUPPORTED where there is none.
 */
#ifndef SPIRALTORCH_MEMORY_H
#define SPIRALTORCH_MEMORY_H

#include <stdint.h>

#include "context.h"
#include "export.h"
#include "rank.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct st_memory st_memory;

/*
 * Allocates `bytes` bytes (at least 1) on a device, an id such as "wgpu:0"; their content is not defined. *memory is the
 * caller's, for st_memory_destroy. ST_E_ARGUMENT; ST_E_DEVICE: no such device, or it cannot run; ST_E_UNSUPPORTED: it has no
 * memory of its own; ST_E_MEMORY: not that much is free, or can be had in one piece. Thread-safe.
 */
ST_API st_status st_memory_create(st_context *context, const char *device, uint64_t bytes, st_memory **memory);

/*
 * Gives the memory back, once no execution that was begun on it needs it any more; that is waited for elsewhere, not here.
 * May come after st_context_destroy. NULL is allowed.
 */
ST_API void st_memory_destroy(st_memory *memory);

/* Its size in bytes; 0 for NULL. Thread-safe. */
ST_API uint64_t st_memory_bytes(const st_memory *memory);

/*
 * Copies bytes to or from [offset, offset + bytes) of a memory, after all that was begun on its device before. The caller's
 * side can be used again when the call returns. Any offset and number of bytes. ST_E_ARGUMENT: a NULL, or beyond the end;
 * ST_E_UNSUPPORTED: the caller's own buffer, which was not made for copies; ST_E_DEVICE: it was lost, or did not answer in time.
 * Thread-safe, but two calls on the same bytes at once leave any mixture.
 */
ST_API st_status st_memory_upload(st_memory *memory, uint64_t offset, const void *source, uint64_t bytes);
ST_API st_status st_memory_download(const st_memory *memory, uint64_t offset, void *target, uint64_t bytes);

/* A place in a memory, in bytes from its start: a multiple of what an element there takes. memory NULL: none. */
typedef struct st_memory_place {
    st_memory *memory;
    uint64_t offset;
} st_memory_place;

/*
 * What a plan runs on, as st_rank_buffers, but on the plan's device. Input, values and indices are three memories: one that
 * is written cannot be read, or written elsewhere, in the same run. Row lists and lengths may lie anywhere but in the outputs;
 * their numbers are looked at by the device alone: one that is out of range gives its row any result, and harms nothing else.
 */
typedef struct st_memory_buffers {
    uint32_t struct_size;     /* sizeof(st_memory_buffers) */
    st_memory_place input;    /* of element (0, 0) */
    st_memory_place row_list; /* rows to process, a uint32_t each; NULL: all, in order */
    int64_t row_list_count;   /* entries in row_list; ignored where that is NULL */
    st_memory_place lengths;  /* one for each input row, a uint32_t each; NULL: cols */
    st_memory_place values;   /* output rows of the input's dtype; ignored unless outputs has ST_OUT_VALUES */
    int64_t values_stride;    /* elements from an output row to the next; 0: packed; else at least the width */
    st_memory_place indices;  /* output rows of index_dtype; ignored unless outputs has ST_OUT_INDICES */
    int64_t indices_stride;   /* as values_stride */
} st_memory_buffers;

/* An execution that was begun. */
typedef struct st_fence st_fence;

/*
 * Begins a plan on memory of its device. fence NULL: waits for the end, and answers as st_execute_rank does. Else *fence is
 * the caller's, for st_fence_wait and st_fence_destroy, and what goes wrong later is st_fence_wait's to say. Executions and
 * copies on one device follow each other in the order in which they were begun.
 * ST_E_ARGUMENT names the field: a NULL, a place outside its memory or not aligned, memory of another device or shared;
 * ST_E_UNSUPPORTED, ST_E_MEMORY: the device cannot hold what the plan needs; ST_E_DEVICE, ST_E_NAN (fence NULL). Thread-safe.
 */
ST_API st_status st_execute_rank_on(st_context *context, const st_plan *plan, const st_memory_buffers *buffers, st_fence **fence);

/*
 * Waits for an execution, at most `timeout_ns` nanoseconds (0: only looks). *done is 1 where it has ended, and the status is its
 * own, every time this is asked: ST_OK; ST_E_NAN names row and column; ST_E_DEVICE: it was lost. *done 0 with ST_OK: it is still
 * running. Thread-safe.
 */
ST_API st_status st_fence_wait(st_fence *fence, uint64_t timeout_ns, int32_t *done);

/* Frees a fence; the execution goes on, and keeps what it needs. May come after st_context_destroy. NULL is allowed. */
ST_API void st_fence_destroy(st_fence *fence);

#ifdef __cplusplus
}
#endif

#endif
