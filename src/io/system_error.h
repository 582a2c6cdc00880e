/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* system_error.h - the operating system's refusal as a message. */
#ifndef ST_IO_SYSTEM_ERROR_H
#define ST_IO_SYSTEM_ERROR_H

#include "spiraltorch/status.h"

/* Leaves "what: the system's reason" and returns ST_E_IO, or ST_E_MEMORY for ENOMEM. */
st_status st_fail_system(int error, const char *what, ...) __attribute__((format(printf, 2, 3), cold));

#endif
