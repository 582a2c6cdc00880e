/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* automatic.h - the devices that auto means, which of them a request goes to, and what happens where one fails. */
#ifndef ST_ENGINE_AUTOMATIC_H
#define ST_ENGINE_AUTOMATIC_H

#include <stdatomic.h>

#include "device/registry.h"
#include "engine/settings.h"
#include "engine/transfer.h"

/* A device that auto may pick. */
typedef struct st_auto_device {
    int32_t position;
    st_transfer transfer; /* what reaching it costs; unused for the CPU */
} st_auto_device;

enum { ST_FAILURE_BYTES = 128 };

/* The first failure of a device that auto had picked: written once, read when `told` is 2. */
typedef struct st_auto_failure {
    _Atomic int32_t told, lost; /* lost: auto picks it no more */
    char why[ST_FAILURE_BYTES];
} st_auto_failure;

typedef struct st_automatic {
    char priorities[64]; /* as words, for messages */
    int32_t count;       /* 0: no backend of the priorities can run */
    st_auto_device devices[ST_REGISTRY_MOST];   /* in the order of the priorities */
    st_auto_failure failures[ST_REGISTRY_MOST]; /* by position */
} st_automatic;

/* Finds the devices that auto means, measuring copies to those that need them, and writes why it passes others by. */
void st_automatic_settle(st_automatic *automatic, const st_host *host, st_registry *registry, const st_settings *settings);

/* The device that auto means where there is no request to go by: the first. ST_E_DEVICE where there is none. */
st_status st_automatic_first(const st_automatic *automatic, int32_t *position);

/* Notes that a device failed under auto; the message is the thread's last. Thread-safe. */
void st_automatic_fail(st_automatic *automatic, int32_t position, st_status status);

/* Adds what was noted to a device's line in the list. Thread-safe. */
void st_automatic_tell(const st_automatic *automatic, int32_t position, st_device_info *info);

/* 1 where the CPU stands in for a device at a position that auto picked and that failed with this status. */
int st_automatic_stands_in(const st_automatic *automatic, int32_t position, st_status status);

#endif
