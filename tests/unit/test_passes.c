/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_passes.c - counting passes: states, rows that change between passes, failing memory. Answers are rank_check's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "failing_host.h"
#include "spiraltorch/spiraltorch.h"

enum { ROW = 20000 };

static uint32_t row[ROW];

static st_stream_options median_of_row(void) {
    return (st_stream_options){.struct_size = sizeof(st_stream_options), .dtype = ST_U32, .lo = ROW / 2, .hi = ROW / 2 + 3, .length = ROW};
}

static void fill_row(void) {
    for (uint32_t i = 0; i < ROW; i++) row[i] = i * 2654435761u;
}

static st_context *open_context(const st_host *host) {
    st_context *context = NULL;
    const st_context_options options = {.struct_size = sizeof options, .threads = 1, .host = host};
    return st_context_create(&options, &context) == ST_OK ? context : NULL;
}

static void test_states(void **state) {
    (void)state;
    st_context *context = open_context(NULL);
    st_passes *passes = NULL;
    st_stream_options options = median_of_row();
    int32_t more = -1;
    options.length = -1;
    assert_int_equal(st_passes_open(context, &options, 0, &passes), ST_E_ARGUMENT);
    assert_non_null(strstr(st_last_message(), "length"));
    options.length = ROW;
    assert_int_equal(st_passes_open(context, &options, -1, &passes), ST_E_ARGUMENT);
    assert_int_equal(st_passes_open(context, &options, 0, &passes), ST_OK);
    assert_int_equal(st_passes_push(passes, row, 1), ST_E_STATE);
    assert_int_equal(st_passes_finish(passes, NULL, NULL), ST_E_STATE);
    assert_int_equal(st_passes_next(passes, &more), ST_OK);
    assert_int_equal(more, 1);
    assert_int_equal(st_passes_push(passes, NULL, 1), ST_E_ARGUMENT);
    assert_int_equal(st_passes_push(passes, (char *)row + 1, 1), ST_E_ARGUMENT);
    assert_int_equal(st_passes_push(passes, row, -1), ST_E_ARGUMENT);
    assert_int_equal(st_passes_push(passes, row, ROW - 1), ST_OK);
    assert_int_equal(st_passes_push(passes, row, 2), ST_E_ARGUMENT);
    assert_int_equal(st_passes_next(passes, &more), ST_E_STATE); /* one element short */
    assert_non_null(strstr(st_last_message(), "19999"));
    assert_int_equal(st_passes_push(passes, row, 1), ST_E_STATE);
    st_passes_close(passes);

    options.hi = options.lo; /* nothing is wanted: nothing is read */
    assert_int_equal(st_passes_open(context, &options, 0, &passes), ST_OK);
    assert_int_equal(st_passes_next(passes, &more), ST_OK);
    assert_int_equal(more, 0);
    assert_int_equal(st_passes_finish(passes, NULL, NULL), ST_OK);
    assert_int_equal(st_passes_finish(passes, NULL, NULL), ST_E_STATE);
    st_passes_close(passes);
    st_passes_close(NULL);
    st_context_destroy(context);
}

/* Runs all passes, with row[0] changed before the pass of that number; the status of the first failing call. */
static st_status run(st_context *context, int64_t candidates, int changed_pass, int *passes_done, int64_t indices[3]) {
    const st_stream_options options = median_of_row();
    st_passes *passes = NULL;
    int32_t more = 0;
    *passes_done = 0;
    st_status status = st_passes_open(context, &options, candidates, &passes);
    if (status == ST_OK) status = st_passes_next(passes, &more);
    while (status == ST_OK && more) {
        if (++*passes_done == changed_pass) memset(row, 0xff, sizeof row / 2);
        status = st_passes_push(passes, row, ROW);
        if (status == ST_OK) status = st_passes_next(passes, &more);
    }
    if (status == ST_OK) status = st_passes_finish(passes, NULL, indices);
    st_passes_close(passes);
    return status;
}

static void test_changed_rows(void **state) {
    (void)state;
    st_context *context = open_context(NULL);
    int64_t indices[3];
    int done;
    fill_row();
    assert_int_equal(run(context, 1, 0, &done, indices), ST_OK);
    assert_true(done > 2);
    const int needed = done;
    for (int pass = 2; pass <= needed; pass++) {
        fill_row();
        assert_int_equal(run(context, 1, pass, &done, indices), ST_E_STATE);
        assert_non_null(strstr(st_last_message(), "changed"));
    }
    /* With room for every element, one counting pass and one that gathers. */
    fill_row();
    assert_int_equal(run(context, ROW, 0, &done, indices), ST_OK);
    assert_int_equal(done, 2);
    st_context_destroy(context);
}

static void test_nan_and_equal_rows(void **state) {
    (void)state;
    st_context *context = open_context(NULL);
    float floats[100] = {0};
    st_passes *passes = NULL;
    int32_t more = 0;
    int64_t indices[2] = {-1, -1};
    st_stream_options options = {.struct_size = sizeof options, .dtype = ST_F32, .nan_rule = ST_NAN_ERROR, .lo = 70, .hi = 72, .length = 100};
    /* All equal: no digit tells them apart, and the window is a matter of order alone. */
    assert_int_equal(st_passes_open(context, &options, 1, &passes), ST_OK);
    for (assert_int_equal(st_passes_next(passes, &more), ST_OK); more; assert_int_equal(st_passes_next(passes, &more), ST_OK))
        assert_int_equal(st_passes_push(passes, floats, 100), ST_OK);
    assert_int_equal(st_passes_finish(passes, NULL, indices), ST_OK);
    assert_int_equal(indices[0], 70);
    assert_int_equal(indices[1], 71);
    st_passes_close(passes);

    const uint32_t nan = 0xffc00001u;
    memcpy(&floats[42], &nan, sizeof nan);
    assert_int_equal(st_passes_open(context, &options, 1, &passes), ST_OK);
    assert_int_equal(st_passes_next(passes, &more), ST_OK);
    assert_int_equal(st_passes_push(passes, floats, 40), ST_OK);
    assert_int_equal(st_passes_push(passes, floats + 40, 60), ST_E_NAN);
    assert_non_null(strstr(st_last_message(), "element 42"));
    st_passes_close(passes);
    st_context_destroy(context);
}

static void test_failing_memory(void **state) {
    (void)state;
    int64_t indices[3];
    int done, refused = 0;
    fill_row();
    for (int64_t n = 1;; n++) {
        st_failing_host failing;
        st_failing_host_open(&failing, n);
        st_context *context = open_context(&failing.host);
        const st_status status = context == NULL ? ST_E_MEMORY : run(context, 1, 0, &done, indices);
        st_context_destroy(context);
        assert_true(st_failing_host_close(&failing));
        if (status == ST_OK) break;
        assert_int_equal(status, ST_E_MEMORY);
        refused++;
    }
    assert_true(refused >= 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_states), cmocka_unit_test(test_changed_rows),
                                       cmocka_unit_test(test_nan_and_equal_rows), cmocka_unit_test(test_failing_memory)};
    return cmocka_run_group_tests_name("unit_passes", tests, NULL, NULL);
}
