/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_table_report.c - gaps and overlaps told by looking at every cell, and devices told apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "failing_host.h"
#include "plan/table_report.h"
#include "random_table.h"
#include "spiraltorch/spiraltorch.h"
#include "table_text.h"

enum { MOST = 4096 };
static st_table_finding findings[MOST];

static st_table *table_of(const st_table_entry *entries, int32_t count) {
    st_host host;
    st_table *table = NULL;
    assert_int_equal(st_host_resolve(NULL, &host), ST_OK);
    assert_int_equal(st_table_build(&host, entries, count, "made up", &table), ST_OK);
    return table;
}

static st_table_entry area(int64_t cols_min, int64_t cols_max, int64_t k_min, int64_t k_max) {
    return (st_table_entry){.rows = 8, .cols_min = cols_min, .cols_max = cols_max, .k_min = k_min, .k_max = k_max, .decided = 1};
}

static int64_t report(const st_table *table) {
    const st_device_identity here = st_random_identity(0);
    int64_t count = -1;
    assert_int_equal(st_table_look_over(table, &here, 1, findings, MOST, &count), ST_OK);
    return count;
}

static void test_one_gap_and_one_overlap(void **state) {
    (void)state;
    const st_table_entry entries[] = {area(10, 19, 0, 8), area(30, 39, 0, 8), area(35, 49, 4, 8)};
    st_table *table = table_of(entries, 3);
    assert_int_equal(report(table), 4);
    assert_int_equal(findings[0].what, ST_FINDING_DEVICE);
    assert_int_equal(findings[0].entries, 3);
    assert_int_equal(findings[0].standing, ST_STANDING_UNNAMED);
    assert_string_equal(findings[0].id, "");
    const st_table_finding *gap = &findings[1];
    assert_int_equal(gap->what, ST_FINDING_GAP);
    assert_true(gap->cols_min == 20 && gap->cols_max == 29 && gap->k_min == 0 && gap->k_max == 8 && gap->rows == 8);
    gap = &findings[2];
    assert_true(gap->what == ST_FINDING_GAP && gap->cols_min == 40 && gap->cols_max == 49 && gap->k_min == 0 && gap->k_max == 3);
    const st_table_finding *overlap = &findings[3];
    assert_int_equal(overlap->what, ST_FINDING_OVERLAP);
    assert_true(overlap->entry == 2 && overlap->other == 3);
    assert_true(overlap->cols_min == 35 && overlap->cols_max == 39 && overlap->k_min == 4 && overlap->k_max == 8);
    st_table_close(table);
}

/* Of one list of entries: which cells no entry is for, between the least and the greatest, and which pairs meet. */
static void check_cells(const st_table *table, int64_t count) {
    enum { SIDE = 16 };
    int64_t low = SIDE, high = 0, k_low = SIDE, k_high = 0, pairs = 0, seen_pairs = 0;
    for (int32_t i = 0; i < table->count; i++) {
        const st_table_entry *a = &table->entries[i];
        low = a->cols_min < low ? a->cols_min : low;
        high = a->cols_max > high ? a->cols_max : high;
        k_low = a->k_min < k_low ? a->k_min : k_low;
        k_high = a->k_max > k_high ? a->k_max : k_high;
        for (int32_t j = i + 1; j < table->count; j++) {
            const st_table_entry *b = &table->entries[j];
            pairs += a->cols_min <= b->cols_max && b->cols_min <= a->cols_max && a->k_min <= b->k_max && b->k_min <= a->k_max;
        }
    }
    for (int64_t cols = 0; cols < SIDE; cols++)
        for (int64_t k = 0; k < SIDE; k++) {
            int covered = 0, gaps = 0;
            for (int32_t i = 0; i < table->count; i++) {
                const st_table_entry *entry = &table->entries[i];
                covered |= entry->cols_min <= cols && cols <= entry->cols_max && entry->k_min <= k && k <= entry->k_max;
            }
            for (int64_t i = 1; i < count; i++)
                gaps += findings[i].what == ST_FINDING_GAP && findings[i].cols_min <= cols && cols <= findings[i].cols_max &&
                        findings[i].k_min <= k && k <= findings[i].k_max;
            const int inside = cols >= low && cols <= high && k >= k_low && k <= k_high;
            assert_true(gaps <= (inside && !covered)); /* each once, and nothing that is covered or outside */
            if (inside && !covered && k <= cols) assert_int_equal(gaps, 1);
        }
    for (int64_t i = 1; i < count; i++) {
        if (findings[i].what != ST_FINDING_OVERLAP) continue;
        const st_table_entry *a = &table->entries[findings[i].entry - 1], *b = &table->entries[findings[i].other - 1];
        assert_true(findings[i].entry < findings[i].other);
        assert_true(findings[i].cols_min >= a->cols_min && findings[i].cols_min >= b->cols_min && findings[i].cols_min <= findings[i].cols_max);
        assert_true(findings[i].cols_max <= a->cols_max && findings[i].cols_max <= b->cols_max && findings[i].k_min <= findings[i].k_max);
        assert_true(findings[i].k_min >= a->k_min && findings[i].k_max <= b->k_max && findings[i].k_max <= a->k_max);
        seen_pairs++;
    }
    assert_int_equal(seen_pairs, pairs);
}

static void test_every_cell(void **state) {
    (void)state;
    st_random random;
    st_random_seed(&random, 23);
    int64_t gaps = 0, overlaps = 0;
    for (int turn = 0; turn < 3000; turn++) {
        st_table_entry entries[8];
        const int32_t count = (int32_t)st_random_between(&random, 1, 8);
        for (int32_t i = 0; i < count; i++) {
            const int64_t cols = st_random_between(&random, 0, 15), k = st_random_between(&random, 0, 15);
            entries[i] = area(cols, st_random_between(&random, cols, 15), k, st_random_between(&random, k, 15));
        }
        st_table *table = table_of(entries, count);
        const int64_t found = report(table);
        check_cells(table, found);
        for (int64_t i = 1; i < found; i++) {
            gaps += findings[i].what == ST_FINDING_GAP;
            overlaps += findings[i].what == ST_FINDING_OVERLAP;
        }
        st_table_close(table);
    }
    assert_true(gaps > 3000 && overlaps > 3000);
}

/* Entries that differ in kind, sg, threads, rows, width, dtype or device neither overlap nor leave gaps between them. */
static void test_areas_apart(void **state) {
    (void)state;
    st_table_entry entries[8];
    for (int i = 0; i < 8; i++) entries[i] = area(10 + i, 20 + i, 0, 8);
    entries[1].kind = ST_MIDK;
    entries[2].sg = 1;
    entries[3].threads = 2;
    entries[4].rows = 9;
    entries[5].bits = 32;
    entries[6].bits = 32;
    entries[6].dtype = ST_I32;
    strcpy(entries[7].backend, "cpu");
    st_table *table = table_of(entries, 8);
    assert_int_equal(report(table), 2);
    assert_int_equal(findings[0].entries, 7);
    assert_int_equal(findings[1].entry, 8);
    st_table_close(table);
}

static void test_devices(void **state) {
    (void)state;
    st_random random;
    st_random_seed(&random, 2);
    st_table *table = st_random_table(&random, 300, 1);
    const st_device_identity here[] = {st_random_identity(1), st_random_identity(2)};
    static st_table_finding found[4];
    int64_t count = 0;
    assert_int_equal(st_table_look_over(table, here, 2, NULL, 0, &count), ST_OK);
    assert_true(count > 4);
    assert_int_equal(st_table_look_over(table, here, 2, found, 4, &count), ST_E_CAPACITY);
    int32_t entries = 0, measured = 0;
    for (int i = 0; i < 4; i++) {
        const st_table_finding *finding = &found[i];
        assert_int_equal(finding->what, ST_FINDING_DEVICE);
        entries += finding->entries;
        measured += finding->standing == ST_STANDING_MEASURED;
        const st_table_entry *entry = &table->entries[finding->entry - 1];
        if (strcmp(entry->device, "First") == 0) {
            assert_int_equal(finding->standing, ST_STANDING_DEVICE);
            assert_non_null(strstr(finding->why, "First"));
            assert_string_equal(finding->id, "cpu");
        }
    }
    assert_int_equal(entries, 300);
    assert_int_equal(measured, 2);
    st_table_close(table);
}

/* With the devices of a context, by the public function. */
static void test_report_in_a_context(void **state) {
    (void)state;
    st_context *context = NULL;
    int64_t count = 0;
    const st_context_options options = {.struct_size = sizeof options, .threads = 1};
    assert_int_equal(st_context_create(&options, &context), ST_OK);
    const st_table_entry entries[] = {area(1, 2, 0, 1)};
    st_table *table = table_of(entries, 1);
    assert_int_equal(st_table_report(context, table, findings, MOST, &count), ST_OK);
    assert_int_equal(count, 1);
    assert_int_equal(findings[0].standing, ST_STANDING_UNNAMED);
    assert_int_equal(st_table_report(NULL, table, findings, MOST, &count), ST_E_ARGUMENT);
    assert_int_equal(st_table_report(context, NULL, findings, MOST, &count), ST_E_ARGUMENT);
    assert_int_equal(st_table_report(context, table, NULL, 1, &count), ST_E_ARGUMENT);
    assert_int_equal(st_table_report(context, table, findings, -1, &count), ST_E_ARGUMENT);
    assert_int_equal(st_table_report(context, table, findings, 1, NULL), ST_E_ARGUMENT);
    st_table_close(table);
    table = table_of(NULL, 0);
    assert_int_equal(st_table_report(context, table, findings, MOST, &count), ST_OK);
    assert_int_equal(count, 0);
    st_table_close(table);
    st_context_destroy(context);
}

static void test_failing_allocation(void **state) {
    (void)state;
    const st_table_entry entries[] = {area(1, 2, 0, 1)};
    for (int64_t at = 1;; at++) {
        st_failing_host failing;
        st_table *table = NULL;
        int64_t count;
        uint64_t length;
        st_failing_host_open(&failing, at);
        st_status status = st_table_build(&failing.host, entries, 1, "made up", &table);
        if (status == ST_OK) {
            const st_device_identity here = st_random_identity(0);
            status = st_table_look_over(table, &here, 1, findings, MOST, &count);
            if (status == ST_OK) status = st_table_header(table, NULL, NULL, 0, &length);
            st_table_close(table);
        }
        const int done = failing.failures == 0;
        assert_int_equal(status, done ? ST_OK : ST_E_MEMORY);
        assert_true(st_failing_host_close(&failing));
        if (done) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_gap_and_one_overlap), cmocka_unit_test(test_every_cell),
                                       cmocka_unit_test(test_areas_apart),             cmocka_unit_test(test_devices),
                                       cmocka_unit_test(test_report_in_a_context),     cmocka_unit_test(test_failing_allocation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
