/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* system_error.c - the operating system's refusal as a message. */
#define _GNU_SOURCE /* the errno names beyond C17 */
#include "io/system_error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"

/* strerror is not thread-safe, and the two strerror_r differ: the reasons that a file really gives, by hand. */
static const char *reason(int error) {
    switch (error) {
    case EACCES: return "permission denied; check the mode of the file and its folders";
    case EPERM: return "not permitted by the system";
    case ENOENT: return "no such file or folder";
    case ENOTDIR: return "a part of the path is not a folder";
    case EISDIR: return "it is a folder";
    case ELOOP: return "too many symbolic links";
    case ENAMETOOLONG: return "the name is too long";
    case EMFILE:
    case ENFILE: return "too many open files";
    case EROFS: return "the file system is read-only";
    case ENOSPC: return "no space left on the device; free some, or write elsewhere";
#ifdef EDQUOT
    case EDQUOT: return "the disk quota is used up";
#endif
    case EFBIG: return "the file would pass the largest allowed size";
    case EIO: return "the device failed (input/output error)";
    case ENXIO:
    case ENODEV: return "no such device";
    case EBADF: return "it is not open";
    case ENOMEM: return "the system has no memory for it";
    default: return NULL;
    }
}

st_status st_fail_system(int error, const char *what, ...) {
    char text[ST_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, what);
    vsnprintf(text, sizeof text, what, arguments);
    va_end(arguments);
    const char *known = reason(error);
    const st_status status = error == ENOMEM ? ST_E_MEMORY : ST_E_IO;
    if (known != NULL) return st_fail(status, "%s: %s", text, known);
    return st_fail(status, "%s: system error %d", text, error);
}
