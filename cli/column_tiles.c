/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* column_tiles.c - reads slabs of a file by tiles of their columns, where a slab is more than may be held. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "options.h"
#include "rank_job.h"

/* A read of its own for each slice costs about as much as copying this many bytes. */
enum { READ_COST = 4096 };

static int takes_whole_slices(const st_rank_job *job) { return job->inner * job->size <= READ_COST; }

int64_t st_job_tile_bytes(const st_rank_job *job, int64_t columns) {
    int64_t each = takes_whole_slices(job) ? job->inner : columns;
    return job->cols * each * job->size;
}

int st_job_read_tile(st_rank_job *job, const st_job_tile *tile, void *to, void *scratch, int64_t room) {
    int64_t base = (tile->outer * job->cols + tile->slice) * job->inner;
    int64_t together = takes_whole_slices(job) ? room / job->inner : 1;
    char *at = to;
    int status = ST_CLI_GO;
    for (int64_t done = 0; done < tile->slices && status == ST_CLI_GO;) {
        int64_t first = base + done * job->inner;
        if (together <= 1) {
            status = st_input_read_at(&job->input, first + tile->column, tile->columns, at);
            at += tile->columns * job->size;
            done++;
            continue;
        }
        int64_t part = tile->slices - done < together ? tile->slices - done : together;
        status = st_input_read_at(&job->input, first, part * job->inner, scratch);
        const char *from = (const char *)scratch + tile->column * job->size;
        for (int64_t i = 0; i < part && status == ST_CLI_GO; i++) {
            memcpy(at, from + i * job->inner * job->size, (size_t)(tile->columns * job->size));
            at += tile->columns * job->size;
        }
        done += part;
    }
    return status;
}

static void start_progress(st_rank_job *job, int64_t columns) {
    int64_t tiles = (job->inner + columns - 1) / columns, bytes = 0;
    int64_t each = st_job_tile_bytes(job, columns);
    if (takes_whole_slices(job) && !__builtin_mul_overflow(tiles * job->outer, each, &bytes)) {
        st_progress_start(&job->input.progress, job->quiet, "reading", "B", bytes);
    }
}

int st_job_tiles(st_rank_job *job, int64_t columns,
                 int (*take)(st_rank_job *job, const st_job_rows *rows, void *argument), void *argument) {
    columns = columns < job->inner ? columns : job->inner;
    int64_t room = ST_JOB_BUDGET / 4 / job->size;
    char *elements = st_job_allocate(job, job->cols * columns, job->size);
    char *scratch = elements ? st_job_allocate(job, room, job->size) : NULL;
    int status = scratch ? ST_CLI_GO : ST_CLI_FAILED;
    start_progress(job, columns);
    for (int64_t outer = 0; outer < job->outer && status == ST_CLI_GO; outer++) {
        for (int64_t from = 0; from < job->inner && status == ST_CLI_GO; from += columns) {
            st_job_tile tile = {.outer = outer, .slices = job->cols, .column = from};
            tile.columns = job->inner - from < columns ? job->inner - from : columns;
            status = st_job_read_tile(job, &tile, elements, scratch, room);
            st_job_rows rows = {.elements = elements, .rows = tile.columns, .cols = job->cols, .row_stride = 1};
            rows.col_stride = tile.columns;
            rows.first_row = outer * job->inner + from;
            if (status == ST_CLI_GO) {
                status = take(job, &rows, argument);
            }
        }
    }
    free(elements);
    free(scratch);
    return status;
}
