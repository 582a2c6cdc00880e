/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_reference.c - the reference itself, against answers written by hand from the contract. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "failing_host.h"
#include "rank/reference.h"

enum { MOST = 16 };

#define N ((float)NAN)
#define I ((float)INFINITY)

/* One row of f32 and the columns that must come out. */
struct answer {
    const char *what;
    int32_t kind, rule, order, descending;
    int64_t lo, hi; /* k is hi for all kinds but a window */
    int64_t cols;
    float row[MOST];
    int64_t columns[MOST];
};

static const struct answer answers[] = {
    {"the largest, equal ones by index", ST_TOPK, 0, 0, 0, 0, 4, 6, {1, 3, 2, 3, 3, 0}, {1, 3, 4, 2}},
    {"the smallest, equal ones by index", ST_BOTTOMK, 0, 0, 0, 0, 4, 6, {1, 0, 2, 0, 1, 0}, {1, 3, 5, 0}},
    {"k = 1 of an odd row is its median", ST_MIDK, 0, 0, 0, 0, 1, 5, {9, 1, 5, 7, 3}, {2}},
    {"k = 1 of an even row is the lower median", ST_MIDK, 0, 0, 0, 0, 1, 4, {4, 3, 2, 1}, {2}},
    {"k = 2 of an even row is both medians", ST_MIDK, 0, 0, 0, 0, 2, 4, {4, 3, 2, 1}, {2, 1}},
    {"k = 2 of an odd row starts below the median", ST_MIDK, 0, 0, 0, 0, 2, 5, {5, 4, 3, 2, 1}, {3, 2}},
    {"k = cols is the whole row, ascending", ST_MIDK, 0, 0, 0, 0, 3, 3, {2, 3, 1}, {2, 0, 1}},
    {"k = cols descending", ST_TOPK, 0, 0, 0, 0, 3, 3, {2, 3, 1}, {1, 0, 2}},
    {"all equal: the first k, in both directions", ST_TOPK, 0, 0, 0, 0, 3, 5, {7, 7, 7, 7, 7}, {0, 1, 2}},
    {"all equal, ascending", ST_BOTTOMK, 0, 0, 0, 0, 3, 5, {7, 7, 7, 7, 7}, {0, 1, 2}},
    {"all equal, the middle", ST_MIDK, 0, 0, 0, 0, 2, 5, {7, 7, 7, 7, 7}, {1, 2}},
    {"a window ascending", ST_WINDOW, 0, 0, 0, 1, 4, 6, {50, 40, 30, 20, 10, 0}, {4, 3, 2}},
    {"a window descending", ST_WINDOW, 0, 0, 1, 1, 4, 6, {50, 40, 30, 20, 10, 0}, {1, 2, 3}},
    {"a descending window is no mirror: ties stay by index", ST_WINDOW, 0, 0, 1, 1, 3, 4, {1, 1, 2, 2}, {3, 0}},
    {"and the ascending one", ST_WINDOW, 0, 0, 0, 1, 3, 4, {1, 1, 2, 2}, {1, 2}},
    {"zeros of both signs are equal, descending", ST_TOPK, 0, 0, 0, 0, 4, 4, {-0.0f, 0.0f, -0.0f, 0.0f}, {0, 1, 2, 3}},
    {"zeros of both signs are equal, ascending",
     ST_BOTTOMK,
     0,
     0,
     0,
     0,
     4,
     4,
     {0.0f, -0.0f, 0.0f, -1.0f},
     {3, 0, 1, 2}},
    {"NaN is the greatest: first of TopK", ST_TOPK, ST_NAN_GREATEST, 0, 0, 0, 3, 5, {1, N, I, -I, -N}, {1, 4, 2}},
    {"NaN is the greatest: last of BottomK",
     ST_BOTTOMK,
     ST_NAN_GREATEST,
     0,
     0,
     0,
     5,
     5,
     {1, N, I, -I, N},
     {3, 0, 2, 1, 4}},
    {"NaN is the least: last of TopK", ST_TOPK, ST_NAN_LEAST, 0, 0, 0, 5, 5, {1, N, I, -I, N}, {2, 0, 3, 1, 4}},
    {"NaN is the least: first of BottomK", ST_BOTTOMK, ST_NAN_LEAST, 0, 0, 0, 3, 5, {1, N, I, -I, N}, {1, 4, 3}},
    {"NaN last: last of TopK", ST_TOPK, ST_NAN_LAST, 0, 0, 0, 5, 5, {1, N, I, -I, N}, {2, 0, 3, 1, 4}},
    {"NaN last: last of BottomK", ST_BOTTOMK, ST_NAN_LAST, 0, 0, 0, 5, 5, {1, N, I, -I, N}, {3, 0, 2, 1, 4}},
    {"NaN shifts the middle up when least", ST_MIDK, ST_NAN_LEAST, 0, 0, 0, 1, 5, {N, 1, 2, 3, N}, {1}},
    {"and down when greatest", ST_MIDK, ST_NAN_GREATEST, 0, 0, 0, 1, 5, {N, 1, 2, 3, N}, {3}},
    {"no NaN, no error", ST_TOPK, ST_NAN_ERROR, 0, 0, 0, 2, 4, {1, I, -I, 2}, {1, 3}},
    {"unsorted: the same set, by index", ST_TOPK, 0, ST_UNSORTED, 0, 0, 3, 6, {1, 9, 2, 8, 7, 0}, {1, 3, 4}},
    {"unsorted with ties", ST_BOTTOMK, 0, ST_UNSORTED, 0, 0, 3, 5, {5, 1, 5, 1, 5}, {0, 1, 3}},
    {"infinities are numbers", ST_BOTTOMK, 0, 0, 0, 0, 4, 4, {I, -I, 3.0e38f, -3.0e38f}, {1, 3, 2, 0}},
};

static st_host host;

static st_rank_request request_of(int32_t kind, st_dtype dtype, int64_t rows, int64_t cols, int64_t k) {
    return (st_rank_request){.struct_size = sizeof(st_rank_request),
                             .kind = kind,
                             .dtype = dtype,
                             .index_dtype = ST_I64,
                             .outputs = ST_OUT_VALUES | ST_OUT_INDICES,
                             .threads = 1,
                             .rows = rows,
                             .cols = cols,
                             .k = k,
                             .hi = k,
                             .row_stride = cols,
                             .col_stride = 1};
}

static void test_answers(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        const struct answer *answer = &answers[i];
        const int64_t width = answer->hi - answer->lo;
        int64_t indices[MOST];
        float values[MOST];
        st_rank_request request = request_of(answer->kind, ST_F32, 1, answer->cols, answer->hi);
        request.nan_rule = answer->rule;
        request.order = answer->order;
        request.descending = answer->descending;
        request.lo = answer->lo;
        const st_rank_buffers buffers = {.struct_size = sizeof buffers,
                                         .input = answer->row,
                                         .row_list_count = 1,
                                         .values = values,
                                         .values_stride = width,
                                         .indices = indices,
                                         .indices_stride = width};
        assert_int_equal(st_reference_rank(&host, &request, &buffers), ST_OK);
        for (int64_t j = 0; j < width; j++) {
            if (indices[j] != answer->columns[j] ||
                memcmp(&values[j], &answer->row[answer->columns[j]], sizeof(float)) != 0) {
                print_message("%s: place %lld holds column %lld\n", answer->what, (long long)j, (long long)indices[j]);
                fail();
            }
        }
    }
}

/* The extremes of every integer dtype stand where they belong. */
static void test_integers(void **state) {
    (void)state;
    const int8_t i8[] = {0, -1, INT8_MAX, INT8_MIN};
    const uint8_t u8[] = {0, 128, UINT8_MAX, 127};
    const int16_t i16[] = {0, -1, INT16_MAX, INT16_MIN};
    const uint16_t u16[] = {0, 32768, UINT16_MAX, 32767};
    const int32_t i32[] = {0, -1, INT32_MAX, INT32_MIN};
    const uint32_t u32[] = {0, 1u << 31, UINT32_MAX, INT32_MAX};
    const int64_t i64[] = {0, -1, INT64_MAX, INT64_MIN};
    const uint64_t u64[] = {0, (uint64_t)1 << 63, UINT64_MAX, INT64_MAX};
    /* 2^53 + 1 is no double: 64-bit integers must not pass through one. */
    const int64_t near[] = {((int64_t)1 << 53) + 1, (int64_t)1 << 53, ((int64_t)1 << 53) + 3, ((int64_t)1 << 53) + 2};
    const struct {
        st_dtype dtype;
        const void *row;
        int64_t descending[4];
    } cases[] = {{ST_I8, i8, {2, 0, 1, 3}},   {ST_U8, u8, {2, 1, 3, 0}},   {ST_I16, i16, {2, 0, 1, 3}},
                 {ST_U16, u16, {2, 1, 3, 0}}, {ST_I32, i32, {2, 0, 1, 3}}, {ST_U32, u32, {2, 1, 3, 0}},
                 {ST_I64, i64, {2, 0, 1, 3}}, {ST_U64, u64, {2, 1, 3, 0}}, {ST_I64, near, {2, 3, 0, 1}},
                 {ST_U64, near, {2, 3, 0, 1}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t indices[4];
        st_rank_request request = request_of(ST_TOPK, cases[i].dtype, 1, 4, 4);
        request.outputs = ST_OUT_INDICES;
        const st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = cases[i].row, .row_list_count = 1,
                                         .indices = indices, .indices_stride = 4};
        assert_int_equal(st_reference_rank(&host, &request, &buffers), ST_OK);
        assert_memory_equal(indices, cases[i].descending, sizeof indices);
    }
}

/* The small floats: denormals, ones, infinities, NaN of either sign. */
static void test_small_floats(void **state) {
    (void)state;
    const uint16_t f16[] = {0x3c00, 0x0001, 0x8000, 0x7c00,
                            0xfc00, 0x7e00, 0xbc00, 0x03ff}; /* 1 denormal -0 inf -inf NaN -1 denormal */
    const uint16_t bf16[] = {0x3f80, 0x0001, 0x8000, 0x7f80, 0xff80, 0xffc1, 0xbf80, 0x007f};
    const int64_t expected[] = {4, 6, 2, 1, 7, 0, 3, 5};
    const uint16_t *const rows[] = {f16, bf16};
    for (int i = 0; i < 2; i++) {
        int64_t indices[8];
        uint16_t values[8];
        const st_rank_request request = request_of(ST_BOTTOMK, i == 0 ? ST_F16 : ST_BF16, 1, 8, 8);
        const st_rank_buffers buffers = {.struct_size = sizeof buffers,
                                         .input = rows[i],
                                         .row_list_count = 1,
                                         .values = values,
                                         .values_stride = 8,
                                         .indices = indices,
                                         .indices_stride = 8};
        assert_int_equal(st_reference_rank(&host, &request, &buffers), ST_OK);
        assert_memory_equal(indices, expected, sizeof indices);
        for (int j = 0; j < 8; j++)
            assert_int_equal(values[j], rows[i][expected[j]]); /* to the bit: -0, the NaN's payload */
    }
}

/* Ragged rows: k shrinks with the row, and the rest is filler. */
static void test_ragged_rows(void **state) {
    (void)state;
    const float input[] = {3, 1, 2, 4, /**/ 9, 8, 7, 6, /**/ 5, 5, 5, 5};
    const int64_t lengths[] = {3, 0, 1}, columns[] = {0, 2, -1, -1, 0, -1};
    const float expected[] = {3, 2, 0, 0, 5, 0};
    int64_t indices[6];
    float values[6];
    const st_rank_request request = request_of(ST_TOPK, ST_F32, 3, 4, 2);
    const st_rank_buffers buffers = {.struct_size = sizeof buffers,
                                     .input = input,
                                     .row_list_count = 3,
                                     .lengths = lengths,
                                     .values = values,
                                     .values_stride = 2,
                                     .indices = indices,
                                     .indices_stride = 2};
    assert_int_equal(st_reference_rank(&host, &request, &buffers), ST_OK);
    assert_memory_equal(indices, columns, sizeof indices);
    assert_memory_equal(values, expected, sizeof values);
}

/* A window counts ranks in the row's own length: what lies beyond it is filler at the end. */
static void test_ragged_windows(void **state) {
    (void)state;
    const float input[] = {40, 30, 20, 10};
    const struct {
        int32_t kind;
        int64_t length, columns[3];
    } cases[] = {
        {ST_WINDOW, 4, {2, 1, 0}}, {ST_WINDOW, 3, {1, 0, -1}}, {ST_WINDOW, 1, {-1, -1, -1}}, {ST_MIDK, 2, {1, 0, -1}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t indices[3];
        st_rank_request request = request_of(cases[i].kind, ST_F32, 1, 4, 3);
        request.outputs = ST_OUT_INDICES;
        request.lo = 1;
        request.hi = 4;
        const st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = input, .row_list_count = 1,
                                         .lengths = &cases[i].length, .indices = indices, .indices_stride = 3};
        assert_int_equal(st_reference_rank(&host, &request, &buffers), ST_OK);
        assert_memory_equal(indices, cases[i].columns, sizeof indices);
    }
}

/* Rows in list order, duplicates allowed; strides of either sign; gaps of the outputs untouched; 32-bit indices. */
static void test_lists_and_strides(void **state) {
    (void)state;
    const int16_t input[] = {6, 5, 4, 3, 2, 1}; /* read from its end: row 0 is 1 2 3, row 1 is 4 5 6 */
    const int64_t list[] = {1, 0, 1};
    int16_t values[] = {-7, -7, -7, -7, -7, -7, -7, -7};
    int32_t indices[] = {-7, -7, -7, -7, -7, -7};
    const int16_t expected[] = {6, 5, -7, 3, 2, -7, 6, 5};
    const int32_t columns[] = {2, 1, 2, 1, 2, 1};
    st_rank_request request = request_of(ST_TOPK, ST_I16, 2, 3, 2);
    request.row_stride = -3;
    request.col_stride = -1;
    request.index_dtype = ST_I32;
    const st_rank_buffers buffers = {.struct_size = sizeof buffers,
                                     .input = input + 5,
                                     .row_list = list,
                                     .row_list_count = 3,
                                     .values = values,
                                     .values_stride = 3,
                                     .indices = indices,
                                     .indices_stride = 2};
    assert_int_equal(st_reference_rank(&host, &request, &buffers), ST_OK);
    assert_memory_equal(values, expected, sizeof values);
    assert_memory_equal(indices, columns, sizeof indices);
}

/* The lowest row that is processed, then its lowest column; beyond a row's length nothing is looked at. */
static void test_nan_is_an_error(void **state) {
    (void)state;
    const float input[] = {1, 2, N, /**/ 4, N, N, /**/ N, 8, 9};
    const int64_t lengths[] = {2, 3, 3}, list[] = {2, 1, 0}, only[] = {0};
    int64_t indices[9];
    st_rank_request request = request_of(ST_TOPK, ST_F32, 3, 3, 1);
    request.outputs = ST_OUT_INDICES;
    request.nan_rule = ST_NAN_ERROR;
    st_rank_buffers buffers = {
        .struct_size = sizeof buffers, .input = input, .row_list_count = 3, .indices = indices, .indices_stride = 1};
    assert_int_equal(st_reference_rank(&host, &request, &buffers), ST_E_NAN);
    assert_non_null(strstr(st_last_message(), "row 0, column 2"));
    buffers.lengths = lengths;
    assert_int_equal(st_reference_rank(&host, &request, &buffers), ST_E_NAN);
    assert_non_null(strstr(st_last_message(), "row 1, column 1"));
    buffers.row_list = list;
    assert_int_equal(st_reference_rank(&host, &request, &buffers), ST_E_NAN);
    assert_non_null(strstr(st_last_message(), "row 1, column 1"));
    buffers.row_list = only;
    buffers.row_list_count = 1;
    assert_int_equal(st_reference_rank(&host, &request, &buffers), ST_OK);
    assert_int_equal(indices[0], 1);
    buffers.lengths = NULL;
    request.k = 0; /* scans nothing */
    assert_int_equal(st_reference_rank(&host, &request, &buffers), ST_OK);
}

static void test_memory_may_fail(void **state) {
    (void)state;
    const float input[] = {1, 2};
    int64_t index = -7;
    st_failing_host failing;
    st_failing_host_open(&failing, 1);
    st_rank_request request = request_of(ST_TOPK, ST_F32, 1, 2, 1);
    request.outputs = ST_OUT_INDICES;
    const st_rank_buffers buffers = {
        .struct_size = sizeof buffers, .input = input, .row_list_count = 1, .indices = &index, .indices_stride = 1};
    assert_int_equal(st_reference_rank(&failing.host, &request, &buffers), ST_E_MEMORY);
    assert_int_equal(index, -7);
    assert_int_equal(st_reference_rank(&failing.host, &request, &buffers), ST_OK);
    assert_int_equal(index, 1);
    assert_true(st_failing_host_close(&failing));
}

static void test_band(void **state) {
    (void)state;
    const float input[] = {0, 1, 2, N, -0.0f, /**/ 5, 1, I, 1, -I}, lower = -0.0f, upper = 1;
    int64_t counts[2], columns[] = {-7, -7, -7, -7, -7, -7};
    float values[6];
    const int64_t expected[] = {0, 1, 4, 1, 3, -7};
    const st_band_request request = {sizeof request, ST_F32, ST_I64, 1, 2, 5, 5, 1, &lower, &upper, NULL, 0};
    st_band_buffers buffers = {sizeof buffers, input, counts, values, columns, 6};
    assert_int_equal(st_reference_band(&request, &buffers), ST_OK);
    assert_int_equal(counts[0], 3);
    assert_int_equal(counts[1], 2);
    assert_memory_equal(columns, expected, sizeof columns);
    assert_true(signbit(values[2]) != 0 && values[4] == 1);
    buffers.capacity = 4;
    columns[0] = -7;
    assert_int_equal(st_reference_band(&request, &buffers), ST_E_CAPACITY);
    assert_int_equal(counts[0] + counts[1], 5);
    assert_int_equal(columns[0], -7);
    buffers.values = NULL;
    buffers.indices = NULL;
    assert_int_equal(st_reference_band(&request, &buffers), ST_OK); /* counts alone need no room */
}

static int set_up(void **state) {
    (void)state;
    return st_host_resolve(NULL, &host) == ST_OK ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers),
                                       cmocka_unit_test(test_integers),
                                       cmocka_unit_test(test_small_floats),
                                       cmocka_unit_test(test_ragged_rows),
                                       cmocka_unit_test(test_ragged_windows),
                                       cmocka_unit_test(test_lists_and_strides),
                                       cmocka_unit_test(test_nan_is_an_error),
                                       cmocka_unit_test(test_memory_may_fail),
                                       cmocka_unit_test(test_band)};
    return cmocka_run_group_tests(tests, set_up, NULL);
}
