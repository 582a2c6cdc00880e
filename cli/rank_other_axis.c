/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * rank_other_axis.c - ranking along an axis that is not the last: cols x inner slabs, whole where they are small, else
 * in chunks of the axis with running winners, else by tiles of inner columns.
 */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "options.h"
#include "rank_job.h"

/* ---- whole slabs ------------------------------------------------------------------------------------------------- */

typedef struct slab_results {
    char *values;
    int64_t *indices;
} slab_results;

static int take_slabs(st_rank_job *job, const void *elements, int64_t units, int64_t first, void *argument) {
    slab_results *results = argument;
    for (int64_t unit = 0; unit < units; unit++) {
        st_job_rows rows = {.rows = job->inner, .cols = job->cols, .row_stride = 1, .col_stride = job->inner};
        rows.elements = (const char *)elements + unit * job->cols * job->inner * job->size;
        rows.first_row = (first + unit) * job->inner;
        int status = st_job_select(job, &rows, results->values, results->indices);
        if (status == ST_CLI_GO) {
            status = st_sink_rows(&job->sink, job->inner, results->values, results->indices, NULL);
        }
        if (status != ST_CLI_GO) {
            return status;
        }
    }
    return ST_CLI_GO;
}

static int allocate_results(st_rank_job *job, slab_results *results, int64_t rows) {
    results->values = st_job_allocate(job, rows * job->width, job->size);
    results->indices = results->values ? st_job_allocate(job, rows * job->width, sizeof(int64_t)) : NULL;
    return results->indices ? ST_CLI_GO : ST_CLI_FAILED;
}

static int rank_slabs(st_rank_job *job) {
    slab_results results = {0};
    int status = allocate_results(job, &results, job->inner);
    if (status == ST_CLI_GO) {
        status = st_job_units(job, job->cols * job->inner, take_slabs, &results);
    }
    free(results.values);
    free(results.indices);
    return status;
}

/* ---- chunks of the axis, with the winners so far ----------------------------------------------------------------- */

/*
 * Winners are kept in ascending index order, row by row, and a chunk's come behind them: so their places in the joined
 * row order equal values as the whole axis would.
 */
typedef struct running {
    int64_t hi;     /* winners that matter */
    int64_t kept;   /* winners per row so far */
    int64_t slices; /* slices in the chunk, and its room */
    int64_t room;
    int64_t at; /* index of the chunk's first slice along the axis */
    int64_t outer;
    int32_t has_nan;            /* this slab holds a NaN under --nan error */
    int64_t nan_row, nan_index; /* so far the lowest row of the slab with one, and where it is; nan_index -1: none */
    char *chunk;
    char *values, *joined_values; /* inner x kept; inner x (kept + new) */
    int64_t *indices, *joined_indices;
    char *picked_values;
    int64_t *picked;
    slab_results results;
} running;

/* Lays winners and picks side by side: joined row = [kept winners | new picks]. */
static void join(const st_rank_job *job, running *run, int64_t fresh) {
    int64_t width = run->kept + fresh;
    for (int64_t row = 0; row < job->inner; row++) {
        char *to = run->joined_values + row * width * job->size;
        int64_t *index = run->joined_indices + row * width;
        memcpy(to, run->values + row * run->kept * job->size, (size_t)(run->kept * job->size));
        memcpy(to + run->kept * job->size, run->picked_values + row * fresh * job->size, (size_t)(fresh * job->size));
        memcpy(index, run->indices + row * run->kept, (size_t)run->kept * sizeof *index);
        for (int64_t i = 0; i < fresh; i++) {
            index[run->kept + i] = run->at + run->picked[row * fresh + i];
        }
    }
}

/*
 * A NaN under --nan error: as where the slab is held whole, the lowest row of the slab is named, so its other chunks
 * are read too. Slice by slice, and in each the rows below the best alone: the first hit of a row is its lowest index.
 */
static int scan_for_nan(st_rank_job *job, running *run) {
    int64_t limit = run->nan_index < 0 ? job->inner : run->nan_row;
    for (int64_t i = 0; i < run->slices && limit > 0; i++) {
        int64_t found = st_input_first_nan(job->dtype, run->chunk + i * job->inner * job->size, limit, 1);
        if (found >= 0) {
            limit = found;
            run->nan_row = found;
            run->nan_index = run->at + i;
        }
    }
    run->at += run->slices;
    run->slices = 0;
    int is_last = limit == 0 || run->at == job->cols;
    return is_last ? st_job_nan(job, run->outer * job->inner + run->nan_row, run->nan_index) : ST_CLI_GO;
}

static int rank_chunk(st_rank_job *job, running *run) {
    if (run->has_nan) {
        return scan_for_nan(job, run);
    }
    int64_t fresh = run->slices < run->hi ? run->slices : run->hi;
    st_job_rows rows = {
        .elements = run->chunk, .rows = job->inner, .cols = run->slices, .row_stride = 1, .col_stride = job->inner};
    rows.first_row = run->outer * job->inner;
    rows.first_col = run->at;
    rows.has_nan = &run->has_nan;
    int status = st_job_select_window(job, &rows, 0, fresh, ST_UNSORTED, run->picked_values, run->picked);
    if (status != ST_CLI_GO) {
        return run->has_nan ? scan_for_nan(job, run) : status;
    }
    join(job, run, fresh);
    int64_t width = run->kept + fresh;
    int64_t kept = width < run->hi ? width : run->hi;
    st_job_rows joined = {
        .elements = run->joined_values, .rows = job->inner, .cols = width, .row_stride = width, .col_stride = 1};
    status = st_job_select_window(job, &joined, 0, kept, ST_UNSORTED, run->values, run->picked);
    for (int64_t row = 0; row < job->inner && status == ST_CLI_GO; row++) {
        for (int64_t i = 0; i < kept; i++) {
            run->indices[row * kept + i] = run->joined_indices[row * width + run->picked[row * kept + i]];
        }
    }
    run->kept = kept;
    run->at += run->slices;
    run->slices = 0;
    return status;
}

static int finish_slab(st_rank_job *job, running *run) {
    st_job_rows rows = {
        .elements = run->values, .rows = job->inner, .cols = run->kept, .row_stride = run->kept, .col_stride = 1};
    rows.first_row = run->outer * job->inner;
    int64_t lo = run->hi - job->width;
    int status = st_job_select_window(job, &rows, lo, run->hi, job->order, run->results.values, run->picked);
    for (int64_t row = 0; row < job->inner && status == ST_CLI_GO; row++) {
        for (int64_t i = 0; i < job->width; i++) {
            run->results.indices[row * job->width + i] =
                run->indices[row * run->kept + run->picked[row * job->width + i]];
        }
    }
    run->kept = 0;
    run->at = 0;
    run->outer++;
    return status == ST_CLI_GO ? st_sink_rows(&job->sink, job->inner, run->results.values, run->results.indices, NULL)
                               : status;
}

static int take_slices(st_rank_job *job, const void *elements, int64_t units, int64_t first, void *argument) {
    (void)first;
    running *run = argument;
    int64_t slice = job->inner * job->size;
    const char *at = elements;
    int status = ST_CLI_GO;
    while (units > 0 && status == ST_CLI_GO) {
        int64_t room = run->room - run->slices;
        int64_t left = job->cols - run->at - run->slices;
        int64_t part = units < room ? units : room;
        part = part < left ? part : left;
        memcpy(run->chunk + run->slices * slice, at, (size_t)(part * slice));
        run->slices += part;
        at += part * slice;
        units -= part;
        if (part == left || part == room) {
            status = rank_chunk(job, run);
        }
        if (status == ST_CLI_GO && part == left) {
            status = finish_slab(job, run);
        }
    }
    return status;
}

static int rank_chunks(st_rank_job *job, int64_t hi, int64_t room) {
    running run = {.hi = hi, .room = room, .nan_index = -1};
    int64_t state = job->inner * hi;
    int status = allocate_results(job, &run.results, job->inner);
    run.chunk = st_job_allocate(job, room * job->inner, job->size);
    run.values = st_job_allocate(job, state, job->size);
    run.indices = st_job_allocate(job, state, sizeof(int64_t));
    run.joined_values = st_job_allocate(job, 2 * state, job->size);
    run.joined_indices = st_job_allocate(job, 2 * state, sizeof(int64_t));
    run.picked_values = st_job_allocate(job, state, job->size);
    run.picked = st_job_allocate(job, state, sizeof(int64_t));
    if (!run.chunk || !run.values || !run.indices || !run.joined_values || !run.joined_indices || !run.picked_values ||
        !run.picked) {
        status = ST_CLI_FAILED;
    }
    if (status == ST_CLI_GO) {
        status = st_job_units(job, job->inner, take_slices, &run);
    }
    free(run.chunk);
    free(run.values);
    free(run.indices);
    free(run.joined_values);
    free(run.joined_indices);
    free(run.picked_values);
    free(run.picked);
    free(run.results.values);
    free(run.results.indices);
    return status;
}

/* ---- tiles of inner columns, from a file ------------------------------------------------------------------------- */

static int take_tile(st_rank_job *job, const st_job_rows *rows, void *argument) {
    slab_results *results = argument;
    int status = st_job_select(job, rows, results->values, results->indices);
    return status == ST_CLI_GO ? st_sink_rows(&job->sink, rows->rows, results->values, results->indices, NULL) : status;
}

static int begin_column(st_rank_job *job, st_job_feed *feed, const char *what) {
    feed->at = 0;
    st_progress_start(&job->input.progress, job->quiet, what, "B", st_job_tile_bytes(job, 1));
    return ST_CLI_GO;
}

/* The feed's scratch holds a column's block, and behind it room for whole slices. */
static int next_of_column(st_rank_job *job, st_job_feed *feed, const void **elements, int64_t *count) {
    int64_t left = job->cols - feed->at;
    *count = left < feed->room ? left : feed->room;
    *elements = feed->scratch;
    char *slices = (char *)feed->scratch + feed->room * job->size;
    st_job_tile tile = {.outer = feed->row / job->inner, .slice = feed->at, .slices = *count, .columns = 1};
    tile.column = feed->row % job->inner;
    int status = st_job_read_tile(job, &tile, feed->scratch, slices, feed->room);
    feed->at += *count;
    return status;
}

/* A single column is more than may be held. */
static int rank_columns_in_passes(st_rank_job *job) {
    slab_results results = {0};
    st_job_feed feed = {.begin = begin_column, .next = next_of_column, .room = ST_JOB_BUDGET / 8 / job->size};
    feed.scratch = st_job_allocate(job, 2 * feed.room, job->size);
    int status = feed.scratch ? allocate_results(job, &results, 1) : ST_CLI_FAILED;
    for (; status == ST_CLI_GO && feed.row < job->outer * job->inner; feed.row++) {
        status = st_job_passes(job, &feed, job->cols, results.values, results.indices);
        if (status == ST_CLI_GO) {
            status = st_sink_rows(&job->sink, 1, results.values, results.indices, NULL);
        }
    }
    free(feed.scratch);
    free(results.values);
    free(results.indices);
    return status;
}

static int rank_tiles(st_rank_job *job) {
    int64_t columns = ST_JOB_BUDGET / job->size / job->cols;
    int64_t limit = ST_JOB_BUDGET / (job->width * (job->size + (int64_t)sizeof(int64_t)));
    columns = columns < limit ? columns : limit;
    columns = columns < job->inner ? columns : job->inner;
    if (columns < 1) {
        return rank_columns_in_passes(job);
    }
    slab_results results = {0};
    int status = allocate_results(job, &results, columns);
    if (status == ST_CLI_GO) {
        status = st_job_tiles(job, columns, take_tile, &results);
    }
    free(results.values);
    free(results.indices);
    return status;
}

int st_job_other_axis(st_rank_job *job) {
    int64_t budget = ST_JOB_BUDGET / job->size;
    int64_t lo = 0, hi = 0;
    int32_t descending = 0;
    st_job_window(job, job->cols, &lo, &hi, &descending);
    if (job->inner <= budget / job->cols) {
        return rank_slabs(job);
    }
    /* Chunks must be longer than what is kept, or the merging would cost more than the reading. */
    int64_t room = job->inner <= budget ? budget / job->inner : 0;
    room = room < job->cols ? room : job->cols;
    if (room >= 4 * hi && hi <= ST_JOB_BUDGET / 4 / (job->size + (int64_t)sizeof(int64_t)) / job->inner) {
        return rank_chunks(job, hi, room);
    }
    if (job->input.again) {
        return rank_tiles(job);
    }
    st_job_note(job,
                "must hold all %lld numbers of %lld rows side by side that come through a pipe: save them to a file to "
                "bound memory",
                (long long)(job->cols * job->inner), (long long)job->inner);
    return rank_slabs(job);
}
