/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bench_lists.c - the comma-separated lists of the command line, the matrix they span, and the memory it may use. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

enum { MOST_THREADS = 4096, MOST_NAMES = 64, MOST_CASES = 1000000 };

/* One entry of a list, as numbers: a shape has two. */
typedef struct entry {
    int64_t first, second;
} entry;

typedef struct entries {
    entry *list;
    int64_t count;
} entries;

static const char *const kind_words[] = {"topk", "midk", "bottomk", NULL};
static const int32_t kinds[] = {ST_TOPK, ST_MIDK, ST_BOTTOMK};

static int read_number(const char *option, const char *text, int64_t high, entry *found) {
    if (!st_options_number(text, 1, high, &found->first)) {
        return st_cli_usage("bench", "%s: '%s' is not a whole number from 1 to %lld", option, text, (long long)high);
    }
    return ST_CLI_GO;
}

static int read_k(const char *text, entry *found) { return read_number("-k", text, INT64_MAX, found); }
static int read_threads(const char *text, entry *found) { return read_number("--threads", text, MOST_THREADS, found); }

static int read_shape(const char *text, entry *found) {
    const char *cross = strchr(text, 'x');
    char rows[32] = "";
    if (cross && (size_t)(cross - text) < sizeof rows) {
        memcpy(rows, text, (size_t)(cross - text));
        if (st_options_number(rows, 1, INT64_MAX, &found->first) &&
            st_options_number(cross + 1, 1, INT64_MAX, &found->second)) {
            return ST_CLI_GO;
        }
    }
    return st_cli_usage("bench", "--shapes: '%s' is not ROWSxCOLS with both at least 1, such as 8x65536", text);
}

static int read_kind(const char *text, entry *found) {
    for (size_t i = 0; kind_words[i]; i++) {
        if (strcmp(kind_words[i], text) == 0) {
            found->first = kinds[i];
            return ST_CLI_GO;
        }
    }
    return st_cli_usage("bench", "--kinds: '%s' is not one of topk, midk, bottomk", text);
}

static int read_dtype(const char *text, entry *found) {
    found->first = st_dtype_from_name(text);
    if (found->first == 0) {
        return st_cli_usage("bench", "--dtypes: '%s' is not one of f32, f64, f16, bf16, i8, u8, i16, u16, i32, u32, i64, u64",
                            text);
    }
    return ST_CLI_GO;
}

static int read_data(const char *text, entry *found) {
    for (int32_t i = 0; st_bench_data_name(i); i++) {
        if (strcmp(st_bench_data_name(i), text) == 0) {
            found->first = i;
            return ST_CLI_GO;
        }
    }
    return st_cli_usage("bench", "--data: '%s' is not one of normal, asc, desc, equal, few, neginf, narrow", text);
}

/* Splits a list at its commas in place; *parts is the caller's, for free(). */
static int split(const char *option, char *text, const char ***parts, int64_t *count) {
    int64_t commas = 0;
    for (const char *at = text; *at; at++) {
        commas += *at == ',';
    }
    *parts = calloc((size_t)commas + 1, sizeof **parts);
    *count = 0;
    if (!*parts) {
        return st_cli_fail("bench", "%s: not enough memory for this list", option);
    }
    for (char *at = text; at;) {
        char *comma = strchr(at, ',');
        if (comma) {
            *comma = '\0';
        }
        if (!*at) {
            return st_cli_usage("bench", "%s: an entry of the list is empty; write entries between single commas", option);
        }
        (*parts)[(*count)++] = at;
        at = comma ? comma + 1 : NULL;
    }
    return ST_CLI_GO;
}

static int read_list(const char *option, const char *list, int (*read)(const char *text, entry *found), entries *found) {
    char *text = strdup(list);
    const char **parts = NULL;
    int64_t count = 0;
    int status = text ? split(option, text, &parts, &count) : st_cli_fail("bench", "%s: not enough memory", option);
    if (status == ST_CLI_GO) {
        found->list = calloc((size_t)count, sizeof *found->list);
        status = found->list ? ST_CLI_GO : st_cli_fail("bench", "%s: not enough memory for this list", option);
    }
    for (int64_t i = 0; status == ST_CLI_GO && i < count; i++) {
        status = read(parts[i], &found->list[i]);
        found->count = i + 1;
    }
    free(parts);
    free(text);
    return status;
}

int st_bench_most_threads(const char *threads, int32_t *most) {
    entries found = {NULL, 0};
    *most = 0;
    int status = threads ? read_list("--threads", threads, read_threads, &found) : ST_CLI_GO;
    for (int64_t i = 0; i < found.count; i++) {
        *most = found.list[i].first > *most ? (int32_t)found.list[i].first : *most;
    }
    free(found.list);
    return status == ST_CLI_GO ? 0 : status;
}

enum { SHAPES, DTYPES, DATA, KS, KINDS, THREADS, AXES };

/* Walks the lists as digits of a number, the last one fastest: cases that share their data follow each other. */
static int span(const entries lists[AXES], int64_t total, int skip_large_k, st_bench_case *cases, int64_t *count) {
    for (int64_t i = 0; i < total; i++) {
        entry at[AXES];
        int64_t rest = i;
        for (int axis = AXES - 1; axis >= 0; axis--) {
            at[axis] = lists[axis].list[rest % lists[axis].count];
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
    entries found[AXES] = {{NULL, 0}};
    const struct {
        const char *option, *list;
        int (*read)(const char *text, entry *found);
    } axes[AXES] = {{"--shapes", lists->shapes, read_shape}, {"--dtypes", lists->dtypes, read_dtype},
                    {"--data", lists->data, read_data},      {"-k", lists->k, read_k},
                    {"--kinds", lists->kinds, read_kind},    {"--threads", lists->threads, read_threads}};
    int64_t total = 1;
    int status = ST_CLI_GO;
    *cases = NULL;
    *count = 0;
    for (int axis = 0; axis < AXES && status == ST_CLI_GO; axis++) {
        status = read_list(axes[axis].option, axes[axis].list, axes[axis].read, &found[axis]);
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
    for (int axis = 0; axis < AXES; axis++) {
        free(found[axis].list);
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
    const int status = split("--against", *text, names, &count);
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
