/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* source.c - a file or pipe opened for reading. */
#define _GNU_SOURCE /* O_CLOEXEC and pread under -std=c17 */
#include "io/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "io/system_error.h"

st_status st_source_open(const char *path, st_source *source) {
    memset(source, 0, sizeof *source);
    source->file = -1;
    source->size = -1;
    if (path == NULL) return st_fail(ST_E_ARGUMENT, "path: is NULL; give a file, or \"-\" for standard input");
    if (path[0] == '\0') return st_fail(ST_E_ARGUMENT, "path: is empty; give a file, or \"-\" for standard input");
    if (strcmp(path, "-") == 0) {
        strcpy(source->name, "standard input");
        source->file = STDIN_FILENO;
    } else {
        st_show_path(source->name, path);
        do {
            source->file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        } while (source->file < 0 && errno == EINTR);
        if (source->file < 0) return st_fail_system(errno, "%s: cannot open", source->name);
        source->owned = 1;
    }

    struct stat about;
    if (fstat(source->file, &about) != 0) {
        const int error = errno;
        st_source_close(source);
        return st_fail_system(error, "%s: cannot read", source->name);
    }
    if (S_ISDIR(about.st_mode)) {
        st_source_close(source);
        return st_fail(ST_E_IO, "%s: is a directory; name a file in it", source->name);
    }
    if (!S_ISREG(about.st_mode) && !S_ISBLK(about.st_mode)) return ST_OK;
    const off_t here = lseek(source->file, 0, SEEK_CUR);
    const off_t end = S_ISREG(about.st_mode) ? about.st_size : lseek(source->file, 0, SEEK_END);
    if (here < 0 || end < 0) return ST_OK;
    if (!S_ISREG(about.st_mode)) (void)lseek(source->file, here, SEEK_SET);
    source->seekable = 1;
    source->base = here;
    source->size = end > here ? end - here : 0;
    return ST_OK;
}

void st_source_close(st_source *source) {
    if (source->owned && source->file >= 0) close(source->file);
    source->file = -1;
}

/* Waits until a pipe has something, or until it must not be waited for. Returns 1, 0 (stop) or -1 (errno). */
static int wait_for_data(int file, int stop_file) {
    struct pollfd files[2] = {{.fd = file, .events = POLLIN}, {.fd = stop_file, .events = POLLIN}}; /* -1 is skipped */
    for (;;) {
        if (poll(files, 2, -1) > 0) return files[1].revents != 0 ? 0 : 1;
        if (errno != EINTR && errno != EAGAIN) return -1;
    }
}

st_status st_source_read(const st_source *source, int64_t offset, void *buffer, size_t bytes, int stop_file,
                         size_t *got) {
    /* Linux moves at most 2 GiB a call; more than SSIZE_MAX would be undefined elsewhere. */
    const size_t most = (size_t)1 << 30;
    int must_wait = stop_file >= 0 && !source->seekable;
    *got = 0;
    while (*got < bytes) {
        const size_t wanted = bytes - *got < most ? bytes - *got : most;
        char *at = (char *)buffer + *got;
        const int64_t place = source->base + offset + (int64_t)*got;
        const int ready = must_wait ? wait_for_data(source->file, stop_file) : 1;
        if (ready == 0) {
            *got = 0;
            return ST_OK;
        }
        ssize_t read_now = -1;
        if (ready > 0)
            read_now =
                source->seekable ? pread(source->file, at, wanted, (off_t)place) : read(source->file, at, wanted);
        if (read_now == 0) return ST_OK;
        if (read_now > 0)
            *got += (size_t)read_now;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            must_wait = 1; /* someone else made standard input non-blocking */
        else if (errno != EINTR)
            return st_fail_system(errno, "%s: cannot read at byte %lld", source->name, (long long)place);
    }
    return ST_OK;
}

st_status st_source_read_up_to(const st_host *host, const st_source *source, size_t most, void **bytes, size_t *size, size_t *count) {
    *count = 0;
    while (*count < most) {
        size_t got = 0;
        st_status status = st_grow(host, bytes, size, *count + 1);
        if (status != ST_OK) return status;
        const size_t room = *size < most ? *size : most;
        status = st_source_read(source, (int64_t)*count, (char *)*bytes + *count, room - *count, -1, &got);
        if (status != ST_OK) return status;
        *count += got;
        if (*count < room) break;
    }
    return ST_OK;
}
