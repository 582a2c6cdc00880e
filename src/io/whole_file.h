/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* whole_file.h - a file that appears under its name whole or not at all, whatever happens on the way. */
#ifndef ST_IO_WHOLE_FILE_H
#define ST_IO_WHOLE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/show_text.h"
#include "spiraltorch/host.h"
#include "spiraltorch/status.h"

typedef struct st_whole_file {
    int file;   /* -1: closed */
    int folder; /* where the file goes: a program that changes its folder meanwhile changes nothing here */
    int named;  /* the temporary file has a name, and must be removed */
    int mode;   /* permissions of the file that is replaced; -1: there is none */
    char *final_name;
    size_t final_bytes;
    char temporary_name[40];
    char name[ST_SHOWN_PATH_BYTES]; /* the path, fit for a message */
} st_whole_file;

/*
 * Makes an empty temporary file in the folder of `path`. anonymous: without a name where the file system can do that,
 * so that even a killed program leaves nothing behind; else under a hidden one. A symbolic link's target is what is
 * replaced, and the permissions of what is replaced stay. ST_E_ARGUMENT, ST_E_IO, ST_E_MEMORY; on failure nothing is
 * left.
 */
st_status st_whole_file_create(const st_host *host, const char *path, int anonymous, st_whole_file *whole);

/*
 * Writes all the bytes at an offset. Passing RLIMIT_FSIZE raises SIGXFSZ, which ends a program that lets it: ignoring
 * it is the program's business, and makes this ST_E_IO.
 */
st_status st_whole_file_write(const st_whole_file *whole, int64_t offset, const void *bytes, size_t count);

/* Gives the file its name, on the disk when this returns ST_OK; or discards it. Closes it either way. */
st_status st_whole_file_commit(const st_host *host, st_whole_file *whole, int64_t size);
void st_whole_file_discard(const st_host *host, st_whole_file *whole);

#endif
