/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* rows_avx512.h - sixteen short rows at once with AVX-512; comes after class.inc's 32-bit kernels, whose keys it uses. */
#ifndef ST_CPU_ROWS_AVX512_H
#define ST_CPU_ROWS_AVX512_H

#include <immintrin.h>

#define VECTOR __m512i
#define LANES 16
#define STORE(to, v) _mm512_storeu_si512(to, v)
#define SET1(x) _mm512_set1_epi32((int)(x))
#define LEAST _mm512_min_epu32
#define GREATEST _mm512_max_epu32
#define AND _mm512_and_si512
#define EQUAL_LANES(a, b) ((uint32_t)_mm512_cmpeq_epi32_mask(a, b))
#define TRANSPOSE transpose_16

/* Columns [from, from + 16) of a row as proxies; all ones beyond the row. */
static inline __attribute__((always_inline)) __m512i prepare_lanes(const st_order *order, const uint32_t *row, size_t from, size_t columns) {
    const __m512i steps = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i column = _mm512_add_epi32(steps, _mm512_set1_epi32((int)from)), high = _mm512_set1_epi32(-ST_LANE_COLUMNS);
    const __m512i top = _mm512_set1_epi32((int)order->negative_zero), fill = _mm512_set1_epi32((int)order->negative_fill);
    const __m512i flip = _mm512_xor_si512(_mm512_and_si512(_mm512_set1_epi32((int)order->flip), high), column);
    const __m512i nan_proxy = _mm512_or_si512(_mm512_and_si512(_mm512_set1_epi32((int)order->nan_key), high), column);
    const __mmask16 there = (__mmask16)(columns - from >= 16 ? 0xffff : (1u << (columns - from)) - 1);
    const __m512i bits = _mm512_maskz_loadu_epi32(there, row + from);
    const __m512i plain = _mm512_maskz_mov_epi32(_mm512_cmpneq_epi32_mask(bits, top), bits);
    const __m512i folded = _mm512_ternarylogic_epi64(plain, _mm512_srai_epi32(plain, 31), fill, 0x78); /* a ^ (b & c) */
    const __m512i proxy = _mm512_ternarylogic_epi64(folded, high, flip, 0x6a); /* (a & b) ^ c */
    const __m512i magnitude = _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff));
    const __mmask16 nan = _mm512_cmpgt_epu32_mask(magnitude, _mm512_set1_epi32((int)order->infinity));
    return _mm512_mask_mov_epi32(_mm512_set1_epi32(-1), there, _mm512_mask_mov_epi32(proxy, nan, nan_proxy));
}

static inline __attribute__((always_inline)) void transpose_16(__m512i *v) {
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

/* The elements of a row at up to 16 columns: looked up in its registers. */
static inline __attribute__((always_inline)) void pick_lanes(const uint32_t *row, size_t columns, __m512i column, size_t count, uint32_t *to) {
    __m512i r[8], picked = _mm512_setzero_si512();
    const __mmask16 odd = _mm512_test_epi32_mask(column, _mm512_set1_epi32(32));
    const __mmask16 back = _mm512_test_epi32_mask(column, _mm512_set1_epi32(64));
    if (columns == ST_LANE_COLUMNS) {
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) r[i] = _mm512_loadu_si512(row + i * 16);
    } else {
        for (size_t i = 0; i < 8; i++) {
            const size_t rest = columns > i * 16 ? columns - i * 16 : 0;
            r[i] = _mm512_maskz_loadu_epi32((__mmask16)(rest >= 16 ? 0xffff : (1u << rest) - 1), row + i * 16);
        }
    }
    picked = _mm512_permutex2var_epi32(r[0], column, r[1]);
    picked = _mm512_mask_mov_epi32(picked, odd, _mm512_permutex2var_epi32(r[2], column, r[3]));
    if (columns > 64) {
        const __m512i far = _mm512_permutex2var_epi32(r[4], column, r[5]);
        picked = _mm512_mask_mov_epi32(picked, back, _mm512_mask_mov_epi32(far, odd, _mm512_permutex2var_epi32(r[6], column, r[7])));
    }
    _mm512_mask_storeu_epi32(to, (__mmask16)(count >= 16 ? 0xffff : (1u << count) - 1), picked);
}

#include "backends/cpu/rows_in_lanes.inc"
#endif
