/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* tuner_bands.c - from findings at points to bands without gaps: every crossing of measured lines gets the nearest finding. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/fail.h"
#include "base/memory.h"
#include "learn/tuner_statistics.h"
#include "learn/tuner_survey.h"

/* One band of k at some columns. */
struct slice {
    int64_t k_min, k_max;
    st_choice choice;
    st_moments moments;
    double gain, gain_variance; /* sums over the findings, weighted by n, and by n squared */
};

/* What is chosen at some columns: the finding for each position on the axis of k, NULL beyond what so few columns have. */
struct column {
    const st_survey_finding *findings[ST_AXIS_MOST];
    int cut_by_columns; /* the list of k goes on, but not at so few columns */
    int32_t count;
    struct slice slices[ST_AXIS_MOST];
};

struct builder {
    const st_survey *survey;
    int32_t series;
    uint8_t used[ST_AXES][ST_AXIS_MOST]; /* positions at which the series has a finding */
    size_t known_count;
    const st_place *known;               /* the series' findings by place */
    double logs[ST_AXES][ST_AXIS_MOST];  /* of the axes' values */
    st_survey_band *bands;
    int64_t count;
    size_t bytes;
};

/* The nearest finding by ratios of rows, columns and k. */
static const st_survey_finding *nearest(const struct builder *builder, const st_place *place) {
    const st_place *best = NULL;
    double least = HUGE_VAL;
    for (size_t i = 0; i < builder->known_count; i++) {
        double far = 0;
        for (int axis = 0; axis < ST_AXES; axis++) {
            const double off = builder->logs[axis][place->at[axis]] - builder->logs[axis][builder->known[i].at[axis]];
            far += off * off;
        }
        if (far >= least) continue;
        least = far;
        best = &builder->known[i];
    }
    return st_survey_found(builder->survey, best);
}

/*
 * Where along an axis the winners of two findings are as fast as each other: each one's lead over the other shrinks to
 * nothing there. In logarithms, from that of finding `below` to that of `above`, whose places may lie further apart than the
 * two for which they stand, low and high; where a lead is not known, or they do not ascend, the middle between these.
 */
static double crossing(const st_survey_finding *below, const st_survey_finding *above, int axis, int64_t low, int64_t high) {
    const double from = log((double)(axis == ST_AXIS_K ? below->cell.k : below->cell.cols));
    const double to = log((double)(axis == ST_AXIS_K ? above->cell.k : above->cell.cols));
    const double lead_below = st_survey_behind(below, &above->choice), lead_above = st_survey_behind(above, &below->choice);
    if (lead_below < 0 || lead_above < 0 || lead_below + lead_above < 1e-3 || from >= to) return (log((double)low) + log((double)high)) / 2;
    return from + (to - from) * lead_below / (lead_below + lead_above);
}

/* The last whole number of the lower band, given where its end is in logarithms: from low on, and below high. */
static int64_t boundary(int64_t low, int64_t high, double at) {
    const double whole = exp(at);
    return whole <= (double)low ? low : whole >= (double)high ? high - 1 : (int64_t)whole;
}

/* The same at a part of the way, by ratio. */
static int64_t part_of_way(int64_t low, int64_t high, double part) {
    return boundary(low, high, log((double)low) + part * (log((double)high) - log((double)low)));
}

/* What a grid's or list's end stands for beyond itself: half of the way to a next value at the same ratio. */
static int64_t beyond(const st_axis *axis, int32_t last) {
    const double value = (double)axis->values[last];
    const double ratio = last > 0 && !axis->is_grid ? value / (double)axis->values[last - 1] : 2;
    return (int64_t)(value * sqrt(ratio < 16 ? ratio : 16));
}

static void add_finding(struct slice *slice, const st_survey_finding *finding) {
    const double n = (double)finding->n;
    const st_moments moments = {finding->n, finding->mean_log_ns, finding->var_log_ns * (n - 1)};
    st_moments_merge(&slice->moments, &moments);
    slice->gain += n * finding->gain;
    slice->gain_variance += n * n * finding->gain_error * finding->gain_error;
}

/* The next finding from a place along an axis, in steps of 1 or -1; NULL where there is none. */
static const st_survey_finding *next_along(const st_survey *survey, st_place place, int axis, int step) {
    const st_survey_finding *found = NULL;
    for (place.at[axis] += step; found == NULL && place.at[axis] >= 0 && place.at[axis] < survey->axes[axis].count; place.at[axis] += step)
        found = st_survey_found(survey, &place);
    return found;
}

/* What holds at a place without a finding: between two of its column, the one on whose side of their crossing it is; else the nearest. */
static const st_survey_finding *fill_in(const struct builder *builder, const st_place *place) {
    const st_survey *survey = builder->survey;
    const st_survey_finding *below = next_along(survey, *place, ST_AXIS_K, -1), *above = next_along(survey, *place, ST_AXIS_K, 1);
    if (below == NULL || above == NULL) return nearest(builder, place);
    const double here = builder->logs[ST_AXIS_K][place->at[ST_AXIS_K]];
    return here < crossing(below, above, ST_AXIS_K, below->cell.k, above->cell.k) ? below : above;
}

/* What holds at a number of rows and of columns; nothing where no k was measured there, but columns on both sides were. */
static void find_column(const struct builder *builder, int32_t row_at, int32_t col_at, struct column *column) {
    const st_survey *survey = builder->survey;
    const st_axis *k = &survey->axes[ST_AXIS_K], *cols = &survey->axes[ST_AXIS_COLS];
    int32_t measured = 0, between = 0;
    for (int32_t at = 0; at < k->count; at++) {
        const st_place place = {builder->series, {row_at, col_at, at}};
        column->findings[at] = NULL;
        if (!builder->used[ST_AXIS_K][at] || k->values[at] > cols->values[col_at]) continue;
        column->findings[at] = st_survey_found(survey, &place);
        measured += column->findings[at] != NULL;
        between += next_along(survey, place, ST_AXIS_COLS, -1) != NULL && next_along(survey, place, ST_AXIS_COLS, 1) != NULL;
        if (column->findings[at] == NULL) column->findings[at] = fill_in(builder, &place);
    }
    if (measured == 0 && between > 0) memset(column->findings, 0, sizeof column->findings);
}

/* What holds between two columns, at some columns: each k changes over where its two winners are as fast as each other. */
static void mix_columns(const struct builder *builder, const struct column *below, const struct column *above, int64_t low,
                        int64_t high, double part, struct column *column) {
    const double here = log((double)low) + part * (log((double)high) - log((double)low));
    for (int32_t at = 0; at < builder->survey->axes[ST_AXIS_K].count; at++) {
        const st_survey_finding *one = below->findings[at], *other = above->findings[at];
        const int is_one = other == NULL || (one != NULL && here < crossing(one, other, ST_AXIS_COLS, low, high));
        column->findings[at] = is_one ? one : other;
    }
}

/* A column's bands of k. Findings that were made at these very columns and rows (row_at; -1: none) add their numbers. */
static void slice_column(const struct builder *builder, int32_t row_at, int32_t col_at, struct column *column) {
    const st_survey *survey = builder->survey;
    const st_axis *k = &survey->axes[ST_AXIS_K];
    int32_t last = -1, highest = -1;
    column->count = 0;
    for (int32_t at = 0; at < k->count; at++) {
        const st_survey_finding *finding = column->findings[at];
        if (builder->used[ST_AXIS_K][at]) highest = at;
        if (finding == NULL) continue;
        struct slice *slice = column->count > 0 ? &column->slices[column->count - 1] : NULL;
        if (slice == NULL || !st_choice_same(&slice->choice, &finding->choice)) {
            int64_t k_min = 1;
            if (slice != NULL) {
                const int64_t low = k->values[last], high = k->values[at];
                slice->k_max = boundary(low, high, crossing(column->findings[last], finding, ST_AXIS_K, low, high));
                k_min = slice->k_max + 1;
            }
            slice = &column->slices[column->count++];
            memset(slice, 0, sizeof *slice);
            slice->k_min = k_min;
            slice->choice = finding->choice;
        }
        const st_place place = {builder->series, {row_at, col_at, at}};
        if (row_at >= 0 && st_survey_found(survey, &place) != NULL) add_finding(slice, finding);
        last = at;
    }
    if (column->count == 0) return;
    column->cut_by_columns = last < highest;
    column->slices[column->count - 1].k_max = beyond(k, highest);
}

static int same_slices(const struct column *one, const struct column *other) {
    if (one->count != other->count) return 0;
    for (int32_t i = 0; i < one->count; i++)
        if (one->slices[i].k_min != other->slices[i].k_min || !st_choice_same(&one->slices[i].choice, &other->slices[i].choice)) return 0;
    return 1;
}

static st_status put_band(struct builder *builder, const st_survey_band *band) {
    size_t needed;
    if (!st_multiply_size((size_t)builder->count + 1, sizeof *band, &needed)) return st_fail(ST_E_MEMORY, "too many bands");
    const st_status status = st_grow(&builder->survey->host, (void **)&builder->bands, &builder->bytes, needed);
    if (status == ST_OK) builder->bands[builder->count++] = *band;
    return status;
}

static st_status put_column(struct builder *builder, int32_t row_at, const struct column *column, int64_t cols_min, int64_t cols_max) {
    for (int32_t i = 0; i < column->count; i++) {
        const struct slice *slice = &column->slices[i];
        const double n = (double)slice->moments.n;
        if (slice->k_min > cols_max) continue; /* k is at most the columns */
        const int is_last = i == column->count - 1;
        st_survey_band band = {.series = builder->series,
                               .rows = builder->survey->axes[ST_AXIS_ROWS].values[row_at],
                               .cols_min = cols_min,
                               .cols_max = cols_max,
                               .k_min = slice->k_min,
                               .k_max = is_last && (column->cut_by_columns || slice->k_max > cols_max) ? cols_max : slice->k_max,
                               .choice = slice->choice,
                               .n = slice->moments.n,
                               .mean_log_ns = slice->moments.mean,
                               .var_log_ns = st_moments_variance(&slice->moments)};
        if (n > 0) {
            band.gain = slice->gain / n;
            band.gain_error = sqrt(slice->gain_variance) / n;
        }
        const st_status status = put_band(builder, &band);
        if (status != ST_OK) return status;
    }
    return ST_OK;
}

/* Bands of columns in the making, at one number of rows: what comes next is joined to it where the bands of k are the same. */
struct open_band {
    int32_t row_at;
    int64_t cols_min, cols_max;
    struct column column;
};

static st_status append(struct builder *builder, struct open_band *open, const struct column *next, int64_t cols_min, int64_t cols_max) {
    if (next->count == 0 || cols_min > cols_max) return ST_OK;
    if (open->column.count == 0 || !same_slices(&open->column, next)) {
        const st_status status = put_column(builder, open->row_at, &open->column, open->cols_min, open->cols_max);
        open->column = *next;
        open->cols_min = cols_min;
        open->cols_max = cols_max;
        return status;
    }
    for (int32_t i = 0; i < next->count; i++) {
        struct slice *slice = &open->column.slices[i];
        st_moments_merge(&slice->moments, &next->slices[i].moments);
        slice->gain += next->slices[i].gain;
        slice->gain_variance += next->slices[i].gain_variance;
        slice->k_max = next->slices[i].k_max;
    }
    open->column.cut_by_columns = next->cut_by_columns;
    open->cols_max = cols_max;
    return ST_OK;
}

/* From one measured column to the next: an eighth of the way belongs to each, and three columns between are mixed from both. */
static st_status bridge(struct builder *builder, struct open_band *open, const struct column *below, const struct column *above,
                        int64_t low, int64_t high, struct column *mixed, int64_t *above_from) {
    st_status status = ST_OK;
    int64_t from = part_of_way(low, high, 0.125) + 1;
    if (below->count > 0) open->cols_max = from - 1;
    for (int quarter = 1; quarter <= 3 && status == ST_OK; quarter++) {
        const int64_t to = part_of_way(low, high, 0.25 * quarter + 0.125);
        mix_columns(builder, below, above, low, high, 0.25 * quarter, mixed);
        slice_column(builder, -1, 0, mixed);
        status = append(builder, open, mixed, from, to);
        from = to + 1;
    }
    *above_from = from;
    return status;
}

/* The bands at one number of rows, columns from narrow to wide; `columns` is room for three. */
static st_status build_row(struct builder *builder, int32_t row_at, struct open_band *open, struct column *columns) {
    const st_axis *cols = &builder->survey->axes[ST_AXIS_COLS];
    struct column *below = &columns[0], *here = &columns[1];
    st_status status = ST_OK;
    int32_t last = -1;
    open->row_at = row_at;
    open->column.count = 0;
    for (int32_t at = 0; at < cols->count && status == ST_OK; at++) {
        if (!builder->used[ST_AXIS_COLS][at]) continue;
        /* Below the first columns, half of a step by ratio: 1 / sqrt(2). */
        int64_t from = cols->values[at] - (int64_t)(0.29 * (double)cols->values[at]);
        find_column(builder, row_at, at, here);
        slice_column(builder, row_at, at, here);
        if (here->count == 0) continue;
        if (last >= 0) status = bridge(builder, open, below, here, cols->values[last], cols->values[at], &columns[2], &from);
        if (status == ST_OK) status = append(builder, open, here, from, cols->values[at]);
        struct column *done = below;
        below = here;
        here = done;
        last = at;
    }
    if (status != ST_OK || open->column.count == 0) return status;
    return put_column(builder, row_at, &open->column, open->cols_min, beyond(cols, last));
}

static st_status build_series(struct builder *builder, st_place *known, struct open_band *open, struct column *columns) {
    const st_survey *survey = builder->survey;
    const size_t places = survey->place_count / (size_t)survey->series_count, first = (size_t)builder->series * places;
    memset(builder->used, 0, sizeof builder->used);
    builder->known = known;
    builder->known_count = 0;
    for (size_t i = first; i < first + places; i++) {
        if (survey->places[i] < 0) continue;
        const st_place place = known[builder->known_count++] = st_survey_place_at(survey, i);
        for (int axis = 0; axis < ST_AXES; axis++) builder->used[axis][place.at[axis]] = 1;
    }
    st_status status = ST_OK;
    for (int32_t at = 0; at < survey->axes[ST_AXIS_ROWS].count && status == ST_OK && builder->known_count > 0; at++)
        if (builder->used[ST_AXIS_ROWS][at]) status = build_row(builder, at, open, columns);
    return status;
}

st_status st_survey_bands(const st_survey *survey, st_survey_band **bands, int64_t *count, size_t *bytes) {
    struct builder builder = {.survey = survey};
    for (int axis = 0; axis < ST_AXES; axis++)
        for (int32_t at = 0; at < survey->axes[axis].count; at++) builder.logs[axis][at] = log((double)survey->axes[axis].values[at]);
    const size_t known_bytes = ((size_t)survey->count + 1) * sizeof(st_place), column_bytes = 3 * sizeof(struct column);
    st_place *known = st_allocate(&survey->host, known_bytes);
    struct column *columns = st_allocate_zeroed(&survey->host, column_bytes);
    struct open_band *open = st_allocate_zeroed(&survey->host, sizeof *open);
    st_status status = known == NULL || columns == NULL || open == NULL ? st_fail(ST_E_MEMORY, "no memory for the table's bands") : ST_OK;
    for (builder.series = 0; builder.series < survey->series_count && status == ST_OK; builder.series++)
        status = build_series(&builder, known, open, columns);
    st_release(&survey->host, open, sizeof *open);
    st_release(&survey->host, columns, column_bytes);
    st_release(&survey->host, known, known_bytes);
    if (status != ST_OK) {
        st_release(&survey->host, builder.bands, builder.bytes);
        return status;
    }
    *bands = builder.bands;
    *count = builder.count;
    *bytes = builder.bytes;
    return ST_OK;
}
