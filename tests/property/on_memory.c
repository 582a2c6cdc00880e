/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* on_memory.c - a configuration's data moved to a device, and its answer back. */
#include "on_memory.h"

#include <stdlib.h>
#include <string.h>

/* A place for bytes that begin `offset` bytes into a memory of their own. */
static st_status place(st_context *context, const char *device, const void *source, size_t bytes, size_t offset, st_memory_place *made) {
    made->offset = offset;
    const st_status status = st_memory_create(context, device, offset + bytes + 4, &made->memory);
    return status == ST_OK ? st_memory_upload(made->memory, offset, source, bytes) : status;
}

/* A list of the host's as a device takes it. */
static st_status place_list(st_context *context, const char *device, const int64_t *list, int64_t count, st_memory_place *made) {
    uint32_t *words = need((size_t)count * sizeof *words);
    for (int64_t i = 0; i < count; i++) words[i] = (uint32_t)list[i];
    const st_status status = place(context, device, words, (size_t)count * sizeof *words, 12, made);
    free(words);
    return status;
}

static st_status wait_for(st_fence *fence) {
    int32_t done = 0;
    st_status status = st_fence_wait(fence, 0, &done);
    while (status == ST_OK && !done) status = st_fence_wait(fence, UINT64_MAX, &done);
    return status;
}

st_status run_on_memory(st_context *context, const st_plan *plan, const rank_case *made, const st_rank_buffers *buffers,
                        size_t values_bytes, size_t indices_bytes) {
    const size_t size = (size_t)st_dtype_size(made->request.dtype), index_size = made->request.index_dtype == ST_I32 ? 4 : 8;
    st_memory_buffers on = {.struct_size = sizeof on, .row_list_count = made->row_list_count, .values_stride = made->values_stride,
                            .indices_stride = made->indices_stride};
    const size_t from = (size_t)((const char *)made->input - made->input_block);
    st_status status = place(context, plan->device, made->input_block, made->input_bytes, size, &on.input);
    on.input.offset += from;
    if (status == ST_OK && buffers->values != NULL)
        status = place(context, plan->device, buffers->values, values_bytes, 3 * size, &on.values);
    if (status == ST_OK && buffers->indices != NULL)
        status = place(context, plan->device, buffers->indices, indices_bytes, 5 * index_size, &on.indices);
    if (status == ST_OK && made->row_list != NULL)
        status = place_list(context, plan->device, made->row_list, made->row_list_count, &on.row_list);
    if (status == ST_OK && made->lengths != NULL)
        status = place_list(context, plan->device, made->lengths, made->request.rows, &on.lengths);
    st_fence *fence = NULL;
    if (status == ST_OK) status = st_execute_rank_on(context, plan, &on, &fence);
    if (status == ST_OK) status = wait_for(fence);
    st_fence_destroy(fence);
    if (status == ST_OK && buffers->values != NULL)
        status = st_memory_download(on.values.memory, on.values.offset, buffers->values, values_bytes);
    if (status == ST_OK && buffers->indices != NULL)
        status = st_memory_download(on.indices.memory, on.indices.offset, buffers->indices, indices_bytes);
    st_memory_place *const places[] = {&on.input, &on.values, &on.indices, &on.row_list, &on.lengths};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) st_memory_destroy(places[i]->memory);
    return status;
}
