/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * spill.h - bytes kept for later: in memory while they are few, then in a file without a name, which no crash leaves
 * behind.
 */
#ifndef ST_CLI_SPILL_H
#define ST_CLI_SPILL_H

#include <stddef.h>
#include <stdint.h>

typedef struct st_spill {
    char *memory;
    size_t used, room;
    int64_t bytes;  /* all that was added */
    int64_t read;   /* where st_spill_read stands; may be set back */
    int descriptor; /* -1: memory alone */
    /* While the memory holds nothing that waits to be written, it holds these bytes of the file. */
    int64_t buffer_from;
    size_t buffered;
    const char *folder;
} st_spill;

/* folder: where the file goes; NULL: TMPDIR, or /tmp. The string stays the caller's. */
void st_spill_start(st_spill *spill, const char *folder);

/* Both return 0, or -1 with errno. st_spill_read: `bytes` more from where the last one ended; too few is EIO. */
int st_spill_add(st_spill *spill, const void *from, size_t bytes);
int st_spill_read(st_spill *spill, void *to, size_t bytes);

/* Frees all; a started spill may be ended any number of times. */
void st_spill_end(st_spill *spill);

#endif
