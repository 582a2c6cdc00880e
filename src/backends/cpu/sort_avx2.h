/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * sort_avx2.h - selecting and sorting narrow entries with AVX2; the contract is entry.h's st_narrow_select, _sort and
 * _sort_first.
 */
#ifndef ST_CPU_SORT_AVX2_H
#define ST_CPU_SORT_AVX2_H

#include "rank/entry.h"

/* Half the rows of four that are sorted without a split, and the entries that a split moves at a time. */
#define ST_AVX2_SORT_HALF 16
#define ST_AVX2_SORT_WIDTH 4

void st_avx2_select(st_narrow *entries, size_t count, size_t k);
void st_avx2_sort(st_narrow *entries, size_t count);
void st_avx2_sort_first(st_narrow *entries, size_t count, size_t k);
/* The same with room for `count` more entries, of which nothing is said afterwards. */
void st_avx2_sort_first_apart(st_narrow *entries, size_t count, size_t k, st_narrow *room);

#endif
