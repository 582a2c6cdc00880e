/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* clock.h - time that only goes forward. A file that includes it defines _GNU_SOURCE first: C17 alone has no such clock. */
#ifndef ST_BASE_CLOCK_H
#define ST_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds from some start. */
static inline int64_t st_clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#endif
