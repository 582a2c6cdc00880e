/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* minima_avx2.h - the least turned keys of 32-bit lanes with AVX2: the 16 lanes of a cache line are two registers. */
#ifndef ST_CPU_MINIMA_AVX2_H
#define ST_CPU_MINIMA_AVX2_H

#include <immintrin.h>

#include "backends/cpu/turned.h"

static inline __m256i turn_lanes(const st_turn *turn, __m256i bits) {
    const __m256i folded = _mm256_xor_si256(
        bits, _mm256_and_si256(_mm256_srai_epi32(bits, 31), _mm256_set1_epi32((int)turn->negative_fill)));
    return _mm256_xor_si256(_mm256_sub_epi32(folded, _mm256_set1_epi32((int)turn->start)),
                            _mm256_set1_epi32((int)turn->complement));
}

static inline __m256i load_lanes(const uint32_t *from) { return _mm256_loadu_si256((const __m256i *)(const void *)from); }
static inline void store_lanes(uint32_t *to, __m256i v) { _mm256_storeu_si256((__m256i *)(void *)to, v); }

/* Keeps a block's least keys of eight lanes, and lowers the folded ones to them. */
static inline void keep_lanes(__m256i least, uint32_t *minima, uint32_t *folded) {
    store_lanes(minima, least);
    store_lanes(folded, _mm256_min_epu32(load_lanes(folded), least));
}

static inline int any_up_to_32(const uint32_t *minima, uint32_t bound) {
    const __m256i bounds = _mm256_set1_epi32((int)bound);
    const __m256i least = _mm256_min_epu32(load_lanes(minima), load_lanes(minima + 8));
    return !_mm256_testz_si256(_mm256_cmpeq_epi32(_mm256_min_epu32(least, bounds), least), _mm256_set1_epi32(-1));
}

/*
 * Floats are compared as such, one operation for each eight: the best of each lane, NaN passed over (maxps and minps return
 * their second operand where either is NaN). Where NaN comes first, a block that has any gets the best key in lane 0: it
 * stands for the NaN, which is an element of its own. A lane with nothing but NaN is left with the worst number, which is
 * then said of a NaN; so where NaN comes last, that number is taken for one.
 */
#define BEST_FLOATS(BEST, WORST)                                                                                          \
    for (size_t b = 0; b < blocks; b++, minima += 16) {                                                                   \
        const __m256 worst = _mm256_castsi256_ps(_mm256_set1_epi32((int)(WORST)));                                        \
        __m256 best[8] = {worst, worst, worst, worst, worst, worst, worst, worst};                                        \
        __m256 nan = _mm256_setzero_ps();                                                                                 \
        for (size_t at = 0; at < block; at += 64, elements += 64)                                                         \
            for (int i = 0; i < 8; i += 2) {                                                                              \
                const __m256 v = _mm256_castsi256_ps(load_lanes(elements + 8 * i));                                       \
                const __m256 w = _mm256_castsi256_ps(load_lanes(elements + 8 * i + 8));                                   \
                best[i] = BEST(v, best[i]);                                                                               \
                best[i + 1] = BEST(w, best[i + 1]);                                                                       \
                nan = _mm256_or_ps(nan, _mm256_cmp_ps(v, w, _CMP_UNORD_Q));                                               \
            }                                                                                                             \
        uint32_t *to = folded + (b * 16 & (groups - 1));                                                                  \
        __m256i first = _mm256_setr_epi32(_mm256_movemask_ps(nan) != 0 ? 0 : -1, -1, -1, -1, -1, -1, -1, -1);             \
        for (int i = 0; i < 2; i++, first = _mm256_set1_epi32(-1)) {                                                      \
            const __m256 of_all = BEST(BEST(best[i], best[i + 2]), BEST(best[i + 4], best[i + 6]));                       \
            const __m256i all = turn_lanes(&turn, _mm256_castps_si256(of_all));                                           \
            const __m256i last = _mm256_or_si256(all, _mm256_cmpeq_epi32(all, worst_turned));                             \
            keep_lanes(turn.nan_first ? _mm256_and_si256(all, first) : last, minima + 8 * i, to + 8 * i);                 \
        }                                                                                                                 \
    }

static void lane_minima_32(st_turn turn, const uint32_t *elements, size_t block, size_t blocks, uint32_t *minima, size_t groups,
                           uint32_t *folded) {
    if (turn.infinity <= UINT32_MAX) {
        const uint32_t minus_infinity = (uint32_t)turn.infinity | 0x80000000u, infinity = (uint32_t)turn.infinity;
        const __m256i worst_turned = turn_lanes(&turn, _mm256_set1_epi32((int)(turn.descending ? minus_infinity : infinity)));
        if (turn.descending)
            BEST_FLOATS(_mm256_max_ps, minus_infinity)
        else
            BEST_FLOATS(_mm256_min_ps, infinity)
        return;
    }
    turn.negative_fill = 0; /* integers have nothing to fold, and the compiler may know */
    for (size_t b = 0; b < blocks; b++, minima += 16) {
        __m256i least[4];
        for (int i = 0; i < 4; i++) least[i] = _mm256_set1_epi32(-1);
        for (size_t at = 0; at < block; at += 64, elements += 64)
            for (int i = 0; i < 8; i++)
                least[i & 3] = _mm256_min_epu32(least[i & 3], turn_lanes(&turn, load_lanes(elements + 8 * i)));
        uint32_t *to = folded + (b * 16 & (groups - 1));
        for (int i = 0; i < 2; i++) keep_lanes(_mm256_min_epu32(least[i], least[i + 2]), minima + 8 * i, to + 8 * i);
    }
}

#undef BEST_FLOATS
#endif
