/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* band_program.h - programs for band compaction on a WebGPU device. */
#ifndef ST_BACKENDS_WGPU_BAND_PROGRAM_H
#define ST_BACKENDS_WGPU_BAND_PROGRAM_H

#include "backends/wgpu/wgpu_program.h"
#include "spiraltorch/band.h"

/*
 * The program of a checked request with columns, for the layout's output rows: these are input rows, since there is no row
 * list, and there are no lengths and no strides of outputs. It finds what band.h says; rows are packed one after the other
 * from values_base and indices_base on, where there is room for `capacity` elements; an output of 0 bytes is not wanted.
 *
 * Two passes: pieces of rows count what they find, then read their columns again and write. Else a workgroup a row reads it
 * once, and what it finds goes through scratch; rows for which that has no room take two passes.
 *
 * After it, words [0, output_rows] of scratch say where each row starts, and the last of them how much was found; where that
 * is more than capacity, nothing is written. Allocates nothing. ST_E_CAPACITY as for st_wgpu_compose.
 */
st_status st_wgpu_compose_band(const st_band_request *request, int32_t two_passes, const st_wgpu_limits *limits,
                               const st_wgpu_layout *layout, uint64_t capacity, st_wgpu_program *program);

#endif
