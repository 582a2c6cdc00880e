/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* context_state.h - what a context holds, and how a device is found in it. */
#ifndef ST_ENGINE_CONTEXT_STATE_H
#define ST_ENGINE_CONTEXT_STATE_H

#include <stdatomic.h>

#include "base/fail.h"
#include "base/pool.h"
#include "device/registry.h"
#include "engine/automatic.h"
#include "engine/plan_cache.h"
#include "engine/rules.h"
#include "engine/settings.h"
#include "engine/tables.h"

struct st_context {
    st_host host;
    _Atomic int64_t users; /* the program, until it destroys the context, and each memory and fence */
    int32_t threads;
    st_pool *pool;
    st_plan_cache *plans;
    st_automatic automatic;
    st_registry registry;
    st_tables tables;
    int32_t heuristics; /* ST_HEURISTICS_* */
    st_rules rules;
    double table_weights[ST_BACKEND_CALLER]; /* settings.h */
    st_wgpu_settings wgpu;    /* for a device that is added later; its library is this one */
    char wgpu_library[4096];
};

/* What uses a context from now on, and what does no longer: the last to go frees its devices. */
void st_context_hold(st_context *context);
void st_context_drop(st_context *context);

/* The services for a call of `threads` threads. */
st_backend_services st_services_of(const st_context *context, int32_t threads);

/*
 * Around a call that executes: a caller's backend may fail without a message, and an older one, kept in `before`, must not stand
 * for it. Returns the status.
 */
void st_executor_begin(const st_registered *registered, char before[ST_MESSAGE_BYTES]);
st_status st_executor_end(const st_registered *registered, const char *before, st_status status);

/* The position of a device that can run: an id, or "auto" (also NULL). ST_E_DEVICE says what is wrong with it. */
st_status st_device_find(const st_context *context, const char *id, int32_t *position);

#endif
