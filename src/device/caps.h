/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* caps.h - what the library itself asks of a device's capabilities. */
#ifndef ST_DEVICE_CAPS_H
#define ST_DEVICE_CAPS_H

#include "base/processor.h"
#include "spiraltorch/device.h"

/* The caps of a processor for calls of up to `threads` workers. */
st_device_caps st_caps_of_processor(const st_processor *processor, int32_t threads);

/* Checks caps that a caller made. ST_E_ARGUMENT names the field. */
st_status st_caps_check(const st_device_caps *caps);

/*
 * Shared memory per workgroup that a plan may count on: what the caps say, or, where they say nothing, what every device
 * of the backend has.
 */
int64_t st_caps_shared_budget(const st_device_caps *caps);

/* "cpu", "wgpu", "cuda", "hip", "mps" for ST_BACKEND_CPU to ST_BACKEND_MPS; NULL for any other number. */
const char *st_backend_name(int32_t backend);

#endif
