/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* tune_cell.c - one cell of the survey: its data, its candidates, their answers compared, and the race between them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_worker.h"
#include "on_device.h"
#include "tune.h"

/* Rows that differ from each other, and at least so many elements of them: what follows repeats these. */
enum { DISTINCT_ROWS = 64, DISTINCT_ELEMENTS = 1 << 20 };

/* Runs that a race has at least: two samples of some ten candidates, and a final. */
enum { LEAST_RUNS = 50 };

/* Elements that are looked through in well under a millisecond. */
enum { SMALL_CELL = 1 << 16 };

/* What the race's calls work on. The plan of the engine is the first, and gives the reference. */
typedef struct contest {
    st_tune_lab *lab;
    st_bench_case point;
    int32_t count;
    st_plan plans[ST_RACE_MOST];
    st_bench_arrays expected, found;
    size_t values_bytes, indices_bytes;
    void *workspace;
    uint64_t workspace_bytes;
    int on_device; /* `there` holds the data */
    st_on_device there;
    int stopped;
    int incumbent_is_wrong;
    int error; /* an exit status that ends the race; printed */
} contest;

int64_t st_tune_cell_bytes(const st_survey_cell *cell) {
    const int64_t size = st_dtype_size(cell->dtype);
    int64_t input, outputs;
    if (__builtin_mul_overflow(cell->rows, cell->cols, &input) || __builtin_mul_overflow(input, size, &input) ||
        __builtin_mul_overflow(cell->rows, cell->k, &outputs) || __builtin_mul_overflow(outputs, 2 * (size + 8), &outputs) ||
        __builtin_add_overflow(input, outputs, &input)) {
        return 0;
    }
    return input;
}

static int failed(const contest *cell, const char *what) {
    char name[160];
    st_bench_case_name(&cell->point, name, sizeof name);
    st_progress_hide(cell->lab->progress);
    return st_cli_fail("tune", "%s: %s", name, what);
}

/* ---- data ---------------------------------------------------------------------------------------------------------- */

void st_tune_release(st_tune_lab *lab) {
    free(lab->input);
    lab->input = NULL;
}

static int prepare_input(contest *cell) {
    st_tune_lab *lab = cell->lab;
    const st_bench_case *point = &cell->point;
    if (lab->input && lab->input_rows == point->rows && lab->input_cols == point->cols && lab->input_dtype == point->dtype) {
        return 0;
    }
    st_tune_release(lab);
    const size_t row_bytes = (size_t)point->cols * (size_t)st_dtype_size(point->dtype);
    const size_t bytes = (size_t)point->rows * row_bytes;
    lab->input = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!lab->input) {
        return failed(cell, "not enough memory for its data; use smaller shapes");
    }
    int64_t distinct = (DISTINCT_ELEMENTS - 1) / point->cols + 1;
    distinct = distinct < DISTINCT_ROWS ? DISTINCT_ROWS : distinct;
    distinct = distinct < point->rows ? distinct : point->rows;
    st_bench_fill(0, point->dtype, distinct, point->cols, lab->input);
    for (size_t at = (size_t)distinct * row_bytes; at < bytes;) { /* doubles what there is */
        const size_t next = bytes - at < at ? bytes - at : at;
        memcpy((unsigned char *)lab->input + at, lab->input, next);
        at += next;
    }
    lab->input_rows = point->rows;
    lab->input_cols = point->cols;
    lab->input_dtype = point->dtype;
    return 0;
}

static int prepare_outputs(contest *cell) {
    const size_t elements = (size_t)cell->point.rows * (size_t)cell->point.k;
    cell->values_bytes = elements * (size_t)st_dtype_size(cell->point.dtype);
    cell->indices_bytes = elements * sizeof(int64_t);
    for (int32_t i = 0; i < cell->count; i++) {
        uint64_t bytes = 0;
        if (st_rank_workspace(cell->lab->context, &cell->plans[i], &bytes) != ST_OK) {
            return failed(cell, st_last_message());
        }
        cell->workspace_bytes = bytes > cell->workspace_bytes ? bytes : cell->workspace_bytes;
    }
    cell->expected = (st_bench_arrays){cell->lab->input, malloc(cell->values_bytes), malloc(cell->indices_bytes)};
    cell->found = (st_bench_arrays){cell->lab->input, malloc(cell->values_bytes), malloc(cell->indices_bytes)};
    cell->workspace = cell->workspace_bytes <= SIZE_MAX - 1 ? malloc((size_t)cell->workspace_bytes + 1) : NULL;
    if (!cell->expected.values || !cell->expected.indices || !cell->found.values || !cell->found.indices || !cell->workspace) {
        return failed(cell, "not enough memory for its outputs; use smaller shapes or k");
    }
    cell->on_device = st_on_device_has_memory(cell->lab->context, &cell->plans[0]);
    if (!cell->on_device || st_on_device_open(cell->lab->context, &cell->plans[0], cell->lab->input, &cell->there) == ST_OK) {
        return 0;
    }
    return failed(cell, st_last_message());
}

/* ---- candidates ----------------------------------------------------------------------------------------------------- */

static void add_plan(contest *cell, const st_plan *plan) {
    for (int32_t i = 0; i < cell->count; i++) {
        if (memcmp(&cell->plans[i].choice, &plan->choice, sizeof plan->choice) == 0) {
            return;
        }
    }
    if (cell->count < ST_RACE_MOST) {
        cell->plans[cell->count++] = *plan;
    }
}

static void make_request(const st_survey_cell *cell, st_rank_request *request) {
    st_rank_request_init(request, cell->kind, cell->rows, cell->cols, cell->k);
    request->dtype = cell->dtype;
    request->threads = cell->threads;
}

double st_tune_predict(void *user, const st_survey_cell *cell, const st_choice *choice) {
    const st_tune_lab *lab = user;
    st_rank_request request;
    st_plan plan;
    make_request(cell, &request);
    return st_plan_with_choice(lab->context, &request, lab->device, choice, &plan) == ST_OK ? plan.predicted_ns : 0;
}

static int gather(contest *cell, const st_survey_cell *asked) {
    st_tune_lab *lab = cell->lab;
    st_rank_request request;
    st_choice choices[ST_RACE_MOST];
    int32_t count = 0;
    st_plan plan;
    make_request(asked, &request);
    st_status status = st_plan_request(lab->context, &request, lab->device, NULL, &plan);
    if (status == ST_OK) {
        add_plan(cell, &plan);
        status = st_rank_candidates(lab->context, &request, lab->device, choices, ST_RACE_MOST, &count);
    }
    if (status == ST_E_CAPACITY) {
        count = ST_RACE_MOST;
        status = ST_OK;
    }
    for (int32_t i = 0; i < count && status == ST_OK; i++) {
        status = st_plan_with_choice(lab->context, &request, lab->device, &choices[i], &plan);
        if (status == ST_OK) {
            add_plan(cell, &plan);
        }
    }
    return status == ST_OK ? 0 : failed(cell, st_last_message());
}

/* ---- the race's calls ----------------------------------------------------------------------------------------------- */

static st_status execute(const contest *cell, int32_t candidate, const st_bench_arrays *arrays, int64_t repetitions, double *ns) {
    st_rank_buffers buffers;
    memset(&buffers, 0, sizeof buffers);
    buffers.struct_size = sizeof buffers;
    buffers.input = arrays->input;
    buffers.values = arrays->values;
    buffers.indices = arrays->indices;
    buffers.workspace = cell->workspace;
    buffers.workspace_size = cell->workspace_bytes;
    st_status status = ST_OK;
    const double start = st_bench_now();
    if (cell->on_device) {
        status = st_on_device_run(cell->lab->context, &cell->plans[candidate], &cell->there, repetitions);
    }
    for (int64_t i = 0; i < repetitions && status == ST_OK && !cell->on_device; i++) {
        status = st_execute_rank(cell->lab->context, &cell->plans[candidate], &buffers);
    }
    *ns = st_bench_now() - start;
    return status;
}

/* The candidate's first run, and its outputs where they are compared. The time of what compiles a kernel is not the kernel's. */
static st_status execute_first(contest *cell, int32_t candidate, const st_bench_arrays *arrays, double *ns) {
    st_status status = execute(cell, candidate, arrays, 1, ns);
    if (status == ST_OK && cell->on_device) {
        status = execute(cell, candidate, arrays, 1, ns);
    }
    return status == ST_OK && cell->on_device ? st_on_device_fetch(&cell->there, arrays->values, arrays->indices) : status;
}

/* Says which candidate it was, by its kernel and every field that is not 0. */
static void report_wrong(contest *cell, int32_t candidate, const char *what) {
    char text[512];
    const st_plan *plan = &cell->plans[candidate];
    size_t length = (size_t)snprintf(text, sizeof text, "wrong answer: %s (", plan->kernel);
    for (int32_t i = 0; i < st_choice_field_count(); i++) {
        const st_choice_field *field = st_choice_field_at(i);
        int32_t value;
        memcpy(&value, (const char *)&plan->choice + field->offset, sizeof value);
        if (value != 0) {
            length += (size_t)snprintf(text + length, sizeof text - length, " %s %d", field->name, (int)value);
        }
    }
    snprintf(text + length, sizeof text - length, " ) %.200s; it takes no part", what);
    cell->lab->wrong++;
    failed(cell, text);
}

/* The engine's own answer against the data, where that costs little; elsewhere only once another answer differs from it. */
static int32_t check_small(contest *cell) {
    char why[200];
    if (cell->point.rows * cell->point.cols > SMALL_CELL || st_bench_is_answer(&cell->point, &cell->expected, why, sizeof why)) {
        return ST_RACE_RIGHT;
    }
    report_wrong(cell, 0, why);
    return ST_RACE_WRONG;
}

static int32_t compare(contest *cell, int32_t candidate) {
    char why[200];
    if (memcmp(cell->expected.values, cell->found.values, cell->values_bytes) == 0 &&
        memcmp(cell->expected.indices, cell->found.indices, cell->indices_bytes) == 0) {
        return ST_RACE_RIGHT;
    }
    if (!st_bench_is_answer(&cell->point, &cell->found, why, sizeof why)) {
        report_wrong(cell, candidate, why);
        return ST_RACE_WRONG;
    }
    report_wrong(cell, 0, "differs from another's, which is what the data asks for");
    cell->incumbent_is_wrong = 1;
    return ST_RACE_STOP;
}

static int32_t check(void *user, int32_t candidate, double *ns) {
    contest *cell = user;
    const st_bench_arrays *arrays = candidate == 0 ? &cell->expected : &cell->found;
    if (st_cli_interrupted()) {
        cell->stopped = 1;
        return ST_RACE_STOP;
    }
    memset(arrays->values, 0xa5, cell->values_bytes);
    memset(arrays->indices, 0xa5, cell->indices_bytes);
    const st_status status = execute_first(cell, candidate, arrays, ns);
    if (status == ST_E_UNSUPPORTED) {
        return ST_RACE_REFUSED;
    }
    if (status != ST_OK) {
        cell->error = failed(cell, st_last_message());
        return ST_RACE_STOP;
    }
    return candidate == 0 ? check_small(cell) : compare(cell, candidate);
}

static int32_t measure(void *user, int32_t candidate, int64_t repetitions, double *ns) {
    contest *cell = user;
    if (st_cli_interrupted()) {
        cell->stopped = 1;
        return ST_RACE_STOP;
    }
    if (execute(cell, candidate, &cell->found, repetitions, ns) != ST_OK) {
        cell->error = failed(cell, st_last_message());
        return ST_RACE_STOP;
    }
    return ST_RACE_RIGHT;
}

/* ---- from the race to the finding ----------------------------------------------------------------------------------- */

static void fill_finding(const contest *cell, const st_race_result *result, const st_race_standing *standings,
                         st_survey_finding *finding) {
    finding->choice = cell->plans[result->winner].choice;
    finding->n = result->n;
    finding->mean_log_ns = result->mean_log_ns;
    finding->var_log_ns = result->var_log_ns;
    finding->gain = result->gain;
    finding->gain_error = result->gain_error;
    finding->noise = result->noise;
    for (int32_t i = 0; i < cell->count; i++) {
        if (i == result->winner || standings[i].state == ST_RACE_OUT_WRONG || standings[i].state == ST_RACE_OUT_REFUSED) {
            continue;
        }
        const st_survey_rival rival = {cell->plans[i].choice, standings[i].log_ns - standings[result->winner].log_ns};
        int32_t at = finding->rival_count < ST_SURVEY_RIVALS ? finding->rival_count++ : ST_SURVEY_RIVALS;
        for (; at > 0 && finding->rivals[at - 1].behind > rival.behind; at--) { /* the nearest first */
            if (at < ST_SURVEY_RIVALS) {
                finding->rivals[at] = finding->rivals[at - 1];
            }
        }
        if (at < ST_SURVEY_RIVALS) {
            finding->rivals[at] = rival;
        }
    }
}

static int race(contest *cell, st_survey_finding *finding) {
    const st_race_options options = {sizeof options, cell->count, cell->lab->seed, cell->lab->limit_ns};
    const st_race_calls calls = {sizeof calls, cell, check, measure};
    st_race_standing standings[ST_RACE_MOST];
    st_race_result result = {.struct_size = sizeof result};
    const st_status status = st_race(&options, &calls, standings, &result);
    if (cell->stopped || cell->error) {
        return cell->stopped ? ST_CLI_INTERRUPTED : cell->error;
    }
    if (status == ST_E_STATE || cell->incumbent_is_wrong) {
        return 0; /* printed; there is nothing to race against */
    }
    if (status != ST_OK) {
        return failed(cell, st_last_message());
    }
    fill_finding(cell, &result, standings, finding);
    return 0;
}

int st_tune_measure(st_tune_lab *lab, const st_survey_cell *asked, st_survey_finding *finding) {
    contest *cell = calloc(1, sizeof *cell);
    memset(finding, 0, sizeof *finding);
    finding->struct_size = sizeof *finding;
    finding->cell = *asked;
    if (!cell) {
        return st_cli_fail("tune", "not enough memory for a cell");
    }
    cell->lab = lab;
    cell->point = (st_bench_case){asked->kind, asked->dtype, 0, asked->threads, asked->rows, asked->cols, asked->k};
    int status = gather(cell, asked);
    if (status == 0 && lab->is_grid && cell->plans[0].predicted_ns * LEAST_RUNS > lab->limit_ns) {
        free(cell);
        return 0;
    }
    status = status == 0 ? prepare_input(cell) : status;
    status = status == 0 ? prepare_outputs(cell) : status;
    status = status == 0 ? race(cell, finding) : status;
    st_on_device_close(&cell->there);
    free(cell->workspace);
    free(cell->found.indices);
    free(cell->found.values);
    free(cell->expected.indices);
    free(cell->expected.values);
    free(cell);
    return status;
}
