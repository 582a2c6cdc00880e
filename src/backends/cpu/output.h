/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* output.h - copying chosen columns of a row into the caller's outputs. */
#ifndef ST_CPU_OUTPUT_H
#define ST_CPU_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "spiraltorch/dtype.h"

/* to[i] = the element at from + columns[i] * stride; size is 1, 2, 4 or 8 bytes, stride in elements. */
void st_cpu_gather(const void *from, ptrdiff_t stride, size_t size, const uint64_t *columns, size_t count, void *to);

/* to[i] = columns[i] as ST_I32 or ST_I64. */
void st_cpu_write_indices(const uint64_t *columns, size_t count, st_dtype index_dtype, void *to);

#endif
