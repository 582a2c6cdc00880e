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

/* Rounds to nearest, ties to even, to a format of `mantissa` stored bits that is at most as wide as binary32. */
static uint16_t narrow_float(float value, int mantissa, uint32_t infinity) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t sign = (bits >> 16) & 0x8000u;
    bits &= 0x7fffffffu;
    const int drop = 23 - mantissa;
    /* binary16's exponent is 5 bits wide: re-bias by 127 - 15. Shapes stay far from its least and greatest numbers. */
    const uint32_t rebias = mantissa == 10 ? (uint32_t)(127 - 15) << 23 : 0;
    if (bits >= 0x7f800000u) {
        return (uint16_t)(sign | infinity);
    }
    if (bits < rebias + (1u << 23)) {
        return (uint16_t)sign; /* below the least normal number of the narrow format */
    }
    bits -= rebias;
    bits += (1u << (drop - 1)) - 1 + ((bits >> drop) & 1u);
    bits >>= drop;
    return (uint16_t)(sign | (bits < infinity ? bits : infinity));
}

/*
 * Stores a number of about unit size; integers take it on a scale where 16 is the end of their range, or 8 for those of 8 bits,
 * of which there are few: no normal number here comes near it, as equal elements at the end would be a case of their own.
 */
static void store(st_dtype dtype, unsigned char *element, double unit) {
    const int size = (int)st_dtype_size(dtype);
    if (dtype == ST_F64) {
        memcpy(element, &unit, sizeof unit);
    } else if (dtype == ST_F32) {
        const float value = (float)unit;
        memcpy(element, &value, sizeof value);
    } else if (dtype == ST_F16 || dtype == ST_BF16) {
        const uint16_t bits =
            dtype == ST_F16 ? narrow_float((float)unit, 10, 0x7c00u) : narrow_float((float)unit, 7, 0x7f80u);
        memcpy(element, &bits, sizeof bits);
    } else {
        const int width = 8 * size;
        const int has_sign = dtype == ST_I8 || dtype == ST_I16 || dtype == ST_I32 || dtype == ST_I64;
        const double end = ldexp(1.0, width - 1);
        const double scaled = unit * (end / (size == 1 ? 8 : 16));
        const uint64_t top = (uint64_t)1 << (width - 1); /* half of the range */
        /* Offset by half of the range, so that both signs of integers are clamped and rounded in one way. */
        uint64_t offset = scaled >= end ? top + (top - 1) : scaled < -end ? 0 : top + (uint64_t)(int64_t)floor(scaled);
        if (has_sign) {
            offset ^= top;
        }
        const uint8_t one = (uint8_t)offset;
        const uint16_t two = (uint16_t)offset;
        const uint32_t four = (uint32_t)offset;
        const void *source = size == 1 ? (const void *)&one : size == 2 ? (const void *)&two : (const void *)&four;
        memcpy(element, size == 8 ? (const void *)&offset : source, (size_t)size);
    }
}

void st_bench_fill(int32_t data, st_dtype dtype, int64_t rows, int64_t cols, void *elements) {
    const size_t size = (size_t)st_dtype_size(dtype);
    unsigned char *element = elements;
    const double spread = size == 1 || dtype == ST_BF16 ? 0x1p-3 : 0x1p-6; /* a few values at least in every dtype */
    for (int64_t row = 0; row < rows; row++) {
        uint64_t state = (uint64_t)row * 0xd1342543de82ef95u + (uint64_t)data + 1;
        double second = 0; /* Box-Muller makes two normal numbers at a time */
        int has_second = 0;
        for (int64_t col = 0; col < cols; col++, element += size) {
            double unit = 1;
            if (data == NORMAL || (data == NEGINF && st_bench_random(&state) % 10 == 0)) {
                if (has_second) {
                    unit = second;
                } else {
                    const double radius = sqrt(-2 * log(uniform(&state)));
                    const double angle = 6.283185307179586 * uniform(&state);
                    unit = radius * cos(angle);
                    second = radius * sin(angle);
                }
                has_second = !has_second;
            } else if (data == ASC || data == DESC) {
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
            store(dtype, element, unit);
        }
    }
}
