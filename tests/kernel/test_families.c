/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_families.c - every kernel family on one row, near and far end, against sorting; scratch is exactly what was
 * asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backends/cpu/select.h"
#include "guard_pages.h"
#include "random_elements.h"
#include "spiraltorch/rank.h"

enum { MOST = 6000, FAMILIES = ST_CPU_RADIX + 1 };

static st_guarded input_pages, scratch_pages;
static st_random rng;
static st_processor processor;
static st_isa instruction_set;
static st_cpu_table table;

struct scene {
    st_dtype dtype;
    st_data data;
    st_cpu_shape shape;
    st_cpu_row row;
    size_t lo, hi;
    st_wide sorted[MOST];
};

static void complain(const struct scene *scene, const char *what) {
    print_message("%s: %s %s %s %s, length %zu, stride %td, ranks [%zu, %zu), %s end, block %zu, tile %zu, depth %zu\n",
                  what, st_isa_name(instruction_set), st_cpu_family_name(scene->shape.family),
                  st_dtype_name(scene->dtype), st_data_name(scene->data), scene->row.length, scene->row.stride,
                  scene->lo, scene->hi, scene->row.mask == 0 ? "near" : "far", scene->shape.block, scene->shape.tile,
                  scene->shape.depth);
    fail();
}

static int by_key_and_index(const void *a, const void *b) {
    const st_wide *left = a, *right = b;
    return st_wide_before(*left, *right) ? -1 : st_wide_before(*right, *left);
}

static void open_scene(struct scene *scene, st_cpu_family family, st_dtype dtype, st_data data, size_t length,
                       ptrdiff_t stride) {
    const size_t size = (size_t)st_dtype_size(dtype), step = (size_t)(stride < 0 ? -stride : stride);
    const size_t extent = length == 0 ? 0 : ((length - 1) * step + 1) * size;
    const int far_end = st_random_chance(&rng, 1, 2);
    char *place = st_guarded_place(&input_pages, extent, st_random_chance(&rng, 1, 2));
    st_random_fill(&rng, dtype, data, place, extent / size);
    scene->dtype = dtype;
    scene->data = data;
    scene->shape = (st_cpu_shape){family, (size_t)64 << st_random_below(&rng, 6),
                                  (size_t)64 << st_random_below(&rng, 8), 1 + st_random_below(&rng, 4)};
    scene->row =
        (st_cpu_row){.kernels = &table.of_class[st_cpu_class((uint32_t)size * 8)],
                     .order = st_order_of(dtype, st_random_chance(&rng, 1, 2), (int32_t)st_random_below(&rng, 4)),
                     .elements = stride < 0 && length > 0 ? place + (length - 1) * step * size : place,
                     .stride = stride,
                     .length = length,
                     .mask = far_end ? UINT64_MAX : 0,
                     .wide = size == 8 || st_random_chance(&rng, 1, 2)};
    if (far_end) scene->row.order = st_order_reversed(scene->row.order);
    for (size_t i = 0; i < length; i++) {
        const char *element = (const char *)scene->row.elements + (ptrdiff_t)i * stride * (ptrdiff_t)size;
        scene->sorted[i].key = st_key_of(&scene->row.order, st_element_bits(element, scene->row.order.bits));
        scene->sorted[i].index = i ^ scene->row.mask;
    }
    qsort(scene->sorted, length, sizeof *scene->sorted, by_key_and_index);
}

/* Ranks from the front, from the middle, to the end, single, and all. */
static void choose_ranks(struct scene *scene) {
    const size_t length = scene->row.length;
    const size_t few = length < 12 ? length : 12;
    scene->lo = 0;
    switch (st_random_below(&rng, 6)) {
        case 0: scene->hi = length; break;
        case 1: scene->hi = 1; break;
        case 2: scene->hi = 1 + st_random_below(&rng, few); break;
        case 3:
            scene->lo = st_random_below(&rng, length);
            scene->hi = scene->lo + 1;
            break;
        case 4:
            scene->lo = st_random_below(&rng, length);
            scene->hi = length;
            break;
        default:
            scene->hi = 1 + st_random_below(&rng, length);
            scene->lo = st_random_below(&rng, scene->hi);
            break;
    }
}

static st_wide entry_at(const struct scene *scene, const void *window, size_t i) {
    if (scene->row.wide) return ((const st_wide *)window)[i];
    const st_narrow entry = ((const st_narrow *)window)[i];
    /* A narrow entry holds the low half of the index as it was entered. */
    const uint64_t upper = scene->row.mask & ~(uint64_t)UINT32_MAX;
    return (st_wide){entry >> 32, (entry & UINT32_MAX) | upper};
}

static int by_column(const void *a, const void *b) {
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* The window as a set, then turned into columns in both orders. */
static void check(struct scene *scene) {
    static st_wide found[MOST];
    static uint64_t columns[MOST];
    const st_cpu_row *row = &scene->row;
    choose_ranks(scene);
    const size_t bytes = st_cpu_select_bytes(&scene->shape, row->wide, row->length, scene->hi);
    if (bytes > scratch_pages.size - 16) complain(scene, "scratch is larger than any formula says");
    char *scratch = st_guarded_place(&scratch_pages, (bytes + 15) / 16 * 16, st_random_chance(&rng, 3, 4));
    void *window = NULL;
    const st_cpu_selection selection = st_cpu_prepare(row, &scene->shape, scene->lo, scene->hi);
    const size_t count = st_cpu_select(row, &selection, scratch, &window),
                 width = scene->hi - scene->lo;
    if (!st_guarded_intact(&scratch_pages, scratch, bytes)) complain(scene, "scratch overrun");
    if (count != width) complain(scene, "width");
    for (size_t i = 0; i < width; i++) found[i] = entry_at(scene, window, i);
    qsort(found, width, sizeof *found, by_key_and_index);
    if (memcmp(found, scene->sorted + scene->lo, width * sizeof *found) != 0) complain(scene, "entries");

    const int unsorted = st_random_chance(&rng, 1, 2);
    for (size_t i = 0; i < width; i++) {
        const size_t rank = row->mask == 0 ? scene->lo + i : scene->hi - 1 - i; /* from the far end, reversed */
        columns[i] = scene->sorted[rank].index ^ row->mask;
    }
    if (unsorted) qsort(columns, width, sizeof *columns, by_column);
    const uint64_t *got = st_cpu_columns(row, window, width, unsorted);
    if (memcmp(got, columns, width * sizeof *columns) != 0)
        complain(scene, unsorted ? "ascending columns" : "columns by rank");
    if (!st_guarded_intact(&scratch_pages, scratch, bytes)) complain(scene, "scratch overrun by columns");
}

static st_dtype any_dtype(void) { return (st_dtype)(ST_F32 + st_random_below(&rng, 12)); }

static void check_family(st_cpu_family family) {
    static const size_t longer[] = {255, 256, 257, 1000, 1023, 1024, 1025, 2049, 4096, 4097, 5000};
    static const ptrdiff_t strides[] = {1, 1, 1, 1, 3, 2, -1, -3, 0};
    static struct scene scene;
    for (size_t length = 1; length <= 200; length++)
        for (int again = 0; again < 12; again++) {
            open_scene(&scene, family, any_dtype(), (st_data)st_random_below(&rng, ST_DATA_COUNT), length,
                       strides[st_random_below(&rng, sizeof strides / sizeof strides[0])]);
            check(&scene);
        }
    for (size_t i = 0; i < sizeof longer / sizeof longer[0]; i++)
        for (int again = 0; again < 12; again++) {
            open_scene(&scene, family, any_dtype(), (st_data)st_random_below(&rng, ST_DATA_COUNT), longer[i],
                       again == 0 ? -1 : 1);
            check(&scene);
        }
    for (st_dtype dtype = ST_F32; dtype <= ST_U64; dtype++)
        for (int data = 0; data < ST_DATA_COUNT; data++)
            for (int again = 0; again < 4; again++) {
                open_scene(&scene, family, dtype, (st_data)data, 1 + st_random_below(&rng, again == 0 ? 3000 : 400), 1);
                check(&scene);
            }
}

/* Each test runs on every instruction set of this CPU: the state says which family. */
static void test_family(void **state) {
    const st_cpu_family family = (st_cpu_family)(intptr_t)*state;
    for (int isa = 0; isa <= ST_ISA_AVX512; isa++) {
        if (!(processor.isas & (1u << isa))) continue;
        instruction_set = (st_isa)isa;
        st_cpu_kernels_fill(processor.isas & ((2u << isa) - 1), &table);
        for (int class = 0; class < ST_CPU_CLASSES; class++) assert_int_equal(table.of_class[class].isa, isa);
        check_family(family);
    }
}

/* Every (mk, mkd) that names a family reaches it, and its name says so. */
static void test_choices_name_families(void **state) {
    (void)state;
    static const struct {
        int32_t mk, mkd;
        st_cpu_family family;
        const char *name;
    } homes[] = {{ST_MK_SHARED, ST_MKD_AUTO, ST_CPU_FILTER, "filter"},
                 {ST_MK_SHARED, ST_MKD_FILTER, ST_CPU_FILTER, "filter"},
                 {ST_MK_SHARED, ST_MKD_HEAP, ST_CPU_HEAP, "heap"},
                 {ST_MK_SHARED, ST_MKD_KWAY, ST_CPU_KWAY, "kway"},
                 {ST_MK_WARP, ST_MKD_AUTO, ST_CPU_LANES, "lanes"},
                 {ST_MK_WARP, ST_MKD_WARP_HEAP, ST_CPU_LANES, "lanes"},
                 {ST_MK_BITONIC, ST_MKD_AUTO, ST_CPU_BITONIC, "bitonic"},
                 {ST_MK_BITONIC, ST_MKD_BITONIC, ST_CPU_BITONIC, "bitonic"},
                 {ST_MK_RADIX, ST_MKD_AUTO, ST_CPU_RADIX, "radix"}};
    for (size_t i = 0; i < sizeof homes / sizeof homes[0]; i++) {
        const st_choice choice = {.mk = homes[i].mk, .mkd = homes[i].mkd, .kl = 3, .tile = 512, .ctile = 128};
        const st_cpu_shape shape = st_cpu_shape_of(&choice);
        assert_int_equal(shape.family, homes[i].family);
        assert_string_equal(st_cpu_family_name(shape.family), homes[i].name);
        assert_int_equal(shape.depth, 3);
        assert_int_equal(shape.tile, 512);
        assert_int_equal(shape.block, 128);
    }
}

/* Scratch never shrinks as a row or its window grows: workers get room for the longest row, and use it for shorter
 * ones. */
static void test_scratch_grows_with_the_row(void **state) {
    (void)state;
    for (int round = 0; round < 20000; round++) {
        const st_cpu_shape shape = {(st_cpu_family)st_random_below(&rng, FAMILIES),
                                    (size_t)64 << st_random_below(&rng, 6), (size_t)64 << st_random_below(&rng, 8),
                                    1 + st_random_below(&rng, 32)};
        const int wide = (int)st_random_below(&rng, 2);
        const size_t length = 1 + st_random_below(&rng, 100000), shorter = 1 + st_random_below(&rng, length);
        const size_t hi = 1 + st_random_below(&rng, length),
                     lower = 1 + st_random_below(&rng, hi < shorter ? hi : shorter);
        assert_true(st_cpu_select_bytes(&shape, wide, shorter, lower) <= st_cpu_select_bytes(&shape, wide, length, hi));
    }
}

/* Sizes that no memory holds are SIZE_MAX or honest, never a small number that wrapped. */
static void test_scratch_does_not_wrap(void **state) {
    (void)state;
    const size_t huge = (size_t)1 << 61;
    for (int family = 0; family < FAMILIES; family++)
        for (int wide = 0; wide < 2; wide++) {
            const st_cpu_shape shape = {(st_cpu_family)family, 256, 8192, 32};
            assert_true(st_cpu_select_bytes(&shape, wide, huge, huge) >= huge);
        }
}

static void test_keep(void **state) {
    (void)state;
    static st_wide wide[500];
    static st_narrow narrow[500];
    for (int round = 0; round < 300; round++) {
        const size_t count = 1 + st_random_below(&rng, 500), keep = st_random_below(&rng, count + 1);
        st_wide bound = {0, 0};
        for (size_t i = 0; i < count; i++) {
            wide[i] = (st_wide){st_random_below(&rng, 50), i};
            narrow[i] = wide[i].key << 32 | i;
        }
        st_cpu_kernels_fill(round % 2 == 0 ? processor.isas : 1u << ST_ISA_PORTABLE, &table);
        const st_cpu_row wide_row = {.kernels = &table.of_class[2], .wide = 1};
        st_cpu_row narrow_row = wide_row;
        narrow_row.wide = 0;
        st_cpu_keep(&wide_row, wide, count, keep);
        st_cpu_keep(&narrow_row, narrow, count, keep);
        for (size_t i = 0; i < keep; i++) {
            if (st_wide_before(bound, wide[i])) bound = wide[i];
            assert_true(narrow[i] <= narrow[keep - 1] || keep == count);
        }
        for (size_t i = keep; keep > 0 && i < count; i++) {
            assert_true(st_wide_before(bound, wide[i]));
            assert_true(narrow[keep - 1] < narrow[i]);
        }
    }
}

static int set_up(void **state) {
    (void)state;
    st_processor_detect(&processor);
    st_random_seed(&rng, 77001);
    if (st_guarded_open(&input_pages, (size_t)MOST * 8 * 3) != 0) return -1;
    return st_guarded_open(&scratch_pages, (size_t)1 << 20);
}

static int tear_down(void **state) {
    (void)state;
    st_guarded_close(&input_pages);
    st_guarded_close(&scratch_pages);
    return 0;
}

#define FAMILY_TEST(label, family) {label, test_family, NULL, NULL, (void *)(intptr_t)(family)}

int main(void) {
    const struct CMUnitTest tests[] = {
        FAMILY_TEST("filter", ST_CPU_FILTER),         FAMILY_TEST("lanes", ST_CPU_LANES),
        FAMILY_TEST("heap", ST_CPU_HEAP),             FAMILY_TEST("kway", ST_CPU_KWAY),
        FAMILY_TEST("bitonic", ST_CPU_BITONIC),       FAMILY_TEST("radix", ST_CPU_RADIX),
        cmocka_unit_test(test_choices_name_families), cmocka_unit_test(test_scratch_grows_with_the_row),
        cmocka_unit_test(test_scratch_does_not_wrap), cmocka_unit_test(test_keep)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
