/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* rows_avx512.h - what rows_in_lanes.inc wants for sixteen short rows at once with AVX-512. */
#ifndef ST_CPU_ROWS_AVX512_H
#define ST_CPU_ROWS_AVX512_H

#include <immintrin.h>
#include <string.h>

#define VECTOR __m512i
#define LANES 16
#define STORE_COLUMNS(to, v) _mm512_storeu_si512(to, v)
#define SET1(x) _mm512_set1_epi32((int)(x))
#define LAST SET1(UINT32_MAX)
#define LEAST _mm512_min_epu32
#define GREATEST _mm512_max_epu32
#define AND _mm512_and_si512
#define EQUAL_LANES(a, b) ((uint32_t)_mm512_cmpeq_epi32_mask(a, b))
#define TRANSPOSE transpose_16
#define LANED(function) function##_of_32

/* What makes proxies of an order's elements. */
struct proxies {
    __m512i negative_fill, high, flip, nan_key, columns; /* flip and nan_key without the bits of the column, as `high` masks */
    int is_float;
};

static inline struct proxies proxies_of(const st_order *order, uint32_t high) {
    return (struct proxies){_mm512_set1_epi32((int)order->negative_fill), _mm512_set1_epi32((int)high),
                            _mm512_set1_epi32((int)((uint32_t)order->flip & high)),
                            _mm512_set1_epi32((int)((uint32_t)order->nan_key & high)),
                            _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), order->negative_zero != 0};
}

/* 16 elements as proxies, of columns from `column` on; all ones where there are fewer, beyond them. */
INLINE __m512i proxies_at(const struct proxies *proxies, const key32 *from, size_t column, size_t count) {
    const __m512i columns = _mm512_add_epi32(proxies->columns, _mm512_set1_epi32((int)column));
    const __mmask16 there = (__mmask16)(count >= 16 ? 0xffff : (1u << count) - 1);
    __m512i bits = count >= 16 ? _mm512_loadu_si512(from) : _mm512_maskz_loadu_epi32(there, from);
    __mmask16 nan = 0;
    if (proxies->is_float) { /* adding zero makes +0 of both zeros, and leaves every other number as it is */
        const __m512 number = _mm512_add_ps(_mm512_castsi512_ps(bits), _mm512_setzero_ps());
        nan = _mm512_cmp_ps_mask(number, number, _CMP_UNORD_Q);
        bits = _mm512_castps_si512(number);
    }
    const __m512i folded = _mm512_ternarylogic_epi64(bits, _mm512_srai_epi32(bits, 31), proxies->negative_fill, 0x78); /* a ^ (b & c) */
    __m512i proxy = _mm512_ternarylogic_epi64(folded, proxies->high, _mm512_xor_si512(proxies->flip, columns), 0x6a); /* (a & b) ^ c */
    proxy = _mm512_mask_xor_epi32(proxy, nan, proxies->nan_key, columns);
    return count >= 16 ? proxy : _mm512_mask_mov_epi32(LAST, there, proxy);
}

/* 16 narrow keys as proxies, in the same way. */
INLINE __m512i proxies_of_keys(__m512i keys, size_t column, size_t count) {
    const __m512i steps = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i columns = _mm512_add_epi32(steps, _mm512_set1_epi32((int)column));
    const __mmask16 beyond = _mm512_cmpge_epu32_mask(steps, _mm512_set1_epi32((int)(count < 16 ? count : 16)));
    return _mm512_mask_mov_epi32(_mm512_or_si512(_mm512_slli_epi32(keys, ST_LANE_COLUMN_BITS), columns), beyond, LAST);
}

INLINE void transpose_16(__m512i *v) {
    __m512i a[16], b[16];
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) { /* pairs of rows, then fours, in each quarter of a register */
        a[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
        a[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
        b[i] = _mm512_unpacklo_epi64(a[i], a[i + 2]);
        b[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 2]);
        b[i + 2] = _mm512_unpacklo_epi64(a[i + 1], a[i + 3]);
        b[i + 3] = _mm512_unpackhi_epi64(a[i + 1], a[i + 3]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) { /* then quarters change places */
        const __m512i even_low = _mm512_shuffle_i32x4(b[i], b[i + 4], 0x88), odd_low = _mm512_shuffle_i32x4(b[i], b[i + 4], 0xdd);
        const __m512i even_high = _mm512_shuffle_i32x4(b[i + 8], b[i + 12], 0x88), odd_high = _mm512_shuffle_i32x4(b[i + 8], b[i + 12], 0xdd);
        v[i] = _mm512_shuffle_i32x4(even_low, even_high, 0x88);
        v[i + 4] = _mm512_shuffle_i32x4(odd_low, odd_high, 0x88);
        v[i + 8] = _mm512_shuffle_i32x4(even_low, even_high, 0xdd);
        v[i + 12] = _mm512_shuffle_i32x4(odd_low, odd_high, 0xdd);
    }
}

/* 16 columns, the first one of the row where there are fewer. */
INLINE __m512i some_columns(const uint32_t *found, size_t count) {
    return _mm512_maskz_loadu_epi32((__mmask16)(count >= 16 ? 0xffff : (1u << count) - 1), found);
}

/*
 * The elements of a row at `count` columns, looked up in its registers where these hold it; `to` and `found` are as long as
 * rows can be.
 */
INLINE void pick_lanes(const key32 *row, size_t columns, const uint32_t *found, size_t count, key32 *to) {
    __m512i r[8];
    if (columns > 128) {
        for (size_t at = 0; at < count; at += 16)
            _mm512_storeu_si512(to + at, _mm512_i32gather_epi32(some_columns(found + at, count - at), row, 4));
        return;
    }
#pragma GCC unroll 8
    for (size_t i = 0; i < 8; i++) {
        const size_t rest = columns > i * 16 ? columns - i * 16 : 0;
        r[i] = rest >= 16 ? _mm512_loadu_si512(row + i * 16) : _mm512_maskz_loadu_epi32((__mmask16)((1u << rest) - 1), row + i * 16);
    }
    for (size_t at = 0; at < count; at += 16) {
        const __m512i column = some_columns(found + at, count - at);
        const __mmask16 odd = _mm512_test_epi32_mask(column, _mm512_set1_epi32(32));
        const __mmask16 back = _mm512_test_epi32_mask(column, _mm512_set1_epi32(64));
        const __m512i near = _mm512_mask_mov_epi32(_mm512_permutex2var_epi32(r[0], column, r[1]), odd, _mm512_permutex2var_epi32(r[2], column, r[3]));
        const __m512i far = _mm512_mask_mov_epi32(_mm512_permutex2var_epi32(r[4], column, r[5]), odd, _mm512_permutex2var_epi32(r[6], column, r[7]));
        _mm512_storeu_si512(to + at, _mm512_mask_mov_epi32(near, back, far));
    }
}

/* Copies words past the caches, where whole lines are to be written. */
static void stream_lanes(const key32 *from, size_t count, key32 *to) {
    size_t i = 0;
    for (; i < count && (uintptr_t)(to + i) % 64 != 0; i++) to[i] = from[i];
    for (; i + 16 <= count; i += 16) _mm512_stream_si512((__m512i *)(void *)(to + i), _mm512_loadu_si512(from + i));
    for (; i < count; i++) to[i] = from[i];
}

/* Columns as 64-bit indices, in pairs of words. */
static inline void widen_lanes(const uint32_t *columns, size_t count, key32 *to) {
    for (size_t i = 0; i < count; i += 8) {
        const __mmask16 there = (__mmask16)(count - i >= 8 ? 0xffff : (1u << 2 * (count - i)) - 1);
        _mm512_mask_storeu_epi32(to + 2 * i, there, _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(const void *)(columns + i))));
    }
}

#include "backends/cpu/lane_networks.inc"
#endif
