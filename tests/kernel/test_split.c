/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * test_split.c - one long row searched by its keys by several workers: every window against sorting, whole executions against
 * the reference, and a row that changes meanwhile. Scratch is exactly what was asked for, between guard pages.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backends/cpu/run.h"
#include "backends/cpu/split.h"
#include "base/memory.h"
#include "guard_pages.h"
#include "random_elements.h"
#include "rank/reference.h"

#if defined(__SANITIZE_THREAD__)
#define RACES_ARE_ERRORS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RACES_ARE_ERRORS 1
#endif
#endif

/* Long enough that a window leaves most of the row without room, so that keys are guessed and counted. */
enum { MOST = 60000, MOST_THREADS = 4, WINDOWS = 14, STRETCH = 3000, CHANGES = 400 };

/* Rows of each shape, and executions, for each instruction set. The thread sanitizer is some twenty times slower. */
#if defined(RACES_ARE_ERRORS)
enum { ROWS = 1, RUNS = 8 };
#else
enum { ROWS = 3, RUNS = 40 };
#endif

/* Beside the shapes of random_elements.h: stretches of random elements and of one value, which mislead a sample. */
enum { STRETCHES = ST_DATA_COUNT, SHAPES };

static st_guarded input_pages, scratch_pages, values_pages, indices_pages;
static st_random rng;
static st_processor processor;
static st_host host;
static st_pool *pool;
static st_wide *sorted;

static void fill(st_dtype dtype, int data, char *elements, size_t count) {
    const size_t size = (size_t)st_dtype_size(dtype);
    if (data != STRETCHES) {
        st_random_fill(&rng, dtype, (st_data)data, elements, count);
        return;
    }
    for (size_t at = 0, length; at < count; at += length) {
        length = 1 + st_random_below(&rng, STRETCH);
        if (length > count - at) length = count - at;
        st_random_fill(&rng, dtype, st_random_chance(&rng, 1, 2) ? ST_DATA_EQUAL : ST_DATA_BITS, elements + at * size, length);
    }
}

static int by_key_and_index(const void *a, const void *b) {
    const st_wide *left = a, *right = b;
    return st_wide_before(*left, *right) ? -1 : st_wide_before(*right, *left);
}

/* Ranks near both ends and in the middle, and those around an edge between two keys; few or many. */
static void choose_ranks(size_t length, size_t *lo, size_t *hi) {
    size_t width = 1 + st_random_below(&rng, st_random_chance(&rng, 1, 4) ? length : length < 3000 ? length : 3000);
    *lo = st_random_below(&rng, length - width + 1);
    if (st_random_chance(&rng, 1, 4)) *lo = st_random_chance(&rng, 1, 2) ? 0 : length - width;
    if (st_random_chance(&rng, 1, 3)) {
        size_t edge = st_random_below(&rng, length);
        while (edge > 0 && sorted[edge - 1].key == sorted[edge].key) edge--;
        const size_t before = st_random_below(&rng, 2) * (width / 2);
        *lo = edge < before ? 0 : edge - before;
        if (*lo > length - width) width = length - *lo;
    }
    *hi = *lo + width;
}

static void check_window(const st_cpu_row *row, size_t cols, size_t lo, size_t hi, int unsorted, const char *what) {
    const int workers = (int)st_random_between(&rng, 1, MOST_THREADS);
    const size_t width = hi - lo + (st_random_chance(&rng, 1, 2) ? 0 : st_random_below(&rng, cols - (hi - lo) + 1));
    const st_cpu_split split = st_cpu_split_of(row->wide, cols, width, workers);
    assert_true(split.bytes % 64 == 0 && split.bytes <= scratch_pages.size);
    char *scratch = st_guarded_place(&scratch_pages, split.bytes, st_random_chance(&rng, 1, 2));
    void *window = NULL;
    const size_t count = st_cpu_split_select(row, &split, pool, lo, hi, scratch, &window);
    const size_t entry = row->wide ? sizeof(st_wide) : sizeof(st_narrow);
    int right = count == hi - lo && (char *)window >= scratch && (char *)window + count * entry <= scratch + split.bytes &&
                st_guarded_intact(&scratch_pages, scratch, split.bytes);
    if (right) {
        const uint64_t *columns = st_cpu_columns(row, window, count, unsorted);
        unsigned char *is_chosen = calloc(row->length, 1);
        assert_non_null(is_chosen);
        for (size_t i = lo; i < hi; i++) is_chosen[sorted[i].index ^ row->mask] = 1;
        for (size_t i = 0; i < count; i++) {
            const size_t rank = row->mask == 0 ? lo + i : hi - 1 - i;
            right &= unsorted ? is_chosen[columns[i]] && (i == 0 || columns[i - 1] < columns[i])
                              : columns[i] == (sorted[rank].index ^ row->mask);
        }
        free(is_chosen);
    }
    if (right) return;
    print_message("%s, length %zu of %zu, ranks [%zu, %zu), room for %zu, %s end, %s, %d workers, stride %td\n", what, row->length,
                  cols, lo, hi, split.capacity, row->mask == 0 ? "near" : "far", row->wide ? "wide" : "narrow", workers, row->stride);
    fail();
}

static void check_row(const st_cpu_table *table, st_dtype dtype, int data) {
    const size_t size = (size_t)st_dtype_size(dtype), cols = 1 + st_random_below(&rng, MOST);
    const size_t length = st_random_chance(&rng, 2, 3) ? cols : 1 + st_random_below(&rng, cols);
    const ptrdiff_t stride = st_random_chance(&rng, 3, 4) ? 1 : (ptrdiff_t)st_random_between(&rng, -2, 2);
    const size_t extent = (length - 1) * (size_t)(stride < 0 ? -stride : stride) + 1;
    char *place = st_guarded_place(&input_pages, extent * size, st_random_chance(&rng, 1, 2));
    fill(dtype, data, place, extent);
    st_cpu_row row = {.kernels = &table->of_class[st_cpu_class((uint32_t)size * 8)],
                      .order = st_order_of(dtype, st_random_chance(&rng, 1, 2), (int32_t)st_random_below(&rng, 4)),
                      .elements = stride < 0 ? place + (extent - 1) * size : place,
                      .stride = stride,
                      .length = length,
                      .mask = st_random_chance(&rng, 1, 2) ? UINT64_MAX : 0,
                      .wide = size == 8 || st_random_chance(&rng, 1, 3)};
    if (row.mask != 0) row.order = st_order_reversed(row.order);
    for (size_t i = 0; i < length; i++) {
        const char *element = (const char *)row.elements + (ptrdiff_t)i * stride * (ptrdiff_t)size;
        sorted[i] = (st_wide){st_key_of(&row.order, st_element_bits(element, row.order.bits)), i ^ row.mask};
    }
    qsort(sorted, length, sizeof *sorted, by_key_and_index);
    for (int i = 0; i < WINDOWS; i++) {
        size_t lo, hi;
        choose_ranks(length, &lo, &hi);
        check_window(&row, cols, lo, hi, st_random_chance(&rng, 1, 3), data == STRETCHES ? "stretches" : st_data_name((st_data)data));
    }
}

/* A table for each instruction set that this processor has; 0 where it has not this one. */
static int table_of(int isa, st_cpu_table *table) {
    if (!(processor.isas & 1u << isa)) return 0;
    st_cpu_kernels_fill(processor.isas & ((2u << isa) - 1), table);
    return table->of_class[2].isa == (st_isa)isa;
}

static void test_every_window(void **state) {
    (void)state;
    int tables = 0;
    for (int isa = 0; isa <= ST_ISA_AVX512; isa++) {
        st_cpu_table table;
        if (!table_of(isa, &table)) continue;
        tables++;
        for (int data = 0; data < SHAPES; data++)
            for (int round = 0; round < ROWS; round++)
                check_row(&table, round == 0 ? ST_F32 : (st_dtype)st_random_between(&rng, ST_F32, ST_U64), data);
    }
    assert_true(tables > 0);
}

/* A request on one or two long rows, which its Choice splits. */
static void choose_request(st_rank_request *request, st_choice *choice) {
    static const int32_t families[][2] = {
        {ST_MK_SHARED, ST_MKD_FILTER}, {ST_MK_WARP, ST_MKD_AUTO}, {ST_MK_RADIX, ST_MKD_AUTO}, {ST_MK_SHARED, ST_MKD_KWAY}};
    const size_t family = st_random_below(&rng, 4);
    *request = (st_rank_request){.struct_size = sizeof *request,
                                 .kind = (int32_t)st_random_between(&rng, ST_TOPK, ST_WINDOW),
                                 .dtype = (st_dtype)st_random_between(&rng, ST_F32, ST_U64),
                                 .index_dtype = st_random_chance(&rng, 1, 2) ? ST_I32 : ST_I64,
                                 .nan_rule = (int32_t)st_random_below(&rng, 4),
                                 .order = (int32_t)st_random_below(&rng, 2),
                                 .outputs = (int32_t)st_random_between(&rng, 1, 3),
                                 .threads = (int32_t)st_random_between(&rng, 1, MOST_THREADS),
                                 .rows = st_random_between(&rng, 1, 2),
                                 .cols = st_random_between(&rng, 30000, MOST),
                                 .col_stride = 1,
                                 .descending = (int32_t)st_random_below(&rng, 2)};
    request->row_stride = request->cols;
    request->k = st_random_between(&rng, 1, request->cols);
    if (request->kind == ST_MIDK && st_random_chance(&rng, 1, 2)) request->k = st_random_between(&rng, 1, 50);
    request->lo = st_random_between(&rng, 0, request->cols - 1);
    request->hi = st_random_between(&rng, request->lo, request->cols);
    if (request->kind != ST_WINDOW) request->descending = 0;
    *choice = (st_choice){.mk = families[family][0], .mkd = families[family][1], .use_2ce = 1, .wg = MOST_THREADS, .kl = 1, .tile = 8192, .ctile = 4096};
}

static void check_execution(const st_cpu_table *table) {
    st_rank_request request;
    st_choice choice;
    choose_request(&request, &choice);
    assert_true(st_cpu_pieces(&request, &choice) > 1);
    const int64_t width = request.kind == ST_WINDOW ? request.hi - request.lo : request.k;
    const size_t size = (size_t)st_dtype_size(request.dtype), index_size = request.index_dtype == ST_I32 ? 4 : 8;
    const size_t value_bytes = (size_t)(request.rows * width) * size, index_bytes = (size_t)(request.rows * width) * index_size;
    const size_t input_bytes = (size_t)(request.rows * request.cols) * size, bytes = st_cpu_run_bytes(&request, &choice);
    int64_t lengths[2] = {request.cols, st_random_between(&rng, 0, request.cols)};
    assert_true(bytes <= scratch_pages.size);
    char *input = st_guarded_place(&input_pages, input_bytes, 1);
    const st_data data = (st_data)st_random_below(&rng, ST_DATA_COUNT);
    st_random_fill(&rng, request.dtype, data, input, (size_t)(request.rows * request.cols));
    char *expected = malloc(value_bytes + index_bytes + 16);
    assert_non_null(expected);
    st_rank_buffers buffers = {.struct_size = sizeof buffers,
                               .input = input,
                               .row_list_count = request.rows,
                               .lengths = st_random_chance(&rng, 1, 2) ? lengths : NULL,
                               .values = request.outputs & ST_OUT_VALUES ? expected : NULL,
                               .values_stride = width,
                               .indices = request.outputs & ST_OUT_INDICES ? expected + (value_bytes + 7) / 8 * 8 : NULL,
                               .indices_stride = width};
    const st_status status = st_reference_rank(&host, &request, &buffers);
    st_rank_buffers own = buffers;
    if (own.values != NULL) own.values = st_guarded_place(&values_pages, value_bytes, 1);
    if (own.indices != NULL) own.indices = st_guarded_place(&indices_pages, index_bytes, 1);
    own.workspace = st_guarded_place(&scratch_pages, bytes, 1);
    own.workspace_size = bytes;
    const st_backend_services services = {sizeof services, &host, pool, request.threads};
    assert_int_equal(st_cpu_run(table, &request, &choice, &own, &services), status);
    if (status == ST_OK) {
        if (own.values != NULL) assert_memory_equal(own.values, buffers.values, value_bytes);
        if (own.indices != NULL) assert_memory_equal(own.indices, buffers.indices, index_bytes);
    }
    assert_true(own.values == NULL || st_guarded_intact(&values_pages, own.values, value_bytes));
    assert_true(own.indices == NULL || st_guarded_intact(&indices_pages, own.indices, index_bytes));
    assert_true(st_guarded_intact(&scratch_pages, own.workspace, bytes));
    free(expected);
}

static void test_executions(void **state) {
    (void)state;
    for (int isa = 0; isa <= ST_ISA_AVX512; isa++) {
        st_cpu_table table;
        if (!table_of(isa, &table)) continue;
        for (int round = 0; round < RUNS; round++) check_execution(&table);
    }
}

/* The first NaN of the lowest row is named, whichever worker finds one first. */
static void test_nan_is_found(void **state) {
    (void)state;
    enum { COLS = 50000 };
    st_cpu_table table;
    st_cpu_kernels_fill(processor.isas, &table);
    float *input = st_guarded_place(&input_pages, 2 * COLS * sizeof(float), 1), values[2];
    memset(input, 0, 2 * COLS * sizeof(float));
    memset(input + COLS + 49999, 0xff, sizeof(float));
    const st_rank_request request = {.struct_size = sizeof request, .kind = ST_TOPK, .dtype = ST_F32, .index_dtype = ST_I64,
                                     .nan_rule = ST_NAN_ERROR, .outputs = ST_OUT_VALUES, .threads = MOST_THREADS, .rows = 2,
                                     .cols = COLS, .k = 1, .row_stride = COLS, .col_stride = 1};
    const st_choice choice = {.mk = ST_MK_SHARED, .mkd = ST_MKD_FILTER, .use_2ce = 1, .wg = MOST_THREADS, .kl = 1, .tile = 8192, .ctile = 4096};
    const size_t bytes = st_cpu_run_bytes(&request, &choice);
    const st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = input, .row_list_count = 2, .values = values,
                                     .values_stride = 1, .workspace = st_guarded_place(&scratch_pages, bytes, 1), .workspace_size = bytes};
    const st_backend_services services = {sizeof services, &host, pool, MOST_THREADS};
    assert_int_equal(st_cpu_run(&table, &request, &choice, &buffers, &services), ST_E_NAN);
    assert_non_null(strstr(st_last_message(), "row 1, column 49999"));
    memset(input + 40000, 0xff, sizeof(float));
    memset(input + 49000, 0xff, sizeof(float));
    assert_int_equal(st_cpu_run(&table, &request, &choice, &buffers, &services), ST_E_NAN);
    assert_non_null(strstr(st_last_message(), "row 0, column 40000"));
}

/* Flips the row between values that make counts jump. */
struct scribbler {
    volatile unsigned char *bytes;
    size_t count;
    _Atomic int stop;
    _Atomic uint64_t passes;
};

static void *scribble(void *argument) {
    struct scribbler *scribbler = argument;
    st_random random;
    st_random_seed(&random, 7);
    while (!atomic_load(&scribbler->stop)) {
        const uint64_t style = st_random_below(&random, 3), from = st_random_below(&random, scribbler->count);
        for (size_t i = from; i < scribbler->count && !atomic_load(&scribbler->stop); i++)
            scribbler->bytes[i] = style == 0 ? 0x00 : style == 1 ? 0x7f : (unsigned char)st_random_next(&random);
        atomic_fetch_add(&scribbler->passes, 1);
    }
    return NULL;
}

static void test_row_that_changes(void **state) {
    (void)state;
#if defined(RACES_ARE_ERRORS)
    print_message("skipped: the race that this test makes is what the thread sanitizer reports\n");
    skip();
#endif
    pthread_t thread;
    struct scribbler scribbler = {.count = (size_t)MOST * 4};
    char *input = st_guarded_place(&input_pages, scribbler.count, 1);
    scribbler.bytes = (volatile unsigned char *)input;
    st_cpu_table table;
    st_cpu_kernels_fill(processor.isas, &table);
    assert_int_equal(pthread_create(&thread, NULL, scribble, &scribbler), 0);
    for (int round = 0; round < CHANGES || atomic_load(&scribbler.passes) < 2; round++) {
        const size_t cols = (size_t)st_random_between(&rng, 25000, MOST);
        const st_cpu_row row = {.kernels = &table.of_class[2], .order = st_order_of(ST_F32, 0, ST_NAN_GREATEST), .elements = input,
                                .stride = 1, .length = cols, .mask = st_random_chance(&rng, 1, 2) ? UINT64_MAX : 0,
                                .wide = st_random_chance(&rng, 1, 2)};
        const size_t width = 1 + st_random_below(&rng, 2000), lo = st_random_below(&rng, cols - width);
        const st_cpu_split split = st_cpu_split_of(row.wide, cols, width, MOST_THREADS);
        char *scratch = st_guarded_place(&scratch_pages, split.bytes, round % 2);
        void *window = NULL;
        const size_t count = st_cpu_split_select(&row, &split, pool, lo, lo + width, scratch, &window);
        assert_true(count <= width);
        assert_true(st_guarded_intact(&scratch_pages, scratch, split.bytes));
        const uint64_t *columns = count > 0 ? st_cpu_columns(&row, window, count, round % 3 == 0) : NULL;
        for (size_t i = 0; i < count; i++) assert_true(columns[i] < cols);
    }
    atomic_store(&scribbler.stop, 1);
    pthread_join(thread, NULL);
}

static void test_room_does_not_wrap(void **state) {
    (void)state;
    assert_true(st_cpu_split_of(1, SIZE_MAX / 2, SIZE_MAX / 2, 4).bytes == SIZE_MAX);
    assert_true(st_cpu_split_of(1, SIZE_MAX / 16, 10, 4).bytes < SIZE_MAX);
    assert_true(st_cpu_split_of(1, SIZE_MAX / 16, SIZE_MAX / 16, 4).bytes == SIZE_MAX);
}

static int set_up(void **state) {
    (void)state;
    st_processor_detect(&processor);
    st_random_seed(&rng, 20240607);
    sorted = malloc(MOST * sizeof *sorted);
    if (sorted == NULL || st_host_resolve(NULL, &host) != ST_OK || st_pool_create(&host, MOST_THREADS, &pool) != ST_OK) return -1;
    if (st_guarded_open(&input_pages, (size_t)MOST * 8 * 2) != 0 || st_guarded_open(&scratch_pages, (size_t)8 << 20) != 0) return -1;
    if (st_guarded_open(&values_pages, (size_t)MOST * 8 * 2) != 0) return -1;
    return st_guarded_open(&indices_pages, (size_t)MOST * 8 * 2);
}

static int tear_down(void **state) {
    (void)state;
    st_pool_destroy(pool);
    free(sorted);
    st_guarded_close(&input_pages);
    st_guarded_close(&scratch_pages);
    st_guarded_close(&values_pages);
    st_guarded_close(&indices_pages);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_window), cmocka_unit_test(test_executions),
                                       cmocka_unit_test(test_nan_is_found), cmocka_unit_test(test_row_that_changes),
                                       cmocka_unit_test(test_room_does_not_wrap)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
