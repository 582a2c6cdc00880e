/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bench_command.c - the command `spiraltorch bench`: its options, its two forms, its progress. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_apart.h"
#include "bench_worker.h"

static const char about[] =
    "Times the library's own plan on made-up data, beside forced plans and other ways to do the same:\n"
    "every shape, k, kind, dtype, data shape and number of threads of the lists. All contenders of a\n"
    "case take turns, in a fresh random order in each repetition; each number is a median over the\n"
    "repetitions. Before the first sample the library's own output is checked against the data, and\n"
    "every other one against the library's: a wrong one is an error. A worker's peer that is wrong is\n"
    "left out, the others are measured, and the exit status is 1.\n";

static const char notes[] =
    "read_ns is the read limit: one pass that only reads the same bytes with as many threads (fewer where\n"
    "one would have less than 64 KiB), timed just before each sample. ratio is the median of ns / read_ns;\n"
    "1 is as fast as memory allows. noise tells what a difference is worth: the plan timed twice under\n"
    "two names, the larger median over the smaller, of ns or of ratios. Outputs are set up outside of the\n"
    "timing, unless a worker's peer makes its own; the plan of \"spiraltorch\" is looked up inside of it.\n"
    "A case that is over in less than 20 microseconds is repeated until a sample lasts that long, with\n"
    "its data in the cache and its branches known to the processor. On a terminal the output is a table;\n"
    "elsewhere its columns are tab-separated and have no header:\n"
    "  impl device kind dtype rows cols k threads data ns read_ns ratio noise version choice\n"
    "Below a table, or on standard error, it says how the worker's peers were called, and who was left\n"
    "out and why: instead of times there is then a dash. --json has that beside each result. Cases whose\n"
    "read limits differ by more than 1.5 times, or that were faster than reading, are listed as well.\n\n"
    "--worker: peers that are no C run in a process that is started once. Input and outputs lie in memory\n"
    "that both map. It times its own samples and the read limit before each; its answers are checked\n"
    "here, with equal elements in any order. A peer that is not installed is left out, unless --against\n"
    "names it. The worker is one of bench/ in the source tree; bench/README.md has the protocol.\n\n"
    "--regret: the time of the plan the engine picks over that of the best candidate, which is picked on\n"
    "one half of the repetitions and timed on the other half. bound is what that is at least, at 95 %\n"
    "confidence; noise is the plan over itself, timed under a second name in the same way. The engine\n"
    "picks with the installed table and the rules of the environment, with the table alone, or with\n"
    "neither. --points draws shapes and k at random, each size as likely as any other; else lists that\n"
    "are not given are a grid from 1x4096 to 1024x512 and k from 1 to 512. The columns, and last the\n"
    "geometric mean, 95th percentile and worst of both (and the largest bound):\n"
    "  kind dtype rows cols k threads data ratio bound noise chosen best\n\n"
    "Ctrl-C prints what was measured.\n";

static const char examples[] =
    "  spiraltorch bench --shapes 8x65536,1x1048576 -k 8,64\n"
    "  spiraltorch bench --shapes 1x1048576 -k 64 --kinds topk,midk --dtypes f32,bf16 --data normal,few --against qsort --json\n"
    "  spiraltorch bench --shapes 8x65536 -k 64 --threads 1 --against numpy,torch --worker 'python3 bench/peers/worker.py'\n"
    "  spiraltorch bench --regret --with fallback --threads 1\n"
    "  spiraltorch bench --regret --with table --points 200 --seed 7 --dtypes f32,f16,i64 --threads 1,2\n";

static const char *const sources[] = {"fallback", "table", "rules", NULL};

typedef struct settings {
    st_bench_lists lists;
    const char *against, *device, *worker;
    int64_t reps, give_up, patience, seed;
    int32_t regret, with, json;
    int32_t reps_given, with_given, give_up_given, patience_given, points_given, seed_given;
} settings;

static int read_settings(int argc, char **argv, settings *chosen) {
    const st_option options[] = {
        {.name = "shapes", .kind = ST_OPTION_TEXT, .value = "RxC,...", .target = &chosen->lists.shapes,
         .about = "rows x columns of the data, such as 8x65536,1x1048576"},
        {.name = "k", .letter = 'k', .kind = ST_OPTION_TEXT, .value = "K,...", .target = &chosen->lists.k,
         .about = "elements kept of each row"},
        {.name = "kinds", .kind = ST_OPTION_TEXT, .value = "KIND,...", .target = &chosen->lists.kinds,
         .about = "topk, midk, bottomk (topk; all with --regret)"},
        {.name = "dtypes", .kind = ST_OPTION_TEXT, .value = "DTYPE,...", .target = &chosen->lists.dtypes,
         .about = "f32, f64, f16, bf16, i8, u8, ... u64 (f32)"},
        {.name = "data", .kind = ST_OPTION_TEXT, .value = "SHAPE,...", .target = &chosen->lists.data,
         .about = "normal, asc, desc, equal, few (four values), neginf (nine tenths\nof each row masked), narrow (normal)"},
        {.name = "threads", .kind = ST_OPTION_TEXT, .value = "N,...", .target = &chosen->lists.threads,
         .about = "threads of one call (all this process may use)"},
        {.name = "reps", .kind = ST_OPTION_NUMBER, .value = "N", .target = &chosen->reps, .low = 1, .high = 1000000,
         .given = &chosen->reps_given, .about = "repetitions of each case (7; 10 with --regret)"},
        {.name = "against", .kind = ST_OPTION_TEXT, .value = "NAME,...", .target = &chosen->against,
         .about = "who else is timed: qsort (libc's), heap (a plain binary heap; topk\nand bottomk alone), spiraltorch:FAMILY "
                  "(a forced plan), spiraltorch:apart\n(independent one-thread contexts on shares of the case), a name of the "
                  "worker's;\nor all, or none (all)"},
        {.name = "worker", .kind = ST_OPTION_TEXT, .value = "COMMAND", .target = &chosen->worker,
         .about = "a process with more peers, such as 'python3 bench/peers/worker.py'\n($ST_BENCH_WORKER; none). '' is none"},
        {.name = "worker-timeout", .kind = ST_OPTION_NUMBER, .value = "SECONDS", .target = &chosen->patience, .low = 1,
         .high = 86400, .given = &chosen->patience_given, .about = "how long the worker may take for one answer (300)"},
        {.name = "give-up", .kind = ST_OPTION_NUMBER, .value = "SECONDS", .target = &chosen->give_up, .low = 1, .high = 86400,
         .given = &chosen->give_up_given, .about = "who takes longer for one call is left out of that case (3)"},
        {.name = "device", .kind = ST_OPTION_TEXT, .value = "ID", .target = &chosen->device,
         .about = "where plans run, such as cpu (auto)"},
        {.name = "regret", .kind = ST_OPTION_FLAG, .target = &chosen->regret,
         .about = "what the engine's choice costs against the best candidate"},
        {.name = "with", .kind = ST_OPTION_WORD, .value = "SOURCE", .target = &chosen->with, .words = sources,
         .given = &chosen->with_given, .about = "with --regret, what the engine chooses by: fallback, table (the\ninstalled one), rules (and the table)"},
        {.name = "points", .kind = ST_OPTION_NUMBER, .value = "N", .target = &chosen->lists.points, .low = 1, .high = 1000000,
         .given = &chosen->points_given, .about = "with --regret, so many random shapes and k instead of lists"},
        {.name = "seed", .kind = ST_OPTION_NUMBER, .value = "N", .target = &chosen->seed, .low = 0, .high = INT64_MAX,
         .given = &chosen->seed_given, .about = "which points are drawn (1)"},
        {.name = "json", .kind = ST_OPTION_FLAG, .target = &chosen->json, .about = "print one JSON value"},
    };
    const st_command command = {.name = "bench", .usage = "--shapes RxC,... -k K,... [options] | --regret [options]",
                                .about = about, .notes = notes, .examples = examples, .options = options,
                                .option_count = (int32_t)(sizeof options / sizeof options[0])};
    return st_options_read(&command, argc, argv, NULL);
}

/* Which options go together, and the defaults. */
static int settle(settings *chosen) {
    st_bench_lists *lists = &chosen->lists;
    if (chosen->with_given && !chosen->regret) {
        return st_cli_usage("bench", "--with: goes with --regret alone; add --regret, or leave it out");
    }
    if (chosen->points_given && !chosen->regret) {
        return st_cli_usage("bench", "--points: goes with --regret alone; add --regret, or leave it out");
    }
    if (chosen->points_given && (lists->shapes || lists->k)) {
        return st_cli_usage("bench", "--points: draws shapes and k; leave out --shapes and -k");
    }
    if (chosen->seed_given && !chosen->points_given) {
        return st_cli_usage("bench", "--seed: draws points; add --points, or leave it out");
    }
    lists->seed = (uint64_t)chosen->seed;
    if (chosen->regret) {
        if (chosen->give_up_given) {
            return st_cli_usage("bench", "--give-up: not with --regret, which leaves no candidate out; leave it out");
        }
        chosen->give_up = 0;
        if (chosen->worker && *chosen->worker) {
            return st_cli_usage("bench", "--worker: not with --regret, which compares the library's own plans; leave it out");
        }
        if (chosen->against) {
            return st_cli_usage("bench", "--against: not with --regret, which compares every candidate; leave it out");
        }
        if (chosen->reps_given && chosen->reps < 2) {
            return st_cli_usage("bench", "--reps: --regret needs at least 2: one half picks the best, the other times it");
        }
        chosen->reps = chosen->reps_given ? chosen->reps : 10;
        lists->skip_large_k = !lists->shapes || !lists->k;
        const char *grid = "1x4096,1x65536,1x1048576,16x1024,16x65536,256x4096,1024x512";
        lists->shapes = lists->shapes ? lists->shapes : chosen->points_given ? "1x1" : grid;
        lists->k = lists->k ? lists->k : chosen->points_given ? "1" : "1,8,64,512";
        lists->kinds = lists->kinds ? lists->kinds : "topk,midk,bottomk";
    } else {
        if (!lists->shapes) {
            return st_cli_usage("bench", "--shapes: missing; give rows x columns, such as --shapes 8x65536");
        }
        if (!lists->k) {
            return st_cli_usage("bench", "-k: missing; give how many elements of each row are kept, such as -k 8,64");
        }
        lists->kinds = lists->kinds ? lists->kinds : "topk";
    }
    if (!chosen->worker && !chosen->regret) {
        const char *set = getenv("ST_BENCH_WORKER");
        chosen->worker = set;
    }
    if (chosen->worker && !*chosen->worker) { /* "" is no worker, whatever the environment names */
        chosen->worker = NULL;
    }
    if (chosen->patience_given && !chosen->worker) {
        return st_cli_usage("bench", "--worker-timeout: there is no worker to wait for; add --worker, or leave it out");
    }
    lists->dtypes = lists->dtypes ? lists->dtypes : "f32";
    lists->data = lists->data ? lists->data : "normal";
    return 0;
}

/* What was measured is printed in any case, unless an error came before the first result. */
static int run_matrix(st_bench_lab *lab, const st_bench_matrix *matrix, const settings *chosen) {
    st_bench_against against;
    st_bench_rows rows = {NULL, 0, 0, 0};
    const char **names = NULL;
    char *text = NULL;
    int inspected = st_bench_read_against(chosen->against ? chosen->against : "all", &against, &names, &text);
    if (inspected == 0 && chosen->worker) {
        inspected = st_bench_worker_start(chosen->worker, chosen->patience, lab->progress, &lab->worker);
        inspected = inspected == 0 ? st_bench_remote_meet(lab->worker) : inspected;
    }
    if (inspected == 0) {
        inspected = st_bench_inspect(lab, matrix, &against);
    }
    if (inspected == 0 && lab->worker) {
        inspected = st_bench_remote_load(lab->worker, &against, matrix->cases[0].threads);
    }
    int status = inspected;
    if (inspected == 0) {
        status = st_bench_run_matrix(lab, matrix, &against, &rows);
    }
    if (inspected == 0 && (status != 1 || rows.count > 0)) {
        const int printed = chosen->json ? st_bench_json_rows(&rows) : st_bench_print_rows(&rows);
        status = status != 0 ? status : printed;
    }
    if (status == 0 && rows.wrong > 0) {
        status = st_cli_fail("bench", "wrong answers of the worker's peers: %lld; they are left out, and the results say where",
                             (long long)rows.wrong);
    }
    st_bench_worker_stop(lab->worker); /* it holds the versions that were printed */
    free(rows.list);
    free(names);
    free(text);
    return status;
}

static int run_regret(st_bench_lab *lab, const st_bench_matrix *matrix, const settings *chosen) {
    st_bench_regret regret;
    memset(&regret, 0, sizeof regret);
    const int inspected = st_bench_inspect(lab, matrix, NULL);
    int status = inspected;
    if (inspected == 0) {
        regret.list = calloc((size_t)matrix->count, sizeof *regret.list);
        status = regret.list ? st_bench_run_regret(lab, matrix, &regret)
                             : st_cli_fail("bench", "not enough memory for the results; shorten the lists");
    }
    if (inspected == 0 && (status != 1 || regret.count > 0)) {
        const char *with = sources[chosen->with];
        const int printed = chosen->json ? st_bench_json_regret(&regret, with) : st_bench_print_regret(&regret, with);
        status = status != 0 ? status : printed;
    }
    free(regret.list);
    return status;
}

/* Measuring with a table means that there is one. */
static int find_table(void) {
    st_table *table = NULL;
    if (st_table_read_installed(NULL, &table, NULL) != ST_OK) {
        return st_cli_fail("bench", "--with: %s", st_last_message());
    }
    const int found = table != NULL;
    st_table_close(table);
    return found ? 0 : st_cli_fail("bench", "--with: no table is installed; make one with spiraltorch tune --install");
}

/* Spans the matrix, then sets up the context and the crew that it needs. */
static int run(const settings *chosen) {
    st_bench_lists lists = chosen->lists;
    st_progress progress = {.active = 0};
    st_bench_lab lab = {.device = chosen->device, .random = 1, .reps = chosen->reps, .progress = &progress,
                        .give_up = (double)chosen->give_up};
    static const int32_t heuristics[] = {ST_HEURISTICS_NONE, ST_HEURISTICS_TABLE, ST_HEURISTICS_ALL};
    st_context_options options = {.struct_size = sizeof options};
    options.heuristics = chosen->regret ? heuristics[chosen->with] : ST_HEURISTICS_ALL;
    st_bench_case *cases = NULL;
    st_bench_matrix matrix = {NULL, 0};
    char all_threads[16];
    int status = chosen->with != 0 ? find_table() : 0;
    if (status == 0) {
        status = st_bench_most_threads("bench", lists.threads, &options.threads);
    }
    if (status == 0 && st_context_create(&options, &lab.context) != ST_OK) {
        status = st_cli_fail("bench", "%s", st_last_message());
    }
    if (status == 0) {
        const int32_t threads = st_context_threads(lab.context);
        snprintf(all_threads, sizeof all_threads, "%d", (int)threads);
        lists.threads = lists.threads ? lists.threads : all_threads;
        status = st_bench_span(&lists, &cases, &matrix.count);
    }
    if (status == 0) {
        matrix.cases = cases;
        lab.memory = st_bench_memory();
        lab.crew = st_bench_crew_start(st_context_threads(lab.context));
        status = lab.crew ? (chosen->regret ? run_regret(&lab, &matrix, chosen) : run_matrix(&lab, &matrix, chosen))
                          : st_cli_fail("bench", "--threads: %d threads cannot be started here; use fewer",
                                        (int)st_context_threads(lab.context));
    }
    st_bench_crew_stop(lab.crew);
    st_bench_apart_end(lab.apart);
    free(cases);
    st_context_destroy(lab.context);
    return status;
}

int st_cli_bench(int argc, char **argv) {
    settings chosen = {.reps = 7, .give_up = 3, .patience = 300, .seed = 1};
    int status = read_settings(argc, argv, &chosen);
    if (status != ST_CLI_GO) {
        return status;
    }
    status = settle(&chosen);
    return status != 0 ? status : run(&chosen);
}
