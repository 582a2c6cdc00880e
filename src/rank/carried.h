/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* carried.h - the last step of a selection over carried entries: what streams and merges share. */
#ifndef ST_RANK_CARRIED_H
#define ST_RANK_CARRIED_H

#include "rank/entry.h"

/*
 * Brings ranks [lo, hi) of `count` entries to entries[lo .. hi), in rank order, or in ascending order of index XOR mask
 * where unsorted. lo <= hi <= count.
 */
void st_carried_window(st_carried *entries, size_t count, size_t lo, size_t hi, int unsorted, uint64_t mask);

/* Writes element and index of each entry; values or indices may be NULL. index XOR mask is what is written. */
void st_carried_emit(const st_carried *entries, size_t count, uint32_t bits, uint64_t mask, void *values, int64_t *indices);

#endif
