/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * wgpu_devices.h - the WebGPU device that tests run on: the first one here, with the environment's ST_WGPU_* heard.
 *
 * ST_TEST_WGPU holds a part of the name that it must have; a test then fails where it would otherwise be skipped.
 */
#ifndef ST_TEST_WGPU_DEVICES_H
#define ST_TEST_WGPU_DEVICES_H

#include "backends/wgpu/adapters.h"

/* NULL: there is none, which has been said on standard output. Not open yet; for st_wgpu_device_close. */
st_wgpu_device *st_test_wgpu_device(void);

#endif
