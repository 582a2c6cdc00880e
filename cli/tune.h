/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* tune.h - the parts of `spiraltorch tune`: measuring one cell of the survey, and the command around it. */
#ifndef ST_CLI_TUNE_H
#define ST_CLI_TUNE_H

#include "bench.h"

/* What cells are measured with. Data stays while the next cell has the same rows, cols and dtype. Start it zeroed. */
typedef struct st_tune_lab {
    st_context *context;
    const char *device;
    uint64_t seed;
    double limit_ns;   /* of one cell's race; cells of the grid that must take longer are left out */
    int32_t is_grid;
    void *input;
    int64_t input_rows, input_cols;
    st_dtype input_dtype;
    int64_t wrong;     /* candidates whose answer was wrong, each printed */
    st_progress *progress;
} st_tune_lab;

/* Bytes of a cell's input and two sets of outputs; 0 where their number overflows. */
int64_t st_tune_cell_bytes(const st_survey_cell *cell);

/*
 * Races the candidates for a cell against the plan that the engine picks. Returns 0, 1 (an error, already printed) or 130
 * (interrupted; *finding then means nothing). finding->n is 0 where the cell cannot be run, which was printed as well, or
 * takes too long for the budget.
 */
int st_tune_measure(st_tune_lab *lab, const st_survey_cell *cell, st_survey_finding *finding);

/* The nanoseconds that the engine predicts for a Choice; as st_survey_model's predict, with the lab as user. */
double st_tune_predict(void *user, const st_survey_cell *cell, const st_choice *choice);

/* Frees the data of the last cell. */
void st_tune_release(st_tune_lab *lab);

#endif
