/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bands.c - band compaction: checked here, and run by the device that is named, or that auto expects to be done first. */
#include "spiraltorch/band.h"

#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "engine/planning.h"
#include "rank/request.h"

/*
 * A band is read as the first rank of each row is, by every device; how much it leaves is not known before, so what comes back is
 * counted as if there were as much as the caller has room for.
 */
static void likened(const st_band_request *request, const st_band_buffers *buffers, st_rank_request *read, st_rank_request *copied) {
    st_rank_request_init(read, ST_BOTTOMK, request->rows, request->cols, 1);
    read->dtype = request->dtype;
    read->index_dtype = request->index_dtype;
    read->threads = request->threads;
    read->row_stride = request->row_stride;
    read->col_stride = request->col_stride;
    *copied = *read;
    copied->outputs = (buffers->values != NULL ? ST_OUT_VALUES : 0) | (buffers->indices != NULL ? ST_OUT_INDICES : 0);
    const int64_t room = copied->outputs == 0 ? 0 : buffers->capacity / request->rows;
    copied->k = room < request->cols ? room : request->cols;
}

/* Among auto's devices that have kernels for bands, the one that should be done first. */
static st_status pick(const st_context *context, const st_band_request *request, const st_band_buffers *buffers, int32_t *position) {
    const st_automatic *automatic = &context->automatic;
    st_rank_request read, copied;
    st_target target = {.automatic = 1};
    double least = 0;
    int found = 0;
    likened(request, buffers, &read, &copied);
    const st_status status = st_request_check(&read, request->threads, &target.request);
    if (status != ST_OK) return status;
    for (int32_t i = 0; i < automatic->count; i++) {
        const int32_t at = automatic->devices[i].position;
        double ns = INFINITY; /* where there is another */
        if (context->registry.items[at].backend.band == NULL) continue;
        if (automatic->count > 1) st_target_ns(context, i, &copied, &target, &ns);
        if (found && ns >= least) continue;
        found = 1;
        least = ns;
        *position = at;
    }
    if (found) return ST_OK;
    return st_fail(ST_E_DEVICE, "device auto: none of ST_DEVICE_AUTO_PRIORITIES (%s) compacts bands here; add cpu", automatic->priorities);
}

static st_status find_named(const st_context *context, const char *id, int32_t *position) {
    const st_status status = st_device_find(context, id, position);
    if (status != ST_OK || context->registry.items[*position].backend.band != NULL) return status;
    return st_fail(ST_E_UNSUPPORTED, "device %s has no kernels for bands; use another, or \"auto\"", id);
}

static st_status compact_on(const st_context *context, int32_t position, const st_band_request *request, const st_band_buffers *buffers) {
    const st_registered *registered = &context->registry.items[position];
    const st_backend_services services = st_services_of(context, request->threads);
    char before[ST_MESSAGE_BYTES];
    st_executor_begin(registered, before);
    return st_executor_end(registered, before, registered->backend.band(registered->backend.self, request, buffers, &services));
}

st_status st_band_compact(st_context *context, const st_band_request *request, const st_band_buffers *buffers) {
    st_band_request resolved;
    int32_t position = 0;
    if (context == NULL) return st_fail(ST_E_ARGUMENT, "context is NULL");
    st_status status = st_band_check(request, buffers, context->threads, &resolved);
    if (status != ST_OK) return status;
    const int automatic = resolved.device == NULL || strcmp(resolved.device, "auto") == 0;
    if (!automatic && (status = find_named(context, resolved.device, &position)) != ST_OK) return status;
    if (resolved.rows == 0) return ST_OK;
    if (resolved.cols == 0) {
        memset(buffers->counts, 0, (size_t)resolved.rows * sizeof *buffers->counts);
        return ST_OK;
    }
    if (automatic && (status = pick(context, &resolved, buffers, &position)) != ST_OK) return status;
    status = compact_on(context, position, &resolved, buffers);
    if (status == ST_OK || !automatic || !st_automatic_stands_in(&context->automatic, position, status)) return status;
    st_automatic_fail(&context->automatic, position, status);
    return compact_on(context, ST_BACKEND_CPU - 1, &resolved, buffers);
}
