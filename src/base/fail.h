/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* fail.h - how a function inside the library reports a failure: a status, and a message for the calling thread. */
#ifndef ST_BASE_FAIL_H
#define ST_BASE_FAIL_H

#include "spiraltorch/status.h"

/* Leaves a printf-style message, cut to 511 bytes, and returns status. */
st_status st_fail(st_status status, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* Moves a message from one thread to another: the worker copies its own out, the caller of the pool puts it in. */
enum { ST_MESSAGE_BYTES = 512 };
void st_message_copy(char text[ST_MESSAGE_BYTES]);
st_status st_message_set(st_status status, const char *text);

#endif
