/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* transfer.c - measuring copies and launches, and keeping what was measured. */
#define _GNU_SOURCE /* clock_gettime and access under -std=c17 */
#include "engine/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/memory.h"
#include "io/source.h"
#include "io/state_folder.h"
#include "io/whole_file.h"
#include "rank/request.h"

static const char file_name[] = "transfer.txt";
static const char first_line[] = "spiraltorch transfer 1\n";

/* What no machine goes beyond: a file that says so is not believed. */
static const double least_speed = 1e6, most_speed = 1e13, most_launch_ns = 1e9;

enum { MOST_DEVICES = 32, MEASURED_BYTES = 1 << 25, REPETITIONS = 3 };

double st_transfer_ns(const st_transfer *transfer, const st_rank_request *request) {
    const double size = (double)st_dtype_size(request->dtype), index_size = request->index_dtype == ST_I32 ? 4 : 8;
    const double width = (double)st_request_width(request), rows = (double)request->rows;
    const double out = (request->outputs & ST_OUT_VALUES ? size : 0) + (request->outputs & ST_OUT_INDICES ? index_size : 0);
    return rows * (double)request->cols * size / transfer->up * 1e9 + rows * width * out / transfer->down * 1e9 + transfer->launch_ns;
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

enum { KEY_BYTES = 256 };

/* A device as the end of a line: names come from drivers, so what would end a line or a field is replaced. */
static void key_of(const st_device_info *info, char key[KEY_BYTES]) {
    snprintf(key, KEY_BYTES, "%s|%s|%s", info->backend, info->name, info->driver);
    for (char *at = key; *at != '\0'; at++)
        if ((unsigned char)*at < 32 || *at == 127) *at = '?';
}

/* The line at *text, without its end; moves *text behind it. NULL where there is none. */
static const char *next_line(const char **text, size_t *length) {
    const char *line = *text, *end = strchr(line, '\n');
    if (end == NULL) return NULL;
    *length = (size_t)(end - line);
    *text = end + 1;
    return line;
}

int st_transfer_read(const char *text, const st_device_info *info, st_transfer *transfer) {
    char key[KEY_BYTES];
    const char *line;
    size_t length;
    key_of(info, key);
    if (strncmp(text, first_line, sizeof first_line - 1) != 0) return 0;
    text += sizeof first_line - 1;
    while ((line = next_line(&text, &length)) != NULL) {
        unsigned long long numbers[3];
        int used = 0;
        if (sscanf(line, "%15llu %15llu %15llu %n", &numbers[0], &numbers[1], &numbers[2], &used) != 3 || used == 0) continue;
        if ((size_t)used > length || length - (size_t)used != strlen(key) || strncmp(line + used, key, strlen(key)) != 0) continue;
        const st_transfer found = {(double)numbers[0], (double)numbers[1], (double)numbers[2]};
        if (found.up < least_speed || found.up > most_speed || found.down < least_speed || found.down > most_speed ||
            found.launch_ns > most_launch_ns)
            continue;
        *transfer = found;
        return 1;
    }
    return 0;
}

size_t st_transfer_add(const char *text, const st_device_info *info, const st_transfer *transfer, char added[ST_TRANSFER_BYTES]) {
    char key[KEY_BYTES];
    const char *line;
    size_t length;
    key_of(info, key);
    int used = snprintf(added, ST_TRANSFER_BYTES, "%s%.0f %.0f %.0f %s\n", first_line, transfer->up, transfer->down, transfer->launch_ns, key);
    if (strncmp(text, first_line, sizeof first_line - 1) != 0) return (size_t)used;
    text += sizeof first_line - 1;
    for (int devices = 1; devices < MOST_DEVICES && (line = next_line(&text, &length)) != NULL; devices++) {
        const int same = length > strlen(key) && strncmp(line + length - strlen(key), key, strlen(key)) == 0;
        if (same || length > KEY_BYTES + 64 || (size_t)used + length + 2 > ST_TRANSFER_BYTES) continue;
        used += snprintf(added + used, ST_TRANSFER_BYTES - (size_t)used, "%.*s\n", (int)length, line);
    }
    return (size_t)used;
}

/* The file's text, "" where there is none that can be read. */
static void load(const st_host *host, const char *path, char text[ST_TRANSFER_BYTES]) {
    st_source source;
    void *bytes = NULL;
    size_t size = 0, count = 0;
    text[0] = '\0';
    if (access(path, R_OK) != 0 || st_source_open(path, &source) != ST_OK) return;
    if (st_source_read_up_to(host, &source, ST_TRANSFER_BYTES - 1, &bytes, &size, &count) == ST_OK) {
        if (count > 0) memcpy(text, bytes, count);
        text[count] = '\0';
    }
    st_release(host, bytes, size);
    st_source_close(&source);
}

static void keep(const st_host *host, const char *path, const char *text, size_t bytes) {
    st_whole_file file;
    if (st_state_folder_make() != ST_OK || st_whole_file_create(host, path, 1, &file) != ST_OK) return;
    if (st_whole_file_write(&file, 0, text, bytes) == ST_OK)
        st_whole_file_commit(host, &file, (int64_t)bytes);
    else
        st_whole_file_discard(host, &file);
}

/* ---- measuring --------------------------------------------------------------------------------------------------- */

static double speed(double ns, double latency_ns) {
    const double rest = ns - latency_ns, bytes_a_second = MEASURED_BYTES / (rest > 1 ? rest : 1) * 1e9;
    return bytes_a_second < least_speed ? least_speed : bytes_a_second > most_speed ? most_speed : bytes_a_second;
}

/* The least of some repetitions each; an upload has ended when a word can be read back after it. */
static st_status time_copies(const st_backend *backend, void *memory, void *block, st_transfer *transfer) {
    const st_backend_memory *calls = backend->memory;
    double best[3] = {1e18, 1e18, 1e18};
    uint32_t word;
    st_status status = ST_OK;
    for (int turn = 0; turn <= REPETITIONS && status == ST_OK; turn++) {
        const int64_t start = st_clock_ns();
        status = calls->upload(backend->self, memory, 0, block, MEASURED_BYTES);
        if (status == ST_OK) status = calls->download(backend->self, memory, 0, &word, sizeof word);
        const int64_t up = st_clock_ns();
        if (status == ST_OK) status = calls->download(backend->self, memory, 0, block, MEASURED_BYTES);
        const int64_t down = st_clock_ns();
        if (status == ST_OK) status = calls->download(backend->self, memory, 0, &word, sizeof word);
        const double took[] = {(double)(up - start), (double)(down - up), (double)(st_clock_ns() - down)};
        for (int i = 0; i < 3 && turn > 0; i++) best[i] = took[i] < best[i] ? took[i] : best[i]; /* the first warms up */
    }
    const double launch = best[2] > most_launch_ns ? most_launch_ns : best[2];
    *transfer = (st_transfer){speed(best[0], best[2]), speed(best[1], best[2]), launch};
    return status;
}

static st_status measure(const st_host *host, const st_backend *backend, st_transfer *transfer) {
    void *memory = NULL, *block = st_allocate_zeroed(host, MEASURED_BYTES);
    if (block == NULL) return st_fail(ST_E_MEMORY, "no memory to measure copies with");
    st_status status = backend->memory->create(backend->self, MEASURED_BYTES, &memory);
    if (status == ST_OK) {
        status = time_copies(backend, memory, block, transfer);
        backend->memory->destroy(backend->self, memory);
    }
    st_release(host, block, MEASURED_BYTES);
    return status;
}

st_status st_transfer_find(const st_host *host, const st_backend *backend, const st_device_info *info, st_transfer *transfer) {
    char path[ST_STATE_PATH_BYTES], text[ST_TRANSFER_BYTES] = "", added[ST_TRANSFER_BYTES];
    const int has_place = st_state_path(file_name, path) == ST_OK;
    if (has_place) load(host, path, text);
    if (st_transfer_read(text, info, transfer)) return ST_OK;
    if (backend->memory == NULL) return st_fail(ST_E_UNSUPPORTED, "device %s has no memory to copy to", info->id);
    const st_status status = measure(host, backend, transfer);
    if (status == ST_OK && has_place) keep(host, path, added, st_transfer_add(text, info, transfer, added));
    return status;
}
