/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * test_rows_in_lanes.c - the kernels that rank many rows at once, against a plain sort of (key, column): of short rows every
 * number of columns and every number wanted where they are not long, some of longer ones, first ranks and later windows,
 * every order of every type; of longer rows the few first ranks. Outputs and input lie between guard pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backends/cpu/kernels.h"
#include "guard_pages.h"
#include "random_elements.h"
#include "spiraltorch/rank.h"

/* Most bits of a key that a kernel may leave out at first, and the most that rows are moved apart by. */
enum { MOST_LOW_BITS = ST_LANE_COLUMN_BITS + 2, MOST_GAP = 5, WIDEST_ROW = ST_FEW_COLUMNS + MOST_GAP };

/* Groups of columns that bound a row's few first ranks; and elements within the bound that there is room for where few are wanted. */
enum { MOST_GROUPS = 128, LEAST_HI = 4, LEAST_ROOM = 8 };

/* Rows of up to so many columns are asked for every number of their first; of longer ones, some are asked for some. */
enum { EVERY = 64 };

/* What st_guarded_place fills with. */
enum { CANARY = 0xa5 };

static st_guarded input_pages, values_pages, indices_pages;
static st_random rng;
static st_processor processor;

/* Some rows, and what a plain sort makes of each. */
struct scene {
    const st_cpu_kernels *kernels;
    uint32_t (*rank)(const st_lane_rows *rows); /* of the kernels */
    st_dtype dtype;
    st_order order;
    st_lane_rows rows;
    size_t size; /* bytes of an element */
    const char *elements;
    st_wide sorted[ST_LANE_ROWS][ST_FEW_COLUMNS];
    size_t answered, handed_back; /* rows so far */
    size_t close;                 /* of those answered, wide ones that only keys without a loss could tell apart */
};

static void complain(const struct scene *scene, const char *what, size_t row) {
    const st_lane_rows *rows = &scene->rows;
    print_message(
        "%s: %s %s flip %llx, nan key %llx: row %zu of %zu, %zu to %zu of %zu columns, row stride %td, values %d (%td), "
        "indices %d (%td) of %zu, streams %d\n",
        what, st_isa_name(scene->kernels->isa), st_dtype_name(scene->dtype), (unsigned long long)scene->order.flip,
        (unsigned long long)scene->order.nan_key, row, rows->rows, rows->lo, rows->hi, rows->columns, rows->row_stride,
        rows->values != NULL, rows->values_stride, rows->indices != NULL, rows->indices_stride, rows->index_size,
        rows->streams);
    fail();
}

static int compare_entries(const void *a, const void *b) {
    const st_wide *x = a, *y = b;
    return st_wide_before(*x, *y) ? -1 : st_wide_before(*y, *x);
}

/*
 * Data of any shape; integers within some distance of one, across the end of their range too; or such as differs in the low
 * bits of keys alone: in all of the row, or about a few numbers of either sign.
 */
static void fill_row(st_dtype dtype, char *row, size_t count) {
    const size_t size = (size_t)st_dtype_size(dtype);
    const uint64_t low = ((uint64_t)1 << (1 + st_random_below(&rng, MOST_LOW_BITS))) - 1;
    uint64_t about[4] = {0}; /* as many of the element type */
    if (st_random_chance(&rng, 1, 2)) {
        st_random_fill(&rng, dtype, (st_data)st_random_below(&rng, ST_DATA_COUNT), row, count);
        return;
    }
    if (st_random_chance(&rng, 1, 3)) {
        const uint64_t distance = UINT64_MAX >> st_random_below(&rng, 64), ends[] = {0, (uint64_t)1 << 63, st_random_next(&rng)};
        const uint64_t least = ends[st_random_below(&rng, 3)] - (st_random_next(&rng) & distance);
        for (size_t i = 0; i < count; i++) {
            const uint64_t bits = least + (st_random_next(&rng) & distance);
            memcpy(row + i * size, &bits, size);
        }
        return;
    }
    const size_t numbers = st_random_chance(&rng, 1, 3) ? 1 : 1 + st_random_below(&rng, 4);
    st_random_fill(&rng, dtype, st_random_chance(&rng, 1, 3) ? ST_DATA_ZEROS : ST_DATA_NORMAL, about, numbers);
    const uint64_t differ = st_random_chance(&rng, 1, 2) ? low : 1; /* many keys, or two */
    for (size_t i = 0; i < count; i++) {
        const uint64_t other = st_random_next(&rng) & differ;
        uint64_t bits = 0; /* its first bytes are the lowest: every kernel here is for a little-endian processor */
        memcpy(&bits, (const char *)about + st_random_below(&rng, numbers) * size, size);
        bits ^= other;
        memcpy(row + i * size, &bits, size);
    }
}

static uint64_t bits_at(const struct scene *scene, ptrdiff_t position) {
    uint64_t bits = 0;
    memcpy(&bits, scene->elements + position * (ptrdiff_t)scene->size, scene->size);
    return bits;
}

/* Lays the rows out so that the lowest and the highest byte that may be read stand at guard pages. */
static void open_rows(struct scene *scene, size_t columns) {
    const size_t rows =
        st_random_chance(&rng, 1, 2) ? scene->kernels->lanes : 1 + st_random_below(&rng, scene->kernels->lanes);
    const ptrdiff_t packed = (ptrdiff_t)columns, gap = (ptrdiff_t)st_random_below(&rng, MOST_GAP + 1);
    ptrdiff_t stride = packed + gap;
    switch (st_random_below(&rng, 6)) {
    case 0: stride = -(packed + gap); break;
    case 1: stride = -packed; break;
    case 2: stride = (ptrdiff_t)st_random_below(&rng, 2); break; /* rows that overlap, or are the same */
    default: break;
    }
    const size_t step = (size_t)(stride < 0 ? -stride : stride), extent = (rows - 1) * step + columns;
    st_guarded_seal(&input_pages, 0);
    char *place = st_guarded_place(&input_pages, extent * scene->size, st_random_chance(&rng, 1, 2));
    fill_row(scene->dtype, place, extent);
    for (size_t r = 0; step >= columns && r < rows; r++) fill_row(scene->dtype, place + r * step * scene->size, columns);
    st_guarded_seal(&input_pages, 1);
    scene->elements = stride < 0 ? place + (rows - 1) * step * scene->size : place;
    scene->rows = (st_lane_rows){
        .order = &scene->order, .elements = scene->elements, .row_stride = stride, .rows = rows, .columns = columns};
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c++)
            scene->sorted[r][c] =
                (st_wide){st_key_of(&scene->order, bits_at(scene, (ptrdiff_t)r * stride + (ptrdiff_t)c)), c};
        qsort(scene->sorted[r], columns, sizeof(st_wide), compare_entries);
    }
}

static void place_outputs(struct scene *scene) {
    st_lane_rows *rows = &scene->rows;
    const size_t width = rows->hi - rows->lo;
    const int at_end = st_random_chance(&rng, 3, 4);
    rows->index_size = st_random_chance(&rng, 1, 2) ? 4 : 8;
    rows->streams = st_random_chance(&rng, 1, 3);
    rows->values_stride =
        (ptrdiff_t)(width + (st_random_chance(&rng, 1, 3) ? st_random_below(&rng, MOST_GAP + 1) : 0));
    rows->indices_stride =
        (ptrdiff_t)(width + (st_random_chance(&rng, 1, 3) ? st_random_below(&rng, MOST_GAP + 1) : 0));
    rows->values = rows->indices = NULL;
    if (st_random_chance(&rng, 3, 4))
        rows->values =
            st_guarded_place(&values_pages, ((rows->rows - 1) * (size_t)rows->values_stride + width) * scene->size, at_end);
    if (rows->values == NULL || st_random_chance(&rng, 3, 4))
        rows->indices = st_guarded_place(
            &indices_pages, ((rows->rows - 1) * (size_t)rows->indices_stride + width) * rows->index_size, at_end);
}

static int column_bits(size_t columns) {
    int bits = 4;
    while ((size_t)1 << bits < columns) bits++;
    return bits;
}

/*
 * Whether the low bits of keys, as many as columns need, and two more of 64, decide about an element that is among the first:
 * only then may a row be handed back.
 */
static int low_bits_decide(const struct scene *scene, const st_wide *sorted, size_t columns, size_t hi) {
    const int low = column_bits(columns) + (scene->size == 8 ? 2 : 0);
    for (size_t j = 1; j < columns && j <= hi; j++)
        if (sorted[j - 1].key != sorted[j].key && sorted[j - 1].key >> low == sorted[j].key >> low) return 1;
    /* Those equal to the last may hide one that differs from them further on. */
    for (size_t j = hi; j < columns && sorted[j].key >> low == sorted[hi - 1].key >> low; j++)
        if (sorted[j].key != sorted[hi - 1].key) return 1;
    return 0;
}

/* Whether keys of 64 bits lie so close together, in all of the rows, that none of their bits may be lost. */
static int are_close(const struct scene *scene) {
    const st_lane_rows *rows = &scene->rows;
    const uint64_t reach = (uint64_t)1 << (61 - column_bits(rows->columns)), first = st_key_of(&scene->order, bits_at(scene, 0));
    for (size_t r = 0; r < rows->rows; r++) {
        const uint64_t least = scene->sorted[r][0].key, greatest = scene->sorted[r][rows->columns - 1].key;
        if (greatest > first && greatest - first >= reach) return 0;
        if (least < first && first - least > reach) return 0;
    }
    return scene->size == 8;
}

/* Whether a row has a NaN, or more elements than there need be room for within the bound that its groups give. */
static int is_beyond_few(const struct scene *scene, size_t row, size_t hi) {
    const size_t columns = scene->rows.columns, groups = hi <= 8 ? 16 : hi <= 16 ? 32 : hi <= 32 ? 64 : 128;
    uint64_t best[MOST_GROUPS], within = 0, before = 0, bound = UINT64_MAX;
    memset(best, 0xff, sizeof best);
    for (size_t c = 0; c < columns; c++) {
        const uint64_t bits = bits_at(scene, (ptrdiff_t)row * scene->rows.row_stride + (ptrdiff_t)c), key = st_key_of(&scene->order, bits);
        if (st_dtype_is_float(scene->dtype) && st_bits_are_nan(scene->dtype, bits)) return 1;
        if (key < best[c % groups]) best[c % groups] = key;
    }
    for (size_t g = 0; g < groups; g++) {
        before = 0;
        for (size_t i = 0; i < groups; i++) before += best[i] <= best[g];
        if (before >= hi && best[g] < bound) bound = best[g];
    }
    for (size_t c = 0; c < columns; c++) within += scene->sorted[row][c].key <= bound;
    return within > (hi <= LEAST_HI ? LEAST_ROOM : hi <= ST_FEW_IN_LANES ? groups : 4 * hi);
}

/*
 * Compares an output with what it must be: the canary, but for the first of each row that was answered. Elements come
 * from the input, indices are columns.
 */
static void check_output(const struct scene *scene, const char *what, const char *output, ptrdiff_t stride, size_t size,
                         uint32_t handed_back) {
    static char expected[ST_LANE_ROWS * WIDEST_ROW * sizeof(int64_t)];
    const st_lane_rows *rows = &scene->rows;
    const size_t width = rows->hi - rows->lo;
    const size_t step = (size_t)stride * size, bytes = (rows->rows - 1) * step + width * size;
    memset(expected, CANARY, bytes);
    for (size_t r = 0; r < rows->rows; r++) {
        char *row = expected + r * step;
        if (handed_back >> r & 1) memcpy(row, output + r * step, width * size);
        for (size_t j = 0; j < width && !(handed_back >> r & 1); j++) {
            const uint64_t column = scene->sorted[r][rows->lo + j].index;
            const uint32_t narrow = (uint32_t)column;
            const ptrdiff_t element = (ptrdiff_t)r * rows->row_stride + (ptrdiff_t)column;
            const void *from = output == rows->values ? (const void *)(scene->elements + element * (ptrdiff_t)scene->size)
                               : size == 4            ? (const void *)&narrow
                                                      : &column;
            memcpy(row + j * size, from, size);
        }
        if (memcmp(row, output + r * step, width * size) != 0) complain(scene, what, r);
    }
    if (memcmp(expected, output, bytes) != 0) complain(scene, "what lies between rows was written", 0);
    if (!st_guarded_intact(output == rows->values ? &values_pages : &indices_pages, output, bytes))
        complain(scene, "overrun", 0);
}

static void check_rows(struct scene *scene, size_t hi) {
    st_lane_rows *rows = &scene->rows;
    rows->hi = hi;
    rows->lo = st_random_chance(&rng, 1, 4) ? st_random_below(&rng, hi) : 0;
    place_outputs(scene);
    const uint32_t handed_back = scene->rank(rows);
    if ((uint64_t)handed_back >> rows->rows != 0) complain(scene, "a row that there is not is handed back", rows->rows);
    const int close = are_close(scene);
    for (size_t r = 0; r < rows->rows; r++) {
        scene->handed_back += handed_back >> r & 1;
        scene->answered += ~handed_back >> r & 1;
        if (scene->rank == scene->kernels->rank_few) {
            if ((int)(handed_back >> r & 1) != is_beyond_few(scene, r, hi)) complain(scene, "handed back, or not", r);
            continue;
        }
        const int decided = low_bits_decide(scene, scene->sorted[r], rows->columns, hi);
        if ((handed_back >> r & 1) && (scene->size < 4 || close || !decided)) complain(scene, "handed back", r);
        scene->close += close && decided;
    }
    if (rows->values != NULL) check_output(scene, "values", rows->values, rows->values_stride, scene->size, handed_back);
    if (rows->indices != NULL)
        check_output(scene, "indices", rows->indices, rows->indices_stride, rows->index_size, handed_back);
}

static void check_order(struct scene *scene) {
    for (size_t columns = 1, step; columns <= ST_LANE_COLUMNS; columns += step) {
        step = columns < EVERY || columns == ST_LANE_COLUMNS ? 1 : 1 + st_random_below(&rng, 16);
        if (step > 1 && columns + step > ST_LANE_COLUMNS) step = ST_LANE_COLUMNS - columns;
        open_rows(scene, columns);
        for (size_t hi = 1; hi <= columns; hi += columns > EVERY ? 1 + st_random_below(&rng, columns / 2) : 1)
            check_rows(scene, hi);
        open_rows(scene, columns); /* other data, and a few more of it where a kernel has ways of its own */
        check_rows(scene, 1);
        check_rows(scene, columns);
        check_rows(scene, 1 + st_random_below(&rng, columns));
    }
}

/* The few first ranks of longer rows, whole words of 64 columns among them. */
static void check_few(struct scene *scene) {
    for (size_t columns = ST_FEW_LEAST_COLUMNS; columns <= ST_FEW_COLUMNS; columns += 1 + st_random_below(&rng, columns / 2)) {
        for (int whole = 0; whole < 2; whole++) {
            open_rows(scene, whole ? columns / 64 * 64 : columns);
            for (size_t hi = 1; hi <= ST_FEW; hi += 1 + st_random_below(&rng, hi)) check_rows(scene, hi);
        }
    }
    open_rows(scene, ST_FEW_COLUMNS);
    check_rows(scene, 1 + st_random_below(&rng, ST_FEW));
}

/* Every order of a type. */
static void check_orders(struct scene *scene, const st_cpu_table *table, st_dtype dtype, void (*check)(struct scene *)) {
    for (int descending = 0; descending < 2; descending++)
        for (int32_t rule = ST_NAN_GREATEST; rule <= (st_dtype_is_float(dtype) ? ST_NAN_LAST : ST_NAN_GREATEST); rule++)
            for (int reversed = 0; reversed < 2; reversed++) {
                scene->dtype = dtype;
                scene->size = (size_t)st_dtype_size(dtype);
                scene->kernels = &table->of_class[st_cpu_class((uint32_t)(8 * scene->size))];
                scene->rank = check == check_few ? scene->kernels->rank_few : scene->kernels->rank_lanes;
                scene->order = st_order_of(dtype, descending, rule);
                if (reversed) scene->order = st_order_reversed(scene->order);
                check(scene);
            }
}

static struct scene scene; /* large for a stack */

static void fill_table(st_isa isa, st_cpu_table *table) {
    if (!(processor.isas & (1u << isa))) {
        print_message("skipped: this CPU, or this build, has no %s\n", st_isa_name(isa));
        skip();
    }
    st_cpu_kernels_fill(processor.isas & ((2u << isa) - 1), table);
    scene = (struct scene){0};
}

static void test_few(void **state) {
    static const st_dtype dtypes[] = {ST_F32, ST_I32, ST_U32};
    const st_isa isa = (st_isa)(intptr_t)*state;
    st_cpu_table table;
    fill_table(isa, &table);
    for (int class = 0; class < ST_CPU_CLASSES; class ++) {
        const int serves = isa == ST_ISA_AVX512 && class == st_cpu_class(32);
        assert_int_equal(table.of_class[class].rank_few != NULL, serves);
    }
    for (size_t d = 0; isa == ST_ISA_AVX512 && d < sizeof dtypes / sizeof dtypes[0]; d++) check_orders(&scene, &table, dtypes[d], check_few);
    assert_true(isa != ST_ISA_AVX512 || scene.handed_back > 1000);
    assert_true(isa != ST_ISA_AVX512 || scene.answered > 1000);
}

static void test_isa(void **state) {
    const st_isa isa = (st_isa)(intptr_t)*state;
    st_cpu_table table;
    fill_table(isa, &table);
    for (int class = 0; class < ST_CPU_CLASSES; class ++) {
        const st_cpu_kernels *kernels = &table.of_class[class];
        assert_int_equal(kernels->isa, isa);
        assert_non_null(kernels->rank_lanes);
        assert_int_equal(kernels->lanes, ST_LANE_ROWS / (isa == ST_ISA_AVX512 ? 1 : 2) / (class == st_cpu_class(64) ? 2 : 1));
    }
    static const st_dtype dtypes[] = {ST_F32, ST_I32, ST_U32, ST_F16, ST_BF16, ST_I16, ST_U16, ST_I8, ST_U8, ST_F64, ST_I64, ST_U64};
    for (size_t d = 0; d < sizeof dtypes / sizeof dtypes[0]; d++) check_orders(&scene, &table, dtypes[d], check_order);
    assert_true(scene.handed_back > 1000); /* both ends that a row can come to were seen */
    assert_true(scene.answered > scene.handed_back);
    assert_true(scene.close > 1000);
}

static int set_up(void **state) {
    (void)state;
    st_processor_detect(&processor);
    st_random_seed(&rng, 31415926);
    const size_t elements = (size_t)ST_LANE_ROWS * WIDEST_ROW;
    if (st_guarded_open(&input_pages, elements * sizeof(uint64_t)) != 0) return -1;
    if (st_guarded_open(&values_pages, elements * sizeof(uint64_t)) != 0) return -1;
    return st_guarded_open(&indices_pages, elements * sizeof(int64_t));
}

static int tear_down(void **state) {
    (void)state;
    st_guarded_close(&input_pages);
    st_guarded_close(&values_pages);
    st_guarded_close(&indices_pages);
    return 0;
}

#define ISA_TEST(label, test, isa)                                                                                     \
    { label, test, NULL, NULL, (void *)(intptr_t)(isa) }

int main(void) {
    const struct CMUnitTest tests[] = {ISA_TEST("avx2", test_isa, ST_ISA_AVX2), ISA_TEST("avx512", test_isa, ST_ISA_AVX512),
                                       ISA_TEST("few, avx2", test_few, ST_ISA_AVX2), ISA_TEST("few, avx512", test_few, ST_ISA_AVX512)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
