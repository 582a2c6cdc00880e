/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * status.h - how every fallible call answers.
 *
 * A call returns ST_OK (0) or a negative code, and leaves a message that names the argument and the fix. The message
 * belongs to the calling thread, because contexts are shared by threads; it stays until that thread's next failing call.
 */
#ifndef SPIRALTORCH_STATUS_H
#define SPIRALTORCH_STATUS_H

#include <stdint.h>

#include "export.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A status code. The numbers are pinned: they never change between versions. */
typedef int32_t st_status;

enum {
    ST_OK = 0,
    ST_E_ARGUMENT = -1,    /* an argument is out of its domain; the message names it */
    ST_E_MEMORY = -2,      /* the allocator returned nothing */
    ST_E_CAPACITY = -3,    /* the caller's buffer is too small; nothing was written to it */
    ST_E_NAN = -4,         /* a NaN was met under ST_NAN_ERROR */
    ST_E_DEVICE = -5,      /* the named device is not here, or was lost */
    ST_E_UNSUPPORTED = -6, /* a legal request that this backend cannot run */
    ST_E_IO = -7,          /* the operating system refused to open, read or write */
    ST_E_FORMAT = -8,      /* a file's content is not what its format says */
    ST_E_STATE = -9        /* the call does not fit the object's present state */
};

/*
 * The name of a status, such as "ST_E_ARGUMENT"; "unknown status" for any other number.
 * Returns a static string. Thread-safe.
 */
ST_API const char *st_status_name(st_status status);

/*
 * The message of the calling thread's last failing call: one line of at most 511 bytes, never NULL, "" before any failure.
 * The string stays valid until that thread's next failing call. Thread-safe.
 */
ST_API const char *st_last_message(void);

#ifdef __cplusplus
}
#endif

#endif
