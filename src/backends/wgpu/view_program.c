/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* view_program.c - the program for a strided view: a thread for each position. */
#include "backends/wgpu/view_program.h"

#include <string.h>

#include "backends/wgpu/wgpu_kernels.h"
#include "base/fail.h"

st_status st_wgpu_compose_view(const st_view *view, int64_t first, int64_t count, int64_t segment_length, int32_t outputs,
                               const st_wgpu_limits *limits, st_wgpu_program *program) {
    enum { THREADS = 256 };
    const uint32_t threads = limits->invocations < THREADS ? limits->invocations : THREADS;
    program->count = 0;
    program->scratch_bytes = 0;
    if (count == 0) return ST_OK;
    const uint64_t groups = ((uint64_t)count + threads - 1) / threads, most = limits->groups, bytes = (uint64_t)count * 4;
    if (bytes > limits->binding_bytes || groups > most * most)
        return st_fail(ST_E_CAPACITY, "%lld positions do not fit a binding of %llu bytes", (long long)count,
                       (unsigned long long)limits->binding_bytes);
    st_wgpu_step *step = &program->steps[program->count++];
    memset(step, 0, sizeof *step);
    step->variant = (st_wgpu_variant){.kernel = ST_WGPU_KERNEL_VIEW, .bits = 32, .workgroup = threads, .parts = 1};
    step->groups[0] = (uint32_t)(groups < most ? groups : most);
    step->groups[1] = (uint32_t)((groups + step->groups[0] - 1) / step->groups[0]);
    if (outputs & ST_OUT_INDICES) step->indices.bytes = bytes;
    if (outputs & ST_OUT_VALUES) step->values.bytes = bytes;
    st_wgpu_numbers *numbers = &step->numbers;
    numbers->groups_x = step->groups[0];
    numbers->rows = 1;
    numbers->pieces = (uint32_t)groups;
    numbers->first_col = (uint32_t)first;
    numbers->cols = (uint32_t)count;
    numbers->input_base = (uint32_t)view->base;
    numbers->flags = (outputs & ST_OUT_INDICES ? ST_WGPU_NUMBERS_INDICES : 0) | (outputs & ST_OUT_VALUES ? ST_WGPU_NUMBERS_VALUES : 0);
    for (int32_t i = 0; i < view->dimensions; i++) {
        numbers->extra[i] = (uint32_t)view->extents[i];
        numbers->extra[ST_VIEW_DIMENSIONS + i] = (uint32_t)view->strides[i];
    }
    numbers->extra[2 * ST_VIEW_DIMENSIONS] = (uint32_t)view->dimensions;
    numbers->extra[2 * ST_VIEW_DIMENSIONS + 1] = segment_length > UINT32_MAX ? UINT32_MAX : (uint32_t)segment_length;
    return ST_OK;
}
