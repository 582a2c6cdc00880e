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
#include "context.h"
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

/* ---- a survey ----------------------------------------------------------------------------------------------------- */

typedef struct st_survey st_survey;

/* The lists are copied. Every series, a kind with a dtype and a number of threads, goes through the same shapes and k. */
typedef struct st_survey_options {
    uint32_t struct_size; /* sizeof(st_survey_options) */
    int32_t kind_count, dtype_count, thread_count; /* at least 1 */
    int32_t shape_count;  /* 0: a grid of shapes, made finer where neighbours differ */
    int32_t k_count;      /* 0: a grid of k, in the same way */
    const int32_t *kinds; /* ST_TOPK, ST_MIDK, ST_BOTTOMK */
    const st_dtype *dtypes;
    const int32_t *threads; /* 0: whatever the call's, as on a GPU */
    const int64_t *shapes; /* shape_count pairs of rows, cols */
    const int64_t *k;      /* those above a shape's columns are left out for it */
    int64_t most_bytes;    /* the grid leaves cells out whose input and two sets of outputs take more */
} st_survey_options;

/* One request to be measured. */
typedef struct st_survey_cell {
    int32_t kind;
    st_dtype dtype;
    int32_t threads;
    int64_t rows, cols, k;
} st_survey_cell;

enum { ST_SURVEY_RIVALS = 8 };

/* A Choice that was not the winner's, and how far it was behind: ln(its time / the winner's). */
typedef struct st_survey_rival {
    st_choice choice;
    double behind;
} st_survey_rival;

/* What a race told of a cell. n 0: nothing, the cell is not to be asked for again. */
typedef struct st_survey_finding {
    uint32_t struct_size; /* sizeof(st_survey_finding) */
    st_survey_cell cell;
    st_choice choice;     /* the winner's */
    int64_t n;
    double mean_log_ns, var_log_ns, gain, gain_error, noise; /* as in st_race_result */
    int32_t rival_count;  /* the nearest first */
    st_survey_rival rivals[ST_SURVEY_RIVALS];
} st_survey_finding;

/*
 * Makes a survey. ST_E_ARGUMENT names the field: an empty or too long list, a number out of range, or nothing to measure;
 * ST_E_MEMORY. host NULL: libc. *survey is the caller's, for st_survey_destroy. One thread at a time.
 */
ST_API st_status st_survey_create(const st_host *host, const st_survey_options *options, st_survey **survey);
ST_API void st_survey_destroy(st_survey *survey);

/*
 * The next cell to measure, coarse steps first, then where neighbours differ most; *more is 0 where none is left. Cells with the
 * same rows, cols and dtype follow each other. The order depends on what was recorded, and on nothing else. ST_E_MEMORY.
 */
ST_API st_status st_survey_next(st_survey *survey, st_survey_cell *cell, int32_t *more);

/* Cells recorded so far with a winner, and cells that the coarse steps have in all. */
ST_API void st_survey_counts(const st_survey *survey, int64_t *recorded, int64_t *coarse);

/* Keeps a finding; a cell's later finding replaces its earlier one. ST_E_ARGUMENT: no cell of this survey, or a value no race gives. */
ST_API st_status st_survey_record(st_survey *survey, const st_survey_finding *finding);

/* The finding of a position in the order of recording; ST_E_ARGUMENT beyond the end. */
ST_API st_status st_survey_at(const st_survey *survey, int64_t position, st_survey_finding *finding);

/*
 * Writes what was recorded to a file, whole or not at all, and reads it back into a fresh survey with the same options.
 * signature is one line of text that says what the findings belong to (device, options). ST_E_IO; ST_E_MEMORY; loading:
 * ST_E_STATE where the signature is another; ST_E_FORMAT names the line: state files are not trusted.
 */
ST_API st_status st_survey_save(const st_survey *survey, const char *path, const char *signature);
ST_API st_status st_survey_load(st_survey *survey, const char *path, const char *signature);

/* Where findings are made, as the entries of a table say it; strings are NUL-terminated, "" where there is none. */
typedef struct st_survey_device {
    uint32_t struct_size;  /* sizeof(st_survey_device), set by the caller */
    int32_t sg;            /* 1: lanes exchange registers */
    char backend[16];      /* "cpu", "cuda" */
    char device[128];      /* the device's own name */
    char driver[64];
    char isa[16];          /* on a CPU, the instruction set */
    char kernel_hash[20];  /* 16 hexadecimal digits: other kernels have another */
} st_survey_device;

/* Fills *found for a device that can run: an id, or "auto" (also NULL). ST_E_ARGUMENT, ST_E_DEVICE. Thread-safe. */
ST_API st_status st_survey_device_of(const st_context *context, const char *device, st_survey_device *found);

/*
 * A device model: predict gives the nanoseconds that a Choice should take for a request, or 0 where it cannot say. Between two
 * findings it says where one winner's kernel comes to an end of its use; how high the steps are, the findings say.
 */
typedef struct st_survey_model {
    uint32_t struct_size; /* sizeof(st_survey_model) */
    void *user;
    double (*predict)(void *user, const st_survey_cell *cell, const st_choice *choice);
} st_survey_model;

/*
 * Writes the findings as a table, whole or not at all: bands of columns and k that leave no gap between the cells, equal
 * neighbours joined, and those that differ by no more than 1 % too. model NULL: there is none. *entries is their number.
 * ST_E_ARGUMENT; ST_E_STATE: nothing was recorded; ST_E_CAPACITY: more entries than a table holds; ST_E_IO; ST_E_MEMORY.
 */
ST_API st_status st_survey_table(const st_survey *survey, const st_survey_device *device, const st_survey_model *model,
                                 const char *path, int64_t *entries);

#ifdef __cplusplus
}
#endif

#endif
