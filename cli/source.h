/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* source.h - INPUT, whatever it is: an array or text, a file or a pipe, read in blocks and, where it can be, more than once. */
#ifndef ST_CLI_SOURCE_H
#define ST_CLI_SOURCE_H

#include <stdint.h>

#include "progress.h"
#include "spiraltorch/spiraltorch.h"

typedef struct st_source_options {
    const char *command; /* for error messages */
    const char *path;    /* "-": standard input */
    int32_t format;      /* a position in st_source_formats */
    st_dtype dtype;      /* --dtype; 0: not given */
    int64_t cols;        /* --cols; 0: not given */
    const char *column;  /* --column; NULL: not given */
    const char *show;    /* --show; NULL: not given */
    int32_t quiet;
} st_source_options;

enum { ST_SOURCE_FORMAT_AUTO, ST_SOURCE_FORMAT_NPY, ST_SOURCE_FORMAT_RAW, ST_SOURCE_FORMAT_TEXT };
extern const char *const st_source_formats[]; /* "auto", "npy", "raw", "text", NULL */

typedef struct st_source {
    st_source_options options;
    const char *name;        /* the path, or "standard input" */
    int32_t is_text;
    int32_t again;           /* 1: st_source_rewind works */
    int64_t start;           /* offset of standard input at the beginning, where it is a file */
    st_dtype dtype;
    st_array_info info;      /* arrays only */
    st_array_reader *array;
    st_text_reader *text;
    st_progress progress;
} st_source;

/* Part of the input, in order. */
typedef struct st_source_block {
    int64_t count; /* 0: the end */
    const void *elements;
    const char *const *labels; /* NULL but for text with show */
} st_source_block;

/*
 * Opens the input; ends with st_source_close whatever the answer. All calls that can fail print the error and return an
 * exit status, or ST_CLI_GO.
 */
int st_source_open(st_source *source, const st_source_options *options);
void st_source_close(st_source *source);

/* The next block; valid until the next call. */
int st_source_next(st_source *source, st_source_block *block);

/* `count` elements from element `first` on; arrays in a file alone. Not mixed with st_source_next without a rewind. */
int st_source_read_at(st_source *source, int64_t first, int64_t count, void *elements);

/* Begins again from the start. labels 0: text is read without labels. */
int st_source_rewind(st_source *source, int labels, const char *what);

/* Prints the library's last message and returns the exit status for it: 2 for an argument, else 1. */
int st_source_fail(const char *command, st_status status);

/* The position of the first NaN of `count` elements `stride` apart; -1: none. */
int64_t st_source_first_nan(st_dtype dtype, const void *elements, int64_t count, int64_t stride);

#endif
