/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* tuner_survey.c - which cells a survey has, and what was found in them. */
#include "learn/tuner_survey.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/fail.h"
#include "base/memory.h"
#include "device/choice_fields.h"
#include "spiraltorch/rank.h"

/* The grid: powers of two, of which tuner_schedule.c takes coarse steps first. */
enum { MOST_ROWS_BITS = 16, LEAST_COLS_BITS = 4, MOST_COLS_BITS = 24, MOST_K_BITS = 22 };

int st_choice_same(const st_choice *one, const st_choice *other) { return memcmp(one, other, sizeof *one) == 0; }

size_t st_survey_index(const st_survey *survey, const st_place *place) {
    size_t index = (size_t)place->series;
    for (int axis = 0; axis < ST_AXES; axis++) index = index * (size_t)survey->axes[axis].count + (size_t)place->at[axis];
    return index;
}

/*
 * On a grid the k that is all columns stands for more than half of them, and most of these are a choice and a sort: a whole row is
 * only sorted, and has other winners.
 */
static int64_t most_k(int64_t cols) { return cols - cols / 4; }

st_survey_cell st_survey_cell_of(const st_survey *survey, const st_place *place) {
    const st_series *series = &survey->series[place->series];
    const int64_t cols = survey->axes[ST_AXIS_COLS].values[place->at[ST_AXIS_COLS]];
    const int64_t k = survey->axes[ST_AXIS_K].values[place->at[ST_AXIS_K]];
    return (st_survey_cell){series->kind,
                            series->dtype,
                            series->threads,
                            survey->axes[ST_AXIS_ROWS].values[place->at[ST_AXIS_ROWS]],
                            cols,
                            survey->axes[ST_AXIS_K].is_grid && k == cols ? most_k(cols) : k};
}

const st_survey_finding *st_survey_found(const st_survey *survey, const st_place *place) {
    const int32_t found = survey->places[st_survey_index(survey, place)];
    return found >= 0 ? &survey->findings[found] : NULL;
}

double st_survey_behind(const st_survey_finding *finding, const st_choice *choice) {
    if (st_choice_same(&finding->choice, choice)) return 0;
    for (int32_t i = 0; i < finding->rival_count; i++)
        if (st_choice_same(&finding->rivals[i].choice, choice)) return fmax(finding->rivals[i].behind, 0);
    return -1;
}

/* ---- setting up ----------------------------------------------------------------------------------------------------- */

static int compare_numbers(const void *left, const void *right) {
    const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* Sorted, without doubles. */
static void settle_axis(st_axis *axis) {
    int32_t kept = 0;
    qsort(axis->values, (size_t)axis->count, sizeof axis->values[0], compare_numbers);
    for (int32_t i = 0; i < axis->count; i++)
        if (i == 0 || axis->values[i] != axis->values[i - 1]) axis->values[kept++] = axis->values[i];
    axis->count = kept;
}

static void fill_grid(st_axis *axis, int least_bits, int most_bits) {
    axis->is_grid = 1;
    for (int bits = least_bits; bits <= most_bits; bits++) axis->values[axis->count++] = (int64_t)1 << bits;
}

static st_status check_list(const char *name, int32_t count, const void *list, int32_t least, int32_t most) {
    if (count < least || count > most)
        return st_fail(ST_E_ARGUMENT, "options.%s has %d entries; it must have %d to %d", name, count, least, most);
    if (count > 0 && list == NULL) return st_fail(ST_E_ARGUMENT, "options.%s is NULL", name);
    return ST_OK;
}

static st_status check_options(const st_survey_options *options) {
    st_status status;
    if (options == NULL) return st_fail(ST_E_ARGUMENT, "options is NULL");
    if (options->struct_size != sizeof *options)
        return st_fail(ST_E_ARGUMENT, "options.struct_size is %u; set it to sizeof(st_survey_options)", options->struct_size);
    if ((status = check_list("kinds", options->kind_count, options->kinds, 1, ST_SURVEY_MOST_LIST)) != ST_OK ||
        (status = check_list("dtypes", options->dtype_count, options->dtypes, 1, ST_SURVEY_MOST_LIST)) != ST_OK ||
        (status = check_list("threads", options->thread_count, options->threads, 1, ST_SURVEY_MOST_LIST)) != ST_OK ||
        (status = check_list("shapes", options->shape_count, options->shapes, 0, ST_AXIS_MOST)) != ST_OK ||
        (status = check_list("k", options->k_count, options->k, 0, ST_AXIS_MOST)) != ST_OK)
        return status;
    for (int32_t i = 0; i < options->kind_count; i++)
        if (options->kinds[i] < ST_TOPK || options->kinds[i] > ST_BOTTOMK)
            return st_fail(ST_E_ARGUMENT, "options.kinds has %d; use ST_TOPK, ST_MIDK and ST_BOTTOMK", options->kinds[i]);
    for (int32_t i = 0; i < options->dtype_count; i++)
        if (st_dtype_size(options->dtypes[i]) == 0)
            return st_fail(ST_E_ARGUMENT, "options.dtypes has %d, which is no dtype", options->dtypes[i]);
    for (int32_t i = 0; i < options->thread_count; i++)
        if (options->threads[i] < 0) return st_fail(ST_E_ARGUMENT, "options.threads has %d; it must be at least 0", options->threads[i]);
    for (int32_t i = 0; i < 2 * options->shape_count; i++)
        if (options->shapes[i] < 1 || options->shapes[i] > (int64_t)1 << 31)
            return st_fail(ST_E_ARGUMENT, "options.shapes has %lld; rows and columns are 1 to 2^31", (long long)options->shapes[i]);
    for (int32_t i = 0; i < options->k_count; i++)
        if (options->k[i] < 1) return st_fail(ST_E_ARGUMENT, "options.k has %lld; it must be at least 1", (long long)options->k[i]);
    if (options->most_bytes < 1)
        return st_fail(ST_E_ARGUMENT, "options.most_bytes is %lld; it must be at least 1", (long long)options->most_bytes);
    return ST_OK;
}

static void fill_axes(st_survey *survey, const st_survey_options *options) {
    st_axis *rows = &survey->axes[ST_AXIS_ROWS], *cols = &survey->axes[ST_AXIS_COLS], *k = &survey->axes[ST_AXIS_K];
    for (int32_t i = 0; i < options->shape_count; i++) {
        rows->values[rows->count++] = options->shapes[2 * i];
        cols->values[cols->count++] = options->shapes[2 * i + 1];
    }
    for (int32_t i = 0; i < options->k_count; i++) k->values[k->count++] = options->k[i];
    if (options->shape_count == 0) fill_grid(rows, 0, MOST_ROWS_BITS);
    if (options->shape_count == 0) fill_grid(cols, LEAST_COLS_BITS, MOST_COLS_BITS);
    if (options->k_count == 0) fill_grid(k, 0, MOST_K_BITS);
    for (int axis = 0; axis < ST_AXES; axis++) settle_axis(&survey->axes[axis]);
}

/* Series without doubles. */
static void fill_series(st_survey *survey, const st_survey_options *options) {
    for (int32_t i = 0; i < options->dtype_count * options->kind_count * options->thread_count; i++) {
        const st_series series = {options->kinds[i / options->thread_count % options->kind_count],
                                  options->dtypes[i / options->thread_count / options->kind_count],
                                  options->threads[i % options->thread_count]};
        int known = 0;
        for (int32_t j = 0; j < survey->series_count; j++)
            known |= memcmp(&survey->series[j], &series, sizeof series) == 0;
        if (!known) survey->series[survey->series_count++] = series;
    }
}

static int is_cell(const st_survey *survey, const st_place *place) {
    const st_survey_cell cell = st_survey_cell_of(survey, place);
    if (cell.k > cell.cols) return 0;
    if (survey->shapes == NULL) {
        /* A grid's rows and columns are below 2^31, and k is at most 2^31 here: nothing of this overflows. */
        const int64_t size = st_dtype_size(cell.dtype), row_bytes = cell.cols * size + 2 * cell.k * (size + 8);
        return row_bytes <= survey->most_bytes / cell.rows;
    }
    for (int32_t i = 0; i < survey->shape_count; i++)
        if (survey->shapes[2 * i] == cell.rows && survey->shapes[2 * i + 1] == cell.cols) return 1;
    return 0;
}

st_place st_survey_place_at(const st_survey *survey, size_t index) {
    st_place place;
    for (int axis = ST_AXES - 1; axis >= 0; axis--) {
        const size_t count = (size_t)survey->axes[axis].count;
        place.at[axis] = (int32_t)(index % count);
        index /= count;
    }
    place.series = (int32_t)index;
    return place;
}

static st_status open_places(st_survey *survey) {
    size_t bytes, cells = 0;
    survey->place_count = (size_t)survey->series_count;
    for (int axis = 0; axis < ST_AXES; axis++) survey->place_count *= (size_t)survey->axes[axis].count;
    if (!st_multiply_size(survey->place_count, sizeof *survey->places, &bytes) ||
        (survey->places = st_allocate(&survey->host, bytes)) == NULL)
        return st_fail(ST_E_MEMORY, "no memory for %zu cells; shorten the lists", survey->place_count);
    for (size_t i = 0; i < survey->place_count; i++) {
        const st_place place = st_survey_place_at(survey, i);
        survey->places[i] = is_cell(survey, &place) ? ST_PLACE_FREE : ST_PLACE_CLOSED;
        cells += survey->places[i] == ST_PLACE_FREE;
    }
    return cells > 0 ? ST_OK : st_fail(ST_E_ARGUMENT, "options.k: every k is more than the columns of every shape; give a smaller one");
}

st_status st_survey_create(const st_host *host, const st_survey_options *options, st_survey **survey) {
    st_host resolved;
    st_status status = check_options(options);
    if (status == ST_OK && survey == NULL) status = st_fail(ST_E_ARGUMENT, "survey is NULL");
    if (status == ST_OK) status = st_host_resolve(host, &resolved);
    if (status != ST_OK) return status;
    st_survey *made = st_allocate_zeroed(&resolved, sizeof *made);
    if (made == NULL) return st_fail(ST_E_MEMORY, "no memory for a survey");
    made->host = resolved;
    made->most_bytes = options->most_bytes;
    made->step = ST_SURVEY_FIRST_STEP;
    made->shape_count = options->shape_count;
    fill_axes(made, options);
    if (options->shape_count > 0) {
        const size_t bytes = 2 * (size_t)options->shape_count * sizeof *made->shapes;
        made->shapes = st_allocate(&resolved, bytes);
        if (made->shapes != NULL) memcpy(made->shapes, options->shapes, bytes);
    }
    made->series = st_allocate(&resolved, ST_SURVEY_MOST_LIST * ST_SURVEY_MOST_LIST * ST_SURVEY_MOST_LIST * sizeof(st_series));
    if (made->series == NULL || (options->shape_count > 0 && made->shapes == NULL))
        status = st_fail(ST_E_MEMORY, "no memory for a survey's lists");
    if (status == ST_OK) {
        fill_series(made, options);
        status = open_places(made);
    }
    if (status == ST_OK)
        *survey = made;
    else
        st_survey_destroy(made);
    return status;
}

void st_survey_destroy(st_survey *survey) {
    if (survey == NULL) return;
    const st_host host = survey->host;
    st_release(&host, survey->findings, survey->findings_bytes);
    st_release(&host, survey->places, survey->place_count * sizeof *survey->places);
    st_release(&host, survey->series, ST_SURVEY_MOST_LIST * ST_SURVEY_MOST_LIST * ST_SURVEY_MOST_LIST * sizeof(st_series));
    st_release(&host, survey->shapes, 2 * (size_t)survey->shape_count * sizeof *survey->shapes);
    st_release(&host, survey, sizeof *survey);
}

/* ---- findings ------------------------------------------------------------------------------------------------------- */

static int32_t position_on(const st_axis *axis, int64_t value) {
    for (int32_t i = 0; i < axis->count; i++)
        if (axis->values[i] == value) return i;
    return -1;
}

static int find_place(const st_survey *survey, const st_survey_cell *cell, st_place *place) {
    int64_t values[ST_AXES] = {cell->rows, cell->cols, cell->k};
    place->series = -1;
    for (int32_t i = 0; i < survey->series_count; i++) {
        const st_series *series = &survey->series[i];
        if (series->kind == cell->kind && series->dtype == cell->dtype && series->threads == cell->threads) place->series = i;
    }
    const st_axis *k = &survey->axes[ST_AXIS_K];
    if (k->is_grid && cell->k == most_k(cell->cols) && position_on(k, cell->cols) >= 0) values[ST_AXIS_K] = cell->cols;
    int found = place->series >= 0;
    for (int axis = 0; axis < ST_AXES; axis++) {
        place->at[axis] = position_on(&survey->axes[axis], values[axis]);
        found = found && place->at[axis] >= 0;
    }
    return found && is_cell(survey, place);
}

static int is_number(double value, double least, double most) { return value >= least && value <= most; }

/* ln of a nanosecond and of three centuries; no gain and no rival goes further than from one to the other. */
static const double MOST_LOG = 43;

static int is_sound(const st_survey_finding *finding) {
    if (finding->n < 0 || finding->n > (int64_t)1 << 40 || finding->rival_count < 0 || finding->rival_count > ST_SURVEY_RIVALS) return 0;
    if (st_choice_check(&finding->choice) != ST_OK) return 0;
    if (!is_number(finding->mean_log_ns, -1, MOST_LOG) || !is_number(finding->var_log_ns, 0, MOST_LOG * MOST_LOG) ||
        !is_number(finding->gain, 0, MOST_LOG) || !is_number(finding->gain_error, 0, MOST_LOG) ||
        !is_number(finding->noise, 0, MOST_LOG * MOST_LOG))
        return 0;
    for (int32_t i = 0; i < finding->rival_count; i++)
        if (st_choice_check(&finding->rivals[i].choice) != ST_OK || !is_number(finding->rivals[i].behind, -MOST_LOG, MOST_LOG)) return 0;
    return 1;
}

st_status st_survey_record(st_survey *survey, const st_survey_finding *finding) {
    st_place place;
    if (survey == NULL || finding == NULL) return st_fail(ST_E_ARGUMENT, "%s is NULL", survey == NULL ? "survey" : "finding");
    if (finding->struct_size != sizeof *finding)
        return st_fail(ST_E_ARGUMENT, "finding.struct_size is %u; set it to sizeof(st_survey_finding)", finding->struct_size);
    if (!find_place(survey, &finding->cell, &place)) return st_fail(ST_E_ARGUMENT, "finding.cell is no cell of this survey");
    if (!is_sound(finding)) return st_fail(ST_E_ARGUMENT, "finding has a number that no race gives");
    int32_t *at = &survey->places[st_survey_index(survey, &place)];
    if (finding->n == 0) {
        *at = ST_PLACE_CLOSED;
        return ST_OK;
    }
    if (*at < 0) {
        const size_t needed = ((size_t)survey->count + 1) * sizeof *finding;
        const st_status status = st_grow(&survey->host, (void **)&survey->findings, &survey->findings_bytes, needed);
        if (status != ST_OK) return status;
        *at = (int32_t)survey->count++;
    }
    survey->findings[*at] = *finding;
    return ST_OK;
}

st_status st_survey_at(const st_survey *survey, int64_t position, st_survey_finding *finding) {
    if (survey == NULL || finding == NULL) return st_fail(ST_E_ARGUMENT, "%s is NULL", survey == NULL ? "survey" : "finding");
    if (position < 0 || position >= survey->count)
        return st_fail(ST_E_ARGUMENT, "position is %lld; there are %lld findings", (long long)position, (long long)survey->count);
    *finding = survey->findings[position];
    return ST_OK;
}
