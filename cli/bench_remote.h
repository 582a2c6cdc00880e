/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bench_remote.h - the peers that a worker has named: kept with the process, filled by those who ask it. */
#ifndef ST_CLI_BENCH_REMOTE_H
#define ST_CLI_BENCH_REMOTE_H

#include "bench_worker.h"

enum { ST_BENCH_REMOTES = ST_BENCH_FIELDS - 2 }; /* as many as one line names */

typedef struct st_bench_roster {
    st_bench_remote peers[ST_BENCH_REMOTES];
    int32_t count;
} st_bench_roster;

st_bench_roster *st_bench_worker_roster(st_bench_worker *worker);

#endif
