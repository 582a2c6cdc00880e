/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* minima_avx512.h - the least turned keys of 32-bit lanes with AVX-512. */
#ifndef ST_CPU_MINIMA_AVX512_H
#define ST_CPU_MINIMA_AVX512_H

#include <immintrin.h>

#include "backends/cpu/hits_avx512.h"
#include "backends/cpu/turned.h"

static inline __m512i turn_lanes(const st_turn *turn, __m512i bits) {
    const __m512i folded =
        _mm512_ternarylogic_epi64(bits, _mm512_srai_epi32(bits, 31), _mm512_set1_epi32((int)turn->negative_fill), 0x78);
    return _mm512_xor_si512(_mm512_sub_epi32(folded, _mm512_set1_epi32((int)turn->start)),
                            _mm512_set1_epi32((int)turn->complement));
}

/* How many of the numbers, a multiple of 64, are no more than `most`. */
static inline size_t count_up_to_32(const uint32_t *numbers, size_t count, uint32_t most) {
    const __m512i bound = _mm512_set1_epi32((int)most);
    size_t within = 0;
#define UP_TO(at) _mm512_cmple_epu32_mask(_mm512_loadu_si512(numbers + (at)), bound)
    for (size_t g = 0; g < count; g += 64, numbers += 64)
        within += (size_t)__builtin_popcountll(join_4(UP_TO(0), UP_TO(16), UP_TO(32), UP_TO(48)));
#undef UP_TO
    return within;
}

/* What lanes are compared as: turned keys, or floats of which the greatest or the least come first. */
typedef enum st_compared { ST_COMPARED_TURNED, ST_COMPARED_GREATEST, ST_COMPARED_LEAST } st_compared;

/* What comes first in each lane; of floats b's, where either is NaN. */
static inline __attribute__((always_inline)) __m512i best_lanes(st_compared compared, __m512i a, __m512i b) {
    const __m512 x = _mm512_castsi512_ps(a), y = _mm512_castsi512_ps(b);
    if (compared == ST_COMPARED_TURNED) return _mm512_min_epu32(a, b);
    return _mm512_castps_si512(compared == ST_COMPARED_GREATEST ? _mm512_max_ps(x, y) : _mm512_min_ps(x, y));
}

/* The best of each of 16 lines of 16, in their order: each step joins two lines' halves, and leaves half as many. */
static inline __attribute__((always_inline)) __m512i best_of_lines(st_compared compared, const __m512i v[16]) {
    const __m512i order = _mm512_setr_epi32(0, 2, 1, 3, 8, 10, 9, 11, 4, 6, 5, 7, 12, 14, 13, 15);
    __m512i w[8], x[4], y[2];
    for (int i = 0; i < 8; i++)
        w[i] = best_lanes(compared, _mm512_shuffle_i32x4(v[i], v[i + 8], 0x44), _mm512_shuffle_i32x4(v[i], v[i + 8], 0xee));
    for (int i = 0; i < 4; i++)
        x[i] = best_lanes(compared, _mm512_shuffle_i32x4(w[i], w[i + 4], 0x88), _mm512_shuffle_i32x4(w[i], w[i + 4], 0xdd));
    for (int i = 0; i < 2; i++)
        y[i] = best_lanes(compared, _mm512_unpacklo_epi64(x[i], x[i + 2]), _mm512_unpackhi_epi64(x[i], x[i + 2]));
    const __m512 a = _mm512_castsi512_ps(y[0]), b = _mm512_castsi512_ps(y[1]);
    const __m512i front = _mm512_castps_si512(_mm512_shuffle_ps(a, b, 0x88)), back = _mm512_castps_si512(_mm512_shuffle_ps(a, b, 0xdd));
    return _mm512_permutexvar_epi32(order, best_lanes(compared, front, back));
}

/*
 * Keeps the least keys of block b's lanes until there are 16 such blocks, or no more: then each block's least is written. Lines
 * of all blocks would have to be read back from L2, where the row that is read meanwhile drives them.
 */
#define KEEP_LANES(least)                                                              \
    lines[b % 16] = (least);                                                           \
    uint32_t *to = folded + (b * 16 & (groups - 1));                                   \
    _mm512_storeu_si512(to, _mm512_min_epu32(_mm512_loadu_si512(to), (least)));        \
    if (b % 16 == 15 || b + 1 == blocks)                                               \
        _mm512_mask_storeu_epi32(minima + b / 16 * 16, (__mmask16)(0xffff >> (15 - b % 16)), best_of_lines(ST_COMPARED_TURNED, lines));

/*
 * Floats are compared as such, one operation for each 16: the best of each lane, NaN passed over (maxps and minps return
 * their second operand where either is NaN). Where NaN comes first, a block that has any gets the best key in lane 0: it
 * stands for the NaN, which is an element of its own. A lane with nothing but NaN is left with the worst number, which is
 * then said of a NaN; so where NaN comes last, that number is taken for one.
 */
#define BEST_FLOATS(BEST, WORST)                                                                                     \
    for (size_t b = 0; b < blocks; b++) {                                                                            \
        const __m512 worst = _mm512_castsi512_ps(_mm512_set1_epi32((int)(WORST)));                                   \
        __m512 best[4] = {worst, worst, worst, worst};                                                               \
        __mmask16 nan = 0;                                                                                           \
        for (size_t at = 0; at < block; at += 64, elements += 64) {                                                  \
            const __m512 v = _mm512_loadu_ps(elements), w = _mm512_loadu_ps(elements + 16);                          \
            const __m512 x = _mm512_loadu_ps(elements + 32), y = _mm512_loadu_ps(elements + 48);                     \
            best[0] = BEST(v, best[0]);                                                                              \
            best[1] = BEST(w, best[1]);                                                                              \
            best[2] = BEST(x, best[2]);                                                                              \
            best[3] = BEST(y, best[3]);                                                                              \
            nan = _kor_mask16(nan, _kor_mask16(_mm512_cmp_ps_mask(v, w, _CMP_UNORD_Q), _mm512_cmp_ps_mask(x, y, _CMP_UNORD_Q))); \
        }                                                                                                            \
        const __m512i all = turn_lanes(&turn, _mm512_castps_si512(BEST(BEST(best[0], best[1]), BEST(best[2], best[3])))); \
        const __m512i last = _mm512_mask_set1_epi32(all, _mm512_cmpeq_epi32_mask(all, worst_turned), -1);            \
        const __m512i first = _mm512_maskz_mov_epi32(nan ? 0xfffe : 0xffff, all);                                    \
        const __m512i least = turn.nan_first ? first : last;                                                         \
        KEEP_LANES(least)                                                                                            \
    }

static void lane_minima_32(st_turn turn, const uint32_t *elements, size_t block, size_t blocks, uint32_t *minima, size_t groups,
                           uint32_t *folded) {
    __m512i lines[16] = {_mm512_setzero_si512()};
    if (turn.infinity <= UINT32_MAX) {
        const uint32_t minus_infinity = (uint32_t)turn.infinity | 0x80000000u, infinity = (uint32_t)turn.infinity;
        const __m512i worst_turned = turn_lanes(&turn, _mm512_set1_epi32((int)(turn.descending ? minus_infinity : infinity)));
        if (turn.descending)
            BEST_FLOATS(_mm512_max_ps, minus_infinity)
        else
            BEST_FLOATS(_mm512_min_ps, infinity)
        return;
    }
    for (size_t b = 0; b < blocks; b++) {
        __m512i least = _mm512_set1_epi32(-1);
        for (size_t at = 0; at < block; at += 64, elements += 64)
            for (size_t j = 0; j < 64; j += 16) least = _mm512_min_epu32(least, turn_lanes(&turn, _mm512_loadu_si512(elements + j)));
        KEEP_LANES(least)
    }
}

/* Lists the blocks whose least key is up to `bound`. */
static size_t list_up_to_32(const uint32_t *minima, size_t blocks, uint32_t bound, uint32_t *list) {
    const __m512i steps = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i bounds = _mm512_set1_epi32((int)bound);
    size_t listed = 0;
    for (size_t b = 0; b < blocks; b += 16) {
        const __mmask16 there = (__mmask16)(blocks - b >= 16 ? 0xffff : (1u << (blocks - b)) - 1);
        const __mmask16 with = _mm512_mask_cmple_epu32_mask(there, _mm512_maskz_loadu_epi32(there, minima + b), bounds);
        const __m512i numbers = _mm512_maskz_compress_epi32(with, _mm512_add_epi32(_mm512_set1_epi32((int)b), steps));
        const uint32_t some = st_mask_count(with);
        _mm512_mask_storeu_epi32(list + listed, (__mmask16)((1u << some) - 1), numbers);
        listed += some;
    }
    return listed;
}

#undef BEST_FLOATS
#undef KEEP_LANES

/*
 * The same without a block's least keys: where the block begins that had it is kept beside the best so far of each lane, and
 * only a better one takes its place, so that it is the first of equal ones. Both zeros are equal here.
 */
#define BEST_BLOCK_OF_FLOATS(BEST, BETTER, WORST)                                                                          \
    for (size_t from = 0; from < count; from += block) {                                                                   \
        if (from > count - block) from = count - block;                                                                    \
        const __m512 worst = _mm512_castsi512_ps(_mm512_set1_epi32((int)(WORST)));                                         \
        __m512 of[4] = {worst, worst, worst, worst};                                                                       \
        __mmask16 nan = 0;                                                                                                 \
        for (const uint32_t *at = elements + from; at < elements + from + block; at += 64) {                               \
            const __m512 v = _mm512_loadu_ps(at), w = _mm512_loadu_ps(at + 16);                                            \
            const __m512 x = _mm512_loadu_ps(at + 32), y = _mm512_loadu_ps(at + 48);                                       \
            of[0] = BEST(v, of[0]);                                                                                        \
            of[1] = BEST(w, of[1]);                                                                                        \
            of[2] = BEST(x, of[2]);                                                                                        \
            of[3] = BEST(y, of[3]);                                                                                        \
            nan = _kor_mask16(nan, _kor_mask16(_mm512_cmp_ps_mask(v, w, _CMP_UNORD_Q), _mm512_cmp_ps_mask(x, y, _CMP_UNORD_Q))); \
        }                                                                                                                  \
        if (nan) {                                                                                                         \
            *least = 0;                                                                                                    \
            return turn.nan_first ? from : count;                                                                          \
        }                                                                                                                  \
        const __m512 of_block = BEST(BEST(of[0], of[1]), BEST(of[2], of[3]));                                              \
        const __mmask16 better = _mm512_cmp_ps_mask(of_block, _mm512_castsi512_ps(best), BETTER);                          \
        best = _mm512_mask_mov_epi32(best, better, _mm512_castps_si512(of_block));                                         \
        where = _mm512_mask_mov_epi32(where, better, _mm512_set1_epi32((int)from));                                        \
    }

/*
 * Where the first block begins that has an element of the least key, and that key turned, of one zero or the other; count, at most
 * INT32_MAX, where NaNs come last and there are any.
 */
static size_t best_block_32(st_turn turn, const uint32_t *elements, size_t block, size_t count, uint32_t *least) {
    const uint32_t minus_infinity = (uint32_t)turn.infinity | 0x80000000u, infinity = (uint32_t)turn.infinity;
    const int is_float = turn.infinity <= UINT32_MAX;
    __m512i where = _mm512_setzero_si512(), best = _mm512_set1_epi32(-1);
    if (is_float && turn.descending) {
        best = _mm512_set1_epi32((int)minus_infinity);
        BEST_BLOCK_OF_FLOATS(_mm512_max_ps, _CMP_GT_OQ, minus_infinity)
    } else if (is_float) {
        best = _mm512_set1_epi32((int)infinity);
        BEST_BLOCK_OF_FLOATS(_mm512_min_ps, _CMP_LT_OQ, infinity)
    }
    for (size_t from = 0; from < (is_float ? 0 : count); from += block) {
        if (from > count - block) from = count - block;
        __m512i of_block = _mm512_set1_epi32(-1);
        for (const uint32_t *at = elements + from; at < elements + from + block; at += 64)
            for (size_t j = 0; j < 64; j += 16) of_block = _mm512_min_epu32(of_block, turn_lanes(&turn, _mm512_loadu_si512(at + j)));
        const __mmask16 better = _mm512_cmplt_epu32_mask(of_block, best);
        best = _mm512_mask_mov_epi32(best, better, of_block);
        where = _mm512_mask_mov_epi32(where, better, _mm512_set1_epi32((int)from));
    }
    if (is_float) best = turn_lanes(&turn, _mm512_castps_si512(_mm512_add_ps(_mm512_castsi512_ps(best), _mm512_setzero_ps())));
    *least = _mm512_reduce_min_epu32(best);
    return _mm512_mask_reduce_min_epu32(_mm512_cmpeq_epi32_mask(best, _mm512_set1_epi32((int)*least)), where);
}

#undef BEST_BLOCK_OF_FLOATS
#endif
