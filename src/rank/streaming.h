/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* streaming.h - opening streams and counting passes with the kernels they will use; the public calls do the rest. */
#ifndef ST_RANK_STREAMING_H
#define ST_RANK_STREAMING_H

#include "rank/scanner.h"
#include "spiraltorch/host.h"
#include "spiraltorch/passes.h"
#include "spiraltorch/stream.h"

/* options are checked already. The host is copied. ST_E_MEMORY. */
st_status st_stream_start(const st_host *host, const st_stream_options *options, const st_scanner *scanner, st_stream **stream);

/* The same for counting passes; options->length is known and at least hi, candidates at least 0. */
st_status st_passes_start(const st_host *host, const st_stream_options *options, int64_t candidates, const st_scanner *scanner,
                          st_passes **passes);

/* Merges checked partials. ST_E_MEMORY; ST_E_NAN names part and position. */
st_status st_merge_partials(const st_host *host, const st_merge_request *request, void *values, int64_t *indices);

#endif
