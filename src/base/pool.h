/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* pool.h - worker threads that share out numbered items. */
#ifndef ST_BASE_POOL_H
#define ST_BASE_POOL_H

#include <stdint.h>

#include "spiraltorch/host.h"
#include "spiraltorch/status.h"

typedef struct st_pool st_pool;

/* Makes a pool for calls of up to `threads` workers, callers included; threads start at first use. ST_E_MEMORY. */
st_status st_pool_create(const st_host *host, int32_t threads, st_pool **pool);
void st_pool_destroy(st_pool *pool);

/*
 * Calls work(argument, item, worker) once for every item in [0, items), and returns when all have returned. At most
 * `workers` threads take part, the caller among them; worker, in [0, workers), is held by one thread at a time, so it can
 * name that thread's scratch memory. Each worker begins with an equal run of neighbouring items, which it takes in
 * ascending order, and then takes over half of what is left of another's; the caller alone takes all in ascending order.
 * Where the pool's threads are busy with another call, or cannot be started, fewer take part: work must not wait for other
 * items. A call from inside work is run by its caller alone. Any number of threads may call at once.
 */
void st_pool_run(st_pool *pool, int32_t workers, int64_t items, void (*work)(void *argument, int64_t item, int32_t worker),
                 void *argument);

#endif
