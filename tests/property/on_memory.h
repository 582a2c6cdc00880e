/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* on_memory.h - a configuration run where its data lies in a device's memory. */
#ifndef ON_MEMORY_H
#define ON_MEMORY_H

#include "rank_case.h"

/*
 * Copies the case's input and lists, and what the outputs hold, to the plan's device, runs the plan there through a fence, and
 * copies the outputs back. Places begin at offsets that are aligned to their elements and no more.
 */
st_status run_on_memory(st_context *context, const st_plan *plan, const rank_case *made, const st_rank_buffers *buffers,
                        size_t values_bytes, size_t indices_bytes);

#endif
