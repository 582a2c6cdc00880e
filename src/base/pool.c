/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* pool.c - worker threads that sleep between calls; one call at a time has them, any other runs on its own thread. */
#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"

struct worker {
    st_pool *pool;
    void *thread;
    int32_t number; /* 1 .. threads - 1; the caller is worker 0 */
};

struct st_pool {
    st_host host;
    int32_t threads;
    atomic_flag taken; /* a call has the workers */

    pthread_mutex_t mutex;
    pthread_cond_t wake; /* to the workers: a new call, or the end */
    pthread_cond_t done; /* to the caller: the last worker left the call */
    uint64_t generation; /* counts calls */
    int open;            /* the present call still takes workers */
    int stopping;
    int32_t active;  /* workers inside the present call */
    int32_t workers; /* most workers of the present call */
    int32_t started; /* threads that run; only the caller that holds `taken` changes it and warned */
    int warned;

    void (*work)(void *argument, int64_t item, int32_t worker);
    void *argument;
    int64_t items;
    _Atomic int64_t next;

    struct worker members[];
};

static size_t pool_bytes(int32_t threads) { return sizeof(st_pool) + (size_t)threads * sizeof(struct worker); }

static void take_items(st_pool *pool, int32_t worker) {
    for (;;) {
        const int64_t item = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (item >= pool->items) return;
        pool->work(pool->argument, item, worker);
    }
}

static void worker_main(void *argument) {
    const struct worker *self = argument;
    st_pool *pool = self->pool;
    uint64_t seen = 0;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (!pool->stopping && (pool->generation == seen || !pool->open)) pthread_cond_wait(&pool->wake, &pool->mutex);
        if (pool->stopping) break;
        seen = pool->generation;
        if (self->number >= pool->workers) continue;
        pool->active++;
        pthread_mutex_unlock(&pool->mutex);
        take_items(pool, self->number);
        pthread_mutex_lock(&pool->mutex);
        if (--pool->active == 0) pthread_cond_signal(&pool->done);
    }
    pthread_mutex_unlock(&pool->mutex);
}

st_status st_pool_create(const st_host *host, int32_t threads, st_pool **out) {
    if (threads < 1) threads = 1;
    st_pool *pool = st_allocate_zeroed(host, pool_bytes(threads));
    if (pool == NULL) return st_fail(ST_E_MEMORY, "no memory for a pool of %d threads", threads);
    pool->host = *host;
    pool->threads = threads;
    atomic_flag_clear(&pool->taken);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    *out = pool;
    return ST_OK;
}

void st_pool_destroy(st_pool *pool) {
    if (pool == NULL) return;
    pthread_mutex_lock(&pool->mutex);
    pool->stopping = 1;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
    for (int32_t i = 0; i < pool->started; i++) pool->host.join_thread(pool->host.user, pool->members[i].thread);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
    const st_host host = pool->host;
    st_release(&host, pool, pool_bytes(pool->threads));
}

static void start_threads(st_pool *pool, int32_t wanted) {
    while (pool->started < wanted) {
        struct worker *member = &pool->members[pool->started];
        member->pool = pool;
        member->number = pool->started + 1;
        if (pool->host.start_thread(pool->host.user, &member->thread, worker_main, member) != 0) {
            if (!pool->warned) pool->host.warn(pool->host.user, "a worker thread cannot be started; going on with fewer");
            pool->warned = 1;
            return;
        }
        pool->started++;
    }
}

void st_pool_run(st_pool *pool, int32_t workers, int64_t items, void (*work)(void *argument, int64_t item, int32_t worker),
                 void *argument) {
    if (workers > pool->threads) workers = pool->threads;
    if (workers > items) workers = (int32_t)items;
    if (workers <= 1 || atomic_flag_test_and_set_explicit(&pool->taken, memory_order_acquire)) {
        for (int64_t item = 0; item < items; item++) work(argument, item, 0);
        return;
    }
    start_threads(pool, workers - 1);
    pthread_mutex_lock(&pool->mutex);
    pool->work = work;
    pool->argument = argument;
    pool->items = items;
    pool->workers = workers;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    pool->open = 1;
    pool->generation++;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);

    take_items(pool, 0);

    pthread_mutex_lock(&pool->mutex);
    pool->open = 0;
    while (pool->active > 0) pthread_cond_wait(&pool->done, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
    atomic_flag_clear_explicit(&pool->taken, memory_order_release);
}
