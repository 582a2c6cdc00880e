/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* options.h - a command's options as a table: read from the command line, and printed by --help. */
#ifndef ST_CLI_OPTIONS_H
#define ST_CLI_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

/* What an option takes, and the type of what `target` points to. */
enum {
    ST_OPTION_FLAG,   /* nothing; int32_t, set to 1 */
    ST_OPTION_TEXT,   /* any text; const char *, into argv */
    ST_OPTION_NUMBER, /* a whole number in [low, high]; int64_t */
    ST_OPTION_WORD    /* one of `words`; int32_t, its position */
};

typedef struct st_option {
    const char *name;  /* without the dashes */
    char letter;       /* the short form, 0 for none */
    int32_t kind;      /* ST_OPTION_* */
    const char *value; /* the value's name in --help; NULL for a flag */
    const char *about; /* one sentence for --help; lines may be broken with \n */
    void *target;
    int64_t low, high;        /* ST_OPTION_NUMBER */
    const char *const *words; /* ST_OPTION_WORD: ends with NULL */
    int32_t *given;           /* set to 1 where the option is present; may be NULL */
} st_option;

typedef struct st_command {
    const char *name;     /* "topk": argv[0] of the command */
    const char *usage;    /* what follows the name: "-k K [options] INPUT" */
    const char *about;    /* a paragraph, broken into lines, ending with \n */
    const char *notes;    /* printed after the options; may be NULL */
    const char *examples; /* lines, each indented and ended by \n */
    const st_option *options;
    int32_t option_count;
    const char *operand;  /* "INPUT", the name of what is no option; NULL: none is taken */
    int32_t operands_low; /* how many operands are needed, and the most that are taken */
    int32_t operands_high;
} st_command;

enum { ST_CLI_DONE = 0, ST_CLI_FAILED = 1, ST_CLI_USAGE = 2, ST_CLI_INTERRUPTED = 130, ST_CLI_GO = -1 };

/*
 * Reads argv[1..]: --name VALUE, --name=VALUE, -k VALUE, -kVALUE, -k=VALUE; options and operands in any order; "--"
 * ends the options; "-" is an operand; the last of a repeated option wins. A value may begin with a dash. Writes up to
 * operands_high operands, and NULL beyond those given. Returns ST_CLI_GO, or the exit status: ST_CLI_DONE once --help
 * (-h) is printed, ST_CLI_USAGE once an error is.
 */
int st_options_read(const st_command *command, int argc, char **argv, const char **operands);

/* Prints the command's help to standard output. */
void st_options_help(const st_command *command);

/* A whole number in [low, high] in decimal; 1 where text is one. */
int st_options_number(const char *text, int64_t low, int64_t high, int64_t *number);

/* The word of a NULL-ended list that text is most likely meant to be; NULL where none is near. */
const char *st_options_nearest(const char *text, const char *const *words);

/*
 * Prints "spiraltorch COMMAND: ..." as one line on standard error (command NULL: "spiraltorch: ..."). Returns
 * ST_CLI_USAGE.
 */
int st_cli_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for what is no mistake of usage. Returns ST_CLI_FAILED. */
int st_cli_fail(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
