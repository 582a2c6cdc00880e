/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* progress.h - a bar on standard error, where that is a terminal and the work is long. */
#ifndef ST_CLI_PROGRESS_H
#define ST_CLI_PROGRESS_H

#include <stdint.h>

typedef struct st_progress {
    int32_t active;   /* standard error is a terminal, and the person wants to see */
    int32_t shown;    /* a line stands there */
    const char *unit; /* "B" scales by 1024, anything else by 1000; NULL: only the part that is done is told */
    char what[32];    /* "reading" */
    int64_t total;    /* -1: not known */
    int64_t done;
    double start, drawn;
} st_progress;

/* quiet 1: never show anything. what: one or two words, which are copied; unit stays the caller's. */
void st_progress_start(st_progress *progress, int quiet, const char *what, const char *unit, int64_t total);

/* Adds to what is done; draws where half a second has passed since the start, ten times a second at most. */
void st_progress_add(st_progress *progress, int64_t amount);

/* Takes the line away, before other output and at the end. */
void st_progress_hide(st_progress *progress);

#endif
