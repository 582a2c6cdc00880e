/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * test_narrow_entries.c - the select, sort and sort_first of narrow entries that each instruction set's kernels bring,
 * against the C library's sort: every short length, any rank, guard pages at both ends. Input made to defeat the pivots is
 * sort_cases.inc's.
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

enum { MOST = 20000 };

enum shape {
    RANDOM,
    SMALL_NUMBERS,
    EQUAL,
    TWO_VALUED,
    ASCENDING,
    DESCENDING,
    ORGAN_PIPE,
    SAWTOOTH,
    GREATEST,
    PACKED,
    SHAPES
};
static const char *const shape_names[] = {
    "random",     "small numbers", "equal",    "two-valued",         "ascending",
    "descending", "organ pipe",    "sawtooth", "often the greatest", "packed entries"};

static st_guarded pages;
static st_random rng;
static st_processor processor;
static const st_cpu_kernels *kernels;
static st_narrow input[MOST], sorted[MOST];

static st_narrow number_of(enum shape shape, size_t i, size_t count) {
    switch (shape) {
        case SMALL_NUMBERS: return st_random_below(&rng, 5);
        case EQUAL: return 12345;
        case TWO_VALUED: return st_random_chance(&rng, 1, 2) ? 0 : UINT64_MAX;
        case ASCENDING: return i;
        case DESCENDING: return count - i;
        case ORGAN_PIPE: return i < count / 2 ? i : count - i;
        case SAWTOOTH: return i % 64;
        case GREATEST: return st_random_chance(&rng, 3, 4) ? UINT64_MAX : st_random_next(&rng);
        case PACKED: return st_random_below(&rng, 4) << 32 | (uint32_t)~i; /* keys with ties, as from a row's far end */
        default: return st_random_next(&rng);
    }
}

static int ascending(const void *a, const void *b) {
    const st_narrow left = *(const st_narrow *)a, right = *(const st_narrow *)b;
    return (left > right) - (left < right);
}

static void complain(const char *what, const char *shape, size_t count, size_t k) {
    print_message("%s %s: %s, count %zu, k %zu\n", st_isa_name(kernels->isa), what, shape, count, k);
    fail();
}

/* Runs both on a copy of `input`, whose sorted form is in `sorted`. */
static void check_sort(const char *shape, size_t count) {
    const size_t bytes = count * sizeof(st_narrow);
    st_narrow *entries = st_guarded_place(&pages, bytes, st_random_chance(&rng, 1, 2));
    memcpy(entries, input, bytes);
    kernels->sort_narrow(entries, count);
    if (!st_guarded_intact(&pages, entries, bytes)) complain("sort writes beyond", shape, count, 0);
    if (memcmp(entries, sorted, bytes) != 0) complain("sort", shape, count, 0);
}

static void check_select(const char *shape, size_t count, size_t k) {
    const size_t bytes = count * sizeof(st_narrow), front = k < count ? k : count;
    st_narrow *entries = st_guarded_place(&pages, bytes, st_random_chance(&rng, 1, 2));
    memcpy(entries, input, bytes);
    kernels->select_narrow(entries, count, k);
    if (!st_guarded_intact(&pages, entries, bytes)) complain("select writes beyond", shape, count, k);
    if (k > 0 && k < count && entries[k - 1] != sorted[k - 1]) complain("select's last", shape, count, k);
    qsort(entries, front, sizeof *entries, ascending);
    qsort(entries + front, count - front, sizeof *entries, ascending);
    if (memcmp(entries, sorted, bytes) != 0) complain("select", shape, count, k);
}

static void check_sort_first(const char *shape, size_t count, size_t k) {
    const size_t bytes = count * sizeof(st_narrow);
    st_narrow *entries = st_guarded_place(&pages, bytes, st_random_chance(&rng, 1, 2));
    memcpy(entries, input, bytes);
    kernels->sort_first_narrow(entries, count, k);
    if (!st_guarded_intact(&pages, entries, bytes)) complain("sort_first writes beyond", shape, count, k);
    if (memcmp(entries, sorted, k * sizeof *entries) != 0) complain("sort_first", shape, count, k);
    qsort(entries + k, count - k, sizeof *entries, ascending);
    if (memcmp(entries, sorted, bytes) != 0) complain("sort_first loses entries", shape, count, k);
}

static void lay_out(enum shape shape, size_t count) {
    for (size_t i = 0; i < count; i++) sorted[i] = input[i] = number_of(shape, i, count);
    qsort(sorted, count, sizeof *sorted, ascending);
}

static void check_shapes(void) {
    static const size_t longer[] = {511, 512, 513, 1000, 1024, 2047, 4096, 5003};
    for (int shape = 0; shape < SHAPES; shape++) {
        for (size_t count = 0; count <= 300; count++) {
            lay_out((enum shape)shape, count);
            check_sort(shape_names[shape], count);
            check_select(shape_names[shape], count, st_random_below(&rng, count + 2));
            check_select(shape_names[shape], count, count - (count > 0));
            check_sort_first(shape_names[shape], count, st_random_below(&rng, count + 1));
            check_sort_first(shape_names[shape], count, count - (count > 0));
        }
        for (size_t i = 0; i < sizeof longer / sizeof longer[0]; i++) {
            lay_out((enum shape)shape, longer[i]);
            check_sort(shape_names[shape], longer[i]);
            check_select(shape_names[shape], longer[i], 1);
            check_select(shape_names[shape], longer[i], longer[i] - 1);
            check_select(shape_names[shape], longer[i], 1 + st_random_below(&rng, longer[i] - 1));
            check_sort_first(shape_names[shape], longer[i], 1);
            check_sort_first(shape_names[shape], longer[i], st_random_below(&rng, longer[i] + 1));
        }
    }
}

static void test_isa(void **state) {
    const st_isa isa = (st_isa)(intptr_t)*state;
    st_cpu_table table;
    if (!(processor.isas & (1u << isa))) {
        print_message("skipped: this CPU, or this build, has no %s\n", st_isa_name(isa));
        skip();
    }
    st_cpu_kernels_fill(processor.isas & ((2u << isa) - 1), &table);
    for (int class = 0; class < ST_CPU_CLASSES; class++) {
        kernels = &table.of_class[class];
        assert_int_equal(kernels->isa, isa);
        assert_ptr_equal(kernels->select_narrow, table.of_class[0].select_narrow); /* the same for every width */
        assert_ptr_equal(kernels->sort_narrow, table.of_class[0].sort_narrow);
        assert_ptr_equal(kernels->sort_first_narrow, table.of_class[0].sort_first_narrow);
    }
    check_shapes();
}

static int set_up(void **state) {
    (void)state;
    st_processor_detect(&processor);
    st_random_seed(&rng, 57721);
    return st_guarded_open(&pages, MOST * sizeof(st_narrow));
}

static int tear_down(void **state) {
    (void)state;
    st_guarded_close(&pages);
    return 0;
}

#define ISA_TEST(label, isa) {label, test_isa, NULL, NULL, (void *)(intptr_t)(isa)}

int main(void) {
    const struct CMUnitTest tests[] = {ISA_TEST("portable", ST_ISA_PORTABLE), ISA_TEST("neon", ST_ISA_NEON),
                                       ISA_TEST("avx2", ST_ISA_AVX2), ISA_TEST("avx512", ST_ISA_AVX512)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
