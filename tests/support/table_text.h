/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* table_text.h - tables that tests read. */
#ifndef ST_TEST_TABLE_TEXT_H
#define ST_TEST_TABLE_TEXT_H

/* The example that the format was first published with: booleans, no optional field but use_2ce. */
extern const char st_first_table[];

#endif
