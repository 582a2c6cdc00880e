/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * sort_avx2.c - quicksort and quickselect of 64-bit integers with AVX2: four lanes at a time in the base and when splitting.
 * Splitting by one permutation is from M. Blacher, J. Giesen, L. Kuehne, "Fast and robust vectorized in-place sorting of
 * primitive types", SEA 2021.
 */
#if defined(__x86_64__)
#include "backends/cpu/sort_avx2.h"

#include <immintrin.h>
#include <string.h>

#include "backends/cpu/front_avx2.h"

#define INLINE static inline __attribute__((always_inline))
#define SORT_NAME(operation) st_avx2_##operation

/* Comparisons are signed here: entries are held with their top bit flipped. */
INLINE __m256i top_flipped(__m256i v) { return _mm256_xor_si256(v, _mm256_set1_epi64x(INT64_MIN)); }

/* Lanes of b where `mask` is all ones, of a where it is 0. */
INLINE __m256i blended(__m256i a, __m256i b, __m256i mask) {
    return _mm256_castpd_si256(_mm256_blendv_pd(_mm256_castsi256_pd(a), _mm256_castsi256_pd(b), _mm256_castsi256_pd(mask)));
}

/*
 * After it a <= b in every lane. The greater is what the other two leave of all three's exclusive or: comparing and blending
 * keep two of the processor's four vector units busy, logic runs on any.
 */
INLINE void order_pair(__m256i *a, __m256i *b) {
    const __m256i low = blended(*a, *b, _mm256_cmpgt_epi64(*a, *b));
    *b = _mm256_xor_si256(_mm256_xor_si256(*a, *b), low);
    *a = low;
}

/* The same, but a >= b in the lanes of `upper`. */
INLINE void order_within(__m256i *a, __m256i *b, unsigned upper) {
    const __m256i bits = _mm256_setr_epi64x(1, 2, 4, 8);
    const __m256i lanes = _mm256_cmpeq_epi64(_mm256_and_si256(_mm256_set1_epi64x((long long)upper), bits), bits);
    const __m256i first = blended(*a, *b, _mm256_xor_si256(_mm256_cmpgt_epi64(*a, *b), lanes));
    *b = _mm256_xor_si256(_mm256_xor_si256(*a, *b), first);
    *a = first;
}

/* The compiler must not see through a row: it would undo the flips of the top bit by longer chains of exclusive ors. */
INLINE __m256i opaque(__m256i v) {
    __asm__("" : "+x"(v));
    return v;
}

INLINE __m256i lanes_below(ptrdiff_t count) {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
}

INLINE __m256i load_row(const st_narrow *from) { return opaque(top_flipped(_mm256_loadu_si256((const void *)from))); }
INLINE void store_row(st_narrow *to, __m256i v) { _mm256_storeu_si256((void *)to, top_flipped(opaque(v))); }
INLINE __m256i load_row_padded(const st_narrow *from, ptrdiff_t count) {
    const __m256i lanes = lanes_below(count);
    const __m256i v = _mm256_maskload_epi64((const void *)from, lanes);
    return opaque(blended(_mm256_set1_epi64x(INT64_MAX), top_flipped(v), lanes));
}
INLINE void store_row_padded(st_narrow *to, ptrdiff_t count, __m256i v) {
    if (count >= 4) /* masked stores are slow */
        store_row(to, v);
    else if (count > 0)
        _mm256_maskstore_epi64((void *)to, lanes_below(count), top_flipped(opaque(v)));
}

#define HALF ST_AVX2_SORT_HALF
#include "backends/cpu/sort_columns.inc"

typedef __m256i VECTOR;
#define WIDTH ST_AVX2_SORT_WIDTH
INLINE VECTOR load_vector(const st_narrow *from) { return _mm256_loadu_si256((const void *)from); }
INLINE VECTOR vector_of(st_narrow entry) { return top_flipped(_mm256_set1_epi64x((long long)entry)); }

/* Writes the lanes below the pivot to the left end, the others to the right; what else each store writes is in the gap. */
INLINE void spread(VECTOR v, VECTOR pivots, st_narrow **left, st_narrow **right) {
    const __m256i below = _mm256_cmpgt_epi64(pivots, top_flipped(v));
    const unsigned mask = (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(below));
    const unsigned lower = (unsigned)__builtin_popcount(mask);
    v = st_lanes_in_front(v, mask);
    _mm256_storeu_si256((void *)*left, v);
    _mm256_storeu_si256((void *)(*right - WIDTH), v);
    *left += lower;
    *right -= WIDTH - lower;
}

#include "backends/cpu/sort_split.inc"
#include "backends/cpu/sort_buckets.inc"

#endif
