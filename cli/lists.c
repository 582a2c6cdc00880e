/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* lists.c - lists of shapes, kinds, dtypes and numbers, read entry by entry. */
#include "lists.h"

#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { MOST_THREADS = 4096 };

static int read_number(const char *command, const char *option, const char *text, int64_t high, st_list_entry *found) {
    if (!st_options_number(text, 1, high, &found->first)) {
        return st_cli_usage(command, "%s: '%s' is not a whole number from 1 to %lld", option, text, (long long)high);
    }
    return ST_CLI_GO;
}

static int read_shape(const char *command, const char *option, const char *text, st_list_entry *found) {
    const char *cross = strchr(text, 'x');
    char rows[32] = "";
    if (cross && (size_t)(cross - text) < sizeof rows) {
        memcpy(rows, text, (size_t)(cross - text));
        if (st_options_number(rows, 1, INT64_MAX, &found->first) &&
            st_options_number(cross + 1, 1, INT64_MAX, &found->second)) {
            return ST_CLI_GO;
        }
    }
    return st_cli_usage(command, "%s: '%s' is not ROWSxCOLS with both at least 1, such as 8x65536", option, text);
}

static int read_kind(const char *command, const char *option, const char *text, st_list_entry *found) {
    static const int32_t kinds[] = {ST_TOPK, ST_MIDK, ST_BOTTOMK};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(st_bench_kind_name(kinds[i]), text) == 0) {
            found->first = kinds[i];
            return ST_CLI_GO;
        }
    }
    return st_cli_usage(command, "%s: '%s' is not one of topk, midk, bottomk", option, text);
}

static int read_dtype(const char *command, const char *option, const char *text, st_list_entry *found) {
    found->first = st_dtype_from_name(text);
    if (found->first == 0) {
        return st_cli_usage(command, "%s: '%s' is not one of f32, f64, f16, bf16, i8, u8, i16, u16, i32, u32, i64, u64",
                            option, text);
    }
    return ST_CLI_GO;
}

static int read_data(const char *command, const char *option, const char *text, st_list_entry *found) {
    for (int32_t i = 0; st_bench_data_name(i); i++) {
        if (strcmp(st_bench_data_name(i), text) == 0) {
            found->first = i;
            return ST_CLI_GO;
        }
    }
    return st_cli_usage(command, "%s: '%s' is not one of normal, asc, desc, equal, few, neginf, narrow", option, text);
}

static int read_entry(const char *command, const char *option, int what, const char *text, st_list_entry *found) {
    switch (what) {
    case ST_LIST_SHAPES: return read_shape(command, option, text, found);
    case ST_LIST_KINDS: return read_kind(command, option, text, found);
    case ST_LIST_DTYPES: return read_dtype(command, option, text, found);
    case ST_LIST_DATA: return read_data(command, option, text, found);
    default: return read_number(command, option, text, what == ST_LIST_THREADS ? MOST_THREADS : INT64_MAX, found);
    }
}

int st_list_split(const char *command, const char *option, char *text, const char ***parts, int64_t *count) {
    int64_t commas = 0;
    for (const char *at = text; *at; at++) {
        commas += *at == ',';
    }
    *parts = calloc((size_t)commas + 1, sizeof **parts);
    *count = 0;
    if (!*parts) {
        return st_cli_fail(command, "%s: not enough memory for this list", option);
    }
    for (char *at = text; at;) {
        char *comma = strchr(at, ',');
        if (comma) {
            *comma = '\0';
        }
        if (!*at) {
            return st_cli_usage(command, "%s: an entry of the list is empty; write entries between single commas", option);
        }
        (*parts)[(*count)++] = at;
        at = comma ? comma + 1 : NULL;
    }
    return ST_CLI_GO;
}

int st_list_read(const char *command, const char *option, int what, const char *text, st_list *list) {
    char *copy = strdup(text);
    const char **parts = NULL;
    int64_t count = 0;
    list->entries = NULL;
    list->count = 0;
    int status = copy ? st_list_split(command, option, copy, &parts, &count)
                      : st_cli_fail(command, "%s: not enough memory", option);
    if (status == ST_CLI_GO) {
        list->entries = calloc((size_t)count, sizeof *list->entries);
        status = list->entries ? ST_CLI_GO : st_cli_fail(command, "%s: not enough memory for this list", option);
    }
    for (int64_t i = 0; status == ST_CLI_GO && i < count; i++) {
        status = read_entry(command, option, what, parts[i], &list->entries[i]);
        list->count = i + 1;
    }
    free(parts);
    free(copy);
    return status;
}
