/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* hits.h - which elements of a chunk pass a test: a bit each, and the words that have any. */
#ifndef ST_CPU_HITS_H
#define ST_CPU_HITS_H

#include <stddef.h>
#include <stdint.h>

#include "rank/order.h"

/*
 * 2048 elements a chunk: the masks and the positions of the hits stay in L1 beside the elements, and the work that is done
 * once a chunk is small beside reading it.
 */
enum { ST_HIT_WORDS = 32, ST_HIT_POSITIONS = ST_HIT_WORDS * 64 + 4 };

/* How a number decides whether a float's key is in a range from key 0 on: NaN passes the two that are negations. */
typedef enum st_comparison {
    ST_COMPARE_RANGE, /* it does not: the folded bits are compared */
    ST_COMPARE_AT_MOST,
    ST_COMPARE_NOT_ABOVE,
    ST_COMPARE_AT_LEAST,
    ST_COMPARE_NOT_BELOW
} st_comparison;

/* Whether an element's key lies in a range, without its key. Elements narrower than 32 bits have no comparison. */
typedef struct st_hit_test {
    uint64_t negative_fill, start, width; /* order.h's st_fold_range */
    st_comparison comparison;
    uint64_t number; /* its bits */
} st_hit_test;

/* The test for keys in [low, high]; 0 where no element has such a key. */
int st_hit_test_of(const st_order *order, uint64_t low, uint64_t high, st_hit_test *test);

/*
 * The loop of a search over `count` words of elements at `from`: MASK is the mask of the next 64, a bit an element. It has no
 * branch and does no more than this, so that it reads as fast as memory gives. Returns whether there is any hit.
 */
#define ST_FIND_HITS(MASK)                               \
    {                                                    \
        uint64_t any = 0;                                \
        for (size_t w = 0; w < count; w++, from += 64) { \
            const uint64_t word = (MASK);                \
            words[w] = word;                             \
            any |= word;                                 \
        }                                                \
        return any != 0;                                 \
    }

/* A bit for each of the words that is not zero. */
static inline uint32_t st_words_with_hits(const uint64_t words[ST_HIT_WORDS], size_t count) {
    uint32_t with = 0;
    for (size_t w = 0; w < count; w++) with |= (uint32_t)(words[w] != 0) << w;
    return with;
}

/*
 * Whether a chunk has so many hits that turning all of it into keys costs less than going from one to the next: more than
 * one in eight.
 */
static inline int st_hits_are_dense(const uint64_t words[ST_HIT_WORDS], size_t count, uint32_t with) {
    size_t total = 0;
    if ((size_t)__builtin_popcount(with) < count / 4 * 3) return 0;
    for (size_t w = 0; w < count; w++) total += (size_t)__builtin_popcountll(words[w]);
    return total > count * 8;
}

/*
 * Writes the positions of the hits in order, those of word w counted from bases[w]; returns how many. Four are written at a time, whether a word has so many or
 * not, because a loop of as many turns as there are bits would be mispredicted at nearly every word.
 */
static inline size_t st_hit_positions(const uint64_t words[ST_HIT_WORDS], uint32_t with, const uint32_t bases[ST_HIT_WORDS],
                                      uint32_t positions[ST_HIT_POSITIONS]) {
    const uint64_t last = (uint64_t)1 << 63; /* leaves the position of any bit as it is, and gives a zero one */
    size_t found = 0;
    for (; with != 0; with &= with - 1) {
        const uint32_t word = (uint32_t)__builtin_ctz(with), base = bases[word];
        uint64_t mask = words[word];
        uint32_t *to = positions + found;
        found += (size_t)__builtin_popcountll(mask);
        do {
            to[0] = base + (uint32_t)__builtin_ctzll(mask | last);
            mask &= mask - 1;
            to[1] = base + (uint32_t)__builtin_ctzll(mask | last);
            mask &= mask - 1;
            to[2] = base + (uint32_t)__builtin_ctzll(mask | last);
            mask &= mask - 1;
            to[3] = base + (uint32_t)__builtin_ctzll(mask | last);
            mask &= mask - 1;
            to += 4;
        } while (mask != 0);
    }
    return found;
}

#endif
