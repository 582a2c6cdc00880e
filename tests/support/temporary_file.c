/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* temporary_file.c - files, folders and pipes for tests. */
#define _GNU_SOURCE /* mkdtemp */
#include "temporary_file.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

void st_temporary_folder(char path[256]) {
    const char *base = getenv("TMPDIR");
    snprintf(path, 256, "%s/spiraltorch-test-XXXXXX", base != NULL && strlen(base) < 200 ? base : "/tmp");
    assert_non_null(mkdtemp(path));
}

static int is_entry(const struct dirent *entry) {
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

void st_remove_folder(const char *path) {
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char name[600];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (is_entry(entry)) assert_int_equal(remove(name), 0);
    }
    closedir(folder);
    assert_int_equal(rmdir(path), 0);
}

int64_t st_count_files(const char *path) {
    DIR *folder = opendir(path);
    assert_non_null(folder);
    int64_t count = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) count += is_entry(entry);
    closedir(folder);
    return count;
}

void st_put_file(const char *path, const void *data, size_t bytes) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

char *st_get_file(const char *path, size_t *bytes) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    const long size = ftell(file);
    assert_true(size >= 0);
    rewind(file);
    char *data = malloc((size_t)size + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, (size_t)size, file), (size_t)size);
    fclose(file);
    data[size] = '\0';
    *bytes = (size_t)size;
    return data;
}

void st_pipe_open(st_test_pipe *test, const void *data, size_t bytes, size_t piece) {
    int files[2];
    assert_int_equal(pipe(files), 0);
    test->writer = fork();
    assert_true(test->writer >= 0);
    if (test->writer == 0) {
        close(files[0]);
        const size_t most = piece > 0 ? piece : bytes;
        for (size_t done = 0; done < bytes;) {
            const ssize_t wrote = write(files[1], (const char *)data + done, bytes - done < most ? bytes - done : most);
            if (wrote <= 0) break;
            done += (size_t)wrote;
        }
        while (piece == 0) pause();
        _exit(0);
    }
    close(files[1]);
    test->file = files[0];
    snprintf(test->path, sizeof test->path, "/dev/fd/%d", files[0]);
}

void st_pipe_close(st_test_pipe *test) {
    close(test->file);
    kill(test->writer, SIGKILL);
    int status;
    assert_int_equal(waitpid(test->writer, &status, 0), test->writer);
}
