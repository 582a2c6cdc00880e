/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* failing_host.h - a host that refuses its n-th allocation or thread, and knows what was not given back. */
#ifndef ST_TEST_FAILING_HOST_H
#define ST_TEST_FAILING_HOST_H

#include <pthread.h>
#include <stdint.h>

#include "spiraltorch/host.h"

/* Allocations (growth too) and thread starts are counted in one sequence. The struct must stay where it is while in
 * use. */
typedef struct st_failing_host {
    st_host host;    /* to be given to the library */
    int64_t fail_at; /* this event fails, counted from 1; 0: none */
    int64_t fail_from; /* this event and all after it fail; 0: none */
    int64_t events;  /* so far */
    int64_t failures;
    int64_t live_bytes, live_blocks, live_threads;
    int64_t peak_bytes;
    int64_t mistakes; /* sizes that were not the block's, blocks that are none */
    int64_t warnings;
    pthread_mutex_t mutex;
} st_failing_host;

void st_failing_host_open(st_failing_host *failing, int64_t fail_at);

/* Frees the host itself; 1 where everything was given back and no mistake made. */
int st_failing_host_close(st_failing_host *failing);

#endif
