/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* memory_places.c - what lies where in device memory: checked before a backend is told. */
#include <string.h>

#include "base/checked.h"
#include "base/fail.h"
#include "engine/memories.h"
#include "rank/request.h"

struct claim {
    const st_context *context;
    int32_t position;
};

/* Bytes [low, high) from a place on, in elements of `size` bytes. */
static st_status check_place(const struct claim *claim, const char *name, const st_memory_place *place, int64_t low, int64_t high,
                             int64_t size, st_backend_place *checked) {
    const st_memory *memory = place->memory;
    if (memory == NULL) return st_fail(ST_E_ARGUMENT, "%s.memory is NULL", name);
    if (memory->context != claim->context || memory->position != claim->position)
        return st_fail(ST_E_ARGUMENT, "%s is memory of another device than the plan's, which is %s", name,
                       claim->context->registry.items[claim->position].info.id);
    if (place->offset % (uint64_t)size != 0)
        return st_fail(ST_E_ARGUMENT, "%s.offset is %llu, which is not aligned to its %lld-byte element", name,
                       (unsigned long long)place->offset, (long long)size);
    const int64_t bytes = (int64_t)memory->bytes;
    if (place->offset > memory->bytes || (int64_t)place->offset < -low || high > bytes - (int64_t)place->offset)
        return st_fail(ST_E_ARGUMENT, "%s: bytes %lld to %lld from offset %llu on do not lie in its memory of %lld bytes", name,
                       (long long)low, (long long)high, (unsigned long long)place->offset, (long long)bytes);
    *checked = (st_backend_place){memory->handle, place->offset};
    return ST_OK;
}

static st_status check_output(const struct claim *claim, const char *name, const st_memory_place *place, int64_t stride, int64_t rows,
                              int64_t width, int64_t size, st_backend_place *checked, int64_t *resolved_stride) {
    int64_t bytes;
    *resolved_stride = stride == 0 ? width : stride;
    if (*resolved_stride < width)
        return st_fail(ST_E_ARGUMENT, "%s_stride is %lld but an output row has %lld elements; use 0 (packed) or at least that", name,
                       (long long)stride, (long long)width);
    if (!st_multiply_i64(rows - 1, *resolved_stride, &bytes) || !st_add_i64(bytes, width, &bytes) || !st_multiply_i64(bytes, size, &bytes))
        return st_fail(ST_E_ARGUMENT, "%s_stride is %lld; %lld rows of it are too large", name, (long long)stride, (long long)rows);
    return check_place(claim, name, place, 0, bytes, size, checked);
}

static st_status check_list(const struct claim *claim, const char *name, const st_memory_place *place, int64_t count,
                            st_backend_place *checked) {
    int64_t bytes;
    if (!st_multiply_i64(count, 4, &bytes)) return st_fail(ST_E_ARGUMENT, "%s: %lld entries are too many", name, (long long)count);
    return check_place(claim, name, place, 0, bytes, 4, checked);
}

/* What is written must be alone in its memory. */
static st_status check_apart(const st_backend_buffers *checked) {
    const st_backend_place *const places[] = {&checked->values, &checked->indices, &checked->input, &checked->row_list, &checked->lengths};
    static const char *const names[] = {"values", "indices", "input", "row_list", "lengths"};
    for (int written = 0; written < 2; written++)
        for (int other = written + 1; other < 5; other++)
            if (places[written]->memory != NULL && places[written]->memory == places[other]->memory)
                return st_fail(ST_E_ARGUMENT, "%s and %s lie in one memory; give %s one of its own", names[written], names[other],
                               names[written]);
    return ST_OK;
}

st_status st_memory_buffers_check(const st_context *context, int32_t position, const st_rank_request *resolved,
                                  const st_memory_buffers *buffers, st_backend_buffers *checked) {
    const struct claim claim = {context, position};
    int64_t low, high;
    st_status status = ST_OK;
    if (buffers == NULL) return st_fail(ST_E_ARGUMENT, "buffers is NULL");
    if (buffers->struct_size != sizeof *buffers)
        return st_fail(ST_E_ARGUMENT, "buffers.struct_size is %u; set it to sizeof(st_memory_buffers)", buffers->struct_size);
    const int listed = buffers->row_list.memory != NULL;
    if (listed && buffers->row_list_count < 0)
        return st_fail(ST_E_ARGUMENT, "row_list_count is %lld; it must be at least 0", (long long)buffers->row_list_count);
    const int64_t width = st_request_width(resolved), size = st_dtype_size(resolved->dtype);
    memset(checked, 0, sizeof *checked);
    checked->struct_size = sizeof *checked;
    checked->output_rows = listed ? buffers->row_list_count : resolved->rows;
    if (checked->output_rows == 0 || width == 0) return ST_OK;
    if (listed && resolved->rows == 0) return st_fail(ST_E_ARGUMENT, "row_list names rows, but rows is 0");
    if (resolved->outputs & ST_OUT_VALUES)
        status = check_output(&claim, "values", &buffers->values, buffers->values_stride, checked->output_rows, width, size,
                              &checked->values, &checked->values_stride);
    if (status == ST_OK && (resolved->outputs & ST_OUT_INDICES))
        status = check_output(&claim, "indices", &buffers->indices, buffers->indices_stride, checked->output_rows, width,
                              resolved->index_dtype == ST_I32 ? 4 : 8, &checked->indices, &checked->indices_stride);
    if (status != ST_OK) return status;
    if (!st_request_extent(resolved, &low, &high)) return st_fail(ST_E_ARGUMENT, "input: the strides reach outside the address space");
    if ((status = check_place(&claim, "input", &buffers->input, low, high, size, &checked->input)) != ST_OK) return status;
    if (listed) status = check_list(&claim, "row_list", &buffers->row_list, buffers->row_list_count, &checked->row_list);
    if (status == ST_OK && buffers->lengths.memory != NULL)
        status = check_list(&claim, "lengths", &buffers->lengths, resolved->rows, &checked->lengths);
    return status == ST_OK ? check_apart(checked) : status;
}
