/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_run_band.c - band compaction on the CPU against the reference: full, counts only, and with too little room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backends/cpu/run.h"
#include "base/memory.h"
#include "base/pool.h"
#include "failing_host.h"
#include "guard_pages.h"
#include "random_elements.h"
#include "rank/reference.h"

enum { MOST_ROWS = 6, MOST_COLS = 5000, MOST_THREADS = 4, MOST_FOUND = MOST_ROWS * MOST_COLS };

static st_guarded input_pages, counts_pages, values_pages, indices_pages;
static st_random rng;
static st_processor processor;
static st_host host;
static st_pool *pool;
static int64_t expected_counts[MOST_ROWS], expected_indices[MOST_FOUND];
static uint64_t expected_values[MOST_FOUND];

struct scene {
    st_band_request request;
    st_band_buffers buffers;
    uint64_t lower, upper; /* storage of the bounds */
    st_data data;
    st_isa isa;
};

static void complain(const struct scene *scene, const char *what) {
    const st_band_request *request = &scene->request;
    print_message("%s: %s %s %s, %lld x %lld, strides %lld %lld, threads %d, bounds %llx to %llx\n", what,
                  st_isa_name(scene->isa), st_dtype_name(request->dtype), st_data_name(scene->data),
                  (long long)request->rows, (long long)request->cols, (long long)request->row_stride,
                  (long long)request->col_stride, request->threads, (unsigned long long)scene->lower,
                  (unsigned long long)scene->upper);
    fail();
}

static int bound_is_nan(st_dtype dtype, const uint64_t *bound) {
    return st_bits_are_nan(dtype, st_element_bits(bound, (uint32_t)st_dtype_size(dtype) * 8));
}

/* Bounds from the data, so that bands hold something, or any others, the lower above the upper at times; never NaN. */
static void choose_bound(const struct scene *scene, const char *place, size_t elements, uint64_t *bound) {
    const size_t size = (size_t)st_dtype_size(scene->request.dtype);
    for (int tries = 0;; tries++) {
        *bound = 0;
        if (elements > 0 && tries < 8 && st_random_chance(&rng, 3, 4))
            memcpy(bound, place + st_random_below(&rng, elements) * size, size);
        else
            st_random_fill(&rng, scene->request.dtype, ST_DATA_BITS, bound, 1);
        if (!bound_is_nan(scene->request.dtype, bound)) return;
    }
}

static void open_scene(struct scene *scene) {
    static const int64_t strides[] = {1, 1, 1, 2, -1, 0};
    st_band_request *request = &scene->request;
    *request = (st_band_request){.struct_size = sizeof *request,
                                 .dtype = (st_dtype)st_random_between(&rng, ST_F32, ST_U64),
                                 .index_dtype = st_random_chance(&rng, 1, 2) ? ST_I32 : ST_I64,
                                 .threads = (int32_t)st_random_between(&rng, 1, MOST_THREADS),
                                 .rows = st_random_between(&rng, 0, MOST_ROWS),
                                 .cols = st_random_between(&rng, 0, st_random_chance(&rng, 1, 6) ? MOST_COLS : 300)};
    request->col_stride = strides[st_random_below(&rng, sizeof strides / sizeof strides[0])];
    request->row_stride = st_random_chance(&rng, 1, 4) ? st_random_between(&rng, 0, 1) : 2 * request->cols;
    const size_t size = (size_t)st_dtype_size(request->dtype);
    int64_t highest = 0, lowest = 0, elements = 0;
    if (request->rows > 0 && request->cols > 0) {
        const int64_t reach = (request->cols - 1) * request->col_stride;
        lowest = reach < 0 ? reach : 0;
        highest = (reach > 0 ? reach : 0) + (request->rows - 1) * request->row_stride;
        elements = highest - lowest + 1;
    }
    scene->data = (st_data)st_random_below(&rng, ST_DATA_COUNT);
    char *place = st_guarded_place(&input_pages, (size_t)elements * size, st_random_chance(&rng, 1, 2));
    st_random_fill(&rng, request->dtype, scene->data, place, (size_t)elements);
    scene->buffers = (st_band_buffers){.struct_size = sizeof scene->buffers, .input = place - lowest * (int64_t)size};
    choose_bound(scene, place, (size_t)elements, &scene->lower);
    choose_bound(scene, place, (size_t)elements, &scene->upper);
    request->lower = &scene->lower;
    request->upper = &scene->upper;
}

static int64_t run_reference(const struct scene *scene) {
    st_band_buffers buffers = scene->buffers;
    int64_t total = 0;
    buffers.counts = expected_counts;
    buffers.values = expected_values;
    buffers.indices = expected_indices;
    buffers.capacity = MOST_FOUND;
    if (st_reference_band(&scene->request, &buffers) != ST_OK) complain(scene, "reference");
    for (int64_t row = 0; row < scene->request.rows; row++) total += expected_counts[row];
    return total;
}

static void check(struct scene *scene, const st_cpu_table *table) {
    const st_band_request *request = &scene->request;
    st_band_buffers *buffers = &scene->buffers;
    const st_backend_services services = {sizeof services, &host, pool, request->threads};
    const int64_t total = run_reference(scene),
                  room = total + (st_random_chance(&rng, 1, 3) ? st_random_between(&rng, 0, 9) : 0);
    const int short_of_room = total > 0 && st_random_chance(&rng, 1, 5), outputs = (int)st_random_below(&rng, 4);
    buffers->capacity = short_of_room ? st_random_between(&rng, 0, total - 1) : room;
    const size_t size = (size_t)st_dtype_size(request->dtype), index_size = request->index_dtype == ST_I32 ? 4 : 8;
    const size_t counts = (size_t)request->rows * sizeof(int64_t);
    const int at_end = st_random_chance(&rng, 3, 4);
    buffers->counts = st_guarded_place(&counts_pages, counts, at_end);
    char *values = st_guarded_place(&values_pages, (size_t)buffers->capacity * size, at_end);
    char *indices = st_guarded_place(&indices_pages, (size_t)buffers->capacity * index_size, at_end);
    buffers->values = outputs & 1 ? values : NULL;
    buffers->indices = outputs & 2 ? indices : NULL;
    const st_status status = st_cpu_run_band(table, request, buffers, &services);
    const int refused = short_of_room && outputs != 0;
    if (status != (refused ? ST_E_CAPACITY : ST_OK)) complain(scene, "status");
    if (memcmp(buffers->counts, expected_counts, counts) != 0) complain(scene, "counts");
    const size_t written = refused ? 0 : (size_t)total; /* short of room, no element may be written */
    if (!st_guarded_intact(&counts_pages, buffers->counts, counts)) complain(scene, "counts overrun");
    if (!st_guarded_intact(&values_pages, values, outputs & 1 ? written * size : 0))
        complain(scene, "values beyond the band");
    if (!st_guarded_intact(&indices_pages, indices, outputs & 2 ? written * index_size : 0))
        complain(scene, "indices beyond the band");
    if (outputs & 1 && memcmp(values, expected_values, written * size) != 0) complain(scene, "values");
    for (size_t i = 0; outputs & 2 && i < written; i++) {
        int64_t index;
        int32_t narrow;
        memcpy(&narrow, indices + i * index_size, sizeof narrow);
        index = narrow;
        if (index_size == 8) memcpy(&index, indices + i * index_size, sizeof index);
        const int64_t expected =
            request->index_dtype == ST_I32 ? ((const int32_t *)(const void *)expected_indices)[i] : expected_indices[i];
        if (index != expected) complain(scene, "indices");
    }
}

static void test_random_bands(void **state) {
    const st_isa isa = (st_isa)(intptr_t)*state;
    static struct scene scene;
    st_cpu_table table;
    if (!(processor.isas & (1u << isa))) {
        print_message("skipped: this CPU, or this build, has no %s\n", st_isa_name(isa));
        skip();
    }
    st_cpu_kernels_fill(processor.isas & ((2u << isa) - 1), &table);
    scene.isa = isa;
    for (int round = 0; round < 4000; round++) {
        open_scene(&scene);
        assert_int_equal(table.of_class[st_cpu_class((uint32_t)st_dtype_size(scene.request.dtype) * 8)].isa, isa);
        check(&scene, &table);
    }
}

/* Zeros of either sign are in a band that ends at either zero; NaN is in none; infinities are in the widest. */
static void test_edges_of_a_band(void **state) {
    (void)state;
    const float elements[] = {
        -0.0f, 0.0f, 1.0f, -1.0f, (float)strtod("nan", NULL), (float)strtod("inf", NULL), (float)strtod("-inf", NULL),
        0.0f};
    const struct {
        float lower, upper;
        int64_t count, indices[8];
    } cases[] = {{0.0f, 0.0f, 3, {0, 1, 7}},
                 {-0.0f, -0.0f, 3, {0, 1, 7}},
                 {0.0f, -0.0f, 3, {0, 1, 7}},
                 {elements[6], elements[5], 7, {0, 1, 2, 3, 5, 6, 7}},
                 {elements[5], elements[6], 0, {0}},
                 {0.5f, 1.0f, 1, {2}}};
    st_cpu_table table;
    st_cpu_kernels_fill(processor.isas, &table);
    const st_backend_services services = {sizeof services, &host, pool, 2};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t count = -1, indices[8];
        const st_band_request request = {sizeof request,  ST_F32,         ST_I64, 2, 1, 8, 8, 1,
                                         &cases[i].lower, &cases[i].upper, NULL, 0};
        const st_band_buffers buffers = {sizeof buffers, elements, &count, NULL, indices, 8};
        assert_int_equal(st_cpu_run_band(&table, &request, &buffers, &services), ST_OK);
        assert_int_equal(count, cases[i].count);
        assert_memory_equal(indices, cases[i].indices, (size_t)count * sizeof *indices);
    }
}

static void test_allocates_nothing(void **state) {
    (void)state;
    const int32_t elements[] = {1, 2, 3}, lower = 2, upper = 3;
    int64_t count = 0, indices[] = {-7, -7, -7};
    st_failing_host failing;
    st_cpu_table table;
    st_cpu_kernels_fill(0, &table);
    st_failing_host_open(&failing, 1);
    const st_backend_services services = {sizeof services, &failing.host, pool, 1};
    const st_band_request request = {sizeof request, ST_I32, ST_I64, 1, 1, 3, 3, 1, &lower, &upper, NULL, 0};
    const st_band_buffers buffers = {sizeof buffers, elements, &count, NULL, indices, 3};
    assert_int_equal(st_cpu_run_band(&table, &request, &buffers, &services), ST_OK);
    assert_int_equal(failing.events, 0); /* neither an allocation nor a thread */
    assert_int_equal(count, 2);
    assert_int_equal(indices[0], 1);
    assert_int_equal(indices[1], 2);
    assert_true(st_failing_host_close(&failing));
}

static int set_up(void **state) {
    (void)state;
    st_processor_detect(&processor);
    st_random_seed(&rng, 616);
    if (st_host_resolve(NULL, &host) != ST_OK || st_pool_create(&host, MOST_THREADS, &pool) != ST_OK) return -1;
    if (st_guarded_open(&input_pages, (size_t)MOST_COLS * 4 * 8 * MOST_ROWS) != 0) return -1;
    if (st_guarded_open(&counts_pages, MOST_ROWS * sizeof(int64_t)) != 0) return -1;
    if (st_guarded_open(&values_pages, (MOST_FOUND + 16) * sizeof(uint64_t)) != 0) return -1;
    return st_guarded_open(&indices_pages, (MOST_FOUND + 16) * sizeof(int64_t));
}

static int tear_down(void **state) {
    (void)state;
    st_pool_destroy(pool);
    st_guarded_close(&input_pages);
    st_guarded_close(&counts_pages);
    st_guarded_close(&values_pages);
    st_guarded_close(&indices_pages);
    return 0;
}

#define ISA_TEST(label, isa) {label, test_random_bands, NULL, NULL, (void *)(intptr_t)(isa)}

int main(void) {
    const struct CMUnitTest tests[] = {ISA_TEST("portable", ST_ISA_PORTABLE), ISA_TEST("neon", ST_ISA_NEON),
                                       ISA_TEST("avx2", ST_ISA_AVX2),         ISA_TEST("avx512", ST_ISA_AVX512),
                                       cmocka_unit_test(test_edges_of_a_band), cmocka_unit_test(test_allocates_nothing)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
