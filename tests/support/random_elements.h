/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* random_elements.h - seeded random numbers, and rows of every dtype in the shapes that break selections. */
#ifndef ST_TEST_RANDOM_ELEMENTS_H
#define ST_TEST_RANDOM_ELEMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "spiraltorch/dtype.h"

typedef struct st_random {
    uint64_t state[4];
} st_random;

/* The same seed gives the same sequence on every machine. */
void st_random_seed(st_random *random, uint64_t seed);
uint64_t st_random_next(st_random *random);
uint64_t st_random_below(st_random *random, uint64_t bound);               /* [0, bound); bound >= 1 */
int64_t st_random_between(st_random *random, int64_t low, int64_t high);   /* [low, high] */
int st_random_chance(st_random *random, uint32_t of, uint32_t in);         /* 1 with probability of / in */

/* Shapes of a row. Where a dtype has no such values (NaN in integers), its extremes or zeros stand in. */
typedef enum st_data {
    ST_DATA_NORMAL,
    ST_DATA_FEW, /* three values */
    ST_DATA_TWO,
    ST_DATA_EQUAL,
    ST_DATA_ASCENDING,
    ST_DATA_DESCENDING,
    ST_DATA_ORGAN_PIPE, /* rises, then falls */
    ST_DATA_NAN,        /* normal with NaN of any payload and sign, a quarter of the row */
    ST_DATA_ZEROS,      /* -0, +0 and a few others */
    ST_DATA_INFINITIES, /* both infinities and the largest finite numbers */
    ST_DATA_DENORMALS,
    ST_DATA_MASKED, /* -inf but for a few */
    ST_DATA_ALL_NAN,
    ST_DATA_NARROW, /* neighbours of one number */
    ST_DATA_BITS,   /* any bits */
    ST_DATA_COUNT
} st_data;

const char *st_data_name(st_data data);

/* Fills `count` elements of a dtype; no alignment is needed. */
void st_random_fill(st_random *random, st_dtype dtype, st_data data, void *elements, size_t count);

/* 1 for the four float dtypes; 1 for the bits of a NaN of one. */
int st_dtype_is_float(st_dtype dtype);
int st_bits_are_nan(st_dtype dtype, uint64_t bits);

#endif
