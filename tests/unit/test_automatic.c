/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_automatic.c - auto with a GPU in the list: it goes where the answer comes first, and the CPU stands in where that fails. */
#define _GNU_SOURCE /* setenv */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device/gpu_model.h"
#include "device/gpu_rules.h"
#include "engine/context_state.h"
#include "spiraltorch/spiraltorch.h"

/* A GPU whose every run ends as the test says, and whose copies are the host's. */
static struct gpu {
    st_status status;
    int runs, bands, no_bands, software, no_memory;
    double ns;
} gpu;

static st_status gpu_device(void *self, st_device_info *info) {
    (void)self;
    (void)info;
    return ST_OK;
}
static int32_t gpu_legal(void *self, int32_t kind, int32_t mk, int32_t mkd) {
    (void)self;
    return st_gpu_legal(kind, mk, mkd);
}
static void gpu_describe(void *self, const st_rank_request *request, const st_choice *choice, const st_device_caps *caps, char name[64]) {
    (void)self;
    st_gpu_describe(request, choice, caps, name);
}
static double gpu_estimate(void *self, const st_rank_request *request, const st_choice *choice, const st_device_caps *caps) {
    (void)self;
    (void)request;
    (void)choice;
    (void)caps;
    return gpu.ns;
}
static int32_t gpu_candidates(void *self, const st_rank_request *request, const st_device_caps *caps, st_choice *choices, int32_t capacity) {
    (void)self;
    return st_gpu_candidates(request, caps, choices, capacity);
}
static uint64_t gpu_hash(void *self) {
    (void)self;
    return 7;
}
static void gpu_normalise(void *self, const st_rank_request *request, const st_device_caps *caps, st_choice *choice) {
    (void)self;
    st_gpu_normalise(request, caps, choice, NULL);
}
static uint64_t gpu_workspace(void *self, const st_plan *plan, const st_backend_services *services) {
    (void)self;
    (void)plan;
    (void)services;
    return 8;
}
static st_status gpu_run(void *self, const st_plan *plan, const st_rank_buffers *buffers, const st_backend_services *services) {
    (void)self;
    (void)plan;
    (void)services;
    gpu.runs++;
    memset(buffers->values, 0x77, 4); /* a failure may leave anything */
    return gpu.status == ST_OK ? ST_OK : st_backend_fail(gpu.status, "the cooling is off");
}

static st_status gpu_band(void *self, const st_band_request *request, const st_band_buffers *buffers, const st_backend_services *services) {
    (void)self;
    (void)request;
    (void)services;
    gpu.bands++;
    buffers->counts[0] = 1000;
    return gpu.status == ST_OK ? ST_OK : st_backend_fail(gpu.status, "the cooling is off");
}

static st_status copy_create(void *self, uint64_t bytes, void **memory) {
    (void)self;
    if (gpu.no_memory) return st_backend_fail(ST_E_DEVICE, "the bus is silent");
    *memory = malloc((size_t)bytes);
    return ST_OK;
}
static void copy_destroy(void *self, void *memory) {
    (void)self;
    free(memory);
}
static st_status copy_up(void *self, void *memory, uint64_t offset, const void *source, uint64_t bytes) {
    (void)self;
    memcpy((char *)memory + offset, source, (size_t)bytes);
    return ST_OK;
}
static st_status copy_down(void *self, void *memory, uint64_t offset, void *target, uint64_t bytes) {
    (void)self;
    memcpy(target, (char *)memory + offset, (size_t)bytes);
    return ST_OK;
}

static const st_backend_memory copies = {.struct_size = sizeof copies, .create = copy_create, .destroy = copy_destroy,
                                         .upload = copy_up, .download = copy_down};

/* A context whose first WebGPU device is that GPU. */
static st_context *context_of(const char *priorities) {
    st_context *context = NULL;
    st_settings settings;
    setenv("ST_WGPU_LIBRARY", "none", 1);
    setenv("SPIRALTORCH_HOME", "/dev/null/nowhere", 1); /* nothing that was measured stays */
    if (priorities == NULL)
        unsetenv("ST_DEVICE_AUTO_PRIORITIES");
    else
        setenv("ST_DEVICE_AUTO_PRIORITIES", priorities, 1);
    const st_context_options options = {.struct_size = sizeof options, .threads = 1, .heuristics = ST_HEURISTICS_NONE};
    assert_int_equal(st_context_create(&options, &context), ST_OK);
    st_registered *item = &context->registry.items[ST_BACKEND_WGPU - 1];
    if (item->backend.close != NULL) item->backend.close(item->backend.self);
    item->backend = (st_backend){.struct_size = sizeof item->backend, .name = "wgpu", .device = gpu_device, .legal = gpu_legal,
                                 .describe = gpu_describe, .estimate = gpu_estimate, .candidates = gpu_candidates,
                                 .kernel_hash = gpu_hash, .normalise = gpu_normalise, .workspace = gpu_workspace, .run = gpu_run,
                                 .band = gpu.no_bands ? NULL : gpu_band, .memory = &copies};
    item->info.available = 1;
    item->info.software = gpu.software;
    item->info.reason[0] = '\0';
    item->info.caps = st_caps_wgpu(32, 1, 256);
    snprintf(item->info.name, sizeof item->info.name, "test gpu");
    assert_int_equal(st_settings_read(&options, &settings), ST_OK);
    st_automatic_settle(&context->automatic, &context->host, &context->registry, &settings);
    return context;
}

static st_device_info info_of(st_context *context, int32_t position) {
    st_device_info info = {.struct_size = sizeof info};
    assert_int_equal(st_device_at(context, position, &info), ST_OK);
    return info;
}

static const char *planned(st_context *context, int64_t rows, int64_t cols) {
    static st_plan plan;
    assert_int_equal(st_plan_rank(context, ST_TOPK, rows, cols, 8, NULL, &plan), ST_OK);
    assert_int_equal(plan.automatic, 1);
    return plan.device;
}

static void test_it_goes_where_the_answer_comes_first(void **state) {
    (void)state;
    gpu = (struct gpu){.ns = 1000};
    st_context *context = context_of(NULL);
    assert_int_equal(context->automatic.count, 2);
    assert_true(context->automatic.devices[0].transfer.up > 1e6); /* measured */
    context->automatic.devices[0].transfer = (st_transfer){1e11, 1e11, 50000};
    assert_string_equal(planned(context, 4, 100), "cpu"); /* the launch alone takes longer */
    assert_string_equal(planned(context, 4096, 65536), "wgpu:0");
    context->automatic.devices[0].transfer.up = 1e7; /* a wire */
    assert_string_equal(planned(context, 4095, 65536), "cpu");
    /* By name it is planned for wherever it is slower. */
    st_rank_request request;
    st_plan plan;
    st_rank_request_init(&request, ST_TOPK, 4, 100, 8);
    assert_int_equal(st_plan_request(context, &request, "wgpu:0", NULL, &plan), ST_OK);
    assert_string_equal(plan.device, "wgpu:0");
    assert_int_equal(plan.automatic, 0);
    assert_string_equal(info_of(context, 1).reason, "");
    st_context_destroy(context);
}

static void test_software_and_others_are_passed_by(void **state) {
    (void)state;
    gpu = (struct gpu){.ns = 1, .software = 1};
    st_context *context = context_of(NULL);
    assert_int_equal(context->automatic.count, 1);
    assert_string_equal(planned(context, 4096, 65536), "cpu");
    assert_non_null(strstr(info_of(context, 1).reason, "software adapter"));
    st_context_destroy(context);

    gpu = (struct gpu){.ns = 1, .no_memory = 1};
    context = context_of(NULL);
    assert_string_equal(planned(context, 4096, 65536), "cpu");
    assert_string_equal(info_of(context, 1).reason, "auto passes it by: the bus is silent");
    st_context_destroy(context);

    gpu = (struct gpu){.ns = 1};
    context = context_of("cpu");
    assert_string_equal(planned(context, 4096, 65536), "cpu");
    assert_non_null(strstr(info_of(context, 1).reason, "not in ST_DEVICE_AUTO_PRIORITIES"));
    st_context_destroy(context);

    context = context_of("wgpu");
    assert_string_equal(planned(context, 4, 100), "wgpu:0"); /* there is no other */
    st_context_destroy(context);
}

enum { ROWS = 8, COLS = 64, K = 2 };

/* Runs a request that auto gives to the GPU, and compares the answer. */
static st_status run_large(st_context *context, const char *device) {
    static float input[ROWS * COLS];
    float values[ROWS * K];
    int64_t indices[ROWS * K];
    for (int i = 0; i < ROWS * COLS; i++) input[i] = (float)(i * 7 % 61);
    const st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = input, .values = values, .indices = indices};
    st_rank_request request;
    st_plan plan;
    st_rank_request_init(&request, ST_TOPK, ROWS, COLS, K);
    const st_status planned_status = st_plan_request(context, &request, device, NULL, &plan);
    const st_status status = planned_status == ST_OK ? st_execute_rank(context, &plan, &buffers) : planned_status;
    for (int row = 0; row < ROWS && status == ST_OK && gpu.status != ST_OK; row++)
        for (int i = 0; i < COLS; i++)
            if (input[row * COLS + i] > values[row * K]) fail_msg("row %d: column %d is larger than the largest", row, i);
    return status;
}

static void test_the_cpu_stands_in(void **state) {
    (void)state;
    gpu = (struct gpu){.ns = 1e-3, .status = ST_E_UNSUPPORTED};
    st_context *context = context_of(NULL);
    context->automatic.devices[0].transfer = (st_transfer){1e13, 1e13, 0};
    assert_int_equal(run_large(context, NULL), ST_OK);
    assert_int_equal(gpu.runs, 1);
    assert_string_equal(info_of(context, 1).reason, "failed under auto, which then took the CPU: the cooling is off");
    /* One request was too much for it; others go there as before. */
    gpu.status = ST_OK;
    assert_int_equal(run_large(context, "auto"), ST_OK);
    assert_int_equal(gpu.runs, 2);
    /* Lost, it is left alone. */
    gpu.status = ST_E_DEVICE;
    assert_int_equal(run_large(context, NULL), ST_OK);
    assert_int_equal(gpu.runs, 3);
    assert_int_equal(run_large(context, NULL), ST_OK);
    assert_int_equal(gpu.runs, 3);
    assert_string_equal(info_of(context, 1).reason, "failed under auto, which keeps to the CPU: the cooling is off");
    /* Named, it is asked, and its failure is the caller's. */
    assert_int_equal(run_large(context, "wgpu:0"), ST_E_DEVICE);
    assert_string_equal(st_last_message(), "the cooling is off");
    assert_int_equal(gpu.runs, 4);
    st_context_destroy(context);

    /* What is wrong with the request is no failure of the device's. */
    gpu = (struct gpu){.ns = 1e-3, .status = ST_E_NAN};
    context = context_of(NULL);
    context->automatic.devices[0].transfer = (st_transfer){1e13, 1e13, 0};
    assert_int_equal(run_large(context, NULL), ST_E_NAN);
    assert_string_equal(info_of(context, 1).reason, "");
    st_context_destroy(context);

    /* Without the CPU in the priorities nobody stands in. */
    gpu = (struct gpu){.ns = 1e-3, .status = ST_E_DEVICE};
    context = context_of("wgpu");
    assert_int_equal(run_large(context, NULL), ST_E_DEVICE);
    st_context_destroy(context);
}

/* Compacts a band of which every row has its first 20 elements, with room for all elements, or for counts alone. */
static st_status compact(st_context *context, const char *device, int64_t counts[ROWS], int with_values) {
    static int32_t input[ROWS * COLS], values[ROWS * COLS];
    const int32_t lower = 0, upper = 19;
    for (int i = 0; i < ROWS * COLS; i++) input[i] = i % COLS;
    const st_band_request request = {.struct_size = sizeof request, .dtype = ST_I32, .index_dtype = ST_I64, .rows = ROWS, .cols = COLS,
                                     .row_stride = COLS, .col_stride = 1, .lower = &lower, .upper = &upper, .device = device};
    const st_band_buffers buffers = {.struct_size = sizeof buffers, .input = input, .counts = counts,
                                     .values = with_values ? values : NULL, .capacity = ROWS * COLS};
    return st_band_compact(context, &request, &buffers);
}

static void test_bands(void **state) {
    (void)state;
    int64_t counts[ROWS];
    gpu = (struct gpu){.ns = 1e-3};
    st_context *context = context_of(NULL);
    context->automatic.devices[0].transfer = (st_transfer){1e13, 1e13, 0};
    assert_int_equal(compact(context, NULL, counts, 1), ST_OK);
    assert_int_equal(gpu.bands, 1);
    /* What comes back over a slow wire counts for as much as there is room for, and not at all where counts suffice. */
    context->automatic.devices[0].transfer.down = 1e6;
    assert_int_equal(compact(context, "auto", counts, 1), ST_OK);
    assert_int_equal(gpu.bands, 1);
    assert_int_equal(counts[ROWS - 1], 20);
    assert_int_equal(compact(context, "auto", counts, 0), ST_OK);
    assert_int_equal(gpu.bands, 2);
    assert_int_equal(compact(context, "cpu", counts, 0), ST_OK);
    assert_int_equal(gpu.bands, 2);

    gpu.status = ST_E_UNSUPPORTED;
    assert_int_equal(compact(context, NULL, counts, 0), ST_OK);
    assert_int_equal(gpu.bands, 3);
    assert_int_equal(counts[0], 20); /* the CPU's */
    assert_string_equal(info_of(context, 1).reason, "failed under auto, which then took the CPU: the cooling is off");
    assert_int_equal(compact(context, "wgpu:0", counts, 0), ST_E_UNSUPPORTED);
    assert_string_equal(st_last_message(), "the cooling is off");
    gpu.status = ST_E_CAPACITY; /* the request's own fault */
    assert_int_equal(compact(context, NULL, counts, 0), ST_E_CAPACITY);
    gpu.status = ST_E_DEVICE;
    assert_int_equal(compact(context, NULL, counts, 0), ST_OK);
    gpu.bands = 0;
    assert_int_equal(compact(context, NULL, counts, 0), ST_OK); /* lost, it is left alone */
    assert_int_equal(gpu.bands, 0);
    st_context_destroy(context);

    gpu = (struct gpu){.ns = 1e-3, .no_bands = 1};
    context = context_of(NULL);
    context->automatic.devices[0].transfer = (st_transfer){1e13, 1e13, 0};
    assert_int_equal(compact(context, NULL, counts, 1), ST_OK);
    assert_int_equal(counts[0], 20);
    assert_int_equal(compact(context, "wgpu:0", counts, 1), ST_E_UNSUPPORTED);
    assert_string_equal(st_last_message(), "device wgpu:0 has no kernels for bands; use another, or \"auto\"");
    st_context_destroy(context);
    context = context_of("wgpu");
    assert_int_equal(compact(context, NULL, counts, 1), ST_E_DEVICE);
    assert_non_null(strstr(st_last_message(), "ST_DEVICE_AUTO_PRIORITIES (wgpu)"));
    st_context_destroy(context);

    gpu = (struct gpu){.ns = 1e-3, .software = 1};
    context = context_of(NULL);
    assert_int_equal(compact(context, NULL, counts, 1), ST_OK);
    assert_int_equal(gpu.bands, 0);
    st_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_it_goes_where_the_answer_comes_first),
                                       cmocka_unit_test(test_software_and_others_are_passed_by),
                                       cmocka_unit_test(test_the_cpu_stands_in), cmocka_unit_test(test_bands)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
