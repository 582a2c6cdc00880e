/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* narrow.c - conversions between doubles and elements, the two 16-bit float formats among them. */
#include "narrow.h"

#include <math.h>
#include <string.h>

int st_py_is_float(st_dtype dtype) { return dtype <= ST_BF16; }

/* binary16: 1 sign, 5 exponent and 10 fraction bits; exponents are those of 2^(e - 25) times an integer of 11 bits. */
static double from_half(uint16_t bits) {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double value;
    if (exponent == 31) value = fraction != 0 ? NAN : INFINITY;
    else value = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
    return (bits & 0x8000) != 0 ? -value : value;
}

/*
 * A double as sign, exponent and fraction of a format with so many bits of each: the value is scaled so that its last kept bit
 * is a one's, and rounded there, which rounds once, subnormal numbers included. A carry runs into the exponent as it should.
 */
static uint16_t to_narrow(double value, int exponent_bits, int fraction_bits) {
    const int bias = (1 << (exponent_bits - 1)) - 1, least = 1 - bias;
    const uint16_t sign = signbit(value) ? 0x8000u : 0, infinity = (uint16_t)(((1 << exponent_bits) - 1) << fraction_bits);
    const double size = fabs(value);
    int exponent;
    if (isnan(value)) return (uint16_t)(sign | infinity | 1u << (fraction_bits - 1));
    if (isinf(value)) return (uint16_t)(sign | infinity);
    frexp(size, &exponent); /* size is in [0.5, 1) times 2^exponent */
    exponent = exponent - 1 < least || size == 0 ? least : exponent - 1;
    if (exponent > bias) return (uint16_t)(sign | infinity);
    const uint32_t scaled = (uint32_t)nearbyint(ldexp(size, fraction_bits - exponent));
    const uint32_t bits = ((uint32_t)(exponent - least) << fraction_bits) + scaled;
    return (uint16_t)(sign | (bits > infinity ? infinity : bits));
}

static double from_bfloat(uint16_t bits) {
    const uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
}

#define LOAD(type)                             \
    do {                                       \
        type value;                            \
        memcpy(&value, element, sizeof value); \
        return (double)value;                  \
    } while (0)

double st_py_load(st_dtype dtype, const void *element) {
    uint16_t bits;
    switch (dtype) {
    case ST_F32: LOAD(float);
    case ST_F64: LOAD(double);
    case ST_I8: LOAD(int8_t);
    case ST_U8: LOAD(uint8_t);
    case ST_I16: LOAD(int16_t);
    case ST_U16: LOAD(uint16_t);
    case ST_I32: LOAD(int32_t);
    case ST_U32: LOAD(uint32_t);
    case ST_I64: LOAD(int64_t);
    case ST_U64: LOAD(uint64_t);
    default:
        memcpy(&bits, element, sizeof bits);
        return dtype == ST_F16 ? from_half(bits) : from_bfloat(bits);
    }
}

#undef LOAD

void st_py_store(st_dtype dtype, void *element, double value) {
    if (dtype == ST_F64) {
        memcpy(element, &value, sizeof value);
    } else if (dtype == ST_F32) {
        const float single = (float)value;
        memcpy(element, &single, sizeof single);
    } else {
        const uint16_t bits = dtype == ST_F16 ? to_narrow(value, 5, 10) : to_narrow(value, 8, 7);
        memcpy(element, &bits, sizeof bits);
    }
}

double st_py_rounded(st_dtype dtype, double value) {
    uint64_t room;
    st_py_store(dtype, &room, value);
    return st_py_load(dtype, &room);
}
