/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* dtype.c - the table of element types. */
#include "spiraltorch/dtype.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name, *numpy_name;
    int64_t size;
} dtypes[] = {
    [ST_F32] = {"f32", "float32", 4},   [ST_F64] = {"f64", "float64", 8}, [ST_F16] = {"f16", "float16", 2},
    [ST_BF16] = {"bf16", "bfloat16", 2}, [ST_I8] = {"i8", "int8", 1},      [ST_U8] = {"u8", "uint8", 1},
    [ST_I16] = {"i16", "int16", 2},     [ST_U16] = {"u16", "uint16", 2},  [ST_I32] = {"i32", "int32", 4},
    [ST_U32] = {"u32", "uint32", 4},    [ST_I64] = {"i64", "int64", 8},   [ST_U64] = {"u64", "uint64", 8},
};

int64_t st_dtype_size(st_dtype dtype) { return dtype >= ST_F32 && dtype <= ST_U64 ? dtypes[dtype].size : 0; }

const char *st_dtype_name(st_dtype dtype) { return dtype >= ST_F32 && dtype <= ST_U64 ? dtypes[dtype].name : NULL; }

st_dtype st_dtype_from_name(const char *name) {
    if (name == NULL) return 0;
    for (st_dtype dtype = ST_F32; dtype <= ST_U64; dtype++)
        if (strcmp(name, dtypes[dtype].name) == 0 || strcmp(name, dtypes[dtype].numpy_name) == 0) return dtype;
    return 0;
}
