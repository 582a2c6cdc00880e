/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* rank_last_axis.c - rows whose elements follow one another: batches of short rows, streams and passes over long ones.
 */
#include <stdlib.h>

#include "commands.h"
#include "options.h"
#include "rank_job.h"

/* Room for the results of a batch. */
typedef struct batch {
    void *values;
    int64_t *indices;
    int64_t rows;
} batch;

static int allocate_batch(st_rank_job *job, batch *results, int64_t rows) {
    results->rows = rows;
    results->values = st_job_allocate(job, rows * job->width, job->size);
    results->indices = results->values ? st_job_allocate(job, rows * job->width, sizeof(int64_t)) : NULL;
    return results->indices ? ST_CLI_GO : ST_CLI_FAILED;
}

/* ---- short rows -------------------------------------------------------------------------------------------------- */

static int take_rows(st_rank_job *job, const void *elements, int64_t units, int64_t first, void *argument) {
    batch *results = argument;
    int64_t done = 0;
    while (done < units) {
        int64_t rows = units - done < results->rows ? units - done : results->rows;
        st_job_rows part = {
            .elements = (const char *)elements + done * job->cols * job->size, .rows = rows, .cols = job->cols};
        part.row_stride = job->cols;
        part.col_stride = 1;
        part.first_row = first + done;
        int status = st_job_select(job, &part, results->values, results->indices);
        if (status == ST_CLI_GO) {
            status = st_sink_rows(&job->sink, rows, results->values, results->indices, NULL);
        }
        if (status != ST_CLI_GO) {
            return status;
        }
        done += rows;
    }
    return ST_CLI_GO;
}

static int rank_short_rows(st_rank_job *job) {
    int64_t row_bytes = (job->width > 0 ? job->width : 1) * (job->size + (int64_t)sizeof(int64_t));
    int64_t rows = ST_JOB_BUDGET / 2 / row_bytes;
    batch results = {0};
    int status = allocate_batch(job, &results, rows > 1 ? rows : 1);
    if (status == ST_CLI_GO) {
        status = st_job_units(job, job->cols, take_rows, &results);
    }
    free(results.values);
    free(results.indices);
    return status;
}

/* ---- long rows as streams ---------------------------------------------------------------------------------------- */

static int push(st_rank_job *job, st_stream *stream, int64_t row, const void *elements, int64_t count) {
    int64_t before = st_stream_pushed(stream);
    st_status status = st_stream_push(stream, elements, count);
    if (status == ST_E_NAN) {
        return st_job_nan(job, row, before + st_input_first_nan(job->dtype, elements, count, 1));
    }
    return status == ST_OK ? ST_CLI_GO : st_job_fail(job, status);
}

/* One row from where the block stands; what is left of the block stays for the next row. */
static int stream_row(st_rank_job *job, st_input_block *block, int64_t row, batch *results, int *ended) {
    st_stream_options options = {
        .struct_size = sizeof options, .dtype = job->dtype, .nan_rule = job->nan_rule, .order = job->order};
    options.length = job->cols;
    st_job_window(job, job->cols, &options.lo, &options.hi, &options.descending);
    st_stream *stream = NULL;
    st_status opened = st_stream_open(job->context, &options, &stream);
    if (opened != ST_OK) {
        return st_job_fail(job, opened);
    }
    int64_t left = job->cols;
    int status = ST_CLI_GO;
    while (left > 0 && status == ST_CLI_GO) {
        if (block->count == 0) {
            status = st_input_next(&job->input, block);
            if (status == ST_CLI_GO && block->count == 0) {
                *ended = 1;
                break;
            }
            continue;
        }
        int64_t part = block->count < left ? block->count : left;
        status = push(job, stream, row, block->elements, part);
        block->elements = (const char *)block->elements + part * job->size;
        block->count -= part;
        left -= part;
    }
    if (*ended && left < job->cols) {
        status = st_cli_fail(job->command,
                             "%s: ends within a row, %lld elements into row %lld; --cols or --dtype may be wrong",
                             job->input.name, (long long)(job->cols - left), (long long)row);
    }
    if (status == ST_CLI_GO && !*ended) {
        opened = st_stream_finish(stream, results->values, results->indices, job->width);
        status = opened == ST_OK ? st_sink_rows(&job->sink, 1, results->values, results->indices, NULL)
                                 : st_job_fail(job, opened);
    }
    st_stream_close(stream);
    return status;
}

static int rank_streams(st_rank_job *job, batch *results) {
    st_input_block block = {0};
    int status = ST_CLI_GO, ended = 0;
    for (int64_t row = 0; status == ST_CLI_GO && !ended && (job->outer < 0 || row < job->outer); row++) {
        status = stream_row(job, &block, row, results, &ended);
    }
    return status;
}

/* ---- long rows in passes ----------------------------------------------------------------------------------------- */

static int begin_row(st_rank_job *job, st_job_feed *feed, const char *what) {
    feed->at = 0;
    st_progress_start(&job->input.progress, job->quiet, what, "B", job->cols * job->size);
    return ST_CLI_GO;
}

static int next_of_row(st_rank_job *job, st_job_feed *feed, const void **elements, int64_t *count) {
    int64_t left = job->cols - feed->at;
    *count = left < feed->room ? left : feed->room;
    *elements = feed->scratch;
    if (*count == 0) {
        return ST_CLI_GO;
    }
    int status = st_input_read_at(&job->input, feed->row * job->cols + feed->at, *count, feed->scratch);
    feed->at += *count;
    return status;
}

static int rank_in_passes(st_rank_job *job, batch *results) {
    st_job_feed feed = {.begin = begin_row, .next = next_of_row, .room = ST_JOB_BUDGET / 4 / job->size};
    feed.scratch = st_job_allocate(job, feed.room, job->size);
    int status = feed.scratch ? ST_CLI_GO : ST_CLI_FAILED;
    for (; status == ST_CLI_GO && feed.row < job->outer; feed.row++) {
        status = st_job_passes(job, &feed, job->cols, results->values, results->indices);
        if (status == ST_CLI_GO) {
            status = st_sink_rows(&job->sink, 1, results->values, results->indices, NULL);
        }
    }
    free(feed.scratch);
    return status;
}

static int rank_long_rows(st_rank_job *job) {
    int64_t lo = 0, hi = 0;
    int32_t descending = 0;
    st_job_window(job, job->cols, &lo, &hi, &descending);
    int64_t held = hi < job->cols - lo ? hi : job->cols - lo;
    /* A stream holds up to twice the window's entries, of 24 bytes; passes hold the result's entries once. */
    enum { HELD = 2 * ST_JOB_BUDGET / (2 * 24) };
    int is_large = held > HELD;
    batch results = {0};
    int status = allocate_batch(job, &results, 1);
    if (status == ST_CLI_GO && is_large && job->input.again) {
        status = rank_in_passes(job, &results);
    } else if (status == ST_CLI_GO) {
        if (is_large && job->width < held) {
            st_job_note(job,
                        "must hold %lld of the %lld numbers of a row that comes through a pipe: save it to a file to "
                        "bound memory",
                        (long long)held, (long long)job->cols);
        }
        status = rank_streams(job, &results);
    }
    free(results.values);
    free(results.indices);
    return status;
}

int st_job_last_axis(st_rank_job *job) {
    return job->cols > ST_JOB_BUDGET / job->size ? rank_long_rows(job) : rank_short_rows(job);
}
