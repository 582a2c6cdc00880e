/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* rank_command.c - topk, midk, bottomk and window: their options, and the way that suits the input. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "interrupt.h"
#include "options.h"
#include "rank_job.h"
#include "rank_setup.h"

static const char *const nan_words[] = {"greatest", "least", "last", "error", NULL};

/* ---- what each command says about itself ------------------------------------------------------------------------- */

typedef struct page {
    const char *name;
    int32_t kind;
    const char *usage, *about, *examples;
} page;

static const page pages[] = {
    {"topk", ST_TOPK, "-k K [options] INPUT",
     "Finds the K largest elements of every row, largest first; equal ones come lowest index first.\n",
     "  seq 1000 | spiraltorch topk -k 3 -\n"
     "  du -a /usr/share | spiraltorch topk -k 10 --column 1 --show 2 -\n"
     "  spiraltorch topk -k 5 --column price --show name list.csv\n"
     "  spiraltorch topk -k 10 --axis 0 scores.npy -o best       # best.values.npy, best.indices.npy\n"
     "  spiraltorch topk -k 100 --dtype f32 --cols 1000000 samples.bin --json\n"},
    {"midk", ST_MIDK, "-k K [options] INPUT",
     "Finds the K elements in the middle of every row's order, ascending: ranks (n-K)/2 to (n-K)/2 + K. With\n"
     "-k 1 that is the lower median. From a pipe of text all numbers must be held; a file is read several times.\n",
     "  spiraltorch midk -k 1 latencies.txt                       # the median\n"
     "  spiraltorch midk -k 1 --axis 0 samples.npy -o median\n"
     "  spiraltorch midk -k 5 --column 2 --show 1 list.csv\n"},
    {"bottomk", ST_BOTTOMK, "-k K [options] INPUT",
     "Finds the K smallest elements of every row, smallest first; equal ones come lowest index first.\n",
     "  spiraltorch bottomk -k 10 distances.npy -o nearest\n"
     "  printf '3\\n1\\n2\\n' | spiraltorch bottomk -k 1 -\n"
     "  spiraltorch bottomk -k 3 --column price --show name list.csv\n"},
    {"window", ST_WINDOW, "--lo LO --hi HI [options] INPUT",
     "Finds the elements of ranks LO to HI - 1 of every row, counted from 0 at the smallest, or with --descending\n"
     "at the largest; equal ones come lowest index first either way.\n",
     "  spiraltorch window --lo 10 --hi 20 numbers.txt            # the 11th to the 20th smallest\n"
     "  spiraltorch window --lo 0 --hi 5 --descending scores.npy  # as topk -k 5\n"
     "  spiraltorch window --lo 99 --hi 100 latencies.txt --json\n"},
};

/* ---- shape ------------------------------------------------------------------------------------------------------- */

static int find_axis(st_rank_job *job, const st_setup *setup) {
    st_setup_axes axes;
    int status = st_setup_shape(setup, &job->input, &axes);
    if (status != ST_CLI_GO) {
        return status;
    }
    const char *option = job->kind == ST_WINDOW ? "--hi" : "-k";
    int64_t asked = job->kind == ST_WINDOW ? job->hi : job->k;
    if (asked > axes.cols) {
        return st_cli_usage(
            job->command, "%s: %lld is more than the %lld elements along axis %d of %s; give at most %lld", option,
            (long long)asked, (long long)axes.cols, (int)axes.along, job->input.name, (long long)axes.cols);
    }
    job->outer = axes.outer;
    job->cols = axes.cols;
    job->inner = axes.inner;
    st_sink_options *sink = &job->sink.options;
    sink->dims = job->input.info.dims;
    memcpy(sink->shape, job->input.info.shape, sizeof sink->shape);
    sink->shape[axes.along] = job->width;
    sink->rows = axes.rows;
    sink->cols = axes.cols;
    sink->inner = axes.inner;
    return ST_CLI_GO;
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

/* Nothing is asked of each row, or there are no rows: nothing is read but what tells how many rows there are. */
static int count_rows(st_rank_job *job, const void *elements, int64_t units, int64_t first, void *argument) {
    (void)elements;
    (void)first;
    (void)argument;
    return st_sink_rows(&job->sink, units, NULL, NULL, NULL);
}

static int run(st_rank_job *job) {
    if (job->input.is_text) {
        return job->width == 0 ? st_sink_rows(&job->sink, 1, NULL, NULL, NULL) : st_job_text(job);
    }
    if (job->outer >= 0 && (job->width == 0 || job->outer == 0 || job->inner == 0)) {
        return st_sink_rows(&job->sink, job->outer * job->inner, NULL, NULL, NULL);
    }
    if (job->width == 0) {
        return st_job_units(job, job->cols, count_rows, NULL);
    }
    return job->inner == 1 ? st_job_last_axis(job) : st_job_other_axis(job);
}

static int execute(st_rank_job *job, const st_setup *setup) {
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
    st_sink_options sink = {.command = job->command, .prefix = setup->prefix, .json = setup->json, .dtype = job->dtype};
    sink.width = job->width;
    sink.rows = 1;
    sink.cols = -1;
    sink.inner = 1;
    sink.dims = 1;
    sink.shape[0] = job->width < ST_JOB_MOST_NUMBERS ? job->width : ST_JOB_MOST_NUMBERS;
    sink.progress = &job->input.progress;
    sink.labels = setup->input.show != NULL && !setup->prefix;
    sink.label_name = st_setup_label_name(setup);
    job->sink.options = sink;
    if (!job->input.is_text) {
        status = find_axis(job, setup);
    } else if (setup->axis_given && setup->axis != 0 && setup->axis != -1) {
        status = st_cli_usage(job->command, "--axis: %lld, but %s is text, which has one axis; leave it out",
                              (long long)setup->axis, job->input.name);
    }
    if (status == ST_CLI_GO) {
        sink = job->sink.options;
        status = st_sink_open(&job->sink, &sink);
    }
    if (status == ST_CLI_GO) {
        status = run(job);
    }
    return status == ST_CLI_GO ? st_sink_finish(&job->sink) : status;
}

static const page *find_page(const char *name) {
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        if (strcmp(pages[i].name, name) == 0) {
            return &pages[i];
        }
    }
    return &pages[0];
}

static int check_window(const st_rank_job *job, int has_lo, int has_hi) {
    if (!has_lo || !has_hi) {
        return st_cli_usage(job->command,
                            "--%s: missing; ranks are counted from 0, so the first ten are --lo 0 --hi 10",
                            has_lo ? "hi" : "lo");
    }
    if (job->lo > job->hi) {
        return st_cli_usage(job->command,
                            "--lo: %lld is above --hi %lld; the window holds ranks from --lo up to, and without, --hi",
                            (long long)job->lo, (long long)job->hi);
    }
    return ST_CLI_GO;
}

int st_cli_rank(int argc, char **argv) {
    const page *about = find_page(argv[0]);
    int is_window = about->kind == ST_WINDOW;
    st_rank_job job = {.command = about->name, .kind = about->kind};
    st_setup setup;
    st_setup_start(&setup, about->name);
    int32_t unsorted = 0, has_k = 0, has_lo = 0, has_hi = 0;
    const st_option rank_options[] = {
        {"k", 'k', ST_OPTION_NUMBER, "K", "elements to keep of every row", &job.k, 0, INT64_MAX, NULL, &has_k},
        {"unsorted", 0, ST_OPTION_FLAG, NULL, "give them in ascending index order, not by rank", &unsorted, 0, 0, NULL,
         NULL},
        {"nan", 0, ST_OPTION_WORD, "RULE",
         "where NaN ranks: greatest (default), least, last (after all\nnumbers), or error", &job.nan_rule, 0, 0,
         nan_words, NULL},
        {"device", 0, ST_OPTION_TEXT, "ID", "where to run: auto (default), or an id from spiraltorch devices",
         &job.device, 0, 0, NULL, NULL},
    };
    const st_option window_options[] = {
        {"lo", 0, ST_OPTION_NUMBER, "LO", "first rank, from 0", &job.lo, 0, INT64_MAX, NULL, &has_lo},
        {"hi", 0, ST_OPTION_NUMBER, "HI", "the rank after the last", &job.hi, 0, INT64_MAX, NULL, &has_hi},
        {"descending", 0, ST_OPTION_FLAG, NULL, "count ranks from the largest element down", &job.descending, 0, 0,
         NULL, NULL},
    };
    st_option options[ST_SETUP_OPTIONS + 8];
    int32_t count = 0;
    for (size_t i = 0; is_window && i < sizeof window_options / sizeof window_options[0]; i++) {
        options[count++] = window_options[i];
    }
    for (size_t i = (size_t)is_window; i < sizeof rank_options / sizeof rank_options[0]; i++) {
        options[count++] = rank_options[i];
    }
    count += st_setup_options(&setup, options + count);
    st_command command = {.name = about->name,
                          .usage = about->usage,
                          .about = about->about,
                          .notes = st_setup_notes,
                          .examples = about->examples,
                          .options = options,
                          .option_count = count,
                          .operand = "INPUT",
                          .operands_low = 1,
                          .operands_high = 1};
    int status = st_options_read(&command, argc, argv, &setup.input.path);
    if (status != ST_CLI_GO) {
        return status;
    }
    if (!is_window && !has_k) {
        return st_cli_usage(job.command, "-k: missing; say how many elements to keep of every row, as in -k 10");
    }
    status = is_window ? check_window(&job, has_lo, has_hi) : ST_CLI_GO;
    if (status == ST_CLI_GO) {
        status = st_setup_check(&setup);
    }
    if (status != ST_CLI_GO) {
        return status;
    }
    job.order = unsorted ? ST_UNSORTED : ST_SORTED;
    job.quiet = setup.input.quiet;
    job.width = is_window ? job.hi - job.lo : job.k;
    st_interrupt_watch();
    status = execute(&job, &setup);
    st_sink_close(&job.sink);
    st_input_close(&job.input);
    st_context_destroy(job.context);
    return status;
}
