/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* race.c - data for a cell, candidates compared with the engine's plan bit for bit, and timed. */
#define _GNU_SOURCE /* clock_gettime under -std=c17 */
#include "race.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "narrow.h"

/* Elements that are made, at least; what follows repeats them. And the runs that a race has at least. */
enum { DISTINCT_ELEMENTS = 1 << 20, LEAST_RUNS = 50 };

typedef struct contest {
    st_py_lab *lab;
    int32_t count;
    st_plan plans[ST_RACE_MOST];
    char *expected, *found; /* values, and after them indices */
    size_t values_bytes, bytes;
    void *workspace;
    uint64_t workspace_bytes;
    int interrupted;
    st_status failure;
} contest;

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* ---- data ---------------------------------------------------------------------------------------------------------------- */

/* Vigna's splitmix64. */
static uint64_t random_bits(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* In (0, 1): never 0, so that its logarithm is finite. */
static double uniform(uint64_t *state) { return ((double)(random_bits(state) >> 12) + 0.5) * 0x1p-52; }

/* Normal numbers for float dtypes; any bits for integers. */
static void fill(st_dtype dtype, char *data, int64_t elements) {
    const int64_t size = st_dtype_size(dtype);
    uint64_t state = 1;
    for (int64_t i = 0; i < elements; i++) {
        const uint64_t bits = random_bits(&state);
        if (st_py_is_float(dtype)) st_py_store(dtype, data + i * size, sqrt(-2 * log(uniform(&state))) * cos(6.283185307179586 * uniform(&state)));
        else memcpy(data + i * size, &bits, (size_t)size);
    }
}

void st_py_race_release(st_py_lab *lab) {
    free(lab->input);
    lab->input = NULL;
}

static st_status prepare_input(st_py_lab *lab, const st_survey_cell *cell) {
    if (lab->input != NULL && lab->rows == cell->rows && lab->cols == cell->cols && lab->dtype == cell->dtype) return ST_OK;
    st_py_race_release(lab);
    const int64_t elements = cell->rows * cell->cols, distinct = elements < DISTINCT_ELEMENTS ? elements : DISTINCT_ELEMENTS;
    const size_t bytes = (size_t)(elements * st_dtype_size(cell->dtype));
    lab->input = malloc(bytes);
    if (lab->input == NULL) return st_backend_fail(ST_E_MEMORY, "no memory for the data of a cell; use smaller shapes");
    fill(cell->dtype, lab->input, distinct);
    for (size_t at = (size_t)(distinct * st_dtype_size(cell->dtype)); at < bytes;) { /* doubles what there is */
        const size_t next = bytes - at < at ? bytes - at : at;
        memcpy((char *)lab->input + at, lab->input, next);
        at += next;
    }
    lab->rows = cell->rows;
    lab->cols = cell->cols;
    lab->dtype = cell->dtype;
    return ST_OK;
}

static st_status prepare_outputs(contest *made, const st_survey_cell *cell) {
    const size_t elements = (size_t)cell->rows * (size_t)cell->k;
    made->values_bytes = (elements * (size_t)st_dtype_size(cell->dtype) + 7) / 8 * 8;
    made->bytes = made->values_bytes + elements * sizeof(int64_t);
    for (int32_t i = 0; i < made->count; i++) {
        uint64_t bytes = 0;
        const st_status status = st_rank_workspace(made->lab->engine, &made->plans[i], &bytes);
        if (status != ST_OK) return status;
        made->workspace_bytes = bytes > made->workspace_bytes ? bytes : made->workspace_bytes;
    }
    made->expected = calloc(1, made->bytes + 1);
    made->found = calloc(1, made->bytes + 1);
    made->workspace = malloc((size_t)made->workspace_bytes + 1);
    if (made->expected != NULL && made->found != NULL && made->workspace != NULL) return ST_OK;
    return st_backend_fail(ST_E_MEMORY, "no memory for the outputs of a cell; use smaller shapes or k");
}

/* ---- candidates ---------------------------------------------------------------------------------------------------------- */

static void make_request(const st_survey_cell *cell, st_rank_request *request) {
    st_rank_request_init(request, cell->kind, cell->rows, cell->cols, cell->k);
    request->dtype = cell->dtype;
    request->threads = cell->threads;
}

static void add_plan(contest *made, const st_plan *plan) {
    for (int32_t i = 0; i < made->count; i++)
        if (memcmp(&made->plans[i].choice, &plan->choice, sizeof plan->choice) == 0) return;
    if (made->count < ST_RACE_MOST) made->plans[made->count++] = *plan;
}

static st_status gather(contest *made, const st_survey_cell *cell) {
    st_rank_request request;
    st_choice choices[ST_RACE_MOST];
    int32_t count = 0;
    st_plan plan;
    make_request(cell, &request);
    st_status status = st_plan_request(made->lab->engine, &request, made->lab->device, NULL, &plan);
    if (status != ST_OK) return status;
    add_plan(made, &plan);
    status = st_rank_candidates(made->lab->engine, &request, made->lab->device, choices, ST_RACE_MOST, &count);
    if (status == ST_E_CAPACITY) count = ST_RACE_MOST;
    else if (status != ST_OK) return status;
    for (int32_t i = 0; i < count; i++) {
        status = st_plan_with_choice(made->lab->engine, &request, made->lab->device, &choices[i], &plan);
        if (status != ST_OK) return status;
        add_plan(made, &plan);
    }
    return ST_OK;
}

double st_py_race_predict(void *user, const st_survey_cell *cell, const st_choice *choice) {
    const st_py_lab *lab = user;
    st_rank_request request;
    st_plan plan;
    make_request(cell, &request);
    return st_plan_with_choice(lab->engine, &request, lab->device, choice, &plan) == ST_OK ? plan.predicted_ns : 0;
}

/* ---- the race's calls ---------------------------------------------------------------------------------------------------- */

static int is_interrupted(contest *made) {
    const PyGILState_STATE gil = PyGILState_Ensure();
    if (PyErr_CheckSignals() < 0) made->interrupted = 1;
    PyGILState_Release(gil);
    return made->interrupted;
}

static st_status execute(const contest *made, int32_t candidate, char *outputs, int64_t repetitions, double *ns) {
    const st_rank_buffers buffers = {.struct_size = sizeof buffers,
                                     .input = made->lab->input,
                                     .values = outputs,
                                     .indices = outputs + made->values_bytes,
                                     .workspace = made->workspace,
                                     .workspace_size = made->workspace_bytes};
    st_status status = ST_OK;
    const double start = now_ns();
    for (int64_t i = 0; i < repetitions && status == ST_OK; i++) status = st_execute_rank(made->lab->engine, &made->plans[candidate], &buffers);
    *ns = now_ns() - start;
    return status;
}

static int32_t check(void *user, int32_t candidate, double *ns) {
    contest *made = user;
    char *outputs = candidate == 0 ? made->expected : made->found;
    if (is_interrupted(made)) return ST_RACE_STOP;
    memset(outputs, 0xa5, made->bytes);
    const st_status status = execute(made, candidate, outputs, 1, ns);
    if (status == ST_E_UNSUPPORTED) return ST_RACE_REFUSED;
    if (status != ST_OK) {
        made->failure = status;
        return ST_RACE_STOP;
    }
    if (candidate == 0 || memcmp(made->expected, made->found, made->bytes) == 0) return ST_RACE_RIGHT;
    made->lab->wrong++;
    return ST_RACE_WRONG;
}

static int32_t measure(void *user, int32_t candidate, int64_t repetitions, double *ns) {
    contest *made = user;
    if (is_interrupted(made)) return ST_RACE_STOP;
    made->failure = execute(made, candidate, made->found, repetitions, ns);
    return made->failure == ST_OK ? ST_RACE_RIGHT : ST_RACE_STOP;
}

/* ---- from the race to the finding ---------------------------------------------------------------------------------------- */

/* A candidate's place among those that were not far behind, the nearest first. */
static void add_rival(st_survey_finding *finding, const st_choice *choice, double behind) {
    int32_t at = finding->rival_count;
    if (at == ST_SURVEY_RIVALS && finding->rivals[at - 1].behind <= behind) return;
    if (at == ST_SURVEY_RIVALS) at--;
    else finding->rival_count++;
    for (; at > 0 && finding->rivals[at - 1].behind > behind; at--) finding->rivals[at] = finding->rivals[at - 1];
    finding->rivals[at] = (st_survey_rival){*choice, behind};
}

static void fill_finding(const contest *made, const st_race_result *result, const st_race_standing *standings, st_survey_finding *finding) {
    finding->choice = made->plans[result->winner].choice;
    finding->n = result->n;
    finding->mean_log_ns = result->mean_log_ns;
    finding->var_log_ns = result->var_log_ns;
    finding->gain = result->gain;
    finding->gain_error = result->gain_error;
    finding->noise = result->noise;
    for (int32_t i = 0; i < made->count; i++) {
        if (i == result->winner || standings[i].state == ST_RACE_OUT_WRONG || standings[i].state == ST_RACE_OUT_REFUSED) continue;
        add_rival(finding, &made->plans[i].choice, standings[i].log_ns - standings[result->winner].log_ns);
    }
}

static st_status race(contest *made, st_survey_finding *finding) {
    const st_race_options options = {sizeof options, made->count, made->lab->seed, made->lab->limit_ns};
    const st_race_calls calls = {sizeof calls, made, check, measure};
    st_race_standing standings[ST_RACE_MOST];
    st_race_result result = {.struct_size = sizeof result};
    const st_status status = st_race(&options, &calls, standings, &result);
    if (made->failure != ST_OK) return made->failure;
    if (status == ST_OK && !made->interrupted) fill_finding(made, &result, standings, finding);
    return made->interrupted || status == ST_E_STATE ? ST_OK : status; /* nothing to race against: nothing was found */
}

st_status st_py_race(st_py_lab *lab, const st_survey_cell *cell, st_survey_finding *finding, int *interrupted) {
    contest *made = calloc(1, sizeof *made);
    *finding = (st_survey_finding){.struct_size = sizeof *finding, .cell = *cell};
    if (made == NULL) return st_backend_fail(ST_E_MEMORY, "no memory for a cell");
    made->lab = lab;
    st_status status = gather(made, cell);
    const int is_long = status == ST_OK && lab->is_grid && made->plans[0].predicted_ns * LEAST_RUNS > lab->limit_ns;
    if (status == ST_OK && !is_long) status = prepare_input(lab, cell);
    if (status == ST_OK && !is_long) status = prepare_outputs(made, cell);
    if (status == ST_OK && !is_long) status = race(made, finding);
    *interrupted = made->interrupted;
    free(made->workspace);
    free(made->found);
    free(made->expected);
    free(made);
    return status;
}
