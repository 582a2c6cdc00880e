/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bench_points.c - cases strewn over shapes and k, which no grid has. */
#include <math.h>

#include "bench.h"

/* The least and most elements of a case, and the fewest columns: below, calling takes longer than selecting. */
enum { LEAST_ELEMENTS = 1 << 10, MOST_ELEMENTS = 1 << 22, LEAST_COLUMNS = 16 };

/* A number from low to high, each factor of it as likely as any other. */
static int64_t spread(uint64_t *random, int64_t low, int64_t high) {
    const double at = (double)(st_bench_random(random) >> 11) / 9007199254740992.0; /* 2^53 */
    const double number = exp(log((double)low) + at * log((double)(high + 1) / (double)low));
    return number < (double)low ? low : number > (double)high ? high : (int64_t)number;
}

void st_bench_strew(const st_bench_case *classes, int64_t class_count, int64_t points, uint64_t seed, st_bench_case *cases) {
    uint64_t random = seed;
    for (int64_t i = 0; i < points; i++) {
        const int64_t elements = spread(&random, LEAST_ELEMENTS, MOST_ELEMENTS);
        cases[i] = classes[st_bench_random(&random) % (uint64_t)class_count];
        cases[i].cols = spread(&random, LEAST_COLUMNS, elements);
        cases[i].rows = elements / cases[i].cols;
        cases[i].k = spread(&random, 1, cases[i].cols);
    }
}
