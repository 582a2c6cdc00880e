/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* hits_avx2.h - hits.h's search with AVX2: the 64 elements of a word are two, four, eight or sixteen registers. */
#ifndef ST_CPU_HITS_AVX2_H
#define ST_CPU_HITS_AVX2_H

#include <immintrin.h>

#include "backends/cpu/hits.h"

/*
 * A register of elements gives a mask of all ones or zeros for each. Registers are packed together until a mask is a byte,
 * because it takes half as long as to get the bits of each register and join those. Packing works within the halves of
 * registers, so that the order is restored at the end.
 */
static inline uint64_t bits_of_8(__m256i a, __m256i b) {
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(b) << 32 | (uint32_t)_mm256_movemask_epi8(a);
}

static inline __m256i pack_16(__m256i a, __m256i b) { return _mm256_permute4x64_epi64(_mm256_packs_epi16(a, b), 0xd8); }

static inline __m256i pack_32(const __m256i m[4]) {
    const __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(m[0], m[1]), _mm256_packs_epi32(m[2], m[3]));
    return _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

static inline __m256i halves_of_64(__m256i a, __m256i b) {
    return _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88));
}

static inline __m256i pack_64(const __m256i m[8]) {
    const __m256i front = _mm256_packs_epi32(halves_of_64(m[0], m[1]), halves_of_64(m[2], m[3]));
    const __m256i back = _mm256_packs_epi32(halves_of_64(m[4], m[5]), halves_of_64(m[6], m[7]));
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packs_epi16(front, back), 0xd8); /* pairs of all eight */
    const __m256i pairs = _mm256_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15, /**/
                                           0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15);
    return _mm256_shuffle_epi8(packed, pairs);
}

/*
 * Elements beyond the range: comparisons are signed here, and the start has its top bit flipped, which flips that of every
 * difference. Each range is searched for what is beyond it, and the bits are complemented.
 */
static inline __m256i load_hits(const void *from) { return _mm256_loadu_si256(from); }

static inline __m256i beyond_8(const uint8_t *from, __m256i start, __m256i width) {
    return _mm256_cmpgt_epi8(_mm256_sub_epi8(load_hits(from), start), width);
}

static inline __m256i beyond_16(const uint16_t *from, __m256i fill, __m256i start, __m256i width) {
    const __m256i bits = load_hits(from);
    const __m256i folded = _mm256_xor_si256(bits, _mm256_and_si256(_mm256_srai_epi16(bits, 15), fill));
    return _mm256_cmpgt_epi16(_mm256_sub_epi16(folded, start), width);
}

static inline __m256i beyond_32(const uint32_t *from, __m256i fill, __m256i start, __m256i width) {
    const __m256i bits = load_hits(from);
    const __m256i folded = _mm256_xor_si256(bits, _mm256_and_si256(_mm256_srai_epi32(bits, 31), fill));
    return _mm256_cmpgt_epi32(_mm256_sub_epi32(folded, start), width);
}

static inline __m256i beyond_64(const uint64_t *from, __m256i fill, __m256i start, __m256i width) {
    const __m256i bits = load_hits(from), negative = _mm256_cmpgt_epi64(_mm256_setzero_si256(), bits);
    const __m256i folded = _mm256_xor_si256(bits, _mm256_and_si256(negative, fill));
    return _mm256_cmpgt_epi64(_mm256_sub_epi64(folded, start), width);
}

static inline int find_hits_8(const st_hit_test *test, const uint8_t *from, size_t count, uint64_t *words) {
    const __m256i start = _mm256_set1_epi8((char)(test->start ^ 0x80)), width = _mm256_set1_epi8((char)(test->width ^ 0x80));
    ST_FIND_HITS(~bits_of_8(beyond_8(from, start, width), beyond_8(from + 32, start, width)))
}

static inline int find_hits_16(const st_hit_test *test, const uint16_t *from, size_t count, uint64_t *words) {
    const __m256i fill = _mm256_set1_epi16((short)test->negative_fill), start = _mm256_set1_epi16((short)(test->start ^ 0x8000));
    const __m256i width = _mm256_set1_epi16((short)(test->width ^ 0x8000));
#define BEYOND(at) beyond_16(from + (at), fill, start, width)
    ST_FIND_HITS(~bits_of_8(pack_16(BEYOND(0), BEYOND(16)), pack_16(BEYOND(32), BEYOND(48))))
#undef BEYOND
}

#define FOUR(MASK, at) (const __m256i[4]){MASK(at), MASK((at) + 8), MASK((at) + 16), MASK((at) + 24)}
#define WORD_32(MASK) bits_of_8(pack_32(FOUR(MASK, 0)), pack_32(FOUR(MASK, 32)))

static inline int find_hits_32(const st_hit_test *test, const uint32_t *from, size_t count, uint64_t *words) {
    const __m256i fill = _mm256_set1_epi32((int)test->negative_fill), none = _mm256_setzero_si256();
    const __m256i start = _mm256_set1_epi32((int)(test->start ^ 0x80000000u));
    const __m256i width = _mm256_set1_epi32((int)(test->width ^ 0x80000000u));
    const __m256 number = _mm256_castsi256_ps(_mm256_set1_epi32((int)test->number));
/* The predicate must be a constant. */
#define COMPARED(at, predicate) \
    _mm256_castps_si256(_mm256_cmp_ps(_mm256_loadu_ps((const float *)(const void *)(from + (at))), number, predicate))
#define AT_MOST(at) COMPARED(at, _CMP_LE_OQ)
#define NOT_ABOVE(at) COMPARED(at, _CMP_NGT_UQ)
#define AT_LEAST(at) COMPARED(at, _CMP_GE_OQ)
#define NOT_BELOW(at) COMPARED(at, _CMP_NLT_UQ)
#define BEYOND(at) beyond_32(from + (at), fill, start, width)
#define BEYOND_PLAIN(at) beyond_32(from + (at), none, start, width)
    switch (test->comparison) {
        case ST_COMPARE_AT_MOST: ST_FIND_HITS(WORD_32(AT_MOST))
        case ST_COMPARE_NOT_ABOVE: ST_FIND_HITS(WORD_32(NOT_ABOVE))
        case ST_COMPARE_AT_LEAST: ST_FIND_HITS(WORD_32(AT_LEAST))
        case ST_COMPARE_NOT_BELOW: ST_FIND_HITS(WORD_32(NOT_BELOW))
        default: break;
    }
    if (test->negative_fill == 0) ST_FIND_HITS(~WORD_32(BEYOND_PLAIN)) /* integers have nothing to fold */
    ST_FIND_HITS(~WORD_32(BEYOND))
#undef COMPARED
#undef AT_MOST
#undef NOT_ABOVE
#undef AT_LEAST
#undef NOT_BELOW
#undef BEYOND
#undef BEYOND_PLAIN
}

#define EIGHT(MASK, at)                                                                                    \
    (const __m256i[8]){MASK(at),        MASK((at) + 4),  MASK((at) + 8),  MASK((at) + 12), MASK((at) + 16), \
                       MASK((at) + 20), MASK((at) + 24), MASK((at) + 28)}
#define WORD_64(MASK) bits_of_8(pack_64(EIGHT(MASK, 0)), pack_64(EIGHT(MASK, 32)))

static inline int find_hits_64(const st_hit_test *test, const uint64_t *from, size_t count, uint64_t *words) {
    const uint64_t top = (uint64_t)1 << 63;
    const __m256i fill = _mm256_set1_epi64x((long long)test->negative_fill), none = _mm256_setzero_si256();
    const __m256i start = _mm256_set1_epi64x((long long)(test->start ^ top));
    const __m256i width = _mm256_set1_epi64x((long long)(test->width ^ top));
    const __m256d number = _mm256_castsi256_pd(_mm256_set1_epi64x((long long)test->number));
#define COMPARED(at, predicate) \
    _mm256_castpd_si256(_mm256_cmp_pd(_mm256_loadu_pd((const double *)(const void *)(from + (at))), number, predicate))
#define AT_MOST(at) COMPARED(at, _CMP_LE_OQ)
#define NOT_ABOVE(at) COMPARED(at, _CMP_NGT_UQ)
#define AT_LEAST(at) COMPARED(at, _CMP_GE_OQ)
#define NOT_BELOW(at) COMPARED(at, _CMP_NLT_UQ)
#define BEYOND(at) beyond_64(from + (at), fill, start, width)
#define BEYOND_PLAIN(at) beyond_64(from + (at), none, start, width)
    switch (test->comparison) {
        case ST_COMPARE_AT_MOST: ST_FIND_HITS(WORD_64(AT_MOST))
        case ST_COMPARE_NOT_ABOVE: ST_FIND_HITS(WORD_64(NOT_ABOVE))
        case ST_COMPARE_AT_LEAST: ST_FIND_HITS(WORD_64(AT_LEAST))
        case ST_COMPARE_NOT_BELOW: ST_FIND_HITS(WORD_64(NOT_BELOW))
        default: break;
    }
    if (test->negative_fill == 0) ST_FIND_HITS(~WORD_64(BEYOND_PLAIN))
    ST_FIND_HITS(~WORD_64(BEYOND))
#undef COMPARED
#undef AT_MOST
#undef NOT_ABOVE
#undef AT_LEAST
#undef NOT_BELOW
#undef BEYOND
#undef BEYOND_PLAIN
}

#undef FOUR
#undef EIGHT
#undef WORD_32
#undef WORD_64
#endif
