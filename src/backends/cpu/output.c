/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* output.c - gathers by element size. */
#include "backends/cpu/output.h"

typedef uint8_t __attribute__((may_alias)) byte;
typedef uint16_t __attribute__((may_alias)) half;
typedef uint32_t __attribute__((may_alias)) word;
typedef uint64_t __attribute__((may_alias)) quad;

#define GATHER(type)                                                                                              \
    for (size_t i = 0; i < count; i++) ((type *)to)[i] = ((const type *)from)[(ptrdiff_t)columns[i] * stride]

void st_cpu_gather(const void *from, ptrdiff_t stride, size_t size, const uint64_t *columns, size_t count, void *to) {
    switch (size) {
        case 1: GATHER(byte); break;
        case 2: GATHER(half); break;
        case 4: GATHER(word); break;
        default: GATHER(quad); break;
    }
}

void st_cpu_write_indices(const uint64_t *columns, size_t count, st_dtype index_dtype, void *to) {
    if (index_dtype == ST_I32)
        for (size_t i = 0; i < count; i++) ((int32_t *)to)[i] = (int32_t)columns[i];
    else
        for (size_t i = 0; i < count; i++) ((int64_t *)to)[i] = (int64_t)columns[i];
}
