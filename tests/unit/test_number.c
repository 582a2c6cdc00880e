/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_number.c - text of elements: known strings, every 16-bit float, random bits, ties, foreign locales. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/decimal.h"
#include "base/narrow_float.h"
#include "spiraltorch/number.h"

static uint64_t next_random(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void assert_double_text(double value, const char *wanted) {
    char text[32];
    assert_int_equal(st_format_element(ST_F64, &value, text), strlen(wanted));
    assert_string_equal(text, wanted);
}

static void assert_float_text(float value, const char *wanted) {
    char text[32];
    assert_int_equal(st_format_element(ST_F32, &value, text), strlen(wanted));
    assert_string_equal(text, wanted);
}

static void known_doubles(void **state) {
    (void)state;
    /* As Python's repr has them, less a trailing ".0". */
    assert_double_text(0.0, "0");
    assert_double_text(-0.0, "-0");
    assert_double_text(1, "1");
    assert_double_text(-12, "-12");
    assert_double_text(0.1, "0.1");
    assert_double_text(0.1 + 0.2, "0.30000000000000004");
    assert_double_text(1e-4, "0.0001");
    assert_double_text(1e-5, "1e-05");
    assert_double_text(1.5e-7, "1.5e-07");
    assert_double_text(123456.789, "123456.789");
    assert_double_text(9007199254740991.0, "9007199254740991");
    assert_double_text(9007199254740992.0, "9007199254740992");
    assert_double_text(9999999999999998.0, "9999999999999998");
    assert_double_text(1e16, "1e+16");
    assert_double_text(123e20, "1.23e+22");
    assert_double_text(1.7976931348623157e308, "1.7976931348623157e+308");
    assert_double_text(2.2250738585072014e-308, "2.2250738585072014e-308");
    assert_double_text(4.9406564584124654e-324, "5e-324");
    assert_double_text(1e-310, "1e-310");
    assert_double_text(0x1p-44, "5.684341886080802e-14");
    assert_double_text(9.5367431640625e-07, "9.5367431640625e-07");
    assert_double_text((double)INFINITY, "inf");
    assert_double_text(-(double)INFINITY, "-inf");
    assert_double_text((double)NAN, "nan");
    assert_double_text(-(double)NAN, "nan");
}

static void known_narrow(void **state) {
    (void)state;
    assert_float_text(0.1f, "0.1");
    assert_float_text(16777216.0f, "16777216");
    assert_float_text(123456789.0f, "123456790");
    assert_float_text(3.4028235e38f, "3.4028235e+38");
    assert_float_text(1.4e-45f, "1e-45");
    assert_float_text(0x1p-126f, "1.1754944e-38");
    char text[32];
    const uint16_t half_third = 0x3555, half_most = 0x7bff, half_least = 1, bf_third = 0x3eab, bf_minus_one = 0xbf80;
    assert_int_equal(st_format_element(ST_F16, &half_third, text), 6);
    assert_string_equal(text, "0.3333");
    assert_int_equal(st_format_element(ST_F16, &half_most, text), 5);
    assert_string_equal(text, "65500");
    assert_int_equal(st_format_element(ST_F16, &half_least, text), 5);
    assert_string_equal(text, "6e-08");
    assert_int_equal(st_format_element(ST_BF16, &bf_third, text), 5);
    assert_string_equal(text, "0.334");
    assert_int_equal(st_format_element(ST_BF16, &bf_minus_one, text), 2);
    assert_string_equal(text, "-1");
}

static void every_half_reads_back(void **state) {
    (void)state;
    for (st_dtype dtype = ST_F16; dtype <= ST_BF16; dtype++) {
        const st_narrow_format *format = dtype == ST_F16 ? &st_binary16 : &st_bfloat16;
        for (uint32_t i = 0; i < 65536; i++) {
            const uint16_t bits = (uint16_t)i;
            uint16_t back = 0;
            char text[32], longer[64];
            assert_true(st_format_element(dtype, &bits, text) > 0);
            assert_int_equal(st_parse_element(text, dtype, &back), ST_OK);
            const double value = st_narrow_widen(bits, format);
            if (isnan(value)) {
                assert_string_equal(text, "nan");
                assert_true(isnan(st_narrow_widen(back, format)));
                continue;
            }
            assert_int_equal(back, bits);
            assert_int_equal(st_narrow_round(value, format), bits);
            /* No shorter text reads back: try the nearest of one digit fewer, rounded down and up. */
            int digits = 0;
            int leading = 1;
            for (const char *at = text; *at != '\0' && *at != 'e'; at++) {
                leading &= *at == '0' || *at == '.' || *at == '-';
                digits += *at >= '0' && *at <= '9' && !leading;
            }
            if (digits < 2 || isinf(value) || value == floor(value)) continue;
            snprintf(longer, sizeof longer, "%.*e", digits - 2, value);
            assert_int_equal(st_parse_element(longer, dtype, &back), ST_OK);
            assert_int_not_equal(back, bits);
        }
    }
}

static void random_bits_read_back(void **state) {
    (void)state;
    uint64_t random = 20240601;
    for (int i = 0; i < 60000; i++) {
        uint64_t bits = next_random(&random), back = 0;
        if (i % 3 == 0) bits &= ~(((uint64_t)1 << (bits >> 60) * 3) - 1); /* many trailing zeros: short decimals */
        double value, plain;
        char text[32];
        memcpy(&value, &bits, sizeof value);
        if (isnan(value)) continue;
        assert_true(st_format_element(ST_F64, &value, text) > 0);
        assert_int_equal(st_parse_element(text, ST_F64, &back), ST_OK);
        assert_true(back == bits);
        plain = strtod(text, NULL);
        assert_memory_equal(&plain, &value, sizeof value);

        const uint32_t narrow = (uint32_t)(bits >> 32);
        uint32_t narrow_back = 0;
        float single;
        memcpy(&single, &narrow, sizeof single);
        if (isnan(single)) continue;
        assert_true(st_format_element(ST_F32, &single, text) > 0);
        assert_int_equal(st_parse_element(text, ST_F32, &narrow_back), ST_OK);
        assert_int_equal(narrow_back, narrow);
    }
}

/* libc's strtod rounds once: the fast paths must say the same, at the edges of their ranges above all. */
static void reading_equals_libc(void **state) {
    (void)state;
    uint64_t random = 7;
    for (int i = 0; i < 200000; i++) {
        char text[64];
        uint64_t digits = next_random(&random) >> (next_random(&random) % 60);
        if (i % 5 == 0) digits = ((uint64_t)1 << 53) + (next_random(&random) % 5) - 2;
        const int exponent = (int)(next_random(&random) % 61) - 30;
        const int point = (int)(next_random(&random) % 3);
        if (point == 0)
            snprintf(text, sizeof text, "%llue%d", (unsigned long long)digits, exponent);
        else if (point == 1)
            snprintf(text, sizeof text, "0.%llu", (unsigned long long)digits);
        else
            snprintf(text, sizeof text, "%llu.%u", (unsigned long long)(digits >> 32), (unsigned)digits);
        double value = -1;
        const double wanted = strtod(text, NULL);
        assert_int_equal(st_read_double(text, strlen(text), &value), 1);
        if (memcmp(&value, &wanted, sizeof value) != 0) fail_msg("%s: %a, not %a", text, value, wanted);
        float single = -1;
        const float wanted_single = strtof(text, NULL);
        assert_int_equal(st_parse_element(text, ST_F32, &single), ST_OK);
        if (memcmp(&single, &wanted_single, sizeof single) != 0)
            fail_msg("%s: %a, not %a", text, (double)single, (double)wanted_single);
    }
}

static void assert_half(const char *text, st_dtype dtype, uint16_t wanted) {
    uint16_t bits = 0xdead;
    assert_int_equal(st_parse_element(text, dtype, &bits), ST_OK);
    if (bits != wanted) fail_msg("%s: %04x, not %04x", text, bits, wanted);
}

static void halves_round_once(void **state) {
    (void)state;
    /* 1 + 2^-11 lies between 1 and 1 + 2^-10; a digit that double cannot hold decides. */
    assert_half("1.00048828125", ST_F16, 0x3c00);
    assert_half("1.000488281250000000000000000001", ST_F16, 0x3c01);
    assert_half("1.000488281249999999999999999999", ST_F16, 0x3c00);
    assert_half("1.00146484375", ST_F16, 0x3c02);
    assert_half("1.001464843749999999999999999999", ST_F16, 0x3c01);
    assert_half("-1.000488281250000000000000000001", ST_F16, 0xbc01);
    /* 1 + 2^-8 for bfloat16. */
    assert_half("1.00390625", ST_BF16, 0x3f80);
    assert_half("1.003906250000000000000000000000000000001", ST_BF16, 0x3f81);
    assert_half("1.003906249999999999999999999999999999999", ST_BF16, 0x3f80);
    /* Half of the least subnormal, and the edge to infinity. */
    assert_half("2.98023223876953125e-8", ST_F16, 0);
    assert_half("2.980232238769531250000000000001e-8", ST_F16, 1);
    assert_half("8.9406967163085937500000000000001e-8", ST_F16, 2);
    assert_half("65519.99999999999999999999999", ST_F16, 0x7bff);
    assert_half("65520", ST_F16, 0x7c00);
    assert_half("1e400", ST_F16, 0x7c00);
    assert_half("-1e400", ST_BF16, 0xff80);
    assert_half("1e-400", ST_BF16, 0);
    assert_half("4.591774807899560578002877098524397178e-41", ST_BF16, 0); /* 2^-134, cut below its end: 0 */
    assert_half("4.6e-41", ST_BF16, 1);
    float single;
    assert_int_equal(st_parse_element("1.00000005960464477539062500000000000000001", ST_F32, &single), ST_OK);
    assert_true(single == 0x1.000002p0f); /* through double it would be 1 */
}

static void long_numerals(void **state) {
    (void)state;
    /* A million zeros and an exponent that takes them back; and digits far beyond what double holds. */
    const size_t zeros = 1000000;
    char *text = malloc(zeros + 64);
    assert_non_null(text);
    memcpy(text, "0.", 2);
    memset(text + 2, '0', zeros);
    snprintf(text + 2 + zeros, 40, "25e%d", (int)zeros + 1);
    double value = 0;
    assert_int_equal(st_read_double(text, strlen(text), &value), 1);
    assert_true(value == 2.5);
    /* 2^53 + 1 is a tie; a 1 a thousand digits later is not. */
    const char *tie = "9007199254740993.";
    memcpy(text, tie, strlen(tie));
    memset(text + strlen(tie), '0', 1000);
    text[strlen(tie) + 1000] = '\0';
    assert_int_equal(st_read_double(text, strlen(tie) + 1000, &value), 1);
    assert_true(value == 9007199254740992.0);
    text[strlen(tie) + 999] = '1';
    assert_int_equal(st_read_double(text, strlen(tie) + 1000, &value), 1);
    assert_true(value == 9007199254740994.0);
    assert_int_equal(st_read_double("1e99999999999999999999999", 25, &value), 1);
    assert_true(isinf(value));
    assert_int_equal(st_read_double("-1e-99999999999999999999999", 27, &value), 1);
    assert_true(value == 0 && signbit(value));
    free(text);
}

static void what_is_no_number(void **state) {
    (void)state;
    static const char *const bad[] = {"",     " ",     ".",     "-",   "+",    "e5",        "1e",     "1e+",
                                      "0x10", "1.2.3", "1,5",   "12a", "nanx", "infin",     "nan(1)", "--1",
                                      "1 2",  "- 1",   "1e5.0", "i",   "n",    "infinityy", "1_000"};
    double value = 42;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (st_parse_element(bad[i], ST_F64, &value) != ST_E_ARGUMENT) fail_msg("\"%s\" was read as %g", bad[i], value);
        assert_true(value == 42);
    }
    static const struct {
        const char *text;
        double value;
    } good[] = {{" 1 ", 1},      {"\t-2.5\r", -2.5}, {"+3", 3},  {".5", 0.5},       {"5.", 5},
                {"1E3", 1000},   {"1e+3", 1000},     {"007", 7}, {"INF", HUGE_VAL}, {"-Infinity", -HUGE_VAL},
                {"0e999999", 0}, {"1e-3", 0.001}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(st_parse_element(good[i].text, ST_F64, &value), ST_OK);
        assert_true(value == good[i].value);
    }
    assert_int_equal(st_parse_element("-NaN", ST_F64, &value), ST_OK);
    assert_true(isnan(value) && signbit(value));
    assert_int_equal(st_parse_element("\x1b[31m", ST_F64, &value), ST_E_ARGUMENT);
    assert_non_null(strstr(st_last_message(), "\\x1b[31m"));
    assert_null(strchr(st_last_message(), '\x1b'));
    assert_int_equal(st_parse_element(NULL, ST_F64, &value), ST_E_ARGUMENT);
    assert_int_equal(st_parse_element("1", 99, &value), ST_E_ARGUMENT);
}

static void integers(void **state) {
    (void)state;
    static const struct {
        st_dtype dtype;
        const char *least, *most, *under, *over;
    } ranges[] = {
        {ST_I8, "-128", "127", "-129", "128"},
        {ST_U8, "0", "255", "-1", "256"},
        {ST_I16, "-32768", "32767", "-32769", "32768"},
        {ST_U16, "0", "65535", "-1", "65536"},
        {ST_I32, "-2147483648", "2147483647", "-2147483649", "2147483648"},
        {ST_U32, "0", "4294967295", "-1", "4294967296"},
        {ST_I64, "-9223372036854775808", "9223372036854775807", "-9223372036854775809", "9223372036854775808"},
        {ST_U64, "0", "18446744073709551615", "-1", "18446744073709551616"},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        uint64_t element = 0;
        char text[32];
        assert_int_equal(st_parse_element(ranges[i].least, ranges[i].dtype, &element), ST_OK);
        assert_int_equal(st_format_element(ranges[i].dtype, &element, text), strlen(ranges[i].least));
        assert_string_equal(text, ranges[i].least);
        assert_int_equal(st_parse_element(ranges[i].most, ranges[i].dtype, &element), ST_OK);
        st_format_element(ranges[i].dtype, &element, text);
        assert_string_equal(text, ranges[i].most);
        assert_int_equal(st_parse_element(ranges[i].under, ranges[i].dtype, &element), ST_E_ARGUMENT);
        assert_non_null(strstr(st_last_message(), "range"));
        assert_int_equal(st_parse_element(ranges[i].over, ranges[i].dtype, &element), ST_E_ARGUMENT);
        assert_int_equal(st_parse_element("1.5", ranges[i].dtype, &element), ST_E_ARGUMENT);
        assert_int_equal(st_parse_element("99999999999999999999999999", ranges[i].dtype, &element), ST_E_ARGUMENT);
    }
    char text[32] = "x";
    const int64_t one = 1;
    assert_int_equal(st_format_element(0, &one, text), 0);
    assert_string_equal(text, "");
    assert_int_equal(st_format_element(13, &one, text), 0);
}

/* A program whose locale has a decimal comma gets the same text and numbers. */
static void foreign_locale(void **state) {
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE", "fr_FR"};
    size_t i = 0;
    while (i < 5 && setlocale(LC_ALL, names[i]) == NULL) i++;
    if (i == 5) {
        print_message("no locale with a decimal comma is installed here\n");
        skip();
    }
    char libc[16];
    snprintf(libc, sizeof libc, "%.1f", 0.5);
    assert_string_equal(libc, "0,5");
    known_doubles(NULL);
    known_narrow(NULL);
    halves_round_once(NULL);
    double value = 0;
    assert_int_equal(st_parse_element("1.2345678901234567890123e-30", ST_F64, &value), ST_OK);
    assert_true(value == 1.2345678901234567890123e-30);
    assert_int_equal(st_parse_element("0,5", ST_F64, &value), ST_E_ARGUMENT);
    setlocale(LC_ALL, "C");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_doubles),
        cmocka_unit_test(known_narrow),
        cmocka_unit_test(every_half_reads_back),
        cmocka_unit_test(random_bits_read_back),
        cmocka_unit_test(reading_equals_libc),
        cmocka_unit_test(halves_round_once),
        cmocka_unit_test(long_numerals),
        cmocka_unit_test(what_is_no_number),
        cmocka_unit_test(integers),
        cmocka_unit_test(foreign_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
