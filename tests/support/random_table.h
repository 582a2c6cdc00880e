/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* random_table.h - made-up tables whose bands meet, overlap and leave gaps, and queries that hit their edges. */
#ifndef ST_TEST_RANDOM_TABLE_H
#define ST_TEST_RANDOM_TABLE_H

#include "plan/table.h"
#include "random_elements.h"

/* An entry whose bounds are drawn from few values, so that edges coincide. named 1: it may name one of three devices. */
st_table_entry st_random_entry(st_random *random, int named);

/* A query whose columns, k and rows lie on, beside and between such bounds. */
st_table_query st_random_query(st_random *random);

/* The table of such entries, on libc's memory; stops the program where there is none. */
st_table *st_random_table(st_random *random, int32_t count, int named);

/* The device that entries name by number, 0 to 2; the third differs from the second in its kernels alone. */
st_device_identity st_random_identity(int number);

#endif
