/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* program_text.h - a rule program as the commands take it: a file, or standard input, of bounded length. */
#ifndef ST_CLI_PROGRAM_TEXT_H
#define ST_CLI_PROGRAM_TEXT_H

#include <stddef.h>

typedef struct st_program_text {
    const char *name; /* the path, or "standard input" */
    char *bytes;      /* to be freed */
    size_t length;    /* one more than a program may have, where the file has more */
} st_program_text;

/* Reads a path, "-" being standard input. Prints what is wrong; returns ST_CLI_GO or the exit status. */
int st_program_text_read(const char *command, const char *path, st_program_text *text);

#endif
