/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bench_measure.c - one case: every contender's output checked, then all timed in turn, each beside the read limit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_apart.h"
#include "bench_worker.h"

/*
 * A sample lasts at least this long: so that the clock's own step and cost stay below one part in a hundred; and with threads, so
 * that waking them after a rest is not most of what is measured.
 */
static int64_t repeats_for(const st_bench_case *point, double ns) {
    const double least = point->threads > 1 ? 500e3 : 20e3;
    return ns < least ? (int64_t)(least / (ns > 1 ? ns : 1)) + 1 : 1;
}

/* A first run that takes no longer may have paid for more than its own work. */
static const double COLD_NS = 1e6;

/* Memory of a case: the first contender's outputs, to compare with; a set for the one that runs; the worker's; scratch. */
typedef struct room {
    uint64_t values_bytes, indices_bytes, scratch_bytes;
    st_bench_arrays expected, found;
    void *scratch;
    st_trial *trial;         /* of the library's own plans, where they run on a device; else NULL */
    st_bench_shared outputs; /* the worker's: values, and from index_offset on indices */
    uint64_t index_offset;
} room;

/* Sizes of a case's memory; 0 where one overflows or a plan's workspace is not known. */
static int measure_room(const st_bench_lab *lab, const st_bench_case *point, const st_bench_contender *contenders,
                        int32_t count, room *sizes) {
    uint64_t elements;
    const uint64_t size = (uint64_t)st_dtype_size(point->dtype);
    memset(sizes, 0, sizeof *sizes);
    if (__builtin_mul_overflow((uint64_t)point->rows, (uint64_t)point->k, &elements) ||
        __builtin_mul_overflow(elements, size, &sizes->values_bytes) ||
        __builtin_mul_overflow(elements, (uint64_t)sizeof(int64_t), &sizes->indices_bytes)) {
        return 0;
    }
    for (int32_t i = 0; i < count; i++) {
        uint64_t bytes = 0;
        if (contenders[i].peer) {
            uint64_t each = contenders[i].peer->scratch(point);
            if (each == 0 || each > UINT64_MAX - 63) {
                return 0;
            }
            each = (each + 63) / 64 * 64; /* no two workers on one cache line */
            if (__builtin_mul_overflow(each, (uint64_t)st_bench_peer_workers(point), &bytes)) {
                return 0;
            }
        } else if (contenders[i].remote || contenders[i].apart) {
            bytes = 0; /* brings its own */
        } else if (st_rank_workspace(lab->context, &contenders[i].plan, &bytes) != ST_OK) {
            return 0;
        }
        if (bytes > sizes->scratch_bytes) {
            sizes->scratch_bytes = bytes;
        }
    }
    return 1;
}

uint64_t st_bench_working_bytes(const st_bench_lab *lab, const st_bench_case *point, const st_bench_contender *contenders,
                                int32_t count) {
    room sizes;
    uint64_t bytes;
    if (!measure_room(lab, point, contenders, count, &sizes) ||
        __builtin_add_overflow(sizes.values_bytes, sizes.indices_bytes, &bytes) ||
        __builtin_mul_overflow(bytes, (uint64_t)(lab->worker ? 3 : 2), &bytes) ||
        __builtin_add_overflow(bytes, sizes.scratch_bytes, &bytes)) {
        return 0;
    }
    return bytes > 0 ? bytes : 1;
}

static void *reserve(uint64_t bytes) { return bytes > SIZE_MAX - 64 ? NULL : malloc((size_t)(bytes > 0 ? bytes : 1)); }

typedef struct peer_job {
    const st_bench_case *point;
    const st_bench_peer *peer;
    const st_bench_arrays *arrays;
    unsigned char *scratch;
    size_t scratch_each;
    int64_t repeats;
} peer_job;

static void peer_part(void *argument, int32_t worker, int32_t workers) {
    const peer_job *job = argument;
    const int64_t share = job->point->rows / workers;
    const int64_t rest = job->point->rows % workers;
    const int64_t first = share * worker + (worker < rest ? worker : rest);
    const int64_t last = first + share + (worker < rest);
    for (int64_t i = 0; i < job->repeats; i++) {
        job->peer->rows(job->point, job->arrays, first, last, job->scratch + (size_t)worker * job->scratch_each);
    }
}

/* Runs a contender `repeats` times; *ns is the mean time of one. */
static int run(st_bench_lab *lab, const st_bench_case *point, const st_bench_contender *contender,
               const st_bench_arrays *arrays, const room *space, int64_t repeats, double *ns) {
    if (contender->peer) {
        const size_t each = (contender->peer->scratch(point) + 63) / 64 * 64;
        peer_job job = {point, contender->peer, arrays, space->scratch, each, repeats};
        *ns = st_bench_crew_run(lab->crew, st_bench_peer_workers(point), peer_part, &job) / (double)repeats;
        return 0;
    }
    if (contender->apart) {
        return st_bench_apart_run(lab, point, arrays, repeats, ns);
    }
    st_rank_buffers buffers;
    memset(&buffers, 0, sizeof buffers);
    buffers.struct_size = sizeof buffers;
    buffers.input = arrays->input;
    buffers.values = arrays->values;
    buffers.indices = arrays->indices;
    buffers.workspace = space->scratch;
    buffers.workspace_size = space->scratch_bytes;
    st_plan plan = contender->plan;
    st_status status = ST_OK;
    const double start = st_bench_now();
    for (int64_t i = 0; i < repeats && status == ST_OK; i++) {
        if (contender->plans) {
            status = st_plan_request(lab->context, &contender->plan.request, lab->device, NULL, &plan);
        }
        if (status == ST_OK && !space->trial) {
            status = st_execute_rank(lab->context, &plan, &buffers);
        }
    }
    const double here = st_bench_now() - start;
    double there = 0;
    if (status == ST_OK && space->trial) {
        status = st_trial_run(space->trial, &plan, repeats, &there);
    }
    *ns = (here + there) / (double)repeats;
    if (status != ST_OK) {
        char name[160];
        st_bench_case_name(point, name, sizeof name);
        st_progress_hide(lab->progress);
        return st_cli_fail("bench", "%s: %s: %s", name, contender->name, st_last_message());
    }
    return 0;
}

static int differs(const st_bench_case *point, const char *first, const char *other, const room *space) {
    char name[160];
    st_bench_case_name(point, name, sizeof name);
    const int64_t outputs = point->rows * point->k;
    for (int64_t i = 0; i < outputs; i++) {
        if (space->expected.indices[i] != space->found.indices[i]) {
            return st_cli_fail("bench", "%s: wrong answer: at row %lld, position %lld %s gives index %lld, and %s %lld", name,
                                  (long long)(i / point->k), (long long)(i % point->k), first,
                                  (long long)space->expected.indices[i], other, (long long)space->found.indices[i]);
        }
    }
    return st_cli_fail("bench", "%s: wrong answer: %s and %s give the same indices and different values", name, first, other);
}

/* A peer of the worker's: its answer is copied out of the shared memory first, where it could still change. */
static int check_remote(st_bench_lab *lab, const st_bench_case *point, const st_bench_contender *contender, const room *space,
                        double *ns, st_bench_finding *finding) {
    if (!contender->remote->ready) {
        finding->left_out = 1;
        snprintf(finding->note, sizeof finding->note, "missing: %s", contender->remote->reason);
        return 0;
    }
    memset(space->outputs.memory, 0xa5, (size_t)space->outputs.bytes);
    const int failed = st_bench_remote_check(lab->worker, contender->remote, point, 1e9 * lab->give_up, ns, finding);
    if (failed || finding->left_out || *ns > 1e9 * lab->give_up) {
        return failed;
    }
    char why[200];
    memcpy(space->found.values, space->outputs.memory, (size_t)space->values_bytes);
    memcpy(space->found.indices, (const unsigned char *)space->outputs.memory + space->index_offset,
           (size_t)space->indices_bytes);
    if (!st_bench_is_right(point, &space->expected, &space->found, why, sizeof why)) {
        finding->left_out = finding->wrong = 1;
        snprintf(finding->note, sizeof finding->note, "wrong answer %s", why);
    }
    return 0;
}

static int check_here(st_bench_lab *lab, const st_bench_case *point, const st_bench_contender *contenders, int32_t i,
                      const room *space, double *ns) {
    const st_bench_arrays *arrays = i == 0 ? &space->expected : &space->found;
    memset(arrays->indices, 0xa5, (size_t)space->indices_bytes);
    memset(arrays->values, 0xa5, (size_t)space->values_bytes);
    int failed = run(lab, point, &contenders[i], arrays, space, 1, ns);
    if (!failed && space->trial && !contenders[i].peer && !contenders[i].apart) {
        failed = run(lab, point, &contenders[i], arrays, space, 1, ns); /* the first one compiled its kernels */
        if (!failed && st_trial_answer(space->trial, arrays->values, arrays->indices) != ST_OK) {
            st_progress_hide(lab->progress);
            failed = st_cli_fail("bench", "%s: %s", contenders[i].name, st_last_message());
        }
    }
    if (failed) {
        return failed;
    }
    if (contenders[i].apart && point->rows == 1) {
        st_bench_apart_join(lab, point, &space->expected, &space->found);
    }
    char why[200];
    if (i == 0 && !st_bench_is_answer(point, &space->expected, why, sizeof why)) {
        char name[160];
        st_bench_case_name(point, name, sizeof name);
        st_progress_hide(lab->progress);
        return st_cli_fail("bench", "%s: wrong answer: %s %s", name, contenders[0].name, why);
    }
    if (i > 0 && (memcmp(space->expected.indices, space->found.indices, (size_t)space->indices_bytes) != 0 ||
                  memcmp(space->expected.values, space->found.values, (size_t)space->values_bytes) != 0)) {
        st_progress_hide(lab->progress);
        return differs(point, contenders[0].name, contenders[i].name, space);
    }
    return 0;
}

/* Too slow to be waited for in every repetition; the library's own plan never is. */
static void judge_time(const st_bench_lab *lab, int is_own, double ns, st_bench_finding *finding) {
    if (!is_own && !finding->left_out && ns > 1e9 * lab->give_up) {
        finding->left_out = 1;
        snprintf(finding->note, sizeof finding->note, "one call took %.1f s, and --give-up is %g s", ns / 1e9, lab->give_up);
    }
}

/*
 * One run of each before the clock counts: the library's own output must be what the data asks for, and the others' the same
 * to the bit, or right for those who order equal elements in their own way. It warms caches and pages, and tells how often a
 * short case must be repeated: the library's plans all as often as its own choice, so that what the first call after a rest
 * costs, waking a worker, weighs the same in each.
 */
static int check(st_bench_lab *lab, const st_bench_case *point, const st_bench_contender *contenders, int32_t count,
                 const room *space, int64_t *repeats, st_bench_finding *findings) {
    for (int32_t i = 0; i < count; i++) {
        const st_bench_contender *contender = &contenders[i];
        double ns = 0;
        int failed = contender->remote ? check_remote(lab, point, contender, space, &ns, &findings[i])
                                       : check_here(lab, point, contenders, i, space, &ns);
        if (failed) {
            return failed;
        }
        if (!contender->remote) {
            findings[i].threads = contender->peer ? st_bench_peer_workers(point) : point->threads;
            snprintf(findings[i].index_dtype, sizeof findings[i].index_dtype, "i64");
            snprintf(findings[i].how, sizeof findings[i].how, "%s", contender->peer ? contender->peer->about : "");
        }
        judge_time(lab, i == 0 || i == count - 1 || lab->give_up <= 0, ns, &findings[i]);
        if (ns < COLD_NS && !contender->remote) { /* the first run pays for cold memory: short ones are timed again */
            failed = run(lab, point, contender, &space->found, space, 8, &ns);
            if (failed) {
                return failed;
            }
        }
        const int is_plan = !contender->peer && !contender->remote && i > 0;
        repeats[i] = is_plan ? repeats[0] : repeats_for(point, ns);
        if (st_cli_interrupted()) {
            return 130;
        }
    }
    return 0;
}

/* One sample and its read limit, both in the process where the contender runs. */
static int sample(st_bench_lab *lab, const st_bench_case *point, const void *input, const st_bench_contender *contender,
                  const room *space, int64_t repeats, int64_t reads, double *ns, double *read_ns) {
    const size_t bytes = (size_t)point->rows * (size_t)point->cols * (size_t)st_dtype_size(point->dtype);
    if (point->threads > 1) {
        /* Threads of the contender before, the library's and OpenMP's, watch on for a while when their work is done. */
        const struct timespec rest = {0, 2000000};
        nanosleep(&rest, NULL);
    }
    if (contender->remote) {
        return st_bench_remote_time(lab->worker, contender->remote, repeats, reads, ns, read_ns);
    }
    /* An untimed pass first: what the contender before left in the caches is nobody's merit. */
    (void)st_bench_read(lab->crew, point->threads, input, bytes, 1);
    *read_ns = st_bench_read(lab->crew, point->threads, input, bytes, reads);
    return run(lab, point, contender, &space->found, space, repeats, ns);
}

static int time_all(st_bench_lab *lab, const st_bench_case *point, const void *input, const st_bench_contender *contenders,
                    int32_t count, const room *space, const int64_t *repeats, const st_bench_finding *findings, int32_t *order,
                    st_bench_samples *samples) {
    const size_t bytes = (size_t)point->rows * (size_t)point->cols * (size_t)st_dtype_size(point->dtype);
    const double once = st_bench_read(lab->crew, point->threads, input, bytes, 1);
    const int64_t reads = repeats_for(point, once);
    for (int64_t rep = 0; rep < lab->reps; rep++) {
        for (int32_t i = 0; i < count; i++) { /* a fresh shuffle: drift and the neighbour's cache favour nobody */
            const int32_t j = (int32_t)(st_bench_random(&lab->random) % (uint64_t)(i + 1));
            order[i] = order[j];
            order[j] = i;
        }
        for (int32_t i = 0; i < count; i++) {
            const int64_t at = order[i] * lab->reps + rep;
            if (st_cli_interrupted()) {
                return 130;
            }
            const int failed = findings[order[i]].left_out
                                   ? 0
                                   : sample(lab, point, input, &contenders[order[i]], space, repeats[order[i]], reads,
                                            &samples->ns[at], &samples->read_ns[at]);
            if (failed) {
                return failed;
            }
        }
        st_progress_add(lab->progress, 1);
    }
    return 0;
}

/* The case's data where the library's own plans run, which are all on one device; on a CPU that is where it is. */
static int open_trial(st_bench_lab *lab, const st_bench_case *point, const st_bench_input *input,
                           const st_bench_contender *contenders, int32_t count, room *space) {
    for (int32_t i = 0; i < count && !space->trial; i++) {
        const st_bench_contender *contender = &contenders[i];
        if (contender->peer || contender->remote || contender->apart || contender->plan.caps.backend == ST_BACKEND_CPU) {
            continue;
        }
        if (st_trial_open(lab->context, &contender->plan, input->elements, &space->trial) != ST_OK) {
            char name[160];
            st_bench_case_name(point, name, sizeof name);
            st_progress_hide(lab->progress);
            return st_cli_fail("bench", "%s: %s", name, st_last_message());
        }
    }
    return 0;
}

/* What the contenders need beside the arrays: the device's memory, the worker's view of the case, and the contexts apart. */
static int set_up(st_bench_lab *lab, const st_bench_case *point, const st_bench_input *input,
                  const st_bench_contender *contenders, int32_t count, room *space) {
    int failed = open_trial(lab, point, input, contenders, count, space);
    for (int32_t i = 0; i < count && !failed; i++) {
        if (contenders[i].apart) {
            failed = st_bench_apart_prepare(lab, point);
        } else if (contenders[i].remote && contenders[i].remote->ready && !space->outputs.memory) {
            space->index_offset = (space->values_bytes + 63) / 64 * 64;
            const int cause = st_bench_share(&space->outputs, space->index_offset + space->indices_bytes, 0);
            failed = cause != 0 ? st_cli_fail("bench", "--worker: its outputs cannot be shared: %s", strerror(cause))
                                : st_bench_remote_case(lab->worker, point, input->shared, &space->outputs,
                                                       space->index_offset);
        }
    }
    return failed;
}

int st_bench_measure(st_bench_lab *lab, const st_bench_case *point, const st_bench_input *input,
                     const st_bench_contender *contenders, int32_t count, st_bench_samples *samples,
                     st_bench_finding *findings) {
    room space;
    int result = 1;
    int64_t *repeats = malloc((size_t)count * sizeof *repeats);
    int32_t *order = calloc((size_t)count, sizeof *order);
    if (!measure_room(lab, point, contenders, count, &space)) {
        memset(&space, 0, sizeof space);
        space.values_bytes = UINT64_MAX; /* refused below, with the case's name */
    }
    space.expected = (st_bench_arrays){input->elements, reserve(space.values_bytes), reserve(space.indices_bytes)};
    space.found = (st_bench_arrays){input->elements, reserve(space.values_bytes), reserve(space.indices_bytes)};
    space.scratch = reserve(space.scratch_bytes);
    if (!repeats || !order || !space.scratch || !space.expected.values || !space.expected.indices || !space.found.values ||
        !space.found.indices) {
        char name[160];
        st_bench_case_name(point, name, sizeof name);
        st_progress_hide(lab->progress);
        st_cli_fail("bench", "%s: not enough memory for its outputs and scratch; use fewer rows or a smaller k", name);
    } else {
        result = set_up(lab, point, input, contenders, count, &space);
        if (result == 0) {
            result = check(lab, point, contenders, count, &space, repeats, findings);
        }
        if (result == 0) {
            result = time_all(lab, point, input->elements, contenders, count, &space, repeats, findings, order, samples);
        }
    }
    st_bench_unshare(&space.outputs);
    st_trial_close(space.trial);
    free(space.scratch);
    free(space.found.indices);
    free(space.found.values);
    free(space.expected.indices);
    free(space.expected.values);
    free(order);
    free(repeats);
    return result;
}

static int compare_numbers(const void *left, const void *right) {
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

double st_bench_median(double *values, int64_t count) {
    if (count <= 0) {
        return 0;
    }
    qsort(values, (size_t)count, sizeof *values, compare_numbers);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}
