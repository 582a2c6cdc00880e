/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bench_contenders.c - who takes part in a case: the engine's own plan, forced plans, peers; and whether the case fits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_apart.h"
#include "bench_worker.h"

const char *st_bench_kind_name(int32_t kind) {
    return kind == ST_TOPK ? "topk" : kind == ST_MIDK ? "midk" : kind == ST_BOTTOMK ? "bottomk" : "?";
}

void st_bench_case_name(const st_bench_case *point, char *text, size_t capacity) {
    snprintf(text, capacity, "%s %s %lldx%lld k %lld, threads %d, data %s", st_bench_kind_name(point->kind),
             st_dtype_name(point->dtype), (long long)point->rows, (long long)point->cols, (long long)point->k,
             (int)point->threads, st_bench_data_name(point->data));
}

static int failed(const st_bench_case *point, const char *what) {
    char name[160];
    st_bench_case_name(point, name, sizeof name);
    return st_cli_fail("bench", "%s: %s", name, what);
}

static int is_wanted(const st_bench_against *against, const char *name) {
    for (int32_t i = 0; i < against->count; i++) {
        if (strcmp(against->names[i], name) == 0) {
            return 1;
        }
    }
    return against->all;
}

/* A kernel's family is what its name ends in: "filter" of "cpu/avx512/filter". */
static void name_family(const char *kernel, char *name, size_t capacity) {
    const char *slash = strrchr(kernel, '/');
    snprintf(name, capacity, "spiraltorch:%s", slash ? slash + 1 : kernel);
}

/* Already in the list: the same kernel, and, where every candidate counts, the same Choice. */
static int is_known(const st_bench_lineup *lineup, const st_plan *plan, int every) {
    for (int32_t i = every ? 0 : 1; i < lineup->count; i++) {
        const st_plan *other = &lineup->list[i].plan;
        if (strcmp(other->kernel, plan->kernel) == 0 &&
            (!every || memcmp(&other->choice, &plan->choice, sizeof plan->choice) == 0)) {
            return 1;
        }
    }
    return 0;
}

static st_status list_choices(const st_bench_lab *lab, const st_rank_request *request, st_choice **choices, int32_t *count) {
    st_status status = st_rank_candidates(lab->context, request, lab->device, NULL, 0, count);
    *choices = NULL;
    if (status == ST_OK && *count > 0) {
        *choices = calloc((size_t)*count, sizeof **choices);
        if (!*choices) {
            return st_backend_fail(ST_E_MEMORY, "not enough memory for the list of candidates");
        }
        status = st_rank_candidates(lab->context, request, lab->device, *choices, *count, count);
    }
    return status;
}

int st_bench_gather(const st_bench_lab *lab, const st_bench_case *point, const st_bench_against *against,
                    st_bench_lineup *lineup) {
    st_rank_request request;
    st_choice *choices = NULL;
    st_plan picked;
    int32_t candidates = 0;
    int32_t peers = 0;
    int32_t remotes = 0;
    lineup->list = NULL;
    lineup->count = 0;
    st_rank_request_init(&request, point->kind, point->rows, point->cols, point->k);
    request.dtype = point->dtype;
    request.threads = point->threads;
    st_status status = st_plan_request(lab->context, &request, lab->device, NULL, &picked);
    if (status == ST_OK) {
        status = list_choices(lab, &request, &choices, &candidates);
    }
    if (status != ST_OK) {
        free(choices);
        return status == ST_E_DEVICE ? st_cli_fail("bench", "--device: %s", st_last_message()) : failed(point, st_last_message());
    }
    while (st_bench_peer_at(peers)) {
        peers++;
    }
    while (st_bench_remote_at(lab->worker, remotes)) {
        remotes++;
    }
    lineup->list = calloc((size_t)candidates + (size_t)peers + (size_t)remotes + 3, sizeof *lineup->list);
    if (!lineup->list) {
        free(choices);
        return failed(point, "not enough memory for the list of contenders");
    }
    st_bench_contender *next = lineup->list;
    snprintf(next->name, sizeof next->name, "spiraltorch");
    next->plan = picked;
    next->plans = against != NULL;
    lineup->count = 1;
    for (int32_t i = 0; i < candidates; i++) {
        next = &lineup->list[lineup->count];
        if (st_plan_with_choice(lab->context, &request, lab->device, &choices[i], &next->plan) != ST_OK) {
            free(choices);
            return failed(point, st_last_message());
        }
        name_family(next->plan.kernel, next->name, sizeof next->name);
        if (!is_known(lineup, &next->plan, !against) && (!against || is_wanted(against, next->name))) {
            lineup->count++;
        }
    }
    free(choices);
    for (int32_t i = 0; against && i < peers; i++) {
        const st_bench_peer *peer = st_bench_peer_at(i);
        if (peer->takes(point->kind) && is_wanted(against, peer->name)) {
            next = &lineup->list[lineup->count++];
            memset(next, 0, sizeof *next);
            snprintf(next->name, sizeof next->name, "%s", peer->name);
            next->peer = peer;
        }
    }
    for (int32_t i = 0; against && i < remotes; i++) {
        const st_bench_remote *remote = st_bench_remote_at(lab->worker, i);
        if (is_wanted(against, remote->name)) {
            next = &lineup->list[lineup->count++];
            memset(next, 0, sizeof *next);
            snprintf(next->name, sizeof next->name, "%s", remote->name);
            next->remote = remote;
        }
    }
    if (against && st_bench_apart_takes(point) && is_wanted(against, "spiraltorch:apart")) {
        next = &lineup->list[lineup->count++];
        *next = lineup->list[0];
        snprintf(next->name, sizeof next->name, "spiraltorch:apart");
        next->apart = 1;
    }
    next = &lineup->list[lineup->count++];
    *next = lineup->list[0];
    snprintf(next->name, sizeof next->name, "spiraltorch, timed again");
    return 0;
}

/* Bytes of a case's data; 0 where the number overflows. */
static uint64_t data_bytes(const st_bench_case *point) {
    uint64_t bytes;
    return __builtin_mul_overflow((uint64_t)point->rows, (uint64_t)point->cols, &bytes) ||
                   __builtin_mul_overflow(bytes, (uint64_t)st_dtype_size(point->dtype), &bytes) || bytes > SIZE_MAX - 64
               ? 0
               : bytes;
}

static int inspect_data(const st_bench_lab *lab, const st_bench_case *point) {
    const uint64_t bytes = data_bytes(point);
    const double gib = 1024.0 * 1024 * 1024;
    if (bytes == 0 || bytes > INT64_MAX) {
        return st_cli_fail("bench", "--shapes: %lldx%lld of %s has more bytes than this machine can address; use a smaller shape",
                              (long long)point->rows, (long long)point->cols, st_dtype_name(point->dtype));
    }
    if (lab->memory > 0 && bytes > lab->memory) {
        return st_cli_fail("bench", "--shapes: %lldx%lld of %s takes %.1f GiB, and this machine has %.1f GiB of memory; use a "
                              "smaller shape",
                              (long long)point->rows, (long long)point->cols, st_dtype_name(point->dtype),
                              (double)bytes / gib, (double)lab->memory / gib);
    }
    return 0;
}

int st_bench_inspect(const st_bench_lab *lab, const st_bench_matrix *matrix, const st_bench_against *against) {
    const double mib = 1024.0 * 1024;
    uint64_t met = 0; /* a bit a name; the names are few */
    for (int64_t i = 0; i < matrix->count; i++) { /* data first: its error is the plainest */
        if (inspect_data(lab, &matrix->cases[i]) != 0) {
            return 1;
        }
    }
    for (int64_t i = 0; i < matrix->count && !st_cli_interrupted(); i++) {
        const st_bench_case *point = &matrix->cases[i];
        st_bench_lineup lineup;
        int result = st_bench_gather(lab, point, against, &lineup);
        if (result == 0) {
            const uint64_t work = st_bench_working_bytes(lab, point, lineup.list, lineup.count);
            const uint64_t bytes = data_bytes(point);
            if (work == 0 || (lab->memory > 0 && work > lab->memory - bytes)) {
                char name[160];
                st_bench_case_name(point, name, sizeof name);
                result = st_cli_fail("bench", "%s: does not fit: %.0f MiB of data and %.0f MiB of outputs and scratch, and this "
                                        "machine has %.0f MiB of memory; use a smaller shape or k, or --against none",
                                        name, (double)bytes / mib, (double)work / mib, (double)lab->memory / mib);
            }
            for (int32_t j = 0; against && j < against->count && j < 64; j++) {
                for (int32_t c = 0; c + 1 < lineup.count; c++) {
                    met |= strcmp(lineup.list[c].name, against->names[j]) == 0 ? (uint64_t)1 << j : 0;
                }
            }
        }
        free(lineup.list);
        if (result != 0) {
            return result;
        }
    }
    for (int32_t j = 0; against && j < against->count && j < 64 && !st_cli_interrupted(); j++) {
        if (!(met >> j & 1)) {
            return st_cli_usage("bench", "--against: nothing named '%s' takes part in these cases; 'all' shows the names "
                                "that do: peers are qsort and heap (topk and bottomk)%s, forced plans spiraltorch:FAMILY, and "
                                "spiraltorch:apart (two threads or more, with k elements or a row for each)",
                                against->names[j], lab->worker ? " and the worker's" : "; others, such as torch, need --worker");
        }
    }
    return 0;
}

void st_bench_release(st_bench_input *input) {
    if (input->shared) {
        st_bench_unshare(input->shared);
    } else {
        free(input->elements);
    }
    input->elements = NULL;
}

int st_bench_prepare(st_bench_input *input, const st_bench_case *point) {
    const st_bench_case *last = &input->point;
    if (input->elements && last->rows == point->rows && last->cols == point->cols && last->dtype == point->dtype &&
        last->data == point->data) {
        return 0;
    }
    st_bench_release(input);
    const uint64_t bytes = data_bytes(point);
    input->point = *point;
    if (input->shared) {
        const int cause = st_bench_share(input->shared, bytes, 1);
        if (cause != 0) {
            char what[160];
            snprintf(what, sizeof what, "its data cannot be shared with the worker: %s", strerror(cause));
            return failed(point, what);
        }
        input->elements = input->shared->memory;
    } else {
        /* Whole cache lines, so that the read limit is not slowed by loads across two of them. */
        input->elements = bytes > 0 ? aligned_alloc(64, ((size_t)bytes + 63) / 64 * 64) : NULL;
    }
    if (!input->elements) {
        return failed(point, "not enough memory for its data; use a smaller shape");
    }
    st_bench_fill(point->data, point->dtype, point->rows, point->cols, input->elements);
    return 0;
}
