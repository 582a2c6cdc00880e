/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bench_regret.c - what the engine's choice costs: its time over the best candidate's, and how much of that is noise. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* The median of every second repetition, from `first`: 0 for the half that picks the best, 1 for the half that times it. */
static double half_median(const double *ns, int64_t reps, int64_t first, double *scratch) {
    int64_t count = 0;
    for (int64_t rep = first; rep < reps; rep += 2) {
        scratch[count++] = ns[rep];
    }
    return st_bench_median(scratch, count);
}

/* Student's t that 95 % lie below, for so many degrees of freedom; beyond the table 1.645 + 1.67 / degrees, 0.003 off at most. */
static double student(int64_t degrees) {
    static const double table[] = {6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860};
    const int64_t entries = (int64_t)(sizeof table / sizeof table[0]);
    return degrees <= entries ? table[degrees - 1] : 1.645 + 1.67 / (double)degrees;
}

/* The lower confidence bound of the geometric mean of a over b, paired by repetition, over every second of them from 1. */
static double lower_bound(const double *a, const double *b, int64_t reps) {
    double sum = 0, squares = 0;
    int64_t count = 0;
    for (int64_t rep = 1; rep < reps; rep += 2, count++) {
        const double difference = log(a[rep] / b[rep]);
        sum += difference;
        squares += difference * difference;
    }
    if (count < 2) {
        return 0;
    }
    const double mean = sum / (double)count, variance = (squares - sum * mean) / (double)(count - 1);
    return exp(mean - student(count - 1) * sqrt((variance > 0 ? variance : 0) / (double)count));
}

/* Picking and timing on different repetitions: a candidate that was lucky once gains nothing from it. */
static void judge(const st_bench_lab *lab, const st_bench_case *point, const st_bench_lineup *lineup,
                  const st_bench_samples *samples, double *scratch, st_bench_regret_case *result) {
    const int64_t reps = lab->reps;
    int32_t best = 0;
    double least = half_median(samples->ns, reps, 0, scratch);
    for (int32_t i = 1; i + 1 < lineup->count; i++) {
        const double time = half_median(&samples->ns[i * reps], reps, 0, scratch);
        if (time < least) {
            least = time;
            best = i;
        }
    }
    const double chosen_ns = half_median(samples->ns, reps, 1, scratch);
    result->point = *point;
    result->chosen = lineup->list[0].plan;
    result->best = lineup->list[best].plan;
    result->ratio = chosen_ns / half_median(&samples->ns[best * reps], reps, 1, scratch);
    result->bound = lower_bound(samples->ns, &samples->ns[best * reps], reps);
    result->noise = chosen_ns / half_median(&samples->ns[(lineup->count - 1) * reps], reps, 1, scratch);
}

/* Geometric mean, 95th percentile (nearest rank) and greatest; sorts the values. */
static void summarise(double *values, int64_t count, double *geomean, double *p95, double *worst) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        sum += log(values[i]);
    }
    st_bench_median(values, count);
    *geomean = exp(sum / (double)count);
    *p95 = values[(95 * count + 99) / 100 - 1];
    *worst = values[count - 1];
}

static int conclude(st_bench_regret *regret) {
    if (regret->count == 0) {
        return 0;
    }
    double *values = calloc((size_t)regret->count, sizeof *values);
    if (!values) {
        return st_cli_fail("bench", "not enough memory for the summary");
    }
    for (int64_t i = 0; i < regret->count; i++) {
        values[i] = regret->list[i].ratio;
        regret->worst_bound = regret->list[i].bound > regret->worst_bound ? regret->list[i].bound : regret->worst_bound;
    }
    summarise(values, regret->count, &regret->geomean, &regret->p95, &regret->worst);
    for (int64_t i = 0; i < regret->count; i++) {
        values[i] = regret->list[i].noise;
    }
    summarise(values, regret->count, &regret->noise_geomean, &regret->noise_p95, &regret->noise_worst);
    free(values);
    return 0;
}

int st_bench_run_regret(st_bench_lab *lab, const st_bench_matrix *matrix, st_bench_regret *regret) {
    st_bench_input input = {0};
    int result = 0;
    st_progress_start(lab->progress, 0, "measuring", "runs", matrix->count * lab->reps);
    for (int64_t i = 0; i < matrix->count && result == 0; i++) {
        const st_bench_case *point = &matrix->cases[i];
        st_bench_lineup lineup = {0};
        double *numbers = NULL;
        st_bench_finding *findings = NULL;
        result = st_cli_interrupted() ? 130 : st_bench_gather(lab, point, NULL, &lineup);
        if (result == 0) {
            const size_t count = (size_t)lineup.count * (size_t)lab->reps;
            numbers = calloc(2 * count + (size_t)lab->reps, sizeof *numbers);
            st_bench_samples samples = {numbers, numbers ? numbers + count : NULL};
            findings = calloc((size_t)lineup.count, sizeof *findings);
            result = numbers && findings ? st_bench_prepare(&input, point)
                                         : st_cli_fail("bench", "--reps: not enough memory; use fewer");
            if (result == 0) {
                result = st_bench_measure(lab, point, &input, lineup.list, lineup.count, &samples, findings);
            }
            if (result == 0) {
                judge(lab, point, &lineup, &samples, numbers + 2 * count, &regret->list[regret->count++]);
            }
        }
        free(findings);
        free(numbers);
        free(lineup.list);
    }
    st_progress_hide(lab->progress);
    st_bench_release(&input);
    const int summed = conclude(regret);
    return result != 0 ? result : summed;
}
