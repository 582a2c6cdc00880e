/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * measure.h - what a tuner or a benchmark runs: data to measure with, plans on data that lies where they run, and the race
 * between the candidates for one cell of a survey (tune.h).
 */
#ifndef SPIRALTORCH_MEASURE_H
#define SPIRALTORCH_MEASURE_H

#include <stdint.h>

#include "context.h"
#include "dtype.h"
#include "export.h"
#include "rank.h"
#include "status.h"
#include "tune.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- data --------------------------------------------------------------------------------------------------------- */

/*
 * Stores a number of about unit size as one element, rounded; integers take it on a scale where 16 is the end of their range, or
 * 8 for those of 8 bits, of which there are few; what lies beyond is the end, and NaN 0. An unknown dtype stores nothing. Thread-safe.
 */
ST_API void st_unit_store(st_dtype dtype, double number, void *element);

/*
 * Fills rows x cols contiguous elements with normally distributed numbers of mean 0 and deviation 1, stored by st_unit_store:
 * the same each time, and in every row others. ST_E_ARGUMENT: an unknown dtype, a negative size, or elements NULL. Thread-safe.
 */
ST_API st_status st_unit_normal(st_dtype dtype, int64_t rows, int64_t cols, void *elements);

/* ---- one request's plans --------------------------------------------------------------------------------------------- */

/*
 * A request's input, and room for its answers, where its plans run: in the memory of their device where that has its own, so
 * that what is timed is the device's work and not the copies; else on the host. One thread at a time.
 */
typedef struct st_trial st_trial;

/*
 * Opens a trial of a plan's request, which must be contiguous and ask for values and 64-bit indices of at least one element. The
 * input is not written, and must stay until the trial is closed. *trial is the caller's, for st_trial_close, before
 * st_context_destroy. ST_E_ARGUMENT; ST_E_DEVICE; ST_E_MEMORY.
 */
ST_API st_status st_trial_open(st_context *context, const st_plan *plan, const void *input, st_trial **trial);

/*
 * Runs a plan `repetitions` times (at least 1), one run after the other, and waits for the last; *ns is the time of all. The
 * plan may have another Choice than that of st_trial_open, but must be for the same request and device (ST_E_ARGUMENT); else as
 * st_execute_rank. On a device with memory of its own, the first run of a kernel compiles it.
 */
ST_API st_status st_trial_run(st_trial *trial, const st_plan *plan, int64_t repetitions, double *ns);

/* Copies the answer of the last run: packed values and indices, each rows x width. ST_E_ARGUMENT; ST_E_DEVICE. */
ST_API st_status st_trial_answer(const st_trial *trial, void *values, int64_t *indices);

/* NULL is allowed. */
ST_API void st_trial_close(st_trial *trial);

/* ---- a survey's cells ------------------------------------------------------------------------------------------------ */

/* Measures the cells of a survey on one device, on normally distributed data. One thread at a time. */
typedef struct st_tuner st_tuner;

/* The callbacks may be NULL; they are called in the thread that measures. */
typedef struct st_tuner_options {
    uint32_t struct_size;  /* sizeof(st_tuner_options) */
    int32_t leaves_out;    /* 1: cells whose races would take longer than the limit, by the device model, are not run */
    const char *device;    /* an id, or "auto" (also NULL); copied */
    uint64_t seed;         /* of the order in which candidates take turns */
    double limit_ns;       /* time of one race, after which its rounds are cut short; 0: no limit */
    void *user;
    int32_t (*stops)(void *user);                   /* asked between runs; not 0: the race ends here */
    void (*wrong)(void *user, const char *message); /* a candidate whose answer is wrong takes no part: its kernel, fields, and where */
} st_tuner_options;

/* *tuner is the caller's, for st_tuner_destroy, before st_context_destroy. ST_E_ARGUMENT; ST_E_DEVICE; ST_E_MEMORY. */
ST_API st_status st_tuner_create(st_context *context, const st_tuner_options *options, st_tuner **tuner);
ST_API void st_tuner_destroy(st_tuner *tuner);

/*
 * Races the candidates for a cell against the plan that the engine picks; each answer is compared with that plan's bit for bit, and
 * that with a plain sort's where the cell is small or two differ. *finding is for st_survey_record; its n is 0 where the race was
 * stopped (*stopped 1), where the cell was left out, or where the engine's own plan is wrong or cannot run. Cells with the same
 * rows, cols and dtype share their data: measure them one after the other. ST_E_ARGUMENT; ST_E_MEMORY; ST_E_DEVICE.
 */
ST_API st_status st_tuner_measure(st_tuner *tuner, const st_survey_cell *cell, st_survey_finding *finding, int32_t *stopped);

/* Candidates whose answers were wrong so far. */
ST_API int64_t st_tuner_wrong(const st_tuner *tuner);

/* The nanoseconds that the device model predicts, or 0: st_survey_model's predict, with a tuner as user. */
ST_API double st_tuner_predict(void *tuner, const st_survey_cell *cell, const st_choice *choice);

#ifdef __cplusplus
}
#endif

#endif
