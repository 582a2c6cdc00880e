/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * sort_avx512.h - selecting and sorting narrow entries with AVX-512; the contract is entry.h's st_narrow_select and _sort.
 * sort_first: the k <= count first of the entries, ascending, at the front; the others behind them in no order.
 */
#ifndef ST_CPU_SORT_AVX512_H
#define ST_CPU_SORT_AVX512_H

#include "rank/entry.h"

void st_avx512_select(st_narrow *entries, size_t count, size_t k);
void st_avx512_sort(st_narrow *entries, size_t count);
void st_avx512_sort_first(st_narrow *entries, size_t count, size_t k);

#endif
