/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* sink_forms.h - the printed forms of results. */
#ifndef ST_CLI_SINK_FORMS_H
#define ST_CLI_SINK_FORMS_H

#include "sink.h"

enum { ST_SINK_TABLE, ST_SINK_LINES, ST_SINK_JSON, ST_SINK_FILES };

/* Prints part of the present row as a table or as lines. */
int st_sink_print(st_sink *sink, int64_t count, const void *values, const int64_t *indices, const char *const *labels);

/* Prints all that was gathered as one JSON object. */
int st_sink_json(st_sink *sink);

/* A JSON writer's sink that prints to standard output. */
int32_t st_sink_json_print(void *user, const char *text, uint64_t bytes);

/* Standard output refuses: keeps why for main.c, and returns the exit status, 0 for a pipe that nobody reads any more.
 */
int st_sink_stdout_failed(void);

#endif
