/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * fuzz_npy.c - any bytes as an array file. The first two bytes choose the options; the rest is read from a file and
 * from a pipe, which must agree, in memory that does not follow what a header claims.
 */
#define _GNU_SOURCE /* memfd_create */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "failing_host.h"
#include "spiraltorch/io.h"

enum { MOST = 60000, PEAK = 8 << 20 }; /* a pipe takes 64 KiB without a reader */

static void require(int holds) {
    if (!holds) abort();
}

/* Reads everything by blocks into `out`, as far as it goes; returns the bytes, and how it ended in *status. */
static size_t read_blocks(st_array_reader *reader, size_t size, unsigned char *out, st_status *status) {
    size_t used = 0;
    for (;;) {
        const void *elements = NULL;
        int64_t count = 0;
        *status = st_array_next(reader, &elements, &count);
        if (*status != ST_OK || count == 0) return used;
        require(count > 0 && used + (size_t)count * size <= MOST);
        memcpy(out + used, elements, (size_t)count * size);
        used += (size_t)count * size;
    }
}

static void check_message(st_status status) {
    require(status == ST_E_FORMAT || status == ST_E_ARGUMENT);
    for (const char *at = st_last_message(); *at != '\0'; at++) require((unsigned char)*at >= 0x20 && *at != 0x7f);
}

/* Opens and reads; returns 1 where it opened. */
static int read_all(const char *path, const st_array_options *options, st_array_info *info, unsigned char *out,
                    size_t *used, st_status *status) {
    st_failing_host failing;
    st_failing_host_open(&failing, 0);
    st_array_reader *reader = NULL;
    *used = 0;
    *status = st_array_open(&failing.host, path, options, &reader);
    const int opened = *status == ST_OK;
    if (opened) {
        info->struct_size = sizeof *info;
        require(st_array_get_info(reader, info) == ST_OK);
        require(info->dims >= 1 && info->dims <= 8);
        const size_t size = (size_t)st_dtype_size(info->dtype);
        require(size > 0);
        *used = read_blocks(reader, size, out, status);
        if (info->seekable) {
            unsigned char *again = malloc(*used + 1);
            require(again != NULL && info->elements == (int64_t)(*used / size));
            require(st_array_read_at(reader, 0, info->elements, again) == ST_OK);
            require(memcmp(again, out, *used) == 0);
            free(again);
        }
    }
    if (*status != ST_OK) check_message(*status);
    st_array_close(reader);
    require(failing.peak_bytes < PEAK);
    require(st_failing_host_close(&failing));
    return opened;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static unsigned char from_file[MOST], from_pipe[MOST];
    static const st_dtype dtypes[] = {0, ST_BF16, ST_F64, ST_U16, ST_I8, 99};
    if (bytes < 2 || bytes > MOST) return 0;
    const st_array_options options = {.struct_size = sizeof options,
                                      .format = data[0] % 3,
                                      .dtype = dtypes[data[0] / 3 % 6],
                                      .cols = (int64_t)(data[1] & 0x3f) - 1 + (data[1] & 0x40 ? (int64_t)1 << 60 : 0)};
    data += 2;
    bytes -= 2;

    const int file = memfd_create("fuzz", MFD_CLOEXEC);
    require(file >= 0 && write(file, data, bytes) == (ssize_t)bytes);
    int ends[2];
    require(pipe(ends) == 0 && write(ends[1], data, bytes) == (ssize_t)bytes);
    close(ends[1]);
    char file_path[40], pipe_path[40];
    snprintf(file_path, sizeof file_path, "/proc/self/fd/%d", file);
    snprintf(pipe_path, sizeof pipe_path, "/proc/self/fd/%d", ends[0]);

    st_array_info file_info, pipe_info;
    size_t file_used, pipe_used;
    st_status file_status, pipe_status;
    const int file_opened = read_all(file_path, &options, &file_info, from_file, &file_used, &file_status);
    const int pipe_opened = read_all(pipe_path, &options, &pipe_info, from_pipe, &pipe_used, &pipe_status);
    require(file_status == pipe_status); /* a pipe may find out later, but finds out the same */
    require(!file_opened || pipe_opened);
    if (file_opened) {
        require(file_status == ST_OK && file_info.dtype == pipe_info.dtype && file_info.dims == pipe_info.dims);
        require(file_used == pipe_used && memcmp(from_file, from_pipe, file_used) == 0);
    }
    close(file);
    close(ends[0]);
    return 0;
}
