/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* fit.h - what executions on host memory and on device memory share: the Choice as this device can run it, and its answer. */
#ifndef ST_WGPU_FIT_H
#define ST_WGPU_FIT_H

#include "backends/wgpu/native/record.h"
#include "backends/wgpu/wgpu_run.h"

/* Bytes rounded up to whole words, as copies and bindings count them. */
static inline uint64_t st_wgpu_words(uint64_t bytes) { return (bytes + 3) / 4 * 4; }

/*
 * A plan's Choice, fitted to the opened device: its subgroups may be none, or of another width than the list of devices said. It
 * avoids what runs met before, and *avoided says which of ST_WGPU_FLAG_* that is: a run that comes back with another is
 * worth a second try.
 */
st_choice st_wgpu_fit(const st_wgpu_self *self, const st_wgpu_opened *opened, const st_plan *plan, uint32_t *avoided);

/*
 * Composes a program for layout->output_rows rows, or, where they do not fit, half as many, and so on: the layout says how many
 * it became. packed: the buffers are made for these rows, one after the other, and their sizes in the layout follow. With one
 * row left ST_E_UNSUPPORTED and the reason; others as st_wgpu_compose.
 */
st_status st_wgpu_compose_some(const st_rank_request *request, const st_choice *choice, const st_wgpu_opened *opened, int packed,
                               st_wgpu_layout *layout, st_wgpu_program *program);

/* Takes a pool's buffer of st_wgpu_state and fills it for a new execution. */
st_status st_wgpu_state_take(st_wgpu_device *device, st_wgpu_buffer **state);

/* What a run fails with whose state has ST_WGPU_FLAG_LOOPS although it was avoided. */
st_status st_wgpu_cut_loop(void);

#endif
