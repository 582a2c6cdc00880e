/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* source.h - a file or pipe opened for reading: what it is, and reads that finish or say why not. */
#ifndef ST_IO_SOURCE_H
#define ST_IO_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/show_text.h"
#include "spiraltorch/host.h"
#include "spiraltorch/status.h"

typedef struct st_source {
    int file;                       /* -1: closed */
    int owned;                      /* close it at the end; standard input stays open */
    int seekable;                   /* a regular file or block device, read with pread from `base` */
    int64_t base;                   /* where the data begins: standard input may have been read from before */
    int64_t size;                   /* bytes from base on; -1 where not seekable */
    char name[ST_SHOWN_PATH_BYTES]; /* the path, fit for a message */
} st_source;

/* Opens a path; "-" is standard input. ST_E_ARGUMENT, ST_E_IO. On failure nothing is left open. */
st_status st_source_open(const char *path, st_source *source);
void st_source_close(st_source *source);

/*
 * Reads up to `bytes` at `offset` (from base; pipes: wherever they are), and stops short only at the end: *got says how
 * much. stop_file, where not -1, ends a wait on a pipe with *got = 0 as soon as it can be read.
 */
st_status st_source_read(const st_source *source, int64_t offset, void *buffer, size_t bytes, int stop_file,
                         size_t *got);

/*
 * Reads from the beginning until the end or `most` bytes, into memory that grows by doubling: *bytes of *size, for st_release
 * whatever the answer, *count of them read. ST_E_MEMORY, and as st_source_read.
 */
st_status st_source_read_up_to(const st_host *host, const st_source *source, size_t most, void **bytes, size_t *size, size_t *count);

#endif
