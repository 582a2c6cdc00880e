/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * lanes_avx512.h - what AVX-512 does better by hand than the compiler does with class.inc's loops: testing a block against a
 * bound without making keys, and appending the survivors with compress instructions instead of one at a time.
 */
#ifndef ST_CPU_LANES_AVX512_H
#define ST_CPU_LANES_AVX512_H

#include <immintrin.h>

#include "backends/cpu/kernels.h"
#include "backends/cpu/mask_avx512.h"
#include "backends/cpu/sort_avx512.h"

/* The classes, by bits, that hits_N exists for. */
#define LANES_HIT(bits) ((bits) == 32 || (bits) == 64)
#define LANES_APPEND 1
#define LANES_SELECT st_avx512_select
#define LANES_SORT st_avx512_sort

/*
 * Which of 128 elements may have a key up to high, a bit each; none is missed. A float key's comparison is a comparison of
 * floats, once descending orders are negated: "not greater than the bound, or unordered", so that NaN always passes here and
 * is sorted out by its key afterwards. Returns whether there is any.
 */
static inline int hits_32(const st_order *order, const uint32_t *elements, uint32_t high, uint64_t where[2]) {
    const uint32_t flip = (uint32_t)order->flip, top = 0x80000000u;
    const uint32_t raw = high ^ flip, sign = ~flip & top; /* the sign bit is to be changed where the order descends */
    if (order->negative_fill != 0) {
        const __m512i negate = _mm512_set1_epi32((int)sign);
        const __m512 bound = _mm512_castsi512_ps(_mm512_set1_epi32((int)((raw & top ? raw ^ (top - 1) : raw) ^ sign)));
        for (int half = 0; half < 2; half++) {
            __mmask16 m[4];
            for (int i = 0; i < 4; i++) {
                const __m512i x = _mm512_xor_si512(_mm512_loadu_si512(elements + half * 64 + i * 16), negate);
                m[i] = _mm512_cmp_ps_mask(_mm512_castsi512_ps(x), bound, _CMP_NGT_UQ);
            }
            where[half] = _cvtmask64_u64(_mm512_kunpackd(_mm512_kunpackw(m[3], m[2]), _mm512_kunpackw(m[1], m[0])));
        }
    } else {
        const __m512i flips = _mm512_set1_epi32((int)flip), bound = _mm512_set1_epi32((int)high);
        for (int half = 0; half < 2; half++) {
            __mmask16 m[4];
            for (int i = 0; i < 4; i++)
                m[i] = _mm512_cmple_epu32_mask(_mm512_xor_si512(_mm512_loadu_si512(elements + half * 64 + i * 16), flips), bound);
            where[half] = _cvtmask64_u64(_mm512_kunpackd(_mm512_kunpackw(m[3], m[2]), _mm512_kunpackw(m[1], m[0])));
        }
    }
    return (where[0] | where[1]) != 0;
}

static inline uint64_t join_8(const __mmask8 m[8]) {
    const __mmask16 a = _mm512_kunpackb(m[1], m[0]), b = _mm512_kunpackb(m[3], m[2]);
    const __mmask16 c = _mm512_kunpackb(m[5], m[4]), d = _mm512_kunpackb(m[7], m[6]);
    return _cvtmask64_u64(_mm512_kunpackd(_mm512_kunpackw(d, c), _mm512_kunpackw(b, a)));
}

static inline int hits_64(const st_order *order, const uint64_t *elements, uint64_t high, uint64_t where[2]) {
    const uint64_t top = (uint64_t)1 << 63, raw = high ^ order->flip, sign = ~order->flip & top;
    if (order->negative_fill != 0) {
        const __m512i negate = _mm512_set1_epi64((long long)sign);
        const __m512d bound = _mm512_castsi512_pd(_mm512_set1_epi64((long long)((raw & top ? raw ^ (top - 1) : raw) ^ sign)));
        for (int half = 0; half < 2; half++) {
            __mmask8 m[8];
            for (int i = 0; i < 8; i++) {
                const __m512i x = _mm512_xor_si512(_mm512_loadu_si512(elements + half * 64 + i * 8), negate);
                m[i] = _mm512_cmp_pd_mask(_mm512_castsi512_pd(x), bound, _CMP_NGT_UQ);
            }
            where[half] = join_8(m);
        }
    } else {
        const __m512i flips = _mm512_set1_epi64((long long)order->flip), bound = _mm512_set1_epi64((long long)high);
        for (int half = 0; half < 2; half++) {
            __mmask8 m[8];
            for (int i = 0; i < 8; i++)
                m[i] = _mm512_cmple_epu64_mask(_mm512_xor_si512(_mm512_loadu_si512(elements + half * 64 + i * 8), flips), bound);
            where[half] = join_8(m);
        }
    }
    return (where[0] | where[1]) != 0;
}

/* 16 keys as 32-bit lanes. */
static inline __m512i keys_of_8(const uint8_t *keys) { return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)keys)); }
static inline __m512i keys_of_16(const uint16_t *keys) {
    return _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)keys));
}
static inline __m512i keys_of_32(const uint32_t *keys) { return _mm512_loadu_si512(keys); }

/*
 * Appends the entries of 16 keys (less `least`) that are within span. Both stores are whole: the second half of each is
 * overwritten by the next append, and out has room for every key that was passed.
 */
static inline size_t append_16(__m512i keys, __m512i span, __m512i least, __m512i indices, st_narrow *out) {
    const __mmask16 within = _mm512_cmple_epu32_mask(keys, span);
    const __m512i key = _mm512_maskz_compress_epi32(within, _mm512_add_epi32(keys, least));
    const __m512i index = _mm512_maskz_compress_epi32(within, indices);
    const __m512i low = _mm512_or_si512(_mm512_slli_epi64(_mm512_cvtepu32_epi64(_mm512_castsi512_si256(key)), 32),
                                        _mm512_cvtepu32_epi64(_mm512_castsi512_si256(index)));
    const __m512i high = _mm512_or_si512(_mm512_slli_epi64(_mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(key, 1)), 32),
                                         _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(index, 1)));
    _mm512_storeu_si512(out, low);
    _mm512_storeu_si512(out + 8, high);
    return st_mask_count(within);
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
APPEND_NARROW(32, uint32_t)
#undef APPEND_NARROW

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
