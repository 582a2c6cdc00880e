/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gpu_rules.h - which Choices are legal on the GPU backends, and how they are fitted to a device. */
#ifndef ST_DEVICE_GPU_RULES_H
#define ST_DEVICE_GPU_RULES_H

#include "device/normalise.h"

/* 1 for wgpu, cuda, hip and mps. */
int st_is_gpu(int32_t backend);

/* 1 where (mk, mkd) is legal for a kind; the same on all four. */
int st_gpu_legal(int32_t kind, int32_t mk, int32_t mkd);

/* Candidates that one row must keep, counted from the nearer end of the row. */
int64_t st_gpu_kept(const st_rank_request *request);

/* Bytes of shared memory that a Choice needs, both passes considered. */
int64_t st_gpu_shared_need(const st_rank_request *request, const st_device_caps *caps, const st_choice *choice);

/*
 * Fits a Choice to GPU caps: the workgroup a multiple of the lanes, shared memory within its budget (too small for shared
 * candidates or two passes: bitonic, one pass), warp queues only where there are subgroups and they hold k, tiles powers of
 * two within limits.
 */
void st_gpu_normalise(const st_rank_request *request, const st_device_caps *caps, st_choice *choice, st_changes *changes);

#endif
