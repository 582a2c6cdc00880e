/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * test_narrow_entries.c - the select and sort of narrow entries that each instruction set brings, against the C
 * library's sort: every short length, any rank, input made to defeat the pivots, guard pages at both ends.
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
        }
        for (size_t i = 0; i < sizeof longer / sizeof longer[0]; i++) {
            lay_out((enum shape)shape, longer[i]);
            check_sort(shape_names[shape], longer[i]);
            check_select(shape_names[shape], longer[i], 1);
            check_select(shape_names[shape], longer[i], longer[i] - 1);
            check_select(shape_names[shape], longer[i], 1 + st_random_below(&rng, longer[i] - 1));
        }
    }
}

/*
 * The vector partition's moves, one register at a time: what is needed to know where an element stands after it. The
 * adversary below puts the least numbers not yet given where the next pivot is looked for, so that every split is
 * lopsided and the budget of splits runs out; the numbers given later are above all earlier pivots, so the moves stay
 * the same.
 */
struct ends {
    st_narrow *left, *right;
};

static void spread(const st_narrow v[8], st_narrow pivot, struct ends *ends) {
    size_t upper = 0;
    for (int i = 0; i < 8; i++) upper += v[i] >= pivot;
    ends->right -= upper;
    st_narrow *right = ends->right;
    for (int i = 0; i < 8; i++) *(v[i] < pivot ? ends->left++ : right++) = v[i];
}

static size_t partition(st_narrow *entries, size_t count, st_narrow pivot) {
    const size_t whole = count / 8 * 8;
    st_narrow held[8][8], v[4][8];
    for (size_t i = 0; i < 4; i++) {
        memcpy(held[i], entries + i * 8, sizeof held[i]);
        memcpy(held[4 + i], entries + whole - (i + 1) * 8, sizeof held[i]);
    }
    struct ends ends = {entries, entries + whole};
    const st_narrow *from = entries + 32, *to = entries + whole - 32;
    while (to > from) {
        const ptrdiff_t registers = to - from >= 32 ? 4 : 1;
        const int at_left = from - ends.left <= ends.right - to;
        if (!at_left) to -= registers * 8;
        memcpy(v, at_left ? from : to, (size_t)registers * sizeof v[0]);
        if (at_left) from += registers * 8;
        for (ptrdiff_t i = 0; i < registers; i++) spread(v[i], pivot, &ends);
    }
    for (int i = 0; i < 8; i++) spread(held[i], pivot, &ends);
    size_t front = (size_t)(ends.left - entries);
    for (size_t i = whole; i < count; i++) {
        const st_narrow entry = entries[i];
        entries[i] = entries[front];
        entries[front] = entry;
        front += entry < pivot;
    }
    return front;
}

/*
 * Fills `input` with the adversary's order. Numbers carry their first place in the low half. With `halved`, the first
 * split is a fair one, and only its front is unfair: a rank at the front's end then stays at the end of what is left.
 * Returns the length of that front.
 */
static size_t defeat_pivots(size_t count, int halved) {
    static st_narrow work[MOST];
    const st_narrow open = (st_narrow)1 << 30, high = (st_narrow)1 << 31; /* above any given number */
    st_narrow given = 0;
    size_t end = count;
    for (size_t i = 0; i < count; i++) work[i] = input[i] = open << 32 | i;
    if (halved) {
        const size_t step = count / 64;
        for (size_t i = 0; i < count; i++)
            if (i % step == step / 2 && i / step < 64 ? i / step >= 32 : st_random_chance(&rng, 1, 2))
                work[i] = input[i] = high << 32 | i;
        const size_t pivot = 32 * step + step / 2; /* the least of the high ones, and the sample's middle */
        work[pivot] = input[pivot] = (high - 1) << 32 | pivot;
        end = partition(work, count, work[pivot]);
    }
    for (size_t from = 0, left; (left = end - from) > 128;) {
        st_narrow sample[64];
        for (size_t i = 0; i < 64; i++) {
            st_narrow *at = &work[from + i * (left / 64) + left / 64 / 2];
            if (*at >> 32 == open) {
                *at = ++given << 32 | (*at & UINT32_MAX);
                input[*at & UINT32_MAX] = *at;
            }
            sample[i] = *at;
        }
        qsort(sample, 64, sizeof *sample, ascending);
        from += partition(work + from, left, sample[32]);
    }
    memcpy(sorted, input, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, ascending);
    return end;
}

static void check_adversary(void) {
    static const size_t counts[] = {1500, 3000, 8191, MOST};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        for (int halved = 0; halved < 2; halved++) {
            const size_t count = counts[i], end = defeat_pivots(count, halved);
            check_sort("adversary", count);
            for (size_t k = 1; k < count; k += 1 + count / 20) check_select("adversary", count, k);
            check_select("adversary", count, end - 1);
            if (halved) {
                check_select("adversary, the front alone", count, end);
                check_select("adversary, beyond the front", count, end + 1);
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
    }
    check_shapes();
    check_adversary();
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
