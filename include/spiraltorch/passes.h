/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * passes.h - any window of a row that is too long to hold but can be read several times, such as the median of a file: a
 * few counting passes close in on the window, and one more gathers it.
 */
#ifndef SPIRALTORCH_PASSES_H
#define SPIRALTORCH_PASSES_H

#include <stdint.h>

#include "context.h"
#include "export.h"
#include "status.h"
#include "stream.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct st_passes st_passes;

/*
 * Opens a selection of options->lo .. options->hi of a row of options->length elements, which must be known, at least hi.
 * Memory is O(hi - lo) and at most `candidates` entries of 24 bytes more (0: 2^18); fewer passes with more.
 * *passes is the caller's, for st_passes_close. ST_E_ARGUMENT, ST_E_MEMORY. One thread at a time; the context must outlive it.
 */
ST_API st_status st_passes_open(st_context *context, const st_stream_options *options, int64_t candidates, st_passes **passes);

/*
 * Ends the pass that was under way, if any, and says whether another is needed: *more is 1 where the whole row is to be
 * pushed (again) from its first element, 0 where st_passes_finish may be called. There are at most 7 passes: the bits of an
 * element over 11, rounded up, and one. ST_E_STATE: the pass stopped short, or the elements were not those of the pass before.
 */
ST_API st_status st_passes_next(st_passes *passes, int32_t *more);

/*
 * Takes the next `count` elements of the pass, contiguous and aligned to their element. ST_E_NAN (rule ST_NAN_ERROR) names
 * the index; ST_E_STATE: no pass is under way, or the elements were not those of the pass before; ST_E_ARGUMENT: beyond the
 * length.
 */
ST_API st_status st_passes_push(st_passes *passes, const void *elements, int64_t count);

/*
 * Writes the window: hi - lo elements to values (of dtype) and indices; either may be NULL. ST_E_STATE before
 * st_passes_next has said that no more is needed, and after the first st_passes_finish.
 */
ST_API st_status st_passes_finish(st_passes *passes, void *values, int64_t *indices);

/* Frees at any point. NULL is allowed. */
ST_API void st_passes_close(st_passes *passes);

#ifdef __cplusplus
}
#endif

#endif
