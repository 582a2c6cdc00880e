/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_pool.c - every item once, workers told apart, calls side by side and inside each other, watching between calls, work
 * taken over, threads that cannot be had. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/pool.h"
#include "base/processor.h"
#include "failing_host.h"

enum { MOST_ITEMS = 5000, MOST_WORKERS = 8 };

/* What a call's items leave behind. Items write their own slot without locks, as kernels write their own rows. */
struct ledger {
    int32_t workers;
    int64_t items;
    unsigned char seen[MOST_ITEMS];
    int64_t by_worker[MOST_WORKERS]; /* not atomic: a worker number is held by one thread at a time */
    _Atomic int inside[MOST_WORKERS];
    _Atomic int wrong;
};

static void note_item(void *argument, int64_t item, int32_t worker) {
    struct ledger *ledger = argument;
    if (item < 0 || item >= ledger->items || worker < 0 || worker >= ledger->workers) {
        atomic_fetch_add(&ledger->wrong, 1);
        return;
    }
    if (atomic_fetch_add(&ledger->inside[worker], 1) != 0) atomic_fetch_add(&ledger->wrong, 1);
    ledger->seen[item]++;
    ledger->by_worker[worker]++;
    atomic_fetch_sub(&ledger->inside[worker], 1);
}

static void run_and_check(st_pool *pool, int32_t workers, int64_t items) {
    static _Thread_local struct ledger ledger;
    memset(&ledger, 0, sizeof ledger);
    ledger.workers = workers < 1 ? 1 : workers; /* the caller always takes part */
    ledger.items = items;
    st_pool_run(pool, workers, items, note_item, &ledger);
    assert_int_equal(atomic_load(&ledger.wrong), 0);
    int64_t total = 0;
    for (int32_t worker = 0; worker < MOST_WORKERS; worker++) total += ledger.by_worker[worker];
    assert_int_equal(total, items);
    for (int64_t item = 0; item < items; item++) assert_int_equal(ledger.seen[item], 1);
}

static void test_every_item_once(void **state) {
    (void)state;
    static const int64_t items[] = {0, 1, 2, 3, 7, 64, 1000, MOST_ITEMS};
    for (int32_t threads = 1; threads <= 5; threads++) {
        st_failing_host failing;
        st_pool *pool = NULL;
        st_failing_host_open(&failing, 0);
        assert_int_equal(st_pool_create(&failing.host, threads, &pool), ST_OK);
        for (int32_t workers = 0; workers <= 7; workers++)
            for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) run_and_check(pool, workers, items[i]);
        for (int round = 0; round < 300; round++) run_and_check(pool, threads, 3);
        assert_int_equal(failing.live_threads, threads - 1);
        st_pool_destroy(pool);
        assert_true(st_failing_host_close(&failing));
    }
}

static void test_threads_start_at_first_use(void **state) {
    (void)state;
    st_failing_host failing;
    st_pool *pool = NULL;
    st_failing_host_open(&failing, 0);
    assert_int_equal(st_pool_create(&failing.host, 4, &pool), ST_OK);
    assert_int_equal(failing.live_threads, 0);
    run_and_check(pool, 1, 100); /* needs no other */
    run_and_check(pool, 4, 1);   /* nor does one item */
    assert_int_equal(failing.live_threads, 0);
    run_and_check(pool, 2, 100);
    assert_int_equal(failing.live_threads, 1);
    run_and_check(pool, 4, 100);
    assert_int_equal(failing.live_threads, 3);
    st_pool_destroy(pool);
    assert_true(st_failing_host_close(&failing));
}

/* The workers do share: the first item waits, bounded, for another thread to take one. */
struct meeting {
    pthread_mutex_t mutex;
    pthread_cond_t arrived;
    int present, met;
};

static void meet(void *argument, int64_t item, int32_t worker) {
    struct meeting *meeting = argument;
    (void)item;
    (void)worker;
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 20;
    pthread_mutex_lock(&meeting->mutex);
    if (++meeting->present == 2) {
        meeting->met = 1;
        pthread_cond_broadcast(&meeting->arrived);
    }
    while (!meeting->met && pthread_cond_timedwait(&meeting->arrived, &meeting->mutex, &limit) == 0) continue;
    pthread_mutex_unlock(&meeting->mutex);
}

static void test_items_run_at_once(void **state) {
    (void)state;
    st_failing_host failing;
    st_pool *pool = NULL;
    struct meeting meeting = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
    st_failing_host_open(&failing, 0);
    assert_int_equal(st_pool_create(&failing.host, 2, &pool), ST_OK);
    st_pool_run(pool, 2, 2, meet, &meeting);
    assert_int_equal(meeting.met, 1);
    st_pool_destroy(pool);
    assert_true(st_failing_host_close(&failing));
}

/* A lone worker takes items in order, and a call from inside work is run by its caller alone. */
struct nesting {
    st_pool *pool;
    _Atomic int64_t inner_items;
    _Atomic int wrong;
};

struct inner {
    struct nesting *outer;
    pthread_t caller;
    int64_t next;
};

static void inner_item(void *argument, int64_t item, int32_t worker) {
    struct inner *inner = argument;
    if (!pthread_equal(inner->caller, pthread_self()) || worker != 0 || item != inner->next++)
        atomic_fetch_add(&inner->outer->wrong, 1);
    atomic_fetch_add(&inner->outer->inner_items, 1);
}

static void outer_item(void *argument, int64_t item, int32_t worker) {
    struct nesting *nesting = argument;
    struct inner inner = {nesting, pthread_self(), 0};
    (void)item;
    (void)worker;
    st_pool_run(nesting->pool, 4, 10, inner_item, &inner);
}

static void test_calls_inside_calls(void **state) {
    (void)state;
    st_failing_host failing;
    struct nesting nesting = {.pool = NULL};
    st_failing_host_open(&failing, 0);
    assert_int_equal(st_pool_create(&failing.host, 4, &nesting.pool), ST_OK);
    st_pool_run(nesting.pool, 4, 200, outer_item, &nesting);
    assert_int_equal(atomic_load(&nesting.wrong), 0);
    assert_int_equal(atomic_load(&nesting.inner_items), 2000);
    st_pool_destroy(nesting.pool);
    assert_true(st_failing_host_close(&failing));
}

static void *call_often(void *argument) {
    for (int round = 0; round < 200; round++) run_and_check(argument, 1 + round % 4, 1 + round % 50);
    return NULL;
}

static void test_callers_side_by_side(void **state) {
    (void)state;
    enum { CALLERS = 6 };
    st_failing_host failing;
    st_pool *pool = NULL;
    pthread_t callers[CALLERS];
    st_failing_host_open(&failing, 0);
    assert_int_equal(st_pool_create(&failing.host, 4, &pool), ST_OK);
    for (int i = 0; i < CALLERS; i++) assert_int_equal(pthread_create(&callers[i], NULL, call_often, pool), 0);
    for (int i = 0; i < CALLERS; i++) pthread_join(callers[i], NULL);
    st_pool_destroy(pool);
    assert_true(st_failing_host_close(&failing));
}

/* Whichever allocation or thread fails, the work is done, by fewer; the next call tries again. */
static void test_failures(void **state) {
    (void)state;
    int64_t fail_at = 1;
    for (int failed = 1; failed; fail_at++) {
        st_failing_host failing;
        st_pool *pool = NULL;
        st_failing_host_open(&failing, fail_at);
        const st_status status = st_pool_create(&failing.host, 4, &pool);
        if (status != ST_OK) {
            assert_int_equal(status, ST_E_MEMORY);
            assert_null(pool);
        } else {
            run_and_check(pool, 4, 100);
            run_and_check(pool, 4, 100);
            assert_int_equal(failing.live_threads, 3); /* one failure is made good by the second call */
            st_pool_destroy(pool);
        }
        failed = failing.failures > 0;
        assert_true(st_failing_host_close(&failing));
    }
    assert_int_equal(fail_at, 6); /* the pool, three threads, and then none */
}

static int64_t clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void wait_ns(int64_t ns) {
    const struct timespec time = {0, (long)ns};
    nanosleep(&time, NULL);
}

/* One item is held until every other is done: the other workers must take over the neighbours of the one that has it. */
struct held_item {
    struct ledger ledger;
    _Atomic int64_t others;
    _Atomic int late;
};

static void hold_first_item(void *argument, int64_t item, int32_t worker) {
    struct held_item *held = argument;
    note_item(&held->ledger, item, worker);
    if (item != 0) {
        atomic_fetch_add(&held->others, 1);
        return;
    }
    const int64_t limit = clock_ns(CLOCK_MONOTONIC) + (int64_t)20 * 1000000000;
    while (atomic_load(&held->others) < held->ledger.items - 1) {
        wait_ns(100000);
        if (clock_ns(CLOCK_MONOTONIC) > limit) {
            atomic_store(&held->late, 1);
            return;
        }
    }
}

static void test_work_is_taken_over(void **state) {
    (void)state;
    st_failing_host failing;
    st_pool *pool = NULL;
    static struct held_item held;
    st_failing_host_open(&failing, 0);
    assert_int_equal(st_pool_create(&failing.host, 3, &pool), ST_OK);
    for (int round = 0; round < 20; round++) {
        memset(&held, 0, sizeof held);
        held.ledger.workers = 3;
        held.ledger.items = 2 + round * 40;
        st_pool_run(pool, 3, held.ledger.items, hold_first_item, &held);
        assert_int_equal(atomic_load(&held.late), 0);
        assert_int_equal(atomic_load(&held.ledger.wrong), 0);
        for (int64_t item = 0; item < held.ledger.items; item++) assert_int_equal(held.ledger.seen[item], 1);
    }
    st_pool_destroy(pool);
    assert_true(st_failing_host_close(&failing));
}

/* Calls that come at once, while workers watch, while they go to sleep, and while they sleep. */
static void test_calls_after_every_pause(void **state) {
    (void)state;
    st_failing_host failing;
    st_pool *pool = NULL;
    st_failing_host_open(&failing, 0);
    assert_int_equal(st_pool_create(&failing.host, 3, &pool), ST_OK);
    for (int round = 0; round < 400; round++) {
        run_and_check(pool, 2 + round % 2, 1 + round % 30);
        if (round % 4 != 0) wait_ns((round % 40) * 10000);
    }
    st_pool_destroy(pool);
    assert_true(st_failing_host_close(&failing));
}

static void test_end_while_workers_watch(void **state) {
    (void)state;
    for (int round = 0; round < 100; round++) {
        st_failing_host failing;
        st_pool *pool = NULL;
        st_failing_host_open(&failing, 0);
        assert_int_equal(st_pool_create(&failing.host, 3, &pool), ST_OK);
        run_and_check(pool, 3, 50);
        if (round % 2) wait_ns(round * 4000);
        st_pool_destroy(pool);
        assert_true(st_failing_host_close(&failing));
    }
}

/* Watching ends: in a quarter of a second of idling, workers that watched on would use as much CPU each. */
static void test_idle_workers_sleep(void **state) {
    (void)state;
    st_failing_host failing;
    st_pool *pool = NULL;
    st_processor processor;
    st_processor_detect(&processor);
    if (processor.cpus < 2) {
        print_message("skipped: workers do not watch where there is one CPU\n");
        skip();
    }
    st_failing_host_open(&failing, 0);
    assert_int_equal(st_pool_create(&failing.host, 2, &pool), ST_OK);
    run_and_check(pool, 2, 500);
    const int64_t before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    wait_ns(250000000);
    assert_true(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before < 60000000);
    run_and_check(pool, 2, 500);
    st_pool_destroy(pool);
    assert_true(st_failing_host_close(&failing));
}

static void test_no_thread_at_all(void **state) {
    (void)state;
    st_failing_host failing;
    st_pool *pool = NULL;
    st_failing_host_open(&failing, 0);
    failing.fail_from = 2; /* the pool itself is the first */
    assert_int_equal(st_pool_create(&failing.host, 4, &pool), ST_OK);
    for (int round = 0; round < 20; round++) run_and_check(pool, 4, 100);
    assert_int_equal(failing.live_threads, 0);
    st_pool_destroy(pool);
    assert_true(st_failing_host_close(&failing));
}

static void test_odd_sizes(void **state) {
    (void)state;
    st_failing_host failing;
    st_pool *pool = NULL;
    st_failing_host_open(&failing, 0);
    assert_int_equal(st_pool_create(&failing.host, 0, &pool), ST_OK); /* the caller alone */
    run_and_check(pool, 4, 10);
    st_pool_destroy(pool);
    assert_int_equal(st_pool_create(&failing.host, -5, &pool), ST_OK);
    run_and_check(pool, -1, 10);
    st_pool_destroy(pool);
    st_pool_destroy(NULL);
    assert_int_equal(failing.live_threads, 0);
    assert_true(st_failing_host_close(&failing));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_item_once),    cmocka_unit_test(test_threads_start_at_first_use),
        cmocka_unit_test(test_items_run_at_once),  cmocka_unit_test(test_calls_inside_calls),
        cmocka_unit_test(test_callers_side_by_side), cmocka_unit_test(test_failures),
        cmocka_unit_test(test_work_is_taken_over), cmocka_unit_test(test_calls_after_every_pause),
        cmocka_unit_test(test_end_while_workers_watch), cmocka_unit_test(test_idle_workers_sleep),
        cmocka_unit_test(test_no_thread_at_all),   cmocka_unit_test(test_odd_sizes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
