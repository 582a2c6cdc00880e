/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* compose_buffer.c - families that keep a row's first ranks in workgroup memory: one pass, or pieces and their merge. */
#include <math.h>

#include "backends/wgpu/composer.h"

enum { LEAST_ROOM = 64, CAPACITY_STEP = 256 };

static st_wgpu_variant variant_of(const st_wgpu_composer *composer, uint32_t kernel, uint32_t capacity) {
    st_wgpu_variant variant = st_wgpu_variant_of(composer, kernel);
    variant.unroll = st_wgpu_unroll(composer, composer->choice->tile, ST_WGPU_MOST_UNROLL);
    variant.capacity = capacity;
    variant.count_reads = (uint32_t)composer->layout->count_reads;
    return variant;
}

/* Entries in workgroup memory, in few sizes, so that few kernels serve all requests. 0: what is kept does not fit. */
static uint32_t filter_capacity(const st_wgpu_composer *composer, uint32_t fits) {
    /* Room for as many candidates as a compaction takes; there are no more than columns. */
    const uint64_t room = (uint64_t)composer->numbers.kept + (uint32_t)composer->choice->ctile;
    const uint64_t wanted = room < composer->cols ? room : composer->cols;
    const uint64_t rounded = (wanted + CAPACITY_STEP - 1) / CAPACITY_STEP * CAPACITY_STEP;
    if (rounded <= fits) return (uint32_t)rounded;
    return fits >= composer->cols || fits >= composer->numbers.kept + LEAST_ROOM ? fits : 0;
}

static uint32_t bitonic_capacity(const st_wgpu_composer *composer, uint32_t fits) {
    const uint32_t row = st_wgpu_power_from(composer->cols < LEAST_ROOM ? LEAST_ROOM : composer->cols);
    const uint32_t best = st_wgpu_power_from(composer->numbers.kept), tile = (uint32_t)composer->choice->tile;
    const uint64_t wanted = (uint64_t)best + tile;
    if (composer->cols <= fits && row <= wanted) return row < fits ? row : fits;
    if (wanted <= fits) return (uint32_t)wanted;
    return fits >= (uint64_t)best + LEAST_ROOM ? fits : 0;
}

st_status st_wgpu_add_passes(st_wgpu_composer *composer, st_wgpu_variant variant) {
    /*
     * Reading cols / pieces columns takes a workgroup as long as merging pieces * kept entries where pieces =
     * sqrt(cols / kept): more of them make the whole longer.
     */
    st_wgpu_numbers numbers = composer->numbers;
    const uint32_t kept = numbers.kept;
    if (!st_wgpu_cut_row(composer, (uint32_t)sqrt((double)composer->cols / kept), kept, &numbers))
        return st_wgpu_add(composer, &variant, &composer->numbers, NULL);
    st_status status = st_wgpu_take_entries(composer, (uint64_t)composer->rows * numbers.all_pieces * kept);
    if (status != ST_OK) return status;
    numbers.plane = composer->numbers.plane;
    variant.sink = ST_WGPU_SINK_ENTRIES;
    status = st_wgpu_add_ranges(composer, &variant, &numbers);
    if (status != ST_OK) return status;
    numbers.pieces = 1;
    numbers.chunk = UINT32_MAX;
    variant.count_reads = 0;
    variant.source = ST_WGPU_SOURCE_ENTRIES;
    variant.sink = ST_WGPU_SINK_OUTPUTS;
    return st_wgpu_add_last(composer, &variant, &numbers);
}

/* A row is sorted in scratch. */
static st_status compose_room(st_wgpu_composer *composer, uint32_t fits) {
    st_status status = st_wgpu_take_entries(composer, (uint64_t)composer->rows * composer->cols);
    if (status != ST_OK) return status;
    const st_wgpu_variant variant = variant_of(composer, ST_WGPU_KERNEL_ROOM_BITONIC, st_wgpu_power_from(fits / 2 + 1));
    return st_wgpu_add_last(composer, &variant, &composer->numbers);
}

st_status st_wgpu_compose_buffer(st_wgpu_composer *composer) {
    const int bitonic = composer->choice->mk == ST_MK_BITONIC;
    const uint32_t fits = (composer->limits->shared_bytes - ST_WGPU_BUFFER_OVERHEAD) / st_wgpu_entry_bytes(composer->bits);
    const uint32_t capacity = bitonic ? bitonic_capacity(composer, fits) : filter_capacity(composer, fits);
    st_wgpu_variant variant = variant_of(composer, bitonic ? ST_WGPU_KERNEL_BITONIC : ST_WGPU_KERNEL_FILTER, capacity);
    if (capacity == 0) {
        /* Radix selection has no need of a whole row in scratch. */
        const uint64_t row = (uint64_t)composer->cols * (composer->bits == 64 ? 12 : 8);
        return composer->range_cols < composer->cols || row > composer->binding ? st_wgpu_compose_radix(composer)
                                                                               : compose_room(composer, fits);
    }
    return st_wgpu_add_passes(composer, variant);
}
