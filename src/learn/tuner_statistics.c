/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* tuner_statistics.c - moments, medians and trimmed means. */
#include "learn/tuner_statistics.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

void st_moments_add(st_moments *moments, double value) {
    const double off = value - moments->mean;
    moments->n++;
    moments->mean += off / (double)moments->n;
    moments->squares += off * (value - moments->mean);
}

void st_moments_merge(st_moments *moments, const st_moments *other) {
    if (other->n == 0) return;
    const double mine = (double)moments->n, theirs = (double)other->n, both = mine + theirs;
    const double off = other->mean - moments->mean;
    moments->n += other->n;
    moments->mean += off * theirs / both;
    moments->squares += other->squares + off * off * mine * theirs / both;
}

double st_moments_variance(const st_moments *moments) {
    return moments->n < 2 ? 0 : moments->squares / (double)(moments->n - 1);
}

static int compare_numbers(const void *left, const void *right) {
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

double st_lower_median_of(double *values, int32_t count) {
    if (count <= 0) return 0;
    qsort(values, (size_t)count, sizeof *values, compare_numbers);
    return values[(count - 1) / 2];
}

/* Student's t at 0.995: the first ten degrees of freedom, then Cornish and Fisher's expansion, within 0.01 of the truth. */
static double t_of(int32_t freedom) {
    static const double first[] = {63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250, 3.169};
    if (freedom < 1) return HUGE_VAL;
    if (freedom <= 10) return first[freedom - 1];
    const double z = 2.5758293, f = freedom;
    return z + (z * z * z + z) / (4 * f) + (5 * pow(z, 5) + 16 * z * z * z + 3 * z) / (96 * f * f);
}

st_trimmed st_trimmed_of(double *values, int32_t count) {
    const int32_t cut = count / 5, kept = count - 2 * cut;
    qsort(values, (size_t)count, sizeof *values, compare_numbers);
    double sum = 0;
    for (int32_t i = cut; i < count - cut; i++) sum += values[i];
    st_moments winsorised = {0, 0, 0};
    for (int32_t i = 0; i < count; i++) {
        const int32_t at = i < cut ? cut : i >= count - cut ? count - cut - 1 : i;
        st_moments_add(&winsorised, values[at]);
    }
    st_trimmed trimmed = {sum / kept, 0, 0};
    const double n = count;
    trimmed.error = sqrt(st_moments_variance(&winsorised)) * sqrt(n) / kept;
    trimmed.reach = t_of(kept - 1) * trimmed.error;
    return trimmed;
}
