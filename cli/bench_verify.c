/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bench_verify.c - whether an answer is right, however it orders equal elements. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_worker.h"

enum { BLOCK = 512 };

/* A block of one row: values in the expected sequence, and each from where its index says. `seen` has a bit a column. */
static int block_is_right(const st_bench_case *point, const st_bench_arrays *expected, const st_bench_arrays *found,
                          int64_t row, int64_t from, int64_t count, uint64_t *seen, char *why, size_t capacity) {
    const size_t size = (size_t)st_dtype_size(point->dtype);
    const unsigned char *input = (const unsigned char *)found->input + (size_t)row * (size_t)point->cols * size;
    const size_t first = (size_t)(row * point->k + from);
    const unsigned char *values = (const unsigned char *)found->values + first * size;
    uint64_t wanted[BLOCK], given[BLOCK];
    st_bench_keys(point->dtype, 0, (const unsigned char *)expected->values + first * size, count, wanted);
    st_bench_keys(point->dtype, 0, values, count, given);
    for (int64_t i = 0; i < count; i++) {
        const int64_t index = found->indices[first + (size_t)i];
        const char *wrong = NULL;
        if (index < 0 || index >= point->cols) {
            wrong = "is outside of the row";
        } else if (seen[index / 64] >> (index % 64) & 1) {
            wrong = "is there twice";
        } else if (memcmp(values + (size_t)i * size, input + (size_t)index * size, size) != 0) {
            wrong = "is not where the value beside it comes from";
        } else if (given[i] != wanted[i]) {
            wrong = "has a value that does not belong in this place";
        }
        if (wrong) {
            snprintf(why, capacity, "at row %lld, position %lld: index %lld %s", (long long)row, (long long)(from + i),
                     (long long)index, wrong);
            return 0;
        }
        seen[index / 64] |= (uint64_t)1 << (index % 64);
    }
    return 1;
}

int st_bench_is_right(const st_bench_case *point, const st_bench_arrays *expected, const st_bench_arrays *found, char *why,
                      size_t capacity) {
    uint64_t *seen = calloc((size_t)(point->cols / 64) + 1, sizeof *seen);
    if (!seen) {
        snprintf(why, capacity, "not enough memory to look at it");
        return 0;
    }
    int right = 1;
    for (int64_t row = 0; row < point->rows && right; row++) {
        for (int64_t from = 0; from < point->k && right; from += BLOCK) {
            const int64_t count = point->k - from < BLOCK ? point->k - from : BLOCK;
            right = block_is_right(point, expected, found, row, from, count, seen, why, capacity);
        }
        for (int64_t i = 0; i < point->k && right; i++) { /* all in range, or right would be 0 */
            seen[found->indices[row * point->k + i] / 64] = 0;
        }
    }
    free(seen);
    return right;
}
