/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* device_state.h - what a device holds, for the files of this folder alone. */
#ifndef ST_BACKENDS_WGPU_NATIVE_DEVICE_STATE_H
#define ST_BACKENDS_WGPU_NATIVE_DEVICE_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "backends/wgpu/native/buffers.h"
#include "backends/wgpu/native/pipelines.h"
#include "backends/wgpu/native/record.h"

/* The library and its instance, shared by the devices that were found together. */
typedef struct st_wgpu_connection {
    st_host host;
    _Atomic int32_t users;
    st_wgpu_library library;
    WGPUInstance instance;
} st_wgpu_connection;

enum { ST_WGPU_CLOSED = 0, ST_WGPU_OPEN = 1, ST_WGPU_BROKEN = 2 };

/* A pipeline of the cache. */
typedef struct st_wgpu_cached {
    st_wgpu_variant variant;
    WGPUComputePipeline pipeline; /* NULL while a thread compiles it */
    int32_t taken;                /* 1 where the entry is in use */
    uint64_t asked;               /* when it was last asked for */
} st_wgpu_cached;

struct st_wgpu_device {
    st_host host;
    st_wgpu_connection *connection;
    WGPUAdapter adapter; /* NULL for a caller's device */
    st_device_info info;
    WGPULimits wanted; /* what is asked of the adapter */
    int32_t subgroups; /* 1 where the device has them, and they are not refused */
    double timeout;

    pthread_mutex_t opening;
    _Atomic int32_t state; /* ST_WGPU_CLOSED... */
    st_wgpu_opened opened;

    /* How it was lost: 0 not at all, 1 being written down, 2 as said in `why`. */
    _Atomic int32_t lost;
    char why[256];

    pthread_mutex_t calls; /* held in a scope, to submit and to poll */
    WGPUErrorType heard;   /* in this scope; under calls, like all down to `mapped` but for what is atomic */
    char error[400];
    uint64_t submitted; /* tickets given out */
    _Atomic uint64_t completed;
    uint64_t asked;            /* callbacks that are to come */
    _Atomic uint64_t answered; /* those that have come */
    uint64_t mapped;           /* readbacks that are being read */
    pthread_cond_t unmapped;

    pthread_mutex_t shelves;
    st_wgpu_buffer *idle[ST_WGPU_USES]; /* last given first */
    uint64_t idle_bytes[ST_WGPU_USES];

    WGPUBindGroupLayout bindings;
    WGPUPipelineLayout layout;
    WGPUBuffer nothing[2]; /* for bindings that are not used: read only, and written */
    pthread_mutex_t cache;
    pthread_cond_t compiled;
    uint64_t clock, compilations; /* under cache */
    st_wgpu_cached pipelines[ST_WGPU_MOST_PIPELINES];
};

/* A device that is neither open nor known to any adapter. ST_E_MEMORY. */
st_status st_wgpu_device_new(const st_host *host, st_wgpu_connection *connection, const st_wgpu_settings *settings,
                             st_wgpu_device **device);

st_status st_wgpu_connection_open(const st_host *host, const char *library, st_wgpu_connection **connection);
void st_wgpu_connection_drop(st_wgpu_connection *connection);

/* Writes down how the device was lost, unless it is known already. From any thread, callbacks too. */
void st_wgpu_device_lose(st_wgpu_device *device, const char *why, size_t length);

/* What opening and closing do for the other files' parts. The first is undone by the second, even where it failed. */
st_status st_wgpu_pipelines_open(st_wgpu_device *device);
void st_wgpu_pipelines_close(st_wgpu_device *device);
void st_wgpu_buffers_close(st_wgpu_device *device);

/* Looks for what has come to its end, and calls the callbacks that waited for it. Outside a scope. */
void st_wgpu_poll(st_wgpu_device *device);

/*
 * Polls until *answer is at least `least`, or so many seconds are over: 1 where it is. Stops early when the device is lost,
 * unless even_lost is 1.
 */
int st_wgpu_await(st_wgpu_device *device, _Atomic uint64_t *answer, uint64_t least, double seconds, int even_lost);

/* Measures the size of a subgroup: 0 where it is not one number. */
st_status st_wgpu_lanes_measure(st_wgpu_device *device, uint32_t *lanes);

/* A WebGPU string. */
static inline WGPUStringView st_wgpu_string(const char *text) { return (WGPUStringView){text, WGPU_STRLEN}; }

#endif
