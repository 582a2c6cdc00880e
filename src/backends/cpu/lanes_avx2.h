/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * lanes_avx2.h - what AVX2 does better by hand than the compiler does with class.inc's loops: finding the elements that pass
 * a test, appending them by a permutation for each four instead of one at a time, the least keys of blocks, and selecting and
 * sorting entries.
 */
#ifndef ST_CPU_LANES_AVX2_H
#define ST_CPU_LANES_AVX2_H

#include <immintrin.h>

#include "backends/cpu/front_avx2.h"
#include "backends/cpu/hits_avx2.h"
#include "backends/cpu/kernels.h"
#include "backends/cpu/minima_avx2.h"
#include "backends/cpu/sort_avx2.h"

/* What class.inc and classes.inc take from here. */
#define LANES_HITS 1
#define LANES_APPEND 1
#define LANES_SELECT st_avx2_select
#define LANES_SORT st_avx2_sort
#define LANES_SORT_FIRST st_avx2_sort_first
#define LANES_SORT_FIRST_APART st_avx2_sort_first_apart
#define LANES_MINIMA(bits) ((bits) == 32)
#define LANES_LIST_HITS st_list_hits

static inline __m256i keys_of_8(const uint8_t *keys) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)keys)); }
static inline __m256i keys_of_16(const uint16_t *keys) {
    return _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)keys));
}

static inline __m256i up_to_32(__m256i v, __m256i most) { return _mm256_cmpeq_epi32(_mm256_min_epu32(v, most), v); }

/*
 * Appends the entries of those of 8 keys that are within. Both stores are whole: what each writes too much is overwritten by
 * the next append, and out has room for every key that was passed.
 */
static inline size_t append_within(__m256i within, __m256i keys, __m256i indices, st_narrow *out) {
    const uint32_t mask = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(within));
    const __m256i even = _mm256_unpacklo_epi32(indices, keys), odd = _mm256_unpackhi_epi32(indices, keys); /* pairs of entries */
    const __m256i low = st_lanes_in_front(_mm256_permute2x128_si256(even, odd, 0x20), mask & 15);
    const __m256i high = st_lanes_in_front(_mm256_permute2x128_si256(even, odd, 0x31), mask >> 4);
    const size_t lower = (size_t)__builtin_popcount(mask & 15);
    _mm256_storeu_si256((__m256i *)(void *)out, low);
    _mm256_storeu_si256((__m256i *)(void *)(out + lower), high);
    return (size_t)__builtin_popcount(mask);
}

#define APPEND_NARROW(bits, type)                                                                                          \
    static inline size_t append_narrow_##bits(const type keys[128], type span, type least, uint64_t first, uint64_t mask, \
                                              st_narrow *out) {                                                           \
        const __m256i spans = _mm256_set1_epi32((int)span), leasts = _mm256_set1_epi32((int)least);                       \
        const __m256i flips = _mm256_set1_epi32((int)(uint32_t)mask), steps = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);  \
        size_t taken = 0;                                                                                                 \
        for (uint32_t i = 0; i < 128; i += 8) {                                                                           \
            const __m256i eight = keys_of_##bits(keys + i);                                                               \
            const __m256i indices = _mm256_add_epi32(_mm256_set1_epi32((int)((uint32_t)first + i)), steps);               \
            taken += append_within(up_to_32(eight, spans), _mm256_add_epi32(eight, leasts),                               \
                                   _mm256_xor_si256(indices, flips), out + taken);                                        \
        }                                                                                                                 \
        return taken;                                                                                                     \
    }

APPEND_NARROW(8, uint8_t)
APPEND_NARROW(16, uint16_t)
#undef APPEND_NARROW

/* Eight elements as keys. */
static inline __attribute__((always_inline)) __m256i keys_of_elements(const st_order *order, __m256i bits) {
    const __m256i fill = _mm256_set1_epi32((int)order->negative_fill), flip = _mm256_set1_epi32((int)order->flip);
    const __m256i nan_key = _mm256_set1_epi32((int)order->nan_key);
    if (order->negative_zero == 0) return _mm256_xor_si256(bits, flip);
    /* Adding zero makes +0 of both zeros, and leaves every other number as it is. */
    const __m256 number = _mm256_add_ps(_mm256_castsi256_ps(bits), _mm256_setzero_ps());
    const __m256 nan = _mm256_cmp_ps(number, number, _CMP_UNORD_Q);
    bits = _mm256_castps_si256(number);
    const __m256i folded = _mm256_xor_si256(bits, _mm256_and_si256(_mm256_srai_epi32(bits, 31), fill));
    return _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(_mm256_xor_si256(folded, flip)), _mm256_castsi256_ps(nan_key), nan));
}

/*
 * The entries of the elements at `found` positions that are still within span. The last eight lanes are whole, so as above
 * out has room for them: a chunk's elements are a multiple of eight.
 */
static inline size_t enter_narrow_32(const st_order *order, const uint32_t *elements, const uint32_t *positions, size_t found,
                                     uint32_t least, uint32_t span, uint32_t first, uint64_t mask, st_narrow *out) {
    const __m256i spans = _mm256_set1_epi32((int)span), leasts = _mm256_set1_epi32((int)least);
    const __m256i firsts = _mm256_set1_epi32((int)first), flips = _mm256_set1_epi32((int)(uint32_t)mask);
    const __m256i steps = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    size_t taken = 0;
    for (size_t i = 0; i < found; i += 8) {
        const __m256i there = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(found - i < 8 ? found - i : 8)), steps);
        const __m256i position = _mm256_loadu_si256((const __m256i *)(const void *)(positions + i));
        const __m256i bits = _mm256_mask_i32gather_epi32(_mm256_setzero_si256(), (const int *)(const void *)elements, position, there, 4);
        const __m256i key = keys_of_elements(order, bits);
        const __m256i within = _mm256_and_si256(there, up_to_32(_mm256_sub_epi32(key, leasts), spans));
        taken += append_within(within, key, _mm256_xor_si256(_mm256_add_epi32(position, firsts), flips), out + taken);
    }
    return taken;
}

/* Appends the entries of those of `count` elements, a multiple of 8, that are within span. */
static inline size_t append_elements_32(const st_order *order, const uint32_t *elements, size_t count, uint32_t least, uint32_t span,
                                        uint32_t first, uint64_t mask, st_narrow *out) {
    const __m256i spans = _mm256_set1_epi32((int)span), leasts = _mm256_set1_epi32((int)least);
    const __m256i flips = _mm256_set1_epi32((int)(uint32_t)mask), eight = _mm256_set1_epi32(8);
    __m256i column = _mm256_add_epi32(_mm256_set1_epi32((int)first), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    size_t taken = 0;
    for (size_t i = 0; i < count; i += 8) {
        const __m256i key = keys_of_elements(order, _mm256_loadu_si256((const __m256i *)(const void *)(elements + i)));
        const __m256i within = up_to_32(_mm256_sub_epi32(key, leasts), spans);
        taken += append_within(within, key, _mm256_xor_si256(column, flips), out + taken);
        column = _mm256_add_epi32(column, eight);
    }
    return taken;
}

/* The wide entries of 128 keys (less `least`) within span: pairs of key and index, 4 at a time. */
static inline size_t append_wide_64(const uint64_t keys[128], uint64_t span, uint64_t least, uint64_t first, uint64_t mask,
                                    st_wide *out) {
    const __m256i top = _mm256_set1_epi64x(INT64_MIN); /* comparisons are signed here */
    const __m256i spans = _mm256_xor_si256(_mm256_set1_epi64x((long long)span), top), leasts = _mm256_set1_epi64x((long long)least);
    const __m256i steps = _mm256_setr_epi64x(0, 1, 2, 3), flips = _mm256_set1_epi64x((long long)mask);
    size_t taken = 0;
    for (uint64_t i = 0; i < 128; i += 4) {
        const __m256i four = _mm256_loadu_si256((const __m256i *)(const void *)(keys + i));
        const __m256i beyond = _mm256_cmpgt_epi64(_mm256_xor_si256(four, top), spans);
        const uint32_t within = (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(beyond)) ^ 15;
        const __m256i indices = _mm256_xor_si256(_mm256_add_epi64(_mm256_set1_epi64x((long long)(first + i)), steps), flips);
        const __m256i key = st_lanes_in_front(_mm256_add_epi64(four, leasts), within), index = st_lanes_in_front(indices, within);
        const __m256i even = _mm256_unpacklo_epi64(key, index), odd = _mm256_unpackhi_epi64(key, index);
        _mm256_storeu_si256((__m256i *)(void *)(out + taken), _mm256_permute2x128_si256(even, odd, 0x20));
        _mm256_storeu_si256((__m256i *)(void *)(out + taken + 2), _mm256_permute2x128_si256(even, odd, 0x31));
        taken += (size_t)__builtin_popcount(within);
    }
    return taken;
}

#endif
