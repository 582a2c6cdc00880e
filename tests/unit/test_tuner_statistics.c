/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_tuner_statistics.c - moments against two passes, Student's intervals against known ones, means that outliers leave alone. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "learn/tuner_statistics.h"

static const double numbers[] = {3.5, -1, 0.25, 7, 7, 1e3, -42, 0.125, 2, 9};
enum { COUNT = sizeof numbers / sizeof numbers[0] };

static void close_to(double found, double expected, double off) {
    if (!(fabs(found - expected) <= off)) fail_msg("%.9g is not within %g of %.9g", found, off, expected);
}

static void moments_are_those_of_two_passes(void **state) {
    (void)state;
    for (int split = 0; split <= COUNT; split++) {
        st_moments first = {0, 0, 0}, second = {0, 0, 0};
        double sum = 0, squares = 0;
        for (int i = 0; i < COUNT; i++) {
            st_moments_add(i < split ? &first : &second, numbers[i]);
            sum += numbers[i];
        }
        for (int i = 0; i < COUNT; i++) squares += (numbers[i] - sum / COUNT) * (numbers[i] - sum / COUNT);
        st_moments_merge(&first, &second);
        assert_int_equal(first.n, COUNT);
        close_to(first.mean, sum / COUNT, 1e-9);
        close_to(st_moments_variance(&first), squares / (COUNT - 1), 1e-6);
    }
    const st_moments one = {1, 5, 0};
    assert_true(st_moments_variance(&one) == 0);
}

static void medians(void **state) {
    (void)state;
    double odd[] = {5, 1, 3}, even[] = {4, 1, 3, 9};
    assert_true(st_lower_median_of(odd, 3) == 3);
    assert_true(st_lower_median_of(even, 4) == 3);
    assert_true(st_lower_median_of(odd, 0) == 0);
}

static void a_trimmed_mean_by_hand(void **state) {
    (void)state;
    /* Ten values: two go at each end. Kept: 3 4 5 6 7 8; winsorised: 3 3 3 4 5 6 7 8 8 8, whose variance is 42.5/9. */
    double values[] = {1, 2, 3, 4, 5, 6, 7, 8, 90, 1000};
    const st_trimmed trimmed = st_trimmed_of(values, 10);
    close_to(trimmed.mean, 5.5, 1e-12);
    close_to(trimmed.error, sqrt(42.5 / 9) * sqrt(10) / 6, 1e-12);
    close_to(trimmed.reach, 4.032 * trimmed.error, 1e-9);
}

static void wild_values_change_nothing(void **state) {
    (void)state;
    double plain[32], wild[32];
    for (int i = 0; i < 32; i++) plain[i] = wild[i] = 0.001 * (double)(i * 7 % 32);
    for (int i = 0; i < 32; i++) wild[i] += plain[i] > 0.0255 ? 50 : 0;
    const st_trimmed first = st_trimmed_of(plain, 32), second = st_trimmed_of(wild, 32);
    assert_true(first.mean == second.mean && first.error == second.error && first.reach == second.reach);
    /* 20 are kept: Student's t for 19 is 2.861. */
    close_to(first.reach / first.error, 2.861, 0.01);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_those_of_two_passes), cmocka_unit_test(medians),
        cmocka_unit_test(a_trimmed_mean_by_hand), cmocka_unit_test(wild_values_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
