/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * entry.h - candidates of a selection, in three sizes, and selecting and sorting them.
 *
 * All order by (key, index), ascending. narrow packs both in one integer, for keys of 32 bits and indices below 2^32;
 * wide holds any key and index; carried also keeps the element's own bits, where the input cannot be read again.
 */
#ifndef ST_RANK_ENTRY_H
#define ST_RANK_ENTRY_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t st_narrow;

typedef struct st_wide {
    uint64_t key, index;
} st_wide;

typedef struct st_carried {
    uint64_t key, index, bits;
} st_carried;

static inline int st_narrow_before(st_narrow a, st_narrow b) { return a < b; }
static inline int st_wide_before(st_wide a, st_wide b) { return (a.key < b.key) | ((a.key == b.key) & (a.index < b.index)); }
static inline int st_carried_before(st_carried a, st_carried b) {
    return (a.key < b.key) | ((a.key == b.key) & (a.index < b.index));
}

/*
 * select: moves the k first of `count` entries to the front, in no order; with 0 < k < count the entry that would stand at
 * position k - 1 stands there. O(count), O(count log count) at worst. sort: ascending. sort_first: the k <= count first
 * to the front, ascending, the others behind them in no order. All in place, allocating nothing.
 * heap_build makes a heap whose root is its last entry in order; heap_replace puts another in the root's place.
 */
void st_narrow_select(st_narrow *entries, size_t count, size_t k);
void st_narrow_sort(st_narrow *entries, size_t count);
void st_narrow_sort_first(st_narrow *entries, size_t count, size_t k);
void st_narrow_heap_build(st_narrow *heap, size_t count);
void st_narrow_heap_replace(st_narrow *heap, size_t count, st_narrow entry);
void st_wide_select(st_wide *entries, size_t count, size_t k);
void st_wide_sort(st_wide *entries, size_t count);
void st_wide_sort_first(st_wide *entries, size_t count, size_t k);
void st_wide_heap_build(st_wide *heap, size_t count);
void st_wide_heap_replace(st_wide *heap, size_t count, st_wide entry);
void st_carried_select(st_carried *entries, size_t count, size_t k);
void st_carried_sort(st_carried *entries, size_t count);
void st_carried_sort_first(st_carried *entries, size_t count, size_t k);
void st_carried_heap_build(st_carried *heap, size_t count);
void st_carried_heap_replace(st_carried *heap, size_t count, st_carried entry);

#endif
