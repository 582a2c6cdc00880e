/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* partial_ranks.c - streams, counting passes and merges: checked here, run by the CPU's kernels. */
#include <stddef.h>

#include "backends/cpu/cpu_backend.h"
#include "base/fail.h"
#include "engine/context_state.h"
#include "rank/request.h"
#include "rank/streaming.h"

static const st_backend *cpu_of(const st_context *context) { return &context->registry.items[ST_BACKEND_CPU - 1].backend; }

st_status st_stream_open(st_context *context, const st_stream_options *options, st_stream **stream) {
    if (context == NULL) return st_fail(ST_E_ARGUMENT, "context is NULL");
    if (stream == NULL) return st_fail(ST_E_ARGUMENT, "stream is NULL; give the address of a pointer");
    *stream = NULL;
    const st_status status = st_stream_check(options);
    if (status != ST_OK) return status;
    const st_scanner scanner = st_cpu_scanner(cpu_of(context), options->dtype);
    return st_stream_start(&context->host, options, &scanner, stream);
}

st_status st_passes_open(st_context *context, const st_stream_options *options, int64_t candidates, st_passes **passes) {
    if (context == NULL) return st_fail(ST_E_ARGUMENT, "context is NULL");
    if (passes == NULL) return st_fail(ST_E_ARGUMENT, "passes is NULL; give the address of a pointer");
    *passes = NULL;
    const st_status status = st_stream_check(options);
    if (status != ST_OK) return status;
    if (options->length < options->hi)
        return st_fail(ST_E_ARGUMENT, "options.length is %lld; passes need the row's length, at least hi, which is %lld",
                       (long long)options->length, (long long)options->hi);
    if (candidates < 0) return st_fail(ST_E_ARGUMENT, "candidates is %lld; it must be at least 0", (long long)candidates);
    const st_scanner scanner = st_cpu_scanner(cpu_of(context), options->dtype);
    return st_passes_start(&context->host, options, candidates, &scanner, passes);
}

st_status st_rank_merge(st_context *context, const st_merge_request *request, void *values, int64_t *indices) {
    if (context == NULL) return st_fail(ST_E_ARGUMENT, "context is NULL");
    const st_status status = st_merge_check(request, values, indices);
    if (status != ST_OK || request->k == 0) return status;
    return st_merge_partials(&context->host, request, values, indices);
}
