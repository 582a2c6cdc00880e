/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* host.h - what the library asks of the program around it: memory, threads, and a place for warnings. */
#ifndef SPIRALTORCH_HOST_H
#define SPIRALTORCH_HOST_H

#include <stdint.h>

#include "export.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The services of a host program. Every pointer may be NULL: then the library uses libc's realloc and POSIX threads, and
 * drops warnings. All callbacks may be called from any thread, and must be safe for that.
 *
 * reallocate(user, pointer, old_size, new_size): realloc with sizes, in bytes. pointer NULL allocates; new_size 0 frees
 *   and returns NULL. Memory is aligned for any C type. Returns NULL on failure, leaving the old block as it was.
 * start_thread(user, thread, main, argument): starts a thread that runs main(argument), and stores its handle in
 *   *thread. Returns 0, or anything else where no thread can be had: the work then goes to fewer threads.
 * join_thread(user, thread): waits for that thread to end. start_thread and join_thread are given together or not at all.
 * warn(user, text): one line for the person who runs the program.
 */
typedef struct st_host {
    uint32_t struct_size; /* sizeof(st_host) */
    void *user;
    void *(*reallocate)(void *user, void *pointer, uint64_t old_size, uint64_t new_size);
    int32_t (*start_thread)(void *user, void **thread, void (*main)(void *), void *argument);
    void (*join_thread)(void *user, void *thread);
    void (*warn)(void *user, const char *text);
} st_host;

#ifdef __cplusplus
}
#endif

#endif
