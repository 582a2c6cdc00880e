/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * stream.h - a selection over one row that arrives in chunks, in memory for the window alone; and the merge of partial
 * selections. Both give what one call over the whole row gives.
 */
#ifndef SPIRALTORCH_STREAM_H
#define SPIRALTORCH_STREAM_H

#include <stdint.h>

#include "context.h"
#include "dtype.h"
#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct st_stream st_stream;

/*
 * The window: ranks [lo, hi) in one direction, of a row whose length may be known. Memory is O(hi), or O(length - lo)
 * where length is known and that is smaller.
 */
typedef struct st_stream_options {
    uint32_t struct_size; /* sizeof(st_stream_options) */
    st_dtype dtype;
    int32_t descending;
    int32_t nan_rule; /* ST_NAN_* */
    int32_t order;    /* ST_SORTED or ST_UNSORTED */
    int64_t lo, hi;   /* 0 <= lo <= hi */
    int64_t length;   /* elements that will be pushed in all; -1: not known */
} st_stream_options;

/*
 * Opens a stream; *stream is the caller's, for st_stream_close. ST_E_ARGUMENT, ST_E_MEMORY.
 * A stream is used by one thread at a time; the context must outlive it.
 */
ST_API st_status st_stream_open(st_context *context, const st_stream_options *options, st_stream **stream);

/*
 * Takes the next `count` elements, contiguous and aligned to their element. Under ST_NAN_ERROR a NaN gives ST_E_NAN
 * and names its index. ST_E_STATE after st_stream_finish, and after a push that gave
 * ST_E_NAN or ST_E_MEMORY; ST_E_ARGUMENT beyond the stated length (nothing was taken).
 */
ST_API st_status st_stream_push(st_stream *stream, const void *elements, int64_t count);

/* Elements pushed so far, and elements that st_stream_finish would write now. 0 for NULL. */
ST_API int64_t st_stream_pushed(const st_stream *stream);
ST_API int64_t st_stream_ready(const st_stream *stream);

/*
 * Writes the window: st_stream_ready elements to values (of dtype) and indices; either may be NULL. capacity is in
 * elements; ST_E_CAPACITY where it is too small, nothing written. ST_E_STATE where a stated length was not reached.
 */
ST_API st_status st_stream_finish(st_stream *stream, void *values, int64_t *indices, int64_t capacity);

/* Frees a stream at any point. NULL is allowed. */
ST_API void st_stream_close(st_stream *stream);

/*
 * Partial selections of the same row, to be merged: part p holds widths[p] elements, values[p] of dtype and
 * indices[p] global; entries with a negative index are skipped. Indices are disjoint between parts; order within a part is free.
 */
typedef struct st_merge_request {
    uint32_t struct_size; /* sizeof(st_merge_request) */
    st_dtype dtype;
    int32_t descending;
    int32_t nan_rule;
    int32_t order; /* ST_SORTED or ST_UNSORTED */
    int32_t parts;
    int64_t k; /* ranks [0, k) of the union are kept */
    const int64_t *widths;
    const void *const *values;
    const int64_t *const *indices;
} st_merge_request;

/*
 * Merges partials of windows that start at rank 0 into the k first of their union. Associative and commutative.
 * values: k elements of dtype; indices: k; positions beyond the union hold zero bits and -1.
 * Either may be NULL. Outputs must not overlap the parts. ST_E_ARGUMENT, ST_E_MEMORY, ST_E_NAN. Thread-safe.
 */
ST_API st_status st_rank_merge(st_context *context, const st_merge_request *request, void *values, int64_t *indices);

#ifdef __cplusplus
}
#endif

#endif
