/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_entry.c - selecting and sorting entries, on input made to defeat both, and how many comparisons that can cost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random_elements.h"
#include "rank/entry.h"

enum { MOST = 20000 };

/*
 * The same template with a comparison that counts, and, where an adversary sits behind it, decides values as late as it
 * can (McIlroy, "A Killer Adversary for Quicksort", 1999): an undecided value compared with another is fixed below all
 * others.
 */
typedef struct counted {
    uint32_t id;
} counted;

static uint64_t comparisons;
static int adversary;
static uint64_t values[MOST];
static uint64_t undecided, decided;
static uint32_t candidate;

static int st_counted_before(counted a, counted b) {
    comparisons++;
    if (adversary) {
        if (values[a.id] == undecided && values[b.id] == undecided) {
            if (a.id == candidate)
                values[a.id] = decided++;
            else
                values[b.id] = decided++;
        }
        if (values[a.id] == undecided)
            candidate = a.id;
        else if (values[b.id] == undecided)
            candidate = b.id;
    }
    return values[a.id] < values[b.id];
}

void st_counted_select(counted *entries, size_t count, size_t k);
void st_counted_sort(counted *entries, size_t count);
void st_counted_heap_build(counted *heap, size_t count);
void st_counted_heap_replace(counted *heap, size_t count, counted entry);
#define ENTRY counted
#define NAME(operation) st_counted_##operation
#include "rank/entries.inc"

enum shape { RANDOM, SORTED, REVERSED, ORGAN_PIPE, EQUAL, TWO_VALUED, KILLER, SAWTOOTH, NEARLY_SORTED, SHAPES };
static const char *const shape_names[] = {"random", "sorted",     "reversed", "organ pipe",   "equal",
                                          "two",    "killer",     "sawtooth", "nearly sorted"};

static st_random rng;

/* Musser's median-of-3 killer: 1, k+1, 3, k+3, ..., 2, 4, 6, ... for n = 2k. */
static uint64_t killer_key(size_t i, size_t count) {
    const size_t half = count / 2;
    if (i >= half) return 2 * (i - half + 1);
    return i % 2 == 0 ? i + 1 : half + i + (half % 2);
}

static uint64_t key_of(enum shape shape, size_t i, size_t count) {
    switch (shape) {
        case SORTED: return i;
        case REVERSED: return count - i;
        case ORGAN_PIPE: return i < count / 2 ? i : count - i;
        case EQUAL: return 7;
        case TWO_VALUED: return st_random_below(&rng, 2);
        case KILLER: return killer_key(i, count);
        case SAWTOOTH: return i % 17;
        case NEARLY_SORTED: return st_random_chance(&rng, 1, 20) ? st_random_below(&rng, count) : i;
        default: return st_random_below(&rng, 2 * count);
    }
}

static int by_wide(const void *a, const void *b) {
    const st_wide *left = a, *right = b;
    return st_wide_before(*left, *right) ? -1 : st_wide_before(*right, *left);
}

static st_wide plain[MOST], wide[MOST];
static st_narrow narrow[MOST];
static st_carried carried[MOST];

/* Lays the same entries out in all three types, `plain` sorted by the C library. Half the time indices run backwards.
 */
static void lay_out(enum shape shape, size_t count) {
    const uint64_t mask = st_random_chance(&rng, 1, 2) ? UINT32_MAX : 0;
    for (size_t i = 0; i < count; i++) {
        plain[i] = (st_wide){key_of(shape, i, count), i ^ mask};
        wide[i] = plain[i];
        narrow[i] = plain[i].key << 32 | plain[i].index;
        carried[i] = (st_carried){plain[i].key, plain[i].index, plain[i].key * 31 + plain[i].index};
    }
    qsort(plain, count, sizeof *plain, by_wide);
}

static void check_same(enum shape shape, size_t count, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        const st_wide expected = plain[i];
        const int same = wide[i].key == expected.key && wide[i].index == expected.index &&
                         narrow[i] == (expected.key << 32 | expected.index) && carried[i].key == expected.key &&
                         carried[i].index == expected.index && carried[i].bits == expected.key * 31 + expected.index;
        if (same) continue;
        print_message("%s, %zu entries: position %zu is wrong\n", shape_names[shape], count, i);
        fail();
    }
}

static void check_sort(enum shape shape, size_t count) {
    lay_out(shape, count);
    st_narrow_sort(narrow, count);
    st_wide_sort(wide, count);
    st_carried_sort(carried, count);
    check_same(shape, count, 0, count);
}

/* After a selection the front holds the k first, and position k - 1 the last of them; the rest is still there. */
static void check_select(enum shape shape, size_t count, size_t k) {
    lay_out(shape, count);
    st_narrow_select(narrow, count, k);
    st_wide_select(wide, count, k);
    st_carried_select(carried, count, k);
    if (k > 0 && k < count) check_same(shape, count, k - 1, k);
    st_narrow_sort(narrow, k < count ? k : count);
    st_wide_sort(wide, k < count ? k : count);
    st_carried_sort(carried, k < count ? k : count);
    check_same(shape, count, 0, k < count ? k : count);
    st_narrow_sort(narrow, count);
    st_wide_sort(wide, count);
    st_carried_sort(carried, count);
    check_same(shape, count, 0, count);
}

static void test_sort(void **state) {
    (void)state;
    static const size_t longer[] = {127, 128, 129, 1000, 4096, 5001};
    for (int shape = 0; shape < SHAPES; shape++) {
        for (size_t count = 0; count <= 70; count++) check_sort((enum shape)shape, count);
        for (size_t i = 0; i < sizeof longer / sizeof longer[0]; i++) check_sort((enum shape)shape, longer[i]);
    }
}

static void test_select(void **state) {
    (void)state;
    static const size_t longer[] = {127, 128, 129, 1000, 4096};
    for (int shape = 0; shape < SHAPES; shape++) {
        for (size_t count = 0; count <= 40; count++)
            for (size_t k = 0; k <= count + 1; k++) check_select((enum shape)shape, count, k);
        for (size_t i = 0; i < sizeof longer / sizeof longer[0]; i++) {
            const size_t count = longer[i];
            const size_t ranks[] = {1, 2, count / 4, count / 2, count - 1, count, st_random_below(&rng, count + 1)};
            for (size_t j = 0; j < sizeof ranks / sizeof ranks[0]; j++)
                check_select((enum shape)shape, count, ranks[j]);
        }
    }
}

/* The root is the last of the heap; replacing it by what comes before keeps the first entries of all that were offered.
 */
static void test_heap(void **state) {
    (void)state;
    for (int shape = 0; shape < SHAPES; shape++)
        for (int round = 0; round < 60; round++) {
            const size_t count = 2 + st_random_below(&rng, 400), kept = 1 + st_random_below(&rng, count - 1);
            lay_out((enum shape)shape, count);
            st_narrow_heap_build(narrow, kept);
            st_wide_heap_build(wide, kept);
            st_carried_heap_build(carried, kept);
            for (size_t i = kept; i < count; i++) {
                for (size_t j = 1; j < kept; j++) assert_false(st_wide_before(wide[0], wide[j]));
                assert_int_equal(narrow[0], wide[0].key << 32 | wide[0].index);
                if (!st_wide_before(wide[i], wide[0])) continue;
                st_narrow_heap_replace(narrow, kept, narrow[i]);
                st_wide_heap_replace(wide, kept, wide[i]);
                st_carried_heap_replace(carried, kept, carried[i]);
            }
            st_narrow_sort(narrow, kept);
            st_wide_sort(wide, kept);
            st_carried_sort(carried, kept);
            check_same((enum shape)shape, count, 0, kept);
        }
}

static uint64_t log2_above(size_t count) {
    uint64_t log = 0;
    while (((size_t)1 << log) < count) log++;
    return log;
}

static void count_on(const char *what, size_t count, size_t k, int sorts) {
    static counted entries[MOST];
    for (uint32_t i = 0; i < count; i++) entries[i].id = i;
    comparisons = 0;
    if (sorts)
        st_counted_sort(entries, count);
    else
        st_counted_select(entries, count, k);
    /* A quadratic one takes count * count / 4 or more: 40 times this bound at 20,000. */
    const uint64_t most = 8 * count * (log2_above(count) + 2);
    if (comparisons > most) {
        print_message("%s, %zu entries, k %zu: %llu comparisons, more than %llu\n", what, count, k,
                      (unsigned long long)comparisons, (unsigned long long)most);
        fail();
    }
    for (size_t i = 1; sorts && i < count; i++) assert_false(values[entries[i].id] < values[entries[i - 1].id]);
    for (size_t i = k; !sorts && k > 0 && i < count; i++)
        assert_false(values[entries[i].id] < values[entries[k - 1].id]);
}

static void test_comparisons_are_bounded(void **state) {
    (void)state;
    for (int shape = 0; shape < SHAPES; shape++) {
        for (size_t i = 0; i < MOST; i++) values[i] = key_of((enum shape)shape, i, MOST);
        adversary = 0;
        count_on(shape_names[shape], MOST, 0, 1);
        count_on(shape_names[shape], MOST, MOST / 2, 0);
        count_on(shape_names[shape], MOST, 10, 0);
        count_on(shape_names[shape], MOST, MOST - 10, 0);
    }
}

/* The adversary makes each pivot the worst it can be; what it made then also runs through the real ones. */
static void test_adversary(void **state) {
    (void)state;
    static const size_t ranks[] = {1, 100, MOST / 2, MOST - 1};
    for (size_t run = 0; run <= sizeof ranks / sizeof ranks[0]; run++) {
        const int sorts = run == 0;
        const size_t k = sorts ? 0 : ranks[run - 1];
        undecided = MOST;
        decided = 0;
        candidate = 0;
        for (size_t i = 0; i < MOST; i++) values[i] = undecided;
        adversary = 1;
        count_on(sorts ? "sort against the adversary" : "select against the adversary", MOST, k, sorts);
        adversary = 0;
        count_on("the adversary's order again", MOST, k, sorts);
        for (size_t i = 0; i < MOST; i++) {
            plain[i] = wide[i] = (st_wide){values[i], i};
            narrow[i] = values[i] << 32 | i;
            carried[i] = (st_carried){values[i], i, values[i] * 31 + i};
        }
        qsort(plain, MOST, sizeof *plain, by_wide);
        st_narrow_select(narrow, MOST, k);
        st_wide_select(wide, MOST, k);
        st_carried_select(carried, MOST, k);
        st_narrow_sort(narrow, sorts ? MOST : k);
        st_wide_sort(wide, sorts ? MOST : k);
        st_carried_sort(carried, sorts ? MOST : k);
        check_same(RANDOM, MOST, 0, sorts ? MOST : k);
    }
}

static int set_up(void **state) {
    (void)state;
    st_random_seed(&rng, 271828);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sort), cmocka_unit_test(test_select),
                                       cmocka_unit_test(test_heap), cmocka_unit_test(test_comparisons_are_bounded),
                                       cmocka_unit_test(test_adversary)};
    return cmocka_run_group_tests(tests, set_up, NULL);
}
