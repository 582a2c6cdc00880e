/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * device.h - a WebGPU device while it runs: opened at first use, shared by threads, lost once and for all.
 *
 * Unless it says otherwise, a call may be made from any thread, needs an opened device, and fails with ST_E_DEVICE when the
 * device is lost, saying how that came. wgpu-native ends the process when commands are submitted to a device that is lost,
 * so nobody but record.h's st_wgpu_submit does.
 */
#ifndef ST_BACKENDS_WGPU_NATIVE_DEVICE_H
#define ST_BACKENDS_WGPU_NATIVE_DEVICE_H

#include "backends/wgpu/adapters.h"
#include "backends/wgpu/native/library.h"
#include "backends/wgpu/wgpu_program.h"

/* What an opened device is; constant while it lives. */
typedef struct st_wgpu_opened {
    const st_wgpu_table *call;  /* wgpu-native's functions, without the prefix: call->DeviceCreateBuffer(...) */
    WGPUInstance instance;
    WGPUDevice device;
    WGPUQueue queue;
    st_wgpu_limits limits;      /* lanes: measured, 0 where they are not one number or subgroups are refused */
    uint64_t buffer_bytes;      /* largest buffer */
    uint32_t uniform_alignment; /* of uniform bindings' offsets, in bytes */
} st_wgpu_opened;

/*
 * Opens the device unless it is open. Every execution begins with this; once open, it costs a load. One of several threads
 * opens, the others wait for it. A failure to open is final and told again. *opened may be NULL.
 */
st_status st_wgpu_device_open(st_wgpu_device *device, const st_wgpu_opened **opened);

/*
 * Makes an open device of a caller's WGPUDevice, made by the same copy of wgpu-native (ST_WGPU_LIBRARY, or the one that the
 * process is linked with); a reference to each is taken, and given back by st_wgpu_device_close.
 * The caller does not pop error scopes that it has not pushed, nor destroys the device during a call.
 * ST_E_DEVICE; ST_E_UNSUPPORTED; ST_E_MEMORY.
 */
st_status st_wgpu_device_adopt(const st_host *host, const st_wgpu_settings *settings, WGPUInstance instance, WGPUDevice device,
                               st_wgpu_device **adopted);

/*
 * Every call into wgpu-native that can fail stands between these two. Error scopes belong to a device, not to a thread, so
 * entering takes the device's lock, and leaving gives it back: no waiting in between, no second entering.
 * Leaving returns ST_OK, ST_E_MEMORY where the memory did not suffice, ST_E_DEVICE where the device is lost, ST_E_UNSUPPORTED where
 * wgpu-native refused what it was told; the message begins with what (a kernel's name, "upload").
 */
void st_wgpu_scope_enter(st_wgpu_device *device);
st_status st_wgpu_scope_leave(st_wgpu_device *device, const char *what);

/* ST_OK, or ST_E_DEVICE with how the device was lost. Before opening, too. */
st_status st_wgpu_device_check(const st_wgpu_device *device);

/* Destroys the device under whatever runs on it: for tests, and for a device that has stopped answering. */
void st_wgpu_device_kill(st_wgpu_device *device, const char *reason);

/* The most seconds that one wait may take. */
double st_wgpu_device_timeout(const st_wgpu_device *device);

/* Objects that wgpu-native holds for all devices of this instance: what tests watch for leaks. */
typedef struct st_wgpu_counts {
    uint64_t devices, buffers, bind_groups, shader_modules, pipelines, command_buffers;
} st_wgpu_counts;
void st_wgpu_device_counts(const st_wgpu_device *device, st_wgpu_counts *counts);

#endif
