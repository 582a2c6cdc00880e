/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* kernels_avx512.c - the kernels for x86-64 with AVX-512 F, BW, DQ and VL; the build gives this file the flags. */
#if defined(__x86_64__)
#include "backends/cpu/lanes_avx512.h"

#define ISA ST_ISA_AVX512
#define FILL st_cpu_fill_avx512
#define ROWS_IN_LANES "backends/cpu/rows_avx512.h"
#define FEW_ROWS "backends/cpu/few_avx512.h"
#define WIDE_ROWS_IN_LANES "backends/cpu/wide_rows_avx512.h"
#include "backends/cpu/classes.inc"
#endif
