/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * test_run_rank.c - whole executions on the CPU, split and not, against the reference: outputs and workspace are
 * exactly as large as stated, between guard pages, and begin where only their element's alignment allows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backends/cpu/run.h"
#include "backends/cpu/select.h"
#include "base/memory.h"
#include "base/pool.h"
#include "guard_pages.h"
#include "random_elements.h"
#include "rank/reference.h"

enum { MOST_ROWS = 7, MOST_COLS = 6000, MOST_LIST = 10, MOST_THREADS = 4 };

static st_guarded input_pages, values_pages, indices_pages, workspace_pages;
static st_random rng;
static st_processor processor;
static st_host host;
static st_pool *pool;
static char *expected_values, *expected_indices;

/* One execution, whole: the request, its Choice, and the sizes of what it may write. */
struct scene {
    st_rank_request request;
    st_choice choice;
    st_rank_buffers buffers;
    int64_t row_list[MOST_LIST], lengths[MOST_ROWS];
    int64_t width;
    size_t value_bytes, index_bytes; /* extents of the outputs */
    st_data data;
    st_isa isa;
};

static void complain(const struct scene *scene, const char *what) {
    const st_rank_request *request = &scene->request;
    print_message("%s: cpu/%s/%s%s kind %d %s rule %d order %d outputs %d, %lld x %lld, k %lld, [%lld, %lld) %s, "
                  "strides %lld %lld, "
                  "threads %d, wg %d, %s%s%s\n",
                  what, st_isa_name(scene->isa), st_cpu_family_name(st_cpu_family_of(&scene->choice)),
                  st_cpu_pieces(request, &scene->choice) > 1 ? "-split" : "", request->kind, st_dtype_name(request->dtype),
                  request->nan_rule, request->order, request->outputs, (long long)request->rows,
                  (long long)request->cols, (long long)request->k, (long long)request->lo, (long long)request->hi,
                  request->descending ? "descending" : "ascending", (long long)request->row_stride,
                  (long long)request->col_stride, request->threads, scene->choice.wg, st_data_name(scene->data),
                  scene->buffers.row_list != NULL ? ", row list" : "",
                  scene->buffers.lengths != NULL ? ", ragged" : "");
    fail();
}

static void choose_request(struct scene *scene) {
    st_rank_request *request = &scene->request;
    const int long_rows = st_random_chance(&rng, 1, 5); /* only those can be split */
    *request = (st_rank_request){.struct_size = sizeof *request,
                                 .kind = (int32_t)st_random_between(&rng, ST_TOPK, ST_WINDOW),
                                 .dtype = (st_dtype)st_random_between(&rng, ST_F32, ST_U64),
                                 .index_dtype = st_random_chance(&rng, 1, 2) ? ST_I32 : ST_I64,
                                 .nan_rule = (int32_t)st_random_below(&rng, 4),
                                 .order = (int32_t)st_random_below(&rng, 2),
                                 .outputs = (int32_t)st_random_between(&rng, 1, 3),
                                 .threads = (int32_t)st_random_between(&rng, 1, MOST_THREADS)};
    request->rows = st_random_between(&rng, 1, long_rows ? 2 : MOST_ROWS);
    request->cols = long_rows ? st_random_between(&rng, 1024, MOST_COLS) : st_random_between(&rng, 1, 150);
    request->k = st_random_between(&rng, 1, st_random_chance(&rng, 2, 3) && request->cols > 20 ? 20 : request->cols);
    request->lo = st_random_between(&rng, 0, request->cols - 1);
    request->hi = st_random_between(&rng, request->lo, request->cols);
    if (st_random_chance(&rng, 1, 2) && request->lo + 8 < request->hi) request->hi = request->lo + 8;
    request->descending = request->kind == ST_WINDOW && st_random_chance(&rng, 1, 2);
    scene->width = request->kind == ST_WINDOW ? request->hi - request->lo : request->k;
}

static void choose_choice(struct scene *scene) {
    static const int32_t homes[][2] = {{ST_MK_SHARED, ST_MKD_FILTER},   {ST_MK_SHARED, ST_MKD_HEAP},
                                       {ST_MK_SHARED, ST_MKD_KWAY},     {ST_MK_WARP, ST_MKD_AUTO},
                                       {ST_MK_BITONIC, ST_MKD_BITONIC}, {ST_MK_RADIX, ST_MKD_AUTO}};
    const size_t home = st_random_below(&rng, sizeof homes / sizeof homes[0]);
    scene->choice = (st_choice){.mk = homes[home][0],
                                .mkd = homes[home][1],
                                .use_2ce = (int32_t)st_random_below(&rng, 2),
                                .wg = (int32_t)st_random_between(&rng, 1, 5),
                                .kl = (int32_t)st_random_between(&rng, 1, 4),
                                .tile = 64 << st_random_below(&rng, 8),
                                .ctile = 64 << st_random_below(&rng, 6),
                                .midk = (int32_t)st_random_below(&rng, 3),
                                .bottomk = (int32_t)st_random_below(&rng, 3)};
}

/* Strides of either sign, 0, and overlapping ones; the input is laid out so that exactly the bytes they reach exist. */
static void choose_input(struct scene *scene) {
    st_rank_request *request = &scene->request;
    static const int64_t col_strides[] = {1, 1, 1, 1, 2, 3, -1, -2, 0};
    const size_t size = (size_t)st_dtype_size(request->dtype);
    request->col_stride = col_strides[st_random_below(&rng, sizeof col_strides / sizeof col_strides[0])];
    const int64_t packed = request->cols * (request->col_stride < 0 ? -request->col_stride : request->col_stride);
    switch (st_random_below(&rng, 5)) {
        case 0: request->row_stride = packed + st_random_between(&rng, 0, 5); break;
        case 1: request->row_stride = -packed; break;
        case 2: request->row_stride = 0; break;
        case 3: request->row_stride = 1; break;
        default: request->row_stride = packed; break;
    }
    const int64_t row_reach = (request->rows - 1) * request->row_stride,
                  col_reach = (request->cols - 1) * request->col_stride;
    const int64_t lowest = (row_reach < 0 ? row_reach : 0) + (col_reach < 0 ? col_reach : 0);
    const int64_t highest = (row_reach > 0 ? row_reach : 0) + (col_reach > 0 ? col_reach : 0);
    const size_t bytes = (size_t)(highest - lowest + 1) * size;
    scene->data = (st_data)st_random_below(&rng, ST_DATA_COUNT);
    st_guarded_seal(&input_pages, 0);
    char *place = st_guarded_place(&input_pages, bytes, st_random_chance(&rng, 1, 2));
    st_random_fill(&rng, request->dtype, scene->data, place, bytes / size);
    st_guarded_seal(&input_pages, 1); /* an execution that writes to its input ends here */
    scene->buffers = (st_rank_buffers){.struct_size = sizeof scene->buffers, .input = place - lowest * (int64_t)size};
    scene->buffers.row_list_count = request->rows;
    if (st_random_chance(&rng, 1, 4)) {
        scene->buffers.row_list_count = st_random_between(&rng, 0, request->cols > 1000 ? 3 : MOST_LIST);
        for (int i = 0; i < MOST_LIST; i++) scene->row_list[i] = st_random_between(&rng, 0, request->rows - 1);
        scene->buffers.row_list = scene->row_list;
    }
    if (st_random_chance(&rng, 1, 3)) {
        for (int64_t row = 0; row < request->rows; row++)
            scene->lengths[row] = st_random_between(&rng, 0, request->cols);
        scene->buffers.lengths = scene->lengths;
    }
}

static size_t extent_of(int64_t rows, int64_t stride, int64_t width, size_t size) {
    return rows == 0 || width == 0 ? 0 : (size_t)((rows - 1) * stride + width) * size;
}

static void place_outputs(struct scene *scene) {
    const st_rank_request *request = &scene->request;
    st_rank_buffers *buffers = &scene->buffers;
    const int at_end = st_random_chance(&rng, 3, 4);
    buffers->values_stride = scene->width + (st_random_chance(&rng, 1, 4) ? 3 : 0);
    buffers->indices_stride = scene->width + (st_random_chance(&rng, 1, 4) ? 1 : 0);
    scene->value_bytes =
        extent_of(buffers->row_list_count, buffers->values_stride, scene->width, (size_t)st_dtype_size(request->dtype));
    scene->index_bytes = extent_of(buffers->row_list_count, buffers->indices_stride, scene->width,
                                   request->index_dtype == ST_I32 ? 4 : 8);
    if (request->outputs & ST_OUT_VALUES) buffers->values = st_guarded_place(&values_pages, scene->value_bytes, at_end);
    if (request->outputs & ST_OUT_INDICES)
        buffers->indices = st_guarded_place(&indices_pages, scene->index_bytes, at_end);
    buffers->workspace_size = st_cpu_run_bytes(request, &scene->choice);
    if (buffers->workspace_size > workspace_pages.size) complain(scene, "workspace is larger than any formula says");
    assert_int_equal(buffers->workspace_size % 64, 0); /* so it is aligned to 64 at either end of its pages */
    buffers->workspace = st_guarded_place(&workspace_pages, (size_t)buffers->workspace_size, at_end);
}

/* What the reference writes, into memory that starts as the canary too, so that gaps between rows are compared as well.
 */
static st_status run_reference(const struct scene *scene) {
    st_rank_buffers buffers = scene->buffers;
    memset(expected_values, 0xa5, scene->value_bytes);
    memset(expected_indices, 0xa5, scene->index_bytes);
    buffers.values = expected_values;
    buffers.indices = expected_indices;
    return st_reference_rank(&host, &scene->request, &buffers);
}

static st_status check(struct scene *scene, const st_cpu_table *table) {
    const st_backend_services services = {sizeof services, &host, pool, scene->request.threads};
    char message[256];
    const st_status expected = run_reference(scene);
    snprintf(message, sizeof message, "%s", expected == ST_OK ? "" : st_last_message());
    const st_status status = st_cpu_run(table, &scene->request, &scene->choice, &scene->buffers, &services);
    if (status != expected) complain(scene, "status");
    if (status != ST_OK && strcmp(message, st_last_message()) != 0) complain(scene, "message");
    const st_rank_buffers *buffers = &scene->buffers;
    if (buffers->values != NULL) {
        if (!st_guarded_intact(&values_pages, buffers->values, scene->value_bytes)) complain(scene, "values overrun");
        if (status == ST_OK && memcmp(buffers->values, expected_values, scene->value_bytes) != 0)
            complain(scene, "values");
    }
    if (buffers->indices != NULL) {
        if (!st_guarded_intact(&indices_pages, buffers->indices, scene->index_bytes))
            complain(scene, "indices overrun");
        if (status == ST_OK && memcmp(buffers->indices, expected_indices, scene->index_bytes) != 0)
            complain(scene, "indices");
    }
    if (!st_guarded_intact(&workspace_pages, buffers->workspace, (size_t)buffers->workspace_size))
        complain(scene, "workspace overrun");
    return status;
}

static void test_random_executions(void **state) {
    const st_isa isa = (st_isa)(intptr_t)*state;
    static struct scene scene;
    st_cpu_table table;
    if (!(processor.isas & (1u << isa))) {
        print_message("skipped: this CPU, or this build, has no %s\n", st_isa_name(isa));
        skip();
    }
    st_cpu_kernels_fill(processor.isas & ((2u << isa) - 1), &table);
    scene.isa = isa;
    int splits = 0, errors = 0;
    for (int round = 0; round < 2500; round++) {
        choose_request(&scene);
        choose_choice(&scene);
        choose_input(&scene);
        place_outputs(&scene);
        assert_int_equal(table.of_class[st_cpu_class((uint32_t)st_dtype_size(scene.request.dtype) * 8)].isa, isa);
        splits += st_cpu_pieces(&scene.request, &scene.choice) > 1 && scene.request.cols > 1024;
        errors += check(&scene, &table) == ST_E_NAN;
    }
    assert_true(splits > 50); /* the paths that the rounds are for were taken */
    assert_true(errors > 20);
}

static void test_no_work_touches_nothing(void **state) {
    (void)state;
    st_cpu_table table;
    st_cpu_kernels_fill(0, &table);
    const st_choice choice = {.mk = ST_MK_SHARED, .mkd = ST_MKD_FILTER, .wg = 1, .kl = 1, .tile = 64, .ctile = 64};
    const st_backend_services services = {sizeof services, &host, pool, 1};
    st_rank_request request = {.struct_size = sizeof request, .kind = ST_TOPK, .dtype = ST_F32, .index_dtype = ST_I64,
                               .nan_rule = ST_NAN_ERROR, .outputs = 3, .threads = 1, .rows = 3, .cols = 5, .k = 0,
                               .row_stride = 5, .col_stride = 1};
    _Alignas(64) char workspace[4096];
    assert_true(st_cpu_run_bytes(&request, &choice) <= sizeof workspace);
    /* Nothing may be read: there is no input. */
    st_rank_buffers buffers = {.struct_size = sizeof buffers, .row_list_count = 3, .workspace = workspace};
    assert_int_equal(st_cpu_run(&table, &request, &choice, &buffers, &services), ST_OK);
    request.k = 2;
    buffers.row_list_count = 0;
    assert_int_equal(st_cpu_run(&table, &request, &choice, &buffers, &services), ST_OK);
    request.rows = 0;
    assert_int_equal(st_cpu_run(&table, &request, &choice, &buffers, &services), ST_OK);
}

/* use_2ce decides, but midk and bottomk decide first for their kinds; one worker cannot split. */
static void test_which_choices_split(void **state) {
    (void)state;
    static const struct {
        int32_t kind, use_2ce, midk, bottomk, wg;
        int splits;
    } cases[] = {{ST_TOPK, 0, 2, 2, 4, 0},    {ST_TOPK, 1, 1, 1, 4, 1},    {ST_TOPK, 1, 0, 0, 1, 0},
                 {ST_MIDK, 0, 0, 2, 4, 0},    {ST_MIDK, 0, 2, 0, 4, 1},    {ST_MIDK, 1, 1, 2, 4, 0},
                 {ST_MIDK, 1, 0, 1, 4, 1},    {ST_BOTTOMK, 0, 2, 0, 4, 0}, {ST_BOTTOMK, 0, 1, 2, 4, 1},
                 {ST_BOTTOMK, 1, 0, 1, 4, 0}, {ST_WINDOW, 0, 2, 0, 2, 1},  {ST_WINDOW, 1, 1, 0, 2, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const st_rank_request request = {
            .kind = cases[i].kind, .dtype = ST_F32, .rows = 1, .cols = 100000, .k = 3, .threads = 4};
        const st_choice choice = {
            .use_2ce = cases[i].use_2ce, .midk = cases[i].midk, .bottomk = cases[i].bottomk, .wg = cases[i].wg};
        assert_int_equal(st_cpu_pieces(&request, &choice) > 1, cases[i].splits);
    }
}

/* A window too large for any memory is SIZE_MAX, which no allocation gives. */
static void test_workspace_does_not_wrap(void **state) {
    (void)state;
    st_rank_request request = {
        .kind = ST_TOPK, .dtype = ST_F64, .rows = 1, .cols = INT64_MAX / 8, .threads = 4096, .outputs = 3};
    request.k = request.cols;
    for (int32_t mk = ST_MK_BITONIC; mk <= ST_MK_RADIX; mk++) {
        const st_choice choice = {.mk = mk, .wg = 1, .kl = 32, .tile = 64, .ctile = 64};
        assert_int_equal(st_cpu_run_bytes(&request, &choice), SIZE_MAX);
    }
}

static int set_up(void **state) {
    (void)state;
    st_processor_detect(&processor);
    st_random_seed(&rng, 4242);
    if (st_host_resolve(NULL, &host) != ST_OK || st_pool_create(&host, MOST_THREADS, &pool) != ST_OK) return -1;
    const size_t output = (size_t)(MOST_COLS + 3) * 8 * MOST_LIST;
    expected_values = malloc(output);
    expected_indices = malloc(output);
    if (expected_values == NULL || expected_indices == NULL) return -1;
    if (st_guarded_open(&input_pages, (size_t)MOST_COLS * 3 * 8 * MOST_ROWS) != 0) return -1;
    if (st_guarded_open(&values_pages, output) != 0 || st_guarded_open(&indices_pages, output) != 0) return -1;
    return st_guarded_open(&workspace_pages, (size_t)12 << 20);
}

static int tear_down(void **state) {
    (void)state;
    st_pool_destroy(pool);
    free(expected_values);
    free(expected_indices);
    st_guarded_close(&input_pages);
    st_guarded_close(&values_pages);
    st_guarded_close(&indices_pages);
    st_guarded_close(&workspace_pages);
    return 0;
}

#define ISA_TEST(label, isa) {label, test_random_executions, NULL, NULL, (void *)(intptr_t)(isa)}

int main(void) {
    const struct CMUnitTest tests[] = {ISA_TEST("portable", ST_ISA_PORTABLE),
                                       ISA_TEST("neon", ST_ISA_NEON),
                                       ISA_TEST("avx2", ST_ISA_AVX2),
                                       ISA_TEST("avx512", ST_ISA_AVX512),
                                       cmocka_unit_test(test_no_work_touches_nothing),
                                       cmocka_unit_test(test_which_choices_split),
                                       cmocka_unit_test(test_workspace_does_not_wrap)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
