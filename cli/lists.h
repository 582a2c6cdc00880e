/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* lists.h - comma-separated lists of the command line, as numbers. */
#ifndef ST_CLI_LISTS_H
#define ST_CLI_LISTS_H

#include <stdint.h>

enum { ST_LIST_SHAPES, ST_LIST_K, ST_LIST_KINDS, ST_LIST_DTYPES, ST_LIST_THREADS, ST_LIST_DATA };

/* One entry: a shape has rows and cols in both, everything else one number. */
typedef struct st_list_entry {
    int64_t first, second;
} st_list_entry;

typedef struct st_list {
    st_list_entry *entries;
    int64_t count;
} st_list;

/*
 * Reads a list that an option such as "--shapes" of a command was given; what is ST_LIST_*. Returns ST_CLI_GO, or the exit
 * status once the error is printed. list->entries is the caller's, for free(), whatever the answer.
 */
int st_list_read(const char *command, const char *option, int what, const char *text, st_list *list);

/* Splits text at its commas, in place; *parts is the caller's, for free(), whatever the answer. As st_list_read. */
int st_list_split(const char *command, const char *option, char *text, const char ***parts, int64_t *count);

#endif
