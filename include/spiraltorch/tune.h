/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * tune.h - which Choice is fastest, by measuring: a race between the candidates for one request, and a survey of many
 * requests, whose findings become the entries of a table. The caller measures: nothing here reads a clock or runs a plan,
 * and equal measurements give equal results. docs/tuning.md has the method.
 */
#ifndef SPIRALTORCH_TUNE_H
#define SPIRALTORCH_TUNE_H

#include <stdint.h>

#include "choice.h"
#include "dtype.h"
#include "export.h"
#include "host.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a race ------------------------------------------------------------------------------------------------------- */

/* What a call of the race answers: go on; that candidate's answer is wrong; it cannot run this; end the race here. */
enum { ST_RACE_RIGHT = 0, ST_RACE_WRONG = 1, ST_RACE_REFUSED = 2, ST_RACE_STOP = 3 };

enum { ST_RACE_MOST = 64 };

/*
 * How the race learns of its candidates. check runs a candidate once and compares all of its output with the reference, bit
 * for bit; it comes before any timing, and a candidate that is wrong or refuses is never timed. measure runs one that was
 * right `repetitions` times (at least 1) and may refuse or stop. Both write the nanoseconds of the runs alone, above 0.
 */
typedef struct st_race_calls {
    uint32_t struct_size; /* sizeof(st_race_calls) */
    void *user;
    int32_t (*check)(void *user, int32_t candidate, double *ns);
    int32_t (*measure)(void *user, int32_t candidate, int64_t repetitions, double *ns);
} st_race_calls;

typedef struct st_race_options {
    uint32_t struct_size; /* sizeof(st_race_options) */
    int32_t candidates;   /* 1 to ST_RACE_MOST; candidate 0 is the incumbent */
    uint64_t seed;        /* of the order in which candidates take turns */
    double limit_ns;      /* time in measure after which rounds are cut short; 0: no limit */
} st_race_options;

/* How far a candidate came. */
enum { ST_RACE_OUT_WRONG = 1, ST_RACE_OUT_REFUSED = 2, ST_RACE_OUT_SLOW = 3, ST_RACE_FINAL = 4 };

typedef struct st_race_standing {
    int32_t state;      /* ST_RACE_OUT_* or ST_RACE_FINAL; 0: the race was stopped before */
    int32_t samples;    /* taken in the rounds before the final */
    double log_ns;      /* their lower median, of ln(nanoseconds of one run); of the check alone where samples is 0 */
} st_race_standing;

typedef struct st_race_result {
    uint32_t struct_size;  /* sizeof(st_race_result), set by the caller */
    int32_t winner;        /* a position; the incumbent's, 0, unless another is faster beyond doubt */
    int32_t stopped;       /* 1: a call said ST_RACE_STOP; the rest means nothing */
    int32_t wrong;         /* candidates whose answer was wrong */
    int64_t n;             /* the winner's samples in the final */
    double mean_log_ns;    /* mean of ln(nanoseconds of one run) over these */
    double var_log_ns;     /* their variance, n - 1 in the denominator */
    double gain;           /* ln(incumbent's time / winner's), trimmed mean over pairs; 0 where the incumbent won */
    double gain_error;     /* its standard error; where the incumbent won, that of the incumbent against itself */
    double noise;          /* a gain below this is no gain: what the incumbent against itself showed */
    int64_t measurements;  /* calls of measure */
} st_race_result;

/*
 * Runs a race: every candidate is checked; rounds of samples in random order halve the field; the two best then run against
 * the incumbent, and the incumbent against itself, in blocks of random order. standings has options->candidates places, or is
 * NULL. ST_E_ARGUMENT; ST_E_STATE: the incumbent is wrong or refuses, so there is nothing to compare with. Allocates nothing.
 * Thread-safe, as far as the calls are.
 */
ST_API st_status st_race(const st_race_options *options, const st_race_calls *calls, st_race_standing *standings,
                         st_race_result *result);

/* The most calls of measure that a race of so many candidates makes; 0 outside 1 to ST_RACE_MOST. */
ST_API int64_t st_race_most_measurements(int32_t candidates);

#ifdef __cplusplus
}
#endif

#endif
