/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * bench_apart.h - what threads can gain at most on this machine, now: as many contexts of one thread as the case has threads,
 * each with its share of the rows (or of the one row), all at once and with nothing between them.
 */
#ifndef ST_CLI_BENCH_APART_H
#define ST_CLI_BENCH_APART_H

#include "bench.h"

typedef struct st_bench_apart st_bench_apart;

/* 1 where a case can be split: more than one thread, and rows, or one row of which every share has k elements. */
int st_bench_apart_takes(const st_bench_case *point);

/* Contexts and memory for a case, kept for the next in lab->apart. Returns 0, or 1 (an error, already printed). */
int st_bench_apart_prepare(st_bench_lab *lab, const st_bench_case *point);
void st_bench_apart_end(st_bench_apart *apart);

/* Runs the case `repeats` times; plans are asked for inside of the time, as by the contender "spiraltorch". 0 or 1. */
int st_bench_apart_run(st_bench_lab *lab, const st_bench_case *point, const st_bench_arrays *arrays, int64_t repeats,
                       double *ns);

/*
 * Shares of one row leave k candidates each. This brings them together as an answer in `found`, outside of the timing, along
 * the order in which the expected answer takes them: a share that is wrong cannot give it.
 */
void st_bench_apart_join(const st_bench_lab *lab, const st_bench_case *point, const st_bench_arrays *expected,
                         const st_bench_arrays *found);

#endif
