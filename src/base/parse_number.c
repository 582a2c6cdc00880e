/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* parse_number.c - decimal text to an element of any dtype, rounded once, whatever the program's locale. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/fail.h"
#include "base/narrow_float.h"
#include "base/show_text.h"
#include "spiraltorch/number.h"

enum { FINITE, INFINITE, NOT_A_NUMBER };

/*
 * A numeral taken apart. Its value is 0.d1d2d3... x 10^point, where d1 is the first digit that is not 0; `first` has
 * the first 19 of them (that is what 64 bits hold), of `count` in all.
 */
struct numeral {
    int kind, negative;
    uint64_t first;
    size_t count;
    int rest; /* a digit beyond the first 19 is not 0 */
    int64_t point;
    const char *digits, *digits_end; /* the digits with their point; NULL for inf and nan */
};

static int is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static int is_digit(char c) { return c >= '0' && c <= '9'; }

/* Whether text[0, length) is `word`, in any case. */
static int is_word(const char *text, size_t length, const char *word) {
    for (size_t i = 0; i < length; i++)
        if (word[i] == '\0' || ((unsigned char)text[i] | 0x20) != word[i]) return 0;
    return word[length] == '\0';
}

static int take_apart(const char *text, size_t length, struct numeral *numeral) {
    const char *at = text, *end = text + length;
    while (at < end && is_space(*at)) at++;
    while (end > at && is_space(end[-1])) end--;
    memset(numeral, 0, sizeof *numeral);
    if (at < end && (*at == '-' || *at == '+')) numeral->negative = *at++ == '-';
    if (at == end) return 0;
    if (!is_digit(*at) && *at != '.') {
        const size_t left = (size_t)(end - at);
        if (is_word(at, left, "nan"))
            numeral->kind = NOT_A_NUMBER;
        else if (is_word(at, left, "inf") || is_word(at, left, "infinity"))
            numeral->kind = INFINITE;
        else
            return 0;
        return 1;
    }

    numeral->digits = at;
    int digits = 0, fraction = 0;
    uint64_t first = 0;
    size_t count = 0;
    int64_t point = 0;
    for (; at < end; at++) {
        if (*at == '.' && !fraction) {
            fraction = 1;
            continue;
        }
        if (!is_digit(*at)) break;
        digits = 1;
        const unsigned digit = (unsigned)(*at - '0');
        if (count < 19) {
            first = first * 10 + digit;
            count += first != 0;
        } else {
            count++;
            numeral->rest |= digit != 0;
        }
        if (fraction)
            point -= count == 0;
        else
            point += count != 0;
    }
    numeral->digits_end = at;
    if (!digits) return 0;

    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        int negative = 0;
        if (at < end && (*at == '-' || *at == '+')) negative = *at++ == '-';
        if (at == end) return 0;
        int64_t exponent = 0;
        /* Far over any numeral in memory, so that a million zeros and the exponent that undoes them still meet. */
        const int64_t huge = (int64_t)1 << 56;
        for (; at < end && is_digit(*at); at++)
            if (exponent < huge) exponent = exponent * 10 + (*at - '0');
        point += negative ? -exponent : exponent;
    }
    numeral->first = first;
    numeral->count = count;
    numeral->point = point;
    return at == end;
}

static const double exact_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static const uint64_t integer_powers[] = {1u,
                                          10u,
                                          100u,
                                          1000u,
                                          10000u,
                                          100000u,
                                          1000000u,
                                          10000000u,
                                          100000000u,
                                          1000000000u,
                                          10000000000u,
                                          100000000000u,
                                          1000000000000u,
                                          10000000000000u,
                                          100000000000000u,
                                          1000000000000000u,
                                          10000000000000000u,
                                          100000000000000000u,
                                          1000000000000000000u,
                                          10000000000000000000u};

__extension__ typedef unsigned __int128 uint128;

/*
 * 2^63 has room for 53 bits, the bit that rounds, and one that says whether anything follows: the conversion of such an
 * integer to double is then the one rounding, and the power of two after it is exact.
 */
static double round_once(uint128 value, int sticky, int exponent) {
    while (value >> 64 != 0) {
        const int shift = 64 - __builtin_clzll((uint64_t)(value >> 64));
        sticky |= (value & (((uint128)1 << shift) - 1)) != 0;
        value >>= shift;
        exponent += shift;
    }
    return ldexp((double)((uint64_t)value | (uint64_t)(sticky != 0)), exponent);
}

/*
 * The magnitude of a numeral of at most 19 digits near 1, without the C library; 0 where it is out of this range.
 * Clinger (1990): with both integer and power exact in double, one operation rounds once. Then 128-bit integers.
 */
static int read_fast(const struct numeral *numeral, double *magnitude) {
    const int64_t exponent = numeral->point - (int64_t)numeral->count;
    if (numeral->first <= (uint64_t)1 << 53 && exponent >= -22 && exponent <= 22) {
        const double whole = (double)numeral->first;
        *magnitude = exponent < 0 ? whole / exact_powers[-exponent] : whole * exact_powers[exponent];
        return 1;
    }
    if (exponent < -19 || exponent > 19) return 0;
    if (exponent >= 0) {
        *magnitude = round_once((uint128)numeral->first * integer_powers[exponent], 0, 0);
        return 1;
    }
    /* The dividend has its top bit set and the divisor is under 2^64: the quotient keeps 63 bits or more. */
    const int shift = __builtin_clzll(numeral->first);
    const uint128 dividend = (uint128)(numeral->first << shift) << 64;
    const uint64_t divisor = integer_powers[-exponent];
    *magnitude = round_once(dividend / divisor, dividend % divisor != 0, -64 - shift);
    return 1;
}

/*
 * The same number as digits, "e" and an exponent: no point, so no locale. 768 digits tell any two doubles and what lies
 * between them apart; whatever follows them acts as one digit more that is not 0.
 */
enum { LONG_DIGITS = 800, LONG_BYTES = LONG_DIGITS + 32 };

static size_t rewrite(const struct numeral *numeral, char text[LONG_BYTES]) {
    size_t used = 0;
    int started = 0, rest = 0;
    for (const char *at = numeral->digits; at < numeral->digits_end; at++) {
        if (*at == '.') continue;
        started |= *at != '0';
        if (!started) continue;
        if (used < LONG_DIGITS)
            text[used++] = *at;
        else
            rest |= *at != '0';
    }
    if (rest) text[used++] = '1';
    int64_t point = numeral->point;
    if (point > 5000) point = 5000;
    if (point < -5000) point = -5000;
    snprintf(text + used, LONG_BYTES - used, "e%d", (int)point - (int)used);
    return used;
}

static double with_sign(double magnitude, int negative) { return negative ? -magnitude : magnitude; }

static double numeral_double(const struct numeral *numeral) {
    double magnitude = 0;
    if (numeral->kind == NOT_A_NUMBER)
        magnitude = (double)NAN;
    else if (numeral->kind == INFINITE)
        magnitude = (double)INFINITY;
    else if (numeral->count != 0 && (numeral->count > 19 || !read_fast(numeral, &magnitude))) {
        char text[LONG_BYTES];
        rewrite(numeral, text);
        magnitude = strtod(text, NULL);
    }
    return with_sign(magnitude, numeral->negative);
}

int st_read_double(const char *text, size_t length, double *value) {
    struct numeral numeral;
    if (!take_apart(text, length, &numeral)) return 0;
    *value = numeral_double(&numeral);
    return 1;
}

/* The sign of (numeral - value), both by magnitude; value is a tie of a 16-bit format, so 120 digits are all it has. */
static int compare_exactly(const struct numeral *numeral, double value) {
    enum { digits = 120 };
    char left[LONG_BYTES], text[160], right[160];
    const size_t count = rewrite(numeral, left);
    snprintf(text, sizeof text, "%.*e", digits - 1, fabs(value));
    size_t length = 0;
    const char *at = text;
    for (; *at != 'e'; at++)
        if (is_digit(*at)) right[length++] = *at; /* the point is the locale's */
    const int64_t point = strtol(at + 1, NULL, 10) + 1;
    if (numeral->point != point) return numeral->point < point ? -1 : 1;
    for (size_t i = 0; i < count || i < length; i++) {
        const char a = i < count ? left[i] : '0', b = i < length ? right[i] : '0';
        if (a != b) return a < b ? -1 : 1;
    }
    return 0;
}

static uint16_t numeral_narrow(const struct numeral *numeral, const st_narrow_format *format) {
    double value = numeral_double(numeral);
    /* Rounding twice differs from rounding once only where the first result is a tie that the numeral itself is not. */
    if (numeral->kind == FINITE && st_narrow_is_tie(value, format)) {
        const int side = compare_exactly(numeral, value);
        const double magnitude = fabs(value);
        if (side != 0) value = with_sign(nextafter(magnitude, side < 0 ? 0 : (double)INFINITY), numeral->negative);
    }
    return st_narrow_round(value, format);
}

int st_read_float(const char *text, size_t length, st_dtype dtype, void *element) {
    struct numeral numeral;
    if (dtype < ST_F32 || dtype > ST_BF16 || !take_apart(text, length, &numeral)) return 0;
    if (dtype == ST_F64) {
        const double value = numeral_double(&numeral);
        memcpy(element, &value, sizeof value);
    } else if (dtype == ST_F32) {
        float value;
        if (numeral.kind == FINITE && numeral.count != 0) {
            char rewritten[LONG_BYTES];
            rewrite(&numeral, rewritten);
            value = strtof(rewritten, NULL);
            if (numeral.negative) value = -value;
        } else {
            value = (float)numeral_double(&numeral);
        }
        memcpy(element, &value, sizeof value);
    } else {
        const uint16_t bits = numeral_narrow(&numeral, dtype == ST_F16 ? &st_binary16 : &st_bfloat16);
        memcpy(element, &bits, sizeof bits);
    }
    return 1;
}

/* Reads an integer of `bytes` bytes; returns 1, 0 (no integer), or -1 (out of range). */
static int read_integer(const char *text, size_t length, int is_signed, int64_t bytes, uint64_t *bits) {
    const char *at = text, *end = text + length;
    while (at < end && is_space(*at)) at++;
    while (end > at && is_space(end[-1])) end--;
    int negative = 0;
    if (at < end && (*at == '-' || *at == '+')) negative = *at++ == '-';
    if (at == end) return 0;
    uint64_t size = 0;
    int over = 0;
    for (; at < end; at++) {
        if (!is_digit(*at)) return 0;
        over |= __builtin_mul_overflow(size, (uint64_t)10, &size);
        over |= __builtin_add_overflow(size, (uint64_t)(*at - '0'), &size);
    }
    const uint64_t all = bytes == 8 ? UINT64_MAX : ((uint64_t)1 << (8 * bytes)) - 1;
    const uint64_t most = is_signed ? (all >> 1) + (uint64_t)negative : negative ? 0 : all;
    if (over || size > most) return -1;
    *bits = negative ? 0 - size : size;
    return 1;
}

static void store_integer(uint64_t bits, int64_t bytes, void *element) {
    const uint8_t one = (uint8_t)bits;
    const uint16_t two = (uint16_t)bits;
    const uint32_t four = (uint32_t)bits;
    memcpy(element,
           bytes == 1   ? (const void *)&one
           : bytes == 2 ? (const void *)&two
           : bytes == 4 ? (const void *)&four
                        : &bits,
           (size_t)bytes);
}

st_status st_parse_element(const char *text, st_dtype dtype, void *element) {
    if (text == NULL || element == NULL)
        return st_fail(ST_E_ARGUMENT, "%s: is NULL", text == NULL ? "text" : "element");
    const int64_t bytes = st_dtype_size(dtype);
    if (bytes == 0) return st_fail(ST_E_ARGUMENT, "dtype: %d is none; use ST_F32 to ST_U64", dtype);
    const size_t length = strlen(text);
    char shown[96];
    if (dtype <= ST_BF16) {
        if (st_read_float(text, length, dtype, element)) return ST_OK;
        return st_fail(ST_E_ARGUMENT, "text: \"%s\" is not a number; write it in decimal, or nan, inf, -inf",
                       st_show_text(shown, sizeof shown, text, length));
    }
    const int is_signed = dtype == ST_I8 || dtype == ST_I16 || dtype == ST_I32 || dtype == ST_I64;
    uint64_t bits = 0;
    const int read = read_integer(text, length, is_signed, bytes, &bits);
    if (read == 0)
        return st_fail(ST_E_ARGUMENT, "text: \"%s\" is not an integer; %s takes decimal digits alone",
                       st_show_text(shown, sizeof shown, text, length), st_dtype_name(dtype));
    if (read < 0)
        return st_fail(ST_E_ARGUMENT, "text: %s is out of the range of %s",
                       st_show_text(shown, sizeof shown, text, length), st_dtype_name(dtype));
    store_integer(bits, bytes, element);
    return ST_OK;
}
