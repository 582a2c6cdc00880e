/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * fuzz_text.c - any bytes as text. The first byte chooses the options; file and pipe must agree, labels and numbers
 * come together, messages are clean and memory is bounded.
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

enum { MOST = 60000, PEAK = 16 << 20 };

static void require(int holds) {
    if (!holds) abort();
}

static uint64_t mix(uint64_t sum, const void *data, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) sum = (sum ^ ((const unsigned char *)data)[i]) * 0x100000001b3u;
    return sum;
}

/* What was read, as a sum; the last message is left behind where it failed. */
static uint64_t read_all(const char *path, const st_text_options *options, size_t bytes, st_status *status) {
    st_failing_host failing;
    st_failing_host_open(&failing, 0);
    st_text_reader *reader = NULL;
    uint64_t sum = 0;
    size_t numbers = 0;
    *status = st_text_open(&failing.host, path, options, &reader);
    while (*status == ST_OK) {
        st_text_block block = {.struct_size = sizeof block};
        *status = st_text_next(reader, &block);
        if (*status != ST_OK || block.count == 0) break;
        require(block.count > 0 && block.count <= 65536);
        require((block.labels != NULL) == (options->show != NULL));
        numbers += (size_t)block.count;
        sum = mix(sum, block.values, (size_t)block.count * sizeof *block.values);
        for (int64_t i = 0; block.labels != NULL && i < block.count; i++)
            sum = mix(sum, block.labels[i], strlen(block.labels[i]) + 1);
    }
    require(numbers <= bytes); /* a number takes at least a digit */
    if (*status != ST_OK) {
        require(*status == ST_E_FORMAT || *status == ST_E_ARGUMENT);
        for (const char *at = st_last_message(); *at != '\0'; at++) require((unsigned char)*at >= 0x20 && *at != 0x7f);
    }
    st_text_close(reader);
    require(failing.peak_bytes < PEAK);
    require(st_failing_host_close(&failing));
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static const char *const columns[] = {NULL, "1", "2", "a", "b", "3", "x y", "a\"b"};
    static const char *const shows[] = {NULL, "1", "2", "b"};
    static const int64_t limits[] = {0, 8};
    if (bytes < 1 || bytes > MOST) return 0;
    const st_text_options options = {.struct_size = sizeof options,
                                     .column = columns[data[0] % 8],
                                     .show = shows[data[0] / 8 % 4],
                                     .line_limit = limits[data[0] / 32 % 2]};
    data++;
    bytes--;
    const int file = memfd_create("fuzz", MFD_CLOEXEC);
    require(file >= 0 && write(file, data, bytes) == (ssize_t)bytes);
    int ends[2];
    require(pipe(ends) == 0 && write(ends[1], data, bytes) == (ssize_t)bytes);
    close(ends[1]);
    char file_path[40], pipe_path[40];
    snprintf(file_path, sizeof file_path, "/proc/self/fd/%d", file);
    snprintf(pipe_path, sizeof pipe_path, "/proc/self/fd/%d", ends[0]);
    st_status file_status, pipe_status;
    const uint64_t file_sum = read_all(file_path, &options, bytes, &file_status);
    const uint64_t pipe_sum = read_all(pipe_path, &options, bytes, &pipe_status);
    require(file_status == pipe_status && file_sum == pipe_sum);
    close(file);
    close(ends[0]);
    return 0;
}
