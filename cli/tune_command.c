/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* tune_command.c - the command `spiraltorch tune`: its options, its budget, what is kept on the way, and what it says at the end. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "lists.h"

static const char about[] =
    "Measures which plans are fastest on this machine, and writes a table that says so: for every kind,\n"
    "dtype and number of threads, bands of rows, columns and k. The grid begins coarse, so that a short\n"
    "budget covers everything as well, and grows finer where neighbours chose differently.\n";

static const char notes[] =
    "Each cell of the grid is a race. First every candidate's answer is compared with that of the plan the\n"
    "engine picks now, bit for bit; one that is wrong is reported, takes no part, and makes the exit status\n"
    "1. Then rounds in random order halve the field, and the two best run against the engine's plan in\n"
    "pairs, with that plan against itself beside them: a gain that this noise could explain is none, and\n"
    "the engine's plan stays. docs/tuning.md in the source tree has the method.\n\n"
    "Measure on a quiet machine. What was measured is kept every 20 seconds, and on Ctrl-C, in a file\n"
    "beside the table, its name with .state; --resume goes on from there, also after a whole run, to spend\n"
    "another budget on a finer grid. Each file is written whole or not at all. A table is only believed\n"
    "where device, instruction set and kernels are those it was measured with; spiraltorch table looks at\n"
    "tables, installs and removes them.\n";

static const char examples[] =
    "  spiraltorch tune --install\n"
    "  spiraltorch tune --budget 60 --kinds topk --dtypes f32 --threads 1\n"
    "  spiraltorch tune --shapes 1x1000000,64x4096 -k 10,100 --out mine.json\n"
    "  spiraltorch tune --resume --budget 1800\n";

/*
 * One cell must not eat the budget of a hundred. Its rounds are cut short after the time at which the coarse grid takes half of
 * the budget, where that lies between these; a short budget then covers less of the grid, and a long one gains nothing by more.
 */
static const double LEAST_CELL_SECONDS = 0.05, MOST_CELL_SECONDS = 2;

/* A cell's input and outputs: the grid stays with what a few caches hold; a shape from the command line may take more. */
enum { GRID_BYTES = 128 << 20, MOST_BYTES = 256 << 20, KEEP_SECONDS = 20, MOST_ENTRIES = 64, MOST_SERIES = 16 };

typedef struct settings {
    const char *shapes, *k, *kinds, *dtypes, *threads, *device, *out;
    int64_t budget, seed;
    int32_t resume, install, json;
} settings;

static int read_settings(int argc, char **argv, settings *chosen) {
    const st_option options[] = {
        {.name = "budget", .kind = ST_OPTION_NUMBER, .value = "SECONDS", .target = &chosen->budget, .low = 1, .high = 604800,
         .about = "how long to measure (600)"},
        {.name = "shapes", .kind = ST_OPTION_TEXT, .value = "RxC,...", .target = &chosen->shapes,
         .about = "these rows x columns alone, such as 8x65536,1x1048576 (a grid)"},
        {.name = "k", .letter = 'k', .kind = ST_OPTION_TEXT, .value = "K,...", .target = &chosen->k,
         .about = "these numbers of elements kept of each row alone (a grid)"},
        {.name = "kinds", .kind = ST_OPTION_TEXT, .value = "KIND,...", .target = &chosen->kinds,
         .about = "topk, midk, bottomk (all)"},
        {.name = "dtypes", .kind = ST_OPTION_TEXT, .value = "DTYPE,...", .target = &chosen->dtypes,
         .about = "f32, f64, f16, bf16, i8, u8, ... u64 (f32,f64,f16,u8: one of each width,\nwhich stands for the others)"},
        {.name = "threads", .kind = ST_OPTION_TEXT, .value = "N,...", .target = &chosen->threads,
         .about = "threads of one call (1 and all this process may use);\nthey do not matter on a GPU"},
        {.name = "device", .kind = ST_OPTION_TEXT, .value = "ID", .target = &chosen->device,
         .about = "where plans run, such as cpu (auto)"},
        {.name = "out", .kind = ST_OPTION_TEXT, .value = "FILE", .target = &chosen->out, .about = "the table (tuner.json)"},
        {.name = "install", .kind = ST_OPTION_FLAG, .target = &chosen->install,
         .about = "and have every program that uses the library here choose by the table"},
        {.name = "resume", .kind = ST_OPTION_FLAG, .target = &chosen->resume,
         .about = "go on from FILE.state, which needs the same lists, device and kernels"},
        {.name = "seed", .kind = ST_OPTION_NUMBER, .value = "N", .target = &chosen->seed, .low = 0, .high = INT64_MAX,
         .about = "of the order in which candidates take turns (1)"},
        {.name = "json", .kind = ST_OPTION_FLAG, .target = &chosen->json, .about = "print one JSON object at the end"},
    };
    const st_command command = {.name = "tune", .usage = "[options]", .about = about, .notes = notes, .examples = examples,
                                .options = options, .option_count = (int32_t)(sizeof options / sizeof options[0])};
    return st_options_read(&command, argc, argv, NULL);
}

/* ---- the survey that the lists ask for ------------------------------------------------------------------------------ */

typedef struct plan_lists {
    st_survey_options options;
    int32_t kinds[MOST_SERIES], threads[MOST_SERIES];
    st_dtype dtypes[MOST_SERIES];
    int64_t shapes[2 * MOST_ENTRIES], k[MOST_ENTRIES];
} plan_lists;

static int read_narrow(const char *option, int what, const char *text, int32_t *numbers, int32_t *count) {
    st_list list;
    int status = st_list_read("tune", option, what, text, &list);
    if (status == ST_CLI_GO && list.count > MOST_SERIES) {
        status = st_cli_usage("tune", "%s: %lld entries are too many; give up to %d", option, (long long)list.count, (int)MOST_SERIES);
    }
    for (int64_t i = 0; status == ST_CLI_GO && i < list.count; i++) {
        numbers[(*count)++] = (int32_t)list.entries[i].first;
    }
    free(list.entries);
    return status;
}

static int read_wide(const char *option, int what, const char *text, int64_t *numbers, int32_t *count) {
    st_list list;
    int status = st_list_read("tune", option, what, text, &list);
    if (status == ST_CLI_GO && list.count > MOST_ENTRIES) {
        status = st_cli_usage("tune", "%s: %lld entries are too many; give up to %d", option, (long long)list.count, (int)MOST_ENTRIES);
    }
    for (int64_t i = 0; status == ST_CLI_GO && i < list.count; i++) {
        if (what == ST_LIST_SHAPES) {
            numbers[2 * i] = list.entries[i].first;
            numbers[2 * i + 1] = list.entries[i].second;
        } else {
            numbers[i] = list.entries[i].first;
        }
        *count = (int32_t)i + 1;
    }
    free(list.entries);
    return status;
}

/* Bytes of a cell's input and two sets of outputs; 0 where their number overflows. */
static int64_t cell_bytes(const st_survey_cell *cell) {
    const int64_t size = st_dtype_size(cell->dtype);
    int64_t input, outputs;
    if (__builtin_mul_overflow(cell->rows, cell->cols, &input) || __builtin_mul_overflow(input, size, &input) ||
        __builtin_mul_overflow(cell->rows, cell->k, &outputs) || __builtin_mul_overflow(outputs, 2 * (size + 8), &outputs) ||
        __builtin_add_overflow(input, outputs, &input)) {
        return 0;
    }
    return input;
}

/* Shapes from the command line are refused where they do not fit; the grid leaves such cells out by itself. */
static int check_shapes(const plan_lists *lists) {
    for (int32_t i = 0; i < lists->options.shape_count; i++) {
        for (int32_t d = 0; d < lists->options.dtype_count; d++) {
            st_survey_cell cell = {ST_TOPK, lists->dtypes[d], 1, lists->shapes[2 * i], lists->shapes[2 * i + 1], 1};
            for (int32_t j = 0; j < lists->options.k_count; j++) {
                cell.k = lists->k[j] > cell.k && lists->k[j] <= cell.cols ? lists->k[j] : cell.k;
            }
            const int64_t bytes = cell_bytes(&cell);
            if (bytes == 0 || bytes > MOST_BYTES) {
                return st_cli_usage("tune", "--shapes: %lldx%lld of %s takes more than %d MiB with its outputs; a smaller shape of "
                                    "the same columns tells as much", (long long)cell.rows, (long long)cell.cols,
                                    st_dtype_name(cell.dtype), (int)(MOST_BYTES >> 20));
            }
        }
    }
    return ST_CLI_GO;
}

/* threads NULL: they do not matter. */
static int read_lists(const settings *chosen, const char *threads, plan_lists *lists) {
    st_survey_options *options = &lists->options;
    *options = (st_survey_options){.struct_size = sizeof *options, .most_bytes = GRID_BYTES, .kinds = lists->kinds,
                                   .dtypes = lists->dtypes, .threads = lists->threads, .shapes = lists->shapes, .k = lists->k};
    int status = read_narrow("--kinds", ST_LIST_KINDS, chosen->kinds ? chosen->kinds : "topk,midk,bottomk", lists->kinds,
                             &options->kind_count);
    if (status == ST_CLI_GO) {
        status = read_narrow("--dtypes", ST_LIST_DTYPES, chosen->dtypes ? chosen->dtypes : "f32,f64,f16,u8", lists->dtypes,
                             &options->dtype_count);
    }
    if (status == ST_CLI_GO && threads) {
        status = read_narrow("--threads", ST_LIST_THREADS, threads, lists->threads, &options->thread_count);
    } else if (status == ST_CLI_GO) {
        options->thread_count = 1; /* one series, for any number of them */
    }
    if (status == ST_CLI_GO && chosen->k) {
        status = read_wide("-k", ST_LIST_K, chosen->k, lists->k, &options->k_count);
    }
    if (status == ST_CLI_GO && chosen->shapes) {
        status = read_wide("--shapes", ST_LIST_SHAPES, chosen->shapes, lists->shapes, &options->shape_count);
    }
    return status == ST_CLI_GO ? check_shapes(lists) : status;
}

/* ---- the run -------------------------------------------------------------------------------------------------------- */

typedef struct survey_run {
    const settings *chosen;
    st_context *context;
    st_tuner *tuner;
    st_progress *progress;
    st_survey *survey;
    st_survey_cell cell; /* that is measured now */
    st_survey_device device;
    char signature[2048], *state; /* the file beside the table */
    double start, kept;
    int finished; /* nothing is left to measure */
    int installed;
} survey_run;

static double seconds(const survey_run *run) { return (st_bench_now() - run->start) * 1e-9; }

/* What findings belong to: where they were made, and the lists of the survey. */
static void sign(survey_run *run, const char *threads) {
    const settings *chosen = run->chosen;
    snprintf(run->signature, sizeof run->signature, "%s|%s|%s|%s|%s|kinds %.200s|dtypes %.200s|threads %.200s|shapes %.400s|k %.400s",
             st_version(), run->device.backend, run->device.device, run->device.isa, run->device.kernel_hash,
             chosen->kinds ? chosen->kinds : "all", chosen->dtypes ? chosen->dtypes : "default", threads ? threads : "any",
             chosen->shapes ? chosen->shapes : "grid", chosen->k ? chosen->k : "grid");
}

static int keep(survey_run *run) {
    run->kept = seconds(run);
    return st_survey_save(run->survey, run->state, run->signature) == ST_OK ? 0 : st_cli_fail("tune", "%s", st_last_message());
}

static void show_progress(survey_run *run) {
    st_progress *progress = run->progress;
    double part = seconds(run) / (double)run->chosen->budget;
    if (run->chosen->shapes && run->chosen->k) {
        int64_t recorded, coarse;
        st_survey_counts(run->survey, &recorded, &coarse);
        part = coarse > 0 ? fmax(part, (double)recorded / (double)coarse) : part;
    }
    const int64_t done = (int64_t)(fmin(part, 1) * (double)progress->total);
    st_progress_add(progress, done > progress->done ? done - progress->done : 0);
}

static int fail_cell(const survey_run *run, const char *message) {
    const st_survey_cell *cell = &run->cell;
    const st_bench_case point = {cell->kind, cell->dtype, 0, cell->threads, cell->rows, cell->cols, cell->k};
    char name[160];
    st_bench_case_name(&point, name, sizeof name);
    st_progress_hide(run->progress);
    return st_cli_fail("tune", "%s: %s", name, message);
}

static void tell_wrong(void *user, const char *message) { (void)fail_cell(user, message); }

static int32_t is_interrupted(void *user) {
    (void)user;
    return st_cli_interrupted() != 0;
}

static int open_tuner(survey_run *run, double limit_ns) {
    const st_tuner_options options = {sizeof options, !run->chosen->shapes, run->chosen->device, (uint64_t)run->chosen->seed, limit_ns, run,
                                      is_interrupted, tell_wrong};
    return st_tuner_create(run->context, &options, &run->tuner) == ST_OK ? 0 : st_cli_fail("tune", "%s", st_last_message());
}

static int measure_cell(survey_run *run, st_survey_finding *finding) {
    int32_t stopped = 0;
    if (st_tuner_measure(run->tuner, &run->cell, finding, &stopped) != ST_OK) {
        return fail_cell(run, st_last_message());
    }
    return stopped ? ST_CLI_INTERRUPTED : 0;
}

static int measure_all(survey_run *run) {
    int status = 0;
    st_progress_start(run->progress, 0, "tuning", NULL, 1000 * run->chosen->budget);
    while (status == 0 && seconds(run) < (double)run->chosen->budget) {
        st_survey_finding finding;
        int32_t more = 0;
        if (st_survey_next(run->survey, &run->cell, &more) != ST_OK) {
            status = st_cli_fail("tune", "%s", st_last_message());
        }
        if (status == 0 && !more) {
            run->finished = 1;
            break;
        }
        status = status == 0 ? measure_cell(run, &finding) : status;
        if (status == 0 && st_survey_record(run->survey, &finding) != ST_OK) {
            status = st_cli_fail("tune", "%s", st_last_message());
        }
        if (status == 0 && seconds(run) - run->kept > KEEP_SECONDS) {
            status = keep(run);
        }
        show_progress(run);
    }
    st_progress_hide(run->progress);
    return status;
}

/* What came of it. */
typedef struct summary {
    int64_t cells, coarse, changed, entries;
    double gain; /* mean over all cells, those that keep the engine's plan with 0 */
    double seconds;
} summary;

static void summarise(const survey_run *run, summary *found) {
    st_survey_finding finding;
    double sum = 0;
    st_survey_counts(run->survey, &found->cells, &found->coarse);
    for (int64_t i = 0; i < found->cells; i++) {
        if (st_survey_at(run->survey, i, &finding) == ST_OK) {
            found->changed += finding.gain > 0;
            sum += finding.gain;
        }
    }
    found->gain = found->cells > 0 ? sum / (double)found->cells : 0;
    found->seconds = seconds(run);
}

static int32_t to_output(void *user, const char *text, uint64_t bytes) {
    (void)user;
    return fwrite(text, 1, bytes, stdout) != bytes;
}

static int print_json(const survey_run *run, const summary *found) {
    st_json_writer writer;
    const struct {
        const char *key;
        int64_t value;
    } numbers[] = {{"cells", found->cells}, {"changed", found->changed}, {"entries", found->entries}, {"wrong", st_tuner_wrong(run->tuner)}};
    st_json_start(&writer, to_output, NULL);
    st_json_begin_object(&writer);
    st_json_member_string(&writer, "out", run->chosen->out);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        st_json_member_integer(&writer, numbers[i].key, numbers[i].value);
    }
    st_json_member_number(&writer, "gain", exp(found->gain));
    st_json_member_number(&writer, "seconds", found->seconds);
    st_json_member_boolean(&writer, "finished", run->finished);
    st_json_member_boolean(&writer, "installed", run->installed);
    st_json_end_object(&writer);
    if (st_json_finish(&writer) == ST_OK) {
        fputc('\n', stdout);
    }
    return 0;
}

static int report(const survey_run *run, const summary *found) {
    if (run->chosen->json) {
        return print_json(run, found);
    }
    printf("%s: %lld entries from %lld cells, measured in %.0f s\n", run->chosen->out, (long long)found->entries,
           (long long)found->cells, found->seconds);
    printf("another plan than the engine's was faster in %lld cells; over all cells that is a factor of %.3f\n",
           (long long)found->changed, exp(found->gain));
    if (run->installed) {
        printf("installed: contexts that are made from now on choose by it\n");
    }
    if (found->cells < found->coarse) {
        printf("the budget ended before the coarse grid of %lld cells was through; --resume goes on\n", (long long)found->coarse);
    } else if (!run->finished) {
        printf("a finer grid is possible; --resume goes on\n");
    }
    return 0;
}

/* Has contexts that are made from now on read the table. */
static int install(survey_run *run) {
    st_table *table = NULL;
    st_status status = st_table_read_file(NULL, run->chosen->out, &table, NULL);
    if (status == ST_OK) {
        status = st_table_install(table, 0);
    }
    st_table_close(table);
    run->installed = status == ST_OK;
    return status == ST_OK ? 0 : st_cli_fail("tune", "--install: %s", st_last_message());
}

/* The table, the file to go on from, and the last word. */
static int conclude(survey_run *run, int status) {
    summary found = {0, 0, 0, 0, 0, 0};
    summarise(run, &found);
    if (found.cells == 0) {
        return status != 0 ? status : st_cli_fail("tune", "nothing could be measured; no table was written");
    }
    const int kept = keep(run);
    if (status != 0 || kept != 0) {
        if (status == ST_CLI_INTERRUPTED && kept == 0) {
            fprintf(stderr, "spiraltorch tune: %lld cells are kept in %s; go on with --resume\n", (long long)found.cells, run->state);
        }
        return status != 0 ? status : kept;
    }
    const st_survey_model model = {sizeof model, run->tuner, st_tuner_predict};
    if (st_survey_table(run->survey, &run->device, &model, run->chosen->out, &found.entries) != ST_OK) {
        return st_cli_fail("tune", "%s", st_last_message());
    }
    if (run->finished) {
        (void)unlink(run->state); /* there is nothing to go on with */
    }
    if (run->chosen->install && st_tuner_wrong(run->tuner) == 0) {
        status = install(run);
    }
    const int reported = report(run, &found);
    status = status != 0 ? status : reported;
    if (status == 0 && st_tuner_wrong(run->tuner) > 0) {
        status = st_cli_fail("tune", "wrong answers of candidates: %lld; they are named above; none is in the table, which is not installed",
                             (long long)st_tuner_wrong(run->tuner));
    }
    return status;
}

static int open_survey(survey_run *run, const plan_lists *lists) {
    const size_t bytes = strlen(run->chosen->out) + sizeof ".state";
    run->state = malloc(bytes);
    if (!run->state) {
        return st_cli_fail("tune", "not enough memory");
    }
    snprintf(run->state, bytes, "%s.state", run->chosen->out);
    if (st_survey_create(NULL, &lists->options, &run->survey) != ST_OK) {
        return st_cli_usage("tune", "%s", st_last_message());
    }
    if (!run->chosen->resume) {
        return 0;
    }
    if (access(run->state, F_OK) != 0 && errno == ENOENT) {
        return st_cli_fail("tune", "--resume: there is no %s to go on from; leave --resume out", run->state);
    }
    return st_survey_load(run->survey, run->state, run->signature) == ST_OK ? 0 : st_cli_fail("tune", "--resume: %s", st_last_message());
}

/* Before minutes are spent on a table that this build could not read. */
static int check_install(const settings *chosen) {
    st_table *table = NULL;
    if (!chosen->install) {
        return 0;
    }
    const st_status status = st_table_read_text(NULL, "[]", 2, "a table", &table, NULL);
    st_table_close(table);
    return status == ST_E_UNSUPPORTED ? st_cli_fail("tune", "--install: %s", st_last_message()) : 0;
}

static int tune(const settings *chosen) {
    plan_lists lists = {.kinds = {0}};
    st_progress progress = {.active = 0};
    survey_run run = {.chosen = chosen, .progress = &progress, .start = st_bench_now(), .device = {.struct_size = sizeof run.device}};
    st_context_options options = {.struct_size = sizeof options};
    char all_threads[24];
    int status = check_install(chosen);
    status = status == 0 ? st_bench_most_threads("tune", chosen->threads, &options.threads) : status;
    if (status == 0 && st_context_create(&options, &run.context) != ST_OK) {
        status = st_cli_fail("tune", "%s", st_last_message());
    }
    if (status == 0 && st_survey_device_of(run.context, chosen->device, &run.device) != ST_OK) {
        status = st_cli_fail("tune", "--device: %s", st_last_message());
    }
    const int is_cpu = strcmp(run.device.backend, "cpu") == 0;
    if (status == 0 && chosen->threads && !is_cpu) {
        status = st_cli_usage("tune", "--threads: those of a call do not matter on %s; leave it out", run.device.backend);
    }
    if (status == 0) {
        const int threads = (int)st_context_threads(run.context);
        snprintf(all_threads, sizeof all_threads, threads > 1 ? "1,%d" : "%d", threads);
        const char *threads_list = chosen->threads ? chosen->threads : is_cpu ? all_threads : NULL;
        sign(&run, threads_list);
        status = read_lists(chosen, threads_list, &lists);
        status = status == ST_CLI_GO ? open_survey(&run, &lists) : status;
    }
    if (status == 0) {
        int64_t recorded, coarse;
        st_survey_counts(run.survey, &recorded, &coarse);
        const double share = 0.5 * (double)chosen->budget / (double)(coarse > 0 ? coarse : 1);
        status = open_tuner(&run, 1e9 * fmin(fmax(share, LEAST_CELL_SECONDS), MOST_CELL_SECONDS));
        status = status == 0 ? conclude(&run, measure_all(&run)) : status;
    }
    st_tuner_destroy(run.tuner);
    st_survey_destroy(run.survey);
    st_context_destroy(run.context);
    free(run.state);
    return status;
}

int st_cli_tune(int argc, char **argv) {
    settings chosen = {.budget = 600, .seed = 1, .out = "tuner.json"};
    const int status = read_settings(argc, argv, &chosen);
    return status == ST_CLI_GO ? tune(&chosen) : status;
}
