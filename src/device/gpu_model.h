/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gpu_model.h - what a plan means and should cost on a GPU backend, present or not. */
#ifndef ST_DEVICE_GPU_MODEL_H
#define ST_DEVICE_GPU_MODEL_H

#include "spiraltorch/backend.h"

/* The kernel's name, such as "wgpu/shared_filter" or "cuda/radix_2pass". */
void st_gpu_describe(const st_rank_request *request, const st_choice *choice, const st_device_caps *caps, char name[64]);

/* Predicted nanoseconds, from a roofline over bandwidth (an assumed one where the caps know none), passes and launches. */
double st_gpu_estimate(const st_rank_request *request, const st_choice *choice, const st_device_caps *caps);

/* Legal Choices worth measuring, normalised, each once. */
int32_t st_gpu_candidates(const st_rank_request *request, const st_device_caps *caps, st_choice *choices, int32_t capacity);

/* A safe Choice with no measurement, normalised. */
void st_gpu_fallback(const st_rank_request *request, const st_device_caps *caps, st_choice *choice);

#endif
