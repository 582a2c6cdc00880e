/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_device_memory.c - memory.h through a backend whose device memory is the host's: what is checked, and who frees what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spiraltorch/spiraltorch.h"

/* A backend that answers every request with its row's first elements, and keeps count of what it is asked for. */
struct shelf {
    const char *id;
    int32_t memories, fences, waits, closes;
    int64_t polls_needed; /* looks at a fence before it is done */
    st_backend_buffers seen;
    st_rank_request request;
};

struct run {
    int64_t polls;
};

static st_status shelf_device(void *self, st_device_info *info) {
    const struct shelf *shelf = self;
    *info = (st_device_info){.struct_size = sizeof *info, .available = 1, .caps = st_caps_wgpu(8, 1, 4)};
    snprintf(info->id, sizeof info->id, "%s", shelf->id);
    return ST_OK;
}

static int32_t shelf_legal(void *self, int32_t kind, int32_t mk, int32_t mkd) {
    (void)self;
    return kind == ST_TOPK && mk == ST_MK_SHARED && mkd == ST_MKD_AUTO;
}

static void shelf_describe(void *self, const st_rank_request *request, const st_choice *choice, const st_device_caps *caps, char name[64]) {
    (void)self;
    (void)request;
    (void)choice;
    (void)caps;
    snprintf(name, 64, "shelf/first");
}

static double shelf_estimate(void *self, const st_rank_request *request, const st_choice *choice, const st_device_caps *caps) {
    (void)self;
    (void)request;
    (void)choice;
    (void)caps;
    return 1;
}

static int32_t shelf_candidates(void *self, const st_rank_request *request, const st_device_caps *caps, st_choice *choices, int32_t capacity) {
    (void)self;
    (void)request;
    (void)caps;
    if (capacity > 0) choices[0] = (st_choice){.mk = ST_MK_SHARED};
    return 1;
}

static uint64_t shelf_hash(void *self) {
    (void)self;
    return 1;
}

static void shelf_normalise(void *self, const st_rank_request *request, const st_device_caps *caps, st_choice *choice) {
    (void)self;
    (void)request;
    (void)caps;
    (void)choice;
}

static uint64_t shelf_workspace(void *self, const st_plan *plan, const st_backend_services *services) {
    (void)self;
    (void)plan;
    (void)services;
    return 0;
}

static st_status shelf_run(void *self, const st_plan *plan, const st_rank_buffers *buffers, const st_backend_services *services) {
    (void)self;
    (void)plan;
    (void)buffers;
    (void)services;
    return st_backend_fail(ST_E_UNSUPPORTED, "the shelf reads its own memory alone");
}

static void shelf_close(void *self) { ((struct shelf *)self)->closes++; }

static st_status memory_create(void *self, uint64_t bytes, void **memory) {
    struct shelf *shelf = self;
    if (bytes > 1 << 20) return st_backend_fail(ST_E_MEMORY, "the shelf is full");
    *memory = calloc(1, (size_t)bytes);
    shelf->memories++;
    return ST_OK;
}

static void memory_destroy(void *self, void *memory) {
    ((struct shelf *)self)->memories--;
    free(memory);
}

static st_status memory_upload(void *self, void *memory, uint64_t offset, const void *source, uint64_t bytes) {
    (void)self;
    memcpy((char *)memory + offset, source, (size_t)bytes);
    return ST_OK;
}

static st_status memory_download(void *self, void *memory, uint64_t offset, void *target, uint64_t bytes) {
    (void)self;
    memcpy(target, (char *)memory + offset, (size_t)bytes);
    return ST_OK;
}

static st_status memory_run(void *self, const st_plan *plan, const st_backend_buffers *buffers, void **fence) {
    struct shelf *shelf = self;
    const st_rank_request *request = &plan->request;
    shelf->seen = *buffers;
    shelf->request = *request;
    const float *input = (const float *)(const void *)((char *)buffers->input.memory + buffers->input.offset);
    const uint32_t *list = buffers->row_list.memory == NULL ? NULL : (const uint32_t *)(const void *)((char *)buffers->row_list.memory + buffers->row_list.offset);
    float *values = buffers->values.memory == NULL ? NULL : (float *)(void *)((char *)buffers->values.memory + buffers->values.offset);
    for (int64_t row = 0; row < buffers->output_rows && values != NULL; row++)
        for (int64_t i = 0; i < request->k; i++)
            values[row * buffers->values_stride + i] = input[(list == NULL ? row : list[row]) * request->row_stride + i * request->col_stride];
    struct run *made = calloc(1, sizeof *made);
    shelf->fences++;
    *fence = made;
    return ST_OK;
}

static st_status memory_wait(void *self, void *fence, uint64_t timeout_ns, int32_t *done) {
    struct shelf *shelf = self;
    struct run *run = fence;
    shelf->waits++;
    run->polls++;
    *done = timeout_ns > 0 || run->polls > shelf->polls_needed;
    return ST_OK;
}

static void memory_release(void *self, void *fence) {
    ((struct shelf *)self)->fences--;
    free(fence);
}

static const st_backend_memory shelf_memory = {.struct_size = sizeof(st_backend_memory),
                                               .create = memory_create,
                                               .destroy = memory_destroy,
                                               .upload = memory_upload,
                                               .download = memory_download,
                                               .run = memory_run,
                                               .wait = memory_wait,
                                               .release = memory_release};

static st_backend backend_of(struct shelf *shelf, const char *name) {
    return (st_backend){.struct_size = sizeof(st_backend), .name = name, .self = shelf, .device = shelf_device, .legal = shelf_legal,
                        .describe = shelf_describe, .estimate = shelf_estimate, .candidates = shelf_candidates,
                        .kernel_hash = shelf_hash, .normalise = shelf_normalise, .workspace = shelf_workspace, .run = shelf_run,
                        .close = shelf_close, .memory = &shelf_memory};
}

static void refused(st_status status, st_status expected, const char *words) {
    assert_string_equal(st_status_name(status), st_status_name(expected));
    if (strstr(st_last_message(), words) == NULL) fail_msg("\"%s\" lacks \"%s\"", st_last_message(), words);
}

struct scene {
    st_context *context;
    struct shelf shelf, other;
    st_memory *input, *values, *indices, *lists, *elsewhere;
    st_plan plan;
};

enum { ROWS = 4, COLS = 6, K = 2 };

static struct scene *open_scene(void) {
    struct scene *scene = calloc(1, sizeof *scene);
    const st_context_options options = {.struct_size = sizeof options, .threads = 1};
    scene->shelf.id = "shelf:0";
    scene->other.id = "other";
    assert_int_equal(st_context_create(&options, &scene->context), ST_OK);
    const st_backend shelf = backend_of(&scene->shelf, "shelf"), other = backend_of(&scene->other, "other");
    assert_int_equal(st_register_backend(scene->context, &shelf), ST_OK);
    assert_int_equal(st_register_backend(scene->context, &other), ST_OK);
    assert_int_equal(st_memory_create(scene->context, "shelf:0", ROWS * COLS * 4, &scene->input), ST_OK);
    assert_int_equal(st_memory_create(scene->context, "shelf:0", 4 + ROWS * K * 4, &scene->values), ST_OK);
    assert_int_equal(st_memory_create(scene->context, "shelf:0", ROWS * K * 8, &scene->indices), ST_OK);
    assert_int_equal(st_memory_create(scene->context, "shelf:0", 100, &scene->lists), ST_OK);
    assert_int_equal(st_memory_create(scene->context, "other", 1000, &scene->elsewhere), ST_OK);
    st_rank_request request;
    st_rank_request_init(&request, ST_TOPK, ROWS, COLS, K);
    assert_int_equal(st_plan_request(scene->context, &request, "shelf:0", NULL, &scene->plan), ST_OK);
    return scene;
}

static void close_scene(struct scene *scene) {
    st_memory_destroy(scene->input);
    st_memory_destroy(scene->values);
    st_memory_destroy(scene->indices);
    st_memory_destroy(scene->lists);
    st_memory_destroy(scene->elsewhere);
    st_context_destroy(scene->context);
    assert_int_equal(scene->shelf.memories, 0);
    assert_int_equal(scene->shelf.fences, 0);
    assert_int_equal(scene->shelf.closes, 1);
    assert_int_equal(scene->other.closes, 1);
    free(scene);
}

static st_memory_buffers buffers_of(const struct scene *scene) {
    return (st_memory_buffers){.struct_size = sizeof(st_memory_buffers), .input = {scene->input, 0}, .values = {scene->values, 4},
                               .indices = {scene->indices, 0}};
}

static void test_copies(void **state) {
    (void)state;
    struct scene *scene = open_scene();
    float there[3] = {1, 2, 3}, back[3] = {0};
    assert_int_equal(st_memory_bytes(scene->input), ROWS * COLS * 4);
    assert_int_equal(st_memory_bytes(NULL), 0);
    assert_int_equal(st_memory_upload(scene->input, 5, there, sizeof there), ST_OK);
    assert_int_equal(st_memory_download(scene->input, 5, back, sizeof back), ST_OK);
    assert_memory_equal(there, back, sizeof there);
    assert_int_equal(st_memory_upload(scene->input, ROWS * COLS * 4, NULL, 0), ST_OK);
    refused(st_memory_upload(scene->input, ROWS * COLS * 4 - 4, there, 8), ST_E_ARGUMENT, "the memory ends at 96");
    refused(st_memory_download(scene->input, UINT64_MAX, back, 4), ST_E_ARGUMENT, "the memory ends at 96");
    refused(st_memory_download(scene->input, 0, NULL, 4), ST_E_ARGUMENT, "target is NULL");
    refused(st_memory_upload(scene->input, 0, NULL, 4), ST_E_ARGUMENT, "source is NULL");
    refused(st_memory_upload(NULL, 0, there, 4), ST_E_ARGUMENT, "memory is NULL");
    close_scene(scene);
}

static void test_creation_is_checked(void **state) {
    (void)state;
    struct scene *scene = open_scene();
    st_memory *memory = scene->input;
    refused(st_memory_create(scene->context, "cpu", 4, &memory), ST_E_UNSUPPORTED, "cpu has no memory of its own");
    assert_null(memory);
    refused(st_memory_create(scene->context, "shelf:0", 0, &memory), ST_E_ARGUMENT, "bytes is 0");
    refused(st_memory_create(scene->context, "shelf:0", UINT64_MAX, &memory), ST_E_MEMORY, "more than any device");
    refused(st_memory_create(scene->context, "shelf:0", 2 << 20, &memory), ST_E_MEMORY, "the shelf is full");
    refused(st_memory_create(scene->context, "nothing", 4, &memory), ST_E_DEVICE, "not in the list");
    refused(st_memory_create(NULL, "shelf:0", 4, &memory), ST_E_ARGUMENT, "context is NULL");
    refused(st_memory_create(scene->context, "shelf:0", 4, NULL), ST_E_ARGUMENT, "memory is NULL");
    st_memory_destroy(NULL);
    close_scene(scene);
}

static void test_a_plan_runs_where_its_data_lies(void **state) {
    (void)state;
    struct scene *scene = open_scene();
    float input[ROWS * COLS], values[1 + ROWS * K] = {0};
    const uint32_t list[3] = {3, 0, 3};
    for (int i = 0; i < ROWS * COLS; i++) input[i] = (float)i;
    assert_int_equal(st_memory_upload(scene->input, 0, input, sizeof input), ST_OK);
    assert_int_equal(st_memory_upload(scene->lists, 8, list, sizeof list), ST_OK);
    st_memory_buffers buffers = buffers_of(scene);
    assert_int_equal(st_execute_rank_on(scene->context, &scene->plan, &buffers, NULL), ST_OK);
    assert_int_equal(scene->shelf.seen.values_stride, K);
    assert_int_equal(scene->shelf.seen.output_rows, ROWS);
    assert_int_equal(st_memory_download(scene->values, 0, values, sizeof values), ST_OK);
    for (int row = 0; row < ROWS; row++) assert_true(values[1 + row * K + 1] == (float)(row * COLS + 1));

    /* A list, and the fence in the caller's hand. */
    st_fence *fence = NULL;
    int32_t done = 1;
    scene->shelf.polls_needed = 2;
    buffers.row_list = (st_memory_place){scene->lists, 8};
    buffers.row_list_count = 3;
    assert_int_equal(st_execute_rank_on(scene->context, &scene->plan, &buffers, &fence), ST_OK);
    assert_non_null(fence);
    assert_int_equal(st_fence_wait(fence, 0, &done), ST_OK);
    assert_int_equal(done, 0);
    assert_int_equal(st_fence_wait(fence, 1000, &done), ST_OK);
    assert_int_equal(done, 1);
    assert_int_equal(st_fence_wait(fence, 0, &done), ST_OK);
    assert_int_equal(done, 1);
    st_fence_destroy(fence);
    st_fence_destroy(NULL);
    assert_int_equal(st_memory_download(scene->values, 0, values, sizeof values), ST_OK);
    for (int row = 0; row < 3; row++) assert_true(values[1 + row * K] == (float)(list[row] * COLS));

    /* Nothing to do asks the backend for nothing. */
    const int32_t waits = scene->shelf.waits;
    buffers.row_list_count = 0;
    assert_int_equal(st_execute_rank_on(scene->context, &scene->plan, &buffers, &fence), ST_OK);
    assert_int_equal(st_fence_wait(fence, 0, &done), ST_OK);
    assert_int_equal(done, 1);
    assert_int_equal(scene->shelf.waits, waits);
    st_fence_destroy(fence);
    refused(st_fence_wait(NULL, 0, &done), ST_E_ARGUMENT, "fence is NULL");
    close_scene(scene);
}

static void test_places_are_checked(void **state) {
    (void)state;
    struct scene *scene = open_scene();
    st_memory_buffers buffers = buffers_of(scene);
    st_plan plan = scene->plan;
#define REFUSED(words) refused(st_execute_rank_on(scene->context, &plan, &buffers, NULL), ST_E_ARGUMENT, words)
    buffers.input.offset = 4;
    REFUSED("input: bytes 0 to 96 from offset 4 on");
    buffers.input.offset = 2;
    REFUSED("input.offset is 2, which is not aligned");
    buffers.input.offset = UINT64_MAX - 3;
    REFUSED("input: bytes");
    buffers.input = (st_memory_place){scene->elsewhere, 0};
    REFUSED("input is memory of another device than the plan's, which is shelf:0");
    buffers.input.memory = NULL;
    REFUSED("input.memory is NULL");
    buffers.input = (st_memory_place){scene->values, 0};
    buffers.values = (st_memory_place){scene->input, 0};
    REFUSED("input: bytes");
    buffers = buffers_of(scene);
    buffers.values = (st_memory_place){scene->input, 0};
    REFUSED("values and input lie in one memory");
    buffers = buffers_of(scene);
    buffers.indices = (st_memory_place){scene->input, 0};
    REFUSED("indices and input lie in one memory");
    buffers = buffers_of(scene);
    buffers.indices.memory = NULL;
    REFUSED("indices.memory is NULL");
    plan.request.outputs = ST_OUT_VALUES;
    assert_int_equal(st_execute_rank_on(scene->context, &plan, &buffers, NULL), ST_OK);
    assert_null(scene->shelf.seen.indices.memory);
    plan = scene->plan;
    buffers = buffers_of(scene);
    buffers.values_stride = 1;
    REFUSED("values_stride is 1 but an output row has 2");
    buffers.values_stride = 3;
    REFUSED("values: bytes 0 to 44 from offset 4 on");
    buffers.values_stride = INT64_MAX;
    REFUSED("values_stride is 9223372036854775807; 4 rows of it are too large");
    buffers = buffers_of(scene);
    buffers.lengths = (st_memory_place){scene->lists, 88};
    REFUSED("lengths: bytes 0 to 16 from offset 88 on");
    buffers.lengths = (st_memory_place){scene->values, 0};
    REFUSED("values and lengths lie in one memory");
    buffers = buffers_of(scene);
    buffers.row_list = (st_memory_place){scene->lists, 0};
    buffers.row_list_count = -1;
    REFUSED("row_list_count is -1");
    buffers.row_list_count = INT64_MAX;
    buffers.values_stride = buffers.indices_stride = 0;
    REFUSED("rows of it are too large");
    buffers.row_list_count = 26;
    REFUSED("values: bytes 0 to 208");
    buffers = buffers_of(scene);
    buffers.struct_size = 1;
    REFUSED("struct_size");
    /* Rows from the last one up: the place is that of the last row. */
    buffers = buffers_of(scene);
    plan.request.row_stride = -COLS;
    REFUSED("input: bytes -72 to 24 from offset 0 on");
    buffers.input.offset = (ROWS - 1) * COLS * 4;
    assert_int_equal(st_execute_rank_on(scene->context, &plan, &buffers, NULL), ST_OK);
#undef REFUSED
    plan = scene->plan;
    memcpy(plan.device, "cpu", 4);
    refused(st_execute_rank_on(scene->context, &plan, &buffers, NULL), ST_E_UNSUPPORTED, "cpu has no memory of its own");
    close_scene(scene);
}

static void test_memory_and_fences_may_outlive_their_context(void **state) {
    (void)state;
    struct scene *scene = open_scene();
    st_memory_buffers buffers = buffers_of(scene);
    st_fence *fence = NULL;
    int32_t done = 0;
    float value;
    assert_int_equal(st_execute_rank_on(scene->context, &scene->plan, &buffers, &fence), ST_OK);
    st_context_destroy(scene->context);
    assert_int_equal(scene->shelf.closes, 0);
    assert_int_equal(st_fence_wait(fence, 1, &done), ST_OK);
    assert_int_equal(done, 1);
    st_memory_destroy(scene->input);
    st_memory_destroy(scene->indices);
    st_memory_destroy(scene->lists);
    st_memory_destroy(scene->elsewhere);
    st_fence_destroy(fence);
    assert_int_equal(scene->shelf.closes, 0);
    assert_int_equal(st_memory_download(scene->values, 4, &value, sizeof value), ST_OK);
    st_memory_destroy(scene->values);
    assert_int_equal(scene->shelf.closes, 1);
    assert_int_equal(scene->shelf.memories, 0);
    assert_int_equal(scene->shelf.fences, 0);
    free(scene);
}

static void test_half_a_memory_is_refused(void **state) {
    (void)state;
    st_context *context = NULL;
    struct shelf shelf = {.id = "shelf"};
    assert_int_equal(st_context_create(NULL, &context), ST_OK);
    st_backend_memory half = shelf_memory;
    st_backend backend = backend_of(&shelf, "shelf");
    backend.memory = &half;
    half.wait = NULL;
    refused(st_register_backend(context, &backend), ST_E_ARGUMENT, "backend.memory->wait is NULL");
    half = shelf_memory;
    half.struct_size = 0;
    refused(st_register_backend(context, &backend), ST_E_ARGUMENT, "backend.memory->struct_size");
    st_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_creation_is_checked),
        cmocka_unit_test(test_a_plan_runs_where_its_data_lies),
        cmocka_unit_test(test_places_are_checked),
        cmocka_unit_test(test_memory_and_fences_may_outlive_their_context),
        cmocka_unit_test(test_half_a_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
