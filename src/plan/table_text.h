/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* table_text.h - a table as JSON, into a page or a file. */
#ifndef ST_PLAN_TABLE_TEXT_H
#define ST_PLAN_TABLE_TEXT_H

#include "plan/table.h"
#include "plan/text_page.h"

/* Appends the table; trust 1 marks every entry as trusted, which means something in the installed table alone. */
st_status st_table_write(const st_table *table, int trust, st_text_page *page);

/* The same into a file, whole or not at all. ST_E_IO, ST_E_MEMORY. */
st_status st_table_save(const st_table *table, int trust, const char *path);

#endif
