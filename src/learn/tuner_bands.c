/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* tuner_bands.c - from findings at points to bands without gaps: every crossing of measured lines gets the nearest finding. */
#include <math.h>
#include <stdlib.h>
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

/* What is chosen at some columns: a finding for each position on the axis of k, NULL beyond what so few columns have. */
struct column {
    const st_survey_finding *findings[ST_AXIS_MOST];
    const st_choice *choices[ST_AXIS_MOST]; /* the finding's, or a neighbour's that is as good */
    int cut_by_columns;                     /* the list of k goes on, but not at so few columns */
    int32_t count;
    struct slice slices[ST_AXIS_MOST];
};

struct builder {
    const st_survey *survey;
    const st_survey_model *model;   /* NULL: there is none to ask */
    double tolerance;               /* a Choice that is behind by less is as good */
    int32_t series;
    uint8_t used[ST_AXES][ST_AXIS_MOST]; /* positions at which the series has a finding */
    size_t known_count;
    const st_place *known;               /* the series' findings by place */
    double logs[ST_AXES][ST_AXIS_MOST];  /* of the axes' values */
    st_survey_band *bands;
    int64_t count;
    size_t bytes;
};

/* How far a Choice is ahead of another at a finding, in logarithms; below 0 where that is not known. */
static double lead_of(const st_survey_finding *finding, const st_choice *choice, const st_choice *other) {
    const double mine = st_survey_behind(finding, choice), theirs = st_survey_behind(finding, other);
    return mine < 0 || theirs < 0 ? -1 : fmax(theirs - mine, 0);
}

/* One of two neighbours on an axis: what was found, and what is chosen there. */
struct end {
    const st_survey_finding *finding;
    const st_choice *choice;
    int64_t value; /* its place on the axis */
};

/* What a lead is taken to be where a Choice was not among the nearest rivals, and so was left behind early. */
static const double UNKNOWN_LEAD = 0.4;

/* ln of how much longer the model says that one Choice takes than another, at a value of an axis; 0 where there is no model. */
static double predicted_lead(const struct builder *builder, st_survey_cell cell, int axis, int64_t value, const st_choice *choice,
                             const st_choice *other) {
    if (builder->model == NULL) return 0;
    *(axis == ST_AXIS_K ? &cell.k : &cell.cols) = value;
    const double mine = builder->model->predict(builder->model->user, &cell, choice);
    const double theirs = builder->model->predict(builder->model->user, &cell, other);
    return mine > 0 && theirs > 0 ? log(theirs / mine) : 0;
}

/*
 * The last value along an axis for which the lower one of two Choices holds: how far it leads is known at both findings, and
 * between them it is what the model says, corrected so that it is right at both: the model knows of steps, and measuring of
 * heights. The findings' places may lie further apart than the ends for which they stand.
 */
static int64_t crossing(const struct builder *builder, const st_survey_cell *cell, int axis, const struct end *below, const struct end *above) {
    int64_t from = axis == ST_AXIS_K ? below->finding->cell.k : below->finding->cell.cols;
    int64_t to = axis == ST_AXIS_K ? above->finding->cell.k : above->finding->cell.cols;
    if (from > below->value || to < above->value) {
        from = below->value;
        to = above->value;
    }
    double first = lead_of(below->finding, below->choice, above->choice), last = lead_of(above->finding, above->choice, below->choice);
    first = first < 0 ? UNKNOWN_LEAD : first;
    last = last < 0 ? -UNKNOWN_LEAD : -last;
    if (first - last < 1e-3) { /* as good as each other at both: the middle is as good as any place */
        first = 1;
        last = -1;
    }
    first -= predicted_lead(builder, *cell, axis, from, below->choice, above->choice);
    last -= predicted_lead(builder, *cell, axis, to, below->choice, above->choice);
    const double start = log((double)from), way = log((double)to) - start;
    int64_t low = below->value, high = above->value;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        const double part = (log((double)middle) - start) / way;
        const double lead = predicted_lead(builder, *cell, axis, middle, below->choice, above->choice) + first + part * (last - first);
        if (lead > 0)
            low = middle;
        else
            high = middle;
    }
    return low;
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

static st_survey_cell cell_at(const struct builder *builder, int32_t row_at, int64_t cols, int64_t k) {
    const st_series *series = &builder->survey->series[builder->series];
    return (st_survey_cell){series->kind, series->dtype, series->threads, builder->survey->axes[ST_AXIS_ROWS].values[row_at], cols, k};
}

/*
 * How much further away a finding counts for each e times that its Choice takes longer here than another's, says the model: two
 * steps of the coarsest grid, 2^8 of an axis. A kernel that ends with so many columns is not carried beyond them.
 */
static const double MISFIT = 5.5;

/* What the model says of the Choices that a series' findings have: few, so that each is asked for once a place. */
struct predictions {
    int32_t count;
    const st_choice *choices[64];
    double ns[64];
};

/* 0 where the model gives no number, or is asked for too many. */
static double predict_once(const struct builder *builder, const st_survey_cell *cell, const st_choice *choice, struct predictions *known) {
    if (builder->model == NULL) return 0;
    for (int32_t i = 0; i < known->count; i++)
        if (st_choice_same(known->choices[i], choice)) return known->ns[i];
    if (known->count == (int32_t)(sizeof known->ns / sizeof known->ns[0])) return 0;
    known->choices[known->count] = choice;
    return known->ns[known->count++] = builder->model->predict(builder->model->user, cell, choice);
}

/* The nearest finding by ratios of rows, columns and k whose Choice suits this place. */
static const st_survey_finding *nearest(const struct builder *builder, const st_place *place) {
    const st_survey *survey = builder->survey;
    const st_survey_cell cell = cell_at(builder, place->at[ST_AXIS_ROWS], survey->axes[ST_AXIS_COLS].values[place->at[ST_AXIS_COLS]],
                                        survey->axes[ST_AXIS_K].values[place->at[ST_AXIS_K]]);
    const st_place *best = NULL;
    double least = HUGE_VAL, quickest = HUGE_VAL;
    struct predictions known = {.count = 0};
    for (size_t i = 0; i < builder->known_count; i++) {
        const double ns = predict_once(builder, &cell, &st_survey_found(survey, &builder->known[i])->choice, &known);
        if (ns > 0 && ns < quickest) quickest = ns;
    }
    for (size_t i = 0; i < builder->known_count; i++) {
        double far = 0;
        for (int axis = 0; axis < ST_AXES; axis++) {
            const double off = builder->logs[axis][place->at[axis]] - builder->logs[axis][builder->known[i].at[axis]];
            far += off * off;
        }
        if (far >= least) continue;
        const double ns = predict_once(builder, &cell, &st_survey_found(survey, &builder->known[i])->choice, &known);
        const double misfit = ns > quickest ? MISFIT * log(ns / quickest) : 0;
        far += misfit * misfit;
        if (far >= least) continue;
        least = far;
        best = &builder->known[i];
    }
    return st_survey_found(survey, best);
}

/* What holds at a place without a finding: between two of its column, the one on whose side of their crossing it is; else the nearest. */
static const st_survey_finding *fill_in(const struct builder *builder, const st_place *place) {
    const st_survey *survey = builder->survey;
    const st_survey_finding *below = next_along(survey, *place, ST_AXIS_K, -1), *above = next_along(survey, *place, ST_AXIS_K, 1);
    if (below == NULL || above == NULL) return nearest(builder, place);
    const struct end low = {below, &below->choice, below->cell.k}, high = {above, &above->choice, above->cell.k};
    const int64_t k = survey->axes[ST_AXIS_K].values[place->at[ST_AXIS_K]];
    return k <= crossing(builder, &below->cell, ST_AXIS_K, &low, &high) ? below : above;
}

static int is_as_good(const struct builder *builder, const st_survey_finding *finding, const st_choice *choice) {
    const double behind = choice == NULL ? -1 : st_survey_behind(finding, choice);
    return behind >= 0 && behind <= builder->tolerance;
}

/*
 * What holds at a number of rows and of columns; nothing where no k was measured there, but columns on both sides were. A
 * Choice of the column before, or of the k before, stays where it is as good: bands should be few.
 */
static void find_column(const struct builder *builder, int32_t row_at, int32_t col_at, const struct column *before, struct column *column) {
    const st_survey *survey = builder->survey;
    const st_axis *k = &survey->axes[ST_AXIS_K], *cols = &survey->axes[ST_AXIS_COLS];
    const st_choice *last = NULL;
    int32_t measured = 0, between = 0;
    for (int32_t at = 0; at < k->count; at++) {
        const st_place place = {builder->series, {row_at, col_at, at}};
        column->findings[at] = NULL;
        if (!builder->used[ST_AXIS_K][at] || k->values[at] > cols->values[col_at]) continue;
        const st_survey_finding *finding = st_survey_found(survey, &place);
        measured += finding != NULL;
        between += next_along(survey, place, ST_AXIS_COLS, -1) != NULL && next_along(survey, place, ST_AXIS_COLS, 1) != NULL;
        if (finding == NULL) finding = fill_in(builder, &place);
        const st_choice *beside = before->count > 0 && before->findings[at] != NULL ? before->choices[at] : NULL;
        column->findings[at] = finding;
        column->choices[at] = is_as_good(builder, finding, beside) ? beside : is_as_good(builder, finding, last) ? last : &finding->choice;
        last = column->choices[at];
    }
    if (measured == 0 && between > 0) memset(column->findings, 0, sizeof column->findings);
}

/*
 * A column's bands of k, at `cols` columns. Findings that were made at these very rows and columns (col_at; -1: none) add
 * their numbers.
 */
static void slice_column(const struct builder *builder, int32_t row_at, int32_t col_at, int64_t cols, struct column *column) {
    const st_axis *k = &builder->survey->axes[ST_AXIS_K];
    int32_t last = -1, highest = -1;
    column->count = 0;
    for (int32_t at = 0; at < k->count; at++) {
        const st_survey_finding *finding = column->findings[at];
        if (builder->used[ST_AXIS_K][at]) highest = at;
        if (finding == NULL) continue;
        struct slice *slice = column->count > 0 ? &column->slices[column->count - 1] : NULL;
        if (slice == NULL || !st_choice_same(&slice->choice, column->choices[at])) {
            int64_t k_min = 1;
            if (slice != NULL) {
                const struct end below = {column->findings[last], column->choices[last], k->values[last]};
                const struct end above = {finding, column->choices[at], k->values[at]};
                const st_survey_cell cell = cell_at(builder, row_at, cols, k->values[at]);
                slice->k_max = crossing(builder, &cell, ST_AXIS_K, &below, &above);
                k_min = slice->k_max + 1;
            }
            slice = &column->slices[column->count++];
            memset(slice, 0, sizeof *slice);
            slice->k_min = k_min;
            slice->choice = *column->choices[at];
        }
        const st_place place = {builder->series, {row_at, col_at, at}};
        if (col_at >= 0 && st_survey_found(builder->survey, &place) != NULL) add_finding(slice, finding);
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

/* Where a k changes over on the way from one column to the next. */
struct change {
    int64_t last; /* columns for which the lower one's Choice holds */
    int32_t k_at;
};

static int by_columns(const void *left, const void *right) {
    const int64_t a = ((const struct change *)left)->last, b = ((const struct change *)right)->last;
    return (a > b) - (a < b);
}

static int32_t find_changes(const struct builder *builder, int32_t row_at, const struct column *below, const struct column *above,
                            int64_t low, int64_t high, struct change *changes) {
    const st_axis *k = &builder->survey->axes[ST_AXIS_K];
    int32_t count = 0;
    for (int32_t at = 0; at < k->count; at++) {
        if (below->findings[at] == NULL || above->findings[at] == NULL || st_choice_same(below->choices[at], above->choices[at])) continue;
        const struct end one = {below->findings[at], below->choices[at], low}, other = {above->findings[at], above->choices[at], high};
        const st_survey_cell cell = cell_at(builder, row_at, low, k->values[at]);
        changes[count++] = (struct change){crossing(builder, &cell, ST_AXIS_COLS, &one, &other), at};
    }
    qsort(changes, (size_t)count, sizeof *changes, by_columns);
    return count;
}

/*
 * From one measured column to the next: columns between are like the lower one, but for the k that have changed over. Changes
 * less than an eighth of the way apart, by ratio, come together, at the first of them.
 */
static st_status bridge(struct builder *builder, struct open_band *open, const struct column *below, const struct column *above,
                        int64_t low, int64_t high, struct column *mixed, int64_t *above_from) {
    struct change changes[ST_AXIS_MOST];
    const int32_t count = find_changes(builder, open->row_at, below, above, low, high, changes);
    const double apart = pow((double)high / (double)low, 0.125);
    int64_t from = low + 1;
    st_status status = ST_OK;
    memcpy(mixed->findings, below->findings, sizeof mixed->findings);
    memcpy(mixed->choices, below->choices, sizeof mixed->choices);
    for (int32_t at = 0; at < ST_AXIS_MOST; at++) {
        if (mixed->findings[at] != NULL) continue; /* k that the lower columns are too few for */
        mixed->findings[at] = above->findings[at];
        mixed->choices[at] = above->choices[at];
    }
    for (int32_t next = 0; next < count && status == ST_OK;) {
        const int64_t to = changes[next].last;
        slice_column(builder, open->row_at, -1, from, mixed);
        status = append(builder, open, mixed, from, to);
        for (; next < count && (double)changes[next].last <= (double)to * apart; next++) {
            mixed->findings[changes[next].k_at] = above->findings[changes[next].k_at];
            mixed->choices[changes[next].k_at] = above->choices[changes[next].k_at];
        }
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
    open->column.count = below->count = 0;
    for (int32_t at = 0; at < cols->count && status == ST_OK; at++) {
        if (!builder->used[ST_AXIS_COLS][at]) continue;
        /* Below the first columns, half of a step by ratio: 1 / sqrt(2). */
        int64_t from = cols->values[at] - (int64_t)(0.29 * (double)cols->values[at]);
        find_column(builder, row_at, at, below, here);
        slice_column(builder, row_at, at, cols->values[at], here);
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

/* More entries than this make a table that readers may refuse, by its entries or its bytes (table.h). */
enum { MOST_BANDS = 12000 };

static st_status build(struct builder *builder, st_place *known, struct open_band *open, struct column *columns) {
    st_status status = ST_OK;
    builder->count = 0;
    for (builder->series = 0; builder->series < builder->survey->series_count && status == ST_OK; builder->series++)
        status = build_series(builder, known, open, columns);
    return status;
}

st_status st_survey_bands(const st_survey *survey, const st_survey_model *model, st_survey_band **bands, int64_t *count, size_t *bytes) {
    struct builder builder = {.survey = survey, .model = model, .tolerance = 0.01};
    for (int axis = 0; axis < ST_AXES; axis++)
        for (int32_t at = 0; at < survey->axes[axis].count; at++) builder.logs[axis][at] = log((double)survey->axes[axis].values[at]);
    const size_t known_bytes = ((size_t)survey->count + 1) * sizeof(st_place), column_bytes = 3 * sizeof(struct column);
    st_place *known = st_allocate(&survey->host, known_bytes);
    struct column *columns = st_allocate_zeroed(&survey->host, column_bytes);
    struct open_band *open = st_allocate_zeroed(&survey->host, sizeof *open);
    st_status status = known == NULL || columns == NULL || open == NULL ? st_fail(ST_E_MEMORY, "no memory for the table's bands") : ST_OK;
    if (status == ST_OK) status = build(&builder, known, open, columns);
    while (status == ST_OK && builder.count > MOST_BANDS && builder.tolerance < 1) {
        builder.tolerance *= 2; /* what is lost by it is bounded, and what a table cannot hold is of no use */
        status = build(&builder, known, open, columns);
    }
    if (status == ST_OK && builder.count > MOST_BANDS) status = st_fail(ST_E_CAPACITY, "the lists make %lld entries, more than a table holds; shorten them", (long long)builder.count);
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
