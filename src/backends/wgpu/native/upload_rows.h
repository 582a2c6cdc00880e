/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* upload_rows.h - a caller's rows into a buffer, one after the other. */
#ifndef ST_WGPU_UPLOAD_ROWS_H
#define ST_WGPU_UPLOAD_ROWS_H

#include "backends/wgpu/native/buffers.h"
#include "backends/wgpu/rows.h"

/* A chunk large enough that its copies run at full speed, small enough that there are others to overlap with. */
enum { ST_WGPU_CHUNK_BYTES = 1 << 26 };

/*
 * Uploads `count` rows to the buffer's start, packed, by way of a block of ST_WGPU_PACK_BYTES where they do not lie so; the last
 * word is filled up.
 */
st_status st_wgpu_upload_rows(st_wgpu_device *device, const st_wgpu_rows *rows, int64_t count, void *pack, WGPUBuffer buffer);

#endif
