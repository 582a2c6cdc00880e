/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* rank_passes.c - a window from a row that is too long to hold: the library's counting passes, fed from the input. */
#include <stdio.h>

#include "commands.h"
#include "options.h"
#include "rank_job.h"

static int refuse(st_rank_job *job, st_status status) {
    if (status == ST_E_STATE) {
        return st_cli_fail(job->command, "%s: changed while it was read; copy it first", job->input.name);
    }
    return st_job_fail(job, status);
}

/* Feeds the row once. */
static int one_pass(st_rank_job *job, st_job_feed *feed, st_passes *passes, int number) {
    char what[32];
    snprintf(what, sizeof what, "pass %d", number);
    int status = feed->begin(job, feed, what);
    int64_t at = 0;
    while (status == ST_CLI_GO) {
        const void *elements = NULL;
        int64_t count = 0;
        status = feed->next(job, feed, &elements, &count);
        if (status != ST_CLI_GO || count == 0) {
            break;
        }
        st_status pushed = st_passes_push(passes, elements, count);
        if (pushed == ST_E_NAN) {
            return st_job_nan(job, feed->row, at + st_input_first_nan(job->dtype, elements, count, 1));
        }
        if (pushed == ST_E_ARGUMENT) {
            pushed = ST_E_STATE; /* longer than it was when it was measured */
        }
        if (pushed != ST_OK) {
            return refuse(job, pushed);
        }
        at += count;
    }
    return status;
}

int st_job_passes(st_rank_job *job, st_job_feed *feed, int64_t n, void *values, int64_t *indices) {
    st_stream_options options = {.struct_size = sizeof options,
                                 .dtype = job->dtype,
                                 .nan_rule = job->nan_rule,
                                 .order = job->order,
                                 .length = n};
    st_passes *passes = NULL;
    int32_t more = 0;
    st_job_window(job, n, &options.lo, &options.hi, &options.descending);
    st_status status = st_passes_open(job->context, &options, 0, &passes);
    if (status == ST_OK) {
        status = st_passes_next(passes, &more);
    }
    int went = ST_CLI_GO;
    for (int number = 1; status == ST_OK && more && went == ST_CLI_GO; number++) {
        went = one_pass(job, feed, passes, number);
        if (went == ST_CLI_GO) {
            status = st_passes_next(passes, &more);
        }
    }
    if (status == ST_OK && went == ST_CLI_GO) {
        status = st_passes_finish(passes, values, indices);
    }
    st_passes_close(passes);
    return status != ST_OK ? refuse(job, status) : went;
}
