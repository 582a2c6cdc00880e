/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bench_apart.c - independent runs of one thread each, side by side on shares of a case. */
#include "bench_apart.h"

#include <stdlib.h>
#include <string.h>

typedef struct part {
    st_context *context;
    st_rank_request request;
    int64_t first;       /* row, or column of the one row, where the share begins */
    void *values;        /* of a share of one row: k candidates */
    int64_t *indices;
    void *workspace;
    uint64_t workspace_size;
    st_status status;
    char message[256];
} part;

struct st_bench_apart {
    int32_t count;
    part parts[];
};

static int64_t share_of(int64_t total, int32_t worker, int32_t workers, int64_t *first) {
    const int64_t share = total / workers;
    const int64_t rest = total % workers;
    *first = share * worker + (worker < rest ? worker : rest);
    return share + (worker < rest);
}

/* Shares of one row join for topk and bottomk alone: the middle of a row is in no share's middle. */
int st_bench_apart_takes(const st_bench_case *point) {
    return point->threads > 1 &&
           (point->rows >= point->threads ||
            (point->rows == 1 && point->kind != ST_MIDK && point->cols / point->threads >= point->k));
}

static void forget(part *one) {
    free(one->workspace);
    free(one->indices);
    free(one->values);
    one->workspace = one->values = NULL;
    one->indices = NULL;
}

void st_bench_apart_end(st_bench_apart *apart) {
    for (int32_t i = 0; apart && i < apart->count; i++) {
        forget(&apart->parts[i]);
        st_context_destroy(apart->parts[i].context);
    }
    free(apart);
}

static int start(st_bench_lab *lab, int32_t count) {
    if (lab->apart && lab->apart->count >= count) {
        return 0;
    }
    st_bench_apart_end(lab->apart);
    lab->apart = calloc(1, sizeof *lab->apart + (size_t)count * sizeof lab->apart->parts[0]);
    if (!lab->apart) {
        return st_cli_fail("bench", "--threads: not enough memory for %d contexts; use fewer", (int)count);
    }
    st_context_options options = {.struct_size = sizeof options, .threads = 1};
    for (; lab->apart->count < count; lab->apart->count++) {
        if (st_context_create(&options, &lab->apart->parts[lab->apart->count].context) != ST_OK) {
            return st_cli_fail("bench", "%s", st_last_message());
        }
    }
    return 0;
}

int st_bench_apart_prepare(st_bench_lab *lab, const st_bench_case *point) {
    const size_t size = (size_t)st_dtype_size(point->dtype);
    int failed = start(lab, point->threads);
    for (int32_t i = 0; !failed && i < point->threads; i++) {
        part *one = &lab->apart->parts[i];
        const int of_row = point->rows == 1;
        const int64_t share = share_of(of_row ? point->cols : point->rows, i, point->threads, &one->first);
        st_plan plan;
        forget(one);
        st_rank_request_init(&one->request, point->kind, of_row ? 1 : share, of_row ? share : point->cols, point->k);
        one->request.dtype = point->dtype;
        one->request.threads = 1;
        if (st_plan_request(one->context, &one->request, lab->device, NULL, &plan) != ST_OK ||
            st_rank_workspace(one->context, &plan, &one->workspace_size) != ST_OK) {
            return st_cli_fail("bench", "spiraltorch:apart: %s", st_last_message());
        }
        one->workspace = malloc((size_t)one->workspace_size + 1);
        if (of_row) {
            one->values = malloc((size_t)point->k * size);
            one->indices = malloc((size_t)point->k * sizeof *one->indices);
        }
        if (!one->workspace || (of_row && (!one->values || !one->indices))) {
            failed = st_cli_fail("bench", "spiraltorch:apart: not enough memory; use fewer threads or a smaller k");
        }
    }
    return failed;
}

typedef struct apart_job {
    const st_bench_lab *lab;
    const st_bench_case *point;
    const st_bench_arrays *arrays;
    int64_t repeats;
} apart_job;

static void run_part(void *argument, int32_t worker, int32_t workers) {
    const apart_job *job = argument;
    const st_bench_case *point = job->point;
    const size_t size = (size_t)st_dtype_size(point->dtype);
    part *one = &job->lab->apart->parts[worker];
    const int of_row = point->rows == 1;
    const int64_t skipped = of_row ? one->first : one->first * point->cols;
    st_rank_buffers buffers;
    (void)workers;
    memset(&buffers, 0, sizeof buffers);
    buffers.struct_size = sizeof buffers;
    buffers.input = (const unsigned char *)job->arrays->input + (size_t)skipped * size;
    buffers.values = of_row ? one->values : (unsigned char *)job->arrays->values + (size_t)(one->first * point->k) * size;
    buffers.indices = of_row ? one->indices : job->arrays->indices + one->first * point->k;
    buffers.workspace = one->workspace;
    buffers.workspace_size = one->workspace_size;
    one->status = ST_OK;
    for (int64_t i = 0; i < job->repeats && one->status == ST_OK; i++) {
        st_plan plan;
        one->status = st_plan_request(one->context, &one->request, job->lab->device, NULL, &plan);
        if (one->status == ST_OK) {
            one->status = st_execute_rank(one->context, &plan, &buffers);
        }
    }
    if (one->status != ST_OK) { /* messages are a thread's own */
        strncpy(one->message, st_last_message(), sizeof one->message - 1);
        one->message[sizeof one->message - 1] = '\0';
    }
}

int st_bench_apart_run(st_bench_lab *lab, const st_bench_case *point, const st_bench_arrays *arrays, int64_t repeats,
                       double *ns) {
    apart_job job = {lab, point, arrays, repeats};
    *ns = st_bench_crew_run(lab->crew, point->threads, run_part, &job) / (double)repeats;
    for (int32_t i = 0; i < point->threads; i++) {
        if (lab->apart->parts[i].status != ST_OK) {
            return st_cli_fail("bench", "spiraltorch:apart: %s", lab->apart->parts[i].message);
        }
    }
    return 0;
}

void st_bench_apart_join(const st_bench_lab *lab, const st_bench_case *point, const st_bench_arrays *expected,
                         const st_bench_arrays *found) {
    const size_t size = (size_t)st_dtype_size(point->dtype);
    int64_t *used = point->rows == 1 ? calloc((size_t)point->threads, sizeof *used) : NULL;
    for (int64_t i = 0; used && i < point->k; i++) {
        int32_t from = point->threads - 1;
        /* A wrong answer's index may lie before every share; it is found wrong when the two are compared. */
        while (from > 0 && lab->apart->parts[from].first > expected->indices[i]) {
            from--;
        }
        const part *one = &lab->apart->parts[from];
        const int64_t at = used[from]++;
        found->indices[i] = one->first + one->indices[at];
        memcpy((unsigned char *)found->values + (size_t)i * size, (const unsigned char *)one->values + (size_t)at * size, size);
    }
    free(used);
}
