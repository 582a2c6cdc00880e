/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * transfer.h - what it costs to bring a caller's data to a device and its answer back: measured once for each device, and kept
 * in the state folder.
 */
#ifndef ST_ENGINE_TRANSFER_H
#define ST_ENGINE_TRANSFER_H

#include <stddef.h>

#include "device/registry.h"
#include "spiraltorch/host.h"

typedef struct st_transfer {
    double up, down;  /* bytes per second to the device, and back */
    double launch_ns; /* of an execution, whatever its size */
} st_transfer;

/* Nanoseconds that a resolved request on host memory takes beside its kernels. */
double st_transfer_ns(const st_transfer *transfer, const st_rank_request *request);

/*
 * Finds what was measured for this device, by its backend, name and driver, else measures it (some 50 ms) and keeps it: the
 * newest of at most 32 devices, in a file that is not trusted when it is read. A state folder that cannot be written to
 * only means measuring again. Where measuring fails, the status and message are the device's.
 */
st_status st_transfer_find(const st_host *host, const st_backend *backend, const st_device_info *info, st_transfer *transfer);

/* The file's text to and from lines, for tests: finds a device's line; adds one in front of what a text held, bounded. */
int st_transfer_read(const char *text, const st_device_info *info, st_transfer *transfer);
enum { ST_TRANSFER_BYTES = 16384 };
size_t st_transfer_add(const char *text, const st_device_info *info, const st_transfer *transfer, char added[ST_TRANSFER_BYTES]);

#endif
