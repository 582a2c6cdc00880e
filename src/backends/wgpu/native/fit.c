/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* fit.c - from a plan to a program that this device runs. */
#include "backends/wgpu/native/fit.h"

#include "base/fail.h"
#include "device/gpu_rules.h"

st_choice st_wgpu_fit(const st_wgpu_self *self, const st_wgpu_opened *opened, const st_plan *plan, uint32_t *avoided) {
    st_choice choice = plan->choice;
    st_device_caps caps = plan->caps;
    const st_wgpu_limits *limits = &opened->limits;
    *avoided = atomic_load(&self->met);
    caps.subgroup = limits->lanes > 0 && !(*avoided & ST_WGPU_FLAG_LANES);
    if (limits->lanes > 0) caps.lanes = (int32_t)limits->lanes;
    if (caps.max_workgroup > (int32_t)limits->invocations) caps.max_workgroup = (int32_t)limits->invocations;
    caps.shared_mem = limits->shared_bytes;
    if (*avoided & ST_WGPU_FLAG_LOOPS) {
        /* Loops are shortest with many threads, and in the family that has no sort of more steps than the row has columns. */
        choice.wg = caps.max_workgroup;
        if (choice.mk == ST_MK_BITONIC) {
            choice.mk = ST_MK_RADIX;
            choice.mkd = ST_MKD_AUTO;
        }
    }
    st_gpu_normalise(&plan->request, &caps, &choice, NULL);
    return choice;
}

static void size_packed(const st_rank_request *request, st_wgpu_layout *layout) {
    const uint64_t rows = layout->output_rows, size = (uint64_t)st_dtype_size(request->dtype), index_size = request->index_dtype == ST_I32 ? 4 : 8;
    layout->input_bytes = st_wgpu_words(rows * (uint64_t)request->cols * size);
    layout->values_bytes = request->outputs & ST_OUT_VALUES ? st_wgpu_words(rows * layout->values_stride * size) : 0;
    layout->indices_bytes = request->outputs & ST_OUT_INDICES ? rows * layout->indices_stride * index_size : 0;
}

st_status st_wgpu_compose_some(const st_rank_request *request, const st_choice *choice, const st_wgpu_opened *opened, int packed,
                               st_wgpu_layout *layout, st_wgpu_program *program) {
    char reason[ST_MESSAGE_BYTES];
    for (;;) {
        st_rank_request some = *request;
        if (packed) {
            some.rows = (int64_t)layout->output_rows;
            size_packed(request, layout);
        }
        const st_status status = st_wgpu_compose(&some, choice, &opened->limits, layout, program);
        if (status != ST_E_CAPACITY) return status;
        if (layout->output_rows == 1) break;
        layout->output_rows = (layout->output_rows + 1) / 2;
    }
    st_message_copy(reason);
    return st_fail(ST_E_UNSUPPORTED, "%s", reason);
}

st_status st_wgpu_state_take(st_wgpu_device *device, st_wgpu_buffer **state) {
    static const uint32_t fresh[ST_WGPU_STATE_WORDS] = {[ST_WGPU_STATE_NAN_ROW] = UINT32_MAX, [ST_WGPU_STATE_NAN_COLUMN] = UINT32_MAX};
    st_status status = st_wgpu_buffer_take(device, ST_WGPU_USE_STORAGE, sizeof fresh, state);
    if (status != ST_OK) return status;
    if ((status = st_wgpu_upload(device, (*state)->handle, 0, fresh, sizeof fresh)) == ST_OK) return ST_OK;
    st_wgpu_buffer_give(device, *state);
    *state = NULL;
    return status;
}

st_status st_wgpu_cut_loop(void) {
    return st_fail(ST_E_UNSUPPORTED, "this device's driver ended a kernel's loops before their time, with the most threads too; a smaller window or shorter rows may run");
}
