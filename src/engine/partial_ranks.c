/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* partial_ranks.c - bands, streams and merges: checked here, run by the CPU's kernels. */
#include <stddef.h>

#include "backends/cpu/cpu_backend.h"
#include "base/fail.h"
#include "engine/context_state.h"
#include "rank/request.h"
#include "rank/streaming.h"

static const st_backend *cpu_of(const st_context *context) { return &context->registry.items[ST_BACKEND_CPU - 1].backend; }

st_status st_band_compact(st_context *context, const st_band_request *request, const st_band_buffers *buffers) {
    st_band_request resolved;
    if (context == NULL) return st_fail(ST_E_ARGUMENT, "context is NULL");
    const st_status status = st_band_check(request, buffers, context->threads, &resolved);
    if (status != ST_OK || resolved.rows == 0) return status;
    const st_backend_services services = st_services_of(context, resolved.threads);
    return st_cpu_band(cpu_of(context), &resolved, buffers, &services);
}

st_status st_stream_open(st_context *context, const st_stream_options *options, st_stream **stream) {
    if (context == NULL) return st_fail(ST_E_ARGUMENT, "context is NULL");
    if (stream == NULL) return st_fail(ST_E_ARGUMENT, "stream is NULL; give the address of a pointer");
    *stream = NULL;
    const st_status status = st_stream_check(options);
    return status == ST_OK ? st_cpu_stream_open(cpu_of(context), &context->host, options, stream) : status;
}

st_status st_rank_merge(st_context *context, const st_merge_request *request, void *values, int64_t *indices) {
    if (context == NULL) return st_fail(ST_E_ARGUMENT, "context is NULL");
    const st_status status = st_merge_check(request, values, indices);
    if (status != ST_OK || request->k == 0) return status;
    return st_merge_partials(&context->host, request, values, indices);
}
