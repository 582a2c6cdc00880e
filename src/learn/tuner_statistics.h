/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* tuner_statistics.h - what the tuner computes from logarithms of times: moments, medians and trimmed means. */
#ifndef ST_LEARN_TUNER_STATISTICS_H
#define ST_LEARN_TUNER_STATISTICS_H

#include <stdint.h>

/* Number, mean and sum of squared deviations, kept up one value at a time (Welford 1962). Start it zeroed. */
typedef struct st_moments {
    int64_t n;
    double mean, squares;
} st_moments;

void st_moments_add(st_moments *moments, double value);

/* As if every value of `other` had been added too (Chan, Golub and LeVeque 1979). */
void st_moments_merge(st_moments *moments, const st_moments *other);

/* With n - 1 in the denominator; 0 for fewer than two values. */
double st_moments_variance(const st_moments *moments);

/*
 * The median, the lesser of the middle two; sorts the values. 0 for none. What disturbs a time makes it longer, so of two
 * samples the lesser is the better one.
 */
double st_lower_median_of(double *values, int32_t count);

/* A mean that a few wild values do not move, and how sure it is. */
typedef struct st_trimmed {
    double mean;
    double error; /* standard error */
    double reach; /* half the width of the 99 % confidence interval */
} st_trimmed;

/*
 * The mean of the middle three fifths, with the standard error that the winsorised variance gives, and Student's t for as
 * many values as were kept (Tukey and McLaughlin 1963). Sorts the values; count is at least 5.
 */
st_trimmed st_trimmed_of(double *values, int32_t count);

#endif
