/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* wide_rows_avx2.h - what rows_in_lanes.inc wants for four short rows of 64-bit elements at once with AVX2. */
#ifndef ST_CPU_WIDE_ROWS_AVX2_H
#define ST_CPU_WIDE_ROWS_AVX2_H

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
#define LANES 4
#define STORE_COLUMNS(to, v) _mm_storeu_si128((__m128i *)(void *)(to), low_words(v))
#define SET1(x) _mm256_set1_epi64x((long long)(x))
#define LAST SET1(ST_LAST_PROXY)
#define NUMBERS(v) _mm256_castsi256_pd(v)
#define LEAST(a, b) _mm256_castpd_si256(_mm256_min_pd(NUMBERS(a), NUMBERS(b)))
#define GREATEST(a, b) _mm256_castpd_si256(_mm256_max_pd(NUMBERS(a), NUMBERS(b)))
#define EQUAL_LANES(a, b) ((uint32_t)_mm256_movemask_pd(NUMBERS(_mm256_cmpeq_epi64(a, b))))
#define TRANSPOSE transpose_wide_4
#define LANED(function) function##_of_64

INLINE __m128i low_words(__m256i v) {
    return _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6)));
}

/* st_wide_proxies in vectors, and what the elements seen so far have in any of them. */
struct wide_proxies {
    __m256i negative_fill, flip, nan_key, base, columns, any;
    __m128i right, left;
    int is_float, is_exact;
};

INLINE struct wide_proxies wide_proxies_of(const st_order *order, st_wide_proxies kind) {
    return (struct wide_proxies){SET1(order->negative_fill), SET1(order->flip), SET1(order->nan_key), SET1(kind.base),
                                 _mm256_setr_epi64x(0, 1, 2, 3), _mm256_setzero_si256(), _mm_cvtsi32_si128(kind.right),
                                 _mm_cvtsi32_si128(kind.left), order->negative_zero != 0, kind.is_exact};
}

INLINE __m256i blend_wide(__m256i a, __m256i b, __m256i mask) {
    return _mm256_castpd_si256(_mm256_blendv_pd(NUMBERS(a), NUMBERS(b), NUMBERS(mask)));
}

/* 4 elements as proxies, of columns from `column` on; LAST where there are fewer, beyond them. */
INLINE __m256i wide_proxies_at(struct wide_proxies *proxies, const key64 *from, size_t column, size_t count) {
    const __m256i there = _mm256_cmpgt_epi64(SET1(count < 4 ? count : 4), proxies->columns);
    __m256i bits = count >= 4 ? _mm256_loadu_si256((const __m256i *)(const void *)from)
                              : _mm256_maskload_epi64((const long long *)(const void *)from, there), key;
    if (proxies->is_float) { /* adding zero makes +0 of both zeros, and leaves every other number as it is */
        const __m256d number = _mm256_add_pd(NUMBERS(bits), _mm256_setzero_pd());
        const __m256i nan = _mm256_castpd_si256(_mm256_cmp_pd(number, number, _CMP_UNORD_Q));
        bits = _mm256_castpd_si256(number);
        const __m256i sign = _mm256_cmpgt_epi64(_mm256_setzero_si256(), bits);
        const __m256i folded = _mm256_xor_si256(bits, _mm256_and_si256(sign, proxies->negative_fill));
        key = blend_wide(_mm256_xor_si256(folded, proxies->flip), proxies->nan_key, nan);
    } else {
        key = _mm256_xor_si256(bits, proxies->flip);
    }
    const __m256i offset = proxies->is_exact ? _mm256_sub_epi64(key, proxies->base) : _mm256_srl_epi64(key, proxies->right);
    const __m256i seen = proxies->is_exact ? offset : bits;
    proxies->any = _mm256_or_si256(proxies->any, count >= 4 ? seen : _mm256_and_si256(seen, there));
    const __m256i columns = _mm256_add_epi64(proxies->columns, SET1(ST_LEAST_PROXY + column));
    const __m256i proxy = _mm256_add_epi64(_mm256_sll_epi64(offset, proxies->left), columns);
    return count >= 4 ? proxy : blend_wide(LAST, proxy, there);
}

INLINE uint64_t any_of(const struct wide_proxies *proxies) {
    uint64_t any[4];
    _mm256_storeu_si256((__m256i *)(void *)any, proxies->any);
    return any[0] | any[1] | any[2] | any[3];
}

INLINE void transpose_wide_4(__m256i *v) {
    const __m256i a = _mm256_unpacklo_epi64(v[0], v[1]), b = _mm256_unpackhi_epi64(v[0], v[1]);
    const __m256i c = _mm256_unpacklo_epi64(v[2], v[3]), d = _mm256_unpackhi_epi64(v[2], v[3]);
    v[0] = _mm256_permute2x128_si256(a, c, 0x20);
    v[1] = _mm256_permute2x128_si256(b, d, 0x20);
    v[2] = _mm256_permute2x128_si256(a, c, 0x31);
    v[3] = _mm256_permute2x128_si256(b, d, 0x31);
}

#include "backends/cpu/lane_networks.inc"
#endif
