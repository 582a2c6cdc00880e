/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_order.c - keys order as values do: all pairs of 8 and 16-bit elements by decoding, wider ones by pairs at
 * random. */
#include <setjmp.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random_elements.h"
#include "rank/order.h"
#include "spiraltorch/rank.h"

/* A value in a form that compares exactly: a float's number, or an integer with its sign. */
struct value {
    int is_nan;
    double real;
    int negative;
    uint64_t magnitude;
};

static double half_to_double(uint64_t bits, int mantissa_bits, int bias) {
    const int exponent_mask = (1 << (15 - mantissa_bits)) - 1, exponent = (int)(bits >> mantissa_bits) & exponent_mask;
    const double fraction = (double)(bits & (((uint64_t)1 << mantissa_bits) - 1)) * ldexp(1, -mantissa_bits);
    double size = exponent == 0 ? ldexp(fraction, 1 - bias) : ldexp(1 + fraction, exponent - bias);
    if (exponent == exponent_mask) size = fraction == 0 ? (double)INFINITY : (double)NAN;
    return bits >> 15 ? -size : size;
}

static struct value value_of(st_dtype dtype, uint64_t bits) {
    struct value value = {0};
    const uint32_t word = (uint32_t)bits, width = (uint32_t)st_dtype_size(dtype) * 8;
    float single;
    switch (dtype) {
        case ST_F32:
            memcpy(&single, &word, sizeof single);
            value.real = (double)single;
            break;
        case ST_F64: memcpy(&value.real, &bits, sizeof value.real); break;
        case ST_F16: value.real = half_to_double(bits, 10, 15); break;
        case ST_BF16: value.real = half_to_double(bits, 7, 127); break;
        case ST_I8: case ST_I16: case ST_I32: case ST_I64:
            value.negative = (int)(bits >> (width - 1));
            value.magnitude =
                value.negative ? (~bits + 1) & (width == 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1) : bits;
            break;
        default: value.magnitude = bits; break;
    }
    value.is_nan = value.real != value.real;
    return value;
}

/* -1, 0, 1: a before, with, after b in ascending order, NaN aside. */
static int ascending(struct value a, struct value b) {
    if (a.negative != b.negative) return a.negative ? -1 : 1;
    if (a.magnitude != b.magnitude) return (a.magnitude < b.magnitude) != a.negative ? -1 : 1;
    return (a.real > b.real) - (a.real < b.real);
}

/* Where NaN stands, in the words of the contract. */
static int expected_order(struct value a, struct value b, int descending, int32_t rule) {
    if (a.is_nan && b.is_nan) return 0;
    if (a.is_nan || b.is_nan) {
        int nan_is_greatest = rule == ST_NAN_GREATEST || rule == ST_NAN_ERROR; /* above +inf; else below -inf */
        if (rule == ST_NAN_LAST) nan_is_greatest = !descending; /* behind all numbers, whatever the direction */
        const int upward = a.is_nan == nan_is_greatest ? 1 : -1;
        return descending ? -upward : upward;
    }
    return descending ? -ascending(a, b) : ascending(a, b);
}

static void check_pair(st_dtype dtype, const st_order *order, int descending, int32_t rule, uint64_t a, uint64_t b) {
    const uint64_t left = st_key_of(order, a), right = st_key_of(order, b);
    const int got = (left > right) - (left < right),
              expected = expected_order(value_of(dtype, a), value_of(dtype, b), descending, rule);
    if (got == expected && left <= order->mask && right <= order->mask) return;
    print_message("%s, %s, rule %d: %llx and %llx have keys %llx and %llx\n", st_dtype_name(dtype),
                  descending ? "descending" : "ascending", rule, (unsigned long long)a, (unsigned long long)b,
                  (unsigned long long)left, (unsigned long long)right);
    fail();
}

/* Every element of 16 bits against its neighbours and a handful of landmarks; every pair of 8 bits. */
static void check_all_elements(st_dtype dtype, int descending, int32_t rule) {
    const st_order order = st_order_of(dtype, descending, rule);
    static const uint64_t landmarks[] = {0,      1,      0x7f,   0x80,   0x7fff, 0x8000, 0x8001, 0xffff,
                                         0x7c00, 0x7c01, 0xfc00, 0x7f80, 0x7f81, 0xff80, 0x3c00};
    assert_int_equal(order.bits, st_dtype_size(dtype) * 8);
    for (uint64_t a = 0; a <= order.mask; a++) {
        check_pair(dtype, &order, descending, rule, a, a);
        check_pair(dtype, &order, descending, rule, a, (a + 1) & order.mask);
        for (size_t i = 0; i < sizeof landmarks / sizeof landmarks[0]; i++)
            check_pair(dtype, &order, descending, rule, a, landmarks[i] & order.mask);
        for (uint64_t b = 0; order.bits == 8 && b <= order.mask; b++) check_pair(dtype, &order, descending, rule, a, b);
    }
}

static void check_random_pairs(st_dtype dtype, int descending, int32_t rule, st_random *rng) {
    const st_order order = st_order_of(dtype, descending, rule);
    for (int round = 0; round < 4000; round++) {
        uint64_t pair[2][2] = {{0, 0}, {0, 0}};
        const st_data data = (st_data)st_random_below(rng, ST_DATA_COUNT);
        st_random_fill(rng, dtype, data, pair, 2);
        const size_t size = (size_t)st_dtype_size(dtype);
        const uint64_t a = st_element_bits(pair, order.bits), b = st_element_bits((char *)pair + size, order.bits);
        check_pair(dtype, &order, descending, rule, a, b);
        check_pair(dtype, &order, descending, rule, a, (a + st_random_below(rng, 3)) & order.mask);
        check_pair(dtype, &order, descending, rule, a, a ^ ((uint64_t)1 << (order.bits - 1))); /* the other sign */
    }
}

static void test_keys_order_as_values(void **state) {
    (void)state;
    st_random rng;
    st_random_seed(&rng, 5);
    for (st_dtype dtype = ST_F32; dtype <= ST_U64; dtype++)
        for (int descending = 0; descending < 2; descending++)
            for (int32_t rule = ST_NAN_GREATEST; rule <= ST_NAN_ERROR; rule++) {
                if (st_dtype_size(dtype) <= 2)
                    check_all_elements(dtype, descending, rule);
                else
                    check_random_pairs(dtype, descending, rule, &rng);
            }
}

/* The reversed order puts every pair the other way round, and reversing twice changes nothing. */
static void test_reversed(void **state) {
    (void)state;
    st_random rng;
    st_random_seed(&rng, 6);
    for (st_dtype dtype = ST_F32; dtype <= ST_U64; dtype++)
        for (int descending = 0; descending < 2; descending++)
            for (int32_t rule = ST_NAN_GREATEST; rule <= ST_NAN_ERROR; rule++) {
                const st_order order = st_order_of(dtype, descending, rule), back = st_order_reversed(order);
                const st_order twice = st_order_reversed(back);
                for (int round = 0; round < 500; round++) {
                    const uint64_t bits = st_random_next(&rng) & order.mask;
                    assert_int_equal(st_key_of(&back, bits), order.mask - st_key_of(&order, bits));
                    assert_int_equal(st_key_of(&twice, bits), st_key_of(&order, bits));
                }
            }
}

/* The keys of one dtype written out by hand: ascending f32. */
static void test_keys_by_hand(void **state) {
    (void)state;
    static const struct {
        uint32_t bits, greatest, least;
    } keys[] = {{0xff800000, 0x007fffff, 0x007fffff}, /* -inf */
                {0xbf800000, 0x407fffff, 0x407fffff}, /* -1 */
                {0x80000001, 0x7ffffffe, 0x7ffffffe}, /* the negative denormal next to zero */
                {0x80000000, 0x80000000, 0x80000000}, /* -0 is +0 */
                {0x00000000, 0x80000000, 0x80000000},
                {0x00000001, 0x80000001, 0x80000001},
                {0x3f800000, 0xbf800000, 0xbf800000}, /* 1 */
                {0x7f800000, 0xff800000, 0xff800000}, /* inf */
                {0x7fc00000, 0xffffffff, 0x00000000}, /* NaN, any payload, either sign */
                {0x7f800001, 0xffffffff, 0x00000000},
                {0xffffffff, 0xffffffff, 0x00000000}};
    const st_order greatest = st_order_of(ST_F32, 0, ST_NAN_GREATEST), least = st_order_of(ST_F32, 0, ST_NAN_LEAST);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        assert_int_equal(st_key_of(&greatest, keys[i].bits), keys[i].greatest);
        assert_int_equal(st_key_of(&least, keys[i].bits), keys[i].least);
    }
}

static void test_element_bits(void **state) {
    (void)state;
    const unsigned char bytes[9] = {0xee, 1, 2, 3, 4, 5, 6, 7, 8};
    uint16_t half;
    uint32_t word;
    uint64_t wide;
    memcpy(&half, bytes + 1, sizeof half);
    memcpy(&word, bytes + 1, sizeof word);
    memcpy(&wide, bytes + 1, sizeof wide);
    assert_int_equal(st_element_bits(bytes + 1, 8), 1); /* unaligned on purpose */
    assert_int_equal(st_element_bits(bytes + 1, 16), half);
    assert_int_equal(st_element_bits(bytes + 1, 32), word);
    assert_int_equal(st_element_bits(bytes + 1, 64), wide);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys_order_as_values), cmocka_unit_test(test_reversed),
                                       cmocka_unit_test(test_keys_by_hand), cmocka_unit_test(test_element_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
