/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * adapters.h - the devices that wgpu-native finds here. No WebGPU type is in it, so that code without webgpu.h can list devices.
 */
#ifndef ST_BACKENDS_WGPU_ADAPTERS_H
#define ST_BACKENDS_WGPU_ADAPTERS_H

#include "spiraltorch/device.h"
#include "spiraltorch/host.h"
#include "spiraltorch/status.h"

/* A device, open or not yet: listed, it costs nothing but its name. device.h has what it can do. */
typedef struct st_wgpu_device st_wgpu_device;

/* How devices are looked for and opened; the environment's variables of the same names, read by the caller. */
typedef struct st_wgpu_settings {
    const char *library;  /* an option's, or ST_WGPU_LIBRARY: a path, or "none"; NULL: the usual names */
    int32_t floor_limits; /* ST_WGPU_LIMITS=floor: what every WebGPU device has, whatever the adapter could do */
    int32_t no_subgroups; /* ST_WGPU_SUBGROUPS=0 */
    double timeout;       /* ST_WGPU_TIMEOUT: the most seconds that one wait may take; 0: 60 */
} st_wgpu_settings;

enum { ST_WGPU_MOST_ADAPTERS = 8 };

/*
 * Opens wgpu-native and lists its adapters, those of hardware before software ones, without opening any. *count devices are
 * the caller's, each to be closed with st_wgpu_device_close; they share the library, which goes with the last of them.
 * settings->library need not outlive the call.
 * ST_E_DEVICE: no library, one of another version, or no adapter: the message is made to be shown as the reason in a list of
 * devices; ST_E_MEMORY. From any thread.
 */
st_status st_wgpu_adapters_find(const st_host *host, const st_wgpu_settings *settings,
                                st_wgpu_device *devices[ST_WGPU_MOST_ADAPTERS], int32_t *count);

/*
 * What a list of devices says: id wgpu:N, name, driver, caps, software. lanes is what is known of this vendor's hardware:
 * wgpu-native 29 does not tell, and only an opened device can measure it (limits.lanes, device.h). From any thread.
 */
void st_wgpu_device_info(const st_wgpu_device *device, st_device_info *info);

/*
 * Waits for what was submitted, bounded, and frees the device and all that it pools. NULL is allowed. No other call on the
 * device may be under way. What the driver does not finish is left to it, with its memory.
 */
void st_wgpu_device_close(st_wgpu_device *device);

#endif
