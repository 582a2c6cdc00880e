/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* model.h - what a CPU plan should cost, which Choices are worth measuring, and the Choice with no measurement. */
#ifndef ST_CPU_MODEL_H
#define ST_CPU_MODEL_H

#include "spiraltorch/choice.h"
#include "spiraltorch/device.h"
#include "spiraltorch/rank.h"

int st_cpu_legal(int32_t mk, int32_t mkd);
double st_cpu_estimate(const st_rank_request *request, const st_choice *choice, const st_device_caps *caps);
int32_t st_cpu_candidates(const st_rank_request *request, const st_device_caps *caps, st_choice *choices, int32_t capacity);
void st_cpu_normalise(const st_rank_request *request, const st_device_caps *caps, st_choice *choice);

#endif
