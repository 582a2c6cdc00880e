/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * sort_avx512.h - selecting and sorting narrow entries with AVX-512; the contract is entry.h's st_narrow_select, _sort and
 * _sort_first.
 */
#ifndef ST_CPU_SORT_AVX512_H
#define ST_CPU_SORT_AVX512_H

#include "rank/entry.h"

/* Half the rows of four that are sorted without a split, and the entries that a split moves at a time. */
#define ST_AVX512_SORT_HALF 32
#define ST_AVX512_SORT_WIDTH 8

void st_avx512_select(st_narrow *entries, size_t count, size_t k);
void st_avx512_sort(st_narrow *entries, size_t count);
void st_avx512_sort_first(st_narrow *entries, size_t count, size_t k);
/* The same with room for `count` more entries, of which nothing is said afterwards. */
void st_avx512_sort_first_apart(st_narrow *entries, size_t count, size_t k, st_narrow *room);

#endif
