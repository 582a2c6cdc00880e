/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* compose_buffer.c - families that keep a row's first ranks in workgroup memory: one pass, or pieces and their merge. */
#include <math.h>

#include "backends/wgpu/composer.h"
#include "base/fail.h"

/* Beside the entries: histogram, sums and counters of kernels/wgsl/buffer.wgsl. */
enum { BUFFER_OVERHEAD = 1280, LEAST_ROOM = 64, CAPACITY_STEP = 256 };

/* Groups that fill a large device once over; more pieces only make merging longer. */
enum { ENOUGH_GROUPS = 1024 };

static uint32_t divide_up(uint32_t a, uint32_t b) { return a / b + (a % b != 0); }

/*
 * Reading cols / pieces columns takes a workgroup as long as merging pieces * kept entries where pieces = sqrt(cols / kept):
 * more of them make the whole longer.
 */
int st_wgpu_cut_row(st_wgpu_composer *composer, st_wgpu_numbers *numbers) {
    const uint32_t cols = composer->cols, range = composer->range_cols;
    const uint32_t kept = composer->kept < 1 ? 1 : composer->kept;
    if (!composer->choice->use_2ce && range == cols) return 0;
    uint32_t pieces = divide_up(ENOUGH_GROUPS, composer->rows);
    const uint32_t balanced = (uint32_t)sqrt((double)cols / kept);
    if (pieces > balanced) pieces = balanced;
    if (pieces < 2) pieces = 2;
    uint32_t piece = divide_up(cols, pieces), least = (uint32_t)composer->choice->ch;
    if (least < kept) least = kept;
    if (piece < least) piece = least;
    if (piece > 64) piece = divide_up(piece, 64) * 64;
    if (range < cols) {
        if (piece > range) piece = range;
        composer->range_cols = range / piece * piece;
    }
    numbers->piece_cols = piece;
    numbers->all_pieces = numbers->pieces = divide_up(cols, piece);
    return numbers->all_pieces > 1;
}

/* Room for what is kept and for as many candidates as a compaction takes, in steps, so that few kernels serve all sizes. */
static uint32_t capacity_of(const st_wgpu_composer *composer) {
    const uint32_t fits = (composer->limits->shared_bytes - BUFFER_OVERHEAD) / st_wgpu_entry_bytes(composer->bits);
    const uint64_t wanted = (uint64_t)composer->kept + (uint32_t)composer->choice->ctile;
    const uint64_t rounded = (wanted + CAPACITY_STEP - 1) / CAPACITY_STEP * CAPACITY_STEP;
    return rounded < fits ? (uint32_t)rounded : fits;
}

st_status st_wgpu_compose_buffer(st_wgpu_composer *composer) {
    const uint32_t capacity = capacity_of(composer);
    if (capacity < composer->kept + LEAST_ROOM && capacity < composer->cols)
        return st_fail(ST_E_CAPACITY, "%u candidates do not fit the workgroup storage of this device", composer->kept);
    st_wgpu_variant variant = st_wgpu_variant_of(composer, ST_WGPU_KERNEL_FILTER, composer->choice->tile, capacity);
    st_wgpu_numbers numbers = composer->numbers;
    if (!st_wgpu_cut_row(composer, &numbers)) return st_wgpu_add(composer, &variant, &composer->numbers, NULL);
    numbers.plane = composer->rows * numbers.all_pieces * composer->kept;
    st_status status = st_wgpu_take(composer, (uint64_t)composer->rows * numbers.all_pieces * composer->kept * composer->entry_words,
                                    &numbers.sink_base);
    if (status != ST_OK) return status;
    variant.sink = ST_WGPU_SINK_ENTRIES;
    status = st_wgpu_add_ranges(composer, &variant, &numbers);
    if (status != ST_OK) return status;
    numbers.source_base = numbers.sink_base;
    numbers.pieces = 1;
    numbers.chunk = UINT32_MAX;
    variant.source = ST_WGPU_SOURCE_ENTRIES;
    variant.sink = ST_WGPU_SINK_OUTPUTS;
    return st_wgpu_add(composer, &variant, &numbers, NULL);
}
