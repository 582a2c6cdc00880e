/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* format_number.c - an element of any dtype as the shortest text that reads back to the same bits. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/narrow_float.h"
#include "spiraltorch/number.h"

/* A float format by its decimal digits: `safe` digits survive text -> float -> text, `most` survive float -> text ->
 * float. */
struct width {
    int safe, most;
    double least;    /* the least normal number: below it `safe` does not hold */
    double integers; /* every integer up to here is exact, and its own shortest text */
    int64_t size;
};

static const struct width widths[] = {
    [ST_F32] = {6, 9, 0x1p-126, 0x1p24, 4},
    [ST_F64] = {15, 17, 0x1p-1022, 0x1p53, 8},
    [ST_F16] = {3, 5, 0x1p-14, 0x1p11, 2},
    [ST_BF16] = {2, 4, 0x1p-126, 0x1p8, 2},
};

static char *put_unsigned(char *at, uint64_t value) {
    char digits[20];
    int count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (count > 0) *at++ = digits[--count];
    return at;
}

/* Python's repr: plain from 1e-4 to below 1e16, else d.ddde+XX. The value is 0.digits x 10^point. */
static char *put_decimal(char *at, const char *digits, int count, int point) {
    if (point > 16 || point < -3) {
        *at++ = digits[0];
        if (count > 1) *at++ = '.';
        memcpy(at, digits + 1, (size_t)count - 1);
        at += count - 1;
        *at++ = 'e';
        const int exponent = point - 1;
        *at++ = exponent < 0 ? '-' : '+';
        if (abs(exponent) < 10) *at++ = '0';
        return put_unsigned(at, (uint64_t)abs(exponent));
    }
    if (point <= 0) {
        *at++ = '0';
        *at++ = '.';
        for (int i = point; i < 0; i++) *at++ = '0';
        memcpy(at, digits, (size_t)count);
        return at + count;
    }
    for (int i = 0; i < point || i < count; i++) {
        if (i == point) *at++ = '.';
        *at++ = i < count ? digits[i] : '0';
    }
    return at;
}

static int reads_back(st_dtype dtype, const void *magnitude, const char *digits, int count, int point) {
    char text[48], element[8];
    memcpy(text, digits, (size_t)count);
    text[count] = 'e';
    const int bytes = snprintf(text + count + 1, sizeof text - 32, "%d", point - count);
    return st_read_float(text, (size_t)(count + 1 + bytes), dtype, element) &&
           memcmp(element, magnitude, (size_t)widths[dtype].size) == 0;
}

/* The nearest decimal of `count` digits, into digits; returns its point. */
static int nearest_digits(double value, int count, char digits[24]) {
    char text[48];
    snprintf(text, sizeof text, "%.*e", count - 1, value);
    const char *at = text;
    for (int i = 0; *at != 'e'; at++)
        if (*at >= '0' && *at <= '9') digits[i++] = *at; /* the point is the locale's */
    return (int)strtol(at + 1, NULL, 10) + 1;
}

/* Adds one to the last digit. Returns the new point. */
static int step_up(char digits[24], int count, int point) {
    int i = count - 1;
    while (i >= 0 && digits[i] == '9') digits[i--] = '0';
    if (i >= 0) {
        digits[i]++;
        return point;
    }
    digits[0] = '1';
    return point + 1;
}

static int without_zeros(const char *digits, int count) {
    while (count > 1 && digits[count - 1] == '0') count--;
    return count;
}

/*
 * At most 15 digits, found in double arithmetic: value x 10^p is within 0.22 of the integer that such a decimal would
 * have, and dividing it by the exact power is how that decimal reads. Returns the digits' count, or 0.
 */
static int few_digits(double value, char digits[24], int *point) {
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,
                                    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19};
    if (!(value >= 1e-4 && value < 1e15)) return 0;
    int whole = 0; /* digits before the point; -3 for 0.0001 */
    if (value >= 1)
        while (value >= powers[whole]) whole++;
    else
        while (value * powers[1 - whole] < 1) whole--;
    const double power = powers[15 - whole];
    const double scaled = nearbyint(value * power);
    if (!(scaled < 1e15) || scaled / power != value) return 0;
    const char *end = put_unsigned(digits, (uint64_t)scaled);
    *point = whole + (int)(end - digits) - 15;
    return without_zeros(digits, (int)(end - digits));
}

/* The fewest digits of a finite magnitude over 0; `bits` are its bits in dtype. Returns their count. */
static int shortest_digits(st_dtype dtype, double value, const void *bits, char digits[24], int *point) {
    const struct width *width = &widths[dtype];
    if (dtype == ST_F64) {
        const int count = few_digits(value, digits, point);
        if (count != 0) return count;
    }
    int exponent;
    /* A power of two has its lower neighbour at half the distance: the nearest decimal may miss, the next hit. */
    const int power_of_two = frexp(value, &exponent) == 0.5;
    for (int count = value > width->least ? width->safe : 1; count < width->most; count++) {
        *point = nearest_digits(value, count, digits);
        if (reads_back(dtype, bits, digits, count, *point)) return without_zeros(digits, count);
        if (!power_of_two) continue;
        *point = step_up(digits, count, *point);
        if (reads_back(dtype, bits, digits, count, *point)) return without_zeros(digits, count);
    }
    *point = nearest_digits(value, width->most, digits);
    return without_zeros(digits, width->most);
}

static char *put_float(char *at, st_dtype dtype, double value, const void *element) {
    if (isnan(value)) return memcpy(at, "nan", 3), at + 3;
    if (signbit(value)) *at++ = '-';
    const double magnitude = fabs(value);
    if (isinf(value)) return memcpy(at, "inf", 3), at + 3;
    if (magnitude < widths[dtype].integers && magnitude == floor(magnitude))
        return put_unsigned(at, (uint64_t)magnitude);
    const size_t size = (size_t)widths[dtype].size;
    unsigned char bits[8];
    memcpy(bits, element, size);
    bits[__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? size - 1 : 0] &= 0x7f;
    char digits[24];
    int point;
    const int count = shortest_digits(dtype, magnitude, bits, digits, &point);
    return put_decimal(at, digits, count, point);
}

/* An element widened without loss: a float to double, an integer to 64 bits. */
#define LOAD(type) (memcpy(&(type##_value), element, sizeof(type##_value)), (type##_value))

int32_t st_format_element(st_dtype dtype, const void *element, char text[32]) {
    if (text == NULL) return 0;
    text[0] = '\0';
    if (element == NULL || st_dtype_size(dtype) == 0) return 0;
    float f32_value;
    double f64_value;
    int8_t i8_value;
    uint8_t u8_value;
    int16_t i16_value;
    uint16_t u16_value;
    int32_t i32_value;
    uint32_t u32_value;
    int64_t integer = 0;
    uint64_t u64_value;
    char *at = text;
    switch (dtype) {
    case ST_F32: at = put_float(at, dtype, (double)LOAD(f32), element); break;
    case ST_F64: at = put_float(at, dtype, LOAD(f64), element); break;
    case ST_F16: at = put_float(at, dtype, st_narrow_widen(LOAD(u16), &st_binary16), element); break;
    case ST_BF16: at = put_float(at, dtype, st_narrow_widen(LOAD(u16), &st_bfloat16), element); break;
    case ST_I8: integer = LOAD(i8); break;
    case ST_U8: integer = LOAD(u8); break;
    case ST_I16: integer = LOAD(i16); break;
    case ST_U16: integer = LOAD(u16); break;
    case ST_I32: integer = LOAD(i32); break;
    case ST_U32: integer = LOAD(u32); break;
    case ST_I64: memcpy(&integer, element, sizeof integer); break;
    default: at = put_unsigned(at, LOAD(u64)); break;
    }
    if (dtype >= ST_I8 && dtype <= ST_I64) {
        if (integer < 0) *at++ = '-';
        at = put_unsigned(at, integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer);
    }
    *at = '\0';
    return (int32_t)(at - text);
}
