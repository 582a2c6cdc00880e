/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * lanes_avx512.h - what AVX-512 does better by hand than the compiler does with class.inc's loops: finding the elements that
 * pass a test, and appending them with compress instructions instead of one at a time.
 */
#ifndef ST_CPU_LANES_AVX512_H
#define ST_CPU_LANES_AVX512_H

#include <immintrin.h>

#include "backends/cpu/hits_avx512.h"
#include "backends/cpu/kernels.h"
#include "backends/cpu/mask_avx512.h"
#include "backends/cpu/minima_avx512.h"
#include "backends/cpu/sort_avx512.h"

/* What class.inc and classes.inc take from here. */
#define LANES_HITS 1
#define LANES_APPEND 1
#define LANES_SELECT st_avx512_select
#define LANES_SORT st_avx512_sort
#define LANES_MINIMA(bits) ((bits) == 32)
#define LANES_MASKS(bits) ((bits) == 32)
#define LANES_LIST_HITS list_hits
#define LANES_SORT_FIRST st_avx512_sort_first
#define LANES_SORT_FIRST_APART st_avx512_sort_first_apart

/* 16 keys as 32-bit lanes. */
static inline __m512i keys_of_8(const uint8_t *keys) { return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)keys)); }
static inline __m512i keys_of_16(const uint16_t *keys) {
    return _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)keys));
}

/*
 * Appends the entries of those of 16 keys that are within. Stores are whole: what they write too much is overwritten by the
 * next append, and out has room for every key that was passed. More than 8 are rare where entries are worth filtering.
 */
static inline size_t append_within(__mmask16 within, __m512i keys, __m512i indices, st_narrow *out) {
    const __m512i front = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512i back = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    const __m512i key = _mm512_maskz_compress_epi32(within, keys), index = _mm512_maskz_compress_epi32(within, indices);
    const size_t taken = st_mask_count(within);
    _mm512_storeu_si512(out, _mm512_permutex2var_epi32(index, front, key));
    if (__builtin_expect(taken > 8, 0)) _mm512_storeu_si512(out + 8, _mm512_permutex2var_epi32(index, back, key));
    return taken;
}

/* The same for keys less `least`, of which those up to span are within. */
static inline size_t append_16(__m512i keys, __m512i span, __m512i least, __m512i indices, st_narrow *out) {
    return append_within(_mm512_cmple_epu32_mask(keys, span), _mm512_add_epi32(keys, least), indices, out);
}

#define APPEND_NARROW(bits, type)                                                                                          \
    static inline size_t append_narrow_##bits(const type keys[128], type span, type least, uint64_t first, uint64_t mask, \
                                              st_narrow *out) {                                                           \
        const __m512i spans = _mm512_set1_epi32((int)span), leasts = _mm512_set1_epi32((int)least);                       \
        const __m512i steps = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);                    \
        const __m512i flips = _mm512_set1_epi32((int)(uint32_t)mask);                                                     \
        size_t taken = 0;                                                                                                 \
        for (uint32_t i = 0; i < 128; i += 16) {                                                                          \
            const __m512i indices = _mm512_add_epi32(_mm512_set1_epi32((int)((uint32_t)first + i)), steps);               \
            taken += append_16(keys_of_##bits(keys + i), spans, leasts, _mm512_xor_si512(indices, flips), out + taken);   \
        }                                                                                                                 \
        return taken;                                                                                                     \
    }

APPEND_NARROW(8, uint8_t)
APPEND_NARROW(16, uint16_t)
#undef APPEND_NARROW

/*
 * The entries of the elements at `found` positions that are still within span. The last 16 lanes are whole, so as above out
 * has room for them: a chunk's elements are a multiple of 16.
 */
static inline size_t enter_narrow_32(const st_order *order, const uint32_t *elements, const uint32_t *positions, size_t found,
                                     uint32_t least, uint32_t span, uint32_t first, uint64_t mask, st_narrow *out) {
    const __m512i fill = _mm512_set1_epi32((int)order->negative_fill), top = _mm512_set1_epi32((int)order->negative_zero);
    const __m512i flip = _mm512_set1_epi32((int)order->flip), nan_key = _mm512_set1_epi32((int)order->nan_key);
    const __m512i magnitude = _mm512_set1_epi32(0x7fffffff), infinity = _mm512_set1_epi32((int)order->infinity);
    const __m512i spans = _mm512_set1_epi32((int)span), leasts = _mm512_set1_epi32((int)least);
    const __m512i firsts = _mm512_set1_epi32((int)first), flips = _mm512_set1_epi32((int)(uint32_t)mask);
    size_t taken = 0;
    for (size_t i = 0; i < found; i += 16) {
        const __mmask16 there = (__mmask16)(found - i >= 16 ? 0xffff : (1u << (found - i)) - 1);
        const __m512i position = _mm512_loadu_si512(positions + i);
        const __m512i bits = _mm512_mask_i32gather_epi32(top, there, position, elements, 4);
        const __m512i plain = _mm512_maskz_mov_epi32(_mm512_cmpneq_epi32_mask(bits, top), bits);
        const __m512i folded = _mm512_ternarylogic_epi64(plain, _mm512_srai_epi32(plain, 31), fill, 0x78); /* a ^ (b & c) */
        const __mmask16 nan = _mm512_cmpgt_epu32_mask(_mm512_and_si512(bits, magnitude), infinity);
        const __m512i key = _mm512_mask_mov_epi32(_mm512_xor_si512(folded, flip), nan, nan_key);
        const __mmask16 within = _mm512_mask_cmple_epu32_mask(there, _mm512_sub_epi32(key, leasts), spans);
        taken += append_within(within, key, _mm512_xor_si512(_mm512_add_epi32(position, firsts), flips), out + taken);
    }
    return taken;
}

/*
 * Appends the entries of those of `count` elements, a multiple of 16, that are within span. As above each store is whole, and
 * what it writes too much is overwritten, or within the room for the elements that were passed.
 */
static inline size_t append_elements_32(const st_order *order, const uint32_t *elements, size_t count, uint32_t least, uint32_t span,
                                        uint32_t first, uint64_t mask, st_narrow *out) {
    const __m512i fill = _mm512_set1_epi32((int)order->negative_fill), flip = _mm512_set1_epi32((int)order->flip);
    const __m512i nan_key = _mm512_set1_epi32((int)order->nan_key), leasts = _mm512_set1_epi32((int)least);
    const __m512i spans = _mm512_set1_epi32((int)span), flips = _mm512_set1_epi32((int)(uint32_t)mask);
    const int is_float = order->negative_zero != 0;
    __m512i column = _mm512_add_epi32(_mm512_set1_epi32((int)first), _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    size_t taken = 0;
    for (size_t i = 0; i < count; i += 16) {
        __m512i bits = _mm512_loadu_si512(elements + i);
        __mmask16 nan = 0;
        if (is_float) { /* adding zero makes +0 of both zeros, and leaves every other number as it is */
            const __m512 number = _mm512_add_ps(_mm512_castsi512_ps(bits), _mm512_setzero_ps());
            nan = _mm512_cmp_ps_mask(number, number, _CMP_UNORD_Q);
            bits = _mm512_castps_si512(number);
        }
        const __m512i folded = _mm512_ternarylogic_epi64(bits, _mm512_srai_epi32(bits, 31), fill, 0x78); /* a ^ (b & c) */
        const __m512i key = _mm512_mask_mov_epi32(_mm512_xor_si512(folded, flip), nan, nan_key);
        const __mmask16 within = _mm512_cmple_epu32_mask(_mm512_sub_epi32(key, leasts), spans);
        taken += append_within(within, key, _mm512_xor_si512(column, flips), out + taken);
        column = _mm512_add_epi32(column, _mm512_set1_epi32(16));
    }
    return taken;
}

/* The wide entries of 128 keys (less `least`) within span: pairs of key and index, 8 at a time. */
static inline size_t append_wide_64(const uint64_t keys[128], uint64_t span, uint64_t least, uint64_t first, uint64_t mask,
                                    st_wide *out) {
    const __m512i spans = _mm512_set1_epi64((long long)span), leasts = _mm512_set1_epi64((long long)least);
    const __m512i steps = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7), flips = _mm512_set1_epi64((long long)mask);
    const __m512i front = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), back = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
    size_t taken = 0;
    for (uint64_t i = 0; i < 128; i += 8) {
        const __m512i block = _mm512_loadu_si512(keys + i);
        const __mmask8 within = _mm512_cmple_epu64_mask(block, spans);
        const __m512i indices = _mm512_xor_si512(_mm512_add_epi64(_mm512_set1_epi64((long long)(first + i)), steps), flips);
        const __m512i key = _mm512_maskz_compress_epi64(within, _mm512_add_epi64(block, leasts));
        const __m512i index = _mm512_maskz_compress_epi64(within, indices);
        _mm512_storeu_si512(out + taken, _mm512_permutex2var_epi64(key, front, index));
        _mm512_storeu_si512(out + taken + 4, _mm512_permutex2var_epi64(key, back, index));
        taken += st_mask_count(within);
    }
    return taken;
}

#endif
