/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* file_writer.c - any bytes as a file, written whole or not at all. */
#include "base/fail.h"
#include "base/memory.h"
#include "io/whole_file.h"
#include "spiraltorch/io.h"

st_status st_file_write(const st_host *host, const char *path, const void *bytes, uint64_t count) {
    st_host resolved;
    st_whole_file whole;
    st_status status = st_host_resolve(host, &resolved);
    if (status != ST_OK) return status;
    if (bytes == NULL && count > 0) return st_fail(ST_E_ARGUMENT, "bytes: is NULL, but count is %llu", (unsigned long long)count);
    if (count > INT64_MAX || count > SIZE_MAX) return st_fail(ST_E_ARGUMENT, "count: a file has at most 2^63 - 1 bytes");
    if ((status = st_whole_file_create(&resolved, path, 1, &whole)) != ST_OK) return status;
    if ((status = st_whole_file_write(&whole, 0, bytes, (size_t)count)) == ST_OK)
        return st_whole_file_commit(&resolved, &whole, (int64_t)count);
    st_whole_file_discard(&resolved, &whole);
    return status;
}
