/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* failing_host.c - every block carries its size in front; growing always moves, so that a kept old pointer is caught.
 */
#include "failing_host.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* As long as the strictest alignment, so that what follows keeps malloc's. */
struct header {
    _Alignas(max_align_t) uint64_t size;
    uint64_t magic;
};

static const uint64_t magic = 0x5ca1ab1e0ddba11u;

struct thread {
    pthread_t handle;
    void (*main)(void *);
    void *argument;
};

/* Counts an event; 1 where it must fail. */
static int event_fails(st_failing_host *failing) {
    failing->events++;
    const int fails =
        failing->events == failing->fail_at || (failing->fail_from > 0 && failing->events >= failing->fail_from);
    failing->failures += fails;
    return fails;
}

static void forget(st_failing_host *failing, struct header *header, uint64_t claimed) {
    if (header->magic != magic || header->size != claimed) failing->mistakes++;
    failing->live_bytes -= (int64_t)header->size;
    failing->live_blocks--;
    header->magic = 0;
    free(header);
}

static void *reallocate_locked(st_failing_host *failing, void *pointer, uint64_t old_size, uint64_t new_size) {
    struct header *old = pointer == NULL ? NULL : (struct header *)pointer - 1;
    if (old == NULL && old_size != 0) failing->mistakes++;
    if (new_size == 0) {
        if (old != NULL) forget(failing, old, old_size);
        return NULL;
    }
    if (event_fails(failing) || new_size > SIZE_MAX - sizeof(struct header)) return NULL;
    struct header *header = malloc(sizeof *header + (size_t)new_size);
    if (header == NULL) return NULL;
    *header = (struct header){new_size, magic};
    failing->live_bytes += (int64_t)new_size;
    failing->live_blocks++;
    memset(header + 1, 0xcd, (size_t)new_size); /* nothing may count on zeros */
    if (old != NULL) {
        memcpy(header + 1, old + 1, (size_t)(old->size < new_size ? old->size : new_size));
        forget(failing, old, old_size);
    }
    if (failing->live_bytes > failing->peak_bytes) failing->peak_bytes = failing->live_bytes;
    return header + 1;
}

static void *reallocate(void *user, void *pointer, uint64_t old_size, uint64_t new_size) {
    st_failing_host *failing = user;
    pthread_mutex_lock(&failing->mutex);
    void *result = reallocate_locked(failing, pointer, old_size, new_size);
    pthread_mutex_unlock(&failing->mutex);
    return result;
}

static void *thread_main(void *argument) {
    const struct thread *thread = argument;
    thread->main(thread->argument);
    return NULL;
}

static int32_t start_thread(void *user, void **handle, void (*main)(void *), void *argument) {
    st_failing_host *failing = user;
    pthread_mutex_lock(&failing->mutex);
    const int fails = event_fails(failing);
    if (!fails) failing->live_threads++;
    pthread_mutex_unlock(&failing->mutex);
    if (fails) return 1;
    struct thread *thread = malloc(sizeof *thread);
    if (thread == NULL) abort(); /* no memory for the test itself */
    thread->main = main;
    thread->argument = argument;
    *handle = thread;
    if (pthread_create(&thread->handle, NULL, thread_main, thread) != 0) abort();
    return 0;
}

static void join_thread(void *user, void *handle) {
    st_failing_host *failing = user;
    struct thread *thread = handle;
    pthread_join(thread->handle, NULL);
    free(thread);
    pthread_mutex_lock(&failing->mutex);
    failing->live_threads--;
    pthread_mutex_unlock(&failing->mutex);
}

static void warn(void *user, const char *text) {
    st_failing_host *failing = user;
    (void)text;
    pthread_mutex_lock(&failing->mutex);
    failing->warnings++;
    pthread_mutex_unlock(&failing->mutex);
}

void st_failing_host_open(st_failing_host *failing, int64_t fail_at) {
    memset(failing, 0, sizeof *failing);
    failing->host = (st_host){.struct_size = sizeof(st_host),
                              .user = failing,
                              .reallocate = reallocate,
                              .start_thread = start_thread,
                              .join_thread = join_thread,
                              .warn = warn};
    failing->fail_at = fail_at;
    pthread_mutex_init(&failing->mutex, NULL);
}

int st_failing_host_close(st_failing_host *failing) {
    pthread_mutex_destroy(&failing->mutex);
    return failing->live_bytes == 0 && failing->live_blocks == 0 && failing->live_threads == 0 &&
           failing->mistakes == 0;
}
