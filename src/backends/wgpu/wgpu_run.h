/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* wgpu_run.h - what the backend's table hands on to a device; compiled where webgpu.h is. */
#ifndef ST_WGPU_RUN_H
#define ST_WGPU_RUN_H

#include <stdatomic.h>

#include "backends/wgpu/adapters.h"
#include "backends/wgpu/wgpu_program.h"
#include "spiraltorch/backend.h"

/* A backend's self. */
typedef struct st_wgpu_self {
    st_host host;
    st_wgpu_device *device; /* NULL: none */
    _Atomic uint32_t met;   /* ST_WGPU_FLAG_* that runs came back with: from then on plans are fitted so as to avoid them */
} st_wgpu_self;

/* What one execution on host memory works in: its program, and a block that rows are packed in. */
enum { ST_WGPU_PACK_BYTES = 1 << 18 };
typedef struct st_wgpu_workspace {
    st_wgpu_program program;
    uint64_t pack[ST_WGPU_PACK_BYTES / sizeof(uint64_t)];
} st_wgpu_workspace;

/* A plan, or a band, on checked host memory, and the device's memory for memory.h. */
st_status st_wgpu_run(st_wgpu_self *self, const st_plan *plan, const st_rank_buffers *buffers);
st_status st_wgpu_band(st_wgpu_self *self, const st_band_request *request, const st_band_buffers *buffers);
extern const st_backend_memory st_wgpu_memory_calls;

/* As the calls of wgpu_backend.h with these names. */
st_status st_wgpu_wrap(st_wgpu_self *self, void *buffer, void **memory, uint64_t *bytes);
st_status st_wgpu_record_resident(st_wgpu_self *self, const st_plan *plan, const st_backend_buffers *buffers, void *encoder,
                                  void **recording);
st_status st_wgpu_recorded(st_wgpu_self *self, void *recording, uint64_t timeout_ns, int32_t *done);
void st_wgpu_forget(st_wgpu_self *self, void *recording);

#endif
