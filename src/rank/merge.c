/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* merge.c - the k first of the union of partial selections. */
#include <string.h>

#include "base/checked.h"
#include "base/fail.h"
#include "base/memory.h"
#include "rank/carried.h"
#include "rank/order.h"
#include "rank/streaming.h"
#include "spiraltorch/rank.h"

/* Appends the entries of one part. */
static st_status gather(const st_merge_request *request, const st_order *order, int32_t part, st_carried *entries, size_t *count) {
    const size_t size = order->bits / 8;
    const char *values = request->values[part];
    const int64_t *indices = request->indices[part];
    for (int64_t i = 0; i < request->widths[part]; i++) {
        if (indices[i] < 0) continue;
        const uint64_t bits = st_element_bits(values + (size_t)i * size, order->bits);
        if (request->nan_rule == ST_NAN_ERROR && (bits & (order->mask >> 1)) > order->infinity)
            return st_fail(ST_E_NAN, "values[%d]: element %lld is NaN, and the rule is error", part, (long long)i);
        entries[(*count)++] = (st_carried){st_key_of(order, bits), (uint64_t)indices[i], bits};
    }
    return ST_OK;
}

st_status st_merge_partials(const st_host *host, const st_merge_request *request, void *values, int64_t *indices) {
    if (request->k == 0) return ST_OK;
    const size_t size = (size_t)st_dtype_size(request->dtype);
    const st_order order = st_order_of(request->dtype, request->descending, request->nan_rule);
    size_t total = 0, bytes = 0, count = 0;
    for (int32_t part = 0; part < request->parts; part++)
        if (!st_add_size(total, (size_t)request->widths[part], &total)) total = SIZE_MAX;
    if (!st_multiply_size(total, sizeof(st_carried), &bytes)) return st_fail(ST_E_MEMORY, "widths: the parts do not fit in memory");
    st_carried *entries = st_allocate(host, bytes);
    if (entries == NULL && bytes > 0) return st_fail(ST_E_MEMORY, "no memory for %zu entries", total);
    st_status status = ST_OK;
    for (int32_t part = 0; part < request->parts && status == ST_OK; part++)
        status = gather(request, &order, part, entries, &count);
    if (status == ST_OK) {
        const size_t k = (size_t)request->k, width = k < count ? k : count;
        if (width > 0) st_carried_window(entries, count, 0, width, request->order == ST_UNSORTED, 0);
        st_carried_emit(entries, width, order.bits, 0, values, indices);
        if (values != NULL) memset((char *)values + width * size, 0, (k - width) * size);
        for (size_t i = width; indices != NULL && i < k; i++) indices[i] = -1;
    }
    st_release(host, entries, bytes);
    return status;
}
