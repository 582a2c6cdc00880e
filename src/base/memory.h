/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* memory.h - the one allocator: the host's, with libc and POSIX threads filled in where the host gives none. */
#ifndef ST_BASE_MEMORY_H
#define ST_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "spiraltorch/host.h"
#include "spiraltorch/status.h"

/* A copy of *host (NULL allowed) with every callback filled in. ST_E_ARGUMENT: struct_size, or half a thread pair. */
st_status st_host_resolve(const st_host *host, st_host *resolved);

/* Allocates size bytes (0 gives NULL); NULL on failure. Free with the same size. */
void *st_allocate(const st_host *host, size_t size);
void *st_allocate_zeroed(const st_host *host, size_t size);
void st_release(const st_host *host, void *pointer, size_t size);

/* Grows *pointer from *size to at least `needed` bytes, at least doubling. ST_E_MEMORY leaves both as they were. */
st_status st_grow(const st_host *host, void **pointer, size_t *size, size_t needed);

#endif
