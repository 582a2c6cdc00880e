/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* temporary_file.h - files and folders that a test makes under TMPDIR, and removes. Needs cmocka. */
#ifndef ST_TEST_TEMPORARY_FILE_H
#define ST_TEST_TEMPORARY_FILE_H

#include <stddef.h>
#include <stdint.h>

/* A new empty folder; its path in path. */
void st_temporary_folder(char path[256]);

/* Removes a folder and the files in it. */
void st_remove_folder(const char *path);

/* The names in a folder, those of "." and ".." left out. */
int64_t st_count_files(const char *path);

/* Writes a file, as its test has it, and reads one whole (to be freed; NUL-terminated behind *bytes). */
void st_put_file(const char *path, const void *data, size_t bytes);
char *st_get_file(const char *path, size_t *bytes);

/*
 * A process that writes data into a pipe, `piece` bytes at a time, and closes it; path names the reading end, *file
 * holds it. piece 0: in one piece, and the pipe is then held open. st_pipe_close ends the process and closes.
 */
typedef struct st_test_pipe {
    int file;
    int writer; /* process */
    char path[32];
} st_test_pipe;
void st_pipe_open(st_test_pipe *test, const void *data, size_t bytes, size_t piece);
void st_pipe_close(st_test_pipe *test);

#endif
