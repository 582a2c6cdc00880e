/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* spill.c - bytes kept for later, in memory and then in an unlinked file. */
#include "spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MEMORY = 1 << 20 };

void st_spill_start(st_spill *spill, const char *folder) {
    memset(spill, 0, sizeof *spill);
    spill->descriptor = -1;
    spill->folder = folder;
}

static int open_unnamed(const char *folder) {
    if (!folder) {
        folder = getenv("TMPDIR");
        folder = folder && *folder ? folder : "/tmp";
    }
#ifdef O_TMPFILE
    int unnamed = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (unnamed >= 0) {
        return unnamed;
    }
#endif
    size_t length = strlen(folder) + sizeof "/.spiraltorch-XXXXXX";
    char *name = malloc(length);
    if (!name) {
        errno = ENOMEM;
        return -1;
    }
    snprintf(name, length, "%s/.spiraltorch-XXXXXX", folder);
    int descriptor = mkstemp(name);
    if (descriptor >= 0) {
        unlink(name);
        fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    }
    free(name);
    return descriptor;
}

static int write_out(st_spill *spill) {
    if (spill->descriptor < 0) {
        spill->descriptor = open_unnamed(spill->folder);
        if (spill->descriptor < 0) {
            return -1;
        }
    }
    size_t written = 0;
    while (written < spill->used) {
        ssize_t count = write(spill->descriptor, spill->memory + written, spill->used - written);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            errno = count == 0 ? ENOSPC : errno;
            return -1;
        }
        written += (size_t)count;
    }
    spill->used = 0;
    return 0;
}

int st_spill_add(st_spill *spill, const void *from, size_t bytes) {
    const char *at = from;
    spill->buffered = 0;
    while (bytes > 0) {
        if (spill->used == spill->room && spill->room < MEMORY) {
            size_t room = spill->room ? spill->room * 4 : 4096;
            char *memory = realloc(spill->memory, room);
            if (!memory) {
                errno = ENOMEM;
                return -1;
            }
            spill->memory = memory;
            spill->room = room;
        }
        if (spill->used == spill->room && write_out(spill) != 0) {
            return -1;
        }
        size_t part = spill->room - spill->used < bytes ? spill->room - spill->used : bytes;
        memcpy(spill->memory + spill->used, at, part);
        spill->used += part;
        spill->bytes += (int64_t)part;
        at += part;
        bytes -= part;
    }
    return 0;
}

/* Fills the memory from where reading stands: an element at a time would be a call to the system each. */
static int fill_buffer(st_spill *spill) {
    spill->buffered = 0;
    spill->buffer_from = spill->read;
    for (;;) {
        ssize_t count = pread(spill->descriptor, spill->memory, spill->room, (off_t)spill->read);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            errno = count == 0 ? EIO : errno;
            return -1;
        }
        spill->buffered = (size_t)count;
        return 0;
    }
}

int st_spill_read(st_spill *spill, void *to, size_t bytes) {
    if (spill->descriptor >= 0 && spill->used > 0 && write_out(spill) != 0) {
        return -1;
    }
    if (spill->bytes - spill->read < (int64_t)bytes) {
        errno = EIO;
        return -1;
    }
    if (spill->descriptor < 0) {
        memcpy(to, spill->memory + spill->read, bytes);
        spill->read += (int64_t)bytes;
        return 0;
    }
    for (char *at = to; bytes > 0;) {
        int64_t into = spill->read - spill->buffer_from;
        if (into < 0 || into >= (int64_t)spill->buffered) {
            if (fill_buffer(spill) != 0) {
                return -1;
            }
            into = 0;
        }
        size_t part = spill->buffered - (size_t)into < bytes ? spill->buffered - (size_t)into : bytes;
        memcpy(at, spill->memory + into, part);
        at += part;
        bytes -= part;
        spill->read += (int64_t)part;
    }
    return 0;
}

void st_spill_end(st_spill *spill) {
    free(spill->memory);
    if (spill->descriptor >= 0) {
        close(spill->descriptor);
    }
    st_spill_start(spill, spill->folder);
}
