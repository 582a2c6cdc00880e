/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* settings.h - what a new context is told: options first, then the environment. */
#ifndef ST_ENGINE_SETTINGS_H
#define ST_ENGINE_SETTINGS_H

#include "backends/wgpu/adapters.h"
#include "spiraltorch/context.h"
#include "spiraltorch/device.h"

enum { ST_MOST_THREADS = 4096 };

typedef struct st_settings {
    int32_t threads;         /* 0: as many as the process may use */
    int32_t heuristics;      /* ST_HEURISTICS_* */
    const char *cpu_disable; /* "" for none; the caller's string, or the environment's */
    int32_t priority_count;
    int32_t priorities[5]; /* ST_BACKEND_*, in the order in which auto tries them */
    /* Rule programs, the environment's strings; NULL where they are not set. */
    const char *rules_all, *rules_over_all, *rules_midk, *rules_bottomk;
    int32_t soft_rules, soft_mode; /* whether soft rules are heard, and softlogic.h's ST_SOFT_* */
    double table_weights[ST_BACKEND_CALLER]; /* by backend, ST_BACKEND_* - 1: what the table's entry is given before it is scored */
    st_wgpu_settings wgpu;
} st_settings;

/*
 * Reads options (NULL allowed) and the environment: ST_NUM_THREADS, ST_CPU_DISABLE and ST_WGPU_LIBRARY where an option leaves them
 * open, ST_DEVICE_AUTO_PRIORITIES, the other ST_WGPU_* and SPIRAL_HEUR_*. A variable that is set but empty counts as not set.
 * ST_E_ARGUMENT names option or variable; rule programs are not looked at here.
 */
st_status st_settings_read(const st_context_options *options, st_settings *settings);

#endif
