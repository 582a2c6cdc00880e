/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * device.h - what a device can do (caps), the hints that follow from it, and the list of devices here.
 *
 * Caps describe absent hardware as well: a plan for it can be made, and read, but not run.
 */
#ifndef SPIRALTORCH_DEVICE_H
#define SPIRALTORCH_DEVICE_H

#include <stdint.h>

#include "context.h"
#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ST_BACKEND_CPU = 1, ST_BACKEND_WGPU = 2, ST_BACKEND_CUDA = 3, ST_BACKEND_HIP = 4, ST_BACKEND_MPS = 5, ST_BACKEND_CALLER = 6 };

/* A device's capabilities. Sizes are in bytes, bandwidth in bytes per second; 0 means not known. */
typedef struct st_device_caps {
    uint32_t struct_size; /* sizeof(st_device_caps) */
    int32_t backend;      /* ST_BACKEND_* */
    int32_t subgroup;     /* 1 where lanes can exchange registers */
    int32_t lanes;        /* lanes of a subgroup; on a CPU, 32-bit lanes of a vector register */
    int32_t max_workgroup;/* threads per workgroup; on a CPU, workers */
    int32_t compute_units;
    int64_t shared_mem;   /* shared memory per workgroup; on a CPU, the L1 data cache */
    int64_t l2_cache;
    int64_t l3_cache;
    double bandwidth;
} st_device_caps;

/*
 * Caps by backend. lanes and max_workgroup below 1 become 1; subgroup is 0 or 1.
 * st_caps_cpu describes the CPU this program runs on, as context-free detection sees it.
 */
ST_API st_device_caps st_caps_cpu(void);
ST_API st_device_caps st_caps_wgpu(int32_t lanes, int32_t subgroup, int32_t max_workgroup);
ST_API st_device_caps st_caps_cuda(int32_t lanes, int32_t max_workgroup);
ST_API st_device_caps st_caps_hip(int32_t lanes, int32_t max_workgroup);
ST_API st_device_caps st_caps_mps(int32_t lanes, int32_t max_workgroup);

/* Setters: each returns the caps with one field replaced (values below the field's least become the least). Thread-safe. */
ST_API st_device_caps st_caps_with_subgroup(st_device_caps caps, int32_t subgroup);
ST_API st_device_caps st_caps_with_max_workgroup(st_device_caps caps, int32_t max_workgroup);
ST_API st_device_caps st_caps_with_shared_mem(st_device_caps caps, int64_t bytes);

/*
 * Hints: what a careful person would choose for these caps with no measurement. Pure functions. Thread-safe.
 *
 * recommended_workgroup(rows): threads per workgroup, a multiple of lanes, at most max_workgroup.
 * recommended_tiles(cols): columns per sweep tile and per compaction tile (powers of two in [64, 65536]).
 * preferred_k_loop(k): depth of a lane's queue, 1 to 32. prefers_two_stage: 1 where splitting a row should pay.
 */
ST_API int32_t st_caps_recommended_workgroup(const st_device_caps *caps, int64_t rows);
ST_API void st_caps_recommended_tiles(const st_device_caps *caps, int64_t cols, int32_t *tile, int32_t *ctile);
ST_API int32_t st_caps_recommended_sweep_tile(const st_device_caps *caps, int64_t cols);
ST_API int32_t st_caps_recommended_compaction_tile(const st_device_caps *caps, int64_t cols);
ST_API int32_t st_caps_preferred_k_loop(const st_device_caps *caps, int64_t k);
ST_API int32_t st_caps_prefers_two_stage(const st_device_caps *caps, int64_t rows, int64_t cols, int64_t k);

/* One line of the device list. Strings are NUL-terminated. */
typedef struct st_device_info {
    uint32_t struct_size; /* sizeof(st_device_info), set by the caller */
    char id[32];          /* "cpu", "cuda:0" */
    char backend[16];     /* "cpu", "wgpu", "cuda", "hip", "mps", or a registered backend's name */
    char name[128];       /* the device's own name */
    char driver[64];      /* the driver's name and version; "" for a CPU */
    int32_t available;    /* 1 where plans can run on it */
    int32_t software;     /* 1 for a software adapter: auto never picks it */
    char reason[192];     /* why it is not available, or why auto passes it by; "" otherwise */
    st_device_caps caps;
} st_device_info;

/*
 * The devices of this context: all five backends always appear, then the caller's own.
 * st_device_count returns 0 for NULL. st_device_at fills *info for a position from 0.
 * ST_E_ARGUMENT: a NULL, a position out of range, or an unknown struct_size. Thread-safe.
 */
ST_API int32_t st_device_count(const st_context *context);
ST_API st_status st_device_at(const st_context *context, int32_t position, st_device_info *info);

#ifdef __cplusplus
}
#endif

#endif
