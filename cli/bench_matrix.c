/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bench_matrix.c - every case of the matrix, every contender: medians, the read limit beside them, and the noise. */
#include <stdlib.h>
#include <string.h>

#include "bench_worker.h"

static st_bench_row *add_row(st_bench_rows *rows) {
    if (rows->count == rows->capacity) {
        const int64_t capacity = rows->capacity > 0 ? 2 * rows->capacity : 64;
        st_bench_row *list = realloc(rows->list, (size_t)capacity * sizeof *list);
        if (!list) {
            return NULL;
        }
        rows->list = list;
        rows->capacity = capacity;
    }
    st_bench_row *row = &rows->list[rows->count++];
    memset(row, 0, sizeof *row);
    return row;
}

static double apart(double one, double other) { return one > other ? one / other : other / one; }

/* Turns a case's samples into rows; the samples are sorted on the way. */
static int report(const st_bench_lab *lab, const st_bench_case *point, const st_bench_lineup *lineup,
                  st_bench_samples *samples, const st_bench_finding *findings, double *ratios, st_bench_rows *rows) {
    const int64_t reps = lab->reps;
    for (int32_t i = lineup->count - 1; i >= 0; i--) {
        if (findings[i].left_out) {
            continue;
        }
        double *ns = &samples->ns[i * reps];
        const double *read_ns = &samples->read_ns[i * reps];
        for (int64_t rep = 0; rep < reps; rep++) {
            ratios[i * reps + rep] = ns[rep] / read_ns[rep];
        }
        ns[0] = st_bench_median(ns, reps);
        ratios[i * reps] = st_bench_median(&ratios[i * reps], reps);
    }
    /* Times are compared as they are and as ratios: the noise is that of the worse of the two. */
    const int64_t last = (lineup->count - 1) * reps;
    const double of_ns = apart(samples->ns[0], samples->ns[last]);
    const double of_ratios = apart(ratios[0], ratios[last]);
    const double noise = of_ns > of_ratios ? of_ns : of_ratios;
    const int64_t first = rows->count;
    double least = 0, most = 0; /* read limits of those who were timed */
    for (int32_t i = 0; i + 1 < lineup->count; i++) {
        const st_bench_contender *contender = &lineup->list[i];
        st_bench_row *row = add_row(rows);
        if (!row) {
            return st_cli_fail("bench", "not enough memory for the results");
        }
        row->point = *point;
        memcpy(row->impl, contender->name, sizeof row->impl);
        memcpy(row->device, lineup->list[0].plan.device, sizeof row->device);
        memcpy(row->kernel, contender->plan.kernel, sizeof row->kernel);
        row->finding = findings[i];
        row->version = contender->peer     ? contender->peer->version()
                       : contender->remote ? contender->remote->version
                                           : st_version();
        row->has_choice = !contender->peer && !contender->remote;
        row->is_remote = contender->remote != NULL;
        row->choice = contender->plan.choice;
        rows->wrong += findings[i].wrong;
        row->noise = noise;
        if (findings[i].left_out) {
            continue;
        }
        row->ns = samples->ns[i * reps];
        row->read_ns = st_bench_median(&samples->read_ns[i * reps], reps);
        row->ratio = ratios[i * reps];
        least = least == 0 || row->read_ns < least ? row->read_ns : least;
        most = row->read_ns > most ? row->read_ns : most;
    }
    for (int64_t i = first; i < rows->count; i++) {
        rows->list[i].spread = most / least; /* the library's own plan is never left out */
    }
    return 0;
}

int st_bench_run_matrix(st_bench_lab *lab, const st_bench_matrix *matrix, const st_bench_against *against,
                        st_bench_rows *rows) {
    st_bench_shared shared = {0};
    st_bench_input input = {.shared = lab->worker ? &shared : NULL};
    int result = 0;
    st_progress_start(lab->progress, 0, "measuring", "runs", matrix->count * lab->reps);
    for (int64_t i = 0; i < matrix->count && result == 0; i++) {
        const st_bench_case *point = &matrix->cases[i];
        st_bench_lineup lineup = {0};
        double *numbers = NULL;
        st_bench_finding *findings = NULL;
        result = st_cli_interrupted() ? 130 : st_bench_gather(lab, point, against, &lineup);
        if (result == 0) {
            const size_t count = (size_t)lineup.count * (size_t)lab->reps;
            numbers = calloc(count, 3 * sizeof *numbers);
            st_bench_samples samples = {numbers, numbers ? numbers + count : NULL};
            findings = calloc((size_t)lineup.count, sizeof *findings);
            result = numbers && findings ? st_bench_prepare(&input, point)
                                         : st_cli_fail("bench", "--reps: not enough memory; use fewer");
            if (result == 0) {
                result = st_bench_measure(lab, point, &input, lineup.list, lineup.count, &samples, findings);
            }
            if (result == 0) {
                result = report(lab, point, &lineup, &samples, findings, numbers + 2 * count, rows);
            }
        }
        free(findings);
        free(numbers);
        free(lineup.list);
    }
    st_progress_hide(lab->progress);
    st_bench_release(&input);
    return result;
}
