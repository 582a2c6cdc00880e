/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* mask_avx512.h - which lanes a mask has, and how many. */
#ifndef ST_CPU_MASK_AVX512_H
#define ST_CPU_MASK_AVX512_H

#include <immintrin.h>
#include <stdint.h>

/*
 * By hand, because GCC 12 can spill a byte mask and read four bytes of it back for the count (seen with ThreadSanitizer).
 */
static inline uint32_t st_mask_bits(__mmask16 mask) {
    uint32_t bits;
    __asm__("kmovw %1, %0" : "=r"(bits) : "k"(mask));
    return bits;
}

static inline uint32_t st_mask_count(__mmask16 mask) { return (uint32_t)__builtin_popcount(st_mask_bits(mask)); }

#endif
