/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* rows.c - packing rows for a device, and putting its outputs where the caller wants them. */
#include "backends/wgpu/rows.h"

#include <string.h>

#include "rank/order.h"
#include "rank/request.h"

/*
 * The lists were checked, but another thread may have changed them since: each number is read once, and kept within the
 * input.
 */
static int64_t row_number(const st_rank_request *request, const st_rank_buffers *buffers, int64_t position) {
    if (buffers->row_list == NULL) return position;
    const int64_t number = *(const volatile int64_t *)&buffers->row_list[position];
    return number < 0 || number >= request->rows ? 0 : number;
}

static int64_t length_of(const st_rank_request *request, const st_rank_buffers *buffers, int64_t number) {
    if (buffers->lengths == NULL) return request->cols;
    const int64_t length = *(const volatile int64_t *)&buffers->lengths[number];
    return length < 0 || length > request->cols ? 0 : length;
}

static const char *row_address(const st_rank_request *request, const st_rank_buffers *buffers, int64_t position) {
    return (const char *)buffers->input + row_number(request, buffers, position) * request->row_stride * st_dtype_size(request->dtype);
}

const void *st_wgpu_rows_in_place(const st_wgpu_rows *rows, int64_t count) {
    const st_rank_request *request = rows->request;
    if (rows->buffers->row_list != NULL && count > 1) return NULL;
    if (request->col_stride != 1 && request->cols > 1) return NULL;
    if (request->row_stride != request->cols && count > 1) return NULL;
    return row_address(request, rows->buffers, rows->first);
}

/* Elements of `size` bytes at a stride to a packed target. */
static void gather(const char *source, int64_t stride, size_t size, int64_t count, char *target) {
    if (stride == 1) {
        memcpy(target, source, (size_t)count * size);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        const char *element = source + i * stride * (int64_t)size;
        switch (size) { /* the sizes by name, so that each copy is one move */
            case 1: target[i] = *element; break;
            case 2: memcpy(target + 2 * i, element, 2); break;
            case 4: memcpy(target + 4 * i, element, 4); break;
            default: memcpy(target + 8 * i, element, 8); break;
        }
    }
}

void st_wgpu_rows_pack(const st_wgpu_rows *rows, int64_t from, int64_t count, void *target) {
    const st_rank_request *request = rows->request;
    const size_t size = (size_t)st_dtype_size(request->dtype);
    int64_t row = from / request->cols, column = from % request->cols;
    for (int64_t done = 0; done < count; row++, column = 0) {
        const int64_t rest = request->cols - column, some = rest < count - done ? rest : count - done;
        const char *source = row_address(request, rows->buffers, rows->first + row) + column * request->col_stride * (int64_t)size;
        gather(source, request->col_stride, size, some, (char *)target + (size_t)done * size);
        done += some;
    }
}

void st_wgpu_rows_lengths(const st_wgpu_rows *rows, int64_t count, uint32_t *target) {
    for (int64_t i = 0; i < count; i++)
        target[i] = (uint32_t)length_of(rows->request, rows->buffers, row_number(rows->request, rows->buffers, rows->first + i));
}

static void put(const st_wgpu_rows *rows, int64_t from, int64_t count, const char *source, char *output, int64_t stride, size_t size) {
    const int64_t width = st_request_width(rows->request);
    int64_t row = from / width, column = from % width;
    for (int64_t done = 0; done < count; row++, column = 0) {
        const int64_t rest = stride == width ? count - done : width - column, some = rest < count - done ? rest : count - done;
        memcpy(output + ((rows->first + row) * stride + column) * (int64_t)size, source + (size_t)done * size, (size_t)some * size);
        done += some;
    }
}

void st_wgpu_rows_put_values(const st_wgpu_rows *rows, int64_t from, int64_t count, const void *source) {
    put(rows, from, count, source, rows->buffers->values, rows->buffers->values_stride, (size_t)st_dtype_size(rows->request->dtype));
}

void st_wgpu_rows_put_indices(const st_wgpu_rows *rows, int64_t from, int64_t count, const void *source) {
    put(rows, from, count, source, rows->buffers->indices, rows->buffers->indices_stride, rows->request->index_dtype == ST_I32 ? 4 : 8);
}

int st_wgpu_rows_find_nan(const st_rank_request *request, const st_rank_buffers *buffers, int64_t *row, int64_t *column) {
    const st_order order = st_order_of(request->dtype, 0, request->nan_rule);
    const int64_t size = st_dtype_size(request->dtype);
    int found = 0;
    for (int64_t position = 0; position < buffers->row_list_count; position++) {
        const int64_t number = row_number(request, buffers, position);
        if (found && number >= *row) continue;
        const int64_t length = length_of(request, buffers, number);
        const char *elements = (const char *)buffers->input + number * request->row_stride * size;
        for (int64_t at = 0; at < length; at++) {
            const uint64_t bits = st_element_bits(elements + at * request->col_stride * size, order.bits);
            if ((bits & (order.mask >> 1)) <= order.infinity) continue;
            found = 1;
            *row = number;
            *column = at;
            break;
        }
    }
    return found;
}
