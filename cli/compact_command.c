/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* compact_command.c - the elements between two bounds, block by block in the order of the input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "interrupt.h"
#include "options.h"
#include "rank_job.h"
#include "rank_setup.h"

typedef struct compaction {
    st_rank_job job; /* its command, context, input, sink and shape */
    const char *lower_text, *upper_text;
    uint64_t lower, upper; /* one element each, in its first bytes */
    char *values;
    int64_t *indices;
    const char **labels;
    int64_t *counts;
    int64_t room, rows_room;
    int64_t in_row; /* elements of the present row that were read */
} compaction;

/* ---- bounds ------------------------------------------------------------------------------------------------------ */

/* The bound that nothing lies beyond. */
static const char *open_bound(st_dtype dtype, int is_upper) {
    switch (dtype) {
    case ST_I8: return is_upper ? "127" : "-128";
    case ST_U8: return is_upper ? "255" : "0";
    case ST_I16: return is_upper ? "32767" : "-32768";
    case ST_U16: return is_upper ? "65535" : "0";
    case ST_I32: return is_upper ? "2147483647" : "-2147483648";
    case ST_U32: return is_upper ? "4294967295" : "0";
    case ST_I64: return is_upper ? "9223372036854775807" : "-9223372036854775808";
    case ST_U64: return is_upper ? "18446744073709551615" : "0";
    default: return is_upper ? "inf" : "-inf";
    }
}

static int parse_bound(const compaction *run, const char *option, const char *text, int is_upper, uint64_t *bound) {
    const st_rank_job *job = &run->job;
    if (st_parse_element(text ? text : open_bound(job->dtype, is_upper), job->dtype, bound) != ST_OK) {
        return st_cli_usage(job->command, "%s: '%s' is no %s, the dtype of %s; give a number that it can hold", option,
                            text, st_dtype_name(job->dtype), job->input.name);
    }
    if (st_input_first_nan(job->dtype, bound, 1, 1) == 0) {
        return st_cli_usage(job->command,
                            "%s: NaN is not a bound, because nothing compares with it; give a number, inf or -inf",
                            option);
    }
    return ST_CLI_GO;
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

static int reserve(compaction *run, int64_t elements, int64_t rows) {
    st_rank_job *job = &run->job;
    if (elements > run->room) {
        free(run->values);
        free(run->indices);
        free(run->labels);
        run->room = elements;
        run->values = st_job_allocate(job, elements, job->size);
        run->indices = run->values ? st_job_allocate(job, elements, sizeof(int64_t)) : NULL;
        run->labels = run->indices && job->input.options.show ? st_job_allocate(job, elements, sizeof(char *)) : NULL;
        if (!run->indices || (job->input.options.show && !run->labels)) {
            run->room = 0;
            return ST_CLI_FAILED;
        }
    }
    if (rows > run->rows_room) {
        free(run->counts);
        run->counts = st_job_allocate(job, rows, sizeof(int64_t));
        run->rows_room = run->counts ? rows : 0;
        return run->counts ? ST_CLI_GO : ST_CLI_FAILED;
    }
    return ST_CLI_GO;
}

/*
 * Rows in memory, or part of one: their matches go to the sink. first: the index of their first element. whole: rows
 * end.
 */
static int take(compaction *run, const st_job_rows *rows, const char *const *labels, int whole) {
    st_rank_job *job = &run->job;
    int status = reserve(run, rows->rows * rows->cols, rows->rows);
    if (status != ST_CLI_GO) {
        return status;
    }
    st_band_request request = {.struct_size = sizeof request, .dtype = job->dtype, .index_dtype = ST_I64};
    request.rows = rows->rows;
    request.cols = rows->cols;
    request.row_stride = rows->row_stride;
    request.col_stride = rows->col_stride;
    request.lower = &run->lower;
    request.upper = &run->upper;
    request.device = job->device;
    st_band_buffers buffers = {.struct_size = sizeof buffers, .input = rows->elements, .counts = run->counts};
    buffers.values = run->values;
    buffers.indices = run->indices;
    buffers.capacity = rows->rows * rows->cols;
    st_status compacted = st_band_compact(job->context, &request, &buffers);
    if (compacted != ST_OK) {
        return st_job_fail(job, compacted);
    }
    int64_t at = 0;
    for (int64_t row = 0; row < rows->rows && status == ST_CLI_GO; row++) {
        int64_t count = run->counts[row];
        for (int64_t i = at; i < at + count; i++) {
            if (run->labels) {
                run->labels[i] = labels[run->indices[i]];
            }
            run->indices[i] += rows->first_col;
        }
        status = st_sink_piece(&job->sink, count, run->values + at * job->size, run->indices + at,
                               run->labels ? run->labels + at : NULL);
        if (status == ST_CLI_GO && whole) {
            status = st_sink_end_row(&job->sink);
        }
        at += count;
    }
    return status;
}

/* Everything in the order of the input: rows of text or of a last axis. */
static int run_in_order(compaction *run) {
    st_rank_job *job = &run->job;
    int64_t cols = job->input.is_text ? INT64_MAX : job->cols;
    for (;;) {
        st_input_block block;
        int status = st_input_next(&job->input, &block);
        if (status != ST_CLI_GO) {
            return status;
        }
        if (block.count == 0) {
            break;
        }
        const char *at = block.elements;
        while (block.count > 0 && status == ST_CLI_GO) {
            st_job_rows rows = {.elements = at, .rows = 1, .col_stride = 1, .first_col = run->in_row};
            int64_t left = cols - run->in_row;
            int64_t step = left < block.count ? left : block.count;
            if (run->in_row == 0 && block.count >= cols) {
                rows.rows = block.count / cols;
                step = cols;
            }
            rows.cols = step;
            rows.row_stride = step;
            status = take(run, &rows, block.labels, step == left);
            run->in_row = step == left ? 0 : run->in_row + step;
            at += rows.rows * step * job->size;
            block.count -= rows.rows * step;
        }
        if (status != ST_CLI_GO) {
            return status;
        }
    }
    if (job->input.is_text) {
        return st_sink_end_row(&job->sink);
    }
    if (run->in_row > 0) {
        return st_cli_fail(job->command, "%s: ends within a row, %lld elements into it; --cols or --dtype may be wrong",
                           job->input.name, (long long)run->in_row);
    }
    return ST_CLI_GO;
}

/* ---- another axis than the last ---------------------------------------------------------------------------------- */

/* Whole rows a few at a time, or one in pieces: what may match is held twice, and indices are 8 bytes. */
static int take_in_pieces(st_rank_job *job, const st_job_rows *rows, void *argument) {
    enum { PIECE = 1 << 16 };
    int64_t together = rows->cols < PIECE ? PIECE / rows->cols : 1;
    int status = ST_CLI_GO;
    for (int64_t row = 0; row < rows->rows && status == ST_CLI_GO; row += together) {
        st_job_rows part = *rows;
        part.rows = rows->rows - row < together ? rows->rows - row : together;
        for (int64_t from = 0; from < rows->cols && status == ST_CLI_GO; from += PIECE) {
            part.cols = rows->cols - from < PIECE ? rows->cols - from : PIECE;
            part.first_col = from;
            part.elements =
                (const char *)rows->elements + (row * rows->row_stride + from * rows->col_stride) * job->size;
            status = take(argument, &part, NULL, from + part.cols == rows->cols);
        }
    }
    return status;
}

static int take_slabs(st_rank_job *job, const void *elements, int64_t units, int64_t first, void *argument) {
    (void)first;
    int status = ST_CLI_GO;
    for (int64_t unit = 0; unit < units && status == ST_CLI_GO; unit++) {
        st_job_rows rows = {.rows = job->inner, .cols = job->cols, .row_stride = 1, .col_stride = job->inner};
        rows.elements = (const char *)elements + unit * job->cols * job->inner * job->size;
        status = take_in_pieces(job, &rows, argument);
    }
    return status;
}

/* A single column is more than may be held: one after the other, in pieces. */
static int run_long_columns(compaction *run) {
    st_rank_job *job = &run->job;
    int64_t room = ST_JOB_BUDGET / 16 / job->size;
    char *piece = st_job_allocate(job, 2 * room, job->size);
    int status = piece ? ST_CLI_GO : ST_CLI_FAILED;
    for (int64_t row = 0; row < job->outer * job->inner && status == ST_CLI_GO; row++) {
        st_job_tile tile = {.outer = row / job->inner, .column = row % job->inner, .columns = 1};
        for (; tile.slice < job->cols && status == ST_CLI_GO; tile.slice += tile.slices) {
            tile.slices = job->cols - tile.slice < room ? job->cols - tile.slice : room;
            status = st_job_read_tile(job, &tile, piece, piece + room * job->size, room);
            st_job_rows rows = {.elements = piece, .rows = 1, .cols = tile.slices, .col_stride = 1};
            rows.row_stride = tile.slices;
            rows.first_col = tile.slice;
            if (status == ST_CLI_GO) {
                status = take(run, &rows, NULL, tile.slice + tile.slices == job->cols);
            }
        }
    }
    free(piece);
    return status;
}

static int run_other_axis(compaction *run) {
    st_rank_job *job = &run->job;
    int64_t columns = ST_JOB_BUDGET / job->size / job->cols; /* that may be held */
    if (job->inner > columns && job->input.again) {
        return columns > 0 ? st_job_tiles(job, columns, take_in_pieces, run) : run_long_columns(run);
    }
    if (job->inner > columns) {
        st_job_note(job,
                    "must hold %lld rows side by side that come through a pipe: save them to a file to bound memory",
                    (long long)job->inner);
    }
    return st_job_units(job, job->cols * job->inner, take_slabs, run);
}

static int run_empty_rows(st_rank_job *job, int64_t rows) {
    int status = ST_CLI_GO;
    for (int64_t row = 0; row < rows && status == ST_CLI_GO; row++) {
        status = st_sink_end_row(&job->sink);
    }
    return status;
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

static int execute(compaction *run, const st_setup *setup) {
    st_rank_job *job = &run->job;
    int status = st_setup_context(setup, job->command, &job->context);
    if (status == ST_CLI_GO) {
        status = st_setup_device(job->command, job->context, job->device);
    }
    if (status == ST_CLI_GO) {
        status = st_input_open(&job->input, &setup->input);
    }
    if (status != ST_CLI_GO) {
        return status;
    }
    job->dtype = job->input.dtype;
    job->size = st_dtype_size(job->dtype);
    st_setup_axes axes = {.rows = 1, .cols = -1};
    if (!job->input.is_text) {
        status = st_setup_shape(setup, &job->input, &axes);
        job->outer = axes.outer;
        job->cols = axes.cols;
        job->inner = axes.inner;
    } else if (setup->axis_given && setup->axis != 0 && setup->axis != -1) {
        status = st_cli_usage(job->command, "--axis: %lld, but %s is text, which has one axis; leave it out",
                              (long long)setup->axis, job->input.name);
    }
    if (status == ST_CLI_GO) {
        status = parse_bound(run, "--lower", run->lower_text, 0, &run->lower);
    }
    if (status == ST_CLI_GO) {
        status = parse_bound(run, "--upper", run->upper_text, 1, &run->upper);
    }
    if (status != ST_CLI_GO) {
        return status;
    }
    st_sink_options sink = {
        .command = job->command, .prefix = setup->prefix, .json = setup->json, .dtype = job->dtype, .width = -1};
    sink.rows = axes.rows;
    sink.cols = axes.cols;
    sink.inner = 1; /* packed rows have no place beside each other */
    sink.progress = &job->input.progress;
    sink.labels = setup->input.show != NULL && !setup->prefix;
    sink.label_name = st_setup_label_name(setup);
    status = st_sink_open(&job->sink, &sink);
    if (status == ST_CLI_GO && !job->input.is_text && job->outer >= 0 && (axes.rows == 0 || job->cols == 0)) {
        status = run_empty_rows(job, axes.rows);
    } else if (status == ST_CLI_GO) {
        status = job->input.is_text || job->inner == 1 ? run_in_order(run) : run_other_axis(run);
    }
    return status == ST_CLI_GO ? st_sink_finish(&job->sink) : status;
}

int st_cli_compact(int argc, char **argv) {
    compaction run = {.job = {.command = "compact"}};
    st_setup setup;
    st_setup_start(&setup, run.job.command);
    const st_option bounds[] = {
        {"lower", 0, ST_OPTION_TEXT, "X", "keep elements of at least X; default: no bound", &run.lower_text, 0, 0, NULL,
         NULL},
        {"upper", 0, ST_OPTION_TEXT, "Y", "keep elements of at most Y; default: no bound", &run.upper_text, 0, 0, NULL,
         NULL},
        {"device", 0, ST_OPTION_TEXT, "ID", "where to run: auto (default), or an id from spiraltorch devices",
         &run.job.device, 0, 0, NULL, NULL},
    };
    enum { BOUNDS = sizeof bounds / sizeof bounds[0] };
    st_option options[ST_SETUP_OPTIONS + BOUNDS];
    memcpy(options, bounds, sizeof bounds);
    int32_t count = BOUNDS + st_setup_options(&setup, options + BOUNDS);
    st_command command = {
        .name = run.job.command,
        .usage = "--lower X --upper Y [options] INPUT",
        .about =
            "Keeps the elements between two bounds, both included, of every row, in their own order. NaN is never "
            "kept.\n"
            "With -o it also writes PREFIX.counts.npy, the number kept of each row; values and indices are packed,\n"
            "row after row. --json gives counts, indices and values.\n",
        .notes = st_setup_notes,
        .examples =
            "  seq 100 | spiraltorch compact --lower 10 --upper 12 -\n"
            "  spiraltorch compact --lower 0.5 scores.npy -o good     # good.values.npy, .indices.npy, .counts.npy\n"
            "  spiraltorch compact --upper -1e6 --column balance --show account list.csv\n",
        .options = options,
        .option_count = count,
        .operand = "INPUT",
        .operands_low = 1,
        .operands_high = 1,
    };
    int status = st_options_read(&command, argc, argv, &setup.input.path);
    if (status != ST_CLI_GO) {
        return status;
    }
    if (!run.lower_text && !run.upper_text) {
        return st_cli_usage(command.name,
                            "--lower: missing, and --upper too; give one or both, as in --lower 0 --upper 1");
    }
    status = st_setup_check(&setup);
    if (status != ST_CLI_GO) {
        return status;
    }
    run.job.quiet = setup.input.quiet;
    st_interrupt_watch();
    status = execute(&run, &setup);
    st_sink_close(&run.job.sink);
    st_input_close(&run.job.input);
    st_context_destroy(run.job.context);
    free(run.values);
    free(run.indices);
    free(run.labels);
    free(run.counts);
    return status;
}
