/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_stream.c - however a row is cut into chunks, a stream gives what the reference gives for the whole, in little
 * memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backends/cpu/kernels.h"
#include "base/memory.h"
#include "failing_host.h"
#include "random_elements.h"
#include "rank/reference.h"
#include "rank/streaming.h"

enum { MOST = 40000 };

static st_random rng;
static st_processor processor;
static st_cpu_table table;

static st_scanner scanner_of(st_dtype dtype) {
    const st_cpu_kernels *kernels = &table.of_class[st_cpu_class((uint32_t)st_dtype_size(dtype) * 8)];
    return (st_scanner){kernels->collect_carried, kernels->find_nan, kernels->histogram};
}

static st_stream_options options_of(st_dtype dtype, int64_t lo, int64_t hi, int64_t length) {
    return (st_stream_options){
        .struct_size = sizeof(st_stream_options), .dtype = dtype, .lo = lo, .hi = hi, .length = length};
}

static st_status open_stream(const st_host *host, const st_stream_options *options, st_stream **stream) {
    const st_scanner scanner = scanner_of(options->dtype);
    *stream = NULL;
    return st_stream_start(host, options, &scanner, stream);
}

static void complain(const st_stream_options *options, st_data data, size_t count, const char *what) {
    print_message("%s: %s %s, %zu elements, [%lld, %lld) %s, rule %d, order %d, length %lld\n", what,
                  st_dtype_name(options->dtype), st_data_name(data), count, (long long)options->lo,
                  (long long)options->hi, options->descending ? "descending" : "ascending", options->nan_rule,
                  options->order, (long long)options->length);
    fail();
}

/* The window that the reference finds in one shot, cut to what the row has. */
static st_status one_shot(const st_host *host, const st_stream_options *options, const void *row, size_t count,
                          void *values, int64_t *indices, int64_t *width) {
    const int64_t n = (int64_t)count, hi = options->hi < n ? options->hi : n, lo = options->lo < hi ? options->lo : hi;
    *width = hi - lo;
    const st_rank_request request = {.struct_size = sizeof request,
                                     .kind = ST_WINDOW,
                                     .dtype = options->dtype,
                                     .index_dtype = ST_I64,
                                     .nan_rule = options->nan_rule,
                                     .order = options->order,
                                     .outputs = 3,
                                     .threads = 1,
                                     .descending = options->descending,
                                     .rows = 1,
                                     .cols = n,
                                     .lo = lo,
                                     .hi = hi,
                                     .row_stride = n,
                                     .col_stride = 1};
    const st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = row, .row_list_count = 1, .values = values,
                                     .values_stride = *width, .indices = indices, .indices_stride = *width};
    return st_reference_rank(host, &request, &buffers);
}

/* Chunks of any size, empty ones among them; the whole at once, one by one, or around the block of 4096. */
static size_t next_chunk(int style, size_t left) {
    size_t chunk = left;
    if (style == 1) chunk = 1;
    if (style == 2) chunk = st_random_below(&rng, 20);
    if (style == 3) chunk = 4095 + st_random_below(&rng, 3);
    if (style == 4) chunk = st_random_below(&rng, left + 1);
    return chunk < left ? chunk : left;
}

/* Pushes a copy of each chunk that ends with its allocation and is gone afterwards, so that nothing may be read late.
 */
static st_status push_all(st_stream *stream, st_dtype dtype, const char *row, size_t count, int style) {
    const size_t size = (size_t)st_dtype_size(dtype);
    st_status status = ST_OK;
    for (size_t at = 0; at < count && status == ST_OK;) {
        const size_t chunk = next_chunk(style, count - at);
        char *copy = malloc(chunk * size + 1);
        assert_non_null(copy);
        memcpy(copy, row + at * size, chunk * size);
        status = st_stream_push(stream, copy, (int64_t)chunk);
        memset(copy, 0x55, chunk * size);
        free(copy);
        at += chunk;
        if (status == ST_OK) assert_int_equal(st_stream_pushed(stream), at);
    }
    return status;
}

static void check(const st_stream_options *options, st_data data, size_t count) {
    static uint64_t row[MOST], values[MOST], expected_values[MOST];
    static int64_t indices[MOST], expected_indices[MOST];
    st_failing_host failing;
    st_stream *stream = NULL;
    int64_t width = 0;
    st_failing_host_open(&failing, 0);
    const size_t size = (size_t)st_dtype_size(options->dtype);
    st_random_fill(&rng, options->dtype, data, row, count);
    /* An error is looked for in every window that is not empty, even where this row is too short for it. */
    int has_nan = 0;
    for (size_t i = 0; i < count; i++)
        has_nan |= st_bits_are_nan(options->dtype, st_element_bits((char *)row + i * size, (uint32_t)size * 8));
    const int refuses = options->nan_rule == ST_NAN_ERROR && has_nan && options->hi > options->lo;
    assert_int_equal(open_stream(&failing.host, options, &stream), ST_OK);
    const st_status status = push_all(stream, options->dtype, (const char *)row, count,
                                      count > 3000 ? 2 + (int)st_random_below(&rng, 3) : (int)st_random_below(&rng, 5));
    if (status != (refuses ? ST_E_NAN : ST_OK)) complain(options, data, count, "status of pushing");
    if (status == ST_OK) {
        st_stream_options numbers = *options;
        if (numbers.nan_rule == ST_NAN_ERROR) numbers.nan_rule = ST_NAN_GREATEST;
        assert_int_equal(one_shot(&failing.host, &numbers, row, count, expected_values, expected_indices, &width),
                         ST_OK);
        if (st_stream_ready(stream) != width) complain(options, data, count, "ready");
        const int outputs = (int)st_random_below(&rng, 4) | (int)st_random_below(&rng, 4);
        memset(values, 0xa5, sizeof values[0] * ((size_t)width + 1));
        if (st_stream_finish(stream, outputs & 1 ? values : NULL, outputs & 2 ? indices : NULL, width) != ST_OK)
            complain(options, data, count, "status of finishing");
        if (outputs & 1 && memcmp(values, expected_values, (size_t)width * size) != 0)
            complain(options, data, count, "values");
        if (outputs & 2 && memcmp(indices, expected_indices, (size_t)width * sizeof *indices) != 0)
            complain(options, data, count, "indices");
    }
    st_stream_close(stream);
    assert_true(st_failing_host_close(&failing));
}

static st_stream_options random_options(size_t count) {
    const int64_t n = (int64_t)count;
    int64_t lo = 0, hi = st_random_between(&rng, 0, n < 20 ? n + 3 : 20);
    switch (st_random_below(&rng, 5)) {
        case 0: /* anywhere */
            hi = st_random_between(&rng, 0, n + 5);
            lo = st_random_between(&rng, 0, hi);
            break;
        case 1: /* near the far end */
            hi = n - st_random_between(&rng, 0, n < 10 ? n : 10);
            lo = hi - st_random_between(&rng, 0, hi < 10 ? hi : 10);
            break;
        case 2: /* the far end and beyond */
            lo = n - st_random_between(&rng, 0, n < 10 ? n : 10);
            hi = n + st_random_between(&rng, 0, 5);
            break;
        default: lo = st_random_chance(&rng, 1, 3) ? st_random_between(&rng, 0, hi) : 0; break;
    }
    st_stream_options options =
        options_of((st_dtype)st_random_between(&rng, ST_F32, ST_U64), lo, hi, st_random_chance(&rng, 2, 3) ? n : -1);
    options.descending = (int32_t)st_random_below(&rng, 2);
    options.nan_rule = (int32_t)st_random_below(&rng, 4);
    options.order = (int32_t)st_random_below(&rng, 2);
    return options;
}

static void test_any_chunks_equal_one_shot(void **state) {
    (void)state;
    for (int round = 0; round < 3000; round++) {
        const size_t count = st_random_below(&rng, st_random_chance(&rng, 1, 2) ? 40 : 700);
        const st_stream_options options = random_options(count);
        check(&options, (st_data)st_random_below(&rng, ST_DATA_COUNT), count);
    }
}

/* Rows long enough that candidates are cut back, several times where every element beats the bound. */
static void test_long_rows(void **state) {
    (void)state;
    for (int data = 0; data < ST_DATA_COUNT; data++)
        for (int round = 0; round < 6; round++) {
            const size_t count = MOST / 2 + st_random_below(&rng, MOST / 2);
            const st_stream_options options = random_options(count);
            check(&options, (st_data)data, count);
        }
}

/* The window, known to lie at the far end, or not, in every direction and rule on a row with ties and NaN. */
static void test_both_ends(void **state) {
    (void)state;
    for (int known = 0; known < 2; known++)
        for (int32_t descending = 0; descending < 2; descending++)
            for (int32_t rule = ST_NAN_GREATEST; rule <= ST_NAN_LAST; rule++)
                for (int32_t order = 0; order < 2; order++)
                    for (int64_t lo = 0; lo <= 30; lo += 5)
                        for (int64_t hi = lo; hi <= 35; hi += 7) {
                            st_stream_options options = options_of(ST_F16, lo, hi, known ? 30 : -1);
                            options.descending = descending;
                            options.nan_rule = rule;
                            options.order = order;
                            check(&options, ST_DATA_FEW, 30);
                            check(&options, ST_DATA_NAN, 30);
                        }
}

/* Ten million elements of which each beats all before it, from either end: memory is that of the window. */
static void test_memory_is_bounded(void **state) {
    (void)state;
    enum { CHUNK = 10000, CHUNKS = 1000, K = 100 };
    static int32_t chunk[CHUNK];
    for (int far_end = 0; far_end < 2; far_end++) {
        st_failing_host failing;
        st_stream *stream = NULL;
        const int64_t n = (int64_t)CHUNK * CHUNKS;
        int64_t indices[K];
        int32_t values[K];
        /* The K greatest: the first of the descending order, or the last of the ascending one. */
        st_stream_options options = far_end ? options_of(ST_I32, n - K, n, n) : options_of(ST_I32, 0, K, -1);
        options.descending = !far_end;
        st_failing_host_open(&failing, 0);
        assert_int_equal(open_stream(&failing.host, &options, &stream), ST_OK);
        for (int32_t c = 0; c < CHUNKS; c++) {
            for (int32_t i = 0; i < CHUNK; i++) chunk[i] = c * CHUNK + i;
            assert_int_equal(st_stream_push(stream, chunk, CHUNK), ST_OK);
        }
        assert_int_equal(st_stream_finish(stream, values, indices, K), ST_OK);
        for (int i = 0; i < K; i++) {
            const int64_t expected = far_end ? n - K + i : n - 1 - i;
            assert_int_equal(indices[i], expected);
            assert_int_equal(values[i], expected);
        }
        st_stream_close(stream);
        assert_true(failing.peak_bytes < 1 << 20);
        assert_true(st_failing_host_close(&failing));
    }
}

/* Whichever allocation fails: a status, a stream that takes no more, and nothing left behind. */
static void test_no_memory(void **state) {
    (void)state;
    enum { COUNT = 30000, K = 9000 };
    static float row[COUNT], values[K];
    static int64_t indices[K];
    st_random_fill(&rng, ST_F32, ST_DATA_ASCENDING, row, COUNT);
    int64_t fail_at = 1;
    for (int failed = 1; failed; fail_at++) {
        st_failing_host failing;
        st_stream *stream = NULL;
        st_stream_options options = options_of(ST_F32, 0, K, COUNT);
        options.descending = 1;
        st_failing_host_open(&failing, fail_at);
        st_status status = open_stream(&failing.host, &options, &stream);
        if (status == ST_OK) status = push_all(stream, ST_F32, (const char *)row, COUNT, 3);
        if (status == ST_OK) {
            assert_int_equal(st_stream_finish(stream, values, indices, K), ST_OK);
            assert_int_equal(indices[0], COUNT - 1);
        } else {
            assert_int_equal(status, ST_E_MEMORY);
            if (stream != NULL) {
                assert_int_equal(st_stream_push(stream, row, 1), ST_E_STATE);
                assert_int_equal(st_stream_finish(stream, values, indices, K), ST_E_STATE);
            }
        }
        st_stream_close(stream);
        failed = failing.failures > 0;
        assert_int_equal(failed, status != ST_OK);
        assert_true(st_failing_host_close(&failing));
    }
    assert_true(fail_at > 4); /* the stream, and its candidates as they grew */
}

static void test_misuse(void **state) {
    (void)state;
    float row[8] = {1, 2, 3, 4, 5, 6, 7, 8}, values[8];
    int64_t indices[8] = {-7};
    st_failing_host failing;
    st_stream *stream = NULL;
    st_failing_host_open(&failing, 0);
    assert_int_equal(st_stream_pushed(NULL), 0);
    assert_int_equal(st_stream_ready(NULL), 0);
    assert_int_equal(st_stream_push(NULL, row, 1), ST_E_ARGUMENT);
    assert_int_equal(st_stream_finish(NULL, values, indices, 8), ST_E_ARGUMENT);
    st_stream_close(NULL);

    st_stream_options options = options_of(ST_F32, 1, 4, 5);
    assert_int_equal(open_stream(&failing.host, &options, &stream), ST_OK);
    assert_int_equal(st_stream_ready(stream), 0);
    assert_int_equal(st_stream_push(stream, row, -1), ST_E_ARGUMENT);
    assert_int_equal(st_stream_push(stream, NULL, 1), ST_E_ARGUMENT);
    assert_int_equal(st_stream_push(stream, NULL, 0), ST_OK); /* nothing to read */
    assert_int_equal(st_stream_push(stream, (char *)row + 1, 1), ST_E_ARGUMENT);
    assert_int_equal(st_stream_push(stream, row, 6), ST_E_ARGUMENT); /* beyond the stated length; nothing is taken */
    assert_int_equal(st_stream_pushed(stream), 0);
    assert_int_equal(st_stream_push(stream, row, 2), ST_OK);
    assert_int_equal(st_stream_ready(stream), 1);
    assert_int_equal(st_stream_finish(stream, values, indices, 8), ST_E_STATE); /* the stated length is not reached */
    assert_int_equal(st_stream_push(stream, row + 2, 3), ST_OK);
    assert_int_equal(st_stream_ready(stream), 3);
    assert_int_equal(st_stream_push(stream, row, 1), ST_E_ARGUMENT);
    assert_int_equal(st_stream_finish(stream, values, indices, 2), ST_E_CAPACITY);
    assert_int_equal(indices[0], -7);
    assert_int_equal(st_stream_finish(stream, (char *)values + 1, indices, 8), ST_E_ARGUMENT);
    assert_int_equal(st_stream_finish(stream, values, (int64_t *)(void *)((char *)indices + 4), 7), ST_E_ARGUMENT);
    assert_int_equal(indices[0], -7);
    assert_int_equal(st_stream_finish(stream, values, indices, 3), ST_OK); /* a refusal is no end */
    assert_int_equal(indices[0], 1);
    assert_int_equal(indices[2], 3);
    assert_int_equal(st_stream_finish(stream, values, indices, 3), ST_E_STATE);
    assert_int_equal(st_stream_push(stream, row, 1), ST_E_STATE);
    st_stream_close(stream);

    /* An open stream is closed without its end. */
    options = options_of(ST_F64, 0, 3, -1);
    assert_int_equal(open_stream(&failing.host, &options, &stream), ST_OK);
    st_stream_close(stream);
    assert_true(st_failing_host_close(&failing));
}

/* A NaN under the error rule is named by its index in the whole row, and ends the stream; an empty window looks at
 * nothing. */
static void test_nan_is_an_error(void **state) {
    (void)state;
    enum { COUNT = 10000 };
    static double row[COUNT];
    static const size_t places[] = {0, 1, 4095, 4096, 5000, COUNT - 1};
    st_failing_host failing;
    st_failing_host_open(&failing, 0);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char named[64];
        st_stream *stream = NULL;
        double value;
        int64_t index;
        st_random_fill(&rng, ST_F64, ST_DATA_NORMAL, row, COUNT);
        st_random_fill(&rng, ST_F64, ST_DATA_ALL_NAN, row + places[i], COUNT - places[i]);
        st_stream_options options = options_of(ST_F64, 0, 1, -1);
        options.nan_rule = ST_NAN_ERROR;
        assert_int_equal(open_stream(&failing.host, &options, &stream), ST_OK);
        assert_int_equal(push_all(stream, ST_F64, (const char *)row, COUNT, 4), ST_E_NAN);
        snprintf(named, sizeof named, "element %zu ", places[i]);
        assert_non_null(strstr(st_last_message(), named));
        assert_int_equal(st_stream_push(stream, row, 1), ST_E_STATE);
        assert_int_equal(st_stream_finish(stream, &value, &index, 1), ST_E_STATE);
        st_stream_close(stream);
        options.lo = options.hi;
        assert_int_equal(open_stream(&failing.host, &options, &stream), ST_OK);
        assert_int_equal(push_all(stream, ST_F64, (const char *)row, COUNT, 4), ST_OK);
        assert_int_equal(st_stream_finish(stream, NULL, NULL, 0), ST_OK);
        st_stream_close(stream);
    }
    assert_true(st_failing_host_close(&failing));
}

static void test_windows_beyond_memory(void **state) {
    (void)state;
    st_failing_host failing;
    st_stream *stream = NULL;
    st_failing_host_open(&failing, 0);
    const st_stream_options options = options_of(ST_U8, 0, INT64_MAX, -1);
    assert_int_equal(open_stream(&failing.host, &options, &stream), ST_E_MEMORY);
    assert_null(stream);
    assert_true(st_failing_host_close(&failing));
}

static int set_up(void **state) {
    (void)state;
    st_processor_detect(&processor);
    st_cpu_kernels_fill(processor.isas, &table);
    st_random_seed(&rng, 161803);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_chunks_equal_one_shot),
                                       cmocka_unit_test(test_long_rows),
                                       cmocka_unit_test(test_both_ends),
                                       cmocka_unit_test(test_memory_is_bounded),
                                       cmocka_unit_test(test_no_memory),
                                       cmocka_unit_test(test_misuse),
                                       cmocka_unit_test(test_nan_is_an_error),
                                       cmocka_unit_test(test_windows_beyond_memory)};
    return cmocka_run_group_tests(tests, set_up, NULL);
}
