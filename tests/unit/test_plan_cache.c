/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_plan_cache.c - cached answers belong to their keys, also where eight threads read and write at once. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/memory.h"
#include "engine/plan_cache.h"
#include "random_elements.h"
#include "rank/request.h"
#include "spiraltorch/spiraltorch.h"

enum { THREADS = 8 };

static st_plan_cache *open_cache(void) {
    st_host host;
    st_plan_cache *cache = NULL;
    assert_int_equal(st_host_resolve(NULL, &host), ST_OK);
    assert_int_equal(st_plan_cache_create(&host, &cache), ST_OK);
    return cache;
}

static st_rank_request request_of(int64_t rows, int64_t cols, int64_t k) {
    st_rank_request request, resolved;
    st_rank_request_init(&request, ST_TOPK, rows, cols, k);
    if (st_request_check(&request, 1, &resolved) != ST_OK) abort();
    return resolved;
}

static st_plan_key key_number(int64_t number) {
    const st_rank_request request = request_of(number, 1000, 10);
    const st_device_caps caps = st_caps_wgpu(32, 1, 256);
    return st_plan_key_of(&request, 0, &caps);
}

/* An answer whose every part tells its number, so that a mixture of two is seen. */
static st_plan_answer answer_number(int64_t number) {
    st_plan_answer answer;
    memset(&answer, 0, sizeof answer);
    answer.choice.mk = (int32_t)number;
    answer.choice.segments = (int32_t)number;
    answer.source = (int32_t)(number % 5);
    snprintf(answer.kernel, sizeof answer.kernel, "kernel/%040lld", (long long)number);
    answer.predicted_ns = (double)number;
    return answer;
}

static int is_number(const st_plan_answer *answer, int64_t number) {
    const st_plan_answer expected = answer_number(number);
    return memcmp(answer, &expected, sizeof expected) == 0;
}

static void test_keep_and_find(void **state) {
    (void)state;
    st_plan_cache *cache = open_cache();
    st_plan_answer answer;
    st_plan_key key = key_number(1);
    assert_false(st_plan_cache_find(cache, &key, &answer));
    for (int64_t number = 1; number <= 100; number++) {
        key = key_number(number);
        const st_plan_answer kept = answer_number(number);
        st_plan_cache_keep(cache, &key, &kept);
        assert_true(st_plan_cache_find(cache, &key, &answer));
        assert_true(is_number(&answer, number));
    }
    int64_t found = 0;
    for (int64_t number = 1; number <= 100; number++) {
        key = key_number(number);
        if (st_plan_cache_find(cache, &key, &answer)) {
            assert_true(is_number(&answer, number));
            found++;
        }
    }
    assert_true(found >= 95); /* a hundred of a thousand places: few meet in a full set */
    /* Far more than fit: memory stays as it is, and what is found is right. */
    found = 0;
    for (int64_t number = 1; number <= 20000; number++) {
        key = key_number(number);
        const st_plan_answer kept = answer_number(number);
        st_plan_cache_keep(cache, &key, &kept);
    }
    for (int64_t number = 1; number <= 20000; number++) {
        key = key_number(number);
        if (!st_plan_cache_find(cache, &key, &answer)) continue;
        assert_true(is_number(&answer, number));
        found++;
    }
    assert_in_range(found, 900, 1024);
    st_plan_cache_destroy(cache);
    st_plan_cache_destroy(NULL);
}

/* Every field that a decision may depend on makes another key. */
static void test_key_has_every_field(void **state) {
    (void)state;
    st_rank_request request = request_of(4, 1000, 10);
    st_device_caps caps = st_caps_wgpu(32, 1, 256);
    const st_plan_key plain = st_plan_key_of(&request, 0, &caps);
    static const size_t words[] = {
        offsetof(st_rank_request, kind),       offsetof(st_rank_request, dtype),     offsetof(st_rank_request, index_dtype),
        offsetof(st_rank_request, nan_rule),   offsetof(st_rank_request, order),     offsetof(st_rank_request, outputs),
        offsetof(st_rank_request, descending), offsetof(st_rank_request, threads),   offsetof(st_rank_request, rows),
        offsetof(st_rank_request, cols),       offsetof(st_rank_request, k),         offsetof(st_rank_request, lo),
        offsetof(st_rank_request, hi),         offsetof(st_rank_request, row_stride), offsetof(st_rank_request, col_stride)};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        st_rank_request other = request;
        ((char *)&other)[words[i]] ^= 0x40;
        const st_plan_key key = st_plan_key_of(&other, 0, &caps);
        assert_memory_not_equal(&key, &plain, sizeof key);
    }
    static const size_t caps_words[] = {
        offsetof(st_device_caps, backend),       offsetof(st_device_caps, subgroup),   offsetof(st_device_caps, lanes),
        offsetof(st_device_caps, max_workgroup), offsetof(st_device_caps, compute_units), offsetof(st_device_caps, shared_mem),
        offsetof(st_device_caps, l2_cache),      offsetof(st_device_caps, l3_cache),   offsetof(st_device_caps, bandwidth)};
    for (size_t i = 0; i < sizeof caps_words / sizeof caps_words[0]; i++) {
        st_device_caps other = caps;
        ((char *)&other)[caps_words[i]] ^= 0x40;
        const st_plan_key key = st_plan_key_of(&request, 0, &other);
        assert_memory_not_equal(&key, &plain, sizeof key);
    }
    const st_plan_key elsewhere = st_plan_key_of(&request, 1, &caps);
    assert_memory_not_equal(&elsewhere, &plain, sizeof plain);
}

struct hammer {
    st_plan_cache *cache;
    uint64_t seed;
    int64_t found, wrong;
};

static void *hammer_main(void *argument) {
    struct hammer *hammer = argument;
    st_random random;
    st_random_seed(&random, hammer->seed);
    for (int i = 0; i < 40000; i++) {
        const int64_t number = st_random_between(&random, 1, 2000);
        const st_plan_key key = key_number(number);
        st_plan_answer answer;
        if (st_plan_cache_find(hammer->cache, &key, &answer)) {
            hammer->found++;
            hammer->wrong += !is_number(&answer, number);
        } else {
            answer = answer_number(number);
            st_plan_cache_keep(hammer->cache, &key, &answer);
        }
    }
    return NULL;
}

static void test_threads_on_the_cache(void **state) {
    (void)state;
    st_plan_cache *cache = open_cache();
    struct hammer hammers[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        hammers[i] = (struct hammer){.cache = cache, .seed = (uint64_t)i + 1};
        assert_int_equal(pthread_create(&threads[i], NULL, hammer_main, &hammers[i]), 0);
    }
    int64_t found = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(hammers[i].wrong, 0);
        found += hammers[i].found;
    }
    assert_true(found > THREADS * 1000);
    st_plan_cache_destroy(cache);
}

struct planner {
    st_context *context;
    uint64_t seed;
    int64_t wrong;
    double hot_ns;
};

/* Processor time of this thread: what a call costs where eight threads share fewer processors. */
static double seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static st_rank_request shape_number(int64_t number) {
    st_rank_request request;
    st_rank_request_init(&request, (int32_t)(number % 3) + ST_TOPK, number % 50, 100 + number, number % 90);
    return request;
}

enum { SHAPES = 3000 };
static st_plan expected[SHAPES];

static int same_plan(const st_plan *a, const st_plan *b) {
    return a->struct_size == b->struct_size && a->source == b->source && memcmp(&a->choice, &b->choice, sizeof a->choice) == 0 &&
           a->request.rows == b->request.rows && a->request.cols == b->request.cols && a->request.k == b->request.k &&
           a->request.kind == b->request.kind && strcmp(a->device, b->device) == 0 && strcmp(a->kernel, b->kernel) == 0 &&
           a->predicted_ns == b->predicted_ns && a->caps.max_workgroup == b->caps.max_workgroup;
}

static void *planner_main(void *argument) {
    struct planner *planner = argument;
    st_random random;
    st_random_seed(&random, planner->seed);
    st_plan plan;
    for (int i = 0; i < 20000; i++) {
        const int64_t number = st_random_between(&random, 0, SHAPES - 1);
        const st_rank_request request = shape_number(number);
        if (st_plan_request(planner->context, &request, NULL, NULL, &plan) != ST_OK || !same_plan(&plan, &expected[number]))
            planner->wrong++;
    }
    const st_rank_request request = shape_number(5);
    const double start = seconds();
    for (int i = 0; i < 20000; i++) planner->wrong += st_plan_request(planner->context, &request, NULL, NULL, &plan) != ST_OK;
    planner->hot_ns = (seconds() - start) / 20000 * 1e9;
    return NULL;
}

/* Without rules, and with some: their threads take turns with the memory that the context keeps for them. */
static void threads_on_a_context(const char *program) {
    setenv("SPIRAL_HEUR_K", program, 1);
    st_context *context = NULL, *other = NULL;
    const st_context_options options = {.struct_size = sizeof options, .threads = 2};
    assert_int_equal(st_context_create(&options, &context), ST_OK);
    assert_int_equal(st_context_create(&options, &other), ST_OK);
    const double start = seconds();
    for (int64_t number = 0; number < SHAPES; number++) {
        const st_rank_request request = shape_number(number);
        assert_int_equal(st_plan_request(other, &request, NULL, NULL, &expected[number]), ST_OK);
    }
    const double fresh_ns = (seconds() - start) / SHAPES * 1e9;
    struct planner planners[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        planners[i] = (struct planner){.context = context, .seed = (uint64_t)i + 100};
        assert_int_equal(pthread_create(&threads[i], NULL, planner_main, &planners[i]), 0);
    }
    double slowest = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(planners[i].wrong, 0);
        if (planners[i].hot_ns > slowest) slowest = planners[i].hot_ns;
    }
    print_message("%s rules: new plan %.0f ns; cached plan, %d threads at once: %.0f ns of processor time each at most\n",
                  *program == '\0' ? "without" : "with", fresh_ns, THREADS, slowest);
    st_context_destroy(other);
    st_context_destroy(context);
    unsetenv("SPIRAL_HEUR_K");
}

static void test_threads_on_a_context(void **state) {
    (void)state;
    threads_on_a_context("");
    threads_on_a_context("kl: sel(k > 30, 2, 4); soft(ctile, 256, 0.2, kl == 2 && tile > 1); penalty_if(mk + wg > c % 7, 0.1)");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_keep_and_find), cmocka_unit_test(test_key_has_every_field),
                                       cmocka_unit_test(test_threads_on_the_cache), cmocka_unit_test(test_threads_on_a_context)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
