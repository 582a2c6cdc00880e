/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* plan_cache.h - plans made before, found again without a lock. */
#ifndef ST_ENGINE_PLAN_CACHE_H
#define ST_ENGINE_PLAN_CACHE_H

#include "spiraltorch/host.h"
#include "spiraltorch/rank.h"

typedef struct st_plan_cache st_plan_cache;

enum { ST_PLAN_KEY_WORDS = 18 };

/* Everything that a decision depends on, and no padding: a resolved request, a device's position and its caps. */
typedef struct st_plan_key {
    uint64_t words[ST_PLAN_KEY_WORDS];
} st_plan_key;

st_plan_key st_plan_key_of(const st_rank_request *resolved, int32_t position, const st_device_caps *caps);

/* The part of a plan that its key does not hold. */
typedef struct st_plan_answer {
    st_choice choice;
    int32_t source;
    char kernel[64];
    double predicted_ns;
} st_plan_answer;

st_status st_plan_cache_create(const st_host *host, st_plan_cache **cache);
void st_plan_cache_destroy(st_plan_cache *cache);

/* 1 and the answer where the key is there. Never waits. Thread-safe. */
int st_plan_cache_find(const st_plan_cache *cache, const st_plan_key *key, st_plan_answer *answer);

/*
 * Keeps an answer; an older one goes where its set is full. Where another thread writes to the same place, nothing is kept.
 * Thread-safe.
 */
void st_plan_cache_keep(st_plan_cache *cache, const st_plan_key *key, const st_plan_answer *answer);

#endif
