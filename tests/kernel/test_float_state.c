/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * test_float_state.c - answers do not depend on the caller's floating-point state: denormals taken for zero, other
 * roundings and traps, on data that is full of denormals, zeros and NaNs; and the state is the caller's again
 * afterwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backends/cpu/run.h"
#include "backends/cpu/select.h"
#include "base/memory.h"
#include "base/pool.h"
#include "random_elements.h"
#include "rank/reference.h"

#if defined(__x86_64__)
#include <xmmintrin.h>

/* The register's bits: two that take denormals for zero, two of the rounding, six that hold traps back. */
enum {
    DENORMALS_ARE_ZERO = 0x0040,
    FLUSH_TO_ZERO = 0x8000,
    ROUND_DOWN = 0x2000,
    ROUND_UP = 0x4000,
    ROUND_TO_ZERO = 0x6000
};
enum { NO_TRAPS = 0x1f80, INVALID_TRAPS = 0x0080, DENORMAL_TRAPS = 0x0100, FLAGS = 0x003f };

static const struct {
    const char *name;
    uint32_t register_bits;
} states[] = {{"denormals are zero", NO_TRAPS | DENORMALS_ARE_ZERO | FLUSH_TO_ZERO},
              {"round up", NO_TRAPS | ROUND_UP},
              {"round down", NO_TRAPS | ROUND_DOWN},
              {"round to zero, denormals are zero", NO_TRAPS | ROUND_TO_ZERO | DENORMALS_ARE_ZERO},
              {"traps", NO_TRAPS & ~(INVALID_TRAPS | DENORMAL_TRAPS)}};
enum { STATES = sizeof states / sizeof states[0] };

enum { MOST_ELEMENTS = 20000, MOST_OUTPUT = 1 << 14, THREADS = 2 };

static st_random rng;
static st_processor processor;
static st_host host;
static st_pool *pool;
static char *input, *workspace;
static size_t workspace_size;

struct output {
    char values[MOST_OUTPUT * 8];
    int64_t indices[MOST_OUTPUT];
};
static struct output expected, found;

/* The shapes that the families and the kernels of short rows and of blocks are for. */
static const struct {
    int64_t rows, cols, k;
} shapes[] = {{40, 100, 7}, {40, 128, 1}, {3, 4096, 40}, {1, 20000, 8}, {1, 20000, 1500}};

static const st_data kinds[] = {ST_DATA_DENORMALS, ST_DATA_ZEROS, ST_DATA_NAN, ST_DATA_BITS};

static void fill(st_dtype dtype, size_t count) {
    const st_data kind = kinds[st_random_below(&rng, sizeof kinds / sizeof kinds[0])];
    st_random_fill(&rng, dtype, kind, input, count);
    if (st_random_chance(&rng, 1, 2)) /* denormals among the others: the only ones beside zeros, or beside NaNs */
        st_random_fill(&rng, dtype, ST_DATA_DENORMALS, input, count / 2);
}

static st_rank_buffers buffers_of(const st_rank_request *request, struct output *output) {
    return (st_rank_buffers){.struct_size = sizeof(st_rank_buffers),
                             .input = input,
                             .row_list_count = request->rows,
                             .values = output->values,
                             .values_stride = request->k,
                             .indices = output->indices,
                             .indices_stride = request->k};
}

/* Runs in every state, and compares with what is expected. */
static void check(const st_cpu_table *table, const st_rank_request *request, const st_choice *choice) {
    const st_backend_services services = {sizeof services, &host, pool, request->threads};
    st_rank_buffers buffers = buffers_of(request, &found);
    const size_t count = (size_t)(request->rows * request->k), bytes = st_cpu_run_bytes(request, choice);
    assert_true(bytes <= workspace_size);
    buffers.workspace = workspace;
    buffers.workspace_size = bytes;
    for (int s = 0; s < STATES; s++) {
        memset(&found, 0x5a, sizeof found);
        const uint32_t before = _mm_getcsr();
        _mm_setcsr(states[s].register_bits);
        const st_status status = st_cpu_run(table, request, choice, &buffers, &services);
        const uint32_t after = _mm_getcsr();
        _mm_setcsr(before);
        if (status != ST_OK || (after & ~(uint32_t)FLAGS) != states[s].register_bits ||
            memcmp(found.indices, expected.indices, count * sizeof(int64_t)) != 0 ||
            memcmp(found.values, expected.values, count * (size_t)st_dtype_size(request->dtype)) != 0) {
            print_message(
                "%s, %s, %s: %s %s, kind %d, rule %d, %lld x %lld, k %lld, %d threads; state %x\n", states[s].name,
                st_isa_name(table->of_class[0].isa), st_cpu_family_name(st_cpu_family_of(choice)),
                st_dtype_name(request->dtype), status == ST_OK ? "differs" : "fails", request->kind, request->nan_rule,
                (long long)request->rows, (long long)request->cols, (long long)request->k, request->threads, after);
            fail();
        }
    }
}

static void test_isa(void **state) {
    static const int32_t homes[][2] = {{ST_MK_SHARED, ST_MKD_FILTER},   {ST_MK_SHARED, ST_MKD_HEAP},
                                       {ST_MK_SHARED, ST_MKD_KWAY},     {ST_MK_WARP, ST_MKD_AUTO},
                                       {ST_MK_BITONIC, ST_MKD_BITONIC}, {ST_MK_RADIX, ST_MKD_AUTO}};
    static const st_dtype dtypes[] = {ST_F32, ST_F64, ST_F16, ST_BF16};
    const st_isa isa = (st_isa)(intptr_t)*state;
    if (!(processor.isas & (1u << isa))) {
        print_message("skipped: this CPU, or this build, has no %s\n", st_isa_name(isa));
        skip();
    }
    st_cpu_table table;
    st_cpu_kernels_fill(processor.isas & ((2u << isa) - 1), &table);
    assert_int_equal(table.of_class[0].isa, isa);
    for (size_t d = 0; d < sizeof dtypes / sizeof dtypes[0]; d++)
        for (size_t shape = 0; shape < sizeof shapes / sizeof shapes[0]; shape++)
            for (int round = 0; round < 4; round++) {
                const st_rank_request request = {.struct_size = sizeof request,
                                                 .kind = (int32_t)st_random_between(&rng, ST_TOPK, ST_BOTTOMK),
                                                 .dtype = dtypes[d],
                                                 .index_dtype = ST_I64,
                                                 .nan_rule = (int32_t)st_random_below(&rng, 3),
                                                 .outputs = ST_OUT_VALUES | ST_OUT_INDICES,
                                                 .threads = 1 + round % THREADS,
                                                 .rows = shapes[shape].rows,
                                                 .cols = shapes[shape].cols,
                                                 .k = shapes[shape].k,
                                                 .row_stride = shapes[shape].cols,
                                                 .col_stride = 1};
                const st_rank_buffers buffers = buffers_of(&request, &expected);
                fill(request.dtype, (size_t)(request.rows * request.cols));
                assert_int_equal(st_reference_rank(&host, &request, &buffers), ST_OK);
                for (size_t home = 0; home < sizeof homes / sizeof homes[0]; home++) {
                    const st_choice choice = {.mk = homes[home][0],
                                              .mkd = homes[home][1],
                                              .use_2ce = round / 2,
                                              .wg = request.threads,
                                              .kl = 1,
                                              .tile = 1024,
                                              .ctile = 1024};
                    check(&table, &request, &choice);
                }
            }
}

static int set_up(void **state) {
    (void)state;
    st_processor_detect(&processor);
    st_random_seed(&rng, 271828);
    if (st_host_resolve(NULL, &host) != ST_OK || st_pool_create(&host, THREADS, &pool) != ST_OK) return -1;
    workspace_size = (size_t)4 << 20;
    input = malloc((size_t)MOST_ELEMENTS * 8);
    workspace = aligned_alloc(64, workspace_size);
    return input != NULL && workspace != NULL ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    st_pool_destroy(pool);
    free(input);
    free(workspace);
    return 0;
}

#define ISA_TEST(label, isa)                                                                                           \
    { label, test_isa, NULL, NULL, (void *)(intptr_t)(isa) }

int main(void) {
    const struct CMUnitTest tests[] = {ISA_TEST("portable", ST_ISA_PORTABLE), ISA_TEST("avx2", ST_ISA_AVX2),
                                       ISA_TEST("avx512", ST_ISA_AVX512)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
#else
static void test_no_such_state(void **state) {
    (void)state;
    print_message("skipped: kernels set a floating-point state aside on x86-64 alone\n");
    skip();
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_such_state)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
