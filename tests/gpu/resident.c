/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * resident.c - TopK of data that lies on a device, timed, and compared with the CPU's answer bit for bit. For run.py, which
 * writes cases, one a line: DTYPE ROWS COLS K FILE, where FILE holds the rows. The answer to each is a line of JSON.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "spiraltorch/spiraltorch.h"

enum { BATCHES = 9, MOST_CANDIDATES = 256 };

struct trial {
    st_context *context;
    const char *device;
    st_rank_request request;
    const void *input;
    size_t input_bytes, values_bytes, indices_bytes;
    st_memory *memories[3]; /* input, values, indices */
    char *want, *got;       /* values, then indices */
};

static void stop(const char *what) {
    fprintf(stderr, "resident: %s: %s\n", what, st_last_message());
    exit(1);
}

static double now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int by_value(const void *a, const void *b) { return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b); }

/* One batch: `count` executions begun one after the other, and the wait for the last; the nanoseconds of one of them. */
static double batch(const struct trial *trial, const st_plan *plan, int count) {
    const st_memory_buffers buffers = {.struct_size = sizeof buffers,
                                       .input = {trial->memories[0], 0},
                                       .values = {trial->memories[1], 0},
                                       .indices = {trial->memories[2], 0}};
    const double begun = now_ns();
    for (int i = 0; i < count; i++) {
        st_fence *fence = NULL;
        int32_t done = 0;
        if (st_execute_rank_on(trial->context, plan, &buffers, &fence) != ST_OK) stop("execute");
        if (i == count - 1 && (st_fence_wait(fence, UINT64_C(60000000000), &done) != ST_OK || !done)) stop("wait");
        st_fence_destroy(fence);
    }
    return (now_ns() - begun) / count;
}

/* The median of batches of some 20 ms. */
static double measure(const struct trial *trial, const st_plan *plan) {
    double times[BATCHES];
    const double once = batch(trial, plan, 3);
    const int count = once > 20e6 ? 1 : once < 100e3 ? 200 : (int)(20e6 / once);
    for (int i = 0; i < BATCHES; i++) times[i] = batch(trial, plan, count);
    qsort(times, BATCHES, sizeof times[0], by_value);
    return times[BATCHES / 2];
}

/* Runs the plan once over poisoned outputs. */
static int is_right(const struct trial *trial, const st_plan *plan) {
    memset(trial->got, 0x5a, trial->values_bytes + trial->indices_bytes);
    if (st_memory_upload(trial->memories[1], 0, trial->got, trial->values_bytes) != ST_OK ||
        st_memory_upload(trial->memories[2], 0, trial->got, trial->indices_bytes) != ST_OK)
        stop("upload");
    batch(trial, plan, 1);
    if (st_memory_download(trial->memories[1], 0, trial->got, trial->values_bytes) != ST_OK ||
        st_memory_download(trial->memories[2], 0, trial->got + trial->values_bytes, trial->indices_bytes) != ST_OK)
        stop("download");
    return memcmp(trial->want, trial->got, trial->values_bytes + trial->indices_bytes) == 0;
}

static void report(const struct trial *trial, const st_plan *plan, const char *impl) {
    const st_rank_request *request = &trial->request;
    const int right = is_right(trial, plan);
    printf("{\"impl\": \"%s\", \"kernel\": \"%s\", \"device\": \"%s\", \"kind\": \"topk\", \"dtype\": \"%s\", \"rows\": %" PRId64
           ", \"cols\": %" PRId64 ", \"k\": %" PRId64 ", \"right\": %s, \"ns\": %.0f}\n",
           impl, plan->kernel, trial->device, st_dtype_name(request->dtype), request->rows, request->cols, request->k,
           right ? "true" : "false", right ? measure(trial, plan) : 0.0);
    fflush(stdout);
}

static const void *map_file(const char *path, size_t bytes) {
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    void *mapped = file < 0 ? MAP_FAILED : mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, file, 0);
    if (mapped == MAP_FAILED) {
        perror(path);
        exit(1);
    }
    close(file);
    return mapped;
}

static void run_case(struct trial *trial, const char *path, int all) {
    const st_rank_request *request = &trial->request;
    const size_t element = (size_t)st_dtype_size(request->dtype), kept = (size_t)(request->rows * request->k);
    trial->input_bytes = (size_t)(request->rows * request->cols) * element;
    trial->values_bytes = kept * element;
    trial->indices_bytes = kept * sizeof(int64_t);
    trial->input = map_file(path, trial->input_bytes);
    trial->want = malloc(trial->values_bytes + trial->indices_bytes);
    trial->got = malloc(trial->values_bytes + trial->indices_bytes);
    if (trial->want == NULL || trial->got == NULL) stop("no memory");
    const st_rank_buffers cpu = {.struct_size = sizeof cpu,
                                 .input = trial->input,
                                 .values = trial->want,
                                 .indices = trial->want + trial->values_bytes};
    st_plan plan = {.struct_size = sizeof plan};
    if (st_plan_request(trial->context, request, "cpu", NULL, &plan) != ST_OK || st_execute_rank(trial->context, &plan, &cpu) != ST_OK)
        stop("the CPU's answer");
    const size_t bytes[] = {trial->input_bytes, trial->values_bytes, trial->indices_bytes};
    for (int i = 0; i < 3; i++)
        if (st_memory_create(trial->context, trial->device, bytes[i], &trial->memories[i]) != ST_OK) stop("device memory");
    if (st_memory_upload(trial->memories[0], 0, trial->input, trial->input_bytes) != ST_OK) stop("upload");

    if (st_plan_request(trial->context, request, trial->device, NULL, &plan) != ST_OK) stop("plan");
    report(trial, &plan, "spiraltorch");
    st_choice choices[MOST_CANDIDATES];
    int32_t count = 0;
    if (all && st_rank_candidates(trial->context, request, trial->device, choices, MOST_CANDIDATES, &count) != ST_OK) stop("candidates");
    for (int32_t i = 0; i < count && i < MOST_CANDIDATES; i++) {
        char name[96];
        if (st_plan_with_choice(trial->context, request, trial->device, &choices[i], &plan) != ST_OK) stop("candidate");
        snprintf(name, sizeof name, "spiraltorch:%s wg %d kl %d tile %d", plan.kernel, plan.choice.wg, plan.choice.kl, plan.choice.tile);
        report(trial, &plan, name);
    }
    for (int i = 0; i < 3; i++) st_memory_destroy(trial->memories[i]);
    free(trial->want);
    free(trial->got);
    munmap((void *)(uintptr_t)trial->input, trial->input_bytes);
}

int main(int argc, char **argv) {
    char line[4096], dtype[16], path[2048];
    struct trial trial = {.device = argc > 1 ? argv[1] : ""};
    if (argc < 2 || argc > 3 || (argc == 3 && strcmp(argv[2], "--all") != 0)) {
        fprintf(stderr, "usage: resident DEVICE [--all] < CASES\n  --all: every candidate, not the plan alone\n");
        return 2;
    }
    if (st_context_create(NULL, &trial.context) != ST_OK) stop("context");
    while (fgets(line, sizeof line, stdin) != NULL) {
        int64_t rows, cols, k;
        if (sscanf(line, "%15s %" SCNd64 " %" SCNd64 " %" SCNd64 " %2047s", dtype, &rows, &cols, &k, path) != 5 ||
            st_dtype_from_name(dtype) == 0) {
            fprintf(stderr, "resident: not a case: %s", line);
            return 2;
        }
        st_rank_request_init(&trial.request, ST_TOPK, rows, cols, k);
        trial.request.dtype = st_dtype_from_name(dtype);
        run_case(&trial, path, argc == 3);
    }
    st_context_destroy(trial.context);
    return 0;
}
