/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * lanes_avx2.h - what AVX2 does better by hand than the compiler does with class.inc's loops: finding the elements that pass
 * a test, the least keys of blocks, and selecting and sorting entries.
 */
#ifndef ST_CPU_LANES_AVX2_H
#define ST_CPU_LANES_AVX2_H

#include <immintrin.h>

#include "backends/cpu/hits_avx2.h"
#include "backends/cpu/kernels.h"
#include "backends/cpu/minima_avx2.h"
#include "backends/cpu/sort_avx2.h"

/* What class.inc and classes.inc take from here. */
#define LANES_HITS 1
#define LANES_SELECT st_avx2_select
#define LANES_SORT st_avx2_sort
#define LANES_SORT_FIRST st_avx2_sort_first
#define LANES_MINIMA(bits) ((bits) == 32)
#define LANES_LIST_HITS st_list_hits

#endif
