/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bench_peers.c - what a careful person writes without this library: libc's qsort of packed pairs, and a binary heap. */
#include <stdlib.h>
#include <string.h>
#if defined(__has_include)
#if __has_include(<features.h>)
#include <features.h>
#endif
#endif
#if defined(__GLIBC__)
#include <gnu/libc-version.h>
#endif

#include "bench.h"

/* Keys are made a block at a time, so that a kind of element is looked up once a block. */
enum { BLOCK = 512 };

typedef struct pair {
    uint64_t key;
    uint64_t index;
} pair;

/*
 * Order-preserving keys in the low bits of a word: -0 as +0, every NaN as the greatest, and reversed where descending.
 * A float orders as its bits where they are not negative, and as their complement where they are.
 */
#define FLOAT_KEYS(WORD, INFINITE)                                                                                     \
    do {                                                                                                               \
        const WORD sign = (WORD)((WORD)1 << (8 * sizeof(WORD) - 1));                                                   \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            WORD bits;                                                                                                 \
            memcpy(&bits, elements + (size_t)i * sizeof(WORD), sizeof bits);                                           \
            const WORD magnitude = (WORD)(bits & (WORD)~sign);                                                         \
            WORD key = (WORD)(bits & sign && magnitude ? ~bits : magnitude | sign);                                    \
            key = magnitude > (WORD)(INFINITE) ? (WORD)~(WORD)0 : key;                                                 \
            keys[i] = (WORD)(descending ? ~key : key);                                                                 \
        }                                                                                                              \
    } while (0)

#define INTEGER_KEYS(WORD, FLIP)                                                                                       \
    do {                                                                                                               \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            WORD bits;                                                                                                 \
            memcpy(&bits, elements + (size_t)i * sizeof(WORD), sizeof bits);                                           \
            const WORD key = (WORD)(bits ^ (WORD)(FLIP));                                                              \
            keys[i] = (WORD)(descending ? ~key : key);                                                                 \
        }                                                                                                              \
    } while (0)

void st_bench_keys(st_dtype dtype, int descending, const unsigned char *elements, int64_t count, uint64_t *keys) {
    switch (dtype) {
    case ST_F32: FLOAT_KEYS(uint32_t, 0x7f800000u); break;
    case ST_F64: FLOAT_KEYS(uint64_t, 0x7ff0000000000000u); break;
    case ST_F16: FLOAT_KEYS(uint16_t, 0x7c00u); break;
    case ST_BF16: FLOAT_KEYS(uint16_t, 0x7f80u); break;
    case ST_I8: INTEGER_KEYS(uint8_t, 0x80u); break;
    case ST_U8: INTEGER_KEYS(uint8_t, 0); break;
    case ST_I16: INTEGER_KEYS(uint16_t, 0x8000u); break;
    case ST_U16: INTEGER_KEYS(uint16_t, 0); break;
    case ST_I32: INTEGER_KEYS(uint32_t, 0x80000000u); break;
    case ST_U32: INTEGER_KEYS(uint32_t, 0); break;
    case ST_I64: INTEGER_KEYS(uint64_t, 0x8000000000000000u); break;
    default: INTEGER_KEYS(uint64_t, 0); break;
    }
}

/* Position `at` of the answer is the element at `index` of the row. */
static void take(const st_bench_arrays *arrays, const unsigned char *row, size_t size, int64_t at, uint64_t index) {
    arrays->indices[at] = (int64_t)index;
    memcpy((unsigned char *)arrays->values + (size_t)at * size, row + (size_t)index * size, size);
}

/* ---- qsort ------------------------------------------------------------------------------------------------------- */

/* A key of up to 32 bits and an index of up to 32 fit one word; else a pair. */
static int fits_word(const st_bench_case *point) {
    return st_dtype_size(point->dtype) <= 4 && point->cols <= (int64_t)1 << 32;
}

static size_t qsort_scratch(const st_bench_case *point) {
    size_t bytes;
    return __builtin_mul_overflow((uint64_t)point->cols, fits_word(point) ? sizeof(uint64_t) : sizeof(pair), &bytes) ? 0 : bytes;
}

static int compare_words(const void *left, const void *right) {
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static int compare_pairs(const void *left, const void *right) {
    const pair *a = left;
    const pair *b = right;
    return a->key != b->key ? (a->key > b->key ? 1 : -1) : (a->index > b->index) - (a->index < b->index);
}

static void qsort_rows(const st_bench_case *point, const st_bench_arrays *arrays, int64_t first, int64_t last, void *scratch) {
    const size_t size = (size_t)st_dtype_size(point->dtype);
    const int descending = point->kind == ST_TOPK;
    const int64_t lo = point->kind == ST_MIDK ? (point->cols - point->k) / 2 : 0;
    const int in_words = fits_word(point);
    uint64_t *words = scratch;
    pair *pairs = scratch;
    uint64_t keys[BLOCK];
    for (int64_t r = first; r < last; r++) {
        const unsigned char *row = (const unsigned char *)arrays->input + (size_t)r * (size_t)point->cols * size;
        for (int64_t from = 0; from < point->cols; from += BLOCK) {
            const int64_t count = point->cols - from < BLOCK ? point->cols - from : BLOCK;
            st_bench_keys(point->dtype, descending, row + (size_t)from * size, count, keys);
            for (int64_t i = 0; i < count; i++) {
                const uint64_t index = (uint64_t)(from + i);
                if (in_words) {
                    words[index] = keys[i] << 32 | index;
                } else {
                    pairs[index] = (pair){keys[i], index};
                }
            }
        }
        qsort(scratch, (size_t)point->cols, in_words ? sizeof *words : sizeof *pairs, in_words ? compare_words : compare_pairs);
        for (int64_t i = 0; i < point->k; i++) {
            take(arrays, row, size, r * point->k + i, in_words ? words[lo + i] & 0xffffffffu : pairs[lo + i].index);
        }
    }
}

static const char *qsort_version(void) {
#if defined(__GLIBC__)
    return gnu_get_libc_version();
#else
    return "libc";
#endif
}

static int qsort_takes(int32_t kind) {
    (void)kind;
    return 1;
}

/* ---- binary heap ------------------------------------------------------------------------------------------------- */

static size_t heap_scratch(const st_bench_case *point) {
    size_t bytes;
    return __builtin_mul_overflow((uint64_t)point->k, sizeof(pair), &bytes) ? 0 : bytes;
}

static int after(const pair *a, const pair *b) { return a->key != b->key ? a->key > b->key : a->index > b->index; }

/* Puts `item` at the root of a heap of `count` (its latest at the root), and lets it sink to its place. */
static void sink(pair *heap, size_t count, pair item) {
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count) {
            break;
        }
        if (child + 1 < count && after(&heap[child + 1], &heap[child])) {
            child++;
        }
        if (!after(&heap[child], &item)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = item;
}

static void rise(pair *heap, size_t at, pair item) {
    while (at > 0 && after(&item, &heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = item;
}

static void heap_rows(const st_bench_case *point, const st_bench_arrays *arrays, int64_t first, int64_t last, void *scratch) {
    const size_t size = (size_t)st_dtype_size(point->dtype);
    const size_t k = (size_t)point->k;
    const int descending = point->kind == ST_TOPK;
    pair *heap = scratch;
    uint64_t keys[BLOCK];
    for (int64_t r = first; r < last; r++) {
        const unsigned char *row = (const unsigned char *)arrays->input + (size_t)r * (size_t)point->cols * size;
        size_t held = 0;
        for (int64_t from = 0; from < point->cols; from += BLOCK) {
            const int64_t count = point->cols - from < BLOCK ? point->cols - from : BLOCK;
            st_bench_keys(point->dtype, descending, row + (size_t)from * size, count, keys);
            for (int64_t i = 0; i < count; i++) {
                const pair item = {keys[i], (uint64_t)(from + i)};
                if (held < k) {
                    rise(heap, held, item);
                    held++;
                } else if (item.key < heap[0].key) { /* an equal key comes later by its index */
                    sink(heap, k, item);
                }
            }
        }
        while (held > 0) {
            const pair latest = heap[0];
            held--;
            if (held > 0) {
                sink(heap, held, heap[held]);
            }
            take(arrays, row, size, r * point->k + (int64_t)held, latest.index);
        }
    }
}

static int heap_takes(int32_t kind) { return kind == ST_TOPK || kind == ST_BOTTOMK; }

/* ---- the list ---------------------------------------------------------------------------------------------------- */

static const st_bench_peer peers[] = {
    {"qsort", "libc's qsort of packed (key, index) pairs", qsort_version, qsort_takes, qsort_scratch, qsort_rows},
    {"heap", "a plain binary heap of k pairs; topk and bottomk alone", st_version, heap_takes, heap_scratch, heap_rows},
};

int32_t st_bench_peer_workers(const st_bench_case *point) {
    return point->rows < point->threads ? (int32_t)point->rows : point->threads;
}

const st_bench_peer *st_bench_peer_at(int32_t position) {
    return position >= 0 && position < (int32_t)(sizeof peers / sizeof peers[0]) ? &peers[position] : NULL;
}
