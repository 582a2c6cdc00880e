/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* run_room.h - how a Choice cuts a batch of rows up, and the workspace that this needs. */
#ifndef ST_CPU_RUN_ROOM_H
#define ST_CPU_RUN_ROOM_H

#include "backends/cpu/select.h"
#include "backends/cpu/split.h"
#include "spiraltorch/rank.h"

/*
 * The workspace: each worker's scratch, then (split rows) the segments' survivors and their counts; or that of a search by
 * keys alone.
 */
typedef struct st_cpu_room {
    int wide;
    int workers;  /* threads that have scratch memory */
    int splits;   /* rows are worked on one after the other, each by all workers */
    int segments; /* pieces of a row */
    size_t piece; /* longest piece, in elements */
    size_t hi;    /* most candidates that a row, or a piece, must keep */
    int by_keys;  /* split rows: whether the window is searched for by its keys */
    st_cpu_split split;
    size_t scratch_bytes;
    size_t survivors_at, counts_at, bytes;
} st_cpu_room;

st_cpu_room st_cpu_room_of(const st_rank_request *request, const st_choice *choice);

/* How a row is ranked that cannot be ranked in a lane: all of it is sorted. */
extern const st_cpu_shape st_cpu_one_row;

#endif
