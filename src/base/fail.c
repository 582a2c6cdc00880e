/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* fail.c - status names and the thread's last message. */
#include "base/fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char last_message[ST_MESSAGE_BYTES];

st_status st_fail(st_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(last_message, sizeof last_message, format, arguments);
    va_end(arguments);
    return status;
}

void st_message_copy(char text[ST_MESSAGE_BYTES]) { memcpy(text, last_message, ST_MESSAGE_BYTES); }

st_status st_message_set(st_status status, const char *text) {
    snprintf(last_message, sizeof last_message, "%s", text);
    return status;
}

const char *st_last_message(void) { return last_message; }

const char *st_status_name(st_status status) {
    static const char *const names[] = {"ST_OK",      "ST_E_ARGUMENT",    "ST_E_MEMORY", "ST_E_CAPACITY", "ST_E_NAN",
                                        "ST_E_DEVICE", "ST_E_UNSUPPORTED", "ST_E_IO",     "ST_E_FORMAT",   "ST_E_STATE"};
    const int32_t count = (int32_t)(sizeof names / sizeof names[0]);
    return status <= 0 && status > -count ? names[-status] : "unknown status";
}
