/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * test_sized_paths.c - whole calls on paths that only a certain size or shape of data opens, against the reference: outputs
 * of short rows that are written past the caches, rows that differ in the last bits alone, short rows with lengths, a window in
 * the middle of a long row with one worker, and the first of a row. Each names the kernel that it means.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "random_elements.h"
#include "rank/reference.h"
#include "spiraltorch/spiraltorch.h"

static st_random rng;
static st_host host;

/* Runs the request with the Choice on both thread counts, and compares with the reference. */
static void check(st_rank_request request, const st_choice *choice, const char *family, st_data data, const int64_t *lengths) {
    const size_t elements = (size_t)(request.rows * request.cols);
    const size_t width = (size_t)(request.kind == ST_WINDOW ? request.hi - request.lo : request.k), out = (size_t)request.rows * width;
    const size_t size = (size_t)st_dtype_size(request.dtype), row_bytes = (size_t)request.cols * size;
    char *input = malloc(elements * size), *values[2];
    int64_t *indices[2];
    assert_non_null(input);
    for (int64_t row = 0; row < request.rows; row++) st_random_fill(&rng, request.dtype, data, input + (size_t)row * row_bytes, (size_t)request.cols);
    for (int i = 0; i < 2; i++) {
        values[i] = malloc(out * size);
        indices[i] = malloc(out * sizeof *indices[i]);
        assert_true(values[i] != NULL && indices[i] != NULL);
        memset(values[i], 0xa5, out * size);
        memset(indices[i], 0xa5, out * sizeof *indices[i]);
    }
    for (int32_t threads = 1; threads <= 2; threads++) {
        st_context *context;
        const st_context_options options = {.struct_size = sizeof options, .threads = threads};
        assert_int_equal(st_context_create(&options, &context), ST_OK);
        st_plan plan;
        request.threads = threads;
        assert_int_equal(st_plan_with_choice(context, &request, "cpu", choice, &plan), ST_OK);
        if (strstr(plan.kernel, family) == NULL) fail_msg("%s runs, not %s", plan.kernel, family);
        uint64_t bytes;
        assert_int_equal(st_rank_workspace(context, &plan, &bytes), ST_OK);
        void *workspace = aligned_alloc(64, (bytes + 127) / 64 * 64);
        assert_non_null(workspace);
        st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = input, .lengths = lengths, .workspace = workspace,
                                   .workspace_size = bytes};
        buffers.values = values[0];
        buffers.indices = indices[0];
        assert_int_equal(st_execute_rank(context, &plan, &buffers), ST_OK);
        if (threads == 1) {
            buffers.values = values[1];
            buffers.indices = indices[1];
            buffers.workspace = NULL;
            buffers.workspace_size = 0;
            buffers.row_list_count = request.rows; /* the reference takes what a checked call leaves it */
            buffers.values_stride = buffers.indices_stride = (int64_t)width;
            assert_int_equal(st_reference_rank(&host, &plan.request, &buffers), ST_OK);
        }
        free(workspace);
        st_context_destroy(context);
        assert_memory_equal(indices[0], indices[1], out * sizeof *indices[0]);
        assert_memory_equal(values[0], values[1], out * size);
    }
    for (int i = 0; i < 2; i++) {
        free(values[i]);
        free(indices[i]);
    }
    free(input);
}

static st_rank_request request_of(int32_t kind, int64_t rows, int64_t cols, int64_t k) {
    st_rank_request request;
    st_rank_request_init(&request, kind, rows, cols, k);
    return request;
}

static st_rank_request of_type(st_dtype dtype, st_rank_request request) {
    request.dtype = dtype;
    return request;
}

static const st_choice bitonic = {.mk = ST_MK_BITONIC, .mkd = ST_MKD_BITONIC};

static void test_outputs_past_the_caches(void **state) {
    (void)state;
    /* 12 bytes an output: 18 MB, above the 16 MiB from which they are streamed. */
    check(request_of(ST_TOPK, 12000, 128, 125), &bitonic, "bitonic", ST_DATA_NORMAL, NULL);
    check(request_of(ST_MIDK, 3000, 512, 500), &bitonic, "bitonic", ST_DATA_NORMAL, NULL);
    check(of_type(ST_F64, request_of(ST_TOPK, 9000, 128, 125)), &bitonic, "bitonic", ST_DATA_NORMAL, NULL);
}

static void test_rows_that_differ_in_the_last_bits(void **state) {
    (void)state;
    static const st_dtype dtypes[] = {ST_F32, ST_F64, ST_I64, ST_U64};
    for (size_t d = 0; d < sizeof dtypes / sizeof dtypes[0]; d++)
        for (int64_t k = 1; k <= 64; k *= 4) {
            check(of_type(dtypes[d], request_of(ST_BOTTOMK, 200, 128, k)), &bitonic, "bitonic", ST_DATA_NARROW, NULL);
            check(of_type(dtypes[d], request_of(ST_TOPK, 77, 100, k)), &bitonic, "bitonic", ST_DATA_NARROW, NULL);
            check(of_type(dtypes[d], request_of(ST_TOPK, 77, 512, k)), &bitonic, "bitonic", ST_DATA_NARROW, NULL);
            check(of_type(dtypes[d], request_of(ST_MIDK, 77, 301, k)), &bitonic, "bitonic", ST_DATA_NARROW, NULL);
        }
}

static void test_short_rows_with_lengths(void **state) {
    (void)state;
    int64_t lengths[300];
    for (size_t i = 0; i < 300; i++) lengths[i] = (int64_t)st_random_below(&rng, 65);
    check(request_of(ST_TOPK, 300, 64, 20), &bitonic, "bitonic", ST_DATA_NORMAL, lengths);
    /* A window that is in the nearer half of a whole row, and near the far end of many shorter ones. */
    st_rank_request window = request_of(ST_WINDOW, 300, 512, 0);
    window.lo = 200;
    window.hi = 230;
    for (size_t i = 0; i < 300; i++) lengths[i] = (int64_t)st_random_below(&rng, 513);
    check(window, &bitonic, "bitonic", ST_DATA_NORMAL, lengths);
}

static void test_middle_of_a_long_row(void **state) {
    (void)state;
    const st_choice search = {.mk = ST_MK_WARP, .mkd = ST_MKD_WARP_HEAP, .use_2ce = 1};
    for (int64_t rows = 1; rows <= 3; rows++) {
        check(request_of(ST_MIDK, rows, 40000, 50), &search, "lanes-split", ST_DATA_NORMAL, NULL);
        check(request_of(ST_MIDK, rows, 40000, 50), &search, "lanes-split", ST_DATA_FEW, NULL);
    }
}

/* The best element alone, of rows that are long for that, and of rows that are no multiple of a block. */
static void test_first_of_a_long_row(void **state) {
    (void)state;
    static const int64_t cols[] = {256, 4095, 16383, 16384, 17001, 40960};
    const st_choice lanes = {.mk = ST_MK_WARP, .mkd = ST_MKD_WARP_HEAP};
    for (size_t i = 0; i < sizeof cols / sizeof cols[0]; i++)
        for (int data = ST_DATA_NORMAL; data < ST_DATA_COUNT; data++)
            for (int32_t rule = ST_NAN_GREATEST; rule <= ST_NAN_LAST; rule++) {
                st_rank_request request = request_of(data % 2 ? ST_TOPK : ST_BOTTOMK, 3, cols[i], 1);
                request.nan_rule = rule;
                check(request, &lanes, "lanes", (st_data)data, NULL);
            }
}

int main(void) {
    st_random_seed(&rng, 20261121);
    if (st_host_resolve(NULL, &host) != ST_OK) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outputs_past_the_caches),
        cmocka_unit_test(test_rows_that_differ_in_the_last_bits),
        cmocka_unit_test(test_short_rows_with_lengths),
        cmocka_unit_test(test_middle_of_a_long_row),
        cmocka_unit_test(test_first_of_a_long_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
