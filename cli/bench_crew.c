/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bench_crew.c - threads for peers and for the read limit, awake before the clock starts; and the read limit itself. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

typedef struct member {
    st_bench_crew *crew;
    pthread_t thread;
    int32_t worker;
} member;

struct st_bench_crew {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    uint64_t posted; /* number of the job below; guarded by mutex, as the job is */
    int32_t workers;
    int32_t closing;
    st_bench_job *job;
    void *argument;
    atomic_int ready, done;
    _Atomic uint64_t started; /* number of the job whose clock runs */
    int32_t threads;
    member members[];
};

double st_bench_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* A short wait in place; with more threads than CPUs the others must get to run. */
static void pause_briefly(unsigned *turns) {
    if (++*turns % 256 == 0) {
        sched_yield();
    }
}

static void *serve(void *argument) {
    const member *self = argument;
    st_bench_crew *crew = self->crew;
    uint64_t seen = 0;
    for (;;) {
        pthread_mutex_lock(&crew->mutex);
        while (crew->posted == seen && !crew->closing) {
            pthread_cond_wait(&crew->wake, &crew->mutex);
        }
        const int closing = crew->closing;
        seen = crew->posted;
        const int32_t workers = crew->workers;
        st_bench_job *job = crew->job;
        void *what = crew->argument;
        pthread_mutex_unlock(&crew->mutex);
        if (closing) {
            return NULL;
        }
        if (self->worker >= workers) {
            continue;
        }
        unsigned turns = 0;
        atomic_fetch_add(&crew->ready, 1);
        while (atomic_load(&crew->started) != seen) {
            pause_briefly(&turns);
        }
        job(what, self->worker, workers);
        atomic_fetch_add(&crew->done, 1);
    }
}

st_bench_crew *st_bench_crew_start(int32_t threads) {
    st_bench_crew *crew = calloc(1, sizeof *crew + (size_t)threads * sizeof(member));
    if (!crew) {
        return NULL;
    }
    pthread_mutex_init(&crew->mutex, NULL);
    pthread_cond_init(&crew->wake, NULL);
    for (crew->threads = 1; crew->threads < threads; crew->threads++) {
        member *next = &crew->members[crew->threads];
        next->crew = crew;
        next->worker = crew->threads;
        if (pthread_create(&next->thread, NULL, serve, next) != 0) {
            st_bench_crew_stop(crew);
            return NULL;
        }
    }
    return crew;
}

void st_bench_crew_stop(st_bench_crew *crew) {
    if (!crew) {
        return;
    }
    pthread_mutex_lock(&crew->mutex);
    crew->closing = 1;
    pthread_cond_broadcast(&crew->wake);
    pthread_mutex_unlock(&crew->mutex);
    for (int32_t i = 1; i < crew->threads; i++) {
        pthread_join(crew->members[i].thread, NULL);
    }
    pthread_cond_destroy(&crew->wake);
    pthread_mutex_destroy(&crew->mutex);
    free(crew);
}

double st_bench_crew_run(st_bench_crew *crew, int32_t workers, st_bench_job *job, void *argument) {
    if (workers > crew->threads) {
        workers = crew->threads;
    }
    if (workers <= 1) {
        const double start = st_bench_now();
        job(argument, 0, 1);
        return st_bench_now() - start;
    }
    unsigned turns = 0;
    pthread_mutex_lock(&crew->mutex);
    atomic_store(&crew->ready, 0);
    atomic_store(&crew->done, 0);
    crew->job = job;
    crew->argument = argument;
    crew->workers = workers;
    const uint64_t number = ++crew->posted;
    pthread_cond_broadcast(&crew->wake);
    pthread_mutex_unlock(&crew->mutex);
    while (atomic_load(&crew->ready) < workers - 1) {
        pause_briefly(&turns);
    }
    const double start = st_bench_now();
    atomic_store(&crew->started, number);
    job(argument, 0, workers);
    while (atomic_load(&crew->done) < workers - 1) {
        pause_briefly(&turns);
    }
    return st_bench_now() - start;
}

/* ---- the read limit: a sum over the bytes, in the widest registers ----------------------------------------------- */

/* Eight registers of 64 bytes: enough loads in flight for any cache level; narrower machines split them. */
typedef uint64_t lane_block __attribute__((vector_size(64), may_alias, aligned(1)));

#define READ_BODY                                                                                                      \
    lane_block a = {0}, b = {0}, c = {0}, d = {0};                                                                     \
    size_t at = 0;                                                                                                     \
    for (; at + 256 <= bytes; at += 256) {                                                                             \
        const lane_block *block = (const lane_block *)(const void *)(memory + at);                                     \
        a += block[0];                                                                                                 \
        b += block[1];                                                                                                 \
        c += block[2];                                                                                                 \
        d += block[3];                                                                                                 \
    }                                                                                                                  \
    a += b + c + d;                                                                                                    \
    uint64_t total = 0;                                                                                                \
    for (int i = 0; i < 8; i++) {                                                                                      \
        total += a[i];                                                                                                 \
    }                                                                                                                  \
    for (; at < bytes; at++) {                                                                                         \
        total += memory[at];                                                                                           \
    }                                                                                                                  \
    return total

static uint64_t read_portable(const unsigned char *memory, size_t bytes) { READ_BODY; }

#if defined(__x86_64__)
__attribute__((target("avx2"))) static uint64_t read_avx2(const unsigned char *memory, size_t bytes) { READ_BODY; }
__attribute__((target("avx512f"))) static uint64_t read_avx512(const unsigned char *memory, size_t bytes) { READ_BODY; }
#endif

typedef struct read_job {
    const unsigned char *memory;
    size_t bytes;
    int64_t repeats;
    uint64_t (*read)(const unsigned char *memory, size_t bytes);
} read_job;

static void read_part(void *argument, int32_t worker, int32_t workers) {
    const read_job *job = argument;
    const size_t blocks = job->bytes / 256;
    const size_t share = blocks / (size_t)workers * 256;
    const size_t first = share * (size_t)worker;
    const size_t last = worker == workers - 1 ? job->bytes : first + share;
    for (int64_t i = 0; i < job->repeats; i++) {
        uint64_t total = job->read(job->memory + first, last - first);
        __asm__ volatile("" : "+r"(total) : : "memory"); /* or the sum would be dropped, or taken once for all repeats */
    }
}

double st_bench_read(st_bench_crew *crew, int32_t threads, const void *memory, size_t bytes, int64_t repeats) {
    read_job job = {memory, bytes, repeats, read_portable};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        job.read = read_avx512;
    } else if (__builtin_cpu_supports("avx2")) {
        job.read = read_avx2;
    }
#endif
    /* A second thread for less than 64 KiB costs more than it reads: the limit is the faster way. */
    const size_t useful = bytes / 65536;
    const int32_t workers = useful < (size_t)threads ? (useful > 0 ? (int32_t)useful : 1) : threads;
    return st_bench_crew_run(crew, workers, read_part, &job) / (double)repeats;
}
