/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_huge_rows.c - columns beyond 2^32, where entries are wide whatever the dtype: one element seen with a stride of 0. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spiraltorch/spiraltorch.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static const int64_t COLS = ((int64_t)1 << 32) + 7;

static void check(int32_t kind, int64_t lo, int64_t first) {
    const uint8_t element = 200;
    uint8_t values[3] = {0};
    int64_t indices[3] = {0};
    st_context *context = NULL;
    st_rank_request request;
    st_rank_request_init(&request, kind, 1, COLS, 3);
    request.dtype = ST_U8;
    request.col_stride = 0;
    request.lo = lo;
    request.hi = lo + 3;
    const st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = &element, .values = values, .indices = indices};
    assert_int_equal(st_context_create(NULL, &context), ST_OK);
    assert_int_equal(st_rank(context, &request, &buffers), ST_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(values[i], element);
        assert_int_equal(indices[i], first + i);
    }
    st_context_destroy(context);
}

static void skip_where_slow(void) {
    if (!SANITIZED) return;
    print_message("skipped: with a sanitizer, 4 billion elements take minutes\n");
    skip();
}

static void test_near_end(void **state) {
    (void)state;
    skip_where_slow();
    check(ST_TOPK, 0, 0);
}

static void test_far_end(void **state) {
    (void)state;
    skip_where_slow();
    check(ST_WINDOW, COLS - 3, COLS - 3);
}

static void test_indices_need_64_bits(void **state) {
    (void)state;
    st_context *context = NULL;
    st_plan plan = {.struct_size = sizeof plan};
    st_rank_request request;
    st_rank_request_init(&request, ST_TOPK, 1, COLS, 3);
    request.index_dtype = ST_I32;
    assert_int_equal(st_context_create(NULL, &context), ST_OK);
    assert_int_equal(st_plan_request(context, &request, NULL, NULL, &plan), ST_E_ARGUMENT);
    st_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_near_end), cmocka_unit_test(test_far_end),
                                       cmocka_unit_test(test_indices_need_64_bits)};
    return cmocka_run_group_tests_name("huge_rows", tests, NULL, NULL);
}
