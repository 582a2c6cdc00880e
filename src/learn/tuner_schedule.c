/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* tuner_schedule.c - which cell is measured next: coarse walks over the whole grid, then the middle between neighbours that differ. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "learn/tuner_survey.h"

/* Steps of 2^8 and 2^4 are walked before anything is made finer; then 2^2 and 2^1, each once nothing is left between. */
enum { LAST_COARSE_STEP = 4 };

/* Neighbours differ where one's winner would cost more than this at the other: below it there is nothing to be gained. */
static const double LEAST_STAKE = 0.02;

/* What is at stake where a neighbour's winner was not among the nearest rivals here. */
static const double UNKNOWN_STAKE = 0.4;

/* Whether a step of the grid lands on a place; an axis' end is in every step, as all of a list's values are. */
static int is_on_step(const st_survey *survey, const st_place *place, int32_t step) {
    for (int axis = 0; axis < ST_AXES; axis++) {
        const st_axis *of = &survey->axes[axis];
        if (of->is_grid && place->at[axis] % step != 0 && place->at[axis] != of->count - 1) return 0;
    }
    return 1;
}

/* Series of one dtype, which follow each other. */
static size_t series_of_dtype(const st_survey *survey) {
    size_t count = 0;
    while (count < (size_t)survey->series_count && survey->series[count].dtype == survey->series[0].dtype) count++;
    return count;
}

/* The walk's digits, slowest first: rows, columns, dtype, k, and the rest of the series. The first three share their data. */
static st_place walk_place(const st_survey *survey, size_t cursor) {
    const size_t members = series_of_dtype(survey), dtypes = (size_t)survey->series_count / members;
    st_place place;
    const size_t member = cursor % members;
    cursor /= members;
    place.at[ST_AXIS_K] = (int32_t)(cursor % (size_t)survey->axes[ST_AXIS_K].count);
    cursor /= (size_t)survey->axes[ST_AXIS_K].count;
    place.series = (int32_t)(cursor % dtypes * members + member);
    cursor /= dtypes;
    place.at[ST_AXIS_COLS] = (int32_t)(cursor % (size_t)survey->axes[ST_AXIS_COLS].count);
    place.at[ST_AXIS_ROWS] = (int32_t)(cursor / (size_t)survey->axes[ST_AXIS_COLS].count);
    return place;
}

/* Goes on with the walk of the present step. Returns whether there was a cell. */
static int walk(st_survey *survey, st_place *place) {
    for (; survey->cursor < survey->place_count; survey->cursor++) {
        *place = walk_place(survey, survey->cursor);
        if (is_on_step(survey, place, survey->step) && survey->places[st_survey_index(survey, place)] == ST_PLACE_FREE) return 1;
    }
    return 0;
}

/* What it would cost to take one neighbour's winner for the other's cell, the worse of the two ways. */
static double stake_of(const st_survey_finding *one, const st_survey_finding *other) {
    if (st_choice_same(&one->choice, &other->choice)) return 0;
    const double here = st_survey_behind(one, &other->choice), there = st_survey_behind(other, &one->choice);
    return fmax(here < 0 ? UNKNOWN_STAKE : here, there < 0 ? UNKNOWN_STAKE : there);
}

/* Keeps a cell among the queue's, which are those with most at stake. */
static void propose(st_survey *survey, const st_place *place, double stake) {
    st_between *least = NULL;
    for (int32_t i = 0; i < survey->queue_count; i++) {
        st_between *known = &survey->queue[i];
        if (memcmp(&known->place, place, sizeof *place) == 0) {
            known->stake = fmax(known->stake, stake);
            return;
        }
        if (least == NULL || known->stake < least->stake) least = known;
    }
    if (survey->queue_count < ST_SURVEY_QUEUE)
        survey->queue[survey->queue_count++] = (st_between){*place, stake};
    else if (stake > least->stake)
        *least = (st_between){*place, stake};
}

/* Looks from a finding along an axis to the next one; where they differ, the middle between them is proposed. */
static void look_along(st_survey *survey, const st_place *from, const st_survey_finding *finding, int axis) {
    st_place to = *from;
    while (++to.at[axis] < survey->axes[axis].count) {
        const st_survey_finding *next = st_survey_found(survey, &to);
        if (next == NULL) continue;
        st_place middle = *from;
        middle.at[axis] = (from->at[axis] + to.at[axis]) / 2;
        if (middle.at[axis] == from->at[axis] || survey->places[st_survey_index(survey, &middle)] != ST_PLACE_FREE) return;
        const double stake = stake_of(finding, next);
        /* Twice as far apart, twice as many requests lie between. */
        if (stake > LEAST_STAKE) propose(survey, &middle, stake * (to.at[axis] - from->at[axis]));
        return;
    }
}

static int by_data(const void *left, const void *right) {
    const st_place *a = &((const st_between *)left)->place, *b = &((const st_between *)right)->place;
    const int32_t keys[][2] = {{a->at[ST_AXIS_ROWS], b->at[ST_AXIS_ROWS]},
                               {a->at[ST_AXIS_COLS], b->at[ST_AXIS_COLS]},
                               {a->series, b->series}, /* whose dtypes follow each other */
                               {a->at[ST_AXIS_K], b->at[ST_AXIS_K]}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (keys[i][0] != keys[i][1]) return keys[i][0] < keys[i][1] ? -1 : 1;
    return 0;
}

static void fill_queue(st_survey *survey) {
    survey->queue_count = survey->queue_at = 0;
    for (size_t i = 0; i < survey->place_count; i++) {
        if (survey->places[i] < 0) continue;
        const st_place place = st_survey_place_at(survey, i);
        for (int axis = 0; axis < ST_AXES; axis++)
            if (survey->axes[axis].is_grid) look_along(survey, &place, &survey->findings[survey->places[i]], axis);
    }
    qsort(survey->queue, (size_t)survey->queue_count, sizeof survey->queue[0], by_data);
}

/* Goes on with the queue. Returns whether there was a cell. */
static int next_between(st_survey *survey, st_place *place) {
    for (int filled = 0;;) {
        while (survey->queue_at < survey->queue_count) {
            *place = survey->queue[survey->queue_at].place;
            if (survey->places[st_survey_index(survey, place)] == ST_PLACE_FREE) return 1;
            survey->queue_at++;
        }
        if (filled) return 0;
        fill_queue(survey);
        filled = 1;
    }
}

st_status st_survey_next(st_survey *survey, st_survey_cell *cell, int32_t *more) {
    if (survey == NULL || cell == NULL || more == NULL)
        return st_fail(ST_E_ARGUMENT, "%s is NULL", survey == NULL ? "survey" : cell == NULL ? "cell" : "more");
    st_place place;
    *more = 1;
    while (survey->step > 0) {
        if (walk(survey, &place) || (survey->step <= LAST_COARSE_STEP && next_between(survey, &place))) {
            *cell = st_survey_cell_of(survey, &place);
            return ST_OK;
        }
        survey->step /= 2;
        survey->cursor = 0;
    }
    *more = 0;
    return ST_OK;
}

void st_survey_counts(const st_survey *survey, int64_t *recorded, int64_t *coarse) {
    *recorded = *coarse = 0;
    if (survey == NULL) return;
    *recorded = survey->count;
    for (size_t i = 0; i < survey->place_count; i++) {
        const st_place place = st_survey_place_at(survey, i);
        *coarse += survey->places[i] != ST_PLACE_CLOSED && is_on_step(survey, &place, LAST_COARSE_STEP);
    }
}
