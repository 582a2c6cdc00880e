/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* wide_rows_avx512.h - what rows_in_lanes.inc wants for eight short rows of 64-bit elements at once with AVX-512. */
#ifndef ST_CPU_WIDE_ROWS_AVX512_H
#define ST_CPU_WIDE_ROWS_AVX512_H

#include <immintrin.h>

#include "backends/cpu/wide_proxies.h"

#undef LANES
#undef STORE_COLUMNS
#undef SET1
#undef LAST
#undef LEAST
#undef GREATEST
#undef EQUAL_LANES
#undef TRANSPOSE
#undef LANED
#define LANES 8
#define STORE_COLUMNS(to, v) _mm256_storeu_si256((__m256i *)(void *)(to), _mm512_cvtepi64_epi32(v))
#define SET1(x) _mm512_set1_epi64((long long)(x))
#define LAST SET1(ST_LAST_PROXY)
#define NUMBERS(v) _mm512_castsi512_pd(v)
#define LEAST(a, b) _mm512_castpd_si512(_mm512_min_pd(NUMBERS(a), NUMBERS(b)))
#define GREATEST(a, b) _mm512_castpd_si512(_mm512_max_pd(NUMBERS(a), NUMBERS(b)))
#define EQUAL_LANES(a, b) ((uint32_t)_mm512_cmpeq_epi64_mask(a, b))
#define TRANSPOSE transpose_wide_8
#define LANED(function) function##_of_64

/* st_wide_proxies in vectors, and what the elements seen so far have in any of them. */
struct wide_proxies {
    __m512i negative_fill, flip, nan_key, base, columns, any;
    __m128i right, left;
    int is_float, is_exact;
};

INLINE struct wide_proxies wide_proxies_of(const st_order *order, st_wide_proxies kind) {
    return (struct wide_proxies){SET1(order->negative_fill), SET1(order->flip), SET1(order->nan_key), SET1(kind.base),
                                 _mm512_add_epi64(_mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7), SET1(ST_LEAST_PROXY)), _mm512_setzero_si512(),
                                 _mm_cvtsi32_si128(kind.right), _mm_cvtsi32_si128(kind.left), order->negative_zero != 0, kind.is_exact};
}

/* 8 elements as proxies, of columns from `column` on; LAST where there are fewer, beyond them. */
INLINE __m512i wide_proxies_at(struct wide_proxies *proxies, const key64 *from, size_t column, size_t count) {
    const __m512i columns = _mm512_add_epi64(proxies->columns, SET1(column));
    const __mmask8 there = (__mmask8)(count >= 8 ? 0xff : (1u << count) - 1);
    __m512i bits = count >= 8 ? _mm512_loadu_si512(from) : _mm512_maskz_loadu_epi64(there, from), key;
    if (proxies->is_float) { /* adding zero makes +0 of both zeros, and leaves every other number as it is */
        const __m512d number = _mm512_add_pd(NUMBERS(bits), _mm512_setzero_pd());
        const __mmask8 nan = _mm512_cmp_pd_mask(number, number, _CMP_UNORD_Q);
        bits = _mm512_castpd_si512(number);
        const __m512i folded = _mm512_ternarylogic_epi64(bits, _mm512_srai_epi64(bits, 63), proxies->negative_fill, 0x78); /* a ^ (b & c) */
        key = _mm512_mask_mov_epi64(_mm512_xor_si512(folded, proxies->flip), nan, proxies->nan_key);
    } else {
        key = _mm512_xor_si512(bits, proxies->flip);
    }
    const __m512i offset = proxies->is_exact ? _mm512_sub_epi64(key, proxies->base) : _mm512_srl_epi64(key, proxies->right);
    const __m512i seen = proxies->is_exact ? offset : bits;
    proxies->any = count >= 8 ? _mm512_or_si512(proxies->any, seen) : _mm512_mask_or_epi64(proxies->any, there, proxies->any, seen);
    const __m512i proxy = _mm512_add_epi64(_mm512_sll_epi64(offset, proxies->left), columns);
    return count >= 8 ? proxy : _mm512_mask_mov_epi64(LAST, there, proxy);
}

INLINE uint64_t any_of(const struct wide_proxies *proxies) { return (uint64_t)_mm512_reduce_or_epi64(proxies->any); }

INLINE void transpose_wide_8(__m512i *v) {
    __m512i a[8], b[8];
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) { /* pairs of rows in each quarter of a register */
        a[i] = _mm512_unpacklo_epi64(v[i], v[i + 1]);
        a[i + 1] = _mm512_unpackhi_epi64(v[i], v[i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) { /* then quarters change places */
        b[i] = _mm512_shuffle_i64x2(a[i], a[i + 2], 0x88);
        b[i + 2] = _mm512_shuffle_i64x2(a[i], a[i + 2], 0xdd);
        b[i + 4] = _mm512_shuffle_i64x2(a[i + 4], a[i + 6], 0x88);
        b[i + 6] = _mm512_shuffle_i64x2(a[i + 4], a[i + 6], 0xdd);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        v[i] = _mm512_shuffle_i64x2(b[i], b[i + 4], 0x88);
        v[i + 4] = _mm512_shuffle_i64x2(b[i], b[i + 4], 0xdd);
        v[i + 2] = _mm512_shuffle_i64x2(b[i + 2], b[i + 6], 0x88);
        v[i + 6] = _mm512_shuffle_i64x2(b[i + 2], b[i + 6], 0xdd);
    }
}

#include "backends/cpu/lane_networks.inc"
#endif
