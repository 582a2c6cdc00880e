/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* upload_rows.c - rows go up as they lie, where they lie packed; else in blocks. */
#include "backends/wgpu/native/upload_rows.h"

#include <string.h>

#include "backends/wgpu/native/fit.h"

st_status st_wgpu_upload_rows(st_wgpu_device *device, const st_wgpu_rows *rows, int64_t count, void *pack, WGPUBuffer buffer) {
    const int64_t size = st_dtype_size(rows->request->dtype), elements = count * rows->request->cols, bytes = elements * size;
    const char *there = st_wgpu_rows_in_place(rows, count);
    if (there != NULL) {
        const int64_t whole = bytes / 4 * 4;
        uint32_t last = 0;
        memcpy(&last, there + whole, (size_t)(bytes - whole));
        st_status status = whole > 0 ? st_wgpu_upload(device, buffer, 0, there, (uint64_t)whole) : ST_OK;
        if (status == ST_OK && bytes > whole) status = st_wgpu_upload(device, buffer, (uint64_t)whole, &last, sizeof last);
        return status;
    }
    const int64_t span = ST_WGPU_PACK_BYTES / size;
    for (int64_t from = 0; from < elements; from += span) {
        const int64_t some = elements - from < span ? elements - from : span;
        st_wgpu_rows_pack(rows, from, some, pack);
        const st_status status = st_wgpu_upload(device, buffer, (uint64_t)(from * size), pack, st_wgpu_words((uint64_t)(some * size)));
        if (status != ST_OK) return status;
    }
    return ST_OK;
}
