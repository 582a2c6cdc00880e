/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_measuring.c - data to measure on, trials, and tuners that tell of wrong answers. */
#include <math.h>
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

static void refused(st_status status, st_status expected, const char *words) {
    assert_string_equal(st_status_name(status), st_status_name(expected));
    if (strstr(st_last_message(), words) == NULL) fail_msg("\"%s\" lacks \"%s\"", st_last_message(), words);
}

/* ---- data ---------------------------------------------------------------------------------------------------------------- */

static int64_t stored(st_dtype dtype, double number) {
    int64_t element = 0;
    st_unit_store(dtype, number, &element);
    switch (dtype) {
        case ST_I8: return (int8_t)element;
        case ST_I16: return (int16_t)element;
        case ST_I32: return (int32_t)element;
        default: return element;
    }
}

static void numbers_are_stored_on_a_scale(void **state) {
    (void)state;
    assert_int_equal(stored(ST_I8, 1), 16);
    assert_int_equal(stored(ST_U8, 1), 128 + 16);
    assert_int_equal(stored(ST_I16, -1), -2048);
    assert_int_equal(stored(ST_U16, 0), 32768);
    assert_int_equal(stored(ST_I32, 0.5), 1 << 26);
    assert_int_equal(stored(ST_U32, -16), 0);
    assert_int_equal(stored(ST_I64, 1), (int64_t)1 << 59);
    assert_int_equal(stored(ST_F16, 1), 0x3c00);
    assert_int_equal(stored(ST_BF16, -2), 0xc000);
    assert_int_equal(stored(ST_F32, 1), 0x3f800000);
    assert_int_equal(stored(ST_F64, 1), 0x3ff0000000000000);
    const double ends[] = {16, 1e300, (double)INFINITY};
    for (int i = 0; i < 3; i++) { /* beyond the range is its end */
        assert_int_equal(stored(ST_I8, ends[i]), 127);
        assert_int_equal(stored(ST_I8, -ends[i]), -128);
        assert_int_equal(stored(ST_U16, ends[i]), 65535);
        assert_int_equal(stored(ST_I64, ends[i]), INT64_MAX);
        assert_int_equal(stored(ST_I64, -ends[i]), INT64_MIN);
    }
    assert_int_equal(stored(ST_I32, (double)NAN), 0);
    assert_int_equal(stored(77, 1), 0);
    st_unit_store(ST_F32, 1, NULL);
}

static void data_is_normal_and_the_same_each_time(void **state) {
    (void)state;
    enum { ROWS = 3, COLS = 20001 };
    static double numbers[ROWS * COLS], again[ROWS * COLS];
    assert_int_equal(st_unit_normal(ST_F64, ROWS, COLS, numbers), ST_OK);
    assert_int_equal(st_unit_normal(ST_F64, ROWS, COLS, again), ST_OK);
    assert_memory_equal(numbers, again, sizeof numbers);
    assert_true(memcmp(numbers, numbers + COLS, COLS * sizeof(double)) != 0);
    double sum = 0, squares = 0;
    int64_t beyond_two = 0;
    for (int i = 0; i < ROWS * COLS; i++) {
        sum += numbers[i];
        squares += numbers[i] * numbers[i];
        beyond_two += fabs(numbers[i]) > 2;
    }
    const double n = ROWS * COLS; /* bounds of five standard errors */
    assert_true(fabs(sum / n) < 5 / sqrt(n));
    assert_true(fabs(squares / n - 1) < 5 * sqrt(2 / n));
    assert_true(fabs((double)beyond_two / n - 0.0455) < 5 * sqrt(0.0455 / n));
    refused(st_unit_normal(0, 1, 1, numbers), ST_E_ARGUMENT, "dtype is 0");
    refused(st_unit_normal(ST_F64, -1, 1, numbers), ST_E_ARGUMENT, "rows is -1");
    refused(st_unit_normal(ST_F64, 1, -2, numbers), ST_E_ARGUMENT, "cols is -2");
    refused(st_unit_normal(ST_F64, 1, 1, NULL), ST_E_ARGUMENT, "elements is NULL");
    assert_int_equal(st_unit_normal(ST_F64, 0, 1, NULL), ST_OK);
}

/* ---- trials -------------------------------------------------------------------------------------------------------------- */

enum { ROWS = 5, COLS = 300, K = 9 };

static st_context *context_of(const st_host *host) {
    st_context *context = NULL;
    const st_context_options options = {.struct_size = sizeof options, .threads = 2, .host = host};
    return st_context_create(&options, &context) == ST_OK ? context : NULL;
}

static void a_trial_answers_as_the_engine(void **state) {
    (void)state;
    float input[ROWS * COLS], values[ROWS * K], expected[ROWS * K];
    int64_t indices[ROWS * K], expected_indices[ROWS * K];
    assert_int_equal(st_unit_normal(ST_F32, ROWS, COLS, input), ST_OK);
    st_context *context = context_of(NULL);
    st_rank_request request, other;
    st_plan plan, changed;
    st_trial *trial;
    double ns = 0;
    st_rank_request_init(&request, ST_TOPK, ROWS, COLS, K);
    assert_int_equal(st_plan_request(context, &request, "cpu", NULL, &plan), ST_OK);
    assert_int_equal(st_trial_open(context, &plan, input, &trial), ST_OK);
    assert_int_equal(st_topk(context, ST_F32, input, ROWS, COLS, K, expected, expected_indices), ST_OK);
    st_choice choices[ST_RACE_MOST];
    int32_t count = 0;
    assert_int_equal(st_rank_candidates(context, &request, "cpu", choices, ST_RACE_MOST, &count), ST_OK);
    assert_true(count > 3);
    for (int32_t i = 0; i < count; i++) { /* each in its own scratch memory */
        assert_int_equal(st_plan_with_choice(context, &request, "cpu", &choices[i], &changed), ST_OK);
        assert_int_equal(st_trial_run(trial, &changed, i + 1, &ns), ST_OK);
        assert_true(ns > 0);
        assert_int_equal(st_trial_answer(trial, values, indices), ST_OK);
        assert_memory_equal(values, expected, sizeof values);
        assert_memory_equal(indices, expected_indices, sizeof indices);
    }
    refused(st_trial_run(trial, &plan, 0, &ns), ST_E_ARGUMENT, "repetitions is 0");
    refused(st_trial_run(trial, NULL, 1, &ns), ST_E_ARGUMENT, "plan is NULL");
    refused(st_trial_run(NULL, &plan, 1, &ns), ST_E_ARGUMENT, "trial is NULL");
    refused(st_trial_run(trial, &plan, 1, NULL), ST_E_ARGUMENT, "ns is NULL");
    refused(st_trial_answer(trial, NULL, indices), ST_E_ARGUMENT, "values is NULL");
    st_rank_request_init(&other, ST_TOPK, ROWS, COLS, K + 1);
    assert_int_equal(st_plan_request(context, &other, "cpu", NULL, &changed), ST_OK);
    refused(st_trial_run(trial, &changed, 1, &ns), ST_E_ARGUMENT, "another request");
    st_trial_close(trial);
    st_trial_close(NULL);

    refused(st_trial_open(context, &plan, NULL, &trial), ST_E_ARGUMENT, "input is NULL");
    refused(st_trial_open(context, &plan, input, NULL), ST_E_ARGUMENT, "trial is NULL");
    refused(st_trial_open(NULL, &plan, input, &trial), ST_E_ARGUMENT, "context is NULL");
    other = request;
    other.row_stride = COLS + 1;
    other.rows = 1;
    assert_int_equal(st_plan_request(context, &other, "cpu", NULL, &changed), ST_OK);
    refused(st_trial_open(context, &changed, input, &trial), ST_E_ARGUMENT, "contiguous");
    other = request;
    other.outputs = ST_OUT_INDICES;
    assert_int_equal(st_plan_request(context, &other, "cpu", NULL, &changed), ST_OK);
    refused(st_trial_open(context, &changed, input, &trial), ST_E_ARGUMENT, "values");
    other = request;
    other.k = 0;
    assert_int_equal(st_plan_request(context, &other, "cpu", NULL, &changed), ST_OK);
    refused(st_trial_open(context, &changed, input, &trial), ST_E_ARGUMENT, "nothing");
    st_context_destroy(context);
}

/* ---- tuners -------------------------------------------------------------------------------------------------------------- */

/* A device that has the CPU answer, and then spoils the answers of some numbers of threads. */
struct clerk {
    st_context *behind;
    uint32_t spoiled; /* bit wg: an index is wrong there */
    uint32_t refusing;
    int32_t spoils_values;
};

static st_status clerk_device(void *self, st_device_info *info) {
    (void)self;
    info->available = 1;
    info->caps = st_caps_wgpu(8, 1, 8);
    snprintf(info->id, sizeof info->id, "clerk:0");
    return ST_OK;
}

static int32_t clerk_legal(void *self, int32_t kind, int32_t mk, int32_t mkd) {
    (void)self;
    (void)mkd;
    return kind == ST_TOPK && mk == ST_MK_SHARED;
}

static void clerk_describe(void *self, const st_rank_request *request, const st_choice *choice, const st_device_caps *caps, char name[64]) {
    (void)self;
    (void)request;
    (void)caps;
    snprintf(name, 64, "clerk/%d", choice->wg);
}

static double clerk_estimate(void *self, const st_rank_request *request, const st_choice *choice, const st_device_caps *caps) {
    (void)self;
    (void)caps;
    return 1000.0 * (double)request->rows / choice->wg;
}

static int32_t clerk_candidates(void *self, const st_rank_request *request, const st_device_caps *caps, st_choice *choices, int32_t capacity) {
    (void)self;
    (void)request;
    (void)caps;
    for (int32_t i = 0; i < 4 && i < capacity; i++) choices[i] = (st_choice){.mk = ST_MK_SHARED, .mkd = ST_MKD_HEAP, .wg = 4 - i};
    return 4;
}

static uint64_t clerk_kernel_hash(void *self) {
    (void)self;
    return 1;
}

static void clerk_normalise(void *self, const st_rank_request *request, const st_device_caps *caps, st_choice *choice) {
    (void)self;
    (void)request;
    (void)caps;
    if (choice->wg < 1) choice->wg = 1;
}

static uint64_t clerk_workspace(void *self, const st_plan *plan, const st_backend_services *services) {
    (void)self;
    (void)plan;
    (void)services;
    return 0;
}

static st_status clerk_run(void *self, const st_plan *plan, const st_rank_buffers *buffers, const st_backend_services *services) {
    const struct clerk *clerk = self;
    (void)services;
    if (clerk->refusing >> plan->choice.wg & 1) return st_backend_fail(ST_E_UNSUPPORTED, "not today");
    const st_status status = st_rank(clerk->behind, &plan->request, buffers);
    int64_t *indices = buffers->indices;
    float *values = buffers->values;
    if (status == ST_OK && clerk->spoiled >> plan->choice.wg & 1) {
        if (clerk->spoils_values) values[plan->request.k] += 1;
        else indices[plan->request.k + 2] ^= 1;
    }
    return status;
}

static void clerk_close(void *self) { (void)self; }

static void employ(st_context *context, struct clerk *clerk) {
    const st_backend backend = {.struct_size = sizeof backend,
                                .name = "clerk",
                                .self = clerk,
                                .device = clerk_device,
                                .legal = clerk_legal,
                                .describe = clerk_describe,
                                .estimate = clerk_estimate,
                                .candidates = clerk_candidates,
                                .kernel_hash = clerk_kernel_hash,
                                .normalise = clerk_normalise,
                                .workspace = clerk_workspace,
                                .run = clerk_run,
                                .close = clerk_close};
    assert_int_equal(st_register_backend(context, &backend), ST_OK);
}

struct listener {
    char told[4096];
    int32_t asked, stops_at;
};

static void listen(void *user, const char *message) {
    struct listener *listener = user;
    strncat(listener->told, message, sizeof listener->told - strlen(listener->told) - 1);
    strncat(listener->told, "\n", sizeof listener->told - strlen(listener->told) - 1);
}

static int32_t stops(void *user) {
    struct listener *listener = user;
    return ++listener->asked == listener->stops_at;
}

static st_tuner *tuner_of(st_context *context, struct listener *listener, double limit_ns) {
    const st_tuner_options options = {.struct_size = sizeof options, .leaves_out = 1, .device = "clerk:0", .seed = 3, .limit_ns = limit_ns,
                                      .user = listener, .stops = stops, .wrong = listen};
    st_tuner *tuner = NULL;
    assert_int_equal(st_tuner_create(context, &options, &tuner), ST_OK);
    return tuner;
}

static const st_survey_cell small = {ST_TOPK, ST_F32, 1, ROWS, COLS, K}, large = {ST_TOPK, ST_F32, 1, 70, 1000, K};

static void wrong_candidates_are_told_and_out(void **state) {
    (void)state;
    struct clerk clerk = {.behind = context_of(NULL), .spoiled = 1 << 2 | 1 << 3};
    struct listener listener = {.told = ""};
    st_context *context = context_of(NULL);
    st_survey_finding finding;
    int32_t stopped = 7;
    employ(context, &clerk);
    st_tuner *tuner = tuner_of(context, &listener, 5e7);
    for (int i = 0; i < 2; i++) { /* a wrong candidate is compared with a plain sort in large cells too */
        assert_int_equal(st_tuner_measure(tuner, i == 0 ? &small : &large, &finding, &stopped), ST_OK);
        assert_true(stopped == 0 && finding.n > 0 && (finding.choice.wg == 4 || finding.choice.wg == 1));
        assert_int_equal(finding.rival_count, 1);
        assert_int_equal(st_tuner_wrong(tuner), 2 * i + 2);
    }
    assert_non_null(strstr(listener.told, "wrong answer: clerk/3 ( mk 1 mkd 1 wg 3 ) at row 1, position 2: index "));
    assert_non_null(strstr(listener.told, "wrong answer: clerk/2 ( mk 1 mkd 1 wg 2 ) at row 1, position 2: index "));
    assert_null(strstr(listener.told, "clerk/4"));
    listener.told[0] = '\0';
    clerk.spoils_values = 1;
    assert_int_equal(st_tuner_measure(tuner, &small, &finding, &stopped), ST_OK);
    assert_non_null(strstr(listener.told, "clerk/2 ( mk 1 mkd 1 wg 2 ) with the right indices and wrong values; it takes no part"));
    st_tuner_destroy(tuner);
    st_context_destroy(context);
    st_context_destroy(clerk.behind);
}

static void a_wrong_plan_of_the_engine_ends_the_race(void **state) {
    (void)state;
    struct clerk clerk = {.behind = context_of(NULL), .spoiled = 1 << 4};
    struct listener listener = {.told = ""};
    st_context *context = context_of(NULL);
    st_survey_finding finding;
    int32_t stopped;
    employ(context, &clerk);
    st_tuner *tuner = tuner_of(context, &listener, 5e7);
    assert_int_equal(st_tuner_measure(tuner, &small, &finding, &stopped), ST_OK); /* found out by itself */
    assert_true(finding.n == 0 && stopped == 0 && st_tuner_wrong(tuner) == 1);
    assert_non_null(strstr(listener.told, "clerk/4 ( mk 1 mkd 1 wg 4 ) at row 1, position 2"));
    assert_int_equal(st_tuner_measure(tuner, &large, &finding, &stopped), ST_OK); /* by another's answer */
    assert_true(finding.n == 0 && stopped == 0 && st_tuner_wrong(tuner) == 2);
    assert_non_null(strstr(listener.told, "clerk/4 ( mk 1 mkd 1 wg 4 ) differs from another's, which is right"));
    st_tuner_destroy(tuner);
    st_context_destroy(context);
    st_context_destroy(clerk.behind);
}

static void cells_that_are_not_raced(void **state) {
    (void)state;
    struct clerk clerk = {.behind = context_of(NULL), .refusing = 1 << 1};
    struct listener listener = {.told = "", .stops_at = 9};
    st_context *context = context_of(NULL);
    st_survey_finding finding;
    int32_t stopped;
    employ(context, &clerk);
    st_tuner *tuner = tuner_of(context, &listener, 1e5);
    const st_choice choice = {.mk = ST_MK_SHARED, .wg = 2};
    assert_true(st_tuner_predict(tuner, &small, &choice) == 2500);
    assert_int_equal(st_tuner_measure(tuner, &small, &finding, &stopped), ST_OK);
    assert_true(stopped == 1 && finding.n == 0); /* when it was asked for the ninth time */
    assert_int_equal(listener.asked, 9);
    assert_int_equal(st_tuner_measure(tuner, &large, &finding, &stopped), ST_OK);
    assert_true(stopped == 0 && finding.n == 0); /* too slow, says the estimate */
    assert_int_equal(listener.asked, 9);
    assert_int_equal(st_tuner_measure(tuner, &small, &finding, &stopped), ST_OK);
    assert_true(stopped == 0 && finding.n > 0 && finding.choice.wg != 1); /* one refused, and takes no part */
    assert_int_equal(finding.rival_count, 2);
    clerk.refusing = 1 << 4;
    assert_int_equal(st_tuner_measure(tuner, &small, &finding, &stopped), ST_OK);
    assert_true(stopped == 0 && finding.n == 0); /* the engine's own */
    assert_string_equal(listener.told, "");

    refused(st_tuner_measure(NULL, &small, &finding, &stopped), ST_E_ARGUMENT, "tuner is NULL");
    refused(st_tuner_measure(tuner, NULL, &finding, &stopped), ST_E_ARGUMENT, "cell is NULL");
    refused(st_tuner_measure(tuner, &small, NULL, &stopped), ST_E_ARGUMENT, "finding is NULL");
    refused(st_tuner_measure(tuner, &small, &finding, NULL), ST_E_ARGUMENT, "stopped is NULL");
    st_survey_cell odd = small;
    odd.k = 0;
    refused(st_tuner_measure(tuner, &odd, &finding, &stopped), ST_E_ARGUMENT, "cell.k");
    odd.k = COLS + 1;
    refused(st_tuner_measure(tuner, &odd, &finding, &stopped), ST_E_ARGUMENT, "k is 301");
    st_tuner_destroy(tuner);
    st_tuner_options options = {.struct_size = sizeof options, .device = "nowhere:3"};
    refused(st_tuner_create(context, &options, &tuner), ST_E_DEVICE, "nowhere:3");
    options = (st_tuner_options){.struct_size = sizeof options, .limit_ns = -1};
    refused(st_tuner_create(context, &options, &tuner), ST_E_ARGUMENT, "limit_ns");
    refused(st_tuner_create(context, NULL, &tuner), ST_E_ARGUMENT, "options is NULL");
    options.struct_size = 1;
    refused(st_tuner_create(context, &options, &tuner), ST_E_ARGUMENT, "struct_size is 1");
    st_tuner_destroy(NULL);
    assert_true(st_tuner_wrong(NULL) == 0);
    st_context_destroy(context);
    st_context_destroy(clerk.behind);
}

static void failing_hosts(void **state) {
    (void)state;
    for (int64_t fail_at = 1;; fail_at++) {
        st_failing_host failing;
        st_failing_host_open(&failing, fail_at);
        st_context *context = context_of(&failing.host);
        if (context != NULL) {
            const st_tuner_options options = {.struct_size = sizeof options, .device = "cpu", .limit_ns = 1e5};
            st_survey_finding finding = {.n = 0};
            int32_t stopped;
            st_tuner *tuner = NULL;
            st_status status = st_tuner_create(context, &options, &tuner);
            if (status == ST_OK) status = st_tuner_measure(tuner, &small, &finding, &stopped);
            if (status != ST_OK) assert_int_equal(status, ST_E_MEMORY);
            if (failing.failures == 0) assert_true(status == ST_OK && finding.n > 0);
            st_tuner_destroy(tuner);
        }
        st_context_destroy(context);
        const int64_t failures = failing.failures;
        assert_true(st_failing_host_close(&failing));
        if (failures == 0) break;
        assert_true(fail_at < 200);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_stored_on_a_scale),
        cmocka_unit_test(data_is_normal_and_the_same_each_time),
        cmocka_unit_test(a_trial_answers_as_the_engine),
        cmocka_unit_test(wrong_candidates_are_told_and_out),
        cmocka_unit_test(a_wrong_plan_of_the_engine_ends_the_race),
        cmocka_unit_test(cells_that_are_not_raced),
        cmocka_unit_test(failing_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
