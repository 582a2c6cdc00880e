/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_view.c - strided views: what a view reaches, and which element stands at a position. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "spectral/view.h"

static void test_an_array_in_its_own_order(void **state) {
    (void)state;
    const st_view view = {.dimensions = 3, .extents = {2, 3, 4}, .strides = {12, 4, 1}};
    int64_t positions;
    uint32_t elements[24], segments[24];
    assert_int_equal(st_view_check(&view, 24, &positions), ST_OK);
    assert_int_equal(positions, 24);
    st_view_index(&view, 0, 24, 4, elements, segments);
    for (uint32_t i = 0; i < 24; i++) {
        assert_int_equal(elements[i], i);
        assert_int_equal(segments[i], i / 4);
    }
}

/* Eight nested loops, against positions counted in one. */
static void test_eight_dimensions(void **state) {
    (void)state;
    enum { POSITIONS = 2 * 3 * 1 * 2 * 4 * 1 * 2 * 3 };
    const st_view view = {.dimensions = 8,
                          .base = 5000,
                          .extents = {2, 3, 1, 2, 4, 1, 2, 3},
                          .strides = {-100, 7, 99, 0, 1000, -3, 13, -1}};
    int64_t positions, c[8];
    uint32_t elements[POSITIONS], late[10], at = 0;
    assert_int_equal(st_view_check(&view, 1 << 20, &positions), ST_OK);
    assert_int_equal(positions, POSITIONS);
    st_view_index(&view, 0, POSITIONS, 1, elements, NULL);
    for (c[0] = 0; c[0] < 2; c[0]++)
        for (c[1] = 0; c[1] < 3; c[1]++)
            for (c[3] = 0; c[3] < 2; c[3]++)
                for (c[4] = 0; c[4] < 4; c[4]++)
                    for (c[6] = 0; c[6] < 2; c[6]++)
                        for (c[7] = 0; c[7] < 3; c[7]++)
                            assert_int_equal(elements[at++], 5000 - 100 * c[0] + 7 * c[1] + 1000 * c[4] + 13 * c[6] - c[7]);
    st_view_index(&view, POSITIONS - 10, 10, 7, NULL, late);
    for (uint32_t i = 0; i < 10; i++) assert_int_equal(late[i], (POSITIONS - 10 + i) / 7);
}

static void test_what_a_view_reaches(void **state) {
    (void)state;
    int64_t positions;
    st_view view = {.dimensions = 0, .base = 3};
    assert_int_equal(st_view_check(&view, 4, &positions), ST_OK);
    assert_int_equal(positions, 1);
    assert_int_equal(st_view_check(&view, 3, &positions), ST_E_ARGUMENT);
    view = (st_view){.dimensions = 2, .base = 5, .extents = {3, 2}, .strides = {-2, 1}};
    assert_int_equal(st_view_check(&view, 7, &positions), ST_OK);
    assert_int_equal(positions, 6);
    assert_int_equal(st_view_check(&view, 6, &positions), ST_E_ARGUMENT);
    view.base = 3;
    assert_int_equal(st_view_check(&view, 7, &positions), ST_E_ARGUMENT);
    assert_non_null(strstr(st_last_message(), "-1 to 4"));
    /* Nothing is reached where there is nothing. */
    view.extents[1] = 0;
    assert_int_equal(st_view_check(&view, 0, &positions), ST_OK);
    assert_int_equal(positions, 0);
    view.extents[1] = -1;
    assert_int_equal(st_view_check(&view, 7, &positions), ST_E_ARGUMENT);
    view = (st_view){.dimensions = 9};
    assert_int_equal(st_view_check(&view, 7, &positions), ST_E_ARGUMENT);
    view.dimensions = -1;
    assert_int_equal(st_view_check(&view, 7, &positions), ST_E_ARGUMENT);
}

static void test_positions_and_elements_beyond_32_bits(void **state) {
    (void)state;
    int64_t positions;
    st_view view = {.dimensions = 2, .extents = {UINT32_MAX, 1}};
    assert_int_equal(st_view_check(&view, 1, &positions), ST_OK);
    assert_int_equal(positions, UINT32_MAX);
    view.extents[1] = 2;
    assert_int_equal(st_view_check(&view, 1, &positions), ST_E_ARGUMENT);
    view = (st_view){.dimensions = 8, .extents = {1 << 16, 1 << 16, 1 << 16, 1 << 16, 1 << 16, 1 << 16, 1 << 16, 1 << 16}};
    assert_int_equal(st_view_check(&view, 1, &positions), ST_E_ARGUMENT);
    view = (st_view){.dimensions = 1, .extents = {3}, .strides = {INT64_MAX}};
    assert_int_equal(st_view_check(&view, INT64_MAX, &positions), ST_E_ARGUMENT);
    view = (st_view){.dimensions = 1, .extents = {2}, .strides = {UINT32_MAX}};
    assert_int_equal(st_view_check(&view, INT64_MAX, &positions), ST_OK);
    view.base = 1;
    assert_int_equal(st_view_check(&view, INT64_MAX, &positions), ST_E_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_array_in_its_own_order),
        cmocka_unit_test(test_eight_dimensions),
        cmocka_unit_test(test_what_a_view_reaches),
        cmocka_unit_test(test_positions_and_elements_beyond_32_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
