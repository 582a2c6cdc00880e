/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* processor.h - what this CPU can do: instruction sets, caches, how many CPUs this process may use. */
#ifndef ST_BASE_PROCESSOR_H
#define ST_BASE_PROCESSOR_H

#include <stdint.h>
#include <stdio.h>

#include "spiraltorch/status.h"

/* Instruction sets that kernels are written for, in rising order; each includes the ones below it on its architecture. */
typedef enum st_isa { ST_ISA_PORTABLE = 0, ST_ISA_NEON = 1, ST_ISA_AVX2 = 2, ST_ISA_AVX512 = 3 } st_isa;

typedef struct st_processor {
    uint32_t isas;      /* bit 1 << st_isa for each that runs here; portable always */
    int32_t cpus;       /* CPUs this process may use (affinity and cgroup quota), at least 1 */
    int64_t l1_data;    /* bytes; 0 not known; l3 is the whole cache that one core sees */
    int64_t l2;
    int64_t l3;
    char name[96];
} st_processor;

/* Reads the CPU and the operating system's files; allocates nothing; cannot fail. */
void st_processor_detect(st_processor *processor);

/*
 * The name of a CPU from Linux's /proc/cpuinfo: the model name; on ARM, which has none there, the company, part and revision of
 * each sort of core ("ARM part 0xd0c r3p1"); "CPU" where it says neither. What does not fit into size bytes is cut, or left out.
 */
void st_processor_name(FILE *cpuinfo, char *name, size_t size);

/* "portable", "neon", "avx2", "avx512". */
const char *st_isa_name(st_isa isa);

/* Removes the sets named in a list such as "avx512,avx2" (spaces allowed). ST_E_ARGUMENT names the unknown one. */
st_status st_processor_disable(st_processor *processor, const char *list);

/* The highest instruction set left. */
st_isa st_processor_best(const st_processor *processor);

#endif
