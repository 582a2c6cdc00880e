/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bench_data.c - the data shapes of the benchmark, for every dtype, the same bits each time. */
#include <math.h>
#include <string.h>

#include "bench.h"

enum { NORMAL, ASC, DESC, EQUAL, FEW, NEGINF, NARROW };

const char *st_bench_data_name(int32_t data) {
    static const char *const names[ST_BENCH_SHAPES] = {"normal", "asc", "desc", "equal", "few", "neginf", "narrow"};
    return data >= 0 && data < ST_BENCH_SHAPES ? names[data] : NULL;
}

uint64_t st_bench_random(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* In (0, 1): never 0, so that its logarithm is finite. */
static double uniform(uint64_t *state) { return ((double)(st_bench_random(state) >> 12) + 0.5) * 0x1p-52; }

void st_bench_fill(int32_t data, st_dtype dtype, int64_t rows, int64_t cols, void *elements) {
    const size_t size = (size_t)st_dtype_size(dtype);
    unsigned char *element = elements;
    if (data == NORMAL || data == NEGINF) { /* a tenth of which stays */
        (void)st_unit_normal(dtype, rows, cols, elements);
    }
    if (data == NORMAL) {
        return;
    }
    const double spread = size == 1 || dtype == ST_BF16 ? 0x1p-3 : 0x1p-6; /* a few values at least in every dtype */
    for (int64_t row = 0; row < rows; row++) {
        uint64_t state = (uint64_t)row * 0xd1342543de82ef95u + (uint64_t)data + 1;
        for (int64_t col = 0; col < cols; col++, element += size) {
            double unit = 1;
            if (data == NEGINF && st_bench_random(&state) % 10 == 0) {
                continue;
            }
            if (data == ASC || data == DESC) {
                const double rise = 8 * ((double)col / (double)cols) - 4;
                unit = data == ASC ? rise : -rise;
            } else if (data == FEW) {
                unit = (double)(st_bench_random(&state) % 4) - 1;
            } else if (data == NEGINF) {
                unit = -INFINITY; /* an integer's least value */
            } else if (data == NARROW) {
                /* One sign, one exponent and the same first bits of the mantissa. */
                unit = 1 + uniform(&state) * spread;
            }
            st_unit_store(dtype, unit, element);
        }
    }
}
