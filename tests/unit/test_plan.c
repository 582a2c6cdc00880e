/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_plan.c - plans: what they say, for hardware here and absent; running them, also where someone tampered with them. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device/choice_fields.h"
#include "failing_host.h"
#include "guard_pages.h"
#include "plan/effects.h"
#include "random_elements.h"
#include "spiraltorch/spiraltorch.h"

static st_context *context;

static int open_context(void **state) {
    (void)state;
    const st_context_options options = {.struct_size = sizeof options, .threads = 2};
    return st_context_create(&options, &context);
}

static int close_context(void **state) {
    (void)state;
    st_context_destroy(context);
    return 0;
}

static void refused(st_status status, st_status expected, const char *words) {
    assert_string_equal(st_status_name(status), st_status_name(expected));
    if (strstr(st_last_message(), words) == NULL) fail_msg("\"%s\" lacks \"%s\"", st_last_message(), words);
}

static void passes(st_status status) {
    if (status != ST_OK) fail_msg("%s: %s", st_status_name(status), st_last_message());
}

static void test_plan_on_the_cpu(void **state) {
    (void)state;
    st_plan plan, again, request_plan;
    passes(st_plan_rank(context, ST_TOPK, 8, 65536, 64, NULL, &plan));
    assert_int_equal(plan.struct_size, sizeof plan);
    assert_int_equal(plan.source, ST_SOURCE_FALLBACK);
    assert_string_equal(plan.device, "cpu");
    assert_int_equal(strncmp(plan.kernel, "cpu/", 4), 0);
    assert_true(plan.predicted_ns > 0);
    assert_int_equal(plan.request.threads, 2);
    assert_int_equal(plan.caps.max_workgroup, 2);
    passes(st_plan_rank(context, ST_TOPK, 8, 65536, 64, NULL, &again)); /* from the cache */
    assert_memory_equal(&again.choice, &plan.choice, sizeof plan.choice);
    assert_string_equal(again.kernel, plan.kernel);
    assert_true(again.predicted_ns == plan.predicted_ns);
    st_rank_request request;
    st_rank_request_init(&request, ST_TOPK, 8, 65536, 64);
    passes(st_plan_request(context, &request, "cpu", NULL, &request_plan));
    assert_memory_equal(&request_plan.choice, &plan.choice, sizeof plan.choice);
    refused(st_plan_rank(context, ST_TOPK, 8, 64, 70, NULL, &plan), ST_E_ARGUMENT, "k is 70 but cols is 64");
}

static void test_plans_for_caps(void **state) {
    (void)state;
    static const char *const names[] = {NULL, "cpu", "wgpu", "cuda", "hip", "mps"};
    float value, input[4] = {1, 2, 3, 4};
    int64_t index;
    for (int32_t kind = ST_TOPK; kind <= ST_WINDOW; kind++)
        for (int32_t backend = ST_BACKEND_CPU; backend <= ST_BACKEND_MPS; backend++) {
            st_device_caps caps = st_caps_wgpu(32, 1, 256);
            caps.backend = backend;
            st_plan plan;
            st_rank_request request;
            st_rank_request_init(&request, kind, 1, 4, 1);
            passes(st_plan_request(context, &request, NULL, &caps, &plan));
            assert_int_equal(strncmp(plan.kernel, names[backend], strlen(names[backend])), 0);
            assert_int_equal(strncmp(plan.device, names[backend], strlen(names[backend])), 0);
            assert_memory_equal(&plan.caps, &caps, sizeof caps);
            const st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = input, .values = &value, .indices = &index};
            if (backend == ST_BACKEND_CPU)
                passes(st_execute_rank(context, &plan, &buffers)); /* made for another machine's caps, it runs on this one */
            else
                refused(st_execute_rank(context, &plan, &buffers), ST_E_DEVICE, "cannot run");
        }
    st_plan plan;
    st_rank_request request;
    st_rank_request_init(&request, ST_TOPK, 1, 4, 1);
    st_device_caps caps = st_caps_cuda(32, 1024);
    refused(st_plan_request(context, &request, "cpu", &caps, &plan), ST_E_ARGUMENT, "device and caps are both given");
    caps.lanes = -3;
    refused(st_plan_request(context, &request, NULL, &caps, &plan), ST_E_ARGUMENT, "caps.lanes is -3");
}

static void test_own_choice(void **state) {
    (void)state;
    st_plan plan;
    st_rank_request request;
    st_rank_request_init(&request, ST_MIDK, 2, 5000, 9);
    st_choice choice = {.mk = ST_MK_RADIX, .wg = 4000, .kl = -5, .tile = 777};
    passes(st_plan_with_choice(context, &request, NULL, &choice, &plan));
    assert_int_equal(plan.source, ST_SOURCE_CALLER);
    assert_int_equal(plan.choice.mk, ST_MK_RADIX);
    assert_int_equal(plan.choice.wg, 2);
    assert_int_equal(plan.choice.kl, 1);
    assert_int_equal(plan.choice.tile, 512);
    static const int32_t pairs[][2] = {{ST_MK_RADIX, ST_MKD_FILTER}, {4, 0}, {-1, 0}, {ST_MK_WARP, 7}, {ST_MK_BITONIC, -1}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        choice = (st_choice){.mk = pairs[i][0], .mkd = pairs[i][1]};
        refused(st_plan_with_choice(context, &request, NULL, &choice, &plan), ST_E_ARGUMENT, "not legal for midk on cpu");
    }
    refused(st_plan_with_choice(context, &request, "hip:0", &choice, &plan), ST_E_DEVICE, "hip:0");
}

/* Shape of the runs below. */
enum { ROWS = 5, COLS = 3000, K = 40 };

static float input[ROWS * COLS], values[ROWS * K], expected[ROWS * K];
static int64_t indices[ROWS * K], expected_indices[ROWS * K];

static st_rank_buffers fresh_buffers(void) {
    memset(values, 0x5a, sizeof values);
    memset(indices, 0x5a, sizeof indices);
    return (st_rank_buffers){.struct_size = sizeof(st_rank_buffers), .input = input, .values = values, .indices = indices};
}

static void fill(void) {
    st_random random;
    st_random_seed(&random, 42);
    for (size_t i = 0; i < ROWS * COLS; i++) input[i] = (float)st_random_below(&random, 500);
}

static void assert_untouched(void) {
    for (size_t i = 0; i < sizeof values; i++) assert_int_equal(((unsigned char *)values)[i], 0x5a);
    for (size_t i = 0; i < sizeof indices; i++) assert_int_equal(((unsigned char *)indices)[i], 0x5a);
}

static void assert_answer(void) {
    assert_memory_equal(values, expected, sizeof values);
    assert_memory_equal(indices, expected_indices, sizeof indices);
}

/* Every candidate gives the same answer, within exactly the workspace that it asks for. */
static void test_candidates_run(void **state) {
    (void)state;
    fill();
    passes(st_topk(context, ST_F32, input, ROWS, COLS, K, expected, expected_indices));
    for (int64_t row = 0; row < ROWS; row++)
        for (int64_t i = 0; i < K; i++) {
            const int64_t at = row * K + i;
            assert_true(input[row * COLS + expected_indices[at]] == expected[at]);
            if (i > 0)
                assert_true(expected[at - 1] > expected[at] ||
                            (expected[at - 1] == expected[at] && expected_indices[at - 1] < expected_indices[at]));
        }
    st_rank_request request;
    st_rank_request_init(&request, ST_TOPK, ROWS, COLS, K);
    int32_t count = 0, again = 0;
    st_choice choices[64];
    passes(st_rank_candidates(context, &request, NULL, NULL, 0, &count));
    assert_in_range(count, 2, 64);
    passes(st_rank_candidates(context, &request, "cpu", choices, count, &again));
    assert_int_equal(again, count);
    refused(st_rank_candidates(context, &request, "cpu", choices, 1, &again), ST_E_CAPACITY, "capacity is 1");
    assert_int_equal(again, count);
    for (int32_t i = 0; i < count; i++) {
        st_plan plan;
        uint64_t bytes = 0;
        passes(st_plan_with_choice(context, &request, NULL, &choices[i], &plan));
        assert_memory_equal(&plan.choice, &choices[i], sizeof plan.choice);
        passes(st_rank_workspace(context, &plan, &bytes));
        st_guarded guarded;
        assert_int_equal(st_guarded_open(&guarded, (size_t)bytes + 64), 0);
        for (size_t offset = 0; offset < 3; offset++) {
            char *workspace = (char *)st_guarded_place(&guarded, (size_t)bytes + offset, 1);
            st_rank_buffers buffers = fresh_buffers();
            buffers.workspace = workspace;
            buffers.workspace_size = bytes;
            passes(st_execute_rank(context, &plan, &buffers));
            assert_answer();
            assert_true(st_guarded_intact(&guarded, workspace, (size_t)bytes + offset));
        }
        if (bytes > 0) {
            st_rank_buffers buffers = fresh_buffers();
            buffers.workspace = guarded.first;
            buffers.workspace_size = bytes - 1;
            refused(st_execute_rank(context, &plan, &buffers), ST_E_CAPACITY, "workspace_size is");
            buffers.workspace_size = 0;
            refused(st_execute_rank(context, &plan, &buffers), ST_E_CAPACITY, "workspace_size is 0");
            assert_untouched();
        }
        st_guarded_close(&guarded);
    }
}

/* With a workspace a run allocates nothing. */
static void test_runs_without_allocation(void **state) {
    (void)state;
    st_failing_host failing;
    st_context *own = NULL;
    st_plan plan;
    uint64_t bytes = 0;
    fill();
    passes(st_topk(context, ST_F32, input, ROWS, COLS, K, expected, expected_indices));
    st_failing_host_open(&failing, 0);
    const st_context_options options = {.struct_size = sizeof options, .threads = 1, .host = &failing.host};
    passes(st_context_create(&options, &own));
    st_rank_request request;
    st_rank_request_init(&request, ST_TOPK, ROWS, COLS, K);
    passes(st_plan_request(own, &request, NULL, NULL, &plan));
    passes(st_rank_workspace(own, &plan, &bytes));
    void *workspace = malloc((size_t)bytes);
    assert_non_null(workspace);
    const int64_t before = failing.events;
    st_rank_buffers buffers = fresh_buffers();
    buffers.workspace = workspace;
    buffers.workspace_size = bytes;
    passes(st_execute_rank(own, &plan, &buffers));
    passes(st_plan_request(own, &request, NULL, NULL, &plan));
    assert_int_equal(failing.events, before);
    assert_answer();
    free(workspace);
    st_context_destroy(own);
    assert_true(st_failing_host_close(&failing));
}

static void test_nothing_to_do(void **state) {
    (void)state;
    static const int64_t shapes[][3] = {{0, 9, 2}, {3, 9, 0}, {3, 0, 0}, {0, 0, 0}};
    const st_rank_buffers none = {.struct_size = sizeof none};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (int32_t kind = ST_TOPK; kind <= ST_WINDOW; kind++) {
            st_rank_request request;
            st_plan plan;
            uint64_t bytes = 77;
            st_rank_request_init(&request, kind, shapes[i][0], shapes[i][1], shapes[i][2]);
            passes(st_plan_request(context, &request, NULL, NULL, &plan));
            passes(st_rank_workspace(context, &plan, &bytes));
            assert_int_equal(bytes, 0);
            passes(st_execute_rank(context, &plan, &none));
            passes(st_rank(context, &request, &none));
        }
    passes(st_topk(context, ST_F32, NULL, 3, 9, 0, NULL, NULL));
    /* k = 0 scans nothing: a NaN under the rule of error is not met. */
    const uint32_t nan_bits = 0x7fc00000u;
    float nan;
    memcpy(&nan, &nan_bits, sizeof nan);
    st_rank_request request;
    st_rank_request_init(&request, ST_TOPK, 1, 1, 0);
    request.nan_rule = ST_NAN_ERROR;
    const st_rank_buffers one = {.struct_size = sizeof one, .input = &nan, .values = values, .indices = indices};
    passes(st_rank(context, &request, &one));
    request.k = 1;
    refused(st_rank(context, &request, &one), ST_E_NAN, "row 0, column 0");
}

/* One row that is not split needs one worker's scratch, however many threads there are. */
static void test_scratch_of_one_row(void **state) {
    (void)state;
    uint64_t bytes[2];
    const st_context_options options = {.struct_size = sizeof options, .threads = 64};
    st_context *many = NULL;
    passes(st_context_create(&options, &many));
    for (int i = 0; i < 2; i++) {
        st_rank_request request;
        st_plan plan;
        st_rank_request_init(&request, ST_MIDK, 1, 1 << 20, 100);
        request.threads = i == 0 ? 1 : 64;
        const st_choice radix = {.mk = ST_MK_RADIX, .wg = 1, .kl = 1};
        passes(st_plan_with_choice(many, &request, "cpu", &radix, &plan));
        passes(st_rank_workspace(many, &plan, &bytes[i]));
    }
    assert_true(bytes[0] > 1 << 20);
    assert_int_equal(bytes[0], bytes[1]);
    st_context_destroy(many);
}

static void test_one_call(void **state) {
    (void)state;
    const int16_t row[6] = {5, -1, 5, 9, 0, 9};
    int16_t value[3];
    int64_t index[3];
    passes(st_topk(context, ST_I16, row, 1, 6, 3, value, index));
    assert_memory_equal(value, ((int16_t[]){9, 9, 5}), sizeof value);
    assert_memory_equal(index, ((int64_t[]){3, 5, 0}), sizeof index);
    passes(st_bottomk(context, ST_I16, row, 1, 6, 3, value, NULL));
    assert_memory_equal(value, ((int16_t[]){-1, 0, 5}), sizeof value);
    passes(st_midk(context, ST_I16, row, 1, 6, 3, NULL, index));
    assert_memory_equal(index, ((int64_t[]){4, 0, 2}), sizeof index);
    refused(st_topk(context, ST_I16, row, 1, 6, 3, NULL, NULL), ST_E_ARGUMENT, "both NULL");
    refused(st_topk(context, 0, row, 1, 6, 3, value, NULL), ST_E_ARGUMENT, "dtype is 0");
}

static void test_tampered_plans(void **state) {
    (void)state;
    st_plan good, plan;
    fill();
    passes(st_plan_rank(context, ST_TOPK, ROWS, COLS, K, NULL, &good));
    st_rank_buffers buffers = fresh_buffers();
    plan = good;
    plan.struct_size = 1;
    refused(st_execute_rank(context, &plan, &buffers), ST_E_ARGUMENT, "plan.struct_size is 1");
    plan = good;
    plan.request.k = COLS + 1;
    refused(st_execute_rank(context, &plan, &buffers), ST_E_ARGUMENT, "k is 3001");
    plan = good;
    plan.request.dtype = 50;
    refused(st_execute_rank(context, &plan, &buffers), ST_E_ARGUMENT, "dtype is 50");
    plan = good;
    plan.choice.kl = 1 << 30;
    refused(st_execute_rank(context, &plan, &buffers), ST_E_ARGUMENT, "choice.kl is 1073741824");
    plan = good;
    plan.choice.mk = ST_MK_RADIX;
    plan.choice.mkd = ST_MKD_HEAP;
    refused(st_execute_rank(context, &plan, &buffers), ST_E_ARGUMENT, "not legal for topk on cpu");
    plan = good;
    memset(plan.device, 'x', sizeof plan.device);
    refused(st_execute_rank(context, &plan, &buffers), ST_E_ARGUMENT, "plan.device");
    plan = good;
    snprintf(plan.device, sizeof plan.device, "cuda:7");
    refused(st_execute_rank(context, &plan, &buffers), ST_E_DEVICE, "cuda:7");
    assert_untouched();

    /* Wild but in bounds: brought to this device, and right. */
    passes(st_topk(context, ST_F32, input, ROWS, COLS, K, expected, expected_indices));
    plan = good;
    plan.choice.wg = 4096;
    plan.choice.use_2ce = 1;
    plan.choice.tile = plan.choice.ctile = plan.choice.kl = 0;
    plan.request.threads = 4000;
    plan.caps = st_caps_wgpu(1, 0, 1);
    buffers = fresh_buffers();
    passes(st_execute_rank(context, &plan, &buffers));
    assert_answer();

    /* A plan of a context with other threads. */
    st_context *other = NULL;
    const st_context_options options = {.struct_size = sizeof options, .threads = 7};
    passes(st_context_create(&options, &other));
    passes(st_plan_rank(other, ST_TOPK, ROWS, COLS, K, NULL, &plan));
    st_context_destroy(other);
    buffers = fresh_buffers();
    passes(st_execute_rank(context, &plan, &buffers));
    assert_answer();
}

/* Plans with a few bytes changed at random either run or are refused; memory around outputs stays as it is. */
static void test_random_damage(void **state) {
    (void)state;
    enum { SMALL_ROWS = 2, SMALL_COLS = 64, SMALL_K = 8 };
    st_random random;
    st_random_seed(&random, 99);
    st_guarded guarded;
    assert_int_equal(st_guarded_open(&guarded, 1 << 16), 0);
    float small[SMALL_ROWS * SMALL_COLS] = {0};
    st_plan good;
    passes(st_plan_rank(context, ST_TOPK, SMALL_ROWS, SMALL_COLS, SMALL_K, NULL, &good));
    int64_t ran = 0;
    for (int round = 0; round < 30000; round++) {
        st_plan plan = good;
        /* The request decides how much memory the buffers must have, so the damage is to all that stands after it. */
        const size_t from = st_random_chance(&random, 1, 8) ? offsetof(st_plan, device) : offsetof(st_plan, choice);
        for (uint64_t change = st_random_below(&random, 4) + 1; change > 0; change--)
            ((unsigned char *)&plan)[from + st_random_below(&random, sizeof plan - from)] = (unsigned char)st_random_below(&random, 5);
        const size_t value_bytes = SMALL_ROWS * SMALL_K * sizeof(float), index_bytes = SMALL_ROWS * SMALL_K * sizeof(int64_t);
        char *place = st_guarded_place(&guarded, index_bytes + value_bytes, 1);
        const st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = small, .indices = place, .values = place + index_bytes};
        ran += st_execute_rank(context, &plan, &buffers) == ST_OK;
        assert_true(st_guarded_intact(&guarded, place, index_bytes + value_bytes));
    }
    assert_true(ran > 1000 && ran < 29000);
    st_guarded_close(&guarded);
}

static void test_explanation(void **state) {
    (void)state;
    st_rank_request request;
    st_rank_request_init(&request, ST_TOPK, 1000, 60000, 10);
    char text[8192], json[8192];
    uint64_t length = 0, again = 0;
    passes(st_plan_explain(context, &request, NULL, NULL, 0, NULL, 0, &length)); /* how much? */
    passes(st_plan_explain(context, &request, NULL, NULL, 0, text, length + 1, &again));
    assert_int_equal(length, again);
    assert_int_equal(strlen(text), length);
    assert_non_null(strstr(text, "topk of 1000 x 60000 f32, k 10"));
    assert_non_null(strstr(text, "cpu/"));
    assert_non_null(strstr(text, "source fallback"));
    int lines = 0, column = 0;
    for (const char *at = text; *at != '\0'; at++) {
        column = *at == '\n' ? 0 : column + 1;
        lines += *at == '\n';
        assert_true(column <= 120);
    }
    assert_true(lines <= 30); /* one screen */
    refused(st_plan_explain(context, &request, NULL, NULL, 0, text, length, &again), ST_E_CAPACITY, "capacity is");
    assert_int_equal(again, length);
    assert_int_equal(strlen(text), length - 1);
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        char name[32];
        snprintf(name, sizeof name, "    %s ", st_choice_field_at(field)->name);
        passes(st_plan_explain(context, &request, NULL, NULL, 0, text, sizeof text, &length));
        assert_non_null(strstr(text, name));
    }
    passes(st_plan_explain(context, &request, NULL, NULL, 1, json, sizeof json, &length));
    static const char *const parts[] = {"{\"kind\":\"topk\",", "\"rows\":1000,",    "\"cols\":60000,",  "\"k\":10,",
                                        "\"dtype\":\"f32\",",  "\"device\":\"cpu\",", "\"choice\":{\"mk\":", "\"kernel\":\"cpu/",
                                        "\"predicted_ns\":",   "\"source\":\"fallback\"", "\"sources\":[{\"name\":\"fallback\",\"choice\":{",
                                        "\"score\":0,",        "\"rules\":[]",      "\"normalised\":[]"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(json, parts[i]) == NULL) fail_msg("%s lacks %s", json, parts[i]);
    st_device_caps caps = st_caps_with_shared_mem(st_caps_wgpu(32, 1, 256), 4096);
    passes(st_plan_explain(context, &request, NULL, &caps, 0, text, sizeof text, &length));
    assert_non_null(strstr(text, "wgpu:0 (cannot run here)"));
    assert_non_null(strstr(text, "shared memory 4 KiB"));
    request.kind = ST_WINDOW;
    request.lo = 3;
    request.hi = 9;
    request.descending = 1;
    passes(st_plan_explain(context, &request, NULL, NULL, 0, text, sizeof text, &length));
    assert_non_null(strstr(text, "ranks [3, 9) descending"));
}

/* A locale with a decimal comma changes nothing. */
static void test_explanation_has_no_locale(void **state) {
    (void)state;
    st_rank_request request;
    st_rank_request_init(&request, ST_TOPK, 1000, 60000, 10);
    char before[8192], after[8192];
    uint64_t length;
    passes(st_plan_explain(context, &request, NULL, NULL, 0, before, sizeof before, &length));
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL && setlocale(LC_ALL, "fr_FR.UTF-8") == NULL) {
        print_message("skipped: no locale with a decimal comma is installed here\n");
        skip();
    }
    passes(st_plan_explain(context, &request, NULL, NULL, 0, after, sizeof after, &length));
    setlocale(LC_ALL, "C");
    assert_string_equal(before, after);
}

/* What runs, as far as it shows from outside: the kernel and its scratch memory. */
static void footprint(const st_rank_request *request, const st_choice *choice, char kernel[64], uint64_t *bytes) {
    st_plan plan;
    passes(st_plan_with_choice(context, request, NULL, choice, &plan));
    passes(st_rank_workspace(context, &plan, bytes));
    memcpy(kernel, plan.kernel, 64);
}

/* Each field changes what runs on some Choice of the CPU; the ones that only a GPU reads are listed with the reason. */
static void test_every_field_counts(void **state) {
    (void)state;
    static const struct {
        int32_t field, kind;
        st_choice from;
        int32_t to;
    } cases[] = {
        {ST_FIELD_MK, ST_TOPK, {.mk = ST_MK_SHARED, .wg = 1, .kl = 1, .tile = 1024, .ctile = 256}, ST_MK_RADIX},
        {ST_FIELD_MKD, ST_TOPK, {.mk = ST_MK_SHARED, .mkd = ST_MKD_FILTER, .wg = 1, .kl = 1, .tile = 1024, .ctile = 256}, ST_MKD_HEAP},
        {ST_FIELD_USE_2CE, ST_TOPK, {.mk = ST_MK_SHARED, .wg = 2, .kl = 1, .tile = 1024, .ctile = 256}, 1},
        {ST_FIELD_WG, ST_TOPK, {.mk = ST_MK_SHARED, .use_2ce = 1, .wg = 1, .kl = 1, .tile = 1024, .ctile = 256}, 2},
        {ST_FIELD_KL, ST_TOPK, {.mk = ST_MK_SHARED, .wg = 1, .kl = 1, .tile = 1024, .ctile = 256}, 4},
        {ST_FIELD_TILE, ST_TOPK, {.mk = ST_MK_SHARED, .mkd = ST_MKD_KWAY, .wg = 1, .kl = 1, .tile = 1024, .ctile = 256}, 256},
        {ST_FIELD_CTILE, ST_TOPK, {.mk = ST_MK_SHARED, .wg = 1, .kl = 1, .tile = 1024, .ctile = 256}, 1024},
        {ST_FIELD_MIDK, ST_MIDK, {.mk = ST_MK_SHARED, .wg = 2, .kl = 1, .tile = 1024, .ctile = 256}, 2},
        {ST_FIELD_BOTTOMK, ST_BOTTOMK, {.mk = ST_MK_SHARED, .wg = 2, .kl = 1, .tile = 1024, .ctile = 256, .use_2ce = 1}, 1},
    };
    int counted[ST_FIELDS] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        st_rank_request request;
        st_rank_request_init(&request, cases[i].kind, 1, 100000, 200);
        st_choice to = cases[i].from;
        st_choice_set(&to, cases[i].field, cases[i].to);
        char before[64], after[64];
        uint64_t before_bytes, after_bytes;
        footprint(&request, &cases[i].from, before, &before_bytes);
        footprint(&request, &to, after, &after_bytes);
        if (strcmp(before, after) == 0 && before_bytes == after_bytes)
            fail_msg("%s changes nothing that shows", st_choice_field_at(cases[i].field)->name);
        counted[cases[i].field] = 1;
    }
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        if (counted[field]) continue;
        st_plan plan;
        passes(st_plan_rank(context, ST_TOPK, 8, 65536, 64, NULL, &plan));
        char line[96];
        int32_t active = 1;
        st_choice_effect(&plan, field, line, &active);
        assert_int_equal(active, 0);
        assert_int_equal(strncmp(line, "no effect", 9), 0);
        print_message("skipped: %s: %s, and no other kernels are here yet\n", st_choice_field_at(field)->name, line);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_on_the_cpu),    cmocka_unit_test(test_plans_for_caps),
        cmocka_unit_test(test_own_choice),         cmocka_unit_test(test_candidates_run),
        cmocka_unit_test(test_runs_without_allocation), cmocka_unit_test(test_nothing_to_do),
        cmocka_unit_test(test_scratch_of_one_row), cmocka_unit_test(test_one_call),           cmocka_unit_test(test_tampered_plans),
        cmocka_unit_test(test_random_damage),      cmocka_unit_test(test_explanation),
        cmocka_unit_test(test_explanation_has_no_locale), cmocka_unit_test(test_every_field_counts),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
