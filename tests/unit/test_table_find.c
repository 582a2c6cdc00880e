/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_table_find.c - the entry that is found is the one that the rules name, told by looking at every entry. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/memory.h"
#include "random_table.h"
#include "rank/request.h"
#include "table_text.h"

/* Rows as the rule states it: by distance in log2, in long double; exact ties come from products alone. */
static int nearer(int64_t r, int64_t a, int64_t b) {
    if (r < 1) r = 1;
    if (a == b || ((r < a) != (r < b) && r <= ST_TABLE_MOST_ROWS && r * r == a * b)) return 0;
    const long double to_a = fabsl(log2l((long double)r) - log2l((long double)a)), to_b = fabsl(log2l((long double)r) - log2l((long double)b));
    return to_a < to_b ? -1 : 1;
}

static int matches(const st_table_entry *entry, const st_table_query *query) {
    return entry->sg == query->sg && (entry->kind == 0 || entry->kind == query->kind) &&
           (entry->bits == 0 || entry->bits == 8 * st_dtype_size(query->dtype)) &&
           (entry->threads == 0 || query->threads == 0 || entry->threads == query->threads) && entry->cols_min <= query->cols &&
           query->cols <= entry->cols_max && entry->k_min <= query->k && query->k <= entry->k_max;
}

/* Which entries are looked at. */
enum { ALL, MEASURED, KINDRED, FOREIGN };

static int sort_of(const st_table_entry *entry, const st_device_identity *identity) {
    const int32_t standing = st_standing_of(entry, identity);
    return standing == ST_STANDING_BACKEND ? FOREIGN : st_standing_counts(standing) ? MEASURED : KINDRED;
}

static const st_table_entry *plain_find(const st_table *table, const st_table_query *query, const st_device_identity *identity, int sort) {
    const st_table_entry *best = NULL;
    for (int32_t i = 0; i < table->count; i++) {
        const st_table_entry *entry = &table->entries[i];
        if (!matches(entry, query)) continue;
        if (sort != ALL && sort_of(entry, identity) != sort) continue;
        const int distance = best == NULL ? -1 : nearer(query->rows, entry->rows, best->rows);
        const int exact = entry->dtype == query->dtype, best_exact = best != NULL && best->dtype == query->dtype;
        if (distance < 0 || (distance == 0 && exact >= best_exact)) best = entry; /* as good and later */
    }
    return best;
}

static void test_rows_nearer(void **state) {
    (void)state;
    assert_int_equal(st_rows_nearer(2, 1, 4), 0);
    assert_int_equal(st_rows_nearer(6, 4, 9), 0);
    assert_int_equal(st_rows_nearer(6, 9, 4), 0);
    assert_int_equal(st_rows_nearer(3, 2, 4), 1); /* 3/2 is further than 4/3 */
    assert_int_equal(st_rows_nearer(3, 4, 2), -1);
    assert_int_equal(st_rows_nearer(5, 1, 2), 1);
    assert_int_equal(st_rows_nearer(5, 7, 6), 1);
    st_random random;
    st_random_seed(&random, 5);
    for (int i = 0; i < 200000; i++) {
        const int64_t most = (int64_t)1 << st_random_below(&random, 32);
        const int64_t r = st_random_between(&random, 1, most), a = st_random_between(&random, 1, most), b = st_random_between(&random, 1, most);
        if (st_rows_nearer(r, a, b) != nearer(r, a, b))
            fail_msg("%lld: %lld, %lld", (long long)r, (long long)a, (long long)b);
    }
}

static st_rank_request request_of(const st_table_query *query) {
    st_rank_request request;
    st_rank_request_init(&request, query->kind, query->rows, query->cols, query->k);
    request.dtype = query->dtype;
    request.threads = query->threads;
    if (query->kind == ST_WINDOW) {
        request.lo = query->k / 2;
        request.hi = request.lo + query->k;
    }
    return request;
}

static void test_against_every_entry(void **state) {
    (void)state;
    st_random random;
    st_random_seed(&random, 17);
    int64_t found_measured = 0, found_hints = 0, found_both = 0, found_foreign = 0;
    for (int turn = 0; turn < 400; turn++) {
        st_table *table = st_random_table(&random, (int32_t)st_random_below(&random, turn % 2 ? 12 : 300), 1);
        st_device_identity identity = st_random_identity(turn % 3);
        if (turn % 4 == 3) snprintf(identity.backend, sizeof identity.backend, "another"); /* than all that say which */
        st_table_view view;
        assert_int_equal(st_table_view_open(table, &identity, &view), ST_OK);
        for (int i = 0; i < 250; i++) {
            st_table_query query = st_random_query(&random);
            const st_rank_request request = request_of(&query);
            st_device_caps caps = identity.caps;
            caps.subgroup = query.sg;
            view.identity.caps.subgroup = query.sg;
            st_table_result result;
            st_table_find(&view, &request, &caps, &result);
            const st_table_entry *measured = plain_find(table, &query, &identity, MEASURED);
            const st_table_entry *kindred = plain_find(table, &query, &identity, KINDRED);
            const st_table_entry *foreign = plain_find(table, &query, &identity, FOREIGN), *hint = kindred != NULL ? kindred : foreign;
            assert_ptr_equal(result.measured, measured);
            assert_ptr_equal(result.hint, hint);
            assert_int_equal(result.measured_standing, measured == NULL ? 0 : ST_STANDING_MEASURED);
            assert_int_equal(result.hint_standing, hint == NULL ? 0 : st_standing_of(hint, &identity));
            found_measured += measured != NULL;
            found_hints += hint != NULL;
            found_both += measured != NULL && hint != NULL;
            found_foreign += hint == foreign && foreign != NULL;
            if (i % 3 == 0) query.threads = 0;
            assert_ptr_equal(st_table_find_any(table, &query), plain_find(table, &query, &identity, ALL));
        }
        st_table_view_close(&view);
        st_table_close(table);
    }
    print_message("of 100000 lookups: %lld measured, %lld hints, %lld of another backend, %lld both\n", (long long)found_measured,
                  (long long)found_hints, (long long)found_foreign, (long long)found_both);
    assert_true(found_measured > 5000 && found_hints > 5000 && found_both > 1000 && found_foreign > 500);
}

static st_table *table_of(const st_table_entry *entries, int32_t count) {
    st_host host;
    st_table *table = NULL;
    assert_int_equal(st_host_resolve(NULL, &host), ST_OK);
    assert_int_equal(st_table_build(&host, entries, count, "made up", &table), ST_OK);
    return table;
}

/* A table of one entry, of the first device, which the test then makes differ. */
static st_table_entry plain_entry(void) {
    const st_device_identity identity = st_random_identity(0);
    st_table_entry entry = {.rows = 1, .cols_max = 1000, .k_max = 1000, .sg = identity.caps.subgroup, .decided = 1};
    memcpy(entry.backend, identity.backend, sizeof entry.backend);
    memcpy(entry.device, identity.device, sizeof entry.device);
    memcpy(entry.isa, identity.isa, sizeof entry.isa);
    memcpy(entry.driver, identity.driver, sizeof entry.driver);
    memcpy(entry.kernel_hash, identity.kernel_hash, sizeof entry.kernel_hash);
    return entry;
}

static st_table_result find_one(const st_table_entry *entry, const st_device_identity *identity, const st_device_caps *caps) {
    st_rank_request request;
    st_table_view view;
    static st_table_entry kept;
    st_table_result result;
    st_table *table = table_of(entry, 1);
    st_rank_request_init(&request, ST_TOPK, 8, 500, 5);
    request.threads = 1;
    assert_int_equal(st_table_view_open(table, identity, &view), ST_OK);
    st_table_find(&view, &request, caps, &result);
    if (result.measured != NULL) {
        kept = *result.measured;
        result.measured = &kept;
    }
    st_table_view_close(&view);
    st_table_close(table);
    return result;
}

static void expect_hint(const st_table_entry *entry, int32_t standing, const char *says) {
    const st_device_identity identity = st_random_identity(0);
    const st_table_result result = find_one(entry, &identity, &identity.caps);
    char why[192];
    assert_null(result.measured);
    assert_non_null(result.hint);
    assert_int_equal(result.hint_standing, standing);
    st_standing_text(standing, entry, &identity, why);
    if (strstr(why, says) == NULL) fail_msg("%s", why);
}

static void test_standings(void **state) {
    (void)state;
    const st_device_identity identity = st_random_identity(0);
    st_table_entry entry = plain_entry();
    char why[192];
    st_table_result result = find_one(&entry, &identity, &identity.caps);
    assert_non_null(result.measured);
    assert_null(result.hint);
    assert_int_equal(result.measured_standing, ST_STANDING_MEASURED);
    st_standing_text(ST_STANDING_MEASURED, &entry, &identity, why);
    assert_non_null(strstr(why, "this device"));

    strcpy(entry.kernel_hash, "00000000000000ff");
    expect_hint(&entry, ST_STANDING_KERNELS, "kernel hash 00000000000000ff, which is 0000000000000001 here");
    strcpy(entry.driver, "550\x1b");
    expect_hint(&entry, ST_STANDING_DRIVER, "driver 550\\x1b, which is not named here");
    strcpy(entry.isa, "avx512");
    expect_hint(&entry, ST_STANDING_ISA, "instruction set avx512, which is avx2 here");
    strcpy(entry.device, "Third");
    expect_hint(&entry, ST_STANDING_DEVICE, "device Third, which is First here");
    strcpy(entry.backend, "cuda");
    expect_hint(&entry, ST_STANDING_BACKEND, "backend cuda, which is cpu here");
    st_standing_text(ST_STANDING_BACKEND, &entry, NULL, why);
    assert_string_equal(why, "measured on backend cuda, which is not here");
    entry.kernel_hash[0] = '\0';
    expect_hint(&entry, ST_STANDING_UNNAMED, "which kernels");
    entry.device[0] = '\0';
    expect_hint(&entry, ST_STANDING_UNNAMED, "which device");
    entry.backend[0] = '\0';
    expect_hint(&entry, ST_STANDING_UNNAMED, "which backend");

    /* Trust covers what names no other backend. */
    entry.trusted = 1;
    result = find_one(&entry, &identity, &identity.caps);
    assert_non_null(result.measured);
    assert_int_equal(result.measured_standing, ST_STANDING_TRUSTED);
    strcpy(entry.backend, "cpu");
    result = find_one(&entry, &identity, &identity.caps);
    assert_int_equal(result.measured_standing, ST_STANDING_TRUSTED);
    strcpy(entry.backend, "cuda");
    result = find_one(&entry, &identity, &identity.caps);
    assert_null(result.measured);
    assert_non_null(result.hint);
}

/* What was measured here says little of hardware that a caller describes; of fewer workers it says as much. */
static void test_other_caps(void **state) {
    (void)state;
    const st_device_identity identity = st_random_identity(0);
    st_table_entry entry = plain_entry();
    st_device_caps caps = identity.caps;
    char why[192];
    caps.max_workgroup += 3;
    assert_non_null(find_one(&entry, &identity, &caps).measured);
    caps.lanes += 1;
    st_table_result result = find_one(&entry, &identity, &caps);
    assert_null(result.measured);
    assert_int_equal(result.hint_standing, ST_STANDING_CAPS);
    st_standing_text(ST_STANDING_CAPS, &entry, &identity, why);
    assert_non_null(strstr(why, "other caps"));
    entry.trusted = 1;
    assert_int_equal(find_one(&entry, &identity, &caps).measured_standing, ST_STANDING_TRUSTED);
}

static void test_empty_views(void **state) {
    (void)state;
    const st_device_identity identity = st_random_identity(0);
    st_rank_request request;
    st_table_result result;
    st_table_view view;
    st_rank_request_init(&request, ST_TOPK, 8, 500, 5);
    assert_int_equal(st_table_view_open(NULL, &identity, &view), ST_OK);
    st_table_find(&view, &request, &identity.caps, &result);
    assert_true(result.measured == NULL && result.hint == NULL && result.measured_standing == 0 && result.hint_standing == 0);
    st_table_view_close(&view);
    st_table *table = table_of(NULL, 0);
    assert_int_equal(st_table_view_open(table, &identity, &view), ST_OK);
    st_table_find(&view, &request, &identity.caps, &result);
    assert_null(result.hint);
    st_table_view_close(&view);
    st_table_close(table);
}

static double seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* A grid as a tuner writes it. */
static st_table *grid_table(void) {
    static st_table_entry entries[8192];
    int32_t count = 0;
    for (int32_t kind = ST_TOPK; kind <= ST_BOTTOMK; kind++)
        for (int32_t dtype = ST_F32; dtype <= ST_F16; dtype++)
            for (int32_t threads = 1; threads <= 2; threads++)
                for (int64_t rows = 1; rows <= 65536; rows *= 16)
                    for (int64_t cols = 64; cols <= 1 << 20; cols *= 4)
                        for (int64_t k = 1; k <= 4096; k *= 4) {
                            st_table_entry entry = plain_entry();
                            entry.sg = 1;
                            entry.kind = kind;
                            entry.dtype = dtype;
                            entry.bits = (int32_t)st_dtype_size(dtype) * 8;
                            entry.threads = threads;
                            entry.rows = rows;
                            entry.cols_min = cols;
                            entry.cols_max = 4 * cols - 1;
                            entry.k_min = k;
                            entry.k_max = 4 * k - 1;
                            entries[count++] = entry;
                        }
    return table_of(entries, count);
}

static void test_speed(void **state) {
    (void)state;
    enum { CALLS = 200000 };
    st_table *table = grid_table();
    st_device_identity identity = st_random_identity(0);
    st_table_view view;
    st_random random;
    static st_rank_request requests[1024];
    identity.caps.subgroup = 1;
    st_random_seed(&random, 3);
    for (int i = 0; i < 1024; i++) {
        st_rank_request_init(&requests[i], (int32_t)st_random_below(&random, 3) + ST_TOPK, st_random_between(&random, 1, 100000),
                             st_random_between(&random, 64, 1 << 22), st_random_between(&random, 1, 4096));
        requests[i].dtype = (int32_t)st_random_below(&random, 3) + ST_F32;
        requests[i].threads = (int32_t)st_random_below(&random, 2) + 1;
    }
    assert_int_equal(st_table_view_open(table, &identity, &view), ST_OK);
    int64_t found = 0;
    const double start = seconds();
    for (int i = 0; i < CALLS; i++) {
        st_table_result result;
        st_table_find(&view, &requests[i % 1024], &identity.caps, &result);
        found += result.measured != NULL;
    }
    print_message("%d entries: a lookup takes %.0f ns of processor time\n", st_table_count(table), (seconds() - start) / CALLS * 1e9);
    assert_int_equal(found, CALLS);
    st_table_view_close(&view);
    st_table_close(table);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows_nearer), cmocka_unit_test(test_against_every_entry),
                                       cmocka_unit_test(test_standings),   cmocka_unit_test(test_other_caps),
                                       cmocka_unit_test(test_empty_views), cmocka_unit_test(test_speed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
