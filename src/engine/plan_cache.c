/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * plan_cache.c - a set-associative table of sequence-locked slots.
 *
 * A slot's version is odd while a writer is in it. A reader copies the words between two looks at the version, and takes
 * them where both were the same even number. All words are atomic: loads acquire, so the second look cannot move above them,
 * and stores release, so no word is seen before the odd version (Boehm, "Can seqlocks get along with programming language
 * memory models?", 2012).
 */
#include "engine/plan_cache.h"

#include <stdatomic.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"

enum { SETS = 256, WAYS = 4, ANSWER_WORDS = (sizeof(st_plan_answer) + 7) / 8 };

struct slot {
    _Atomic uint64_t version;
    _Atomic uint64_t words[ST_PLAN_KEY_WORDS + ANSWER_WORDS];
};

struct set {
    _Atomic uint32_t next; /* the way that the next answer goes to, modulo WAYS */
    struct slot slots[WAYS];
};

struct st_plan_cache {
    st_host host;
    struct set sets[SETS];
};

static uint64_t pair(int32_t high, int32_t low) { return (uint64_t)(uint32_t)high << 32 | (uint32_t)low; }

st_plan_key st_plan_key_of(const st_rank_request *request, int32_t position, const st_device_caps *caps) {
    uint64_t bandwidth;
    memcpy(&bandwidth, &caps->bandwidth, sizeof bandwidth);
    return (st_plan_key){{pair(request->kind, request->dtype), pair(request->index_dtype, request->nan_rule),
                          pair(request->order, request->outputs), pair(request->descending, request->threads),
                          (uint64_t)request->rows, (uint64_t)request->cols, (uint64_t)request->k, (uint64_t)request->lo,
                          (uint64_t)request->hi, (uint64_t)request->row_stride, (uint64_t)request->col_stride,
                          pair(position, caps->backend), pair(caps->subgroup, caps->lanes),
                          pair(caps->max_workgroup, caps->compute_units), (uint64_t)caps->shared_mem, (uint64_t)caps->l2_cache,
                          (uint64_t)caps->l3_cache, bandwidth}};
}

/* Multiply and fold, with the odd constant of the golden ratio (Knuth, TAOCP 6.4). */
static size_t set_of(const st_plan_key *key) {
    uint64_t hash = 0;
    for (int i = 0; i < ST_PLAN_KEY_WORDS; i++) {
        hash = (hash ^ key->words[i]) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    return (size_t)(hash >> 32) % SETS;
}

st_status st_plan_cache_create(const st_host *host, st_plan_cache **out) {
    st_plan_cache *cache = st_allocate_zeroed(host, sizeof *cache);
    if (cache == NULL) return st_fail(ST_E_MEMORY, "no memory for the plan cache");
    cache->host = *host;
    *out = cache;
    return ST_OK;
}

void st_plan_cache_destroy(st_plan_cache *cache) {
    if (cache == NULL) return;
    const st_host host = cache->host;
    st_release(&host, cache, sizeof *cache);
}

/* 1 where the slot holds the key now, untouched by writers while it was read; version 0 is an empty slot. */
static int read_slot(const struct slot *slot, const st_plan_key *key, uint64_t answer[ANSWER_WORDS]) {
    const uint64_t version = atomic_load_explicit(&slot->version, memory_order_acquire);
    if (version == 0 || version % 2 != 0) return 0;
    for (int i = 0; i < ST_PLAN_KEY_WORDS; i++)
        if (atomic_load_explicit(&slot->words[i], memory_order_acquire) != key->words[i]) return 0;
    for (int i = 0; i < ANSWER_WORDS; i++)
        answer[i] = atomic_load_explicit(&slot->words[ST_PLAN_KEY_WORDS + i], memory_order_acquire);
    return atomic_load_explicit(&slot->version, memory_order_relaxed) == version;
}

int st_plan_cache_find(const st_plan_cache *cache, const st_plan_key *key, st_plan_answer *answer) {
    const struct set *set = &cache->sets[set_of(key)];
    uint64_t words[ANSWER_WORDS];
    for (int way = 0; way < WAYS; way++)
        if (read_slot(&set->slots[way], key, words)) {
            memcpy(answer, words, sizeof *answer);
            return 1;
        }
    return 0;
}

void st_plan_cache_keep(st_plan_cache *cache, const st_plan_key *key, const st_plan_answer *answer) {
    struct set *set = &cache->sets[set_of(key)];
    struct slot *slot = &set->slots[atomic_fetch_add_explicit(&set->next, 1, memory_order_relaxed) % WAYS];
    uint64_t words[ANSWER_WORDS] = {0};
    memcpy(words, answer, sizeof *answer);
    uint64_t version = atomic_load_explicit(&slot->version, memory_order_relaxed);
    if (version % 2 != 0) return;
    if (!atomic_compare_exchange_strong_explicit(&slot->version, &version, version + 1, memory_order_acquire, memory_order_relaxed))
        return;
    for (int i = 0; i < ST_PLAN_KEY_WORDS; i++) atomic_store_explicit(&slot->words[i], key->words[i], memory_order_release);
    for (int i = 0; i < ANSWER_WORDS; i++)
        atomic_store_explicit(&slot->words[ST_PLAN_KEY_WORDS + i], words[i], memory_order_release);
    atomic_store_explicit(&slot->version, version + 2, memory_order_release);
}
