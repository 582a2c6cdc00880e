/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_dtype.c - numbers, sizes and names of the twelve dtypes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spiraltorch/dtype.h"

static const struct {
    st_dtype dtype;
    int32_t number;
    int64_t size;
    const char *name, *long_name;
} dtypes[] = {{ST_F32, 1, 4, "f32", "float32"}, {ST_F64, 2, 8, "f64", "float64"}, {ST_F16, 3, 2, "f16", "float16"},
              {ST_BF16, 4, 2, "bf16", "bfloat16"}, {ST_I8, 5, 1, "i8", "int8"},   {ST_U8, 6, 1, "u8", "uint8"},
              {ST_I16, 7, 2, "i16", "int16"},      {ST_U16, 8, 2, "u16", "uint16"}, {ST_I32, 9, 4, "i32", "int32"},
              {ST_U32, 10, 4, "u32", "uint32"},    {ST_I64, 11, 8, "i64", "int64"}, {ST_U64, 12, 8, "u64", "uint64"}};

static void test_every_dtype(void **state) {
    (void)state;
    assert_int_equal(sizeof dtypes / sizeof dtypes[0], 12);
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++) {
        assert_int_equal(dtypes[i].dtype, dtypes[i].number);
        assert_int_equal(st_dtype_size(dtypes[i].dtype), dtypes[i].size);
        assert_string_equal(st_dtype_name(dtypes[i].dtype), dtypes[i].name);
        assert_int_equal(st_dtype_from_name(dtypes[i].name), dtypes[i].dtype);
        assert_int_equal(st_dtype_from_name(dtypes[i].long_name), dtypes[i].dtype);
    }
}

static void test_no_dtype(void **state) {
    (void)state;
    static const st_dtype none[] = {0, -1, 13, 100, INT32_MAX, INT32_MIN};
    static const char *const names[] = {"",      "f",   "f8",     "f32 ", " f32", "F32",
                                        "float", "int", "double", "f320", "uint", "bfloat"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_int_equal(st_dtype_size(none[i]), 0);
        assert_null(st_dtype_name(none[i]));
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) assert_int_equal(st_dtype_from_name(names[i]), 0);
    assert_int_equal(st_dtype_from_name(NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_dtype), cmocka_unit_test(test_no_dtype)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
