/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * test_kernels.c - every kernel of every instruction set that this CPU has, against plain loops over st_key_of, on
 * memory that ends or begins at a guard page.
 */
#include <math.h>
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

enum { MOST = 4224, WIDEST = 8 };

static st_guarded input_pages, output_pages, list_pages;
static st_random rng;
static st_processor processor;

/* One call's input, and its keys as plain loops find them. */
struct scene {
    const st_cpu_kernels *kernels;
    st_dtype dtype;
    st_order order;
    ptrdiff_t stride;
    size_t count;
    const void *elements;
    int at_end;
    uint64_t bits[MOST], keys[MOST];
};

static void complain(const struct scene *scene, const char *kernel) {
    print_message("%s %s %s: count %zu, stride %td, flip %llx, nan key %llx, %s of the page\n",
                  st_isa_name(scene->kernels->isa), kernel, st_dtype_name(scene->dtype), scene->count, scene->stride,
                  (unsigned long long)scene->order.flip, (unsigned long long)scene->order.nan_key,
                  scene->at_end ? "end" : "start");
    fail();
}

/* Lays the elements out so that the lowest or the highest byte that may be read stands at a guard page. */
static void read_keys(struct scene *scene) {
    for (size_t i = 0; i < scene->count; i++) {
        const char *element = (const char *)scene->elements + (ptrdiff_t)i * scene->stride * st_dtype_size(scene->dtype);
        scene->bits[i] = st_element_bits(element, scene->order.bits);
        scene->keys[i] = st_key_of(&scene->order, scene->bits[i]);
    }
}

static void open_scene(struct scene *scene, size_t count, ptrdiff_t stride) {
    const size_t size = (size_t)st_dtype_size(scene->dtype), step = (size_t)(stride < 0 ? -stride : stride);
    const size_t extent = count == 0 ? 0 : ((count - 1) * step + 1) * size;
    scene->count = count;
    scene->stride = stride;
    scene->at_end = st_random_chance(&rng, 1, 2);
    char *place = st_guarded_place(&input_pages, extent, scene->at_end);
    st_random_fill(&rng, scene->dtype, (st_data)st_random_below(&rng, ST_DATA_COUNT), place, extent / size);
    scene->elements = stride < 0 && count > 0 ? place + (count - 1) * step * size : place;
    read_keys(scene);
}

/* A range of keys: all, up to a key or just below it, from a key, one key, between two, or one that may hold nothing.
 */
static void choose_range(const struct scene *scene, uint64_t *low, uint64_t *high) {
    const uint64_t mask = scene->order.mask;
    const uint64_t a = scene->count == 0 ? 0 : scene->keys[st_random_below(&rng, scene->count)];
    const uint64_t b = scene->count == 0 ? mask : scene->keys[st_random_below(&rng, scene->count)];
    *low = 0;
    *high = mask;
    switch (st_random_below(&rng, 8)) {
    case 0: break;
    case 1: *high = a; break;
    case 6: *high = a > 0 ? a - 1 : 0; break; /* as a bound is lowered */
    case 7: *high = st_random_next(&rng) & mask; break;
    case 2: *low = *high = a; break;
    case 3: *low = a; break;
    case 4:
        *low = a < b ? a : b;
        *high = a < b ? b : a;
        break;
    default: *low = *high = st_random_next(&rng) & mask; break;
    }
}

enum entry_type { NARROW, WIDE, CARRIED };

/* Runs one collect kernel into room for exactly `count` entries, and compares what it left there with the plain loop.
 */
static void check_collect(const struct scene *scene, enum entry_type type) {
    static const size_t sizes[] = {sizeof(st_narrow), sizeof(st_wide), sizeof(st_carried)};
    static const char *const names[] = {"collect_narrow", "collect_wide", "collect_carried"};
    const st_cpu_kernels *kernels = scene->kernels;
    const size_t count = scene->count, bytes = count * sizes[type];
    const uint64_t mask = st_random_chance(&rng, 1, 2) ? UINT64_MAX : 0;
    const uint64_t first = st_random_below(&rng, type == NARROW ? UINT32_MAX - MOST : (uint64_t)1 << 62);
    uint64_t low, high;
    choose_range(scene, &low, &high);
    void *out = st_guarded_place(&output_pages, bytes, st_random_chance(&rng, 3, 4));
    size_t found = 0;
    if (type == NARROW)
        found =
            kernels->collect_narrow(&scene->order, scene->elements, scene->stride, count, first, mask, low, high, out);
    else if (type == WIDE)
        found =
            kernels->collect_wide(&scene->order, scene->elements, scene->stride, count, first, mask, low, high, out);
    else
        found = kernels->collect_carried(&scene->order, scene->elements, count, first, mask, low, high, out);
    if (!st_guarded_intact(&output_pages, out, bytes)) complain(scene, names[type]);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t key = scene->keys[i], index = (first + i) ^ mask;
        if (key < low || key > high) continue;
        const st_carried expected = {key, index, scene->bits[i]};
        const st_narrow narrow = key << 32 | (uint32_t)index;
        const void *from = type == NARROW ? (const void *)&narrow : &expected;
        if (at >= found || memcmp((char *)out + at * sizes[type], from, sizes[type]) != 0) complain(scene, names[type]);
        at++;
    }
    if (at != found) complain(scene, names[type]);
}

static void check_count(const struct scene *scene) {
    uint64_t low, high;
    choose_range(scene, &low, &high);
    size_t expected = 0;
    for (size_t i = 0; i < scene->count; i++) expected += scene->keys[i] >= low && scene->keys[i] <= high;
    if (scene->kernels->count(&scene->order, scene->elements, scene->stride, scene->count, low, high) != expected)
        complain(scene, "count");
}

static void check_histogram(const struct scene *scene) {
    static uint64_t expected[ST_DIGITS];
    const size_t bytes = sizeof expected;
    const uint32_t shift = scene->order.bits > ST_DIGIT_BITS ? scene->order.bits - ST_DIGIT_BITS : 0;
    uint64_t *counts = st_guarded_place(&output_pages, bytes, st_random_chance(&rng, 1, 2));
    for (size_t digit = 0; digit < ST_DIGITS; digit++) expected[digit] = counts[digit] = digit * digit; /* it adds */
    for (size_t i = 0; i < scene->count; i++) expected[scene->keys[i] >> shift]++;
    scene->kernels->histogram(&scene->order, scene->elements, scene->stride, scene->count, shift, counts);
    if (memcmp(counts, expected, bytes) != 0 || !st_guarded_intact(&output_pages, counts, bytes))
        complain(scene, "histogram");
}

/* At least `rank` of the groups' least keys are within the bound, and few more, but for keys equal to it. */
static void check_bound(const struct scene *scene) {
    enum { PIECE = ST_SAMPLE_PIECE };
    static uint64_t least[MOST];
    if (scene->count < PIECE) return;
    const size_t step = st_random_chance(&rng, 1, 2) ? 1 : 1 + st_random_below(&rng, 5);
    const size_t pieces = (scene->count / PIECE - 1) / step + 1;
    size_t groups = PIECE;
    while (2 * groups <= pieces * PIECE && st_random_chance(&rng, 2, 3)) groups *= 2;
    const size_t rank = st_random_chance(&rng, 1, 4) ? groups : 1 + st_random_below(&rng, groups);
    for (size_t g = 0; g < groups; g++) least[g] = UINT64_MAX;
    for (size_t i = 0; i < pieces * PIECE; i++) {
        const uint64_t key = scene->keys[i / PIECE * PIECE * step + i % PIECE];
        least[i % groups] = key < least[i % groups] ? key : least[i % groups];
    }
    uint64_t *room = st_guarded_place(&output_pages, groups * sizeof *room, st_random_chance(&rng, 3, 4));
    const uint64_t bound =
        scene->kernels->bound(&scene->order, scene->elements, scene->stride, scene->count, step, groups, rank, room);
    if (!st_guarded_intact(&output_pages, room, groups * sizeof *room)) complain(scene, "bound");
    size_t below = 0, within = 0;
    for (size_t g = 0; g < groups; g++) {
        below += least[g] < bound;
        within += least[g] <= bound;
    }
    if (within < rank || below > st_cpu_enough(rank)) complain(scene, "bound");
}

/* Some of the blocks that the row is made of, in order. */
static size_t choose_blocks(uint32_t *numbers, size_t blocks) {
    const uint32_t of = 1 + (uint32_t)st_random_below(&rng, 4);
    size_t listed = 0;
    for (size_t b = 0; b < blocks; b++)
        if (st_random_chance(&rng, of, 4)) numbers[listed++] = (uint32_t)b;
    return listed;
}

/* What is collected from some blocks: the entries that the plain loop finds there, into room for exactly their
 * elements. */
static void check_listed(const struct scene *scene, enum entry_type type, size_t block) {
    static uint32_t numbers[MOST];
    const char *const name = type == NARROW ? "listed_narrow" : "listed_wide";
    const size_t size = type == NARROW ? sizeof(st_narrow) : sizeof(st_wide), blocks = scene->count / block;
    const size_t listed = choose_blocks(numbers, blocks), bytes = listed * block * size;
    const uint64_t mask = st_random_chance(&rng, 1, 2) ? UINT64_MAX : 0;
    const uint64_t first = st_random_below(&rng, type == NARROW ? UINT32_MAX - MOST : (uint64_t)1 << 62);
    uint64_t low, high;
    choose_range(scene, &low, &high);
    void *out = st_guarded_place(&output_pages, bytes, st_random_chance(&rng, 3, 4));
    const st_cpu_kernels *kernels = scene->kernels;
    const size_t found =
        type == NARROW
            ? kernels->listed_narrow(&scene->order, scene->elements, block, numbers, listed, first, mask, high, out)
            : kernels->listed_wide(&scene->order, scene->elements, block, numbers, listed, first, mask, high, out);
    if (!st_guarded_intact(&output_pages, out, bytes)) complain(scene, name);
    size_t at = 0;
    for (size_t b = 0; b < listed; b++)
        for (size_t i = numbers[b] * block; i < (numbers[b] + 1) * block; i++) {
            const uint64_t key = scene->keys[i], index = (first + i) ^ mask;
            if (key > high) continue;
            const st_wide wide = {key, index};
            const st_narrow narrow = key << 32 | (uint32_t)index;
            const void *expected = type == NARROW ? (const void *)&narrow : &wide;
            if (at >= found || memcmp((char *)out + at * size, expected, size) != 0) complain(scene, name);
            at++;
        }
    if (at != found) complain(scene, name);
}

static int compare_keys(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/*
 * How many groups of lanes have a least key below `high`. The bound is chosen among so many: a line of lanes, or 16, where
 * that is two for each of hi; else a power of two, four for each of hi where there are so many lanes. passing: what a kernel
 * may do that compares floats, a NaN is one element of lane 0 where it comes first, and nothing where it comes last, and then
 * the last number may be taken for one.
 */
static size_t groups_below(const struct scene *scene, size_t block, size_t hi, uint64_t high, int passing) {
    static uint64_t least[MOST];
    const size_t lanes = 512 / scene->order.bits, all = scene->count / block * lanes;
    const uint64_t nan = scene->order.nan_key, sign = scene->order.negative_zero, infinity = scene->order.infinity;
    size_t groups = lanes > 16 ? lanes : 16, below = 0;
    if (2 * hi > groups)
        while (groups < 4 * hi && 2 * groups <= all) groups *= 2;
    for (size_t g = 0; g < groups; g++) least[g] = UINT64_MAX;
    const uint64_t a = st_key_of(&scene->order, infinity & scene->order.mask),
                   b = st_key_of(&scene->order, (infinity | sign) & scene->order.mask);
    for (size_t i = 0; i < scene->count; i++) {
        const int is_nan = st_bits_are_nan(scene->dtype, scene->bits[i]),
                  is_last = sign != 0 && scene->keys[i] == (a > b ? a : b);
        const size_t lane = passing && is_nan ? 0 : i % block % lanes, g = (i / block * lanes + lane) % groups;
        if (passing && nan != 0 && (is_nan || is_last)) continue;
        if (scene->keys[i] < least[g]) least[g] = scene->keys[i];
    }
    for (size_t g = 0; g < groups; g++) below += least[g] < high;
    return below;
}

/*
 * Every block with an element that is as good as the hi-th is listed, in order, and no block that has none up to the
 * bound; hi elements are within the bound, and few groups are below it.
 */
static void check_promising(const struct scene *scene, size_t block) {
    static uint64_t sorted[MOST];
    const size_t blocks = scene->count / block, lanes = blocks * (512 / scene->order.bits);
    if (lanes < 64) return;
    const size_t hi = st_random_chance(&rng, 1, 4) ? lanes / 4 : 1 + st_random_below(&rng, lanes / 4);
    const size_t words = st_cpu_promising_words(blocks), list_bytes = (blocks + 1) * sizeof(uint32_t);
    uint64_t *room = st_guarded_place(&output_pages, words * sizeof *room, st_random_chance(&rng, 3, 4));
    uint32_t *list = st_guarded_place(&list_pages, list_bytes, st_random_chance(&rng, 3, 4));
    uint64_t high = 0;
    const size_t listed =
        scene->kernels->promising_blocks(&scene->order, scene->elements, block, blocks, hi, &high, list, room);
    if (!st_guarded_intact(&output_pages, room, words * sizeof *room) ||
        !st_guarded_intact(&list_pages, list, list_bytes))
        complain(scene, "promising_blocks overrun");
    memcpy(sorted, scene->keys, scene->count * sizeof *sorted);
    qsort(sorted, scene->count, sizeof *sorted, compare_keys);
    if (sorted[hi - 1] > high) complain(scene, "promising_blocks bound");
    size_t next = 0;
    for (size_t b = 0; b < blocks; b++) {
        uint64_t least = UINT64_MAX;
        for (size_t i = b * block; i < (b + 1) * block; i++) least = scene->keys[i] < least ? scene->keys[i] : least;
        const int is_listed = next < listed && list[next] == b;
        next += (size_t)is_listed;
        if (is_listed ? least > high : least <= sorted[hi - 1]) complain(scene, "promising_blocks list");
    }
    if (next != listed) complain(scene, "promising_blocks list");
    const size_t enough = st_cpu_enough(hi);
    if (groups_below(scene, block, hi, high, 0) > enough && groups_below(scene, block, hi, high, 1) > enough)
        complain(scene, "promising_blocks bound is loose");
}

/* Entries of some elements in any order, written out as those elements and their columns. */
static void check_emit(const struct scene *scene) {
    static st_narrow entries[MOST];
    const size_t size = (size_t)st_dtype_size(scene->dtype), index_size = st_random_chance(&rng, 1, 2) ? 4 : 8;
    const size_t count = scene->count == 0 ? 0 : st_random_below(&rng, scene->count + 1);
    for (size_t e = 0; e < count; e++) {
        const uint64_t i = st_random_below(&rng, scene->count);
        entries[e] = scene->keys[i] << 32 | i;
    }
    const int at_end = st_random_chance(&rng, 3, 4);
    char *values = st_random_chance(&rng, 1, 4) ? NULL : st_guarded_place(&output_pages, count * size, at_end);
    char *indices = st_random_chance(&rng, 1, 4) ? NULL : st_guarded_place(&list_pages, count * index_size, at_end);
    scene->kernels->emit(&scene->order, scene->elements, scene->stride, entries, count, values, indices, index_size);
    if (values != NULL && !st_guarded_intact(&output_pages, values, count * size)) complain(scene, "emit overrun");
    if (indices != NULL && !st_guarded_intact(&list_pages, indices, count * index_size))
        complain(scene, "emit overrun");
    for (size_t e = 0; e < count; e++) {
        const uint64_t i = (uint32_t)entries[e];
        if (values != NULL && st_element_bits(values + e * size, scene->order.bits) != scene->bits[i])
            complain(scene, "emit values");
        if (indices != NULL && st_element_bits(indices + e * index_size, (uint32_t)index_size * 8) != i)
            complain(scene, "emit indices");
    }
}

/* The kernels that take whole blocks, of every size that fits. */
static void check_blocks(struct scene *scene) {
    for (size_t round = 0; round < 60; round++) {
        const size_t block = (size_t)64 << st_random_below(&rng, 6);
        open_scene(scene, block * (1 + st_random_below(&rng, MOST / block)), 1);
        if (scene->order.bits < 64) check_listed(scene, NARROW, block);
        check_listed(scene, WIDE, block);
        check_promising(scene, block);
    }
}

static void check_find_nan(const struct scene *scene) {
    size_t expected = 0;
    while (expected < scene->count && !st_bits_are_nan(scene->dtype, scene->bits[expected])) expected++;
    if (scene->kernels->find_nan(&scene->order, scene->elements, scene->stride, scene->count) != expected)
        complain(scene, "find_nan");
}

/* A kernel that leaves some rows to others does so for NaNs alone. */
static void check_first(const struct scene *scene) {
    if (scene->kernels->first == NULL || scene->stride != 1 || scene->count < ST_FIRST_BLOCK) return;
    size_t expected = 0, nans = 0;
    for (size_t i = 0; i < scene->count; i++) {
        if (scene->keys[i] < scene->keys[expected]) expected = i;
        nans += (size_t)st_bits_are_nan(scene->dtype, scene->bits[i]);
    }
    uint64_t key = 0;
    const size_t found = scene->kernels->first(&scene->order, scene->elements, scene->count, &key);
    if (found == scene->count ? nans == 0 || scene->order.nan_key == 0
                              : found != expected || key != scene->keys[expected])
        complain(scene, "first");
}

/* The best there can be, twice, and between the two a NaN that comes last: the first of them is the answer, not the NaN's block. */
static void check_first_before_nan(struct scene *scene) {
    if (scene->dtype != ST_F32) return;
    const size_t count = 4 * ST_FIRST_BLOCK;
    open_scene(scene, count, 1);
    char *elements = (char *)(uintptr_t)scene->elements;
    const float plain = 1, plus = INFINITY, minus = -INFINITY, nan = NAN;
    uint32_t plus_bits, minus_bits;
    memcpy(&plus_bits, &plus, sizeof plus_bits);
    memcpy(&minus_bits, &minus, sizeof minus_bits);
    const float *best = st_key_of(&scene->order, plus_bits) < st_key_of(&scene->order, minus_bits) ? &plus : &minus;
    for (size_t i = 0; i < count; i++) memcpy(elements + i * sizeof plain, &plain, sizeof plain);
    const size_t first = ST_FIRST_BLOCK + st_random_below(&rng, ST_FIRST_BLOCK), last = 2 * ST_FIRST_BLOCK + 100;
    memcpy(elements + first * sizeof plain, best, sizeof plain);
    memcpy(elements + (last - 1 - st_random_below(&rng, 50)) * sizeof plain, &nan, sizeof plain);
    memcpy(elements + last * sizeof plain, best, sizeof plain);
    read_keys(scene);
    check_first(scene);
}

static void check_all(const struct scene *scene) {
    if (scene->order.bits < 64) { /* 64-bit keys do not fit narrow entries */
        check_collect(scene, NARROW);
        check_emit(scene);
    }
    check_collect(scene, WIDE);
    if (scene->stride == 1) check_collect(scene, CARRIED);
    check_count(scene);
    if (scene->count % 16 == 0) check_histogram(scene); /* its output is long, its loop has one tail */
    check_bound(scene);
    check_find_nan(scene);
    check_first(scene);
}

/* Every length to 300, then around multiples of the block of 128; strided reads have no blocks, so fewer do. */
static void check_lengths(struct scene *scene) {
    static const size_t longer[] = {383,  384,  385,  511,  512,  513,  639,  640, 641,
                                    1023, 1024, 1025, 2047, 2048, 2049, 4160, 4223};
    static const ptrdiff_t strides[] = {3, -1, 0, 2, -2};
    for (size_t count = 0; count <= 300; count++) {
        open_scene(scene, count, 1);
        check_all(scene);
    }
    for (size_t i = 0; i < sizeof longer / sizeof longer[0]; i++) {
        open_scene(scene, longer[i], 1);
        check_all(scene);
    }
    for (size_t s = 0; s < sizeof strides / sizeof strides[0]; s++)
        for (size_t count = 0; count <= 300; count += count < 20 ? 1 : 1 + st_random_below(&rng, 40)) {
            open_scene(scene, count, strides[s]);
            check_all(scene);
        }
}

static void check_isa(st_isa isa) {
    static struct scene scene; /* large for a stack */
    if (!(processor.isas & (1u << isa))) {
        print_message("skipped: this CPU, or this build, has no %s\n", st_isa_name(isa));
        skip();
    }
    st_cpu_table table;
    uint32_t isas = 0;
    for (int lower = 0; lower <= (int)isa; lower++) isas |= processor.isas & (1u << lower);
    st_cpu_kernels_fill(isas, &table);
    for (int class = 0; class < ST_CPU_CLASSES; class ++) assert_int_equal(table.of_class[class].isa, isa);
    for (st_dtype dtype = ST_F32; dtype <= ST_U64; dtype++)
        for (int descending = 0; descending < 2; descending++)
            for (int32_t rule = ST_NAN_GREATEST; rule <= (st_dtype_is_float(dtype) ? ST_NAN_LAST : ST_NAN_GREATEST);
                 rule++)
                for (int reversed = 0; reversed < 2; reversed++) {
                    scene.dtype = dtype;
                    scene.order = st_order_of(dtype, descending, rule);
                    if (reversed) scene.order = st_order_reversed(scene.order);
                    scene.kernels = &table.of_class[st_cpu_class(scene.order.bits)];
                    check_lengths(&scene);
                    check_blocks(&scene);
                    check_first_before_nan(&scene);
                }
}

static void test_portable(void **state) {
    (void)state;
    check_isa(ST_ISA_PORTABLE);
}

static void test_neon(void **state) {
    (void)state;
    check_isa(ST_ISA_NEON);
}

static void test_avx2(void **state) {
    (void)state;
    check_isa(ST_ISA_AVX2);
}

static void test_avx512(void **state) {
    (void)state;
    check_isa(ST_ISA_AVX512);
}

/* A mask without the higher sets must not reach them, and portable must always be there. */
static void test_fill_obeys_the_mask(void **state) {
    (void)state;
    st_cpu_table table;
    st_cpu_kernels_fill(0, &table);
    for (int class = 0; class < ST_CPU_CLASSES; class ++) assert_int_equal(table.of_class[class].isa, ST_ISA_PORTABLE);
    st_cpu_kernels_fill(processor.isas, &table);
    for (int class = 0; class < ST_CPU_CLASSES; class ++)
        assert_int_equal(table.of_class[class].isa, st_processor_best(&processor));
}

static int set_up(void **state) {
    (void)state;
    st_processor_detect(&processor);
    st_random_seed(&rng, 20240611);
    if (st_guarded_open(&input_pages, (size_t)MOST * WIDEST * 3) != 0) return -1;
    if (st_guarded_open(&list_pages, MOST * sizeof(int64_t)) != 0) return -1;
    return st_guarded_open(&output_pages, sizeof(uint64_t) * ST_DIGITS + MOST * sizeof(st_carried));
}

static int tear_down(void **state) {
    (void)state;
    st_guarded_close(&input_pages);
    st_guarded_close(&output_pages);
    st_guarded_close(&list_pages);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_portable), cmocka_unit_test(test_neon),
                                       cmocka_unit_test(test_avx2), cmocka_unit_test(test_avx512),
                                       cmocka_unit_test(test_fill_obeys_the_mask)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
