/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * sort_avx512.c - quicksort and quickselect of 64-bit integers with AVX-512: four lanes at a time in the base, eight when
 * splitting.
 * Splitting by one permutation is from M. Blacher, J. Giesen, L. Kuehne, "Fast and robust vectorized in-place sorting of
 * primitive types", SEA 2021.
 */
#if defined(__x86_64__)
#include "backends/cpu/sort_avx512.h"

#include <immintrin.h>
#include <string.h>

#include "backends/cpu/mask_avx512.h"

#define INLINE static inline __attribute__((always_inline))
#define SORT_NAME(operation) st_avx512_##operation

/*
 * After it a <= b in every lane. The greater is what the other two leave of all three's exclusive or: minima keep two of
 * the processor's four vector units busy, logic runs on any.
 */
INLINE void order_pair(__m256i *a, __m256i *b) {
    const __m256i low = _mm256_min_epu64(*a, *b);
    *b = _mm256_ternarylogic_epi64(*a, *b, low, 0x96);
    *a = low;
}

/* The same, but a >= b in the lanes of `upper`. */
INLINE void order_within(__m256i *a, __m256i *b, __mmask8 upper) {
    const __m256i low = _mm256_min_epu64(*a, *b);
    const __m256i first = _mm256_mask_ternarylogic_epi64(low, upper, *a, *b, 0x96);
    *b = _mm256_ternarylogic_epi64(*a, *b, first, 0x96);
    *a = first;
}

/* The compiler must not see that rows lie side by side: it would load them in pairs, and take these apart through memory. */
INLINE __m256i opaque(__m256i v) {
    __asm__("" : "+v"(v));
    return v;
}

INLINE __mmask8 lanes_below(ptrdiff_t count) {
    return _mm256_cmpgt_epi64_mask(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
}

INLINE __m256i load_row(const st_narrow *from) { return opaque(_mm256_loadu_si256((const void *)from)); }
INLINE void store_row(st_narrow *to, __m256i v) { _mm256_storeu_si256((void *)to, opaque(v)); }
INLINE __m256i load_row_padded(const st_narrow *from, ptrdiff_t count) {
    return _mm256_mask_loadu_epi64(_mm256_set1_epi64x(-1), lanes_below(count), from);
}
INLINE void store_row_padded(st_narrow *to, ptrdiff_t count, __m256i v) {
    _mm256_mask_storeu_epi64(to, lanes_below(count), v);
}

#define HALF ST_AVX512_SORT_HALF
#include "backends/cpu/sort_columns.inc"

typedef __m512i VECTOR;
#define WIDTH ST_AVX512_SORT_WIDTH
INLINE VECTOR load_vector(const st_narrow *from) { return _mm512_loadu_si512(from); }
INLINE VECTOR vector_of(st_narrow entry) { return _mm512_set1_epi64((long long)entry); }

/* For every mask its lanes and then the others, three bits a lane. */
static const uint32_t lanes_in_front[256] = {
    0xfac688, 0xfac688, 0xfac681, 0xfac688, 0xfac642, 0xfac650, 0xfac611, 0xfac688, 0xfac443, 0xfac458,
    0xfac419, 0xfac4c8, 0xfac21a, 0xfac2d0, 0xfac0d1, 0xfac688, 0xfab444, 0xfab460, 0xfab421, 0xfab508,
    0xfab222, 0xfab310, 0xfab111, 0xfab888, 0xfaa223, 0xfaa318, 0xfaa119, 0xfaa8c8, 0xfa911a, 0xfa98d0,
    0xfa88d1, 0xfac688, 0xfa3445, 0xfa3468, 0xfa3429, 0xfa3548, 0xfa322a, 0xfa3350, 0xfa3151, 0xfa3a88,
    0xfa222b, 0xfa2358, 0xfa2159, 0xfa2ac8, 0xfa115a, 0xfa1ad0, 0xfa0ad1, 0xfa5688, 0xf9a22c, 0xf9a360,
    0xf9a161, 0xf9ab08, 0xf99162, 0xf99b10, 0xf98b11, 0xf9d888, 0xf91163, 0xf91b18, 0xf90b19, 0xf958c8,
    0xf88b1a, 0xf8d8d0, 0xf858d1, 0xfac688, 0xf63446, 0xf63470, 0xf63431, 0xf63588, 0xf63232, 0xf63390,
    0xf63191, 0xf63c88, 0xf62233, 0xf62398, 0xf62199, 0xf62cc8, 0xf6119a, 0xf61cd0, 0xf60cd1, 0xf66688,
    0xf5a234, 0xf5a3a0, 0xf5a1a1, 0xf5ad08, 0xf591a2, 0xf59d10, 0xf58d11, 0xf5e888, 0xf511a3, 0xf51d18,
    0xf50d19, 0xf568c8, 0xf48d1a, 0xf4e8d0, 0xf468d1, 0xf74688, 0xf1a235, 0xf1a3a8, 0xf1a1a9, 0xf1ad48,
    0xf191aa, 0xf19d50, 0xf18d51, 0xf1ea88, 0xf111ab, 0xf11d58, 0xf10d59, 0xf16ac8, 0xf08d5a, 0xf0ead0,
    0xf06ad1, 0xf35688, 0xed11ac, 0xed1d60, 0xed0d61, 0xed6b08, 0xec8d62, 0xeceb10, 0xec6b11, 0xef5888,
    0xe88d63, 0xe8eb18, 0xe86b19, 0xeb58c8, 0xe46b1a, 0xe758d0, 0xe358d1, 0xfac688, 0xd63447, 0xd63478,
    0xd63439, 0xd635c8, 0xd6323a, 0xd633d0, 0xd631d1, 0xd63e88, 0xd6223b, 0xd623d8, 0xd621d9, 0xd62ec8,
    0xd611da, 0xd61ed0, 0xd60ed1, 0xd67688, 0xd5a23c, 0xd5a3e0, 0xd5a1e1, 0xd5af08, 0xd591e2, 0xd59f10,
    0xd58f11, 0xd5f888, 0xd511e3, 0xd51f18, 0xd50f19, 0xd578c8, 0xd48f1a, 0xd4f8d0, 0xd478d1, 0xd7c688,
    0xd1a23d, 0xd1a3e8, 0xd1a1e9, 0xd1af48, 0xd191ea, 0xd19f50, 0xd18f51, 0xd1fa88, 0xd111eb, 0xd11f58,
    0xd10f59, 0xd17ac8, 0xd08f5a, 0xd0fad0, 0xd07ad1, 0xd3d688, 0xcd11ec, 0xcd1f60, 0xcd0f61, 0xcd7b08,
    0xcc8f62, 0xccfb10, 0xcc7b11, 0xcfd888, 0xc88f63, 0xc8fb18, 0xc87b19, 0xcbd8c8, 0xc47b1a, 0xc7d8d0,
    0xc3d8d1, 0xdec688, 0xb1a23e, 0xb1a3f0, 0xb1a1f1, 0xb1af88, 0xb191f2, 0xb19f90, 0xb18f91, 0xb1fc88,
    0xb111f3, 0xb11f98, 0xb10f99, 0xb17cc8, 0xb08f9a, 0xb0fcd0, 0xb07cd1, 0xb3e688, 0xad11f4, 0xad1fa0,
    0xad0fa1, 0xad7d08, 0xac8fa2, 0xacfd10, 0xac7d11, 0xafe888, 0xa88fa3, 0xa8fd18, 0xa87d19, 0xabe8c8,
    0xa47d1a, 0xa7e8d0, 0xa3e8d1, 0xbf4688, 0x8d11f5, 0x8d1fa8, 0x8d0fa9, 0x8d7d48, 0x8c8faa, 0x8cfd50,
    0x8c7d51, 0x8fea88, 0x888fab, 0x88fd58, 0x887d59, 0x8beac8, 0x847d5a, 0x87ead0, 0x83ead1, 0x9f5688,
    0x688fac, 0x68fd60, 0x687d61, 0x6beb08, 0x647d62, 0x67eb10, 0x63eb11, 0x7f5888, 0x447d63, 0x47eb18,
    0x43eb19, 0x5f58c8, 0x23eb1a, 0x3f58d0, 0x1f58d1, 0xfac688};

/* Writes the lanes below the pivot to the left end, the others to the right; what else each store writes is in the gap. */
INLINE void spread(VECTOR v, VECTOR pivots, st_narrow **left, st_narrow **right) {
    const __m512i shifts = _mm512_setr_epi64(0, 3, 6, 9, 12, 15, 18, 21);
    const uint32_t below = st_mask_bits(_mm512_cmplt_epu64_mask(v, pivots));
    const uint32_t lower = (uint32_t)__builtin_popcount(below);
    const __m512i lanes = _mm512_srlv_epi64(_mm512_set1_epi32((int)lanes_in_front[below]), shifts);
    v = _mm512_permutexvar_epi64(lanes, v);
    _mm512_storeu_si512(*left, v);
    _mm512_storeu_si512(*right - WIDTH, v);
    *left += lower;
    *right -= WIDTH - lower;
}

#include "backends/cpu/sort_split.inc"
#include "backends/cpu/sort_buckets.inc"

#endif
