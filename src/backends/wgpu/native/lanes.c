/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* lanes.c - measures how many lanes a subgroup has, by asking from inside a kernel. */
#include <string.h>

#include "backends/wgpu/native/device_state.h"
#include "base/fail.h"

enum { THREADS = 128, LARGEST = 1, SMALLEST = 2 }; /* words of the state: the second starts at ~0 */

static st_status write_text(const st_wgpu_variant *variant, char *text, size_t capacity, size_t *length) {
    static const char kernel[] = "@group(0) @binding(6) var<storage, read_write> state: array<atomic<u32>>;\n"
                                 "@compute @workgroup_size(128) fn main(@builtin(subgroup_size) size: u32) {\n"
                                 "    atomicMax(&state[1], size);\n"
                                 "    atomicMin(&state[2], size);\n"
                                 "}\n";
    (void)variant;
    *length = sizeof kernel - 1;
    if (capacity <= *length) return ST_E_CAPACITY;
    memcpy(text, kernel, sizeof kernel);
    return ST_OK;
}

st_status st_wgpu_lanes_measure(st_wgpu_device *device, uint32_t *lanes) {
    const uint32_t before[ST_WGPU_STATE_WORDS] = {[SMALLEST] = UINT32_MAX};
    uint32_t after[ST_WGPU_STATE_WORDS];
    const st_wgpu_step step = {.variant = {.kernel = UINT32_MAX, .workgroup = THREADS}, .groups = {4, 1}};
    st_wgpu_program program;
    st_wgpu_buffer *state, *numbers = NULL;
    WGPUCommandEncoder encoder = NULL;
    *lanes = 0;
    memset(&program, 0, sizeof program);
    program.count = 1;
    program.steps[0] = step;
    st_status status = st_wgpu_buffer_take(device, ST_WGPU_USE_STORAGE, sizeof before, &state);
    if (status != ST_OK) return status;
    const st_wgpu_bindings bindings = {.span = {[ST_WGPU_STATE] = {state->handle, 0, state->bytes}}};
    status = st_wgpu_upload(device, state->handle, 0, before, sizeof before);
    if (status == ST_OK) status = st_wgpu_encoder(device, &encoder);
    if (status == ST_OK) {
        status = st_wgpu_record(device, &program, &bindings, write_text, encoder, &numbers);
        if (status == ST_OK)
            status = st_wgpu_submit(device, encoder, "measuring subgroups", NULL);
        else
            st_wgpu_encoder_drop(device, encoder);
    }
    if (status == ST_OK) status = st_wgpu_download(device, state->handle, 0, after, sizeof after);
    if (status == ST_OK && after[LARGEST] == after[SMALLEST]) *lanes = after[LARGEST];
    st_wgpu_buffer_give(device, numbers);
    st_wgpu_buffer_give(device, state);
    return status;
}
