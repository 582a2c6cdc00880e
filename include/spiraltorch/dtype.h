/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* dtype.h - the twelve element types, their names and sizes. */
#ifndef SPIRALTORCH_DTYPE_H
#define SPIRALTORCH_DTYPE_H

#include <stdint.h>

#include "export.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t st_dtype;

enum {
    ST_F32 = 1,
    ST_F64 = 2,
    ST_F16 = 3,  /* IEEE 754 binary16 */
    ST_BF16 = 4, /* the upper half of a binary32 */
    ST_I8 = 5,
    ST_U8 = 6,
    ST_I16 = 7,
    ST_U16 = 8,
    ST_I32 = 9,
    ST_U32 = 10,
    ST_I64 = 11,
    ST_U64 = 12
};

/* Bytes of one element; 0 for a number that is no dtype. Thread-safe. */
ST_API int64_t st_dtype_size(st_dtype dtype);

/* The short name, such as "bf16"; NULL for a number that is no dtype. A static string. Thread-safe. */
ST_API const char *st_dtype_name(st_dtype dtype);

/*
 * The dtype of a name: the short names ("f32") and NumPy's ("float32", "bfloat16", "uint8").
 * Returns 0 for anything else, NULL included. Thread-safe.
 */
ST_API st_dtype st_dtype_from_name(const char *name);

#ifdef __cplusplus
}
#endif

#endif
