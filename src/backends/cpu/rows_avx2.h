/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* rows_avx2.h - what rows_in_lanes.inc wants for eight short rows at once with AVX2. */
#ifndef ST_CPU_ROWS_AVX2_H
#define ST_CPU_ROWS_AVX2_H

#include <immintrin.h>
#include <string.h>

#define VECTOR __m256i
#define LANES 8
#define STORE_COLUMNS(to, v) _mm256_storeu_si256((__m256i *)(void *)(to), v)
#define SET1(x) _mm256_set1_epi32((int)(x))
#define LAST SET1(UINT32_MAX)
#define LEAST _mm256_min_epu32
#define GREATEST _mm256_max_epu32
#define AND _mm256_and_si256
#define EQUAL_LANES(a, b) ((uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b))))
#define TRANSPOSE transpose_8
#define LANED(function) function##_of_32

/* What makes proxies of an order's elements. */
struct proxies {
    __m256i negative_fill, high, flip, nan_key, columns; /* flip and nan_key without the bits of the column, as `high` masks */
    int is_float;
};

static inline struct proxies proxies_of(const st_order *order, uint32_t high) {
    return (struct proxies){_mm256_set1_epi32((int)order->negative_fill), _mm256_set1_epi32((int)high),
                            _mm256_set1_epi32((int)((uint32_t)order->flip & high)),
                            _mm256_set1_epi32((int)((uint32_t)order->nan_key & high)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7),
                            order->negative_zero != 0};
}

static inline __m256i blend_lanes(__m256i a, __m256i b, __m256 mask) {
    return _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), mask));
}

/* 8 elements as proxies, of columns from `column` on; all ones where there are fewer, beyond them. */
INLINE __m256i proxies_at(const struct proxies *proxies, const key32 *from, size_t column, size_t count) {
    const __m256i columns = _mm256_add_epi32(proxies->columns, _mm256_set1_epi32((int)column));
    const __m256i there = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(count < 8 ? count : 8)), proxies->columns);
    __m256i bits = count >= 8 ? _mm256_loadu_si256((const __m256i *)(const void *)from)
                              : _mm256_maskload_epi32((const int *)(const void *)from, there);
    __m256 nan = _mm256_setzero_ps();
    if (proxies->is_float) { /* adding zero makes +0 of both zeros, and leaves every other number as it is */
        const __m256 number = _mm256_add_ps(_mm256_castsi256_ps(bits), _mm256_setzero_ps());
        nan = _mm256_cmp_ps(number, number, _CMP_UNORD_Q);
        bits = _mm256_castps_si256(number);
    }
    const __m256i folded = _mm256_xor_si256(bits, _mm256_and_si256(_mm256_srai_epi32(bits, 31), proxies->negative_fill));
    __m256i proxy = _mm256_xor_si256(_mm256_and_si256(folded, proxies->high), _mm256_xor_si256(proxies->flip, columns));
    if (proxies->is_float) proxy = blend_lanes(proxy, _mm256_xor_si256(proxies->nan_key, columns), nan);
    return count >= 8 ? proxy : blend_lanes(LAST, proxy, _mm256_castsi256_ps(there));
}

/* 8 narrow keys as proxies, in the same way. */
INLINE __m256i proxies_of_keys(__m256i keys, size_t column, size_t count) {
    const __m256i steps = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i columns = _mm256_add_epi32(steps, _mm256_set1_epi32((int)column));
    const __m256i beyond = _mm256_cmpgt_epi32(steps, _mm256_set1_epi32((int)(count < 8 ? count : 8) - 1));
    return _mm256_or_si256(_mm256_or_si256(_mm256_slli_epi32(keys, ST_LANE_COLUMN_BITS), columns), beyond);
}

INLINE void transpose_8(__m256i *v) {
    __m256i a[8], b[8];
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) { /* pairs of rows, then fours, in each half of a register */
        a[i] = _mm256_unpacklo_epi32(v[i], v[i + 1]);
        a[i + 1] = _mm256_unpackhi_epi32(v[i], v[i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
        b[i] = _mm256_unpacklo_epi64(a[i], a[i + 2]);
        b[i + 1] = _mm256_unpackhi_epi64(a[i], a[i + 2]);
        b[i + 2] = _mm256_unpacklo_epi64(a[i + 1], a[i + 3]);
        b[i + 3] = _mm256_unpackhi_epi64(a[i + 1], a[i + 3]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) { /* then halves change places */
        v[i] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x20);
        v[i + 4] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x31);
    }
}

/*
 * The elements of a row at `count` columns; `to` and `found` are as long as rows can be. One at a time: a row is in the
 * cache, and gather instructions are no faster on many processors.
 */
INLINE void pick_lanes(const key32 *row, size_t columns, const uint32_t *found, size_t count, key32 *to) {
    (void)columns;
    for (size_t i = 0; i < count; i += 4) {
        const uint32_t last = (uint32_t)count - 1; /* whose column stands for those behind it */
        const uint32_t a = row[found[i]], b = row[found[i + 1 < count ? i + 1 : last]];
        const uint32_t c = row[found[i + 2 < count ? i + 2 : last]], d = row[found[i + 3 < count ? i + 3 : last]];
        to[i] = a;
        to[i + 1] = b;
        to[i + 2] = c;
        to[i + 3] = d;
    }
}

/* Copies words past the caches, where whole lines are to be written. */
static void stream_lanes(const key32 *from, size_t count, key32 *to) {
    size_t i = 0;
    for (; i < count && (uintptr_t)(to + i) % 64 != 0; i++) to[i] = from[i];
    for (; i + 16 <= count; i += 16)
        for (size_t half = i; half < i + 16; half += 8)
            _mm256_stream_si256((__m256i *)(void *)(to + half), _mm256_loadu_si256((const __m256i *)(const void *)(from + half)));
    for (; i < count; i++) to[i] = from[i];
}

/* Columns as 64-bit indices, in pairs of words. */
static inline void widen_lanes(const uint32_t *columns, size_t count, key32 *to) {
    size_t i = 0;
    for (; i + 4 <= count; i += 4)
        _mm256_storeu_si256((__m256i *)(void *)(to + 2 * i), _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(const void *)(columns + i))));
    for (; i < count; i++) {
        to[2 * i] = columns[i];
        to[2 * i + 1] = 0;
    }
}

#include "backends/cpu/lane_networks.inc"
#endif
