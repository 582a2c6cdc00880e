/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* memory.c - libc and POSIX threads as the default host, and allocation through it. */
#include "base/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

static void *libc_reallocate(void *user, void *pointer, uint64_t old_size, uint64_t new_size) {
    (void)user;
    (void)old_size;
    if (new_size == 0) {
        free(pointer);
        return NULL;
    }
    return new_size <= SIZE_MAX ? realloc(pointer, (size_t)new_size) : NULL;
}

/* pthread_create wants a function that returns a pointer; the start record carries the host's function across. */
struct thread_start {
    pthread_t thread;
    void (*main)(void *);
    void *argument;
};

static void *thread_main(void *record) {
    const struct thread_start *start = record;
    start->main(start->argument);
    return NULL;
}

static int32_t posix_start(void *user, void **thread, void (*main)(void *), void *argument) {
    (void)user;
    struct thread_start *start = malloc(sizeof *start);
    if (start == NULL) return -1;
    start->main = main;
    start->argument = argument;
    *thread = start;
    if (pthread_create(&start->thread, NULL, thread_main, start) == 0) return 0;
    free(start);
    return -1;
}

static void posix_join(void *user, void *thread) {
    (void)user;
    struct thread_start *start = thread;
    pthread_join(start->thread, NULL);
    free(start);
}

static void drop_warning(void *user, const char *text) {
    (void)user;
    (void)text;
}

st_status st_host_resolve(const st_host *host, st_host *resolved) {
    const st_host none = {.struct_size = sizeof none};
    if (host == NULL) host = &none;
    if (host->struct_size != sizeof *host)
        return st_fail(ST_E_ARGUMENT, "host.struct_size is %u; set it to sizeof(st_host)", host->struct_size);
    if ((host->start_thread == NULL) != (host->join_thread == NULL))
        return st_fail(ST_E_ARGUMENT, "host.start_thread and host.join_thread: give both, or neither");
    *resolved = *host;
    if (resolved->reallocate == NULL) resolved->reallocate = libc_reallocate;
    if (resolved->start_thread == NULL) {
        resolved->start_thread = posix_start;
        resolved->join_thread = posix_join;
    }
    if (resolved->warn == NULL) resolved->warn = drop_warning;
    return ST_OK;
}

void *st_allocate(const st_host *host, size_t size) {
    return size == 0 ? NULL : host->reallocate(host->user, NULL, 0, size);
}

void *st_allocate_zeroed(const st_host *host, size_t size) {
    void *pointer = st_allocate(host, size);
    if (pointer != NULL) memset(pointer, 0, size);
    return pointer;
}

void st_release(const st_host *host, void *pointer, size_t size) {
    if (pointer != NULL) host->reallocate(host->user, pointer, size, 0);
}

st_status st_grow(const st_host *host, void **pointer, size_t *size, size_t needed) {
    if (needed <= *size) return ST_OK;
    size_t target = *size < 256 ? 256 : *size;
    while (target < needed) {
        if (target > SIZE_MAX / 2) return st_fail(ST_E_MEMORY, "no memory for %zu bytes", needed);
        target *= 2;
    }
    void *grown = host->reallocate(host->user, *pointer, *size, target);
    if (grown == NULL) return st_fail(ST_E_MEMORY, "no memory for %zu bytes", target);
    *pointer = grown;
    *size = target;
    return ST_OK;
}
