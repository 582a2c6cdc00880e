/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* tuner_survey.h - a survey from inside: axes whose crossings are cells, and what was found at each. */
#ifndef ST_LEARN_TUNER_SURVEY_H
#define ST_LEARN_TUNER_SURVEY_H

#include <stddef.h>
#include <stdint.h>

#include "spiraltorch/tune.h"

enum { ST_AXIS_ROWS, ST_AXIS_COLS, ST_AXIS_K, ST_AXES };
enum { ST_AXIS_MOST = 64, ST_SURVEY_MOST_LIST = 16 };

/* Rising values; a grid's are a factor of two apart, and may be measured between. */
typedef struct st_axis {
    int32_t count, is_grid;
    int64_t values[ST_AXIS_MOST];
} st_axis;

typedef struct st_series {
    int32_t kind;
    st_dtype dtype;
    int32_t threads;
} st_series;

/* A cell by position: its series, and its place on each axis. */
typedef struct st_place {
    int32_t series, at[ST_AXES];
} st_place;

/* A cell between two that differ, and what choosing by the wrong one of them would cost. */
typedef struct st_between {
    st_place place;
    double stake;
} st_between;

enum { ST_SURVEY_QUEUE = 128, ST_SURVEY_FIRST_STEP = 8 };
enum { ST_PLACE_FREE = -1, ST_PLACE_CLOSED = -2 };

struct st_survey {
    st_host host;
    st_axis axes[ST_AXES];
    int32_t series_count, shape_count;
    st_series *series;
    int64_t *shapes; /* pairs, where shapes are given */
    int64_t most_bytes;
    size_t place_count;
    int32_t *places; /* by place: a position in findings, or ST_PLACE_* (closed: no cell, or nothing to be found) */
    int64_t count;   /* findings */
    size_t findings_bytes;
    st_survey_finding *findings;
    int32_t step;          /* of the grid, as the walk goes through it; 0: the walks are over */
    size_t cursor;         /* how far the walk is */
    int32_t queue_count, queue_at;
    st_between queue[ST_SURVEY_QUEUE]; /* cells between neighbours that differ, to be handed out */
};

st_place st_survey_place_at(const st_survey *survey, size_t index);
size_t st_survey_index(const st_survey *survey, const st_place *place);
st_survey_cell st_survey_cell_of(const st_survey *survey, const st_place *place);

/* The finding at a place; NULL where there is none. */
const st_survey_finding *st_survey_found(const st_survey *survey, const st_place *place);

int st_choice_same(const st_choice *one, const st_choice *other);

/* How far a Choice was behind the winner of a cell: 0 for the winner; below 0 where that is not known. */
double st_survey_behind(const st_survey_finding *finding, const st_choice *choice);

/* Reads a state file's text into a survey; name is what messages call it. Errors as st_survey_load. */
st_status st_survey_read_text(st_survey *survey, const char *text, size_t bytes, const char *signature, const char *name);

/* One entry of a table in the making: an area at a number of rows, and the findings behind it. */
typedef struct st_survey_band {
    int32_t series;
    int64_t rows, cols_min, cols_max, k_min, k_max;
    st_choice choice;
    int64_t n;
    double mean_log_ns, var_log_ns, gain, gain_error;
} st_survey_band;

/* The bands of a survey, model as st_survey_table has it; *bands is the caller's, of *count places and *bytes bytes. ST_E_MEMORY, ST_E_CAPACITY. */
st_status st_survey_bands(const st_survey *survey, const st_survey_model *model, st_survey_band **bands, int64_t *count, size_t *bytes);

#endif
