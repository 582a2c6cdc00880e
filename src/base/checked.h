/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* checked.h - arithmetic that says when it overflows: each returns 1 on success and stores the result. */
#ifndef ST_BASE_CHECKED_H
#define ST_BASE_CHECKED_H

#include <stddef.h>
#include <stdint.h>

static inline int st_multiply_i64(int64_t a, int64_t b, int64_t *product) { return !__builtin_mul_overflow(a, b, product); }
static inline int st_add_i64(int64_t a, int64_t b, int64_t *sum) { return !__builtin_add_overflow(a, b, sum); }
static inline int st_multiply_size(size_t a, size_t b, size_t *product) { return !__builtin_mul_overflow(a, b, product); }
static inline int st_add_size(size_t a, size_t b, size_t *sum) { return !__builtin_add_overflow(a, b, sum); }

#endif
