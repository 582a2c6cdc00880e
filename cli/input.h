/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * input.h - INPUT, whatever it is: an array or text, a file or a pipe, read in blocks and, where it can be, more than
 * once.
 */
#ifndef ST_CLI_INPUT_H
#define ST_CLI_INPUT_H

#include <stdint.h>

#include "progress.h"
#include "spiraltorch/spiraltorch.h"

typedef struct st_input_options {
    const char *command; /* for error messages */
    const char *path;    /* "-": standard input */
    int32_t format;      /* a position in st_input_formats */
    st_dtype dtype;      /* --dtype; 0: not given */
    int64_t cols;        /* --cols; 0: not given */
    const char *column;  /* --column; NULL: not given */
    const char *show;    /* --show; NULL: not given */
    int32_t quiet;
} st_input_options;

enum { ST_INPUT_FORMAT_AUTO, ST_INPUT_FORMAT_NPY, ST_INPUT_FORMAT_RAW, ST_INPUT_FORMAT_TEXT };
extern const char *const st_input_formats[]; /* "auto", "npy", "raw", "text", NULL */

typedef struct st_input {
    st_input_options options;
    const char *name; /* the path, or "standard input" */
    int32_t is_text;
    int32_t again; /* 1: st_input_rewind works */
    int64_t start; /* offset of standard input at the beginning, where it is a file */
    st_dtype dtype;
    st_array_info info; /* arrays only */
    st_array_reader *array;
    st_text_reader *text;
    st_progress progress;
} st_input;

/* Part of the input, in order. */
typedef struct st_input_block {
    int64_t count; /* 0: the end */
    const void *elements;
    const char *const *labels; /* NULL but for text with show */
} st_input_block;

/*
 * Opens the input; ends with st_input_close whatever the answer. All calls that can fail print the error and return an
 * exit status, or ST_CLI_GO.
 */
int st_input_open(st_input *input, const st_input_options *options);
void st_input_close(st_input *input);

/* The next block; valid until the next call. */
int st_input_next(st_input *input, st_input_block *block);

/* `count` elements from element `first` on; arrays in a file alone. Not mixed with st_input_next without a rewind. */
int st_input_read_at(st_input *input, int64_t first, int64_t count, void *elements);

/* Begins again from the start. labels 0: text is read without labels. */
int st_input_rewind(st_input *input, int labels, const char *what);

/* Prints the library's last message and returns the exit status for it: 2 for an argument, else 1. */
int st_input_fail(const char *command, st_status status);

/* The position of the first NaN of `count` elements `stride` apart; -1: none. */
int64_t st_input_first_nan(st_dtype dtype, const void *elements, int64_t count, int64_t stride);

#endif
