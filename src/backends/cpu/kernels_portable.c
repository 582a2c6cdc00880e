/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* kernels_portable.c - the kernels for any CPU. */
#define ISA ST_ISA_PORTABLE
#define FILL st_cpu_fill_portable
#include "backends/cpu/classes.inc"
