/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* narrow_float.h - binary16 and bfloat16 from and to double, rounding once, to nearest even. */
#ifndef ST_BASE_NARROW_FLOAT_H
#define ST_BASE_NARROW_FLOAT_H

#include <math.h>
#include <stdint.h>

/* A 16-bit format: stored mantissa bits, and the exponents of its least normal and greatest numbers. */
typedef struct st_narrow_format {
    int mantissa, least, greatest;
} st_narrow_format;

static const st_narrow_format st_binary16 = {10, -14, 15};
static const st_narrow_format st_bfloat16 = {7, -126, 127};

/* The exponent whose spacing the format has at |value|, for a finite value other than 0. */
static inline int st_narrow_exponent(double value, const st_narrow_format *format) {
    const int exponent = ilogb(value);
    return exponent < format->least ? format->least : exponent;
}

/* Whether value lies exactly between two neighbours of the format, where rounding a rounded value goes wrong. */
static inline int st_narrow_is_tie(double value, const st_narrow_format *format) {
    const double size = fabs(value);
    if (!(size > 0) || size >= ldexp(1, format->greatest + 1)) return 0;
    const int exponent = st_narrow_exponent(size, format);
    if (ilogb(size) < format->least - format->mantissa - 1) return 0;
    const double halves = ldexp(size, format->mantissa + 1 - exponent); /* exact, at most 2^(mantissa + 2) */
    return halves == floor(halves) && ((uint64_t)halves & 1) != 0;
}

static inline uint16_t st_narrow_round(double value, const st_narrow_format *format) {
    const uint16_t sign = signbit(value) ? 0x8000u : 0;
    const uint32_t infinity = (uint32_t)(format->greatest - format->least + 2) << format->mantissa;
    const double size = fabs(value);
    if (isnan(value)) return (uint16_t)(sign | infinity | 1u << (format->mantissa - 1));
    if (size >= ldexp(1, format->greatest + 1)) return (uint16_t)(sign | infinity);
    if (size < ldexp(1, format->least - format->mantissa - 1)) return sign;
    const int exponent = st_narrow_exponent(size, format);
    const double scaled = ldexp(size, format->mantissa - exponent);
    uint32_t whole = (uint32_t)scaled;
    const double rest = scaled - whole;
    whole += rest > 0.5 || (rest == 0.5 && (whole & 1) != 0);
    /* The implicit bit of a normal number adds one to the exponent field; a subnormal has neither. A carry does the
     * rest. */
    return (uint16_t)(sign | (((uint32_t)(exponent - format->least) << format->mantissa) + whole));
}

static inline double st_narrow_widen(uint16_t bits, const st_narrow_format *format) {
    const uint32_t mantissa = bits & ((1u << format->mantissa) - 1);
    const int field = (int)((bits & 0x7fffu) >> format->mantissa);
    const int top = format->greatest - format->least + 2;
    double size;
    if (field == top)
        size = mantissa != 0 ? (double)NAN : (double)INFINITY;
    else if (field == 0)
        size = ldexp(mantissa, format->least - format->mantissa);
    else
        size = ldexp(mantissa + (1u << format->mantissa), field - 1 + format->least - format->mantissa);
    return bits & 0x8000u ? -size : size;
}

#endif
