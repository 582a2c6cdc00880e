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

/* One block with the consumer, one ready, one being filled, and one so that neither side waits for the other's hiccup. */
enum { RING = 4, PAGE = 4096 };

struct st_read_ahead {
    st_host host;
    st_fill fill;
    void *argument;
    size_t block_bytes;
    char *blocks; /* RING blocks, page-aligned: the kernel's copies are faster so */
    void *memory;
    size_t memory_bytes;

    void *thread;
    int threaded;
    int stop_files[2]; /* a pipe; a byte in it wakes a reader that waits for its source */

    pthread_mutex_t mutex;
    pthread_cond_t filled, emptied;
    uint64_t produced, released; /* blocks filled, and blocks that the consumer gave back; both count from the start */
    size_t sizes[RING];
    int stopping;
    int ended; /* nothing more comes: the end, or `status` with its message */
    st_status status;
    char message[ST_MESSAGE_BYTES];

    int held; /* the consumer has a block; only it reads this */
};

static char *block_at(const st_read_ahead *ahead, uint64_t number) {
    return ahead->blocks + (size_t)(number % RING) * ahead->block_bytes;
}

static void reader_main(void *argument) {
    st_read_ahead *ahead = argument;
    for (;;) {
        pthread_mutex_lock(&ahead->mutex);
        while (!ahead->stopping && ahead->produced - ahead->released == RING) pthread_cond_wait(&ahead->emptied, &ahead->mutex);
        const int stopping = ahead->stopping;
        const uint64_t number = ahead->produced;
        pthread_mutex_unlock(&ahead->mutex);
        if (stopping) return;

        size_t got = 0;
        const st_status status = ahead->fill(ahead->argument, ahead->stop_files[0], block_at(ahead, number), ahead->block_bytes, &got);

        pthread_mutex_lock(&ahead->mutex);
        if (status != ST_OK) {
            ahead->status = status;
            st_message_copy(ahead->message);
        }
        ahead->ended = status != ST_OK || got == 0;
        if (!ahead->ended) {
            ahead->sizes[number % RING] = got;
            ahead->produced++;
        }
        const int ended = ahead->ended;
        pthread_cond_signal(&ahead->filled);
        pthread_mutex_unlock(&ahead->mutex);
        if (ended) return;
    }
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

st_status st_read_ahead_open(const st_host *host, size_t block_bytes, int alone, st_fill fill, void *argument,
                             st_read_ahead **out) {
    st_read_ahead *ahead = st_allocate_zeroed(host, sizeof *ahead);
    if (ahead == NULL) return st_fail(ST_E_MEMORY, "no memory for a block reader");
    ahead->host = *host;
    ahead->fill = fill;
    ahead->argument = argument;
    ahead->block_bytes = block_bytes;
    ahead->stop_files[0] = ahead->stop_files[1] = -1;
    ahead->memory_bytes = (alone ? 1 : RING) * block_bytes + PAGE;
    ahead->memory = st_allocate(host, ahead->memory_bytes);
    if (ahead->memory == NULL) {
        st_release(host, ahead, sizeof *ahead);
        return st_fail(ST_E_MEMORY, "no memory for read buffers of %zu bytes", (alone ? 1 : RING) * block_bytes);
    }
    ahead->blocks = (char *)ahead->memory + (PAGE - (uintptr_t)ahead->memory % PAGE) % PAGE;
    pthread_mutex_init(&ahead->mutex, NULL);
    pthread_cond_init(&ahead->filled, NULL);
    pthread_cond_init(&ahead->emptied, NULL);
    if (!alone && make_stop_pipe(ahead->stop_files))
        ahead->threaded = host->start_thread(host->user, &ahead->thread, reader_main, ahead) == 0;
    if (!ahead->threaded) close_stop_pipe(ahead->stop_files);
    *out = ahead;
    return ST_OK;
}

static st_status next_alone(st_read_ahead *ahead, const void **block, size_t *bytes) {
    if (!ahead->ended) {
        const st_status status = ahead->fill(ahead->argument, -1, ahead->blocks, ahead->block_bytes, bytes);
        if (status == ST_OK && *bytes != 0) {
            *block = ahead->blocks;
            return ST_OK;
        }
        *bytes = 0;
        ahead->ended = 1;
        ahead->status = status;
        if (status != ST_OK) st_message_copy(ahead->message);
    }
    return ahead->status == ST_OK ? ST_OK : st_message_set(ahead->status, ahead->message);
}

st_status st_read_ahead_next(st_read_ahead *ahead, const void **block, size_t *bytes) {
    *block = NULL;
    *bytes = 0;
    if (!ahead->threaded) return next_alone(ahead, block, bytes);
    pthread_mutex_lock(&ahead->mutex);
    if (ahead->held) {
        ahead->held = 0;
        ahead->released++;
        pthread_cond_signal(&ahead->emptied);
    }
    while (ahead->produced == ahead->released && !ahead->ended) pthread_cond_wait(&ahead->filled, &ahead->mutex);
    st_status status = ST_OK;
    if (ahead->produced != ahead->released) {
        ahead->held = 1;
        *block = block_at(ahead, ahead->released);
        *bytes = ahead->sizes[ahead->released % RING];
    } else {
        status = ahead->status;
    }
    pthread_mutex_unlock(&ahead->mutex);
    return status == ST_OK ? ST_OK : st_message_set(status, ahead->message);
}

void st_read_ahead_close(st_read_ahead *ahead) {
    if (ahead == NULL) return;
    if (ahead->threaded) {
        pthread_mutex_lock(&ahead->mutex);
        ahead->stopping = 1;
        pthread_cond_signal(&ahead->emptied);
        pthread_mutex_unlock(&ahead->mutex);
        while (write(ahead->stop_files[1], "", 1) < 0 && errno == EINTR) {}
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
