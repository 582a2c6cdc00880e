/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * gathering.c - strided rows on a CPU. The engine takes them as they are, but its fast kernels read rows that lie side by side:
 * copying first was measured to be 2 to 15 times as fast, for every second element, reversed rows and columns alike.
 */
#include "gathering.h"

#include <stdlib.h>
#include <string.h>

/*
 * BLOCK_BYTES: rows enough for all threads, in a cache. MOST_BYTES: a row that is longer is read where it lies. MOST_THREADS: so
 * many read strided rows as fast as one thread copies them. TILE_ROWS: columns of an array are read some cache lines at a time.
 */
enum { BLOCK_BYTES = 2 << 20, MOST_BYTES = 64 << 20, MOST_THREADS = 8, TILE_ROWS = 64 };

int st_py_gathering_pays(const st_context *engine, const st_plan *plan) {
    const st_rank_request *request = &plan->request;
    return request->col_stride != 1 && request->cols > 1 && strcmp(plan->device, "cpu") == 0 && request->nan_rule != ST_NAN_ERROR &&
           st_context_threads(engine) <= MOST_THREADS && request->cols <= MOST_BYTES / st_dtype_size(request->dtype);
}

#define COPY_TILE(bytes)                                                                             \
    for (int64_t outer = 0; outer < outer_count; outer++)                                            \
        for (int64_t inner = 0; inner < inner_count; inner++)                                        \
            memcpy(to + (outer * to_outer + inner * to_inner) * (bytes), from + (outer * from_outer + inner * from_inner) * (bytes), bytes)

/* Rows to packed memory, the nearer elements of the two axes in the inner loop. */
static void copy_tile(const st_rank_request *request, const char *from, int64_t rows, char *to) {
    const int by_column = llabs(request->row_stride) < llabs(request->col_stride);
    const int64_t outer_count = by_column ? request->cols : rows, inner_count = by_column ? rows : request->cols;
    const int64_t from_outer = by_column ? request->col_stride : request->row_stride;
    const int64_t from_inner = by_column ? request->row_stride : request->col_stride;
    const int64_t to_outer = by_column ? 1 : request->cols, to_inner = by_column ? request->cols : 1;
    switch (st_dtype_size(request->dtype)) {
    case 1: COPY_TILE(1); break;
    case 2: COPY_TILE(2); break;
    case 4: COPY_TILE(4); break;
    default: COPY_TILE(8);
    }
}

#undef COPY_TILE

static void copy_rows(const st_rank_request *request, const char *from, int64_t rows, char *to) {
    const int64_t size = st_dtype_size(request->dtype);
    for (int64_t row = 0; row < rows; row += TILE_ROWS)
        copy_tile(request, from + row * request->row_stride * size, rows - row < TILE_ROWS ? rows - row : TILE_ROWS,
                  to + row * request->cols * size);
}

/* Rows [first, first + count), which are in `packed`. */
static st_status run_block(st_context *engine, const st_rank_request *request, const st_rank_buffers *buffers, int64_t first, int64_t count,
                           const char *packed) {
    st_rank_request block = *request;
    st_rank_buffers piece = *buffers;
    st_plan plan;
    block.rows = count;
    block.row_stride = request->cols;
    block.col_stride = 1;
    piece.input = packed;
    if (piece.lengths != NULL) piece.lengths += first;
    if (piece.values != NULL) piece.values = (char *)piece.values + first * piece.values_stride * st_dtype_size(request->dtype);
    if (piece.indices != NULL) piece.indices = (char *)piece.indices + first * piece.indices_stride * st_dtype_size(request->index_dtype);
    const st_status status = st_plan_request(engine, &block, "cpu", NULL, &plan);
    return status == ST_OK ? st_execute_rank(engine, &plan, &piece) : status;
}

st_status st_py_execute_gathered(st_context *engine, const st_rank_request *request, const st_rank_buffers *buffers) {
    const int64_t row_bytes = request->cols * st_dtype_size(request->dtype);
    const int64_t most = BLOCK_BYTES / row_bytes > 0 ? BLOCK_BYTES / row_bytes : 1;
    const int64_t block = most < request->rows ? most : request->rows;
    char *packed = malloc((size_t)(block * row_bytes));
    st_status status = ST_OK;
    if (packed == NULL) return st_backend_fail(ST_E_MEMORY, "no memory for a block of rows");
    for (int64_t first = 0; first < request->rows && status == ST_OK; first += block) {
        const int64_t count = request->rows - first < block ? request->rows - first : block;
        const int64_t offset = first * request->row_stride * st_dtype_size(request->dtype);
        copy_rows(request, (const char *)buffers->input + offset, count, packed);
        status = run_block(engine, request, buffers, first, count, packed);
    }
    free(packed);
    return status;
}
