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
enum { ST_HIT_WORDS = 32, ST_HIT_POSITIONS = ST_HIT_WORDS * 8 + 8 };

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

typedef struct st_hits {
    uint64_t words[ST_HIT_WORDS]; /* a bit an element; those that `list` does not name may be unset */
    uint8_t list[ST_HIT_WORDS + 1];
    size_t nonzero, total; /* words in the list; bits in the words */
} st_hits;

/*
 * The loop of a search over `count` words of elements at `from`: MASK is the mask of the next 64. It has no branch, and its
 * counts are kept apart from *hits, which the compiler would store at each turn.
 */
#define ST_FIND_HITS(MASK)                                    \
    {                                                         \
        size_t nonzero = 0, total = 0;                        \
        for (size_t w = 0; w < count; w++, from += 64) {      \
            const uint64_t word = (MASK);                     \
            hits->words[w] = word;                            \
            hits->list[nonzero] = (uint8_t)w;                 \
            nonzero += word != 0;                             \
            total += (size_t)__builtin_popcountll(word);      \
        }                                                     \
        hits->nonzero = nonzero;                              \
        hits->total = total;                                  \
    }

/*
 * Writes the positions of at most ST_HIT_WORDS * 8 hits in order; returns how many. Four are written at a time, whether a
 * word has so many or not, because a loop of as many turns as there are bits would be mispredicted at nearly every word.
 */
static inline size_t st_hit_positions(const st_hits *hits, uint16_t positions[ST_HIT_POSITIONS]) {
    size_t found = 0;
    for (size_t i = 0; i < hits->nonzero; i++) {
        const uint32_t base = hits->list[i] * 64u;
        uint64_t mask = hits->words[hits->list[i]];
        const size_t after = found + (size_t)__builtin_popcountll(mask);
        for (;;) {
            for (size_t j = 0; j < 4; j++) {
                positions[found + j] = (uint16_t)(base + (uint32_t)__builtin_ctzll(mask | (uint64_t)1 << 63));
                mask &= mask - 1;
            }
            if (mask == 0) break;
            found += 4;
        }
        found = after;
    }
    return found;
}

#endif
