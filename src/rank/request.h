/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* request.h - validation of what callers hand in: once, at the public edge. */
#ifndef ST_RANK_REQUEST_H
#define ST_RANK_REQUEST_H

#include "spiraltorch/band.h"
#include "spiraltorch/rank.h"
#include "spiraltorch/stream.h"

/*
 * Checks a request and copies it with its defaults resolved: threads in [1, most_threads]. After it, kind, dtype and rules
 * are in their domains, sizes are not negative, every window fits cols, and rows * cols, rows * width and the byte extents
 * of the strides fit in int64. ST_E_ARGUMENT names the field.
 */
st_status st_request_check(const st_rank_request *request, int32_t most_threads, st_rank_request *resolved);

/*
 * Checks buffers against a resolved request, and copies them with strides resolved; row_list stays NULL where it was, and
 * row_list_count becomes the number of output rows in either case. Names the argument: NULLs, alignment, rows and lengths
 * out of range, overlap by byte extents. An output that the request does not ask for is ignored, and NULL in the copy.
 * Nothing is required where there is nothing to do (no output rows, or width 0).
 */
st_status st_buffers_check(const st_rank_request *resolved, const st_rank_buffers *buffers, st_rank_buffers *checked);

/* The same for band compaction. */
st_status st_band_check(const st_band_request *request, const st_band_buffers *buffers, int32_t most_threads,
                        st_band_request *resolved);

/* Checks a stream's options; hi may lie beyond the row, which then ends the window. */
st_status st_stream_check(const st_stream_options *options);

/* Checks partials to be merged, and that the outputs (one of them may be NULL) are apart from them and each other. */
st_status st_merge_check(const st_merge_request *request, const void *values, const int64_t *indices);

/* The bytes [*low, *high) that a request's strides reach, counted from element (0, 0); 0 where they do not fit in int64. */
int st_request_extent(const st_rank_request *request, int64_t *low, int64_t *high);

/* Output elements per row: k, or hi - lo for a window. */
int64_t st_request_width(const st_rank_request *request);

#endif
