/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * on_device.h - a case's data in the memory of the device that its plans run on, so that what is timed is the device's work and
 * not the copies. Devices without memory of their own, such as the CPU, run on the host's.
 */
#ifndef ST_CLI_ON_DEVICE_H
#define ST_CLI_ON_DEVICE_H

#include "spiraltorch/spiraltorch.h"

typedef struct st_on_device {
    st_memory *input, *values, *indices;
    uint64_t values_bytes, indices_bytes;
} st_on_device;

/* 1 where the device of a plan has memory of its own. */
int st_on_device_has_memory(st_context *context, const st_plan *plan);

/* Copies the plan's contiguous input there, and makes room for values and 64-bit indices. Closed in any case. */
st_status st_on_device_open(st_context *context, const st_plan *plan, const void *input, st_on_device *made);

/* Begins a plan for the same request `repetitions` times, one after the other, and waits for the last. */
st_status st_on_device_run(st_context *context, const st_plan *plan, const st_on_device *there, int64_t repetitions);

/* Copies the outputs back. */
st_status st_on_device_fetch(const st_on_device *there, void *values, int64_t *indices);

void st_on_device_close(st_on_device *there);

#endif
