/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* read_ahead.h - blocks of bytes filled by a thread of their own while the last one is still being looked at. */
#ifndef ST_IO_READ_AHEAD_H
#define ST_IO_READ_AHEAD_H

#include <stddef.h>
#include <stdint.h>

#include "spiraltorch/host.h"
#include "spiraltorch/status.h"

typedef struct st_read_ahead st_read_ahead;

/*
 * Fills block `number` (from 0): up to `bytes` bytes, *got of them; 0 is the end. A fill that may wait for ever must
 * return with *got = 0 once stop_file (where not -1) can be read.
 */
typedef st_status (*st_fill)(void *argument, uint64_t number, int stop_file, void *block, size_t bytes, size_t *got);

/* How blocks are filled: by the consumer alone; in order, one at a time; or in any order, by thread and consumer at
 * once. */
enum { ST_FILL_ALONE = 0, ST_FILL_IN_ORDER = 1, ST_FILL_ANYWHERE = 2 };

/* Where no thread can be had the consumer fills the blocks as it asks for them. ST_E_MEMORY. */
st_status st_read_ahead_open(const st_host *host, size_t block_bytes, int manner, st_fill fill, void *argument,
                             st_read_ahead **ahead);

/* The next block, valid until the next call; *bytes is 0 at the end. A failure of fill comes back after the blocks
 * before it. */
st_status st_read_ahead_next(st_read_ahead *ahead, const void **block, size_t *bytes);

/* Ends the thread at any point, and frees. NULL is allowed. */
void st_read_ahead_close(st_read_ahead *ahead);

#endif
