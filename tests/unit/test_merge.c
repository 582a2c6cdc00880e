/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_merge.c - merging partials: equal to one shot, in any order and grouping; filler is skipped, NaN obeys its rule.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "failing_host.h"
#include "random_elements.h"
#include "rank/reference.h"
#include "rank/streaming.h"

enum { MOST = 300, MOST_PARTS = 5, ROOM = 2 * MOST };

static st_random rng;
static st_host host;

/* A partial selection: the k first of some of a row's elements, with their global indices. */
struct partial {
    int64_t width;
    uint64_t values[ROOM];
    int64_t indices[ROOM];
};

struct rules {
    st_dtype dtype;
    int32_t descending, nan_rule, order;
    int64_t k;
};

static void merge(const struct rules *rules, int32_t parts, struct partial *const from[], struct partial *to) {
    const void *values[MOST_PARTS];
    const int64_t *indices[MOST_PARTS];
    int64_t widths[MOST_PARTS];
    for (int32_t part = 0; part < parts; part++) {
        values[part] = from[part]->values;
        indices[part] = from[part]->indices;
        widths[part] = from[part]->width;
    }
    const st_merge_request request = {sizeof request, rules->dtype, rules->descending, rules->nan_rule, rules->order,
                                      parts, rules->k, widths, values, indices};
    to->width = rules->k;
    assert_int_equal(st_merge_partials(&host, &request, to->values, to->indices), ST_OK);
}

static int same(const struct rules *rules, const struct partial *a, const struct partial *b) {
    const size_t size = (size_t)st_dtype_size(rules->dtype), k = (size_t)rules->k;
    return memcmp(a->values, b->values, k * size) == 0 && memcmp(a->indices, b->indices, k * sizeof *a->indices) == 0;
}

static void complain(const struct rules *rules, const char *law) {
    print_message("%s: %s %s, rule %d, order %d, k %lld\n", law, st_dtype_name(rules->dtype),
                  rules->descending ? "descending" : "ascending", rules->nan_rule, rules->order, (long long)rules->k);
    fail();
}

/* The answer of the reference for the whole row, padded with filler to k. */
static void one_shot(const struct rules *rules, const void *row, int64_t count, struct partial *to) {
    const size_t size = (size_t)st_dtype_size(rules->dtype);
    const int64_t width = rules->k < count ? rules->k : count;
    const st_rank_request request = {.struct_size = sizeof request,
                                     .kind = ST_WINDOW,
                                     .dtype = rules->dtype,
                                     .index_dtype = ST_I64,
                                     .nan_rule = rules->nan_rule,
                                     .order = rules->order,
                                     .outputs = 3,
                                     .threads = 1,
                                     .descending = rules->descending,
                                     .rows = 1,
                                     .cols = count,
                                     .hi = width,
                                     .row_stride = count,
                                     .col_stride = 1};
    const st_rank_buffers buffers = {.struct_size = sizeof buffers,
                                     .input = row,
                                     .row_list_count = 1,
                                     .values = to->values,
                                     .values_stride = width,
                                     .indices = to->indices,
                                     .indices_stride = width};
    assert_int_equal(st_reference_rank(&host, &request, &buffers), ST_OK);
    memset((char *)to->values + (size_t)width * size, 0, (size_t)(rules->k - width) * size);
    for (int64_t i = width; i < rules->k; i++) to->indices[i] = -1;
    to->width = rules->k;
}

/* Deals a row's elements to parts at random, so that parts interleave, with filler in between. */
static void deal(const struct rules *rules, const char *row, int64_t count, int32_t parts, struct partial *const to[]) {
    const size_t size = (size_t)st_dtype_size(rules->dtype);
    for (int32_t part = 0; part < parts; part++) to[part]->width = 0;
    for (int64_t i = count; i-- > 0;) { /* backwards: the order within a part is free */
        struct partial *part = to[st_random_below(&rng, (uint64_t)parts)];
        if (st_random_chance(&rng, 1, 40)) {
            memset((char *)part->values + (size_t)part->width * size, 0x7b,
                   size); /* not zero: it must not be looked at */
            part->indices[part->width++] = -1;
        }
        memcpy((char *)part->values + (size_t)part->width * size, row + (size_t)i * size, size);
        part->indices[part->width++] = i;
    }
}

static struct rules random_rules(int64_t count) {
    return (struct rules){(st_dtype)st_random_between(&rng, ST_F32, ST_U64), (int32_t)st_random_below(&rng, 2),
                          (int32_t)st_random_below(&rng, 3), (int32_t)st_random_below(&rng, 2),
                          st_random_between(&rng, 0, st_random_chance(&rng, 1, 2) ? 12 : count + 4)};
}

static void test_laws(void **state) {
    (void)state;
    static struct partial dealt[MOST_PARTS], reduced[MOST_PARTS], whole, all, left, right, pair;
    static uint64_t row[MOST];
    for (int round = 0; round < 3000; round++) {
        const int64_t count = st_random_between(&rng, 0, st_random_chance(&rng, 1, 2) ? 20 : MOST);
        const struct rules rules = random_rules(count);
        const int32_t parts = (int32_t)st_random_between(&rng, 3, MOST_PARTS);
        struct partial *pieces[MOST_PARTS];
        st_random_fill(&rng, rules.dtype, (st_data)st_random_below(&rng, ST_DATA_COUNT), row, (size_t)count);
        for (int32_t part = 0; part < parts; part++) pieces[part] = &dealt[part];
        deal(&rules, (const char *)row, count, parts, pieces);
        one_shot(&rules, row, count, &whole);

        merge(&rules, parts, pieces, &all);
        if (!same(&rules, &all, &whole)) complain(&rules, "one shot");

        for (int32_t part = 0; part < parts; part++) { /* parts cut to k first, as ranks send them */
            merge(&rules, 1, &pieces[part], &reduced[part]);
            pieces[part] = &reduced[part];
        }
        merge(&rules, parts, pieces, &all);
        if (!same(&rules, &all, &whole)) complain(&rules, "parts cut to k");

        for (int32_t part = parts - 1; part > 0; part--) { /* a random permutation */
            const uint64_t other = st_random_below(&rng, (uint64_t)part + 1);
            struct partial *const held = pieces[part];
            pieces[part] = pieces[other];
            pieces[other] = held;
        }
        merge(&rules, parts, pieces, &all);
        if (!same(&rules, &all, &whole)) complain(&rules, "commutative");

        left = *pieces[0];
        for (int32_t part = 1; part < parts; part++) { /* ((a b) c) d */
            struct partial *const both[] = {&left, pieces[part]};
            merge(&rules, 2, both, &pair);
            left = pair;
        }
        right = *pieces[parts - 1];
        for (int32_t part = parts - 1; part-- > 0;) { /* a (b (c d)) */
            struct partial *const both[] = {pieces[part], &right};
            merge(&rules, 2, both, &pair);
            right = pair;
        }
        if (!same(&rules, &left, &whole) || !same(&rules, &right, &whole)) complain(&rules, "associative");
        struct partial *const again[] = {&whole};
        merge(&rules, 1, again, &all);
        if (!same(&rules, &all, &whole)) complain(&rules, "a merge alone is itself");
    }
}

/* By hand: ties across parts come by global index, filler is skipped, the rest is filler. */
static void test_by_hand(void **state) {
    (void)state;
    const int32_t a[] = {5, 3, 99}, b[] = {5, 4};
    const int64_t a_indices[] = {7, 1, -1}, b_indices[] = {2, 9}, widths[] = {3, 2};
    const void *const values[] = {a, b};
    const int64_t *const indices[] = {a_indices, b_indices};
    int32_t got[6];
    int64_t where[6];
    const int32_t expected[] = {5, 5, 4, 3, 0, 0};
    const int64_t expected_where[] = {2, 7, 9, 1, -1, -1};
    st_merge_request request = {sizeof request, ST_I32, 1, ST_NAN_GREATEST, ST_SORTED, 2, 6, widths, values, indices};
    assert_int_equal(st_merge_partials(&host, &request, got, where), ST_OK);
    assert_memory_equal(got, expected, sizeof got);
    assert_memory_equal(where, expected_where, sizeof where);
    request.order = ST_UNSORTED;
    request.k = 3;
    const int64_t by_index[] = {2, 7, 9};
    assert_int_equal(st_merge_partials(&host, &request, NULL, where), ST_OK);
    assert_memory_equal(where, by_index, sizeof by_index);
    request.order = ST_SORTED;
    assert_int_equal(st_merge_partials(&host, &request, got, NULL), ST_OK);
    assert_memory_equal(got, expected, 3 * sizeof got[0]);
    request.parts = 0;
    request.k = 2;
    assert_int_equal(st_merge_partials(&host, &request, got, where), ST_OK);
    assert_int_equal(where[0], -1);
    assert_int_equal(where[1], -1);
    assert_int_equal(got[0] | got[1], 0);
}

/* A NaN is an error where the rule says so, but not in filler; part and position are named. */
static void test_nan_is_an_error(void **state) {
    (void)state;
    const uint32_t one = 0x3f800000, nan = 0xffc01234;
    uint32_t a[] = {one, nan}, b[] = {one, one, nan}, got[4];
    int64_t a_indices[] = {0, -1}, b_indices[] = {1, 2, 3}, where[4];
    const int64_t widths[] = {2, 3};
    const void *const values[] = {a, b};
    const int64_t *const indices[] = {a_indices, b_indices};
    st_merge_request request = {sizeof request, ST_F32, 1, ST_NAN_ERROR, ST_SORTED, 2, 2, widths, values, indices};
    assert_int_equal(st_merge_partials(&host, &request, got, where), ST_E_NAN);
    assert_non_null(strstr(st_last_message(), "values[1]"));
    assert_non_null(strstr(st_last_message(), "element 2"));
    b[2] = one;
    assert_int_equal(st_merge_partials(&host, &request, got, where), ST_OK);
    assert_int_equal(where[0], 0);
    assert_int_equal(where[1], 1);
    b[2] = nan;
    request.k = 0; /* scans nothing */
    assert_int_equal(st_merge_partials(&host, &request, got, where), ST_OK);
}

static void test_no_memory(void **state) {
    (void)state;
    const double values_of_part[] = {1, 2};
    const int64_t indices_of_part[] = {0, 1}, width = 2;
    const void *const values[] = {values_of_part};
    const int64_t *const indices[] = {indices_of_part};
    double got = -7;
    int64_t where = -7;
    const st_merge_request request = {sizeof request, ST_F64, 0,      ST_NAN_GREATEST, ST_SORTED, 1, 1,
                                      &width,         values, indices};
    st_failing_host failing;
    st_failing_host_open(&failing, 1);
    assert_int_equal(st_merge_partials(&failing.host, &request, &got, &where), ST_E_MEMORY);
    assert_true(got == -7 && where == -7);
    assert_int_equal(st_merge_partials(&failing.host, &request, &got, &where), ST_OK);
    assert_true(got == 1 && where == 0);
    const int64_t huge[] = {INT64_MAX, INT64_MAX};
    const void *const two_values[] = {values_of_part, values_of_part};
    const int64_t *const two_indices[] = {indices_of_part, indices_of_part};
    const st_merge_request wraps = {sizeof wraps, ST_F64,     0,          ST_NAN_GREATEST, ST_SORTED, 2, 1,
                                    huge,         two_values, two_indices};
    assert_int_equal(st_merge_partials(&failing.host, &wraps, &got, &where), ST_E_MEMORY);
    assert_true(st_failing_host_close(&failing));
}

static int set_up(void **state) {
    (void)state;
    st_random_seed(&rng, 141421);
    return st_host_resolve(NULL, &host) == ST_OK ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_laws), cmocka_unit_test(test_by_hand),
                                       cmocka_unit_test(test_nan_is_an_error), cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, set_up, NULL);
}
