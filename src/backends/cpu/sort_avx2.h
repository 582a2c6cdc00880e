/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * sort_avx2.h - selecting and sorting narrow entries with AVX2; the contract is entry.h's st_narrow_select and _sort.
 * sort_first: the k <= count first of the entries, ascending, at the front; the others behind them in no order.
 */
#ifndef ST_CPU_SORT_AVX2_H
#define ST_CPU_SORT_AVX2_H

#include "rank/entry.h"

void st_avx2_select(st_narrow *entries, size_t count, size_t k);
void st_avx2_sort(st_narrow *entries, size_t count);
void st_avx2_sort_first(st_narrow *entries, size_t count, size_t k);

#endif
