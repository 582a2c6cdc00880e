/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * sort_avx512.c - quicksort and quickselect of 64-bit integers: partitions eight lanes at a time, and sorts up to 128 in
 * registers. The scheme is that of M. Blacher, J. Giesen, L. Kuehne, "Fast and robust vectorized in-place sorting of
 * primitive types", SEA 2021, and of B. Bramas, "A novel hybrid quicksort algorithm vectorized using AVX-512", 2017.
 */
#if defined(__x86_64__)
#include "backends/cpu/sort_avx512.h"

#include <immintrin.h>

#include "backends/cpu/mask_avx512.h"

#define INLINE static inline __attribute__((always_inline))

enum { LANES = 8, MOST_REGISTERS = 16, BASE = LANES * MOST_REGISTERS };

/* After it a <= b in every lane. */
INLINE void order_pair(__m512i *a, __m512i *b) {
    const __m512i low = _mm512_min_epu64(*a, *b);
    *b = _mm512_max_epu64(*a, *b);
    *a = low;
}

/* Green's network of 60 comparisons for 16 registers (M. W. Green 1969; Knuth, TAOCP 3, section 5.3.4). */
INLINE void sort_columns_16(__m512i *v) {
    static const uint8_t pairs[60][2] = {
        {0, 1},   {2, 3},   {4, 5},  {6, 7},   {8, 9},   {10, 11}, {12, 13}, {14, 15}, {0, 2},   {4, 6},   {8, 10},  {12, 14},
        {1, 3},   {5, 7},   {9, 11}, {13, 15}, {0, 4},   {8, 12},  {1, 5},   {9, 13},  {2, 6},   {10, 14}, {3, 7},   {11, 15},
        {0, 8},   {1, 9},   {2, 10}, {3, 11},  {4, 12},  {5, 13},  {6, 14},  {7, 15},  {5, 10},  {6, 9},   {3, 12},  {13, 14},
        {4, 8},   {7, 11},  {1, 2},  {1, 4},   {7, 13},  {2, 8},   {11, 14}, {2, 4},   {5, 6},   {9, 10},  {11, 13}, {3, 8},
        {7, 12},  {6, 8},   {10, 12}, {3, 5},  {7, 9},   {3, 4},   {5, 6},   {7, 8},   {9, 10},  {11, 12}, {6, 7},   {8, 9}};
#pragma GCC unroll 60
    for (int i = 0; i < 60; i++) order_pair(&v[pairs[i][0]], &v[pairs[i][1]]);
}

/* Batcher's odd-even mergesort for 8 registers: 19 comparisons. */
INLINE void sort_columns_8(__m512i *v) {
    static const uint8_t pairs[19][2] = {{0, 1}, {2, 3}, {4, 5}, {6, 7}, {0, 2}, {1, 3}, {4, 6}, {5, 7}, {1, 2}, {5, 6},
                                         {0, 4}, {1, 5}, {2, 6}, {3, 7}, {2, 4}, {3, 5}, {1, 2}, {3, 4}, {5, 6}};
#pragma GCC unroll 19
    for (int i = 0; i < 19; i++) order_pair(&v[pairs[i][0]], &v[pairs[i][1]]);
}

/* Rows of eight registers become columns. */
INLINE void transpose(const __m512i v[8], __m512i *out, int step) {
    __m512i a[8], b[8];
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        a[i] = _mm512_unpacklo_epi64(v[i], v[i + 1]);
        a[i + 1] = _mm512_unpackhi_epi64(v[i], v[i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4)
#pragma GCC unroll 2
        for (int j = 0; j < 2; j++) {
            const __m512i even = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), odd = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
            b[i + j] = _mm512_permutex2var_epi64(a[i + j], even, a[i + j + 2]);
            b[i + j + 2] = _mm512_permutex2var_epi64(a[i + j], odd, a[i + j + 2]);
        }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        out[i * step] = _mm512_shuffle_i64x2(b[i], b[i + 4], 0x44);
        out[(i + 4) * step] = _mm512_shuffle_i64x2(b[i], b[i + 4], 0xee);
    }
}

INLINE __m512i reversed(__m512i v) { return _mm512_permutexvar_epi64(_mm512_setr_epi64(7, 6, 5, 4, 3, 2, 1, 0), v); }

/* One comparison of each lane with a partner: lanes of `upper` keep the greater. */
INLINE __m512i step_within(__m512i v, __m512i partner, __mmask8 upper) {
    return _mm512_mask_max_epu64(_mm512_min_epu64(v, partner), upper, v, partner);
}

/* A register that is bitonic becomes ascending. */
INLINE __m512i merge_within(__m512i v) {
    v = step_within(v, _mm512_shuffle_i64x2(v, v, 0x4e), 0xf0);
    v = step_within(v, _mm512_permutex_epi64(v, 0x4e), 0xcc);
    return step_within(v, _mm512_permutex_epi64(v, 0xb1), 0xaa);
}

/* Any register becomes ascending: runs of 2, 4, then 8, each by comparing mirrored partners first. */
INLINE __m512i sort_within(__m512i v) {
    v = step_within(v, _mm512_permutex_epi64(v, 0xb1), 0xaa);
    v = step_within(v, _mm512_permutex_epi64(v, 0x1b), 0xcc);
    v = step_within(v, _mm512_permutex_epi64(v, 0xb1), 0xaa);
    v = step_within(v, reversed(v), 0xf0);
    v = step_within(v, _mm512_permutex_epi64(v, 0x4e), 0xcc);
    return step_within(v, _mm512_permutex_epi64(v, 0xb1), 0xaa);
}

/* Two ascending runs of `half` registers each become one of 2 * half. */
INLINE void merge_runs(__m512i *v, int half) {
#pragma GCC unroll 8
    for (int i = 0; i < half; i++) {
        __m512i other = reversed(v[2 * half - 1 - i]);
        order_pair(&v[i], &other);
        v[2 * half - 1 - i] = reversed(other);
    }
    /* Both halves are bitonic now, the upper one stored as it stands. */
#pragma GCC unroll 4
    for (int distance = half / 2; distance > 0; distance /= 2)
#pragma GCC unroll 16
        for (int i = 0; i < 2 * half; i++)
            if ((i & distance) == 0) order_pair(&v[i], &v[i + distance]);
#pragma GCC unroll 16
    for (int i = 0; i < 2 * half; i++) v[i] = merge_within(v[i]);
}

/* Sorts the `registers` * 8 integers of v. */
INLINE void sort_registers(__m512i *v, int registers) {
    int run = 1; /* registers of an ascending run */
    if (registers == 16) {
        __m512i w[16];
        sort_columns_16(v);
        transpose(v, w, 2); /* column c is registers 2c and 2c + 1 */
        transpose(v + 8, w + 1, 2);
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) v[i] = w[i];
        run = 2;
    } else if (registers == 8) {
        __m512i w[8];
        sort_columns_8(v);
        transpose(v, w, 1);
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) v[i] = w[i];
    } else {
#pragma GCC unroll 4
        for (int i = 0; i < registers; i++) v[i] = sort_within(v[i]);
    }
#pragma GCC unroll 4
    for (; run < registers; run *= 2)
#pragma GCC unroll 8
        for (int i = 0; i < registers; i += 2 * run) merge_runs(v + i, run);
}

/* Sorts count <= registers * 8 integers, as if the rest were the greatest. */
INLINE void sort_padded(st_narrow *entries, size_t count, int registers) {
    const __m512i greatest = _mm512_set1_epi64(-1);
    __m512i v[MOST_REGISTERS];
    __mmask8 there[MOST_REGISTERS];
#pragma GCC unroll 16
    for (int i = 0; i < registers; i++) {
        const size_t from = (size_t)i * LANES;
        there[i] = (__mmask8)(count >= from + LANES ? 0xffu : count <= from ? 0u : (1u << (count - from)) - 1);
        v[i] = _mm512_mask_loadu_epi64(greatest, there[i], entries + from);
    }
    sort_registers(v, registers);
#pragma GCC unroll 16
    for (int i = 0; i < registers; i++) _mm512_mask_storeu_epi64(entries + (size_t)i * LANES, there[i], v[i]);
}

static void sort_8(st_narrow *entries, size_t count) { sort_padded(entries, count, 1); }
static void sort_16(st_narrow *entries, size_t count) { sort_padded(entries, count, 2); }
static void sort_32(st_narrow *entries, size_t count) { sort_padded(entries, count, 4); }
static void sort_64(st_narrow *entries, size_t count) { sort_padded(entries, count, 8); }
static void sort_128(st_narrow *entries, size_t count) { sort_padded(entries, count, 16); }

static void sort_base(st_narrow *entries, size_t count) {
    if (count <= 8) {
        if (count > 1) sort_8(entries, count);
    } else if (count <= 16) {
        sort_16(entries, count);
    } else if (count <= 32) {
        sort_32(entries, count);
    } else if (count <= 64) {
        sort_64(entries, count);
    } else {
        sort_128(entries, count);
    }
}

/* Where a partition writes: up from the left, down from the right. */
struct ends {
    st_narrow *left, *right;
};

/* Writes a register's lanes below the pivot to the left end, the others to the right. */
INLINE void spread(__m512i v, __m512i pivot, struct ends *ends) {
    const __mmask8 below = _mm512_cmplt_epu64_mask(v, pivot);
    const uint32_t lower = st_mask_count(below), upper = LANES - lower;
    _mm512_storeu_si512(ends->left, _mm512_maskz_compress_epi64(below, v));
    ends->left += lower;
    ends->right -= upper;
    _mm512_mask_storeu_epi64(ends->right, (__mmask8)((1u << upper) - 1), _mm512_maskz_compress_epi64(_knot_mask8(below), v));
}

/*
 * Moves the integers below the pivot to the front; returns how many. count >= BASE. Four registers of each end are held
 * back first, so there is always room to write a whole register at an end that has been read.
 */
static size_t partition(st_narrow *entries, size_t count, st_narrow pivot_value) {
    enum { HELD = 4 };
    const __m512i pivot = _mm512_set1_epi64((long long)pivot_value);
    const size_t whole = count / LANES * LANES;
    __m512i held[2 * HELD];
    for (int i = 0; i < HELD; i++) {
        held[i] = _mm512_loadu_si512(entries + i * LANES);
        held[HELD + i] = _mm512_loadu_si512(entries + whole - (size_t)(i + 1) * LANES);
    }
    struct ends ends = {entries, entries + whole};
    const st_narrow *from = entries + HELD * LANES, *to = entries + whole - HELD * LANES;
    while (to - from >= HELD * LANES) {
        const st_narrow *next;
        /* Read where less room is left, so that both ends have at least HELD registers of it. */
        if (from - ends.left <= ends.right - to) {
            next = from;
            from += HELD * LANES;
        } else {
            to -= HELD * LANES;
            next = to;
        }
        __m512i v[HELD];
        for (int i = 0; i < HELD; i++) v[i] = _mm512_loadu_si512(next + i * LANES);
        for (int i = 0; i < HELD; i++) spread(v[i], pivot, &ends);
    }
    while (to > from) {
        const st_narrow *next;
        if (from - ends.left <= ends.right - to) {
            next = from;
            from += LANES;
        } else {
            to -= LANES;
            next = to;
        }
        spread(_mm512_loadu_si512(next), pivot, &ends);
    }
    for (int i = 0; i < 2 * HELD; i++) spread(held[i], pivot, &ends);
    size_t front = (size_t)(ends.left - entries);
    for (size_t i = whole; i < count; i++) {
        const st_narrow entry = entries[i];
        entries[i] = entries[front];
        entries[front] = entry;
        front += entry < pivot_value;
    }
    return front;
}

/* The middle of 64 integers spread over the range. */
static st_narrow pivot_of(const st_narrow *entries, size_t count) {
    st_narrow sample[64];
    const size_t step = count / 64;
    for (size_t i = 0; i < 64; i++) sample[i] = entries[i * step + step / 2];
    sort_64(sample, 64);
    return sample[32];
}

/* Halvings after which a range is handed to the portable sort, whose worst case is bounded. */
static int budget_of(size_t count) {
    int halvings = 8;
    for (; count > 1; count /= 2) halvings += 2;
    return halvings;
}

/*
 * Splits a range around a pivot; *front of it come before the rest, and where *front is final as it stands (all equal to
 * the least) returns 1.
 */
static int split(st_narrow *entries, size_t count, size_t *front) {
    const st_narrow pivot = pivot_of(entries, count);
    *front = partition(entries, count, pivot);
    if (*front > 0) return 0;
    *front = pivot == UINT64_MAX ? count : partition(entries, count, pivot + 1);
    return 1;
}

void st_avx512_select(st_narrow *entries, size_t count, size_t k) {
    if (k == 0 || k >= count) return;
    for (int budget = budget_of(count); count > BASE; budget--) {
        size_t front;
        if (budget == 0) { /* sorted, not selected: where k is all that is left, its last must still be put in place */
            st_narrow_sort(entries, count);
            return;
        }
        const int equal = split(entries, count, &front);
        if (k <= front) {
            if (equal) return;
            count = front;
        } else {
            entries += front;
            count -= front;
            k -= front;
        }
    }
    sort_base(entries, count);
}

static void sort_budgeted(st_narrow *entries, size_t count, int budget) {
    while (count > BASE) {
        size_t front;
        if (budget-- == 0) {
            st_narrow_sort(entries, count);
            return;
        }
        const int equal = split(entries, count, &front);
        if (!equal) sort_budgeted(entries, front, budget);
        entries += front;
        count -= front;
    }
    sort_base(entries, count);
}

void st_avx512_sort(st_narrow *entries, size_t count) { sort_budgeted(entries, count, budget_of(count)); }

#endif
