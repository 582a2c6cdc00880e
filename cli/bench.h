/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bench.h - the parts of `spiraltorch bench`: data, a crew of threads, peers, one measured case, regret. */
#ifndef ST_CLI_BENCH_H
#define ST_CLI_BENCH_H

#include <stddef.h>
#include <stdint.h>

#include "commands.h"
#include "options.h"
#include "progress.h"
#include "spiraltorch/spiraltorch.h"

/* ---- data shapes (bench_data.c) ---------------------------------------------------------------------------------- */

enum { ST_BENCH_SHAPES = 7 };

/* "normal", "asc", "desc", "equal", "few", "neginf", "narrow"; NULL for any other number. */
const char *st_bench_data_name(int32_t data);

/* Fills rows x cols contiguous elements; the same arguments always give the same bits. */
void st_bench_fill(int32_t data, st_dtype dtype, int64_t rows, int64_t cols, void *elements);

/* splitmix64: the next number of a sequence. */
uint64_t st_bench_random(uint64_t *state);

/* ---- one point of the matrix ------------------------------------------------------------------------------------- */

typedef struct st_bench_case {
    int32_t kind;
    st_dtype dtype;
    int32_t data;
    int32_t threads;
    int64_t rows, cols, k;
} st_bench_case;

/* "topk", "midk", "bottomk". */
const char *st_bench_kind_name(int32_t kind);

/* "topk f32 8x65536 k 64, threads 2, data normal". */
void st_bench_case_name(const st_bench_case *point, char *text, size_t capacity);

/* What one run reads and writes: rows x cols elements in, rows x k elements and indices out. */
typedef struct st_bench_arrays {
    const void *input;
    void *values;
    int64_t *indices;
} st_bench_arrays;

/* ---- a crew of threads (bench_crew.c) ---------------------------------------------------------------------------- */

typedef struct st_bench_crew st_bench_crew;
typedef void st_bench_job(void *argument, int32_t worker, int32_t workers);

/* Starts a crew of `threads`, the caller among them; NULL where the threads or the memory cannot be had. */
st_bench_crew *st_bench_crew_start(int32_t threads);
void st_bench_crew_stop(st_bench_crew *crew);

/* Runs job on `workers` threads at once; returns the nanoseconds from the moment all are awake until the last is done. */
double st_bench_crew_run(st_bench_crew *crew, int32_t workers, st_bench_job *job, void *argument);

/* Nanoseconds of a clock that never steps back. */
double st_bench_now(void);

/* Nanoseconds of one pass that only reads `bytes` at `memory` with up to `threads` threads; the mean of `repeats` passes. */
double st_bench_read(st_bench_crew *crew, int32_t threads, const void *memory, size_t bytes, int64_t repeats);

/* ---- peers (bench_peers.c) --------------------------------------------------------------------------------------- */

typedef struct st_bench_peer {
    const char *name;
    const char *about;
    const char *(*version)(void);
    int (*takes)(int32_t kind);
    /* Scratch bytes for one worker; 0 where their number overflows. */
    size_t (*scratch)(const st_bench_case *point);
    /* Selects rows [first, last). */
    void (*rows)(const st_bench_case *point, const st_bench_arrays *arrays, int64_t first, int64_t last, void *scratch);
} st_bench_peer;

/* The peer at a position from 0; NULL beyond the end. */
const st_bench_peer *st_bench_peer_at(int32_t position);

/* Keys that order as the elements do (or reversed), in the low bits of a word; -0 has the key of +0. */
void st_bench_keys(st_dtype dtype, int descending, const unsigned char *elements, int64_t count, uint64_t *keys);

/* Threads that share the rows of a case: a row is never split. */
int32_t st_bench_peer_workers(const st_bench_case *point);

/* ---- one measured case (bench_measure.c) ------------------------------------------------------------------------- */

struct st_bench_apart;  /* bench_apart.h */
struct st_bench_input;  /* below */
struct st_bench_remote; /* bench_worker.h */
struct st_bench_shared;
struct st_bench_worker;

/* One that takes part: a plan, a peer of this process or of the worker's, or as many contexts as there are threads. */
typedef struct st_bench_contender {
    char name[96];
    const st_bench_peer *peer; /* NULL: plan is run, where the two below do not say otherwise */
    const struct st_bench_remote *remote;
    int32_t apart;
    st_plan plan;
    int32_t plans; /* 1: the plan is asked for again in every timed call, as a program without a plan at hand does */
} st_bench_contender;

typedef struct st_bench_lab {
    st_context *context;
    const char *device;
    st_bench_crew *crew;
    uint64_t random; /* state of the order of contenders */
    int64_t reps;
    uint64_t memory; /* bytes that a case may take; 0: not known */
    double give_up;  /* seconds of one call from which a contender is left out of a case */
    struct st_bench_worker *worker; /* NULL: there is none */
    struct st_bench_apart *apart;   /* NULL until a case needs it */
    st_progress *progress; /* counts repetitions of cases */
} st_bench_lab;

/* Times of every contender in every repetition, at [contender * reps + repetition], in nanoseconds. */
typedef struct st_bench_samples {
    double *ns;
    double *read_ns; /* the read limit, timed just before that sample, in the same process */
} st_bench_samples;

/* What the first run of a contender told. */
typedef struct st_bench_finding {
    int32_t left_out, wrong;
    int32_t threads; /* that it uses */
    char note[256];  /* why it was left out */
    char how[96];
    char index_dtype[16];
} st_bench_finding;

/* Bytes of a case beside its input: outputs, workspace, scratch. 0 where the number overflows. */
uint64_t st_bench_working_bytes(const st_bench_lab *lab, const st_bench_case *point, const st_bench_contender *contenders,
                                int32_t count);

/*
 * Checks contender 0's output against the data, and every other's against it; then times them, in a fresh random order in
 * each repetition.
 * Fills `findings`, zeroed and one for each; those are left out that take longer than lab->give_up, where that is above 0,
 * or do not take the case, or, in the worker, are wrong.
 * Returns 0, 1 (an error, already printed), or 130 (interrupted).
 */
int st_bench_measure(st_bench_lab *lab, const st_bench_case *point, const struct st_bench_input *input,
                     const st_bench_contender *contenders, int32_t count, st_bench_samples *samples,
                     st_bench_finding *findings);

/* The median; sorts the values. 0 for none. */
double st_bench_median(double *values, int64_t count);

/* ---- who takes part (bench_contenders.c) ------------------------------------------------------------------------- */

/* What --against says: names of peers and of forced plans ("spiraltorch:FAMILY"). */
typedef struct st_bench_against {
    int32_t all;
    int32_t count;
    const char *const *names;
} st_bench_against;

typedef struct st_bench_lineup {
    st_bench_contender *list; /* [0] is the plan the engine picks; [count - 1] is the same again, for the noise figure */
    int32_t count;
} st_bench_lineup;

/*
 * With `against`: one forced plan a kernel, and the peers, as far as it names them. NULL: every candidate, no peers.
 * Returns 0, or 1 (an error, already printed). The list is the caller's, for free().
 */
int st_bench_gather(const st_bench_lab *lab, const st_bench_case *point, const st_bench_against *against,
                    st_bench_lineup *lineup);

/* The cases of a run. */
typedef struct st_bench_matrix {
    const st_bench_case *cases;
    int64_t count;
} st_bench_matrix;

/*
 * Before anything is timed: every case can be planned, its data and working memory fit in lab->memory, and every name in
 * `against` takes part in a case. Returns 0, or 1 (an error, already printed), or 2 (an unknown name, printed as well).
 */
int st_bench_inspect(const st_bench_lab *lab, const st_bench_matrix *matrix, const st_bench_against *against);

/* The data of one case, kept while the next case needs the same. Start it zeroed, but for `shared`. */
typedef struct st_bench_input {
    st_bench_case point;
    void *elements;
    struct st_bench_shared *shared; /* where the elements lie when a worker reads them too; NULL: in this process alone */
} st_bench_input;

/* Makes the data of a case. Returns 0, or 1 (an error, already printed). */
int st_bench_prepare(st_bench_input *input, const st_bench_case *point);
void st_bench_release(st_bench_input *input);

/* ---- the two forms: a matrix (bench_matrix.c) and regret (bench_regret.c) ---------------------------------------- */

/* One line of the matrix: medians over the repetitions. */
typedef struct st_bench_row {
    st_bench_case point;
    char impl[96];
    char device[32];
    char kernel[64];     /* "" for a peer */
    const char *version;
    int32_t has_choice, is_remote;
    st_choice choice;
    st_bench_finding finding;
    double ns, read_ns; /* nothing where it was left out */
    double ratio; /* the median of each sample's time over its own read limit */
    double noise;  /* the same plan timed twice: the larger median over the smaller, of times or of ratios */
    double spread; /* the largest read limit of the case over the smallest */
} st_bench_row;

typedef struct st_bench_rows {
    st_bench_row *list;
    int64_t count, capacity;
    int64_t wrong; /* contenders that were left out because their answer was wrong */
} st_bench_rows;

/* Measures the matrix; what was measured stays in *rows whatever the answer: 0, 1 (error, printed), 130 (interrupted). */
int st_bench_run_matrix(st_bench_lab *lab, const st_bench_matrix *matrix, const st_bench_against *against,
                        st_bench_rows *rows);

/* One case of the regret: the plan the engine picks over the best candidate. */
typedef struct st_bench_regret_case {
    st_bench_case point;
    st_plan chosen, best;
    double ratio;
    double bound; /* the least that the ratio is, at 95 % confidence, from the repetitions that timed it; 0 below two of them */
    double noise; /* the chosen plan over itself, timed under another name */
} st_bench_regret_case;

typedef struct st_bench_regret {
    st_bench_regret_case *list; /* the caller's, with room for the matrix */
    int64_t count;
    double geomean, p95, worst;
    double worst_bound; /* the largest of the cases' bounds */
    double noise_geomean, noise_p95, noise_worst;
} st_bench_regret;

/* As st_bench_run_matrix; lab->reps is at least 2. */
int st_bench_run_regret(st_bench_lab *lab, const st_bench_matrix *matrix, st_bench_regret *regret);

/* ---- printing (bench_output.c) ----------------------------------------------------------------------------------- */

/* To standard output: a table on a terminal, tab-separated lines elsewhere; or JSON. Return 0, or 1 (error, printed). */
int st_bench_print_rows(const st_bench_rows *rows);
int st_bench_print_regret(const st_bench_regret *regret, const char *with);
int st_bench_json_rows(const st_bench_rows *rows);
int st_bench_json_regret(const st_bench_regret *regret, const char *with);

/* ---- lists and machine (bench_lists.c) --------------------------------------------------------------------------- */

/* The command line's lists as text; NULL where an option is not there. */
typedef struct st_bench_lists {
    const char *shapes, *k, *kinds, *dtypes, *data, *threads;
    int32_t skip_large_k; /* 1: leave out points with k over cols; 0: they are an error */
    int64_t points;       /* over 0: so many cases strewn over shapes and k, which are then 1x1 and 1 */
    uint64_t seed;        /* of the points */
} st_bench_lists;

/* The largest number of a --threads list; 0 for NULL. Returns 0, or 2 (an error, already printed). */
int st_bench_most_threads(const char *command, const char *threads, int32_t *most);

/* Draws `points` cases: each has the kind, type, data and threads of one of `classes`. The same seed gives the same cases. */
void st_bench_strew(const st_bench_case *classes, int64_t class_count, int64_t points, uint64_t seed, st_bench_case *cases);

/* Spans the matrix of lists that are all given. *cases is the caller's, for free(). Returns 0, 1 or 2, errors printed. */
int st_bench_span(const st_bench_lists *lists, st_bench_case **cases, int64_t *count);

/*
 * Reads --against. *names and *text hold what `against` points to, and are the caller's, for free(). Returns 0, 1 or 2,
 * errors printed.
 */
int st_bench_read_against(const char *list, st_bench_against *against, const char ***names, char **text);

/* Bytes of memory that this process may use: the machine's, or its control group's where that is less; 0: not known. */
uint64_t st_bench_memory(void);

#endif
