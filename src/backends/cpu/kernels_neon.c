/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* kernels_neon.c - the kernels for AArch64, whose base instruction set has NEON. */
#if defined(__aarch64__)
#define ISA ST_ISA_NEON
#define FILL st_cpu_fill_neon
#include "backends/cpu/classes.inc"
#endif
