/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * test_mutation.c - input that another thread rewrites during the call: any result is allowed, but every write stays in
 * bounds, every index is a column or the filler, and the call returns.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backends/cpu/run.h"
#include "backends/cpu/select.h"
#include "base/memory.h"
#include "base/pool.h"
#include "guard_pages.h"
#include "random_elements.h"

#if defined(__SANITIZE_THREAD__)
#define RACES_ARE_ERRORS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RACES_ARE_ERRORS 1
#endif
#endif

enum {
    MOST_ELEMENTS = 6000,
    ROUNDS = 300,
    FAMILIES = ST_CPU_RADIX + 1,
    MOST_THREADS = 3,
    BAND_ROWS = 4,
    BAND_COLS = 200
};

static st_guarded input_pages, scratch_pages, values_pages, indices_pages;
static st_random rng;
static st_processor processor;
static st_host host;
static st_pool *pool;
static const int32_t homes[FAMILIES][2] = {[ST_CPU_FILTER] = {ST_MK_SHARED, ST_MKD_FILTER},
                                           [ST_CPU_LANES] = {ST_MK_WARP, ST_MKD_AUTO},
                                           [ST_CPU_HEAP] = {ST_MK_SHARED, ST_MKD_HEAP},
                                           [ST_CPU_KWAY] = {ST_MK_SHARED, ST_MKD_KWAY},
                                           [ST_CPU_BITONIC] = {ST_MK_BITONIC, ST_MKD_BITONIC},
                                           [ST_CPU_RADIX] = {ST_MK_RADIX, ST_MKD_AUTO}};

/* The thread that scribbles: it flips between rows that make bounds jump (all low, all high) and random bits. */
struct scribbler {
    pthread_t thread;
    volatile unsigned char *bytes;
    size_t count;
    _Atomic int stop;
    _Atomic uint64_t passes;
};

static void *scribble(void *argument) {
    struct scribbler *scribbler = argument;
    st_random random;
    st_random_seed(&random, 99);
    while (!atomic_load(&scribbler->stop)) {
        const uint64_t style = st_random_below(&random, 4);
        for (size_t i = 0; i < scribbler->count; i++)
            scribbler->bytes[i] = style == 0   ? 0x00
                                  : style == 1 ? 0xff
                                  : style == 2 ? 0x7f
                                               : (unsigned char)st_random_next(&random);
        atomic_fetch_add(&scribbler->passes, 1);
    }
    return NULL;
}

static void start(struct scribbler *scribbler, void *bytes, size_t count) {
    scribbler->bytes = bytes;
    scribbler->count = count;
    atomic_store(&scribbler->stop, 0);
    atomic_store(&scribbler->passes, 0);
    assert_int_equal(pthread_create(&scribbler->thread, NULL, scribble, scribbler), 0);
}

/* The input did change while calls ran, or the test has shown nothing. */
static void stop(struct scribbler *scribbler) {
    while (atomic_load(&scribbler->passes) < 2) continue;
    atomic_store(&scribbler->stop, 1);
    pthread_join(scribbler->thread, NULL);
}

static void skip_where_races_are_errors(void) {
#if defined(RACES_ARE_ERRORS)
    print_message("skipped: the race that this test makes is what the thread sanitizer reports\n");
    skip();
#endif
}

static void check_select(const st_cpu_table *table, st_cpu_family family, st_dtype dtype, char *input) {
    const size_t size = (size_t)st_dtype_size(dtype);
    const size_t length = 1 + st_random_below(&rng, MOST_ELEMENTS), most = length < 64 ? length : 64;
    const size_t hi = 1 + st_random_below(&rng, st_random_chance(&rng, 1, 4) ? 1 : most); /* one has a kernel of its own */
    const size_t lo = st_random_below(&rng, hi);
    const st_cpu_shape shape = {family, (size_t)64 << st_random_below(&rng, 3), 256, 1 + st_random_below(&rng, 3)};
    const st_cpu_row row = {.kernels = &table->of_class[st_cpu_class((uint32_t)size * 8)],
                            .order = st_order_of(dtype, st_random_chance(&rng, 1, 2), ST_NAN_GREATEST),
                            .elements = input + (MOST_ELEMENTS * 8 - length * size), /* ends at the guard page */
                            .stride = 1,
                            .length = length,
                            .mask = st_random_chance(&rng, 1, 2) ? UINT64_MAX : 0,
                            .wide = size == 8 || st_random_chance(&rng, 1, 2)};
    const size_t bytes = st_cpu_select_bytes(&shape, row.wide, length, hi);
    assert_true(bytes <= scratch_pages.size - 16);
    char *scratch = st_guarded_place(&scratch_pages, (bytes + 15) / 16 * 16, st_random_chance(&rng, 1, 2));
    void *window = NULL;
    const st_cpu_selection selection = st_cpu_prepare(&row, &shape, lo, hi);
    const size_t count = st_cpu_select(&row, &selection, scratch, &window);
    assert_true(count <= hi - lo);
    assert_true(st_guarded_intact(&scratch_pages, scratch, bytes));
    if (count == 0) return;
    const size_t entry = row.wide ? sizeof(st_wide) : sizeof(st_narrow);
    assert_true((char *)window >= scratch && (char *)window + count * entry <= scratch + bytes);
    const uint64_t *columns = st_cpu_columns(&row, window, count, st_random_chance(&rng, 1, 2));
    for (size_t i = 0; i < count; i++) assert_true(columns[i] < length);
    assert_true(st_guarded_intact(&scratch_pages, scratch, bytes));
}

static void test_select(void **state) {
    (void)state;
    skip_where_races_are_errors();
    struct scribbler scribbler;
    char *input = st_guarded_place(&input_pages, MOST_ELEMENTS * 8, 1);
    start(&scribbler, input, MOST_ELEMENTS * 8);
    for (int isa = 0; isa <= ST_ISA_AVX512; isa++) {
        st_cpu_table table;
        if (!(processor.isas & (1u << isa))) continue;
        st_cpu_kernels_fill(processor.isas & ((2u << isa) - 1), &table);
        for (int family = 0; family < FAMILIES; family++)
            for (int round = 0; round < ROUNDS; round++)
                check_select(&table, (st_cpu_family)family, (st_dtype)(ST_F32 + st_random_below(&rng, 12)), input);
    }
    stop(&scribbler);
}

static void check_run(const st_cpu_table *table, st_cpu_family family, char *input) {
    const st_dtype dtype = (st_dtype)(ST_F32 + st_random_below(&rng, 12));
    const int64_t cols = st_random_between(&rng, 1, st_random_chance(&rng, 1, 2) ? ST_LANE_COLUMNS : MOST_ELEMENTS),
                  k = st_random_between(&rng, 1, cols < 50 ? cols : 50);
    const size_t size = (size_t)st_dtype_size(dtype);
    const st_rank_request request = {.struct_size = sizeof request,
                                     .kind = (int32_t)st_random_between(&rng, ST_TOPK, ST_BOTTOMK),
                                     .dtype = dtype,
                                     .index_dtype = ST_I64,
                                     .nan_rule = (int32_t)st_random_below(&rng, 3),
                                     .order = (int32_t)st_random_below(&rng, 2),
                                     .outputs = ST_OUT_VALUES | ST_OUT_INDICES,
                                     .threads = (int32_t)st_random_between(&rng, 1, MOST_THREADS),
                                     .rows = 1,
                                     .cols = cols,
                                     .k = k,
                                     .row_stride = cols,
                                     .col_stride = 1};
    const st_choice choice = {.mk = homes[family][0],
                              .mkd = homes[family][1],
                              .use_2ce = (int32_t)st_random_below(&rng, 2),
                              .wg = 3,
                              .kl = 2,
                              .tile = 256,
                              .ctile = 128};
    const uint64_t bytes = st_cpu_run_bytes(&request, &choice);
    assert_true(bytes <= scratch_pages.size);
    const st_rank_buffers buffers = {.struct_size = sizeof buffers,
                                     .input = input + (MOST_ELEMENTS * 8 - (size_t)cols * size),
                                     .row_list_count = 1,
                                     .values = st_guarded_place(&values_pages, (size_t)k * size, 1),
                                     .values_stride = k,
                                     .indices = st_guarded_place(&indices_pages, (size_t)k * 8, 1),
                                     .indices_stride = k,
                                     .workspace = st_guarded_place(&scratch_pages, (size_t)bytes, 1),
                                     .workspace_size = bytes};
    const st_backend_services services = {sizeof services, &host, pool, request.threads};
    assert_int_equal(st_cpu_run(table, &request, &choice, &buffers, &services), ST_OK);
    assert_true(st_guarded_intact(&values_pages, buffers.values, (size_t)k * size));
    assert_true(st_guarded_intact(&indices_pages, buffers.indices, (size_t)k * 8));
    assert_true(st_guarded_intact(&scratch_pages, buffers.workspace, (size_t)bytes));
    const int64_t *indices = buffers.indices;
    for (int64_t i = 0; i < k; i++) assert_true(indices[i] >= -1 && indices[i] < cols);
}

static void test_run(void **state) {
    (void)state;
    skip_where_races_are_errors();
    struct scribbler scribbler;
    char *input = st_guarded_place(&input_pages, MOST_ELEMENTS * 8, 1);
    start(&scribbler, input, MOST_ELEMENTS * 8);
    for (int isa = 0; isa <= ST_ISA_AVX512; isa++) {
        st_cpu_table table;
        if (!(processor.isas & (1u << isa))) continue;
        st_cpu_kernels_fill(processor.isas & ((2u << isa) - 1), &table);
        for (int family = 0; family < FAMILIES; family++)
            for (int round = 0; round < ROUNDS; round++) check_run(&table, (st_cpu_family)family, input);
    }
    stop(&scribbler);
}

static void test_band(void **state) {
    (void)state;
    skip_where_races_are_errors();
    struct scribbler scribbler;
    char *input = st_guarded_place(&input_pages, MOST_ELEMENTS * 8, 1);
    st_cpu_table table;
    st_cpu_kernels_fill(processor.isas, &table);
    /* Little input, rewritten within microseconds, so that it changes between the counting of a row and its copying. */
    start(&scribbler, input, BAND_COLS * BAND_ROWS * 8);
    for (int round = 0; round < ROUNDS * 60; round++) {
        const st_dtype dtype = (st_dtype)(ST_F32 + st_random_below(&rng, 12));
        const int64_t cols = st_random_between(&rng, 1, BAND_COLS),
                      capacity = st_random_between(&rng, 0, cols * BAND_ROWS);
        const size_t size = (size_t)st_dtype_size(dtype);
        int64_t counts[BAND_ROWS];
        uint64_t lower = 0, upper = 0;
        memset(&upper, 0x70, size);
        const st_band_request request = {sizeof request, dtype, ST_I64, MOST_THREADS, BAND_ROWS,
                                         cols,           cols,  1,      &lower,       &upper, NULL, 0};
        const st_band_buffers buffers = {sizeof buffers,
                                         input,
                                         counts,
                                         st_guarded_place(&values_pages, (size_t)capacity * size, 1),
                                         st_guarded_place(&indices_pages, (size_t)capacity * 8, 1),
                                         capacity};
        const st_backend_services services = {sizeof services, &host, pool, MOST_THREADS};
        const st_status status = st_cpu_run_band(&table, &request, &buffers, &services);
        int64_t total = 0;
        for (int row = 0; row < BAND_ROWS; row++) {
            assert_true(counts[row] >= 0 && counts[row] <= cols);
            total += counts[row];
        }
        assert_int_equal(status, total > capacity ? ST_E_CAPACITY : ST_OK);
        const size_t written = status == ST_OK ? (size_t)total : 0;
        assert_true(st_guarded_intact(&values_pages, buffers.values, written * size));
        assert_true(st_guarded_intact(&indices_pages, buffers.indices, written * 8));
    }
    stop(&scribbler);
}

static int set_up(void **state) {
    (void)state;
    st_processor_detect(&processor);
    st_random_seed(&rng, 31337);
    if (st_host_resolve(NULL, &host) != ST_OK || st_pool_create(&host, MOST_THREADS, &pool) != ST_OK) return -1;
    if (st_guarded_open(&input_pages, MOST_ELEMENTS * 8) != 0 || st_guarded_open(&scratch_pages, (size_t)2 << 20) != 0)
        return -1;
    if (st_guarded_open(&values_pages, MOST_ELEMENTS * 8) != 0) return -1;
    return st_guarded_open(&indices_pages, MOST_ELEMENTS * 8);
}

static int tear_down(void **state) {
    (void)state;
    st_pool_destroy(pool);
    st_guarded_close(&input_pages);
    st_guarded_close(&scratch_pages);
    st_guarded_close(&values_pages);
    st_guarded_close(&indices_pages);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_select), cmocka_unit_test(test_run),
                                       cmocka_unit_test(test_band)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
