/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_wgpu_rows.c - rows packed in spans of any size are the rows one by one, and outputs go to their places alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backends/wgpu/rows.h"

enum { ROWS = 7, COLS = 11, BLOCK = 4096 };

/* A block of bytes that all differ from their neighbours, with the request's element (0, 0) in its middle. */
static void fill(unsigned char block[BLOCK]) {
    for (int i = 0; i < BLOCK; i++) block[i] = (unsigned char)(i * 131 + (i >> 8) * 17);
}

static void test_packed_in_spans(void **state) {
    (void)state;
    static const st_dtype dtypes[] = {ST_U8, ST_F16, ST_F32, ST_I64};
    static const int64_t strides[][2] = {{COLS, 1}, {0, 1}, {-COLS - 2, 1}, {30, 2}, {3, -1}, {COLS, 0}, {1, ROWS}};
    static const int64_t list[] = {6, 0, 0, 3};
    unsigned char block[BLOCK], packed[ROWS * COLS * 8];
    fill(block);
    for (size_t d = 0; d < 4; d++)
        for (size_t s = 0; s < sizeof strides / sizeof strides[0]; s++)
            for (int listed = 0; listed < 2; listed++)
                for (int64_t span = 1; span <= ROWS * COLS; span += 5) {
                    const int64_t size = st_dtype_size(dtypes[d]);
                    st_rank_request request;
                    st_rank_request_init(&request, ST_TOPK, ROWS, COLS, 1);
                    request.dtype = dtypes[d];
                    request.row_stride = strides[s][0];
                    request.col_stride = strides[s][1];
                    const st_rank_buffers buffers = {.input = block + BLOCK / 2, .row_list = listed ? list : NULL,
                                                     .row_list_count = listed ? 4 : ROWS};
                    const st_wgpu_rows rows = {&request, &buffers, 1};
                    const int64_t count = buffers.row_list_count - 1;
                    memset(packed, 0, sizeof packed);
                    for (int64_t from = 0; from < count * COLS; from += span)
                        st_wgpu_rows_pack(&rows, from, span < count * COLS - from ? span : count * COLS - from, packed + from * size);
                    for (int64_t row = 0; row < count; row++)
                        for (int64_t column = 0; column < COLS; column++) {
                            const int64_t number = listed ? list[row + 1] : row + 1;
                            const unsigned char *element = block + BLOCK / 2 + (number * strides[s][0] + column * strides[s][1]) * size;
                            assert_memory_equal(packed + (row * COLS + column) * size, element, (size_t)size);
                        }
                }
}

static void test_what_lies_packed_is_not_copied(void **state) {
    (void)state;
    const float input[ROWS * COLS] = {0};
    const int64_t list[] = {2, 3};
    st_rank_request request;
    st_rank_request_init(&request, ST_TOPK, ROWS, COLS, 1);
    st_rank_buffers buffers = {.input = input, .row_list_count = ROWS};
    const st_wgpu_rows rows = {&request, &buffers, 2};
    assert_ptr_equal(st_wgpu_rows_in_place(&rows, 5), input + 2 * COLS);
    request.row_stride = COLS + 1;
    assert_null(st_wgpu_rows_in_place(&rows, 5));
    assert_ptr_equal(st_wgpu_rows_in_place(&rows, 1), input + 2 * (COLS + 1));
    request.row_stride = COLS;
    request.col_stride = 2;
    assert_null(st_wgpu_rows_in_place(&rows, 5));
    request.col_stride = 1;
    buffers.row_list = list;
    const st_wgpu_rows listed = {&request, &buffers, 1};
    assert_null(st_wgpu_rows_in_place(&listed, 2));
    assert_ptr_equal(st_wgpu_rows_in_place(&listed, 1), input + 3 * COLS);
}

static void test_lengths_follow_the_list(void **state) {
    (void)state;
    const float input[ROWS * COLS] = {0};
    int64_t list[] = {2, 6, 0}, lengths[ROWS] = {5, 1, 7, 3, 4, 2, 9};
    uint32_t packed[3];
    st_rank_request request;
    st_rank_request_init(&request, ST_TOPK, ROWS, COLS, 1);
    st_rank_buffers buffers = {.input = input, .row_list = list, .row_list_count = 3, .lengths = lengths};
    const st_wgpu_rows rows = {&request, &buffers, 0};
    st_wgpu_rows_lengths(&rows, 3, packed);
    assert_int_equal(packed[0], 7);
    assert_int_equal(packed[1], 9);
    assert_int_equal(packed[2], 5);
    list[0] = ROWS; /* changed since it was checked: kept within the input */
    lengths[6] = COLS + 1;
    st_wgpu_rows_lengths(&rows, 3, packed);
    assert_int_equal(packed[0], 5);
    assert_int_equal(packed[1], 0);
    buffers.lengths = NULL;
    st_wgpu_rows_lengths(&rows, 3, packed);
    assert_int_equal(packed[2], COLS);
}

static void test_outputs_go_to_their_places_alone(void **state) {
    (void)state;
    enum { WIDTH = 3, COUNT = ROWS - 2 };
    for (int64_t stride = WIDTH; stride < WIDTH + 3; stride++)
        for (int64_t span = 1; span <= COUNT * WIDTH; span++) {
            uint16_t packed[COUNT * WIDTH], values[ROWS * (WIDTH + 2)];
            int64_t wide[COUNT * WIDTH], indices[ROWS * (WIDTH + 2)];
            for (int i = 0; i < COUNT * WIDTH; i++) packed[i] = (uint16_t)(wide[i] = i + 1);
            memset(values, 0x5a, sizeof values);
            memset(indices, 0x5a, sizeof indices);
            st_rank_request request;
            st_rank_request_init(&request, ST_TOPK, ROWS, COLS, WIDTH);
            request.dtype = ST_U16;
            const st_rank_buffers buffers = {.values = values, .values_stride = stride, .indices = indices, .indices_stride = stride};
            const st_wgpu_rows rows = {&request, &buffers, 2};
            for (int64_t from = 0; from < COUNT * WIDTH; from += span) {
                const int64_t some = span < COUNT * WIDTH - from ? span : COUNT * WIDTH - from;
                st_wgpu_rows_put_values(&rows, from, some, packed + from);
                st_wgpu_rows_put_indices(&rows, from, some, wide + from);
            }
            for (int64_t i = 0; i < ROWS * (WIDTH + 2); i++) {
                const int64_t row = i / stride - 2, column = i % stride;
                const int inside = row >= 0 && row < COUNT && column < WIDTH;
                assert_int_equal(values[i], inside ? row * WIDTH + column + 1 : 0x5a5a);
                assert_true(indices[i] == (inside ? row * WIDTH + column + 1 : 0x5a5a5a5a5a5a5a5a));
            }
        }
}

static void test_the_lowest_nan_is_found(void **state) {
    (void)state;
    uint32_t input[ROWS * COLS] = {0};
    const int64_t list[] = {5, 2, 4};
    int64_t lengths[ROWS] = {COLS, COLS, COLS, COLS, COLS, COLS, COLS}, row = -1, column = -1;
    input[5 * COLS + 1] = input[4 * COLS + 10] = input[4 * COLS + 3] = 0xffc00001;
    input[1 * COLS] = 0x7f800001; /* not listed */
    input[2 * COLS] = 0xff800000;
    st_rank_request request;
    st_rank_request_init(&request, ST_TOPK, ROWS, COLS, 1);
    request.nan_rule = ST_NAN_ERROR;
    st_rank_buffers buffers = {.input = input, .row_list = list, .row_list_count = 3, .lengths = lengths};
    assert_int_equal(st_wgpu_rows_find_nan(&request, &buffers, &row, &column), 1);
    assert_int_equal(row, 4);
    assert_int_equal(column, 3);
    lengths[4] = 3;
    assert_int_equal(st_wgpu_rows_find_nan(&request, &buffers, &row, &column), 1);
    assert_int_equal(row, 5);
    assert_int_equal(column, 1);
    lengths[5] = 1;
    assert_int_equal(st_wgpu_rows_find_nan(&request, &buffers, &row, &column), 0);
    request.dtype = ST_U32;
    lengths[5] = COLS;
    assert_int_equal(st_wgpu_rows_find_nan(&request, &buffers, &row, &column), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packed_in_spans),
        cmocka_unit_test(test_what_lies_packed_is_not_copied),
        cmocka_unit_test(test_lengths_follow_the_list),
        cmocka_unit_test(test_outputs_go_to_their_places_alone),
        cmocka_unit_test(test_the_lowest_nan_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
