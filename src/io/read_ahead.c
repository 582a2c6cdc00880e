/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* read_ahead.c - a ring of blocks between a reading thread and its consumer. */
#define _GNU_SOURCE /* fcntl's FD_CLOEXEC and pipe under -std=c17 */
#include "io/read_ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"

/* A block with the consumer, one ready, one being filled, and one so that neither waits for the other's hiccup. */
enum { RING = 4, PAGE = 4096 };

struct st_read_ahead {
    st_host host;
    st_fill fill;
    void *argument;
    size_t block_bytes;
    char *blocks; /* `ring` blocks, page-aligned: the kernel's copies are faster so */
    uint64_t ring;
    void *memory;
    size_t memory_bytes;

    void *thread;
    int threaded;
    int consumer_fills;
    int stop_files[2]; /* a pipe; a byte in it wakes a reader that waits for its source */

    pthread_mutex_t mutex;
    pthread_cond_t filled, emptied;
    uint64_t claimed, released; /* the next block to be filled, and the first that the consumer has not given back */
    uint64_t end;               /* the first block that is not there, once known, for the reason `status` */
    uint64_t ready[RING];       /* 1 + the number of the block that a slot holds; 0: none */
    size_t sizes[RING];
    int stopping, asleep;
    st_status status;
    char message[ST_MESSAGE_BYTES];

    int held; /* the consumer has a block; only it reads this */
};

static int can_claim(const st_read_ahead *ahead) {
    return ahead->claimed < ahead->end && ahead->claimed - ahead->released < ahead->ring;
}

static char *block_at(const st_read_ahead *ahead, uint64_t number) {
    return ahead->blocks + (size_t)(number % ahead->ring) * ahead->block_bytes;
}

/* Claims and fills the next block. Called with the mutex, which is free while the block is filled. */
static void fill_next(st_read_ahead *ahead) {
    const uint64_t number = ahead->claimed++;
    pthread_mutex_unlock(&ahead->mutex);
    size_t got = 0;
    const st_status status =
        ahead->fill(ahead->argument, number, ahead->stop_files[0], block_at(ahead, number), ahead->block_bytes, &got);
    pthread_mutex_lock(&ahead->mutex);
    if (status == ST_OK && got != 0) {
        ahead->sizes[number % ahead->ring] = got;
        ahead->ready[number % ahead->ring] = number + 1;
    } else if (number < ahead->end) {
        ahead->end = number;
        ahead->status = status;
        if (status != ST_OK) st_message_copy(ahead->message);
    }
}

static void reader_main(void *argument) {
    st_read_ahead *ahead = argument;
    pthread_mutex_lock(&ahead->mutex);
    while (!ahead->stopping && ahead->claimed < ahead->end) {
        if (can_claim(ahead)) {
            fill_next(ahead);
            pthread_cond_signal(&ahead->filled);
        } else {
            ahead->asleep = 1;
            pthread_cond_wait(&ahead->emptied, &ahead->mutex);
            ahead->asleep = 0;
        }
    }
    pthread_mutex_unlock(&ahead->mutex);
}

static int make_stop_pipe(int files[2]) {
    if (pipe(files) != 0) {
        files[0] = files[1] = -1;
        return 0;
    }
    for (int i = 0; i < 2; i++) (void)fcntl(files[i], F_SETFD, FD_CLOEXEC);
    return 1;
}

static void close_stop_pipe(int files[2]) {
    for (int i = 0; i < 2; i++) {
        if (files[i] >= 0) close(files[i]);
        files[i] = -1;
    }
}

st_status st_read_ahead_open(const st_host *host, size_t block_bytes, int manner, st_fill fill, void *argument,
                             st_read_ahead **out) {
    st_read_ahead *ahead = st_allocate_zeroed(host, sizeof *ahead);
    if (ahead == NULL) return st_fail(ST_E_MEMORY, "no memory for a block reader");
    ahead->host = *host;
    ahead->fill = fill;
    ahead->argument = argument;
    ahead->block_bytes = block_bytes;
    ahead->end = UINT64_MAX;
    ahead->ring = manner == ST_FILL_ALONE ? 1 : RING;
    ahead->stop_files[0] = ahead->stop_files[1] = -1;
    ahead->memory_bytes = (size_t)ahead->ring * block_bytes + PAGE;
    ahead->memory = st_allocate(host, ahead->memory_bytes);
    if (ahead->memory == NULL) {
        const size_t wanted = ahead->memory_bytes;
        st_release(host, ahead, sizeof *ahead);
        return st_fail(ST_E_MEMORY, "no memory for read buffers of %zu bytes", wanted);
    }
    ahead->blocks = (char *)ahead->memory + (PAGE - (uintptr_t)ahead->memory % PAGE) % PAGE;
    pthread_mutex_init(&ahead->mutex, NULL);
    pthread_cond_init(&ahead->filled, NULL);
    pthread_cond_init(&ahead->emptied, NULL);
    /* Set before the thread starts, which reads them. */
    const int wakeable = manner != ST_FILL_ALONE && make_stop_pipe(ahead->stop_files);
    ahead->threaded = wakeable && host->start_thread(host->user, &ahead->thread, reader_main, ahead) == 0;
    if (!ahead->threaded) {
        close_stop_pipe(ahead->stop_files);
        ahead->ring = 1;
    }
    ahead->consumer_fills = !ahead->threaded || manner == ST_FILL_ANYWHERE;
    *out = ahead;
    return ST_OK;
}

st_status st_read_ahead_next(st_read_ahead *ahead, const void **block, size_t *bytes) {
    *block = NULL;
    *bytes = 0;
    pthread_mutex_lock(&ahead->mutex);
    if (ahead->held) {
        ahead->held = 0;
        ahead->released++;
        /* Waking costs as much as a tenth of a block: once for half the ring, not for every slot. */
        if (ahead->asleep && ahead->claimed - ahead->released <= ahead->ring / 2) pthread_cond_signal(&ahead->emptied);
    }
    const uint64_t number = ahead->released;
    const size_t slot = (size_t)(number % ahead->ring);
    while (ahead->ready[slot] != number + 1 && number < ahead->end) {
        /* Rather than wait, the consumer fills a block itself: sleep and wake take as long as a cached read. */
        if (ahead->consumer_fills && can_claim(ahead))
            fill_next(ahead);
        else
            pthread_cond_wait(&ahead->filled, &ahead->mutex);
    }
    st_status status = ST_OK;
    if (number < ahead->end) {
        ahead->held = 1;
        *block = block_at(ahead, number);
        *bytes = ahead->sizes[slot];
    } else if (ahead->status != ST_OK) {
        status = st_message_set(ahead->status, ahead->message);
    }
    pthread_mutex_unlock(&ahead->mutex);
    return status;
}

void st_read_ahead_close(st_read_ahead *ahead) {
    if (ahead == NULL) return;
    if (ahead->threaded) {
        pthread_mutex_lock(&ahead->mutex);
        ahead->stopping = 1;
        pthread_cond_signal(&ahead->emptied);
        pthread_mutex_unlock(&ahead->mutex);
        while (write(ahead->stop_files[1], "", 1) < 0 && errno == EINTR) continue;
        ahead->host.join_thread(ahead->host.user, ahead->thread);
    }
    close_stop_pipe(ahead->stop_files);
    pthread_cond_destroy(&ahead->emptied);
    pthread_cond_destroy(&ahead->filled);
    pthread_mutex_destroy(&ahead->mutex);
    const st_host host = ahead->host;
    st_release(&host, ahead->memory, ahead->memory_bytes);
    st_release(&host, ahead, sizeof *ahead);
}
