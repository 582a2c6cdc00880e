/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * test_resident.c - a WebGPU device through the public headers: its memory, plans that run there, a program's own device,
 * buffers and encoders, many calls and threads, and a device that is destroyed under them.
 */
#define _GNU_SOURCE /* nanosleep and sysconf under -std=c17 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wgpu_devices.h"

#ifdef ST_WGPU
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "backends/wgpu/native/device.h"
#include "spiraltorch/spiraltorch.h"

/* A device of this program's own, and a context that has it as well. */
struct scene {
    st_wgpu_device *own;
    const st_wgpu_opened *opened;
    st_context *context;
    char id[32];
};

static void assert_fine(st_status status) {
    if (status != ST_OK) print_error("%s: %s\n", st_status_name(status), st_last_message());
    assert_int_equal(status, ST_OK);
}

static void refused(st_status status, st_status expected, const char *words) {
    assert_string_equal(st_status_name(status), st_status_name(expected));
    if (strstr(st_last_message(), words) == NULL) fail_msg("\"%s\" lacks \"%s\"", st_last_message(), words);
}

static struct scene open_scene(void) {
    struct scene scene = {.own = st_test_wgpu_device()};
    const st_context_options options = {.struct_size = sizeof options, .threads = 2};
    if (scene.own == NULL) skip();
    assert_fine(st_wgpu_device_open(scene.own, &scene.opened));
    assert_fine(st_context_create(&options, &scene.context));
    assert_fine(st_wgpu_add_device(scene.context, (void *)scene.opened->instance, (void *)scene.opened->device, scene.id));
    return scene;
}

static void close_scene(struct scene *scene) {
    st_context_destroy(scene->context);
    st_wgpu_device_close(scene->own);
}

enum { ROWS = 5, COLS = 1000, K = 7 };

static void fill(float *input, int count) {
    for (int i = 0; i < count; i++) input[i] = (float)((i * 7919) % 10007) - 5000;
}

static void plan_on(struct scene *scene, const char *device, int32_t nan_rule, st_plan *plan) {
    st_rank_request request;
    st_rank_request_init(&request, ST_TOPK, ROWS, COLS, K);
    request.nan_rule = nan_rule;
    assert_fine(st_plan_request(scene->context, &request, device, NULL, plan));
    assert_non_null(strstr(plan->kernel, device[0] == 'w' ? "wgpu/" : "cpu/"));
}

/* The CPU's answer. */
static void expect(struct scene *scene, const float *input, float *values, int64_t *indices) {
    st_plan plan;
    plan_on(scene, "cpu", ST_NAN_GREATEST, &plan);
    const st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = input, .values = values, .indices = indices};
    assert_fine(st_execute_rank(scene->context, &plan, &buffers));
}

static void test_copies_at_any_offset(void **state) {
    (void)state;
    struct scene scene = open_scene();
    unsigned char model[103], bytes[103], back[103];
    st_memory *memory = NULL;
    assert_fine(st_memory_create(scene.context, scene.id, sizeof model, &memory));
    for (size_t i = 0; i < sizeof model; i++) model[i] = (unsigned char)(i * 37 + 11);
    assert_fine(st_memory_upload(memory, 0, model, sizeof model));
    for (size_t from = 0; from < 9; from++)
        for (size_t count = 0; count < 14; count++) {
            for (size_t i = 0; i < count; i++) bytes[i] = model[from + i] = (unsigned char)(from * 16 + count + i * 3);
            assert_fine(st_memory_upload(memory, from, bytes, count));
            memset(back, 0x5a, sizeof back);
            assert_fine(st_memory_download(memory, from, back, count));
            assert_memory_equal(back, bytes, count);
            if (count < sizeof back) assert_int_equal(back[count], 0x5a);
        }
    assert_fine(st_memory_upload(memory, 101, "xy", 2)); /* the last bytes of a buffer whose last word is not whole */
    memcpy(model + 101, "xy", 2);
    assert_fine(st_memory_download(memory, 0, back, sizeof back));
    assert_memory_equal(back, model, sizeof model);
    refused(st_memory_upload(memory, 102, "xy", 2), ST_E_ARGUMENT, "the memory ends at 103");
    st_memory *huge = NULL;
    const st_status status = st_memory_create(scene.context, scene.id, (uint64_t)1 << 60, &huge);
    assert_string_equal(st_status_name(status), "ST_E_MEMORY");
    st_memory_destroy(memory);
    close_scene(&scene);
}

/* Places of the usual request, in memory of one device. */
struct places {
    st_memory *input, *values, *indices;
};

static struct places open_places(struct scene *scene, const float *input) {
    struct places places;
    assert_fine(st_memory_create(scene->context, scene->id, ROWS * COLS * 4, &places.input));
    assert_fine(st_memory_create(scene->context, scene->id, ROWS * K * 4, &places.values));
    assert_fine(st_memory_create(scene->context, scene->id, ROWS * K * 8, &places.indices));
    assert_fine(st_memory_upload(places.input, 0, input, ROWS * COLS * 4));
    return places;
}

static void close_places(const struct places *places) {
    st_memory_destroy(places->input);
    st_memory_destroy(places->values);
    st_memory_destroy(places->indices);
}

static st_memory_buffers buffers_of(const struct places *places) {
    return (st_memory_buffers){.struct_size = sizeof(st_memory_buffers), .input = {places->input, 0}, .values = {places->values, 0},
                               .indices = {places->indices, 0}};
}

static void compare(struct scene *scene, const float *input, const struct places *places) {
    float values[ROWS * K], expected[ROWS * K];
    int64_t indices[ROWS * K], expected_indices[ROWS * K];
    expect(scene, input, expected, expected_indices);
    assert_fine(st_memory_download(places->values, 0, values, sizeof values));
    assert_fine(st_memory_download(places->indices, 0, indices, sizeof indices));
    assert_memory_equal(values, expected, sizeof values);
    assert_memory_equal(indices, expected_indices, sizeof indices);
}

static void test_fences(void **state) {
    (void)state;
    struct scene scene = open_scene();
    static float input[ROWS * COLS];
    fill(input, ROWS * COLS);
    struct places places = open_places(&scene, input);
    const st_memory_buffers buffers = buffers_of(&places);
    st_fence *fences[3];
    st_plan plan;
    int32_t done = 0;
    plan_on(&scene, scene.id, ST_NAN_GREATEST, &plan);
    for (int i = 0; i < 3; i++) assert_fine(st_execute_rank_on(scene.context, &plan, &buffers, &fences[i]));
    st_fence_destroy(fences[1]); /* not waited for */
    assert_fine(st_fence_wait(fences[2], UINT64_MAX, &done));
    assert_int_equal(done, 1);
    assert_fine(st_fence_wait(fences[0], 0, &done)); /* began earlier, so it ended earlier */
    assert_int_equal(done, 1);
    assert_fine(st_fence_wait(fences[0], 5, &done)); /* asked again */
    assert_int_equal(done, 1);
    st_fence_destroy(fences[0]);
    compare(&scene, input, &places);

    /* NaN under the rule error is found by the device, and told each time the fence is asked. */
    st_fence *failing;
    const uint32_t nan = 0x7fc00001;
    assert_fine(st_memory_upload(places.input, (3 * COLS + 17) * 4, &nan, 4));
    assert_fine(st_memory_upload(places.input, (3 * COLS + 400) * 4, &nan, 4));
    assert_fine(st_memory_upload(places.input, (4 * COLS) * 4, &nan, 4));
    plan_on(&scene, scene.id, ST_NAN_ERROR, &plan);
    refused(st_execute_rank_on(scene.context, &plan, &buffers, NULL), ST_E_NAN, "row 3, column 17 is NaN");
    assert_fine(st_execute_rank_on(scene.context, &plan, &buffers, &failing));
    for (int i = 0; i < 2; i++) refused(st_fence_wait(failing, UINT64_MAX, &done), ST_E_NAN, "row 3, column 17 is NaN");
    assert_int_equal(done, 1);

    /* Fence and memory stay in the hand when the context goes. */
    plan_on(&scene, scene.id, ST_NAN_GREATEST, &plan);
    st_fence *late;
    assert_fine(st_execute_rank_on(scene.context, &plan, &buffers, &late));
    st_memory_destroy(places.input);
    places.input = NULL;
    st_context_destroy(scene.context);
    scene.context = NULL;
    assert_fine(st_fence_wait(late, UINT64_MAX, &done));
    assert_int_equal(done, 1);
    float first;
    assert_fine(st_memory_download(places.values, 0, &first, sizeof first));
    st_fence_destroy(late);
    st_fence_destroy(failing);
    st_fence_destroy(fences[2]);
    close_places(&places);
    close_scene(&scene);
}

/* A row list and lengths made on the device's side, with entries that no host would let through. */
static void test_bad_lists_stay_in_bounds(void **state) {
    (void)state;
    struct scene scene = open_scene();
    static float input[ROWS * COLS];
    fill(input, ROWS * COLS);
    struct places places = open_places(&scene, input);
    const uint32_t list[ROWS] = {1, 4000000000u, 2, ROWS, 0}, lengths[ROWS] = {COLS, 4000000000u, 3, COLS + 1, 0};
    st_memory *lists;
    st_memory_buffers buffers = buffers_of(&places);
    st_plan plan;
    float values[ROWS * K];
    assert_fine(st_memory_create(scene.context, scene.id, 64, &lists));
    assert_fine(st_memory_upload(lists, 0, list, sizeof list));
    assert_fine(st_memory_upload(lists, 32, lengths, sizeof lengths));
    buffers.row_list = (st_memory_place){lists, 0};
    buffers.row_list_count = ROWS;
    buffers.lengths = (st_memory_place){lists, 32};
    plan_on(&scene, scene.id, ST_NAN_GREATEST, &plan);
    assert_fine(st_execute_rank_on(scene.context, &plan, &buffers, NULL));
    assert_fine(st_memory_download(places.values, 0, values, sizeof values));
    /* The honest rows are right: output row 2 is row 2 with length 3. */
    float best = input[2 * COLS];
    for (int i = 1; i < 3; i++) best = input[2 * COLS + i] > best ? input[2 * COLS + i] : best;
    assert_true(values[2 * K] == best);
    assert_true(values[2 * K + 3] == 0);
    st_memory_destroy(lists);
    close_places(&places);
    close_scene(&scene);
}

static WGPUBuffer make_buffer(const struct scene *scene, WGPUBufferUsage usage, uint64_t bytes) {
    const WGPUBufferDescriptor descriptor = {.usage = usage, .size = bytes};
    const WGPUBuffer buffer = scene->opened->call->DeviceCreateBuffer(scene->opened->device, &descriptor);
    assert_non_null(buffer);
    return buffer;
}

static void test_a_programs_own_buffers_and_encoder(void **state) {
    (void)state;
    const WGPUBufferUsage all = WGPUBufferUsage_Storage | WGPUBufferUsage_CopySrc | WGPUBufferUsage_CopyDst;
    struct scene scene = open_scene();
    const st_wgpu_table *call = scene.opened->call;
    static float input[ROWS * COLS];
    fill(input, ROWS * COLS);
    const WGPUBuffer own[3] = {make_buffer(&scene, all, ROWS * COLS * 4), make_buffer(&scene, all, ROWS * K * 4),
                               make_buffer(&scene, all, ROWS * K * 8)};
    struct places places;
    st_memory **const wrapped[3] = {&places.input, &places.values, &places.indices};
    for (int i = 0; i < 3; i++) {
        assert_fine(st_wgpu_wrap_buffer(scene.context, scene.id, (void *)own[i], wrapped[i]));
        call->BufferRelease(own[i]); /* kept by the memory */
    }
    assert_int_equal(st_memory_bytes(places.indices), ROWS * K * 8);
    assert_fine(st_memory_upload(places.input, 0, input, sizeof input));
    const st_memory_buffers buffers = buffers_of(&places);
    st_plan plan;
    plan_on(&scene, scene.id, ST_NAN_GREATEST, &plan);

    st_wgpu_recording *recording;
    int32_t done = 1;
    WGPUCommandEncoder encoder = call->DeviceCreateCommandEncoder(scene.opened->device, NULL);
    assert_fine(st_wgpu_record_rank(scene.context, &plan, &buffers, (void *)encoder, &recording));
    refused(st_wgpu_recording_wait(recording, UINT64_MAX, &done), ST_E_STATE, "not submitted");
    assert_int_equal(done, 0);
    float nothing[ROWS * K] = {0};
    const float mark[ROWS * K] = {1, 2, 3};
    assert_fine(st_memory_upload(places.values, 0, mark, sizeof mark));
    assert_fine(st_memory_download(places.values, 0, nothing, sizeof nothing));
    assert_memory_equal(nothing, mark, sizeof mark); /* nothing ran yet */
    const WGPUCommandBuffer commands = call->CommandEncoderFinish(encoder, NULL);
    call->QueueSubmit(scene.opened->queue, 1, &commands);
    call->CommandBufferRelease(commands);
    call->CommandEncoderRelease(encoder);
    assert_fine(st_wgpu_recording_wait(recording, UINT64_MAX, &done));
    assert_int_equal(done, 1);
    assert_fine(st_wgpu_recording_wait(recording, 0, &done));
    assert_int_equal(done, 1);
    st_wgpu_recording_destroy(recording);
    st_wgpu_recording_destroy(NULL);
    compare(&scene, input, &places);

    /* What cannot be done is said. */
    const WGPUBuffer poor[2] = {make_buffer(&scene, WGPUBufferUsage_Storage, 64), make_buffer(&scene, WGPUBufferUsage_CopyDst, 64)};
    st_memory *memory = NULL;
    char byte = 0;
    refused(st_wgpu_wrap_buffer(scene.context, scene.id, (void *)poor[1], &memory), ST_E_UNSUPPORTED, "without WGPUBufferUsage_Storage");
    refused(st_wgpu_wrap_buffer(scene.context, "cpu", (void *)poor[0], &memory), ST_E_ARGUMENT, "cpu is no WebGPU device");
    refused(st_wgpu_wrap_buffer(scene.context, scene.id, NULL, &memory), ST_E_ARGUMENT, "buffer is NULL");
    assert_null(memory);
    assert_fine(st_wgpu_wrap_buffer(scene.context, scene.id, (void *)poor[0], &memory));
    refused(st_memory_upload(memory, 0, &byte, 1), ST_E_UNSUPPORTED, "without WGPUBufferUsage_CopyDst");
    refused(st_memory_download(memory, 0, &byte, 1), ST_E_UNSUPPORTED, "without WGPUBufferUsage_CopySrc");
    st_memory_buffers listed = buffers;
    listed.lengths = (st_memory_place){memory, 0};
    refused(st_execute_rank_on(scene.context, &plan, &listed, NULL), ST_E_UNSUPPORTED, "lengths: the buffer was made without");
    st_memory_destroy(memory);
    for (int i = 0; i < 2; i++) call->BufferRelease(poor[i]);
    refused(st_wgpu_record_rank(scene.context, &plan, &buffers, NULL, &recording), ST_E_ARGUMENT, "encoder is NULL");
    void *const instance = (void *)scene.opened->instance, *const device = (void *)scene.opened->device;
    const int32_t devices = st_device_count(scene.context);
    refused(st_wgpu_add_device(NULL, instance, device, scene.id), ST_E_ARGUMENT, "context is NULL");
    refused(st_wgpu_add_device(scene.context, NULL, device, scene.id), ST_E_ARGUMENT, "instance is NULL");
    refused(st_wgpu_add_device(scene.context, instance, NULL, scene.id), ST_E_ARGUMENT, "device is NULL");
    refused(st_wgpu_add_device(scene.context, instance, device, NULL), ST_E_ARGUMENT, "id is NULL");
    assert_int_equal(st_device_count(scene.context), devices);
    close_places(&places);
    close_scene(&scene);
}

static uint64_t resident_bytes(void) {
    unsigned long long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%llu %llu", &pages, &resident) != 2) resident = 0;
    if (file != NULL) fclose(file);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* One call on host memory, one on the device's with a fence, one with memory of its own. */
static void call_once(struct scene *scene, const float *input, const struct places *places, const st_plan *plan, int turn) {
    float values[ROWS * K];
    int64_t indices[ROWS * K];
    if (turn % 3 == 0) {
        const st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = input, .values = values, .indices = indices};
        assert_fine(st_execute_rank(scene->context, plan, &buffers));
        return;
    }
    st_memory_buffers buffers = buffers_of(places);
    st_memory *memory = NULL;
    st_fence *fence = NULL;
    int32_t done = 0;
    if (turn % 3 == 1) {
        assert_fine(st_memory_create(scene->context, scene->id, ROWS * K * 4, &memory));
        buffers.values.memory = memory;
    }
    assert_fine(st_execute_rank_on(scene->context, plan, &buffers, &fence));
    if (turn % 2 == 0) assert_fine(st_fence_wait(fence, UINT64_MAX, &done));
    st_memory_destroy(memory);
    st_fence_destroy(fence);
}

static void test_ten_thousand_calls_leave_nothing(void **state) {
    (void)state;
    enum { CALLS = 10000, WARM = 500 };
    struct scene scene = open_scene();
    static float input[ROWS * COLS];
    fill(input, ROWS * COLS);
    struct places places = open_places(&scene, input);
    st_plan plan;
    st_wgpu_counts before, after;
    float first;
    plan_on(&scene, scene.id, ST_NAN_GREATEST, &plan);
    for (int i = 0; i < WARM; i++) call_once(&scene, input, &places, &plan, i);
    assert_fine(st_memory_download(places.values, 0, &first, sizeof first));
    st_wgpu_device_counts(scene.own, &before);
    const uint64_t resident = resident_bytes();
    for (int i = 0; i < CALLS; i++) call_once(&scene, input, &places, &plan, i);
    assert_fine(st_memory_download(places.values, 0, &first, sizeof first)); /* what was begun has ended */
    st_wgpu_device_counts(scene.own, &after);
    assert_true(before.buffers > 0);
    /* Some are on their way at either moment; one a call would be thousands. */
    if (after.buffers > before.buffers + 50) fail_msg("%llu buffers, then %llu", (unsigned long long)before.buffers, (unsigned long long)after.buffers);
    if (after.bind_groups > before.bind_groups + 50 || after.command_buffers > before.command_buffers + 50 ||
        after.pipelines > before.pipelines || after.shader_modules > before.shader_modules)
        fail_msg("bind groups %llu, then %llu; command buffers %llu, then %llu", (unsigned long long)before.bind_groups,
                 (unsigned long long)after.bind_groups, (unsigned long long)before.command_buffers, (unsigned long long)after.command_buffers);
    const uint64_t now = resident_bytes();
    if (now > resident + (64 << 20)) fail_msg("resident memory grew from %llu to %llu", (unsigned long long)resident, (unsigned long long)now);
    compare(&scene, input, &places);
    close_places(&places);
    close_scene(&scene);
}

struct worker {
    struct scene *scene;
    pthread_t thread;
    int number, calls, wrong;
    st_status status;
};

/* Calls of its own data, each compared with the CPU's answer, which may come from beside it. */
static void *work(void *argument) {
    struct worker *worker = argument;
    float *input = malloc(ROWS * COLS * sizeof *input), values[ROWS * K], expected[ROWS * K];
    int64_t indices[ROWS * K], expected_indices[ROWS * K];
    st_plan plan, cpu;
    st_rank_request request;
    st_rank_request_init(&request, worker->number % 2 == 0 ? ST_TOPK : ST_BOTTOMK, ROWS, COLS - worker->number, K);
    if (input == NULL || st_plan_request(worker->scene->context, &request, worker->scene->id, NULL, &plan) != ST_OK ||
        st_plan_request(worker->scene->context, &request, "cpu", NULL, &cpu) != ST_OK)
        worker->wrong = 1000;
    for (int turn = 0; turn < worker->calls && !worker->wrong; turn++) {
        fill(input, ROWS * COLS - worker->number - turn);
        const st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = input, .values = values, .indices = indices};
        const st_rank_buffers other = {.struct_size = sizeof other, .input = input, .values = expected, .indices = expected_indices};
        worker->status = st_execute_rank(worker->scene->context, &plan, &buffers);
        if (worker->status != ST_OK) break;
        if (st_execute_rank(worker->scene->context, &cpu, &other) != ST_OK) worker->wrong++;
        worker->wrong += memcmp(values, expected, sizeof values) != 0 || memcmp(indices, expected_indices, sizeof indices) != 0;
    }
    free(input);
    return NULL;
}

static void test_eight_threads_on_a_device(void **state) {
    (void)state;
    struct scene scene = open_scene();
    struct worker workers[8];
    for (int i = 0; i < 8; i++) {
        workers[i] = (struct worker){.scene = &scene, .number = i, .calls = 40};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 8; i++) pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < 8; i++) {
        assert_fine(workers[i].status);
        assert_int_equal(workers[i].wrong, 0);
    }
    close_scene(&scene);
}

static void test_a_device_destroyed_under_its_calls(void **state) {
    (void)state;
    struct scene scene = open_scene();
    struct worker workers[4];
    static float input[ROWS * COLS];
    fill(input, ROWS * COLS);
    struct places places = open_places(&scene, input);
    const st_memory_buffers buffers = buffers_of(&places);
    st_plan plan;
    st_fence *fence;
    int32_t done = 0;
    plan_on(&scene, scene.id, ST_NAN_GREATEST, &plan);
    for (int i = 0; i < 4; i++) {
        workers[i] = (struct worker){.scene = &scene, .number = i, .calls = 1 << 30};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    const struct timespec moment = {.tv_nsec = 300000000};
    nanosleep(&moment, NULL);
    const st_status begun = st_execute_rank_on(scene.context, &plan, &buffers, &fence);
    scene.opened->call->DeviceDestroy(scene.opened->device);
    for (int i = 0; i < 4; i++) pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < 4; i++) {
        assert_string_equal(st_status_name(workers[i].status), "ST_E_DEVICE");
        assert_int_equal(workers[i].wrong, 0);
    }
    assert_fine(begun);
    const st_status waited = st_fence_wait(fence, UINT64_MAX, &done); /* it may have ended before */
    assert_int_equal(done, 1);
    if (waited != ST_OK) assert_string_equal(st_status_name(waited), "ST_E_DEVICE");
    st_fence_destroy(fence);
    float values[ROWS * K], expected[ROWS * K];
    int64_t indices[ROWS * K], expected_indices[ROWS * K];
    const st_rank_buffers host = {.struct_size = sizeof host, .input = input, .values = values, .indices = indices};
    assert_int_equal(st_execute_rank(scene.context, &plan, &host), ST_E_DEVICE);
    assert_int_equal(st_memory_download(places.values, 0, values, sizeof values), ST_E_DEVICE);
    /* Had auto picked it, the CPU would have stood in. */
    plan.automatic = 1;
    assert_fine(st_execute_rank(scene.context, &plan, &host));
    expect(&scene, input, expected, expected_indices);
    assert_memory_equal(values, expected, sizeof values);
    st_device_info info = {.struct_size = sizeof info};
    int told = 0;
    for (int32_t i = 0; i < st_device_count(scene.context); i++) {
        assert_fine(st_device_at(scene.context, i, &info));
        told |= strcmp(info.id, scene.id) == 0 && strstr(info.reason, "failed under auto") != NULL;
    }
    assert_true(told);
    close_places(&places);
    close_scene(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies_at_any_offset),
        cmocka_unit_test(test_fences),
        cmocka_unit_test(test_bad_lists_stay_in_bounds),
        cmocka_unit_test(test_a_programs_own_buffers_and_encoder),
        cmocka_unit_test(test_ten_thousand_calls_leave_nothing),
        cmocka_unit_test(test_eight_threads_on_a_device),
        cmocka_unit_test(test_a_device_destroyed_under_its_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void test_there_is_a_device(void **state) {
    (void)state;
    if (st_test_wgpu_device() == NULL) skip();
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_there_is_a_device)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
