/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * quantile_points.c - R. J. Hyndman and Y. Fan, "Sample quantiles in statistical packages", The American Statistician 50
 * (1996): their nine definitions, and NumPy's four others. The expressions are rounded in the order in which NumPy rounds
 * them, so that float64 gives the same bits. Where NumPy's would make NaN out of infinities, these give what it tends to.
 */
#include "quantile_points.h"

#include <math.h>
#include <string.h>

#include "narrow.h"

enum {
    LINEAR, LOWER, HIGHER, MIDPOINT, NEAREST, INVERTED_CDF, AVERAGED_INVERTED_CDF, CLOSEST_OBSERVATION, INTERPOLATED_INVERTED_CDF,
    HAZEN, WEIBULL, MEDIAN_UNBIASED, NORMAL_UNBIASED
};

const char *const st_py_quantile_methods[] = {"linear", "lower", "higher", "midpoint", "nearest", "inverted_cdf", "averaged_inverted_cdf",
                                              "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull", "median_unbiased",
                                              "normal_unbiased", NULL};

int st_py_quantile_is_element(int32_t method) {
    return method == LOWER || method == HIGHER || method == NEAREST || method == INVERTED_CDF || method == CLOSEST_OBSERVATION;
}

/* A place among ranks from 0, as Hyndman and Fan's parameters give it. */
static double place(double n, double q, double alpha, double beta) { return n * q + (alpha + q * (1 - alpha - beta)) - 1; }

/* The rank at a place or the next one; at a place that is a rank, `stays` says which. */
static double step(double at, int stays) { return at == floor(at) && stays ? floor(at) : floor(at) + 1; }

static double place_of(int32_t method, double q, double n) {
    const double spread = (n - 1) * q;
    switch (method) {
    case LOWER: return floor(spread);
    case HIGHER: return ceil(spread);
    case MIDPOINT: return 0.5 * (floor(spread) + ceil(spread));
    case NEAREST: return nearbyint(spread);
    case INVERTED_CDF: return step(n * q - 1, 1);
    case AVERAGED_INVERTED_CDF: return n * q - 1;
    /* Half-way between two ranks it takes the even one, counted from 1. */
    case CLOSEST_OBSERVATION: return step(n * q - 1 - 0.5, fmod(floor(n * q - 1 - 0.5), 2) != 0);
    case INTERPOLATED_INVERTED_CDF: return place(n, q, 0, 1);
    case HAZEN: return place(n, q, 0.5, 0.5);
    case WEIBULL: return place(n, q, 0, 0);
    case MEDIAN_UNBIASED: return place(n, q, 1 / 3.0, 1 / 3.0);
    case NORMAL_UNBIASED: return place(n, q, 3 / 8.0, 3 / 8.0);
    default: return spread;
    }
}

st_py_point st_py_quantile_point(int32_t method, double q, int64_t n) {
    const double at = place_of(method, q, (double)n), rest = at - floor(at);
    if (at >= (double)(n - 1)) return (st_py_point){n - 1, n - 1, 0};
    if (at < 0) return (st_py_point){0, 0, 0};
    const int64_t below = (int64_t)floor(at);
    if (method == AVERAGED_INVERTED_CDF) return (st_py_point){below, below + 1, rest == 0 ? 0.5 : 1};
    if (rest == 0) return (st_py_point){below, below, 0};
    return (st_py_point){below, below + 1, rest};
}

static double difference(st_dtype dtype, const void *below, const void *above) {
    uint64_t a, b;
    if (dtype != ST_I64 && dtype != ST_U64) return st_py_load(dtype, above) - st_py_load(dtype, below);
    memcpy(&a, below, sizeof a);
    memcpy(&b, above, sizeof b);
    return (double)(b - a); /* not negative, so that it fits without a sign */
}

void st_py_quantile_between(st_dtype dtype, const void *below, const void *above, double way, st_dtype result, void *to) {
    const double a = st_py_load(dtype, below), b = st_py_load(dtype, above);
    if (a == b || way == 0) {
        st_py_store(result, to, a);
        return;
    }
    /* Each operation is rounded to the result's dtype: a double has bits enough that rounding twice is rounding once. */
    const double span = st_py_rounded(result, difference(dtype, below, above));
    const double there = st_py_rounded(result, way), back = st_py_rounded(result, 1 - way);
    double value = way < 0.5 ? a + st_py_rounded(result, span * there) : b - st_py_rounded(result, span * back);
    if (isinf(a) || isinf(b)) value = isinf(a) && (!isinf(b) || way < 0.5) ? a : b; /* what any way from it leads to */
    st_py_store(result, to, value);
}
