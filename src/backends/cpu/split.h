/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * split.h - one long row shared by all workers, for windows that many candidates come before: instead of keeping all of
 * these, workers count which keys hold the window, and collect only those.
 */
#ifndef ST_CPU_SPLIT_H
#define ST_CPU_SPLIT_H

#include "backends/cpu/select.h"
#include "base/pool.h"

/* The scratch memory of such a search: sizes, and where its parts lie, in bytes. */
typedef struct st_cpu_split {
    int wide;
    int workers;
    size_t capacity; /* survivors that there is room for: the widest window and more */
    size_t counts_at, buffers_at, digits_at, bytes; /* bytes: SIZE_MAX where it overflows; else a multiple of 64 */
} st_cpu_split;

/* For rows of at most `cols` elements and windows of at most `width` of them. */
st_cpu_split st_cpu_split_of(int wide, size_t cols, size_t width, int workers);

/*
 * Finds ranks [lo, hi) of the row, lo < hi <= length, as st_cpu_select does, with up to split->workers threads. scratch is
 * aligned to 64 bytes. The window lies at the front of scratch or behind it.
 */
size_t st_cpu_split_select(const st_cpu_row *row, const st_cpu_split *split, st_pool *pool, size_t lo, size_t hi, void *scratch,
                           void **window);

#endif
