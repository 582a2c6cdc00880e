/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_backend_registration.c - an executor of the caller's own: plans run on it, and its mistakes stay its own. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "spiraltorch/spiraltorch.h"

/* A small but true backend: TopK of f32 by repeated search, in a workspace of one mark for each column. */
struct searcher {
    int32_t runs, closes, candidate_count, threads;
    int32_t silent; /* fails without a message */
    double estimate;
    st_status device_status, run_status;
    st_device_info info;
    uint64_t workspace_bytes; /* 0: as many as the columns */
    const void *workspace;
    const char *device; /* what a band request named */
};

static st_status searcher_device(void *self, st_device_info *info) {
    const struct searcher *searcher = self;
    if (searcher->device_status != ST_OK) return st_backend_fail(searcher->device_status, "the search unit is on fire");
    *info = searcher->info;
    return ST_OK;
}

static int32_t searcher_legal(void *self, int32_t kind, int32_t mk, int32_t mkd) {
    (void)self;
    return kind == ST_TOPK && mk == ST_MK_SHARED && (mkd == ST_MKD_AUTO || mkd == ST_MKD_HEAP);
}

static void searcher_describe(void *self, const st_rank_request *request, const st_choice *choice, const st_device_caps *caps,
                              char name[64]) {
    (void)self;
    (void)request;
    snprintf(name, 64, "searcher/search_%d_%d", choice->wg, caps->max_workgroup);
}

static double searcher_estimate(void *self, const st_rank_request *request, const st_choice *choice, const st_device_caps *caps) {
    (void)request;
    (void)choice;
    (void)caps;
    return ((struct searcher *)self)->estimate;
}

static int32_t searcher_candidates(void *self, const st_rank_request *request, const st_device_caps *caps, st_choice *choices,
                                   int32_t capacity) {
    const struct searcher *searcher = self;
    (void)request;
    (void)caps;
    for (int32_t i = 0; i < searcher->candidate_count && i < capacity; i++)
        choices[i] = (st_choice){.mk = ST_MK_SHARED, .mkd = ST_MKD_HEAP, .wg = i + 1};
    return searcher->candidate_count;
}

static uint64_t searcher_kernel_hash(void *self) {
    (void)self;
    return 1;
}

static void searcher_normalise(void *self, const st_rank_request *request, const st_device_caps *caps, st_choice *choice) {
    (void)self;
    (void)request;
    if (choice->wg < 1) choice->wg = 1;
    if (choice->wg > caps->max_workgroup) choice->wg = caps->max_workgroup;
}

static uint64_t searcher_workspace(void *self, const st_plan *plan, const st_backend_services *services) {
    const struct searcher *searcher = self;
    (void)services;
    return searcher->workspace_bytes != 0 ? searcher->workspace_bytes : (uint64_t)plan->request.cols;
}

static st_status searcher_run(void *self, const st_plan *plan, const st_rank_buffers *buffers, const st_backend_services *services) {
    struct searcher *searcher = self;
    const st_rank_request *request = &plan->request;
    searcher->runs++;
    searcher->threads = services->threads;
    searcher->workspace = buffers->workspace;
    if (searcher->run_status != ST_OK && searcher->silent) return searcher->run_status;
    if (searcher->run_status != ST_OK) return st_backend_fail(searcher->run_status, "the search found no end");
    for (int64_t position = 0; position < buffers->row_list_count; position++) {
        const int64_t row = buffers->row_list == NULL ? position : buffers->row_list[position];
        const float *input = (const float *)buffers->input + row * request->row_stride;
        char *taken = buffers->workspace;
        memset(taken, 0, (size_t)request->cols);
        for (int64_t i = 0; i < request->k; i++) {
            int64_t best = -1;
            for (int64_t column = 0; column < request->cols; column++)
                if (!taken[column] && (best < 0 || input[column * request->col_stride] > input[best * request->col_stride])) best = column;
            taken[best] = 1;
            if (buffers->values != NULL) ((float *)buffers->values)[position * buffers->values_stride + i] = input[best * request->col_stride];
            if (buffers->indices != NULL) ((int64_t *)buffers->indices)[position * buffers->indices_stride + i] = best;
        }
    }
    return ST_OK;
}

/* Counts i32 elements, whatever else is asked. */
static st_status searcher_band(void *self, const st_band_request *request, const st_band_buffers *buffers, const st_backend_services *services) {
    struct searcher *searcher = self;
    searcher->runs++;
    searcher->threads = services->threads;
    searcher->device = request->device;
    if (searcher->run_status != ST_OK && searcher->silent) return searcher->run_status;
    if (searcher->run_status != ST_OK) return st_backend_fail(searcher->run_status, "the search found no end");
    for (int64_t row = 0; row < request->rows; row++) {
        buffers->counts[row] = 0;
        for (int64_t column = 0; column < request->cols; column++) {
            const int32_t element = ((const int32_t *)buffers->input)[row * request->row_stride + column * request->col_stride];
            buffers->counts[row] += element >= *(const int32_t *)request->lower && element <= *(const int32_t *)request->upper;
        }
    }
    return ST_OK;
}

static void searcher_close(void *self) { ((struct searcher *)self)->closes++; }

static struct searcher searcher_of(const char *id) {
    struct searcher searcher = {.candidate_count = 3, .estimate = 5000};
    searcher.info = (st_device_info){.struct_size = sizeof searcher.info, .available = 1, .caps = st_caps_wgpu(8, 1, 4)};
    snprintf(searcher.info.id, sizeof searcher.info.id, "%s", id);
    snprintf(searcher.info.name, sizeof searcher.info.name, "a loop");
    return searcher;
}

static st_backend backend_of(struct searcher *searcher, const char *name) {
    return (st_backend){.struct_size = sizeof(st_backend),
                        .name = name,
                        .self = searcher,
                        .device = searcher_device,
                        .legal = searcher_legal,
                        .describe = searcher_describe,
                        .estimate = searcher_estimate,
                        .candidates = searcher_candidates,
                        .kernel_hash = searcher_kernel_hash,
                        .normalise = searcher_normalise,
                        .workspace = searcher_workspace,
                        .run = searcher_run,
                        .close = searcher_close};
}

static st_context *context_of(void) {
    st_context *context = NULL;
    const st_context_options options = {.struct_size = sizeof options, .threads = 2};
    assert_int_equal(st_context_create(&options, &context), ST_OK);
    return context;
}

static void refused(st_status status, st_status expected, const char *words) {
    assert_string_equal(st_status_name(status), st_status_name(expected));
    if (strstr(st_last_message(), words) == NULL) fail_msg("\"%s\" lacks \"%s\"", st_last_message(), words);
}

enum { ROWS = 3, COLS = 50, K = 7 };

static void fill(float *input) {
    for (int i = 0; i < ROWS * COLS; i++) input[i] = (float)(i * 37 % 23); /* many equal values */
}

static void test_plans_run_on_it(void **state) {
    (void)state;
    float input[ROWS * COLS], values[ROWS * K], expected[ROWS * K];
    int64_t indices[ROWS * K], expected_indices[ROWS * K];
    fill(input);
    st_context *context = context_of();
    struct searcher searcher = searcher_of("searcher:0");
    char name[16] = "searcher";
    const st_backend backend = backend_of(&searcher, name);
    assert_int_equal(st_register_backend(context, &backend), ST_OK);
    memset(name, 'x', sizeof name - 1); /* the name was copied */
    assert_int_equal(st_device_count(context), 6);
    st_device_info info = {.struct_size = sizeof info};
    assert_int_equal(st_device_at(context, 5, &info), ST_OK);
    assert_string_equal(info.id, "searcher:0");
    assert_string_equal(info.backend, "searcher");
    assert_string_equal(info.name, "a loop");
    assert_int_equal(info.caps.backend, ST_BACKEND_CALLER);
    assert_non_null(strstr(info.reason, "auto never picks it"));

    st_rank_request request;
    st_rank_request_init(&request, ST_TOPK, ROWS, COLS, K);
    st_plan plan;
    assert_int_equal(st_plan_request(context, &request, NULL, NULL, &plan), ST_OK);
    assert_string_equal(plan.device, "cpu"); /* auto */
    assert_int_equal(st_plan_request(context, &request, "searcher:0", NULL, &plan), ST_OK);
    assert_string_equal(plan.device, "searcher:0");
    assert_string_equal(plan.kernel, "searcher/search_1_4"); /* the first candidate */
    assert_true(plan.predicted_ns == 5000);
    assert_int_equal(plan.choice.mkd, ST_MKD_HEAP);

    const st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = input, .values = values, .indices = indices};
    assert_int_equal(st_execute_rank(context, &plan, &buffers), ST_OK);
    assert_int_equal(searcher.runs, 1);
    assert_int_equal(searcher.threads, 2);
    assert_int_equal(st_topk(context, ST_F32, input, ROWS, COLS, K, expected, expected_indices), ST_OK);
    assert_int_equal(searcher.runs, 1);
    assert_memory_equal(values, expected, sizeof values);
    assert_memory_equal(indices, expected_indices, sizeof indices);

    /* Indices alone, two listed rows, a workspace that starts anywhere. */
    static char workspace[COLS + 200];
    static const int64_t list[2] = {2, 0};
    uint64_t bytes = 0;
    request.outputs = ST_OUT_INDICES;
    request.threads = 1;
    const st_choice choice = {.mk = ST_MK_SHARED, .wg = 100};
    assert_int_equal(st_plan_with_choice(context, &request, "searcher:0", &choice, &plan), ST_OK);
    assert_int_equal(plan.source, ST_SOURCE_CALLER);
    assert_int_equal(plan.choice.wg, 4);
    assert_int_equal(st_rank_workspace(context, &plan, &bytes), ST_OK);
    assert_in_range(bytes, COLS, COLS + 64);
    for (size_t offset = 0; offset < 64; offset++) {
        const st_rank_buffers listed = {.struct_size = sizeof listed, .input = input, .indices = indices, .row_list = list,
                                        .row_list_count = 2, .workspace = workspace + offset, .workspace_size = bytes};
        assert_int_equal(st_execute_rank(context, &plan, &listed), ST_OK);
        assert_int_equal((uintptr_t)searcher.workspace % 64, 0);
        assert_true((const char *)searcher.workspace >= workspace + offset);
        assert_true((const char *)searcher.workspace + COLS <= workspace + offset + bytes);
        assert_memory_equal(indices, expected_indices + 2 * K, K * sizeof(int64_t));
        assert_memory_equal(indices + K, expected_indices, K * sizeof(int64_t));
    }
    assert_int_equal(searcher.threads, 1);

    /* With nothing to do it is not called. */
    const int32_t runs = searcher.runs;
    request.k = 0;
    assert_int_equal(st_plan_request(context, &request, "searcher:0", NULL, &plan), ST_OK);
    const st_rank_buffers none = {.struct_size = sizeof none};
    assert_int_equal(st_execute_rank(context, &plan, &none), ST_OK);
    assert_int_equal(searcher.runs, runs);

    char text[8192];
    uint64_t length;
    assert_int_equal(st_plan_explain(context, &request, "searcher:0", NULL, 0, text, sizeof text, &length), ST_OK);
    assert_non_null(strstr(text, "searcher:0, a loop"));
    assert_non_null(strstr(text, "the registered backend decides"));
    assert_int_equal(searcher.closes, 0);
    st_context_destroy(context);
    assert_int_equal(searcher.closes, 1);
}

static void test_bands(void **state) {
    (void)state;
    int32_t input[ROWS * COLS], lower = 3, upper = 9;
    int64_t counts[ROWS], expected[ROWS] = {0};
    for (int i = 0; i < ROWS * COLS; i++) {
        input[i] = i * 37 % 23;
        expected[i / COLS] += input[i] >= lower && input[i] <= upper;
    }
    st_context *context = context_of();
    struct searcher searcher = searcher_of("searcher:0");
    st_backend backend = backend_of(&searcher, "searcher");
    assert_int_equal(st_register_backend(context, &backend), ST_OK);
    st_band_request request = {.struct_size = sizeof request, .dtype = ST_I32, .index_dtype = ST_I64, .rows = ROWS, .cols = COLS,
                               .row_stride = COLS, .col_stride = 1, .lower = &lower, .upper = &upper, .device = "searcher:0"};
    const st_band_buffers buffers = {.struct_size = sizeof buffers, .input = input, .counts = counts};
    refused(st_band_compact(context, &request, &buffers), ST_E_UNSUPPORTED, "device searcher:0 has no kernels for bands");
    request.device = "searcher:1";
    refused(st_band_compact(context, &request, &buffers), ST_E_DEVICE, "\"searcher:1\" is not in the list");
    request.device = "cuda:0";
    refused(st_band_compact(context, &request, &buffers), ST_E_DEVICE, "cuda:0 cannot run");

    struct searcher other = searcher_of("counter:0");
    backend = backend_of(&other, "counter");
    backend.band = searcher_band;
    assert_int_equal(st_register_backend(context, &backend), ST_OK);
    request.device = "counter:0";
    memset(counts, 0x5a, sizeof counts);
    assert_int_equal(st_band_compact(context, &request, &buffers), ST_OK);
    assert_memory_equal(counts, expected, sizeof counts);
    assert_int_equal(other.runs, 1);
    assert_int_equal(other.threads, 2);
    assert_string_equal(other.device, "counter:0");
    static const char *const elsewhere[] = {NULL, "auto", "cpu"};
    for (int i = 0; i < 3; i++) {
        request.device = elsewhere[i];
        memset(counts, 0x5a, sizeof counts);
        assert_int_equal(st_band_compact(context, &request, &buffers), ST_OK);
        assert_memory_equal(counts, expected, sizeof counts);
        assert_int_equal(other.runs, 1);
    }
    /* Nothing to read is nothing to run. */
    request.device = "counter:0";
    request.cols = 0;
    assert_int_equal(st_band_compact(context, &request, &buffers), ST_OK);
    for (int i = 0; i < ROWS; i++) assert_int_equal(counts[i], 0);
    request.rows = 0;
    assert_int_equal(st_band_compact(context, &request, &buffers), ST_OK);
    assert_int_equal(other.runs, 1);
    request.rows = ROWS;
    request.cols = COLS;
    other.run_status = ST_E_MEMORY;
    refused(st_band_compact(context, &request, &buffers), ST_E_MEMORY, "found no end");
    other.silent = 1;
    refused(st_band_compact(context, &request, &buffers), ST_E_MEMORY, "device counter:0: its executor failed with ST_E_MEMORY");
    st_context_destroy(context);
}

static void test_illegal_choices(void **state) {
    (void)state;
    st_context *context = context_of();
    struct searcher searcher = searcher_of("searcher");
    const st_backend backend = backend_of(&searcher, "searcher");
    assert_int_equal(st_register_backend(context, &backend), ST_OK);
    st_rank_request request;
    st_rank_request_init(&request, ST_TOPK, ROWS, COLS, K);
    st_plan plan;
    const st_choice choice = {.mk = ST_MK_RADIX};
    refused(st_plan_with_choice(context, &request, "searcher", &choice, &plan), ST_E_ARGUMENT, "mk 3 (radix)");
    /* A kind that it has no kernel for; and a plan turned into one. */
    float input[ROWS * COLS], values[ROWS * K];
    int64_t indices[ROWS * K];
    fill(input);
    const st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = input, .values = values, .indices = indices};
    assert_int_equal(st_plan_request(context, &request, "searcher", NULL, &plan), ST_OK);
    plan.request.kind = ST_BOTTOMK;
    refused(st_execute_rank(context, &plan, &buffers), ST_E_ARGUMENT, "not legal for bottomk on searcher");
    request.kind = ST_BOTTOMK;
    refused(st_plan_request(context, &request, "searcher", NULL, &plan), ST_E_UNSUPPORTED, "no kernel for bottomk");
    assert_int_equal(searcher.runs, 0);
    st_context_destroy(context);
}

static void test_failures_pass_through(void **state) {
    (void)state;
    float input[ROWS * COLS], values[ROWS * K];
    int64_t indices[ROWS * K];
    fill(input);
    st_context *context = context_of();
    struct searcher searcher = searcher_of("searcher:3");
    const st_backend backend = backend_of(&searcher, "searcher");
    searcher.device_status = ST_E_DEVICE;
    refused(st_register_backend(context, &backend), ST_E_DEVICE, "on fire");
    assert_int_equal(st_device_count(context), 5);
    searcher.device_status = ST_OK;
    assert_int_equal(st_register_backend(context, &backend), ST_OK);
    st_rank_request request;
    st_rank_request_init(&request, ST_TOPK, ROWS, COLS, K);
    st_plan plan;
    uint64_t bytes;
    assert_int_equal(st_plan_request(context, &request, "searcher:3", NULL, &plan), ST_OK);
    const st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = input, .values = values, .indices = indices};
    searcher.run_status = ST_E_UNSUPPORTED;
    refused(st_execute_rank(context, &plan, &buffers), ST_E_UNSUPPORTED, "found no end");
    searcher.silent = 1; /* the message of the failure before must not stand for this one */
    refused(st_execute_rank(context, &plan, &buffers), ST_E_UNSUPPORTED, "gave no reason");
    searcher.run_status = ST_OK;
    searcher.workspace_bytes = UINT64_MAX;
    refused(st_execute_rank(context, &plan, &buffers), ST_E_MEMORY, "address space");
    refused(st_rank_workspace(context, &plan, &bytes), ST_E_MEMORY, "address space");
    refused(st_backend_fail(ST_E_IO, NULL), ST_E_IO, "no reason");
    st_context_destroy(context);

    /* Numbers that are none, and counts below zero. */
    context = context_of();
    searcher = searcher_of("searcher");
    searcher.estimate = NAN;
    searcher.candidate_count = -4;
    assert_int_equal(st_register_backend(context, &backend), ST_OK);
    assert_int_equal(st_plan_request(context, &request, "searcher", NULL, &plan), ST_OK);
    assert_true(plan.predicted_ns == 0);
    assert_int_equal(plan.choice.mk, ST_MK_SHARED); /* the first legal pair, with no candidate to follow */
    int32_t count = 9;
    assert_int_equal(st_rank_candidates(context, &request, "searcher", NULL, 0, &count), ST_OK);
    assert_int_equal(count, 0);
    st_context_destroy(context);

    /* A device that says it is not available can be listed, not used. */
    context = context_of();
    searcher = searcher_of("searcher");
    searcher.info.available = 0;
    snprintf(searcher.info.reason, sizeof searcher.info.reason, "it is asleep");
    assert_int_equal(st_register_backend(context, &backend), ST_OK);
    refused(st_plan_request(context, &request, "searcher", NULL, &plan), ST_E_DEVICE, "it is asleep");
    st_context_destroy(context);
}

static void test_bad_descriptions(void **state) {
    (void)state;
    st_context *context = context_of();
    struct searcher searcher = searcher_of("searcher");
    st_backend backend;
    refused(st_register_backend(context, NULL), ST_E_ARGUMENT, "backend is NULL");
    backend = backend_of(&searcher, "searcher");
    backend.struct_size = 7;
    refused(st_register_backend(context, &backend), ST_E_ARGUMENT, "backend.struct_size is 7");
    static const struct {
        const char *name, *words;
    } names[] = {{NULL, "backend.name is NULL"},   {"", "no characters"},       {"abcdefghijklmnop", "more than 15"},
                 {"Search", "lower-case letters"}, {"a b", "lower-case letters"}, {"a:0", "lower-case letters"},
                 {"cpu", "is taken"},              {"wgpu", "is taken"},        {"auto", "meaning of its own"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        backend = backend_of(&searcher, names[i].name);
        refused(st_register_backend(context, &backend), ST_E_ARGUMENT, names[i].words);
    }
    for (int call = 0; call < 9; call++) {
        static const char *const calls[] = {"device",      "legal",     "describe",  "estimate", "candidates",
                                            "kernel_hash", "normalise", "workspace", "run"};
        backend = backend_of(&searcher, "searcher");
        switch (call) {
            case 0: backend.device = NULL; break;
            case 1: backend.legal = NULL; break;
            case 2: backend.describe = NULL; break;
            case 3: backend.estimate = NULL; break;
            case 4: backend.candidates = NULL; break;
            case 5: backend.kernel_hash = NULL; break;
            case 6: backend.normalise = NULL; break;
            case 7: backend.workspace = NULL; break;
            default: backend.run = NULL; break;
        }
        char words[64];
        snprintf(words, sizeof words, "backend.%s is NULL", calls[call]);
        refused(st_register_backend(context, &backend), ST_E_ARGUMENT, words);
    }
    static const char *const ids[] = {"", "cpu", "search", "searcher:", "searcher:x", "searcher:0x", "searchers", "searcher:12345678"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        searcher = searcher_of(ids[i]);
        backend = backend_of(&searcher, "searcher");
        refused(st_register_backend(context, &backend), ST_E_ARGUMENT, "backend.device: its id is");
    }
    searcher = searcher_of("searcher");
    searcher.info.caps.lanes = 0;
    backend = backend_of(&searcher, "searcher");
    refused(st_register_backend(context, &backend), ST_E_ARGUMENT, "caps.lanes is 0");
    memset(searcher.info.id, 'a', sizeof searcher.info.id); /* no end */
    refused(st_register_backend(context, &backend), ST_E_ARGUMENT, "its id is");
    assert_int_equal(st_device_count(context), 5);
    st_context_destroy(context);
    assert_int_equal(searcher.closes, 0); /* what was refused is not closed */
}

static void test_sixteen(void **state) {
    (void)state;
    st_context *context = context_of();
    struct searcher searchers[17];
    char names[17][8];
    for (int i = 0; i < 17; i++) {
        snprintf(names[i], sizeof names[i], "own%d", i);
        searchers[i] = searcher_of(names[i]);
        st_backend backend = backend_of(&searchers[i], names[i]);
        if (i == 3) backend.close = NULL;
        if (i < 16)
            assert_int_equal(st_register_backend(context, &backend), ST_OK);
        else
            refused(st_register_backend(context, &backend), ST_E_CAPACITY, "16 are registered");
        if (i == 5) refused(st_register_backend(context, &backend), ST_E_ARGUMENT, "is taken");
    }
    assert_int_equal(st_device_count(context), 21);
    st_context_destroy(context);
    for (int i = 0; i < 17; i++) assert_int_equal(searchers[i].closes, i != 3 && i < 16);
}

/* Caps of a registered backend cannot say which one; its id can. */
static void test_caps_need_a_name(void **state) {
    (void)state;
    st_context *context = context_of();
    struct searcher searcher = searcher_of("searcher");
    const st_backend backend = backend_of(&searcher, "searcher");
    assert_int_equal(st_register_backend(context, &backend), ST_OK);
    st_device_info info = {.struct_size = sizeof info};
    assert_int_equal(st_device_at(context, 5, &info), ST_OK);
    st_plan plan;
    refused(st_plan_rank(context, ST_TOPK, 1, 10, 1, &info.caps, &plan), ST_E_ARGUMENT, "by its id");
    st_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plans_run_on_it),  cmocka_unit_test(test_illegal_choices), cmocka_unit_test(test_failures_pass_through),
        cmocka_unit_test(test_bad_descriptions), cmocka_unit_test(test_sixteen),         cmocka_unit_test(test_caps_need_a_name),
        cmocka_unit_test(test_bands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
