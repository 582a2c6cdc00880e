/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* view_program.h - the elements and segments of a strided view's positions, on a WebGPU device. */
#ifndef ST_BACKENDS_WGPU_VIEW_PROGRAM_H
#define ST_BACKENDS_WGPU_VIEW_PROGRAM_H

#include "backends/wgpu/wgpu_program.h"
#include "spectral/view.h"

/*
 * The program that does st_view_index for a checked view: words [0, count) of INDICES become elements, those of VALUES
 * segments; which of them are wanted is `outputs`, of ST_OUT_INDICES and ST_OUT_VALUES. Nothing else is read or written.
 * Allocates nothing. ST_E_CAPACITY: a binding does not hold so many words, and the caller takes fewer positions at a time.
 */
st_status st_wgpu_compose_view(const st_view *view, int64_t first, int64_t count, int64_t segment_length, int32_t outputs,
                               const st_wgpu_limits *limits, st_wgpu_program *program);

#endif
