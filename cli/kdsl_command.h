/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* kdsl_command.h - what the parts of the command kdsl share. */
#ifndef ST_CLI_KDSL_COMMAND_H
#define ST_CLI_KDSL_COMMAND_H

#include "program_text.h"
#include "spiraltorch/spiraltorch.h"

/* A page of the language, for --help. */
extern const char st_kdsl_notes[];

/*
 * Prints why a program could not be used: for ST_E_FORMAT FILE:LINE:COLUMN, the message of *error, the line and a caret
 * under the place, else the library's last message. Returns ST_CLI_FAILED.
 */
int st_kdsl_fail(const char *command, const st_program_text *text, st_status status, const st_spiralk_error *error);

/* kdsl eval; argv[0] is "eval". */
int st_kdsl_eval(int argc, char **argv);

#endif
