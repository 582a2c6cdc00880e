/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* kernels_avx2.c - the kernels for x86-64 with AVX2, BMI and FMA; the build gives this file the flags. */
#if defined(__x86_64__)
#include "backends/cpu/lanes_avx2.h"

#define ISA ST_ISA_AVX2
#define FILL st_cpu_fill_avx2
#define ROWS_IN_LANES "backends/cpu/rows_avx2.h"
#define WIDE_ROWS_IN_LANES "backends/cpu/wide_rows_avx2.h"
#include "backends/cpu/classes.inc"
#endif
