/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* unit_data.c - numbers of about unit size for every dtype: what is measured on. */
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/narrow_float.h"
#include "spiraltorch/measure.h"

/* Offset by half of the range, so that integers with and without sign are clamped and rounded in one way. */
static uint64_t scaled_integer(double number, int width, int has_sign) {
    const double end = ldexp(1.0, width - 1), scaled = number * (end / (width == 8 ? 8 : 16));
    const uint64_t half = (uint64_t)1 << (width - 1);
    const uint64_t offset = isnan(scaled) ? half : scaled >= end ? half + (half - 1) : scaled < -end ? 0 : half + (uint64_t)(int64_t)floor(scaled);
    return has_sign ? offset ^ half : offset;
}

void st_unit_store(st_dtype dtype, double number, void *element) {
    if (element == NULL) return;
    const float single = (float)number;
    uint16_t narrow;
    switch (dtype) {
        case ST_F32: memcpy(element, &single, sizeof single); return;
        case ST_F64: memcpy(element, &number, sizeof number); return;
        case ST_F16:
        case ST_BF16:
            narrow = st_narrow_round(number, dtype == ST_F16 ? &st_binary16 : &st_bfloat16);
            memcpy(element, &narrow, sizeof narrow);
            return;
        default: break;
    }
    const int64_t size = st_dtype_size(dtype);
    if (size == 0) return;
    const uint64_t bits = scaled_integer(number, 8 * (int)size, dtype == ST_I8 || dtype == ST_I16 || dtype == ST_I32 || dtype == ST_I64);
    const uint8_t one = (uint8_t)bits;
    const uint16_t two = (uint16_t)bits;
    const uint32_t four = (uint32_t)bits;
    const void *sources[] = {&one, &two, NULL, &four};
    memcpy(element, size == 8 ? (const void *)&bits : sources[size - 1], (size_t)size);
}

/* Vigna's splitmix64. */
static uint64_t random_bits(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* In (0, 1): never 0, so that its logarithm is finite. */
static double uniform(uint64_t *state) { return ((double)(random_bits(state) >> 12) + 0.5) * 0x1p-52; }

/* Box and Muller's transform, which makes two at a time. */
st_status st_unit_normal(st_dtype dtype, int64_t rows, int64_t cols, void *elements) {
    const int64_t size = st_dtype_size(dtype);
    if (size == 0) return st_fail(ST_E_ARGUMENT, "dtype is %d, which is no dtype", dtype);
    if (rows < 0 || cols < 0) return st_fail(ST_E_ARGUMENT, "%s is %lld; it must be at least 0", rows < 0 ? "rows" : "cols", (long long)(rows < 0 ? rows : cols));
    if (elements == NULL && rows > 0 && cols > 0) return st_fail(ST_E_ARGUMENT, "elements is NULL");
    char *element = elements;
    for (int64_t row = 0; row < rows; row++) {
        uint64_t state = (uint64_t)row * 0xd1342543de82ef95u + 1;
        double second = 0;
        for (int64_t col = 0; col < cols; col++, element += size) {
            double number = second;
            if (col % 2 == 0) {
                const double radius = sqrt(-2 * log(uniform(&state))), angle = 6.283185307179586 * uniform(&state);
                number = radius * cos(angle);
                second = radius * sin(angle);
            }
            st_unit_store(dtype, number, element);
        }
    }
    return ST_OK;
}
