/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* kernels.c - which instruction sets this build has. */
#include "backends/cpu/kernels.h"

void st_cpu_kernels_fill(uint32_t isas, st_cpu_table *table) {
    st_cpu_fill_portable(table);
#if defined(__x86_64__)
    if (isas & 1u << ST_ISA_AVX2) st_cpu_fill_avx2(table);
    if (isas & 1u << ST_ISA_AVX512) st_cpu_fill_avx512(table);
#elif defined(__aarch64__)
    if (isas & 1u << ST_ISA_NEON) st_cpu_fill_neon(table);
#else
    (void)isas;
#endif
}
