/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* hits_avx512.h - hits.h's search with AVX-512: the 64 elements of a word are one, two, four or eight registers. */
#ifndef ST_CPU_HITS_AVX512_H
#define ST_CPU_HITS_AVX512_H

#include <immintrin.h>

#include "backends/cpu/hits.h"
#include "backends/cpu/mask_avx512.h"

static inline uint64_t join_4(__mmask16 a, __mmask16 b, __mmask16 c, __mmask16 d) {
    return _cvtmask64_u64(_mm512_kunpackd(_mm512_kunpackw(d, c), _mm512_kunpackw(b, a)));
}

static inline uint64_t join_8(const __mmask8 m[8]) {
    return join_4(_mm512_kunpackb(m[1], m[0]), _mm512_kunpackb(m[3], m[2]), _mm512_kunpackb(m[5], m[4]),
                  _mm512_kunpackb(m[7], m[6]));
}

static inline __mmask32 in_range_16(const uint16_t *from, __m512i fill, __m512i start, __m512i width) {
    const __m512i bits = _mm512_loadu_si512(from);
    const __m512i folded = _mm512_ternarylogic_epi64(bits, _mm512_srai_epi16(bits, 15), fill, 0x78); /* a ^ (b & c) */
    return _mm512_cmple_epu16_mask(_mm512_sub_epi16(folded, start), width);
}

static inline __mmask16 in_range_32(const uint32_t *from, __m512i fill, __m512i start, __m512i width) {
    const __m512i bits = _mm512_loadu_si512(from);
    const __m512i folded = _mm512_ternarylogic_epi64(bits, _mm512_srai_epi32(bits, 31), fill, 0x78);
    return _mm512_cmple_epu32_mask(_mm512_sub_epi32(folded, start), width);
}

static inline __mmask8 in_range_64(const uint64_t *from, __m512i fill, __m512i start, __m512i width) {
    const __m512i bits = _mm512_loadu_si512(from);
    const __m512i folded = _mm512_ternarylogic_epi64(bits, _mm512_srai_epi64(bits, 63), fill, 0x78);
    return _mm512_cmple_epu64_mask(_mm512_sub_epi64(folded, start), width);
}

static inline int find_hits_8(const st_hit_test *test, const uint8_t *from, size_t count, uint64_t *words) {
    const __m512i start = _mm512_set1_epi8((char)test->start), width = _mm512_set1_epi8((char)test->width);
    ST_FIND_HITS(_cvtmask64_u64(_mm512_cmple_epu8_mask(_mm512_sub_epi8(_mm512_loadu_si512(from), start), width)))
}

static inline int find_hits_16(const st_hit_test *test, const uint16_t *from, size_t count, uint64_t *words) {
    const __m512i fill = _mm512_set1_epi16((short)test->negative_fill), start = _mm512_set1_epi16((short)test->start);
    const __m512i width = _mm512_set1_epi16((short)test->width);
    ST_FIND_HITS(_cvtmask64_u64(_mm512_kunpackd(in_range_16(from + 32, fill, start, width), in_range_16(from, fill, start, width))))
}

/* Four registers of numbers against one; the predicate must be a constant. */
#define NUMBERS_32(predicate)                                                                                   \
    join_4(_mm512_cmp_ps_mask(_mm512_loadu_ps(from), number, predicate),                                        \
           _mm512_cmp_ps_mask(_mm512_loadu_ps(from + 16), number, predicate),                                   \
           _mm512_cmp_ps_mask(_mm512_loadu_ps(from + 32), number, predicate),                                   \
           _mm512_cmp_ps_mask(_mm512_loadu_ps(from + 48), number, predicate))

static inline int find_hits_32(const st_hit_test *test, const uint32_t *from, size_t count, uint64_t *words) {
    const __m512i fill = _mm512_set1_epi32((int)test->negative_fill), start = _mm512_set1_epi32((int)test->start);
    const __m512i width = _mm512_set1_epi32((int)test->width);
    const __m512 number = _mm512_castsi512_ps(_mm512_set1_epi32((int)test->number));
    switch (test->comparison) {
        case ST_COMPARE_AT_MOST: ST_FIND_HITS(NUMBERS_32(_CMP_LE_OQ))
        case ST_COMPARE_NOT_ABOVE: ST_FIND_HITS(NUMBERS_32(_CMP_NGT_UQ))
        case ST_COMPARE_AT_LEAST: ST_FIND_HITS(NUMBERS_32(_CMP_GE_OQ))
        case ST_COMPARE_NOT_BELOW: ST_FIND_HITS(NUMBERS_32(_CMP_NLT_UQ))
        default: break;
    }
    ST_FIND_HITS(join_4(in_range_32(from, fill, start, width), in_range_32(from + 16, fill, start, width),
                        in_range_32(from + 32, fill, start, width), in_range_32(from + 48, fill, start, width)))
}

#define EIGHT(MASK_AT) (const __mmask8[8]){MASK_AT(0), MASK_AT(8), MASK_AT(16), MASK_AT(24), MASK_AT(32), MASK_AT(40), MASK_AT(48), MASK_AT(56)}

static inline int find_hits_64(const st_hit_test *test, const uint64_t *from, size_t count, uint64_t *words) {
    const __m512i fill = _mm512_set1_epi64((long long)test->negative_fill), start = _mm512_set1_epi64((long long)test->start);
    const __m512i width = _mm512_set1_epi64((long long)test->width);
    const __m512d number = _mm512_castsi512_pd(_mm512_set1_epi64((long long)test->number));
#define AT_MOST(at) _mm512_cmp_pd_mask(_mm512_loadu_pd(from + (at)), number, _CMP_LE_OQ)
#define NOT_ABOVE(at) _mm512_cmp_pd_mask(_mm512_loadu_pd(from + (at)), number, _CMP_NGT_UQ)
#define AT_LEAST(at) _mm512_cmp_pd_mask(_mm512_loadu_pd(from + (at)), number, _CMP_GE_OQ)
#define NOT_BELOW(at) _mm512_cmp_pd_mask(_mm512_loadu_pd(from + (at)), number, _CMP_NLT_UQ)
#define IN_RANGE(at) in_range_64(from + (at), fill, start, width)
    switch (test->comparison) {
        case ST_COMPARE_AT_MOST: ST_FIND_HITS(join_8(EIGHT(AT_MOST)))
        case ST_COMPARE_NOT_ABOVE: ST_FIND_HITS(join_8(EIGHT(NOT_ABOVE)))
        case ST_COMPARE_AT_LEAST: ST_FIND_HITS(join_8(EIGHT(AT_LEAST)))
        case ST_COMPARE_NOT_BELOW: ST_FIND_HITS(join_8(EIGHT(NOT_BELOW)))
        default: break;
    }
    ST_FIND_HITS(join_8(EIGHT(IN_RANGE)))
#undef AT_MOST
#undef NOT_ABOVE
#undef AT_LEAST
#undef NOT_BELOW
#undef IN_RANGE
}

/* hits.h's st_list_hits, eight words at a time. */
static inline size_t list_hits(const uint64_t words[ST_HIT_WORDS], size_t count, uint32_t base, st_hit_list *list) {
    if (count != ST_HIT_WORDS) return st_list_hits(words, count, base, list);
    const __m256i steps = _mm256_setr_epi32(0, 64, 128, 192, 256, 320, 384, 448);
    size_t listed = list->count;
    for (int w = 0; w < ST_HIT_WORDS; w += 8) {
        const __m512i eight = _mm512_loadu_si512(words + w);
        const __m256i bases = _mm256_add_epi32(_mm256_set1_epi32((int)(base + 64u * (uint32_t)w)), steps);
        const __mmask8 with = _mm512_test_epi64_mask(eight, eight);
        _mm512_storeu_si512(list->words + listed, _mm512_maskz_compress_epi64(with, eight));
        _mm256_storeu_si256((__m256i *)(void *)(list->bases + listed), _mm256_maskz_compress_epi32(with, bases));
        listed += st_mask_count(with);
    }
    const size_t added = listed - list->count;
    list->count = listed;
    return added;
}

#undef NUMBERS_32
#undef EIGHT
#endif
