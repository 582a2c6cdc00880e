/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* run.h - running a plan, and a band, over a batch of rows with the context's threads. */
#ifndef ST_CPU_RUN_H
#define ST_CPU_RUN_H

#include "backends/cpu/kernels.h"
#include "spiraltorch/backend.h"
#include "spiraltorch/band.h"

/* Pieces that a Choice cuts each row into, for as many workers (two passes); 1 where rows are not split. */
int st_cpu_pieces(const st_rank_request *request, const st_choice *choice);

/* Whether the split finds its window by the keys that lie between two bounds (split.h), rather than among the best of pieces. */
int st_cpu_searches_by_keys(const st_rank_request *request, const st_choice *choice);

/* Whether the bitonic family may rank many rows at once, one in each lane: where the kernels have a way to, and rows are alike. */
int st_cpu_ranks_in_lanes(const st_rank_request *request);

/* Whether the lanes family may rank many rows at once, of which few elements each are wanted: where the kernels have a way to. */
int st_cpu_ranks_few(const st_rank_request *request);

/* Scratch bytes for one execution, a multiple of 64; SIZE_MAX where it overflows. */
size_t st_cpu_run_bytes(const st_rank_request *request, const st_choice *choice);

/* Runs a resolved request on checked buffers with a workspace of st_cpu_run_bytes, aligned to 64. ST_E_NAN. */
st_status st_cpu_run(const st_cpu_table *table, const st_rank_request *request, const st_choice *choice,
                     const st_rank_buffers *buffers, const st_backend_services *services);

/* Runs a checked band request; allocates nothing. ST_E_CAPACITY. */
st_status st_cpu_run_band(const st_cpu_table *table, const st_band_request *request, const st_band_buffers *buffers,
                          const st_backend_services *services);

#endif
