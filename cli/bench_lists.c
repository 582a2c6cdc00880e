/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bench_lists.c - the matrix that the lists of the command line span, and the memory it may use. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "lists.h"

enum { MOST_NAMES = 64, MOST_CASES = 1000000 };

int st_bench_most_threads(const char *command, const char *threads, int32_t *most) {
    st_list found = {NULL, 0};
    *most = 0;
    int status = threads ? st_list_read(command, "--threads", ST_LIST_THREADS, threads, &found) : ST_CLI_GO;
    for (int64_t i = 0; i < found.count; i++) {
        *most = found.entries[i].first > *most ? (int32_t)found.entries[i].first : *most;
    }
    free(found.entries);
    return status == ST_CLI_GO ? 0 : status;
}

enum { SHAPES, DTYPES, DATA, KS, KINDS, THREADS, AXES };

/* Walks the lists as digits of a number, the last one fastest: cases that share their data follow each other. */
static int span(const st_list lists[AXES], int64_t total, int skip_large_k, st_bench_case *cases, int64_t *count) {
    for (int64_t i = 0; i < total; i++) {
        st_list_entry at[AXES];
        int64_t rest = i;
        for (int axis = AXES - 1; axis >= 0; axis--) {
            at[axis] = lists[axis].entries[rest % lists[axis].count];
            rest /= lists[axis].count;
        }
        if (at[KS].first > at[SHAPES].second) {
            if (skip_large_k) {
                continue;
            }
            return st_cli_usage("bench", "-k: %lld is more than the %lld columns of shape %lldx%lld; give a k up to that",
                                (long long)at[KS].first, (long long)at[SHAPES].second, (long long)at[SHAPES].first,
                                (long long)at[SHAPES].second);
        }
        cases[(*count)++] = (st_bench_case){(int32_t)at[KINDS].first,   (st_dtype)at[DTYPES].first,
                                            (int32_t)at[DATA].first,    (int32_t)at[THREADS].first,
                                            at[SHAPES].first,           at[SHAPES].second,
                                            at[KS].first};
    }
    return *count > 0 ? 0 : st_cli_usage("bench", "-k: every k is more than the columns of every shape; give a smaller one");
}

int st_bench_span(const st_bench_lists *lists, st_bench_case **cases, int64_t *count) {
    st_list found[AXES] = {{NULL, 0}};
    const struct {
        const char *option, *list;
        int what;
    } axes[AXES] = {{"--shapes", lists->shapes, ST_LIST_SHAPES}, {"--dtypes", lists->dtypes, ST_LIST_DTYPES},
                    {"--data", lists->data, ST_LIST_DATA},       {"-k", lists->k, ST_LIST_K},
                    {"--kinds", lists->kinds, ST_LIST_KINDS},    {"--threads", lists->threads, ST_LIST_THREADS}};
    int64_t total = 1;
    int status = ST_CLI_GO;
    *cases = NULL;
    *count = 0;
    for (int axis = 0; axis < AXES && status == ST_CLI_GO; axis++) {
        status = st_list_read("bench", axes[axis].option, axes[axis].what, axes[axis].list, &found[axis]);
        if (status == ST_CLI_GO && (__builtin_mul_overflow(total, found[axis].count, &total) || total > MOST_CASES)) {
            status = st_cli_usage("bench", "%s: the lists make more than %d cases; shorten them", axes[axis].option,
                                  (int)MOST_CASES);
        }
    }
    if (status == ST_CLI_GO) {
        *cases = calloc((size_t)total, sizeof **cases);
        status = *cases ? span(found, total, lists->skip_large_k, *cases, count)
                        : st_cli_fail("bench", "not enough memory for %lld cases; shorten the lists", (long long)total);
    }
    if (status == 0 && lists->points > 0) {
        st_bench_case *points = calloc((size_t)lists->points, sizeof *points);
        if (!points) {
            status = st_cli_fail("bench", "--points: not enough memory for %lld; use fewer", (long long)lists->points);
        } else {
            st_bench_strew(*cases, *count, lists->points, lists->seed, points);
            free(*cases);
            *cases = points;
            *count = lists->points;
        }
    }
    for (int axis = 0; axis < AXES; axis++) {
        free(found[axis].entries);
    }
    return status;
}

int st_bench_read_against(const char *list, st_bench_against *against, const char ***names, char **text) {
    int64_t count = 0;
    memset(against, 0, sizeof *against);
    *names = NULL;
    *text = NULL;
    if (strcmp(list, "none") == 0) {
        return 0;
    }
    if (strcmp(list, "all") == 0) {
        against->all = 1;
        return 0;
    }
    *text = strdup(list);
    if (!*text) {
        return st_cli_fail("bench", "--against: not enough memory for this list");
    }
    const int status = st_list_split("bench", "--against", *text, names, &count);
    if (status != ST_CLI_GO) {
        return status;
    }
    if (count > MOST_NAMES) {
        return st_cli_usage("bench", "--against: %lld names are too many; give up to %d, or all", (long long)count,
                            (int)MOST_NAMES);
    }
    for (int64_t i = 0; i < count; i++) {
        if (strcmp((*names)[i], "all") == 0 || strcmp((*names)[i], "none") == 0) {
            return st_cli_usage("bench", "--against: '%s' stands alone; leave out the other names", (*names)[i]);
        }
    }
    against->names = *names;
    against->count = (int32_t)count;
    return 0;
}

/* A control group's limit: one number in a file, or a word. */
static uint64_t group_limit(const char *path) {
    char text[32] = "";
    int64_t bytes = 0;
    FILE *file = fopen(path, "r");
    if (!file) {
        return UINT64_MAX;
    }
    if (fgets(text, sizeof text, file)) {
        text[strcspn(text, "\n")] = '\0';
    }
    fclose(file);
    return st_options_number(text, 1, INT64_MAX, &bytes) ? (uint64_t)bytes : UINT64_MAX;
}

uint64_t st_bench_memory(void) {
    const char *const groups[] = {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long page = sysconf(_SC_PAGESIZE);
    uint64_t bytes = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        const uint64_t limit = group_limit(groups[i]);
        bytes = bytes > 0 && limit < bytes ? limit : bytes;
    }
    return bytes;
}
