/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bench_verify.c - whether an answer is right: against another's, however it orders equal elements, or against the data. */
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

/* An element's place among all of its row: by key, and where keys are equal by index. */
typedef struct place {
    uint64_t key;
    int64_t index;
} place;

static int is_before(place a, place b) { return a.key != b.key ? a.key < b.key : a.index < b.index; }

/* Elements of a row before one of its places. */
static int64_t count_before(const st_bench_case *point, const unsigned char *row, place bound) {
    const int64_t size = st_dtype_size(point->dtype);
    uint64_t keys[BLOCK];
    int64_t before = 0;
    for (int64_t from = 0; from < point->cols; from += BLOCK) {
        const int64_t count = point->cols - from < BLOCK ? point->cols - from : BLOCK;
        st_bench_keys(point->dtype, point->kind == ST_TOPK, row + from * size, count, keys);
        for (int64_t i = 0; i < count; i++) {
            before += is_before((place){keys[i], from + i}, bound);
        }
    }
    return before;
}

/* Places that ascend are distinct; the first and last of k have the wanted ranks only where the k between are the right ones. */
int st_bench_is_answer(const st_bench_case *point, const st_bench_arrays *found, char *why, size_t capacity) {
    const int64_t size = st_dtype_size(point->dtype);
    const int64_t rank = point->kind == ST_MIDK ? (point->cols - point->k) / 2 : 0;
    for (int64_t r = 0; r < point->rows; r++) {
        const unsigned char *row = (const unsigned char *)found->input + r * point->cols * size;
        const unsigned char *values = (const unsigned char *)found->values + r * point->k * size;
        const int64_t *indices = found->indices + r * point->k;
        place first = {0, 0}, last = {0, 0};
        for (int64_t i = 0; i < point->k; i++) {
            place here = {0, indices[i]};
            const char *wrong = NULL;
            if (here.index < 0 || here.index >= point->cols) {
                wrong = "is outside of the row";
            } else if (memcmp(values + i * size, row + here.index * size, (size_t)size) != 0) {
                wrong = "is not where the value beside it comes from";
            } else {
                st_bench_keys(point->dtype, point->kind == ST_TOPK, values + i * size, 1, &here.key);
                wrong = i > 0 && !is_before(last, here) ? "does not come after the one before it" : NULL;
            }
            if (wrong) {
                snprintf(why, capacity, "at row %lld, position %lld: index %lld %s", (long long)r, (long long)i,
                         (long long)here.index, wrong);
                return 0;
            }
            first = i == 0 ? here : first;
            last = here;
        }
        const int64_t before = count_before(point, row, last);
        if (before != rank + point->k - 1 || (rank > 0 && count_before(point, row, first) != rank)) {
            snprintf(why, capacity, "at row %lld: %lld elements come before the last, and it should be %lld, with %lld before "
                                    "the first", (long long)r, (long long)before, (long long)(rank + point->k - 1),
                     (long long)rank);
            return 0;
        }
    }
    return 1;
}
