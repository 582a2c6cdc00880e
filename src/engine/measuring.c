/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* measuring.c - one cell of a survey: its data, its candidates, their answers compared, and the race between them. */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "device/choice_fields.h"
#include "engine/context_state.h"
#include "rank/reference.h"
#include "rank/request.h"
#include "spiraltorch/measure.h"

/* Rows that differ from each other, and at least so many elements of them: what follows repeats these. */
enum { DISTINCT_ROWS = 64, DISTINCT_ELEMENTS = 1 << 20 };

/* Runs that a race has at least: two samples of some ten candidates, and a final. */
enum { LEAST_RUNS = 50 };

/* Elements that are sorted in a few milliseconds. */
enum { SMALL_CELL = 1 << 16 };

struct st_tuner {
    st_context *context;
    st_tuner_options options;
    char device[64];
    void *input; /* of the last cell */
    size_t input_bytes;
    int64_t rows, cols;
    st_dtype dtype;
    int64_t wrong;
};

/* An answer's values, and after them its indices. */
struct answer {
    char *memory;
    int64_t *indices;
};

/* What the race's calls work on. The plan of the engine is the first, and what it answers is expected of all. */
struct contest {
    st_tuner *tuner;
    const st_survey_cell *cell;
    int32_t count;
    st_plan plans[ST_RACE_MOST];
    st_trial *trial;
    struct answer expected, found;
    size_t values_bytes, bytes;
    int incumbent_is_wrong;
    st_status failure; /* ends the race */
};

/* ---- tuners ----------------------------------------------------------------------------------------------------------- */

st_status st_tuner_create(st_context *context, const st_tuner_options *options, st_tuner **tuner) {
    int32_t position;
    if (tuner == NULL) return st_fail(ST_E_ARGUMENT, "tuner is NULL; give the address of a pointer");
    *tuner = NULL;
    if (context == NULL || options == NULL) return st_fail(ST_E_ARGUMENT, "%s is NULL", context == NULL ? "context" : "options");
    if (options->struct_size != sizeof *options)
        return st_fail(ST_E_ARGUMENT, "options.struct_size is %u; set it to sizeof(st_tuner_options)", options->struct_size);
    if (!(options->limit_ns >= 0)) return st_fail(ST_E_ARGUMENT, "options.limit_ns is %g; it must be at least 0", options->limit_ns);
    const st_status status = st_device_find(context, options->device, &position);
    if (status != ST_OK) return status;
    st_tuner *made = st_allocate_zeroed(&context->host, sizeof *made);
    if (made == NULL) return st_fail(ST_E_MEMORY, "no memory for a tuner");
    made->context = context;
    made->options = *options;
    snprintf(made->device, sizeof made->device, "%s", context->registry.items[position].info.id);
    made->options.device = made->device;
    *tuner = made;
    return ST_OK;
}

void st_tuner_destroy(st_tuner *tuner) {
    if (tuner == NULL) return;
    st_release(&tuner->context->host, tuner->input, tuner->input_bytes);
    st_release(&tuner->context->host, tuner, sizeof *tuner);
}

int64_t st_tuner_wrong(const st_tuner *tuner) { return tuner == NULL ? 0 : tuner->wrong; }

/* ---- data and plans ------------------------------------------------------------------------------------------------------ */

static st_status prepare_input(st_tuner *tuner, const st_survey_cell *cell) {
    if (tuner->input != NULL && tuner->rows == cell->rows && tuner->cols == cell->cols && tuner->dtype == cell->dtype) return ST_OK;
    const st_host *host = &tuner->context->host;
    st_release(host, tuner->input, tuner->input_bytes);
    const size_t row_bytes = (size_t)cell->cols * (size_t)st_dtype_size(cell->dtype);
    tuner->input_bytes = (size_t)cell->rows * row_bytes;
    tuner->input = st_allocate(host, tuner->input_bytes);
    if (tuner->input == NULL) return st_fail(ST_E_MEMORY, "no memory for the data of %lld x %lld", (long long)cell->rows, (long long)cell->cols);
    int64_t distinct = (DISTINCT_ELEMENTS - 1) / cell->cols + 1;
    distinct = distinct < DISTINCT_ROWS ? DISTINCT_ROWS : distinct;
    distinct = distinct < cell->rows ? distinct : cell->rows;
    const st_status status = st_unit_normal(cell->dtype, distinct, cell->cols, tuner->input);
    for (size_t at = (size_t)distinct * row_bytes; at < tuner->input_bytes;) { /* doubles what there is */
        const size_t next = tuner->input_bytes - at < at ? tuner->input_bytes - at : at;
        memcpy((char *)tuner->input + at, tuner->input, next);
        at += next;
    }
    tuner->rows = cell->rows;
    tuner->cols = cell->cols;
    tuner->dtype = cell->dtype;
    return status;
}

static void make_request(const st_survey_cell *cell, st_rank_request *request) {
    st_rank_request_init(request, cell->kind, cell->rows, cell->cols, cell->k);
    request->dtype = cell->dtype;
    request->threads = cell->threads;
}

static void add_plan(struct contest *contest, const st_plan *plan) {
    for (int32_t i = 0; i < contest->count; i++)
        if (memcmp(&contest->plans[i].choice, &plan->choice, sizeof plan->choice) == 0) return;
    if (contest->count < ST_RACE_MOST) contest->plans[contest->count++] = *plan;
}

static st_status gather(struct contest *contest) {
    st_tuner *tuner = contest->tuner;
    st_rank_request request;
    st_choice choices[ST_RACE_MOST];
    int32_t count = 0;
    st_plan plan;
    make_request(contest->cell, &request);
    st_status status = st_plan_request(tuner->context, &request, tuner->device, NULL, &plan);
    if (status != ST_OK) return status;
    add_plan(contest, &plan);
    status = st_rank_candidates(tuner->context, &request, tuner->device, choices, ST_RACE_MOST, &count);
    if (status == ST_E_CAPACITY) {
        count = ST_RACE_MOST;
        status = ST_OK;
    }
    for (int32_t i = 0; i < count && status == ST_OK; i++) {
        status = st_plan_with_choice(tuner->context, &request, tuner->device, &choices[i], &plan);
        if (status == ST_OK) add_plan(contest, &plan);
    }
    return status;
}

double st_tuner_predict(void *tuner, const st_survey_cell *cell, const st_choice *choice) {
    const st_tuner *asked = tuner;
    st_rank_request request;
    st_plan plan;
    if (tuner == NULL || cell == NULL) return 0;
    make_request(cell, &request);
    return st_plan_with_choice(asked->context, &request, asked->device, choice, &plan) == ST_OK ? plan.predicted_ns : 0;
}

/* ---- answers ------------------------------------------------------------------------------------------------------------- */

static st_status open_answer(const struct contest *contest, struct answer *answer) {
    answer->memory = st_allocate_zeroed(&contest->tuner->context->host, contest->bytes);
    if (answer->memory == NULL) return st_fail(ST_E_MEMORY, "no memory for the answers of a cell");
    answer->indices = (int64_t *)(void *)(answer->memory + contest->values_bytes);
    return ST_OK;
}

static st_status open_answers(struct contest *contest) {
    const size_t elements = (size_t)contest->cell->rows * (size_t)contest->cell->k;
    contest->values_bytes = (elements * (size_t)st_dtype_size(contest->cell->dtype) + 7) / 8 * 8;
    contest->bytes = contest->values_bytes + elements * sizeof(int64_t);
    const st_status status = open_answer(contest, &contest->expected);
    return status == ST_OK ? open_answer(contest, &contest->found) : status;
}

/* Tells of a candidate whose answer is wrong, by its kernel and every field that is not 0. */
static void report_wrong(struct contest *contest, int32_t candidate, const char *where) {
    char text[ST_MESSAGE_BYTES];
    const st_plan *plan = &contest->plans[candidate];
    size_t length = (size_t)snprintf(text, sizeof text, "wrong answer: %s (", plan->kernel);
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        const int32_t value = st_choice_get(&plan->choice, field);
        if (value != 0) length += (size_t)snprintf(text + length, sizeof text - length, " %s %d", st_choice_field_at(field)->name, value);
    }
    snprintf(text + length, sizeof text - length, " ) %.200s; it takes no part", where);
    contest->tuner->wrong++;
    if (contest->tuner->options.wrong != NULL) contest->tuner->options.wrong(contest->tuner->options.user, text);
}

static void say_where(const struct contest *contest, const struct answer *right, const struct answer *answer, char *where, size_t bytes) {
    const int64_t k = contest->cell->k, elements = contest->cell->rows * k;
    int64_t at = 0;
    while (at < elements && right->indices[at] == answer->indices[at]) at++;
    if (at < elements)
        snprintf(where, bytes, "at row %lld, position %lld: index %lld in place of %lld", (long long)(at / k), (long long)(at % k),
                 (long long)answer->indices[at], (long long)right->indices[at]);
    else if (memcmp(right->memory, answer->memory, contest->values_bytes) != 0)
        snprintf(where, bytes, "with the right indices and wrong values");
}

/* Writes where an answer is not the plain sort's; "" where it is. */
static st_status compare_with_reference(struct contest *contest, const struct answer *answer, char *where, size_t bytes) {
    const st_host *host = &contest->tuner->context->host;
    struct answer right = {NULL, NULL};
    where[0] = '\0';
    st_status status = open_answer(contest, &right);
    if (status != ST_OK) return status;
    const st_rank_request *request = &contest->plans[0].request;
    const st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = contest->tuner->input, .values = right.memory, .indices = right.indices};
    st_rank_request resolved;
    st_rank_buffers checked;
    status = st_request_check(request, contest->tuner->context->threads, &resolved);
    if (status == ST_OK) status = st_buffers_check(&resolved, &buffers, &checked);
    if (status == ST_OK) status = st_reference_rank(host, &resolved, &checked);
    if (status == ST_OK) say_where(contest, &right, answer, where, bytes);
    st_release(host, right.memory, contest->bytes);
    return status;
}

/* ---- the race's calls ----------------------------------------------------------------------------------------------------- */

static int is_stopped(struct contest *contest) {
    const st_tuner_options *options = &contest->tuner->options;
    return options->stops != NULL && options->stops(options->user) != 0;
}

static int32_t give_up(struct contest *contest, st_status status) {
    contest->failure = status;
    return ST_RACE_STOP;
}

/* The engine's own answer is sorted for where that costs little; elsewhere only once another answer differs from it. */
static int32_t check_incumbent(struct contest *contest) {
    char where[160];
    if (contest->cell->rows * contest->cell->cols > SMALL_CELL) return ST_RACE_RIGHT;
    const st_status status = compare_with_reference(contest, &contest->expected, where, sizeof where);
    if (status != ST_OK) return give_up(contest, status);
    if (where[0] == '\0') return ST_RACE_RIGHT;
    report_wrong(contest, 0, where);
    return ST_RACE_WRONG;
}

static int32_t compare(struct contest *contest, int32_t candidate) {
    char where[160];
    if (memcmp(contest->expected.memory, contest->found.memory, contest->bytes) == 0) return ST_RACE_RIGHT;
    const st_status status = compare_with_reference(contest, &contest->found, where, sizeof where);
    if (status != ST_OK) return give_up(contest, status);
    if (where[0] != '\0') {
        report_wrong(contest, candidate, where);
        return ST_RACE_WRONG;
    }
    report_wrong(contest, 0, "differs from another's, which is right");
    contest->incumbent_is_wrong = 1;
    return ST_RACE_STOP;
}

/* On a device of its own the first run compiles the kernel, which is no time of the kernel's. */
static int32_t check(void *user, int32_t candidate, double *ns) {
    struct contest *contest = user;
    const struct answer *answer = candidate == 0 ? &contest->expected : &contest->found;
    const st_plan *plan = &contest->plans[candidate];
    if (is_stopped(contest)) return ST_RACE_STOP;
    st_status status = st_trial_run(contest->trial, plan, 1, ns);
    if (status == ST_OK && plan->caps.backend != ST_BACKEND_CPU) status = st_trial_run(contest->trial, plan, 1, ns);
    if (status == ST_E_UNSUPPORTED) return ST_RACE_REFUSED;
    if (status == ST_OK) status = st_trial_answer(contest->trial, answer->memory, answer->indices);
    if (status != ST_OK) return give_up(contest, status);
    return candidate == 0 ? check_incumbent(contest) : compare(contest, candidate);
}

static int32_t measure(void *user, int32_t candidate, int64_t repetitions, double *ns) {
    struct contest *contest = user;
    if (is_stopped(contest)) return ST_RACE_STOP;
    const st_status status = st_trial_run(contest->trial, &contest->plans[candidate], repetitions, ns);
    return status == ST_OK ? ST_RACE_RIGHT : give_up(contest, status);
}

/* ---- from the race to the finding ------------------------------------------------------------------------------------------ */

static void add_rival(st_survey_finding *finding, const st_choice *choice, double behind) {
    int32_t at = finding->rival_count < ST_SURVEY_RIVALS ? finding->rival_count++ : ST_SURVEY_RIVALS;
    for (; at > 0 && finding->rivals[at - 1].behind > behind; at--) /* the nearest first */
        if (at < ST_SURVEY_RIVALS) finding->rivals[at] = finding->rivals[at - 1];
    if (at < ST_SURVEY_RIVALS) finding->rivals[at] = (st_survey_rival){*choice, behind};
}

static void fill_finding(const struct contest *contest, const st_race_result *result, const st_race_standing *standings,
                         st_survey_finding *finding) {
    finding->choice = contest->plans[result->winner].choice;
    finding->n = result->n;
    finding->mean_log_ns = result->mean_log_ns;
    finding->var_log_ns = result->var_log_ns;
    finding->gain = result->gain;
    finding->gain_error = result->gain_error;
    finding->noise = result->noise;
    for (int32_t i = 0; i < contest->count; i++)
        if (i != result->winner && standings[i].state != ST_RACE_OUT_WRONG && standings[i].state != ST_RACE_OUT_REFUSED)
            add_rival(finding, &contest->plans[i].choice, standings[i].log_ns - standings[result->winner].log_ns);
}

static st_status race(struct contest *contest, st_survey_finding *finding, int32_t *stopped) {
    const st_tuner_options *asked = &contest->tuner->options;
    const st_race_options options = {sizeof options, contest->count, asked->seed, asked->limit_ns};
    const st_race_calls calls = {sizeof calls, contest, check, measure};
    st_race_standing standings[ST_RACE_MOST];
    st_race_result result = {.struct_size = sizeof result};
    const st_status status = st_race(&options, &calls, standings, &result);
    if (contest->failure != ST_OK) return contest->failure;
    if (contest->incumbent_is_wrong || status == ST_E_STATE) return ST_OK; /* nothing to race against */
    *stopped = status == ST_OK && result.stopped;
    if (status == ST_OK && !result.stopped) fill_finding(contest, &result, standings, finding);
    return status;
}

static st_status enter(struct contest *contest, st_survey_finding *finding, int32_t *stopped) {
    st_tuner *tuner = contest->tuner;
    st_status status = gather(contest);
    const double least_ns = contest->plans[0].predicted_ns * LEAST_RUNS;
    if (status == ST_OK && tuner->options.leaves_out && tuner->options.limit_ns > 0 && least_ns > tuner->options.limit_ns) return ST_OK;
    if (status == ST_OK) status = prepare_input(tuner, contest->cell);
    if (status == ST_OK) status = open_answers(contest);
    if (status == ST_OK) status = st_trial_open(tuner->context, &contest->plans[0], tuner->input, &contest->trial);
    return status == ST_OK ? race(contest, finding, stopped) : status;
}

st_status st_tuner_measure(st_tuner *tuner, const st_survey_cell *cell, st_survey_finding *finding, int32_t *stopped) {
    if (tuner == NULL || cell == NULL || finding == NULL || stopped == NULL)
        return st_fail(ST_E_ARGUMENT, "%s is NULL", tuner == NULL ? "tuner" : cell == NULL ? "cell" : finding == NULL ? "finding" : "stopped");
    *finding = (st_survey_finding){.struct_size = sizeof *finding, .cell = *cell};
    *stopped = 0;
    if (cell->rows < 1 || cell->k < 1) return st_fail(ST_E_ARGUMENT, "cell.%s is less than 1", cell->rows < 1 ? "rows" : "k");
    const st_host *host = &tuner->context->host;
    struct contest *contest = st_allocate_zeroed(host, sizeof *contest);
    if (contest == NULL) return st_fail(ST_E_MEMORY, "no memory for a cell");
    contest->tuner = tuner;
    contest->cell = cell;
    const st_status status = enter(contest, finding, stopped);
    st_trial_close(contest->trial);
    st_release(host, contest->expected.memory, contest->bytes);
    st_release(host, contest->found.memory, contest->bytes);
    st_release(host, contest, sizeof *contest);
    return status;
}
