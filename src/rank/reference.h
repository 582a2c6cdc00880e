/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* reference.h - Rank-K as plainly as it can be written: what every kernel is compared with. Slow, and meant to be. */
#ifndef ST_RANK_REFERENCE_H
#define ST_RANK_REFERENCE_H

#include "spiraltorch/band.h"
#include "spiraltorch/rank.h"

/*
 * The answer to a resolved request on checked buffers. It compares decoded values, not keys, and sorts whole rows by
 * merging. ST_E_NAN, ST_E_MEMORY.
 */
st_status st_reference_rank(const st_host *host, const st_rank_request *request, const st_rank_buffers *buffers);

/* The answer to a resolved band request on checked buffers. ST_E_CAPACITY. */
st_status st_reference_band(const st_band_request *request, const st_band_buffers *buffers);

#endif
