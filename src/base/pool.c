/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * pool.c - worker threads that sleep between calls; one call at a time has them, any other runs on its own thread.
 *
 * A worker that has just worked watches for the next call a little before it sleeps, because waking a thread takes longer
 * than much of the work that is shared out. All that opens, enters, leaves and closes a call is one word, the gate; the mutex
 * is for going to sleep and for waking.
 */
#define _GNU_SOURCE /* sched_yield and clock_gettime under -std=c17 */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/memory.h"
#include "base/processor.h"

/*
 * How long a thread watches: first without a pause for others, then between yields. Waking a sleeping thread was measured
 * to take 5 to 50 microseconds; watching for some times that is repaid by every call that comes soon.
 */
enum { WATCH_ALONE_NS = 20000, WATCH_NS = 200000, PAUSES = 8 };

/* The gate's fields. A call is told from the ones before by its number, which may come round: it only keeps a worker from
 * entering a call twice. */
#define FIELD ((uint64_t)0x1fff)
enum { INSIDE = 0, ENTERED = 13, PLACES = 26, NUMBER = 41 };
#define ONE_INSIDE ((uint64_t)1 << INSIDE)   /* workers inside the call */
#define ONE_ENTERED ((uint64_t)1 << ENTERED) /* workers that have entered it */
#define ONE_PLACE ((uint64_t)1 << PLACES)    /* workers that may */
#define OPEN ((uint64_t)1 << 39)             /* more may enter */
#define STOPPING ((uint64_t)1 << 40)
#define ONE_NUMBER ((uint64_t)1 << NUMBER)
enum { MOST_THREADS = 4096 }; /* what the fields hold */

/* Apart, so that what one thread writes often is not in a cache line that others read. */
enum { LINE = 64 };

struct worker {
    st_pool *pool;
    void *thread;
    /* The run of units that a worker number has left, whichever thread holds it: first in the upper half, end in the lower. */
    _Atomic uint64_t run;
    char apart[LINE];
};

struct st_pool {
    st_host host;
    int32_t threads, started; /* threads that run; only the caller that holds `taken` changes it and the next two */
    int warned;
    atomic_int watches; /* whether each thread has a CPU of its own to watch from */
    atomic_flag taken;  /* a call has the workers */
    char apart[LINE];

    _Atomic uint64_t gate;
    void (*work)(void *argument, int64_t item, int32_t worker);
    void *argument;
    int64_t items, unit; /* unit: items handed out as one, so that runs of units fit in 32 bits */
    int32_t workers;
    char apart_too[LINE];

    atomic_int sleepers;      /* workers that sleep, or will unless a call is open */
    atomic_int caller_sleeps; /* or will, unless the last worker is out */
    pthread_mutex_t mutex;
    pthread_cond_t wake; /* to the workers: a new call, or the end */
    pthread_cond_t done; /* to the caller: the last worker left the call */

    struct worker members[]; /* members[i] starts thread i, and has the run of worker number i */
};

static size_t pool_bytes(int32_t threads) { return sizeof(st_pool) + (size_t)threads * sizeof(struct worker); }

/* ---- runs of units ---------------------------------------------------------------------------------------------- */

static uint64_t run_of(uint32_t first, uint32_t end) { return (uint64_t)first << 32 | end; }
static uint32_t first_of(uint64_t run) { return (uint32_t)(run >> 32); }
static uint32_t end_of(uint64_t run) { return (uint32_t)run; }

static void do_units(st_pool *pool, int32_t worker, uint32_t unit) {
    const int64_t first = (int64_t)unit * pool->unit, left = pool->items - first;
    const int64_t end = first + (left < pool->unit ? left : pool->unit);
    for (int64_t item = first; item < end; item++) pool->work(pool->argument, item, worker);
}

/*
 * Takes units one by one from the front of the worker's own run. Nobody else enlarges a run, and units that were taken never
 * come back, so a run seen before and seen again has not changed meanwhile.
 */
static void do_own_run(st_pool *pool, int32_t worker) {
    _Atomic uint64_t *own = &pool->members[worker].run;
    uint64_t run = atomic_load(own);
    while (first_of(run) < end_of(run)) {
        if (!atomic_compare_exchange_weak(own, &run, run_of(first_of(run) + 1, end_of(run)))) continue;
        do_units(pool, worker, first_of(run));
        run = atomic_load(own);
    }
}

/* Takes over the later half of what another has left. */
static int take_over(st_pool *pool, int32_t worker) {
    for (int32_t i = 1; i < pool->workers; i++) {
        _Atomic uint64_t *other = &pool->members[(worker + i) % pool->workers].run;
        uint64_t run = atomic_load(other);
        while (first_of(run) < end_of(run)) {
            const uint32_t middle = first_of(run) + (end_of(run) - first_of(run)) / 2;
            if (!atomic_compare_exchange_weak(other, &run, run_of(first_of(run), middle))) continue;
            atomic_store(&pool->members[worker].run, run_of(middle, end_of(run)));
            return 1;
        }
    }
    return 0;
}

static void do_runs(st_pool *pool, int32_t worker) {
    do do_own_run(pool, worker);
    while (take_over(pool, worker));
}

/* Gives each worker number an equal run of units. */
static void share_out(st_pool *pool, int32_t workers, int64_t items) {
    pool->unit = items / UINT32_MAX + 1;
    const int64_t units = (items - 1) / pool->unit + 1;
    int64_t end = 0;
    for (int32_t i = 0; i < workers; i++) {
        const int64_t first = end;
        end += units / workers + (i < units % workers);
        atomic_store_explicit(&pool->members[i].run, run_of((uint32_t)first, (uint32_t)end), memory_order_relaxed);
    }
}

/* ---- watching --------------------------------------------------------------------------------------------------- */

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("isb"); /* `yield` is no pause at all on most cores */
#endif
}

/* Waits, bounded, until the gate shows what is waited for. */
static void watch(st_pool *pool, int (*shows)(uint64_t gate, uint64_t number), uint64_t number) {
    if (!atomic_load_explicit(&pool->watches, memory_order_relaxed)) return;
    const int64_t start = st_clock_ns();
    for (;;) {
        for (int i = 0; i < PAUSES; i++) {
            if (shows(atomic_load(&pool->gate), number)) return;
            pause_briefly();
        }
        const int64_t waited = st_clock_ns() - start;
        if (waited > WATCH_NS) return;
        if (waited > WATCH_ALONE_NS) sched_yield();
    }
}

static int has_place(uint64_t gate, uint64_t number) {
    return (gate & OPEN) && gate >> NUMBER != number && (gate >> ENTERED & FIELD) < (gate >> PLACES & FIELD);
}

static int calls(uint64_t gate, uint64_t number) { return (gate & STOPPING) || has_place(gate, number); }

static int is_empty(uint64_t gate, uint64_t number) {
    (void)number;
    return (gate >> INSIDE & FIELD) == 0;
}

/* ---- workers ---------------------------------------------------------------------------------------------------- */

/*
 * A sleeper counts itself before it looks at the gate a last time, and a caller opens the gate before it looks at the count:
 * one of them sees the other. The same holds for the caller that waits for the last worker.
 */
static void sleep_until_woken(st_pool *pool, uint64_t number) {
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    if (!calls(atomic_load(&pool->gate), number)) pthread_cond_wait(&pool->wake, &pool->mutex);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
}

/* Enters the open call and returns the worker number, or 0 where there is no place. */
static int32_t enter(st_pool *pool, uint64_t *number) {
    uint64_t gate = atomic_load(&pool->gate);
    while (has_place(gate, *number)) {
        if (!atomic_compare_exchange_weak(&pool->gate, &gate, gate + ONE_INSIDE + ONE_ENTERED)) continue;
        *number = gate >> NUMBER;
        return (int32_t)(gate >> ENTERED & FIELD) + 1;
    }
    return 0;
}

static void leave(st_pool *pool) {
    const uint64_t gate = atomic_fetch_sub(&pool->gate, ONE_INSIDE) - ONE_INSIDE;
    if (!is_empty(gate, 0) || !atomic_load(&pool->caller_sleeps)) return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_signal(&pool->done);
    pthread_mutex_unlock(&pool->mutex);
}

static void worker_main(void *argument) {
    const struct worker *self = argument;
    st_pool *pool = self->pool;
    uint64_t number = UINT64_MAX; /* of the last call entered: none */
    int is_called = 0;            /* since it last watched, be it too late */
    while (!(atomic_load(&pool->gate) & STOPPING)) {
        const int32_t worker = enter(pool, &number);
        if (worker > 0) {
            do_runs(pool, worker);
            leave(pool);
            is_called = 1;
        } else if (is_called) {
            watch(pool, calls, number);
            is_called = 0;
        } else {
            sleep_until_woken(pool, number);
            is_called = 1;
        }
    }
}

/* ---- the pool --------------------------------------------------------------------------------------------------- */

st_status st_pool_create(const st_host *host, int32_t threads, st_pool **out) {
    if (threads < 1) threads = 1;
    if (threads > MOST_THREADS) threads = MOST_THREADS;
    st_pool *pool = st_allocate_zeroed(host, pool_bytes(threads));
    if (pool == NULL) return st_fail(ST_E_MEMORY, "no memory for a pool of %d threads", threads);
    pool->host = *host;
    pool->threads = threads;
    atomic_flag_clear(&pool->taken);
    atomic_init(&pool->watches, 0);
    atomic_init(&pool->gate, 0);
    atomic_init(&pool->sleepers, 0);
    atomic_init(&pool->caller_sleeps, 0);
    for (int32_t i = 0; i < threads; i++) atomic_init(&pool->members[i].run, 0);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    *out = pool;
    return ST_OK;
}

void st_pool_destroy(st_pool *pool) {
    if (pool == NULL) return;
    atomic_fetch_or(&pool->gate, STOPPING);
    pthread_mutex_lock(&pool->mutex);
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
    if (pool->started == 0) {
        st_processor processor;
        st_processor_detect(&processor);
        atomic_store(&pool->watches, pool->threads <= processor.cpus);
    }
    while (pool->started < wanted) {
        struct worker *member = &pool->members[pool->started];
        member->pool = pool;
        if (pool->host.start_thread(pool->host.user, &member->thread, worker_main, member) != 0) {
            if (!pool->warned) pool->host.warn(pool->host.user, "a worker thread cannot be started; going on with fewer");
            pool->warned = 1;
            return;
        }
        pool->started++;
    }
}

/* Wakes as many sleepers as the call has places for beyond the workers that are awake, and so will see the gate. */
static void wake_sleepers(st_pool *pool, int32_t places) {
    const int32_t sleepers = atomic_load(&pool->sleepers);
    int32_t missing = places - (pool->started - sleepers);
    if (missing <= 0 || sleepers == 0) return;
    pthread_mutex_lock(&pool->mutex);
    if (missing >= sleepers)
        pthread_cond_broadcast(&pool->wake);
    else
        for (; missing > 0; missing--) pthread_cond_signal(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
}

static void wait_for_workers(st_pool *pool) {
    if (is_empty(atomic_fetch_and(&pool->gate, ~OPEN), 0)) return;
    watch(pool, is_empty, 0);
    if (is_empty(atomic_load(&pool->gate), 0)) return;
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->caller_sleeps, 1);
    while (!is_empty(atomic_load(&pool->gate), 0)) pthread_cond_wait(&pool->done, &pool->mutex);
    atomic_store(&pool->caller_sleeps, 0);
    pthread_mutex_unlock(&pool->mutex);
}

void st_pool_run(st_pool *pool, int32_t workers, int64_t items, void (*work)(void *argument, int64_t item, int32_t worker),
                 void *argument) {
    if (workers > pool->threads) workers = pool->threads;
    if (workers > items) workers = (int32_t)items;
    if (workers <= 1 || atomic_flag_test_and_set_explicit(&pool->taken, memory_order_acquire)) {
        for (int64_t item = 0; item < items; item++) work(argument, item, 0);
        return;
    }
    if (pool->started < workers - 1) start_threads(pool, workers - 1);
    pool->work = work;
    pool->argument = argument;
    pool->items = items;
    pool->workers = workers;
    share_out(pool, workers, items);
    /* The call before is closed and empty, and nobody else opens one, so the gate is this thread's to write. */
    const uint64_t number = (atomic_load(&pool->gate) >> NUMBER) + 1;
    atomic_store(&pool->gate, number << NUMBER | OPEN | (uint64_t)(workers - 1) * ONE_PLACE);
    wake_sleepers(pool, workers - 1);
    do_runs(pool, 0);
    wait_for_workers(pool);
    atomic_flag_clear_explicit(&pool->taken, memory_order_release);
}
