/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* race.h - one cell of a survey: its data, its candidates, and the race between them. */
#ifndef ST_PY_RACE_H
#define ST_PY_RACE_H

#include "binding.h"

/* What cells are measured with. Data stays while the next cell has the same rows, cols and dtype. Start it zeroed. */
typedef struct st_py_lab {
    st_context *engine;
    const char *device;
    uint64_t seed;
    double limit_ns; /* of one cell's race */
    int is_grid;     /* cells that must take longer than that are left out */
    void *input;
    int64_t rows, cols;
    st_dtype dtype;
    int64_t wrong; /* candidates whose answer was not that of the engine's plan */
} st_py_lab;

/*
 * Races the candidates for a cell against the plan that the engine picks. Called without the GIL, which it takes to look for
 * signals: *interrupted is then 1, with an exception in this thread. finding->n is 0 where the cell takes too long.
 */
st_status st_py_race(st_py_lab *lab, const st_survey_cell *cell, st_survey_finding *finding, int *interrupted);

/* The nanoseconds that the engine predicts for a Choice; st_survey_model's predict, with the lab as user. */
double st_py_race_predict(void *lab, const st_survey_cell *cell, const st_choice *choice);

/* Frees the data of the last cell. */
void st_py_race_release(st_py_lab *lab);

#endif
