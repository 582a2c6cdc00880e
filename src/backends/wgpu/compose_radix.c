/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* compose_radix.c - radix selection: by one workgroup a row, by pieces and their merge, or by many workgroups a digit at a time. */
#include "backends/wgpu/composer.h"

/* Beside the entries: histograms, marks and counters of kernels/wgsl. */
enum { RADIX_OVERHEAD = 4096, LEAST_CAPACITY = 64 };

/* Columns of a step of collecting: its bits and their sums have so much room. */
enum { MOST_COLLECTED = 2048 };

/* Of many workgroups on a row, each brings two histograms, which one adds up. */
enum { MOST_WIDE_PIECES = 256, LEAST_WIDE_COLS = 8192 };

/* Threads of a sort in scratch: each digit of 8 bits has a bit for each of them. */
enum { MOST_SORTERS = 256 };

struct radix {
    st_wgpu_composer *composer;
    st_wgpu_numbers numbers; /* with the pieces of a row */
    st_wgpu_variant last;    /* what leaves the window's entries, or the outputs */
};

static st_wgpu_variant variant_of(const st_wgpu_composer *composer, uint32_t kernel) {
    st_wgpu_variant variant = st_wgpu_variant_of(composer, kernel);
    variant.unroll = st_wgpu_unroll(composer, composer->choice->tile, ST_WGPU_MOST_UNROLL);
    variant.count_reads = (uint32_t)composer->layout->count_reads;
    return variant;
}

/* Where the window goes from its collection: to the outputs as it comes, through workgroup memory, or through scratch. */
static void set_sink(struct radix *radix) {
    const st_wgpu_composer *composer = radix->composer;
    const uint32_t width = composer->numbers.width;
    const uint32_t fits = (composer->limits->shared_bytes - RADIX_OVERHEAD) / st_wgpu_entry_bytes(composer->bits);
    radix->last = variant_of(composer, ST_WGPU_KERNEL_RADIX);
    radix->last.compact = st_wgpu_unroll(composer, composer->choice->ctile, ST_WGPU_MOST_UNROLL);
    while (radix->last.compact > 1 && radix->last.compact * radix->last.workgroup > MOST_COLLECTED) radix->last.compact--;
    if (composer->numbers.flags & ST_WGPU_NUMBERS_UNSORTED) {
        radix->last.sink = ST_WGPU_SINK_INDEXED;
    } else if (width <= fits) {
        radix->last.capacity = LEAST_CAPACITY;
        while (radix->last.capacity < width && radix->last.capacity * 2 <= fits) radix->last.capacity *= 2;
        if (radix->last.capacity < width) radix->last.capacity = fits;
    } else {
        radix->last.sink = ST_WGPU_SINK_ROOM;
    }
}

static uint64_t room_entries(const struct radix *radix) {
    return radix->last.sink == ST_WGPU_SINK_ROOM ? 2 * (uint64_t)radix->composer->rows * radix->numbers.width : 0;
}

/* Sorts what was left in the rows' rooms. */
static st_status add_sort(struct radix *radix) {
    st_wgpu_composer *composer = radix->composer;
    st_wgpu_numbers numbers = composer->numbers;
    numbers.plane = radix->numbers.plane;
    numbers.room_base = radix->numbers.room_base;
    st_wgpu_variant sort = st_wgpu_variant_of(composer, ST_WGPU_KERNEL_ROOM_SORT);
    if (sort.workgroup > MOST_SORTERS) sort.workgroup = MOST_SORTERS;
    return st_wgpu_add_last(composer, &sort, &numbers);
}

/* The one workgroup of a row: its columns, or what its pieces left. */
static st_status add_radix(struct radix *radix, uint32_t source) {
    st_wgpu_variant variant = radix->last;
    variant.source = source;
    if (source == ST_WGPU_SOURCE_ENTRIES) variant.count_reads = 0;
    st_wgpu_numbers numbers = radix->numbers;
    numbers.pieces = 1;
    if (variant.sink != ST_WGPU_SINK_ROOM) return st_wgpu_add_last(radix->composer, &variant, &numbers);
    const st_status status = st_wgpu_add(radix->composer, &variant, &numbers, NULL);
    return status == ST_OK ? add_sort(radix) : status;
}

/* Pieces keep what the row does, and are merged. */
static st_status compose_pieces(struct radix *radix) {
    st_wgpu_composer *composer = radix->composer;
    const uint64_t entries = (uint64_t)composer->rows * radix->numbers.all_pieces * radix->numbers.kept;
    st_status status = st_wgpu_take_entries(composer, entries + room_entries(radix));
    if (status != ST_OK) return status;
    radix->numbers.plane = composer->numbers.plane;
    radix->numbers.room_base = (uint32_t)entries;
    st_wgpu_variant first = radix->last;
    first.sink = ST_WGPU_SINK_ENTRIES;
    first.capacity = 0;
    status = st_wgpu_add_ranges(composer, &first, &radix->numbers);
    return status == ST_OK ? add_radix(radix, ST_WGPU_SOURCE_ENTRIES) : status;
}

/* The whole window is collected at once, after every digit has been narrowed by all pieces of the row. */
static st_status compose_wide(struct radix *radix) {
    st_wgpu_composer *composer = radix->composer;
    enum { EDGE_WORDS = 6, PIECE_WORDS = 3 + 512 };
    if (radix->last.sink == ST_WGPU_SINK_OUTPUTS) radix->last.sink = ST_WGPU_SINK_ROOM;
    radix->last.capacity = 0;
    st_status status = st_wgpu_take_entries(composer, room_entries(radix));
    if (status != ST_OK) return status;
    radix->numbers.plane = composer->numbers.plane;
    status = st_wgpu_take(composer, (uint64_t)composer->rows * (EDGE_WORDS + (uint64_t)radix->numbers.all_pieces * PIECE_WORDS),
                          &radix->numbers.sink_base);
    const st_wgpu_variant digits = variant_of(composer, ST_WGPU_KERNEL_WIDE_DIGITS), count = variant_of(composer, ST_WGPU_KERNEL_WIDE_COUNT);
    const st_wgpu_variant narrow = st_wgpu_variant_of(composer, ST_WGPU_KERNEL_WIDE_NARROW);
    for (uint32_t digit = 0; digit < composer->bits / 8 && status == ST_OK; digit++) {
        radix->numbers.digit = digit;
        status = st_wgpu_add_ranges(composer, &digits, &radix->numbers);
        st_wgpu_numbers row = radix->numbers;
        row.pieces = 1;
        if (status == ST_OK) status = st_wgpu_add(composer, &narrow, &row, NULL);
    }
    radix->last.kernel = ST_WGPU_KERNEL_WIDE_COLLECT;
    radix->last.unroll = 0;
    if (status == ST_OK) status = st_wgpu_add_ranges(composer, &count, &radix->numbers);
    if (status == ST_OK) status = st_wgpu_add_ranges(composer, &radix->last, &radix->numbers);
    return status == ST_OK && radix->last.sink == ST_WGPU_SINK_ROOM ? add_sort(radix) : status;
}

st_status st_wgpu_compose_radix(st_wgpu_composer *composer) {
    /* Collecting in the order of indices, the first of equal keys come first. Rows are swept whole. */
    st_wgpu_set_order(composer, 0);
    composer->numbers.chunk = composer->cols;
    struct radix radix = {.composer = composer, .numbers = composer->numbers};
    set_sink(&radix);
    /* Pieces shall leave a quarter of their columns at most. */
    const uint32_t kept = radix.numbers.kept;
    const uint32_t range = composer->range_cols;
    if (kept <= composer->cols / 8 && st_wgpu_cut_row(composer, composer->cols / kept / 4, kept * 4, &radix.numbers) &&
        radix.numbers.piece_cols >= kept)
        return compose_pieces(&radix);
    composer->range_cols = range;
    radix.numbers = composer->numbers;
    if (st_wgpu_cut_row(composer, MOST_WIDE_PIECES, LEAST_WIDE_COLS, &radix.numbers)) return compose_wide(&radix);
    const st_status status = st_wgpu_take_entries(composer, room_entries(&radix));
    radix.numbers.plane = composer->numbers.plane;
    return status == ST_OK ? add_radix(&radix, ST_WGPU_SOURCE_ROWS) : status;
}
