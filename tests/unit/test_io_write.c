/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_io_write.c - files appear whole or not at all: bytes, NumPy, no space, killed writers, failing hosts. */
#define _GNU_SOURCE /* symlink, setrlimit, mkfifo */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "failing_host.h"
#include "io/whole_file.h"
#include "spiraltorch/io.h"
#include "temporary_file.h"

static char folder[256], path[300];

static int open_folder(void **state) {
    (void)state;
    st_temporary_folder(folder);
    snprintf(path, sizeof path, "%s/out.npy", folder);
    return 0;
}

static int close_folder(void **state) {
    (void)state;
    st_remove_folder(folder);
    return 0;
}

static void exact_bytes(void **state) {
    (void)state;
    const int64_t shape[2] = {2, 3};
    const float values[6] = {1, 2, 3, 4, 5, 6};
    st_npy_writer *writer = NULL;
    assert_int_equal(st_npy_create(NULL, path, ST_F32, 2, shape, &writer), ST_OK);
    assert_int_equal(st_npy_append(writer, values, 4), ST_OK);
    assert_int_equal(st_npy_append(writer, values + 4, 2), ST_OK);
    assert_int_equal(access(path, F_OK), -1); /* no name before the commit */
    assert_int_equal(st_npy_append(writer, values, 1), ST_E_ARGUMENT);
    assert_int_equal(st_npy_append(writer, NULL, 0), ST_OK);
    assert_int_equal(st_npy_commit(writer), ST_OK);
    assert_int_equal(st_count_files(folder), 1);
    size_t bytes;
    char *file = st_get_file(path, &bytes);
    /* What np.save writes for np.arange(1, 7, dtype='<f4').reshape(2, 3), byte for byte. */
    static const char header[] = "\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    assert_int_equal(bytes, 128 + 24);
    assert_memory_equal(file, header, sizeof header - 1);
    for (size_t i = sizeof header - 1; i < 127; i++) assert_int_equal(file[i], ' ');
    assert_int_equal(file[127], '\n');
    assert_memory_equal(file + 128, values, 24);
    free(file);
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    const mode_t mask = umask(0);
    umask(mask);
    assert_int_equal(about.st_mode & 0777, 0666 & ~mask);
}

static void round_trips(void **state) {
    (void)state;
    const int64_t shapes[][8] = {
        {7, 0, 0, 0, 0, 0, 0, 0}, {0, 3, 0, 0, 0, 0, 0, 0}, {1, 2, 3, 2, 1, 2, 1, 2}, {2, 1, 4, 0, 0, 0, 0, 0}};
    const int32_t dims[] = {1, 2, 8, 3};
    unsigned char data[48 * 8];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)(i * 37);
    for (st_dtype dtype = ST_F32; dtype <= ST_U64; dtype++) {
        for (size_t s = 0; s < 4; s++) {
            int64_t elements = 1;
            for (int32_t i = 0; i < dims[s]; i++) elements *= shapes[s][i];
            st_npy_writer *writer = NULL;
            assert_int_equal(st_npy_create(NULL, path, dtype, dims[s], shapes[s], &writer), ST_OK);
            assert_int_equal(st_npy_append(writer, data, elements), ST_OK);
            assert_int_equal(st_npy_commit(writer), ST_OK);
            st_array_reader *reader = NULL;
            const st_array_options options = {.struct_size = sizeof options, .dtype = dtype == ST_BF16 ? ST_BF16 : 0};
            assert_int_equal(st_array_open(NULL, path, &options, &reader), ST_OK);
            st_array_info info = {.struct_size = sizeof info};
            assert_int_equal(st_array_get_info(reader, &info), ST_OK);
            assert_int_equal(info.dtype, dtype);
            assert_int_equal(info.dims, dims[s]);
            assert_memory_equal(info.shape, shapes[s], (size_t)dims[s] * sizeof(int64_t));
            unsigned char got[sizeof data];
            assert_int_equal(st_array_read_at(reader, 0, elements, got), ST_OK);
            assert_memory_equal(got, data, (size_t)(elements * st_dtype_size(dtype)));
            st_array_close(reader);
        }
    }
}

/* NumPy, where it is, reads every dtype and gets the same values and shape. */
static void numpy_reads(void **state) {
    (void)state;
    if (system("/usr/bin/python3 -c 'import numpy' 2>/dev/null") != 0) {
        print_message("NumPy is not here\n");
        skip();
    }
    static const char *const names[] = {"",    "<f4", "<f8", "<f2", "|V2", "|i1", "|u1",
                                        "<i2", "<u2", "<i4", "<u4", "<i8", "<u8"};
    for (st_dtype dtype = ST_F32; dtype <= ST_U64; dtype++) {
        const int64_t shape[3] = {3, 1, 5};
        unsigned char data[15 * 8];
        for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)i;
        st_npy_writer *writer = NULL;
        assert_int_equal(st_npy_create(NULL, path, dtype, 3, shape, &writer), ST_OK);
        assert_int_equal(st_npy_append(writer, data, 15), ST_OK);
        assert_int_equal(st_npy_commit(writer), ST_OK);
        char command[800];
        snprintf(command, sizeof command,
                 "/usr/bin/python3 -c \"import numpy as np; a = np.load('%s'); "
                 "assert a.dtype.str == '%s' and a.shape == (3, 1, 5), (a.dtype, a.shape); "
                 "assert a.tobytes() == bytes(range(15 * a.itemsize))\"",
                 path, names[dtype]);
        assert_int_equal(system(command), 0);
    }
}

static void long_appends(void **state) {
    (void)state;
    enum { elements = 1000003 };
    int64_t *data = malloc(elements * sizeof *data);
    assert_non_null(data);
    for (int64_t i = 0; i < elements; i++) data[i] = i * 7919;
    static const int64_t pieces[] = {1, 10, 32768, 32769, 700000};
    for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
        const int64_t shape = elements;
        st_npy_writer *writer = NULL;
        assert_int_equal(st_npy_create(NULL, path, ST_I64, 1, &shape, &writer), ST_OK);
        for (int64_t done = 0; done < elements;) {
            const int64_t count = elements - done < pieces[p] ? elements - done : pieces[p];
            assert_int_equal(st_npy_append(writer, data + done, count), ST_OK);
            done += count;
        }
        assert_int_equal(st_npy_commit(writer), ST_OK);
        size_t bytes;
        char *file = st_get_file(path, &bytes);
        assert_int_equal(bytes, 128 + elements * sizeof *data);
        assert_memory_equal(file + 128, data, elements * sizeof *data);
        free(file);
    }
    free(data);
}

static void writes_anywhere(void **state) {
    (void)state;
    const int64_t shape = 10;
    const int32_t values[10] = {10, 11, 12, 13, 14, 15, 16, 17, 18, 19};
    st_npy_writer *writer = NULL;
    size_t bytes;
    assert_int_equal(st_npy_create(NULL, path, ST_I32, 1, &shape, &writer), ST_OK);
    assert_int_equal(st_npy_write_at(writer, 7, values + 7, 2), ST_OK);
    assert_int_equal(st_npy_write_at(writer, 2, values + 2, 3), ST_OK);
    assert_int_equal(st_npy_write_at(writer, 9, values, 2), ST_E_ARGUMENT);
    assert_int_equal(st_npy_write_at(writer, -1, values, 1), ST_E_ARGUMENT);
    assert_int_equal(st_npy_write_at(writer, 0, NULL, 1), ST_E_ARGUMENT);
    assert_int_equal(st_npy_write_at(writer, 0, values, 2), ST_OK);
    assert_int_equal(st_npy_write_at(writer, 9, values + 9, 1), ST_OK);
    assert_int_equal(st_npy_write_at(writer, 5, values + 5, 2), ST_OK);
    assert_int_equal(st_npy_commit(writer), ST_OK);
    char *file = st_get_file(path, &bytes);
    assert_int_equal(bytes, 128 + 40);
    assert_memory_equal(file + 128, values, 40);
    free(file);
    /* Both ways at once: the later call stands where they meet. */
    const int32_t other = -1;
    assert_int_equal(st_npy_create(NULL, path, ST_I32, 1, &shape, &writer), ST_OK);
    assert_int_equal(st_npy_append(writer, values, 5), ST_OK);
    assert_int_equal(st_npy_write_at(writer, 3, &other, 1), ST_OK);
    assert_int_equal(st_npy_write_at(writer, 6, &other, 1), ST_OK);
    assert_int_equal(st_npy_append(writer, values + 5, 5), ST_OK);
    assert_int_equal(st_npy_commit(writer), ST_OK);
    const int32_t mixed[10] = {10, 11, 12, -1, 14, 15, 16, 17, 18, 19};
    file = st_get_file(path, &bytes);
    assert_memory_equal(file + 128, mixed, 40);
    free(file);
}

static void assert_old_file_stands(void) {
    size_t bytes;
    char *file = st_get_file(path, &bytes);
    assert_string_equal(file, "the old file");
    free(file);
    assert_int_equal(st_count_files(folder), 1);
}

static void stops_short(void **state) {
    (void)state;
    const int64_t shape = 3;
    const float values[3] = {0};
    st_npy_writer *writer = NULL;
    st_put_file(path, "the old file", 12);
    assert_int_equal(st_npy_create(NULL, path, ST_F32, 1, &shape, &writer), ST_OK);
    assert_int_equal(st_npy_append(writer, values, 2), ST_OK);
    assert_int_equal(st_npy_commit(writer), ST_E_STATE);
    assert_non_null(strstr(st_last_message(), "2 of 3"));
    assert_old_file_stands();
    /* Nothing at all; places alone; and both ways together. */
    static const int64_t counts[][2] = {{0, 0}, {0, 2}, {1, 1}, {2, 0}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        assert_int_equal(st_npy_create(NULL, path, ST_F32, 1, &shape, &writer), ST_OK);
        assert_int_equal(st_npy_append(writer, values, counts[i][0]), ST_OK);
        assert_int_equal(st_npy_write_at(writer, 1, values, counts[i][1]), ST_OK);
        assert_int_equal(st_npy_commit(writer), ST_E_STATE);
        assert_old_file_stands();
    }
    assert_int_equal(st_npy_create(NULL, path, ST_F32, 1, &shape, &writer), ST_OK);
    assert_int_equal(st_npy_append(writer, values, 3), ST_OK);
    st_npy_discard(writer);
    assert_old_file_stands();
    st_npy_discard(NULL);
    assert_int_equal(st_npy_commit(NULL), ST_E_ARGUMENT);
}

static void bad_targets(void **state) {
    (void)state;
    const int64_t shape = 3, negative[2] = {3, -1}, huge[3] = {1 << 30, 1 << 30, 8}, empty[2] = {0, INT64_MAX};
    st_npy_writer *writer = NULL;
    char other[320];
    assert_int_equal(st_npy_create(NULL, folder, ST_F32, 1, &shape, &writer), ST_E_IO);
    assert_non_null(strstr(st_last_message(), "is a folder"));
    assert_int_equal(st_npy_create(NULL, "/dev/full", ST_F32, 1, &shape, &writer), ST_E_IO);
    assert_non_null(strstr(st_last_message(), "device or pipe"));
    assert_int_equal(st_npy_create(NULL, "/dev/null", ST_F32, 1, &shape, &writer), ST_E_IO);
    snprintf(other, sizeof other, "%s/none/out.npy", folder);
    assert_int_equal(st_npy_create(NULL, other, ST_F32, 1, &shape, &writer), ST_E_IO);
    assert_non_null(strstr(st_last_message(), "no such"));
    snprintf(other, sizeof other, "%s/", folder);
    assert_int_not_equal(st_npy_create(NULL, other, ST_F32, 1, &shape, &writer), ST_OK);
    assert_int_equal(st_npy_create(NULL, "", ST_F32, 1, &shape, &writer), ST_E_ARGUMENT);
    assert_int_equal(st_npy_create(NULL, NULL, ST_F32, 1, &shape, &writer), ST_E_ARGUMENT);
    assert_int_equal(st_npy_create(NULL, path, 0, 1, &shape, &writer), ST_E_ARGUMENT);
    assert_int_equal(st_npy_create(NULL, path, ST_F32, 0, &shape, &writer), ST_E_ARGUMENT);
    assert_int_equal(st_npy_create(NULL, path, ST_F32, 9, &shape, &writer), ST_E_ARGUMENT);
    assert_int_equal(st_npy_create(NULL, path, ST_F32, 1, NULL, &writer), ST_E_ARGUMENT);
    assert_int_equal(st_npy_create(NULL, path, ST_F32, 2, negative, &writer), ST_E_ARGUMENT);
    assert_int_equal(st_npy_create(NULL, path, ST_F32, 3, huge, &writer), ST_E_ARGUMENT);
    assert_int_equal(st_npy_create(NULL, path, ST_F32, 2, empty, &writer), ST_E_ARGUMENT);
    assert_int_equal(st_npy_create(NULL, path, ST_F32, 1, &shape, NULL), ST_E_ARGUMENT);
    assert_null(writer);
    assert_int_equal(st_npy_append(NULL, &shape, 1), ST_E_ARGUMENT);
    assert_int_equal(st_npy_write_at(NULL, 0, &shape, 1), ST_E_ARGUMENT);
    assert_int_equal(st_count_files(folder), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(st_npy_create(NULL, path, ST_F32, 1, &shape, &writer), ST_E_IO);
    assert_int_equal(st_count_files(folder), 1);
}

/* A symbolic link stays one, and what it leads to is replaced. */
static void symbolic_links(void **state) {
    (void)state;
    const int64_t shape = 1;
    const double value = 2;
    char link[320];
    snprintf(link, sizeof link, "%s/link", folder);
    st_npy_writer *writer = NULL;
    assert_int_equal(symlink("out.npy", link), 0);
    assert_int_equal(st_npy_create(NULL, link, ST_F64, 1, &shape, &writer), ST_E_IO);
    assert_non_null(strstr(st_last_message(), "leads nowhere"));
    st_put_file(path, "old", 3);
    assert_int_equal(st_npy_create(NULL, link, ST_F64, 1, &shape, &writer), ST_OK);
    assert_int_equal(st_npy_append(writer, &value, 1), ST_OK);
    assert_int_equal(st_npy_commit(writer), ST_OK);
    struct stat about;
    assert_int_equal(lstat(link, &about), 0);
    assert_true(S_ISLNK(about.st_mode));
    assert_int_equal(lstat(path, &about), 0);
    assert_int_equal(about.st_size, 136);
    assert_int_equal(st_count_files(folder), 2);
}

/* Both kinds of temporary file take over the permissions of what they replace, whatever the mask says. */
static void keeps_permissions(void **state) {
    (void)state;
    static const mode_t modes[] = {0600, 0640, 0666, 0444, 0755};
    const mode_t mask = umask(0027);
    st_host host;
    assert_int_equal(st_host_resolve(NULL, &host), ST_OK);
    for (size_t i = 0; i < 2 * sizeof modes / sizeof modes[0]; i++) {
        struct stat about;
        st_whole_file whole;
        st_put_file(path, "old", 3);
        assert_int_equal(chmod(path, modes[i / 2]), 0);
        assert_int_equal(st_whole_file_create(&host, path, i % 2, &whole), ST_OK);
        assert_int_equal(fstat(whole.file, &about), 0);
        assert_int_equal(about.st_mode & 07777, modes[i / 2]); /* before a byte is in it */
        assert_int_equal(st_whole_file_write(&whole, 0, "new!", 4), ST_OK);
        assert_int_equal(st_whole_file_commit(&host, &whole, 4), ST_OK);
        assert_int_equal(stat(path, &about), 0);
        assert_int_equal(about.st_mode & 07777, modes[i / 2]);
        assert_int_equal(about.st_size, 4);
        assert_int_equal(remove(path), 0);
    }
    umask(mask);
}

/* A program that changes its folder between create and commit; names without a folder. */
static void relative_names(void **state) {
    (void)state;
    char here[1024];
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(folder), 0);
    const int64_t shape = 0;
    st_npy_writer *writer = NULL;
    assert_int_equal(st_npy_create(NULL, "out.npy", ST_F64, 1, &shape, &writer), ST_OK);
    assert_int_equal(chdir(here), 0);
    assert_int_equal(st_npy_commit(writer), ST_OK);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(st_count_files(folder), 1);
}

/* The largest size of a file as the full disk: every place a write can fail gives ST_E_IO, and the old file stands. */
static void out_of_space(void **state) {
    (void)state;
    enum { elements = 200000 };
    const int64_t shape = elements;
    double *data = calloc(elements, sizeof *data);
    assert_non_null(data);
    st_put_file(path, "the old file", 12);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit kept;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &kept), 0);
    static const rlim_t limits[] = {0, 100, 128, 4096, 262144 + 100, 1600000, 1600127};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        for (int64_t piece = 10; piece <= elements; piece *= 2000) {
            const struct rlimit limit = {limits[i], kept.rlim_max};
            assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
            st_npy_writer *writer = NULL;
            st_status status = st_npy_create(NULL, path, ST_F64, 1, &shape, &writer);
            for (int64_t done = 0; status == ST_OK && done < elements; done += piece)
                status = st_npy_append(writer, data + done, piece);
            if (status != ST_OK && writer != NULL) {
                assert_int_equal(status, ST_E_IO);
                assert_int_equal(st_npy_append(writer, data, 1), ST_E_IO); /* and stays so */
                assert_int_equal(st_npy_write_at(writer, 0, data, 1), ST_E_IO);
            }
            if (writer != NULL) status = st_npy_commit(writer);
            assert_int_equal(setrlimit(RLIMIT_FSIZE, &kept), 0);
            assert_int_equal(status, ST_E_IO);
            assert_non_null(strstr(st_last_message(), "largest allowed size"));
            assert_non_null(strstr(st_last_message(), "out.npy"));
            assert_old_file_stands();
        }
    }
    signal(SIGXFSZ, SIG_DFL);
    free(data);
}

/* Writers killed at random moments: under the name stands the old file or a whole new one, never anything else. */
static void killed_writers(void **state) {
    (void)state;
    enum { elements = 100000 };
    const int64_t shape = elements;
    int64_t *data = malloc(elements * sizeof *data);
    assert_non_null(data);
    for (int64_t i = 0; i < elements; i++) data[i] = i;
    st_put_file(path, "the old file", 12);
    int fresh = 0;
    for (int i = 0; i < 60; i++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            for (;;) {
                st_npy_writer *writer = NULL;
                if (st_npy_create(NULL, path, ST_I64, 1, &shape, &writer) != ST_OK) _exit(3);
                for (int64_t done = 0; done < elements; done += 1000)
                    if (st_npy_append(writer, data + done, 1000) != ST_OK) _exit(4);
                if (st_npy_commit(writer) != ST_OK) _exit(5);
            }
        }
        usleep((useconds_t)(i * 300));
        kill(child, SIGKILL);
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        size_t bytes;
        char *file = st_get_file(path, &bytes);
        if (bytes != 12) {
            assert_int_equal(bytes, 128 + elements * sizeof *data);
            assert_memory_equal(file + 128, data, elements * sizeof *data);
            fresh++;
        }
        free(file);
    }
    assert_true(fresh > 0);
    free(data);
}

/* Both kinds of temporary file: without a name, where the file system has that, and hidden. */
static void hidden_files(void **state) {
    (void)state;
    st_host host;
    assert_int_equal(st_host_resolve(NULL, &host), ST_OK);
    for (int anonymous = 0; anonymous < 2; anonymous++) {
        st_whole_file whole;
        assert_int_equal(st_whole_file_create(&host, path, anonymous, &whole), ST_OK);
        if (!anonymous) assert_true(whole.named);
        assert_int_equal(st_count_files(folder), whole.named);
        assert_int_equal(st_whole_file_write(&whole, 3, "abc", 3), ST_OK);
        st_whole_file_discard(&host, &whole);
        assert_int_equal(st_count_files(folder), 0);
        assert_int_equal(st_whole_file_create(&host, path, anonymous, &whole), ST_OK);
        assert_int_equal(st_whole_file_write(&whole, 3, "abc", 3), ST_OK);
        assert_int_equal(st_whole_file_commit(&host, &whole, 8), ST_OK);
        size_t bytes;
        char *file = st_get_file(path, &bytes);
        assert_int_equal(bytes, 8);
        assert_memory_equal(file, "\0\0\0abc\0\0", 8);
        free(file);
        assert_int_equal(st_count_files(folder), 1);
        /* A folder has taken the name meanwhile: it stays, and the temporary file goes. */
        assert_int_equal(remove(path), 0);
        assert_int_equal(st_whole_file_create(&host, path, anonymous, &whole), ST_OK);
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(st_whole_file_commit(&host, &whole, 8), ST_E_IO);
        assert_int_equal(st_count_files(folder), 1);
        assert_int_equal(rmdir(path), 0);
    }
}

static void failing_hosts(void **state) {
    (void)state;
    const int64_t shape = 4;
    const uint16_t values[4] = {1, 2, 3, 4};
    int refused = 0;
    for (int64_t fail_at = 1;; fail_at++) {
        st_failing_host failing;
        st_failing_host_open(&failing, fail_at);
        st_npy_writer *writer = NULL;
        st_status status = st_npy_create(&failing.host, path, ST_F16, 1, &shape, &writer);
        if (status == ST_OK) {
            assert_int_equal(st_npy_append(writer, values, 4), ST_OK);
            assert_int_equal(st_npy_commit(writer), ST_OK);
        } else {
            assert_int_equal(status, ST_E_MEMORY);
            assert_null(writer);
            assert_int_equal(st_count_files(folder), 0);
            refused++;
        }
        const int64_t failures = failing.failures;
        assert_true(st_failing_host_close(&failing));
        if (failures == 0) break;
    }
    assert_int_equal(refused, 3); /* the writer and two names */
    assert_int_equal(st_count_files(folder), 1);
}

static void any_bytes(void **state) {
    (void)state;
    static const char text[] = "two\nlines\n";
    size_t bytes;
    assert_int_equal(st_file_write(NULL, path, text, sizeof text - 1), ST_OK);
    assert_int_equal(st_file_write(NULL, path, text, 3), ST_OK); /* replaces, and is shorter */
    char *file = st_get_file(path, &bytes);
    assert_true(bytes == 3 && memcmp(file, text, 3) == 0);
    free(file);
    assert_int_equal(st_file_write(NULL, path, NULL, 0), ST_OK);
    file = st_get_file(path, &bytes);
    assert_int_equal(bytes, 0);
    free(file);
    assert_int_equal(st_file_write(NULL, path, NULL, 1), ST_E_ARGUMENT);
    assert_int_equal(st_file_write(NULL, path, text, UINT64_MAX), ST_E_ARGUMENT);
    assert_int_equal(st_file_write(NULL, NULL, text, 3), ST_E_ARGUMENT);
    assert_int_equal(st_file_write(NULL, folder, text, 3), ST_E_IO);
    assert_int_equal(st_count_files(folder), 1);
    for (int64_t fail_at = 1;; fail_at++) {
        st_failing_host failing;
        st_failing_host_open(&failing, fail_at);
        const st_status status = st_file_write(&failing.host, path, text, 3);
        assert_int_equal(status, failing.failures > 0 ? ST_E_MEMORY : ST_OK);
        const int64_t failures = failing.failures;
        assert_true(st_failing_host_close(&failing));
        assert_int_equal(st_count_files(folder), 1);
        if (failures == 0) break;
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_folder, close_folder)
    const struct CMUnitTest tests[] = {
        TEST(exact_bytes),    TEST(round_trips),  TEST(numpy_reads),    TEST(long_appends),   TEST(writes_anywhere),
        TEST(stops_short),    TEST(bad_targets),  TEST(symbolic_links), TEST(relative_names), TEST(out_of_space),
        TEST(killed_writers), TEST(hidden_files), TEST(failing_hosts),  TEST(keeps_permissions),
        TEST(any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
