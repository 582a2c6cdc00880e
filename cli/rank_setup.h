/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* rank_setup.h - the options that all commands share which read an input and give a result. */
#ifndef ST_CLI_RANK_SETUP_H
#define ST_CLI_RANK_SETUP_H

#include "input.h"
#include "options.h"
#include "spiraltorch/spiraltorch.h"

enum { ST_SETUP_OPTIONS = 10 };

typedef struct st_setup {
    const char *command;
    st_input_options input;
    const char *prefix;
    const char *dtype; /* the word, until st_setup_check */
    int64_t axis;
    int64_t threads;
    int32_t json;
    int32_t axis_given, threads_given;
} st_setup;

extern const char st_setup_notes[];

void st_setup_start(st_setup *setup, const char *command);

/* Writes the shared options, ST_SETUP_OPTIONS at most; returns how many. */
int32_t st_setup_options(st_setup *setup, st_option *options);

/* After reading: what no single option can check. Prints; returns an exit status or ST_CLI_GO. */
int st_setup_check(st_setup *setup);

/* A context with the threads asked for. Prints. */
int st_setup_context(const st_setup *setup, const char *command, st_context **context);

/* The device of --device (NULL: not given) must be in the list and able to run. Prints; exit status or ST_CLI_GO. */
int st_setup_device(const char *command, const st_context *context, const char *device);

/* An array as outer x cols x inner, around one axis; outer and rows are -1 where they are not known. */
typedef struct st_setup_axes {
    int32_t along;
    int64_t outer, cols, inner;
    int64_t rows; /* outer x inner */
} st_setup_axes;

/* Prints; returns an exit status or ST_CLI_GO. */
int st_setup_shape(const st_setup *setup, const st_input *input, st_setup_axes *axes);

/* The header of the labels' column. */
const char *st_setup_label_name(const st_setup *setup);

#endif
