/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_context.c - options, environment, and every engine call with the n-th allocation or thread failing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "failing_host.h"
#include "spiraltorch/spiraltorch.h"

static int clean_environment(void **state) {
    (void)state;
    unsetenv("ST_NUM_THREADS");
    unsetenv("ST_CPU_DISABLE");
    unsetenv("ST_DEVICE_AUTO_PRIORITIES");
    return 0;
}

static void refused(st_status status, const char *words) {
    assert_string_equal(st_status_name(status), "ST_E_ARGUMENT");
    if (strstr(st_last_message(), words) == NULL) fail_msg("\"%s\" lacks \"%s\"", st_last_message(), words);
}

static st_context *context_of(const st_context_options *options) {
    st_context *context = NULL;
    if (st_context_create(options, &context) != ST_OK) fail_msg("%s", st_last_message());
    assert_non_null(context);
    return context;
}

static void test_defaults(void **state) {
    (void)state;
    st_context *context = context_of(NULL);
    assert_true(st_context_threads(context) >= 1);
    st_context_destroy(context);
    st_context_destroy(NULL);
    assert_int_equal(st_context_threads(NULL), 0);
}

static void test_options(void **state) {
    (void)state;
    st_context_options options = {.struct_size = sizeof options, .threads = 3};
    st_context *context = context_of(&options);
    assert_int_equal(st_context_threads(context), 3);
    st_context_destroy(context);
    refused(st_context_create(&options, NULL), "context is NULL");
    options.threads = -1;
    context = (st_context *)(uintptr_t)8;
    refused(st_context_create(&options, &context), "options.threads is -1");
    assert_null(context);
    options.threads = 4097;
    refused(st_context_create(&options, &context), "options.threads is 4097");
    options.threads = 1;
    options.struct_size = 4;
    refused(st_context_create(&options, &context), "options.struct_size is 4");
    options.struct_size = sizeof options;
    options.cpu_disable = "avx512, sse9";
    refused(st_context_create(&options, &context), "sse9");
    const st_host half = {.struct_size = sizeof half, .start_thread = (int32_t(*)(void *, void **, void (*)(void *), void *))1};
    options.cpu_disable = NULL;
    options.host = &half;
    refused(st_context_create(&options, &context), "host.start_thread");
}

static void test_thread_variable(void **state) {
    (void)state;
    st_context *context;
    setenv("ST_NUM_THREADS", "3", 1);
    context = context_of(NULL);
    assert_int_equal(st_context_threads(context), 3);
    setenv("ST_NUM_THREADS", "5", 1); /* never read again */
    assert_int_equal(st_context_threads(context), 3);
    st_context_destroy(context);
    st_context_options options = {.struct_size = sizeof options, .threads = 2};
    setenv("ST_NUM_THREADS", "nonsense", 1); /* not read where an option says */
    context = context_of(&options);
    assert_int_equal(st_context_threads(context), 2);
    st_context_destroy(context);
    static const char *const bad[] = {"nonsense", "0", "-1", "4097", "2x", " 2", "0x4", "1e2", "99999999999999999999", "+3", "2.5"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        setenv("ST_NUM_THREADS", bad[i], 1);
        refused(st_context_create(NULL, &context), "ST_NUM_THREADS");
        refused(st_context_create(NULL, &context), bad[i]);
    }
    setenv("ST_NUM_THREADS", "", 1);
    st_context_destroy(context_of(NULL));
    setenv("ST_NUM_THREADS", "007", 1);
    context = context_of(NULL);
    assert_int_equal(st_context_threads(context), 7);
    st_context_destroy(context);
}

/* The kernel of a plan, which names the instruction set. */
static void kernel_of(const st_context_options *options, char kernel[64]) {
    st_context *context = context_of(options);
    st_plan plan;
    assert_int_equal(st_plan_rank(context, ST_TOPK, 4, 10000, 10, NULL, &plan), ST_OK);
    memcpy(kernel, plan.kernel, 64);
    st_context_destroy(context);
}

static void test_disabled_instruction_sets(void **state) {
    (void)state;
    char kernel[64];
    st_context_options options = {.struct_size = sizeof options, .cpu_disable = "avx512,avx2,neon"};
    kernel_of(&options, kernel);
    assert_int_equal(strncmp(kernel, "cpu/portable/", 13), 0);
    setenv("ST_CPU_DISABLE", "avx2 avx512 neon", 1);
    kernel_of(NULL, kernel);
    assert_int_equal(strncmp(kernel, "cpu/portable/", 13), 0);
    setenv("ST_CPU_DISABLE", "mmx", 1);
    st_context *context;
    refused(st_context_create(NULL, &context), "ST_CPU_DISABLE");
    options.cpu_disable = ""; /* the option wins, even empty */
    st_context_destroy(context_of(&options));
}

static void test_priorities_variable(void **state) {
    (void)state;
    st_context *context;
    setenv("ST_DEVICE_AUTO_PRIORITIES", "cuda,tpu", 1);
    refused(st_context_create(NULL, &context), "ST_DEVICE_AUTO_PRIORITIES");
    refused(st_context_create(NULL, &context), "\"tpu\"");
    setenv("ST_DEVICE_AUTO_PRIORITIES", " , ", 1);
    refused(st_context_create(NULL, &context), "ST_DEVICE_AUTO_PRIORITIES");
    static const char *const good[] = {"", "cpu", "wgpu, cpu", "mps,hip,cuda,wgpu,cpu,cpu,wgpu"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        setenv("ST_DEVICE_AUTO_PRIORITIES", good[i], 1);
        st_context_destroy(context_of(NULL));
    }
}

static void test_version(void **state) {
    (void)state;
    int major = -1, minor = -1, patch = -1;
    assert_int_equal(sscanf(st_version(), "%d.%d.%d", &major, &minor, &patch), 3);
    const char *features = st_features();
    assert_non_null(strstr(features, "threads: yes\n"));
#ifdef ST_WGPU
    assert_non_null(strstr(features, "wgpu: wgpu-native 29\n"));
#else
    assert_non_null(strstr(features, "wgpu: no\n"));
#endif
    assert_int_equal(features[strlen(features) - 1], '\n');
}

enum { ROWS = 6, COLS = 4000, K = 5 };

/* What a user does, call by call; stops at the first failure, which must be one of memory. */
static st_status use_everything(const st_host *host, const float *input) {
    const st_context_options options = {.struct_size = sizeof options, .threads = 3, .host = host};
    st_context *context = NULL;
    st_stream *stream = NULL;
    float values[ROWS * K];
    int64_t indices[ROWS * K], counts[ROWS], merged[K];
    static char text[16384];
    uint64_t length;
    int32_t count;
    st_plan plan;
    st_choice choices[64];
    const float lower = 0, upper = 10;
    const float *part = input;
    const int64_t width = K, part_indices[K] = {0, 1, 2, 3, 4};
    const int64_t *part_index = part_indices;
    st_rank_request request;
    st_rank_request_init(&request, ST_TOPK, ROWS, COLS, K);
    const st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = input, .values = values, .indices = indices};
    const st_band_request band = {.struct_size = sizeof band, .dtype = ST_F32, .index_dtype = ST_I64, .rows = ROWS, .cols = COLS,
                                  .row_stride = COLS, .col_stride = 1, .lower = &lower, .upper = &upper};
    const st_band_buffers band_buffers = {.struct_size = sizeof band_buffers, .input = input, .counts = counts};
    const st_stream_options streaming = {.struct_size = sizeof streaming, .dtype = ST_F32, .hi = K, .length = -1};
    const st_merge_request merging = {.struct_size = sizeof merging, .dtype = ST_F32, .parts = 1, .k = K, .widths = &width,
                                      .values = (const void *const *)&part, .indices = &part_index};

    st_status status = st_context_create(&options, &context);
    if (status == ST_OK) status = st_plan_request(context, &request, NULL, NULL, &plan);
    if (status == ST_OK) status = st_execute_rank(context, &plan, &buffers);
    if (status == ST_OK) status = st_rank_candidates(context, &request, NULL, choices, 64, &count);
    for (int32_t i = 0; status == ST_OK && i < count; i++) {
        status = st_plan_with_choice(context, &request, "cpu", &choices[i], &plan);
        if (status == ST_OK) status = st_execute_rank(context, &plan, &buffers);
    }
    if (status == ST_OK) status = st_plan_explain(context, &request, NULL, NULL, 0, text, sizeof text, &length);
    if (status == ST_OK) status = st_plan_explain(context, &request, NULL, NULL, 1, text, sizeof text, &length);
    if (status == ST_OK) status = st_rank(context, &request, &buffers);
    if (status == ST_OK) status = st_midk(context, ST_F32, input, ROWS, COLS, K, values, indices);
    if (status == ST_OK) status = st_band_compact(context, &band, &band_buffers);
    if (status == ST_OK) status = st_stream_open(context, &streaming, &stream);
    if (status == ST_OK) status = st_stream_push(stream, input, ROWS * COLS);
    if (status == ST_OK) status = st_stream_finish(stream, values, indices, ROWS * K);
    if (status == ST_OK) status = st_rank_merge(context, &merging, values, merged);
    st_stream_close(stream);
    st_context_destroy(context);
    return status;
}

static void test_every_allocation_may_fail(void **state) {
    (void)state;
    static float input[ROWS * COLS];
    for (size_t i = 0; i < ROWS * COLS; i++) input[i] = (float)(i * 7919 % 10007);
    int64_t memory_failures = 0, threads_done_without = 0, failures = 1;
    for (int64_t n = 1; failures > 0; n++) {
        st_failing_host failing;
        st_failing_host_open(&failing, n);
        const st_status status = use_everything(&failing.host, input);
        failures = failing.failures;
        if (status != ST_OK) {
            assert_string_equal(st_status_name(status), "ST_E_MEMORY");
            assert_true(st_last_message()[0] != '\0');
            memory_failures++;
        } else if (failures > 0) {
            threads_done_without++; /* a thread that does not start is no failure */
        }
        assert_true(st_failing_host_close(&failing));
        assert_true(n < 10000);
    }
    assert_true(memory_failures >= 6);
    assert_true(threads_done_without >= 1);
    /* Everything fails from the n-th on. */
    for (int64_t n = 1; n < 40; n++) {
        st_failing_host failing;
        st_failing_host_open(&failing, 0);
        failing.fail_from = n;
        const st_status status = use_everything(&failing.host, input);
        if (failing.failures > 0 && n < 5) assert_string_equal(st_status_name(status), "ST_E_MEMORY");
        assert_true(st_failing_host_close(&failing));
    }
}

/* NULL where a context must be: a message, no crash. */
static void test_no_context(void **state) {
    (void)state;
    st_rank_request request;
    st_rank_request_init(&request, ST_TOPK, 1, 4, 1);
    st_plan plan = {.struct_size = sizeof plan};
    const st_rank_buffers buffers = {.struct_size = sizeof buffers};
    st_device_info info = {.struct_size = sizeof info};
    const st_stream_options streaming = {.struct_size = sizeof streaming, .dtype = ST_F32, .length = -1};
    st_stream *stream;
    uint64_t bytes;
    int32_t count;
    refused(st_plan_request(NULL, &request, NULL, NULL, &plan), "context is NULL");
    refused(st_plan_rank(NULL, ST_TOPK, 1, 4, 1, NULL, &plan), "context is NULL");
    refused(st_plan_with_choice(NULL, &request, NULL, &plan.choice, &plan), "context is NULL");
    refused(st_rank_candidates(NULL, &request, NULL, NULL, 0, &count), "context is NULL");
    refused(st_rank_workspace(NULL, &plan, &bytes), "context is NULL");
    refused(st_execute_rank(NULL, &plan, &buffers), "context is NULL");
    refused(st_rank(NULL, &request, &buffers), "context is NULL");
    refused(st_topk(NULL, ST_F32, NULL, 0, 0, 0, NULL, NULL), "context is NULL");
    refused(st_plan_explain(NULL, &request, NULL, NULL, 0, NULL, 0, &bytes), "context is NULL");
    refused(st_band_compact(NULL, NULL, NULL), "context is NULL");
    refused(st_stream_open(NULL, &streaming, &stream), "context is NULL");
    refused(st_rank_merge(NULL, NULL, NULL, NULL), "context is NULL");
    refused(st_register_backend(NULL, NULL), "context is NULL");
    refused(st_device_at(NULL, 0, &info), "context is NULL");
    assert_int_equal(st_device_count(NULL), 0);
}

/* NULL and unknown sizes elsewhere. */
static void test_missing_arguments(void **state) {
    (void)state;
    st_context *context = context_of(NULL);
    st_rank_request request;
    st_rank_request_init(&request, ST_TOPK, 1, 4, 1);
    st_plan plan;
    uint64_t length;
    int32_t count;
    refused(st_plan_request(context, NULL, NULL, NULL, &plan), "request is NULL");
    refused(st_plan_request(context, &request, NULL, NULL, NULL), "plan is NULL");
    refused(st_plan_rank(context, ST_WINDOW, 1, 4, 1, NULL, &plan), "ST_WINDOW");
    refused(st_plan_with_choice(context, &request, NULL, NULL, &plan), "choice is NULL");
    refused(st_plan_with_choice(context, &request, NULL, &plan.choice, NULL), "plan is NULL");
    refused(st_rank_candidates(context, &request, NULL, NULL, 3, &count), "choices is NULL");
    refused(st_rank_candidates(context, &request, NULL, NULL, -1, &count), "capacity is -1");
    refused(st_rank_candidates(context, &request, NULL, NULL, 0, NULL), "count is NULL");
    refused(st_plan_explain(context, &request, NULL, NULL, 0, NULL, 5, &length), "text is NULL");
    refused(st_plan_explain(context, &request, NULL, NULL, 0, NULL, 0, NULL), "length is NULL");
    refused(st_execute_rank(context, NULL, NULL), "plan is NULL");
    assert_int_equal(st_plan_request(context, &request, NULL, NULL, &plan), ST_OK);
    refused(st_execute_rank(context, &plan, NULL), "buffers is NULL");
    refused(st_rank_workspace(context, &plan, NULL), "bytes is NULL");
    const st_stream_options streaming = {.struct_size = sizeof streaming, .dtype = ST_F32, .length = -1};
    refused(st_stream_open(context, &streaming, NULL), "stream is NULL");
    st_stream *stream = (st_stream *)(uintptr_t)8;
    refused(st_stream_open(context, NULL, &stream), "options is NULL");
    assert_null(stream);
    st_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_defaults, clean_environment),
        cmocka_unit_test_setup(test_options, clean_environment),
        cmocka_unit_test_setup(test_thread_variable, clean_environment),
        cmocka_unit_test_setup(test_disabled_instruction_sets, clean_environment),
        cmocka_unit_test_setup(test_priorities_variable, clean_environment),
        cmocka_unit_test_setup(test_version, clean_environment),
        cmocka_unit_test_setup(test_every_allocation_may_fail, clean_environment),
        cmocka_unit_test_setup(test_no_context, clean_environment),
        cmocka_unit_test_setup(test_missing_arguments, clean_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
