/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* hits.h - which elements of a chunk pass a test: a bit each, and the words that have any. */
#ifndef ST_CPU_HITS_H
#define ST_CPU_HITS_H

#include <stddef.h>
#include <stdint.h>

#include "rank/order.h"

/* 64 elements a word, 2048 a chunk: what is done once a chunk is small beside reading it. */
enum { ST_HIT_WORDS = 32 };

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

/*
 * The words that have hits, of one chunk or of many: what is done with the hits has fixed costs, and is waited for less
 * where it is put off until there are some. A word's elements are those from its base on.
 */
enum { ST_HIT_LIST = 64 };

typedef struct st_hit_list {
    uint64_t words[ST_HIT_LIST + ST_HIT_WORDS];
    uint32_t bases[ST_HIT_LIST + ST_HIT_WORDS];
    size_t count;
} st_hit_list;

/*
 * Lists the words of a chunk that have hits, without a branch, as it cannot be told which have: the elements of the first
 * are those from `base` on. The list holds at most ST_HIT_LIST before. Returns how many were listed.
 */
static inline size_t st_list_hits(const uint64_t words[ST_HIT_WORDS], size_t count, uint32_t base, st_hit_list *list) {
    size_t listed = list->count;
    for (size_t w = 0; w < count; w++, base += 64) {
        list->words[listed] = words[w];
        list->bases[listed] = base;
        listed += words[w] != 0;
    }
    const size_t added = listed - list->count;
    list->count = listed;
    return added;
}

/* Hits in a word, of 64 elements, above which turning all of them into keys costs less than going from one to the next. */
enum { ST_DENSE = 8 };

/* Whether a chunk of which so many words have hits is that dense. */
static inline int st_hits_are_dense(const uint64_t words[ST_HIT_WORDS], size_t count, size_t with) {
    size_t total = 0;
    if (with < count / 4 * 3) return 0;
    for (size_t w = 0; w < count; w++) total += (size_t)__builtin_popcountll(words[w]);
    return total > count * ST_DENSE;
}

/* Most positions that are written at a time, but for those of the last word; and room for them. */
enum { ST_HIT_POSITIONS = 256, ST_HIT_POSITIONS_ROOM = ST_HIT_POSITIONS + 64 + 4 };

/*
 * Writes the positions of the hits of the words from *next on, in order, and moves *next past those words; returns how many.
 * Four are written at a time, whether a word has so many or not, because a loop of as many turns as there are bits would be
 * mispredicted at nearly every word.
 */
static inline size_t st_hit_positions(const st_hit_list *list, size_t *next, uint32_t positions[ST_HIT_POSITIONS_ROOM]) {
    const uint64_t last = (uint64_t)1 << 63; /* leaves the position of any bit as it is, and gives a zero one */
    size_t found = 0, word = *next;
    for (; word < list->count && found < ST_HIT_POSITIONS; word++) {
        const uint32_t base = list->bases[word];
        uint64_t mask = list->words[word];
        uint32_t *to = positions + found;
        found += (size_t)__builtin_popcountll(mask);
        do {
            for (int i = 0; i < 4; i++, mask &= mask - 1) *to++ = base + (uint32_t)__builtin_ctzll(mask | last);
        } while (mask != 0);
    }
    *next = word;
    return found;
}

#endif
