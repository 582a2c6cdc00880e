/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* memories.h - memory on the devices of a context, and the executions begun on it. */
#ifndef ST_ENGINE_MEMORIES_H
#define ST_ENGINE_MEMORIES_H

#include "engine/context_state.h"
#include "spiraltorch/memory.h"

/* Both keep their context, which may be destroyed before them. */
struct st_memory {
    st_context *context;
    int32_t position; /* of the device in the registry */
    void *handle;     /* the backend's */
    uint64_t bytes;
};

struct st_fence {
    st_context *context;
    int32_t position;
    void *handle;
};

/* Wraps a backend's handle; on failure the handle stays the caller's. ST_E_MEMORY. */
st_status st_memory_open(st_context *context, int32_t position, void *handle, uint64_t bytes, st_memory **memory);

/*
 * Checks places and strides for a resolved request on the device at a position, and fills what its backend is given;
 * output_rows 0 or width 0 asks for nothing. ST_E_ARGUMENT names the field.
 */
st_status st_memory_buffers_check(const st_context *context, int32_t position, const st_rank_request *resolved,
                                  const st_memory_buffers *buffers, st_backend_buffers *checked);

#endif
