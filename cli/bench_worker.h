/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * bench_worker.h - a process beside this one in which peers that are no C run: started once, asked line by line, and
 * believed in nothing: what it sends is bounded and checked, and so are the answers that it leaves in shared memory.
 */
#ifndef ST_CLI_BENCH_WORKER_H
#define ST_CLI_BENCH_WORKER_H

#include "bench.h"

/* ---- memory that both processes map (bench_shared.c) ------------------------------------------------------------- */

typedef struct st_bench_shared {
    void *memory;
    uint64_t bytes;
    int descriptor;
    char path[64]; /* where the other process opens it */
} st_bench_shared;

/*
 * Maps fresh memory of a fixed size. With read_only nobody but the holder of `memory` can write to it afterwards. Returns 0,
 * or an errno value. A zeroed structure holds nothing, and may be freed.
 */
int st_bench_share(st_bench_shared *shared, uint64_t bytes, int read_only);
void st_bench_unshare(st_bench_shared *shared);

/* ---- the process (bench_worker.c) -------------------------------------------------------------------------------- */

typedef struct st_bench_worker st_bench_worker;

/*
 * A reply: its fields, all of printable ASCII. They hold until the next line is asked for. A count above ST_BENCH_FIELDS: there
 * were more than that, and the rest is lost.
 */
enum { ST_BENCH_FIELDS = 24 };
typedef struct st_bench_reply {
    char *fields[ST_BENCH_FIELDS];
    int32_t count;
} st_bench_reply;

/*
 * Starts `command` in a shell; each of its replies may take `seconds`. What goes wrong with it is printed after hiding
 * `progress`. Returns 0, or 1 (an error, already printed).
 */
int st_bench_worker_start(const char *command, int64_t seconds, st_progress *progress, st_bench_worker **worker);

/* Ends the process, and what it started; NULL is allowed. */
void st_bench_worker_stop(st_bench_worker *worker);

/*
 * Sends one line (without its end) and waits for the one that answers it. Returns 0, 1 (no answer, or one that breaks the
 * rules; already printed) or 130 (interrupted). After anything but 0 the worker answers no more.
 */
int st_bench_worker_ask(st_bench_worker *worker, st_bench_reply *reply, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Prints an error; the worker answers no more. Returns 1. */
int st_bench_worker_fail(st_bench_worker *worker, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, saying that the last reply is none that the last line allows. Returns 1. */
int st_bench_worker_nonsense(st_bench_worker *worker, const char *what);

/* ---- what is asked (bench_remote.c) ------------------------------------------------------------------------------ */

/* A peer of the worker's. */
typedef struct st_bench_remote {
    char name[32];
    char version[96];
    char reason[224]; /* why it is missing */
    int32_t ready;
} st_bench_remote;

/* Learns the names of the worker's peers. Returns 0, 1 or 130, as the calls below do. */
int st_bench_remote_meet(st_bench_worker *worker);

/* The peer at a position from 0; NULL beyond the end, and where worker is NULL. */
const st_bench_remote *st_bench_remote_at(const st_bench_worker *worker, int32_t position);

/* Has the peers that `against` wants loaded. One that is missing is an error where it is wanted by name. */
int st_bench_remote_load(st_bench_worker *worker, const st_bench_against *against, int32_t threads);

/* Tells the worker which case comes: where the input lies, and the outputs: values first, indices from index_offset. */
int st_bench_remote_case(st_bench_worker *worker, const st_bench_case *point, const st_bench_shared *input,
                         const st_bench_shared *outputs, uint64_t index_offset);

/* One untimed run, whose answer then lies in the outputs; *ns is roughly its time. The finding tells where it cannot. */
int st_bench_remote_check(st_bench_worker *worker, const st_bench_remote *remote, const st_bench_case *point,
                          double give_up_ns, double *ns, st_bench_finding *finding);

/* One sample, with the read limit just before it: means of `repeats` and of `reads`. */
int st_bench_remote_time(st_bench_worker *worker, const st_bench_remote *remote, int64_t repeats, int64_t reads, double *ns,
                         double *read_ns);

/* ---- is it right? (bench_verify.c) ------------------------------------------------------------------------------- */

/*
 * 1 where `found` is a right answer for ties in any order: the values of `expected` in the same sequence, each the element at
 * its index to the bit, no index twice in a row. Else 0, and why; also where memory is short.
 */
int st_bench_is_right(const st_bench_case *point, const st_bench_arrays *expected, const st_bench_arrays *found, char *why,
                      size_t capacity);

/*
 * 1 where `found` is the one answer that the data has: the elements of its ranks, equal ones in the order of their indices,
 * each the element at its index to the bit. Takes one pass over the data. Else 0, and why.
 */
int st_bench_is_answer(const st_bench_case *point, const st_bench_arrays *found, char *why, size_t capacity);

#endif
