/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* table_report.h - what the command table says of a table. */
#ifndef ST_CLI_TABLE_REPORT_H
#define ST_CLI_TABLE_REPORT_H

#include "spiraltorch/spiraltorch.h"

/* What was done with the table; NULL: not done. */
typedef struct st_table_done {
    const char *file;   /* where it was read */
    const char *header; /* the header that was written */
    const char *installed;
} st_table_done;

/* Prints the report, as text or as one JSON object. Prints what fails; returns the exit status. */
int st_table_print(const st_table *table, const st_table_done *done, int32_t json);

#endif
