/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* front_avx2.h - bringing some of a register's four 64-bit lanes to the front, which AVX2 has no instruction for. */
#ifndef ST_CPU_FRONT_AVX2_H
#define ST_CPU_FRONT_AVX2_H

#include <immintrin.h>
#include <stdint.h>

/* The lanes of a mask in order, and behind them the others: for every mask a permutation, as pairs of 32 bits. */
static inline __m256i st_lanes_in_front(__m256i v, uint32_t mask) {
    static const _Alignas(32) uint32_t front[16][8] = {
        {0, 1, 2, 3, 4, 5, 6, 7}, {0, 1, 2, 3, 4, 5, 6, 7}, {2, 3, 0, 1, 4, 5, 6, 7}, {0, 1, 2, 3, 4, 5, 6, 7},
        {4, 5, 0, 1, 2, 3, 6, 7}, {0, 1, 4, 5, 2, 3, 6, 7}, {2, 3, 4, 5, 0, 1, 6, 7}, {0, 1, 2, 3, 4, 5, 6, 7},
        {6, 7, 0, 1, 2, 3, 4, 5}, {0, 1, 6, 7, 2, 3, 4, 5}, {2, 3, 6, 7, 0, 1, 4, 5}, {0, 1, 2, 3, 6, 7, 4, 5},
        {4, 5, 6, 7, 0, 1, 2, 3}, {0, 1, 4, 5, 6, 7, 2, 3}, {2, 3, 4, 5, 6, 7, 0, 1}, {0, 1, 2, 3, 4, 5, 6, 7}};
    return _mm256_permutevar8x32_epi32(v, _mm256_load_si256((const __m256i *)(const void *)front[mask]));
}

#endif
