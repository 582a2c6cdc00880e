/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* guard_pages.h - memory with an inaccessible page at either end, so that one byte too far ends the test. */
#ifndef ST_TEST_GUARD_PAGES_H
#define ST_TEST_GUARD_PAGES_H

#include <stddef.h>

typedef struct st_guarded {
    char *first;   /* the byte after the page in front */
    size_t size;   /* accessible bytes: whole pages */
    size_t mapped; /* with the guards */
} st_guarded;

/* Maps at least `size` accessible bytes; returns 0, or -1 where the system gives no memory. */
int st_guarded_open(st_guarded *guarded, size_t size);
void st_guarded_close(st_guarded *guarded);

/*
 * The `bytes` bytes that end at the page behind; at_end 0: that begin after the page in front. bytes <= size. They, and
 * up to 16 KiB around them, are filled with the canary; st_guarded_intact is 1 while it still stands around them.
 */
void *st_guarded_place(const st_guarded *guarded, size_t bytes, int at_end);
int st_guarded_intact(const st_guarded *guarded, const void *place, size_t bytes);

/* Makes the memory read-only (1) or writable again (0); returns 0 on success. */
int st_guarded_seal(const st_guarded *guarded, int sealed);

#endif
