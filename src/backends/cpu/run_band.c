/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * run_band.c - band compaction in two passes: count every row, then copy each row to where the counts place it. Between the
 * passes, counts holds where each row starts, so nothing is allocated.
 */
#include "backends/cpu/float_state.h"
#include "backends/cpu/output.h"
#include "backends/cpu/run.h"
#include "base/fail.h"
#include "base/pool.h"
#include "rank/order.h"
#include "spiraltorch/rank.h"

/* Columns copied at a time; their candidates live on the worker's stack. */
enum { BLOCK = 2048, ITEM_ELEMENTS = 1 << 15 };

struct band {
    const st_band_request *request;
    const st_band_buffers *buffers;
    const st_cpu_kernels *kernels;
    st_order order;
    uint64_t low, high;
    int64_t rows_per_item;
    int64_t total;
};

static const char *row_at(const struct band *band, int64_t row) {
    return (const char *)band->buffers->input + row * band->request->row_stride * st_dtype_size(band->request->dtype);
}

static int64_t end_of(const struct band *band, int64_t item) {
    const int64_t end = (item + 1) * band->rows_per_item;
    return end < band->request->rows ? end : band->request->rows;
}

static void count_rows(void *argument, int64_t item, int32_t worker) {
    const struct band *band = argument;
    (void)worker;
    for (int64_t row = item * band->rows_per_item; row < end_of(band, item); row++)
        band->buffers->counts[row] =
            band->low > band->high ? 0
                                   : (int64_t)band->kernels->count(&band->order, row_at(band, row), (ptrdiff_t)band->request->col_stride,
                                                                   (size_t)band->request->cols, band->low, band->high);
}

/* Where a row's output ends, once counts holds where rows start. */
static int64_t end_of_row(const struct band *band, int64_t row) {
    return row + 1 < band->request->rows ? band->buffers->counts[row + 1] : band->total;
}

/* Copies one row; never more than was counted, whatever another thread does to the input meanwhile. */
static void copy_row(const struct band *band, int64_t row) {
    const st_band_request *request = band->request;
    const size_t size = (size_t)st_dtype_size(request->dtype), start = (size_t)band->buffers->counts[row];
    const size_t counted = (size_t)end_of_row(band, row) - start;
    const size_t index_size = request->index_dtype == ST_I32 ? sizeof(int32_t) : sizeof(int64_t);
    const char *first = row_at(band, row);
    st_wide found[BLOCK];
    uint64_t columns[BLOCK];
    size_t written = 0;
    for (size_t at = 0; at < (size_t)request->cols && written < counted; at += BLOCK) {
        const size_t length = (size_t)request->cols - at < BLOCK ? (size_t)request->cols - at : BLOCK;
        const char *from = first + (int64_t)at * request->col_stride * (int64_t)size;
        size_t count = band->kernels->collect_wide(&band->order, from, (ptrdiff_t)request->col_stride, length, at, 0, band->low,
                                                   band->high, found);
        if (count > counted - written) count = counted - written;
        for (size_t i = 0; i < count; i++) columns[i] = found[i].index;
        const size_t to = start + written;
        if (band->buffers->values != NULL)
            st_cpu_gather(first, (ptrdiff_t)request->col_stride, size, columns, count, (char *)band->buffers->values + to * size);
        if (band->buffers->indices != NULL)
            st_cpu_write_indices(columns, count, request->index_dtype, (char *)band->buffers->indices + to * index_size);
        written += count;
    }
}

static void copy_rows(void *argument, int64_t item, int32_t worker) {
    const uint32_t state = st_float_begin();
    const struct band *band = argument;
    (void)worker;
    for (int64_t row = item * band->rows_per_item; row < end_of(band, item); row++)
        copy_row(band, row);
    st_float_end(state);
}

st_status st_cpu_run_band(const st_cpu_table *table, const st_band_request *request, const st_band_buffers *buffers,
                          const st_backend_services *services) {
    if (request->rows == 0) return ST_OK;
    struct band band = {.request = request, .buffers = buffers, .order = st_order_of(request->dtype, 0, ST_NAN_GREATEST)};
    band.kernels = &table->of_class[st_cpu_class(band.order.bits)];
    band.low = st_key_of(&band.order, st_element_bits(request->lower, band.order.bits));
    band.high = st_key_of(&band.order, st_element_bits(request->upper, band.order.bits));
    band.rows_per_item = ITEM_ELEMENTS / (request->cols + 1) + 1;
    const int64_t items = (request->rows - 1) / band.rows_per_item + 1;
    st_pool_run(services->pool, request->threads, items, count_rows, &band);
    if (buffers->values == NULL && buffers->indices == NULL) return ST_OK;

    for (int64_t row = 0; row < request->rows; row++) band.total += buffers->counts[row];
    if (band.total > buffers->capacity)
        return st_fail(ST_E_CAPACITY, "capacity is %lld; the band holds %lld elements", (long long)buffers->capacity, (long long)band.total);
    int64_t start = 0;
    for (int64_t row = 0; row < request->rows; row++) {
        const int64_t count = buffers->counts[row];
        buffers->counts[row] = start;
        start += count;
    }
    st_pool_run(services->pool, request->threads, items, copy_rows, &band);
    for (int64_t row = 0; row < request->rows; row++) buffers->counts[row] = end_of_row(&band, row) - buffers->counts[row];
    return ST_OK;
}
