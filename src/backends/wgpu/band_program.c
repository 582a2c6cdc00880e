/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* band_program.c - programs for band compaction: counting, or collecting; where rows start; then writing. */
#include "backends/wgpu/band_program.h"

#include "backends/wgpu/composer.h"
#include "base/fail.h"
#include "rank/order.h"

/* A bit for each column of a step: 64 words of them, which each thread may have to look through. */
enum { THREADS = 256, LOADS = 8, LEAST_COLS = 4096 };

static void set_key(uint32_t words[2], const st_order *order, const void *bound) {
    const uint64_t key = st_key_of(order, st_element_bits(bound, order->bits));
    words[0] = (uint32_t)(order->bits == 64 ? key >> 32 : key);
    words[1] = (uint32_t)key;
}

/* One workgroup turns counts into starts. */
static st_status add_scan(st_wgpu_composer *composer, const st_wgpu_numbers *numbers) {
    st_wgpu_numbers scan = *numbers;
    scan.cols = scan.rows;
    scan.rows = scan.pieces = 1;
    const st_wgpu_variant variant = st_wgpu_variant_of(composer, ST_WGPU_KERNEL_BAND_SCAN);
    return st_wgpu_add(composer, &variant, &scan, NULL);
}

static st_wgpu_variant sweep_of(const st_wgpu_composer *composer, uint32_t kernel) {
    st_wgpu_variant variant = st_wgpu_variant_of(composer, kernel);
    variant.unroll = LOADS;
    variant.count_reads = (uint32_t)composer->layout->count_reads;
    return variant;
}

static st_status count_and_write(st_wgpu_composer *composer, st_wgpu_numbers *numbers) {
    st_wgpu_cut_row(composer, UINT32_MAX, LEAST_COLS, numbers);
    st_status status = st_wgpu_take(composer, (uint64_t)composer->rows * numbers->all_pieces, &numbers->sink_base);
    if (status != ST_OK) return status;
    const st_wgpu_variant count = sweep_of(composer, ST_WGPU_KERNEL_BAND_COUNT), write = sweep_of(composer, ST_WGPU_KERNEL_BAND_WRITE);
    status = st_wgpu_add_ranges(composer, &count, numbers);
    if (status == ST_OK) status = add_scan(composer, numbers);
    if (status != ST_OK || composer->request->outputs == 0) return status;
    return st_wgpu_add_ranges(composer, &write, numbers);
}

static st_status collect_and_move(st_wgpu_composer *composer, st_wgpu_numbers *numbers) {
    st_status status = st_wgpu_take(composer, composer->rows, &numbers->sink_base);
    if (status == ST_OK) status = st_wgpu_take(composer, (uint64_t)composer->rows * composer->cols, &numbers->room_base);
    if (status != ST_OK) return status;
    const st_wgpu_variant collect = sweep_of(composer, ST_WGPU_KERNEL_BAND_ROOM);
    const st_wgpu_variant move = st_wgpu_variant_of(composer, ST_WGPU_KERNEL_BAND_MOVE);
    status = st_wgpu_add(composer, &collect, numbers, NULL);
    if (status == ST_OK) status = add_scan(composer, numbers);
    return status == ST_OK ? st_wgpu_add(composer, &move, numbers, NULL) : status;
}

st_status st_wgpu_compose_band(const st_band_request *request, int32_t two_passes, const st_wgpu_limits *limits,
                               const st_wgpu_layout *layout, uint64_t capacity, st_wgpu_program *program) {
    const int32_t outputs = (layout->values_bytes > 0 ? ST_OUT_VALUES : 0) | (layout->indices_bytes > 0 ? ST_OUT_INDICES : 0);
    const st_rank_request sweep = {.kind = ST_BOTTOMK,
                                   .dtype = request->dtype,
                                   .index_dtype = request->index_dtype,
                                   .outputs = outputs,
                                   .rows = request->rows,
                                   .cols = request->cols};
    const st_choice choice = {.wg = limits->invocations < THREADS ? (int32_t)limits->invocations : THREADS, .use_2ce = 1};
    st_wgpu_composer composer = {.request = &sweep, .choice = &choice, .limits = limits, .layout = layout, .program = program};
    program->count = 0;
    program->scratch_bytes = 0;
    if (layout->output_rows == 0) return ST_OK;
    if (capacity > UINT32_MAX) capacity = UINT32_MAX; /* more cannot be found: places are counted in 32 bits */
    st_status status = st_wgpu_begin(&composer);
    if (status == ST_OK && (uint64_t)composer.rows * composer.cols > UINT32_MAX - 1)
        status = st_fail(ST_E_CAPACITY, "places are counted in 32 bits on this device");
    if (status == ST_OK && outputs != 0 && capacity > 0) status = st_wgpu_set_outputs(&composer, 0, 1, capacity);
    uint32_t starts;
    if (status == ST_OK) status = st_wgpu_take(&composer, (uint64_t)composer.rows + 1, &starts);
    if (status != ST_OK) return status;
    const st_order order = st_order_of(request->dtype, 0, ST_NAN_GREATEST);
    set_key(&composer.numbers.extra[0], &order, request->lower);
    set_key(&composer.numbers.extra[2], &order, request->upper);
    composer.numbers.extra[4] = (uint32_t)capacity;
    st_wgpu_numbers numbers = composer.numbers;
    const uint64_t room = program->scratch_bytes / 4 + composer.rows + (uint64_t)composer.rows * composer.cols;
    const int fits = composer.range_cols == composer.cols && room <= composer.binding / 4;
    return outputs == 0 || two_passes || !fits ? count_and_write(&composer, &numbers) : collect_and_move(&composer, &numbers);
}
