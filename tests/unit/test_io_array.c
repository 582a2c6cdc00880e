/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_io_array.c - .npy and raw readers: every dtype, files and pipes, headers that lie, files that shrink, failing
 * hosts. */
#define _GNU_SOURCE /* truncate */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "failing_host.h"
#include "spiraltorch/io.h"
#include "temporary_file.h"

static char folder[256], path[300];

static int open_folder(void **state) {
    (void)state;
    st_temporary_folder(folder);
    snprintf(path, sizeof path, "%s/array", folder);
    return 0;
}

static int close_folder(void **state) {
    (void)state;
    st_remove_folder(folder);
    return 0;
}

/* A .npy file: the dict as given, padded as NumPy does. Returns its bytes in a block to be freed. */
static char *make_npy(int version, const char *dict, const void *data, size_t bytes, size_t *total) {
    const size_t fixed = version == 1 ? 10 : 12;
    const size_t header = (fixed + strlen(dict) + 1 + 63) / 64 * 64;
    char *file = malloc(header + bytes);
    assert_non_null(file);
    memset(file, ' ', header);
    memcpy(file, "\x93NUMPY", 6);
    file[6] = (char)version;
    file[7] = 0;
    size_t length = header - fixed;
    for (size_t i = 8; i < fixed; i++, length >>= 8) file[i] = (char)(length & 0xff);
    memcpy(file + fixed, dict, strlen(dict));
    file[header - 1] = '\n';
    if (bytes > 0) memcpy(file + header, data, bytes);
    *total = header + bytes;
    return file;
}

static void put_npy(int version, const char *dict, const void *data, size_t bytes) {
    size_t total;
    char *file = make_npy(version, dict, data, bytes, &total);
    st_put_file(path, file, total);
    free(file);
}

static st_status open_with(const char *name, int32_t format, st_dtype dtype, int64_t cols, st_array_reader **reader) {
    const st_array_options options = {.struct_size = sizeof options, .format = format, .dtype = dtype, .cols = cols};
    return st_array_open(NULL, name, &options, reader);
}

static st_array_info info_of(const st_array_reader *reader) {
    st_array_info info = {.struct_size = sizeof info};
    assert_int_equal(st_array_get_info(reader, &info), ST_OK);
    return info;
}

/* Reads everything by blocks and compares. */
static void assert_blocks(st_array_reader *reader, const void *wanted, size_t bytes) {
    const size_t size = (size_t)st_dtype_size(info_of(reader).dtype);
    size_t done = 0;
    for (;;) {
        const void *elements = reader;
        int64_t count = -1;
        assert_int_equal(st_array_next(reader, &elements, &count), ST_OK);
        if (count == 0) break;
        assert_true((size_t)count * size <= bytes - done);
        assert_memory_equal(elements, (const char *)wanted + done, (size_t)count * size);
        done += (size_t)count * size;
    }
    assert_int_equal(done, bytes);
    const void *elements;
    int64_t count;
    assert_int_equal(st_array_next(reader, &elements, &count), ST_OK); /* the end stays the end */
    assert_int_equal(count, 0);
}

static unsigned char *pattern(size_t bytes) {
    unsigned char *data = malloc(bytes);
    assert_non_null(data);
    for (size_t i = 0; i < bytes; i++) data[i] = (unsigned char)(i * 2654435761u >> 13);
    return data;
}

static void every_dtype_and_order(void **state) {
    (void)state;
    static const struct {
        const char *code;
        st_dtype dtype, ask;
    } codes[] = {{"f4", ST_F32, 0},       {"f8", ST_F64, 0}, {"f2", ST_F16, 0},      {"V2", ST_BF16, ST_BF16},
                 {"i1", ST_I8, 0},        {"u1", ST_U8, 0},  {"i2", ST_I16, 0},      {"u2", ST_U16, 0},
                 {"i4", ST_I32, 0},       {"u4", ST_U32, 0}, {"i8", ST_I64, ST_I64}, {"u8", ST_U64, 0},
                 {"u2", ST_BF16, ST_BF16}};
    const unsigned char data[48] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0xff, 0xfe, 0x80, 0, 0x7f};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        const size_t size = (size_t)st_dtype_size(codes[i].dtype), bytes = 6 * size;
        for (int version = 1; version <= 3; version++) {
            for (const char *order = "<>=|"; *order != '\0'; order++) {
                char dict[128];
                snprintf(dict, sizeof dict, "{'descr': '%c%s', 'fortran_order': False, 'shape': (2, 3), }", *order,
                         codes[i].code);
                put_npy(version, dict, data, bytes);
                st_array_reader *reader = NULL;
                const st_status status = open_with(path, ST_FORMAT_AUTO, codes[i].ask, 0, &reader);
                if (*order == '|' && size > 1 &&
                    codes[i].code[0] != 'V') { /* a number of several bytes without an order */
                    assert_int_equal(status, ST_E_FORMAT);
                    continue;
                }
                assert_int_equal(status, ST_OK);
                const st_array_info info = info_of(reader);
                assert_int_equal(info.dtype, codes[i].dtype);
                assert_int_equal(info.dims, 2);
                assert_int_equal(info.shape[0], 2);
                assert_int_equal(info.shape[1], 3);
                assert_int_equal(info.elements, 6);
                assert_int_equal(info.seekable, 1);
                unsigned char wanted[48], got[48];
                memcpy(wanted, data, bytes);
                if (*order == '>')
                    for (size_t at = 0; at < bytes; at++) wanted[at] = data[at / size * size + size - 1 - at % size];
                assert_int_equal(st_array_read_at(reader, 0, 6, got), ST_OK);
                assert_memory_equal(got, wanted, bytes);
                assert_int_equal(st_array_read_at(reader, 4, 1, got), ST_OK);
                assert_memory_equal(got, wanted + 4 * size, size);
                assert_int_equal(st_array_read_at(reader, 6, 0, NULL), ST_OK);
                assert_int_equal(st_array_read_at(reader, 5, 2, got), ST_E_ARGUMENT);
                assert_int_equal(st_array_read_at(reader, -1, 1, got), ST_E_ARGUMENT);
                assert_int_equal(st_array_read_at(reader, 1, INT64_MAX, got), ST_E_ARGUMENT);
                assert_blocks(reader, wanted, bytes);
                st_array_close(reader);
            }
        }
    }
}

struct dict_case {
    const char *dict;
    const char *says; /* a part of the message; NULL: it is read */
};

static void headers(void **state) {
    (void)state;
    static const struct dict_case cases[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", NULL},
        {"{'shape':(2,),'descr':\"<f4\",'fortran_order':False}", NULL},
        {"  { 'fortran_order' : False , 'shape' : ( 2 , ) , 'descr' : '<f4' }  ", NULL},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2,), }", NULL},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }", NULL},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2, 1), }", NULL},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", "np.ascontiguousarray"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (), }", "np.atleast_1d"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2), }", "tuple of one axis"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2L,), }", "','"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (02,), }", "decimal digits"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", "decimal digits"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': [2], }", "a tuple"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775808,), }", "2^62"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999999999,), }", "2^62"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904,), }", "2^63 bytes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", "2^62"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4294967296, 4294967296), }", "2^62"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,2), }", NULL},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,2), }", "over 8 axes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", "12 bytes of data, the file has 8"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", "object"},
        {"{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }", "booleans"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", "complex"},
        {"{'descr': '<U1', 'fortran_order': False, 'shape': (2,), }", "strings"},
        {"{'descr': '|S4', 'fortran_order': False, 'shape': (2,), }", "strings"},
        {"{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (1,), }", "int64"},
        {"{'descr': '<f16', 'fortran_order': False, 'shape': (1,), }", "float32"},
        {"{'descr': '|V2', 'fortran_order': False, 'shape': (2,), }", "bf16"},
        {"{'descr': '', 'fortran_order': False, 'shape': (2,), }", "dtype ''"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", "structured"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2,), }", "True or False"},
        {"{'descr': '<f4', 'shape': (2,), }", "'fortran_order'"},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "once"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'extra': 1}", "once"},
        {"{'descr': '<f\\x34', 'fortran_order': False, 'shape': (2,), }", "plain quoted string"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } x", "nothing after"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), ", "a key"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,,), }", "decimal digits"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (,), }", "decimal digits"},
        {"{'descr': '<f4', 'fortran_order': False,, 'shape': (2,), }", "a key"},
        {"{'descr': '<f4' 'fortran_order': False, 'shape': (2,), }", "',' or '}'"},
        {"{'descr'", "':'"},
        {"", "'{'"},
        {"__import__('os')", "'{'"},
    };
    const unsigned char data[8] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_npy(1, cases[i].dict, data, sizeof data);
        st_array_reader *reader = (st_array_reader *)&folder;
        const st_status status = open_with(path, ST_FORMAT_AUTO, 0, 0, &reader);
        if (status != (cases[i].says == NULL ? ST_OK : ST_E_FORMAT))
            fail_msg("%s: %d, %s", cases[i].dict, status, st_last_message());
        if (cases[i].says == NULL) {
            assert_blocks(reader, data, sizeof data);
            st_array_close(reader);
        } else {
            assert_null(reader);
            if (strstr(st_last_message(), cases[i].says) == NULL) fail_msg("%s: %s", cases[i].dict, st_last_message());
            assert_non_null(strstr(st_last_message(), "array")); /* the file's name */
        }
    }
}

static void empty_arrays(void **state) {
    (void)state;
    put_npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 0, 5), }", NULL, 0);
    st_array_reader *reader = NULL;
    assert_int_equal(open_with(path, ST_FORMAT_NPY, 0, 0, &reader), ST_OK);
    assert_int_equal(info_of(reader).elements, 0);
    assert_int_equal(info_of(reader).shape[2], 5);
    assert_int_equal(st_array_read_at(reader, 0, 0, NULL), ST_OK);
    assert_blocks(reader, "", 0);
    st_array_close(reader);
    st_put_file(path, "", 0);
    assert_int_equal(open_with(path, ST_FORMAT_AUTO, ST_F32, 7, &reader), ST_OK);
    assert_int_equal(info_of(reader).shape[0], 0);
    assert_int_equal(info_of(reader).shape[1], 7);
    assert_blocks(reader, "", 0);
    st_array_close(reader);
    st_array_close(NULL);
}

/* Every prefix of a good file is refused as cut short, and takes no memory for what is not there. */
static void truncated_headers(void **state) {
    (void)state;
    const unsigned char data[8] = {1};
    for (int version = 1; version <= 3; version++) {
        size_t total;
        char *file =
            make_npy(version, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", data, sizeof data, &total);
        for (size_t keep = 6; keep < total; keep++) {
            st_array_reader *reader = NULL;
            st_put_file(path, file, keep);
            assert_int_equal(open_with(path, ST_FORMAT_AUTO, 0, 0, &reader), ST_E_FORMAT);
            assert_non_null(strstr(st_last_message(), "cut short"));
        }
        free(file);
    }
    static const char lies[][14] = {"\x93NUMPY\x02\x00\xff\xff\xff\xff{", "\x93NUMPY\x02\x00\x00\x00\x10\x00{",
                                    "\x93NUMPY\x01\x00\xff\xff{", "\x93NUMPY\x04\x00\x01\x00{",
                                    "\x93NUMPY\x00\x00\x01\x00{"};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        st_failing_host failing;
        st_failing_host_open(&failing, 0);
        st_array_reader *reader = NULL;
        st_put_file(path, lies[i], sizeof lies[i]);
        assert_int_equal(st_array_open(&failing.host, path, NULL, &reader), ST_E_FORMAT);
        assert_true(failing.peak_bytes < 256 * 1024);
        assert_true(st_failing_host_close(&failing));
    }
    st_put_file(path, "\x93NUMP", 5);
    st_array_reader *reader = NULL;
    assert_int_equal(open_with(path, ST_FORMAT_NPY, 0, 0, &reader), ST_E_FORMAT);
}

static void raw_files(void **state) {
    (void)state;
    unsigned char *data = pattern(120);
    st_put_file(path, data, 120);
    st_array_reader *reader = NULL;
    assert_int_equal(open_with(path, ST_FORMAT_AUTO, ST_F64, 5, &reader), ST_OK);
    const st_array_info info = info_of(reader);
    assert_int_equal(info.dims, 2);
    assert_int_equal(info.shape[0], 3);
    assert_int_equal(info.shape[1], 5);
    assert_int_equal(info.elements, 15);
    assert_blocks(reader, data, 120);
    st_array_close(reader);
    assert_int_equal(open_with(path, ST_FORMAT_RAW, ST_F64, 4, &reader), ST_E_FORMAT);
    assert_non_null(strstr(st_last_message(), "24 are left over"));
    assert_int_equal(open_with(path, ST_FORMAT_RAW, 0, 4, &reader), ST_E_ARGUMENT);
    assert_int_equal(open_with(path, ST_FORMAT_RAW, ST_F64, 0, &reader), ST_E_ARGUMENT);
    assert_int_equal(open_with(path, ST_FORMAT_RAW, ST_F64, -1, &reader), ST_E_ARGUMENT);
    assert_int_equal(open_with(path, ST_FORMAT_RAW, ST_F64, INT64_MAX, &reader), ST_E_ARGUMENT);
    assert_int_equal(open_with(path, ST_FORMAT_RAW, ST_F64, (int64_t)1 << 60, &reader), ST_E_ARGUMENT);
    assert_int_equal(open_with(path, ST_FORMAT_RAW, 99, 1, &reader), ST_E_ARGUMENT);
    assert_int_equal(open_with(path, 3, ST_F32, 1, &reader), ST_E_ARGUMENT);
    assert_int_equal(open_with(path, ST_FORMAT_NPY, ST_F32, 1, &reader), ST_E_FORMAT);
    assert_int_equal(open_with("", ST_FORMAT_RAW, ST_F32, 1, &reader), ST_E_ARGUMENT);
    assert_int_equal(open_with(NULL, ST_FORMAT_RAW, ST_F32, 1, &reader), ST_E_ARGUMENT);
    assert_int_equal(open_with(folder, ST_FORMAT_RAW, ST_F32, 1, &reader), ST_E_IO);
    assert_non_null(strstr(st_last_message(), "directory"));
    char missing[300];
    snprintf(missing, sizeof missing, "%s/no\x1b[1mthing", folder);
    assert_int_equal(open_with(missing, ST_FORMAT_RAW, ST_F32, 1, &reader), ST_E_IO);
    assert_non_null(strstr(st_last_message(), "no such file"));
    assert_null(strchr(st_last_message(), '\x1b'));
    assert_int_equal(st_array_open(NULL, path, &(st_array_options){.struct_size = 1}, &reader), ST_E_ARGUMENT);
    assert_int_equal(st_array_open(NULL, path, NULL, NULL), ST_E_ARGUMENT);
    assert_null(reader);
    put_npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", data, 8);
    assert_int_equal(open_with(path, ST_FORMAT_AUTO, ST_F64, 0, &reader), ST_E_ARGUMENT);
    assert_non_null(strstr(st_last_message(), "holds f32, not f64"));
    free(data);
}

/* Several blocks, from a file and from pipes that hand over odd pieces, in both byte orders. */
static void long_arrays(void **state) {
    (void)state;
    enum { elements = 1300001, bytes = elements * 4 };
    unsigned char *data = pattern(bytes), *swapped = malloc(bytes);
    assert_non_null(swapped);
    for (size_t i = 0; i < bytes; i++) swapped[i] = data[i / 4 * 4 + 3 - i % 4];
    for (int order = 0; order < 2; order++) {
        const unsigned char *wanted = order == 0 ? data : swapped;
        const char *dict = order == 0 ? "{'descr': '<u4', 'fortran_order': False, 'shape': (1300001,), }"
                                      : "{'descr': '>u4', 'fortran_order': False, 'shape': (1300001,), }";
        size_t total;
        char *file = make_npy(1, dict, data, bytes, &total);
        st_put_file(path, file, total);
        st_array_reader *reader = NULL;
        assert_int_equal(open_with(path, ST_FORMAT_AUTO, 0, 0, &reader), ST_OK);
        assert_blocks(reader, wanted, bytes);
        unsigned char *whole = malloc(bytes);
        assert_non_null(whole);
        assert_int_equal(st_array_read_at(reader, 0, elements, whole), ST_OK);
        assert_memory_equal(whole, wanted, bytes);
        free(whole);
        st_array_close(reader);

        static const size_t pieces[] = {1 << 20, 4093, 70001};
        for (size_t i = 0; i < 3; i++) {
            st_test_pipe test;
            st_pipe_open(&test, file, total, pieces[i]);
            assert_int_equal(open_with(test.path, ST_FORMAT_AUTO, 0, 0, &reader), ST_OK);
            assert_int_equal(info_of(reader).seekable, 0);
            assert_int_equal(info_of(reader).elements, elements);
            uint32_t one;
            assert_int_equal(st_array_read_at(reader, 0, 1, &one), ST_E_STATE);
            assert_blocks(reader, wanted, bytes);
            st_array_close(reader);
            st_pipe_close(&test);
        }
        free(file);
    }
    free(data);
    free(swapped);
}

static void raw_pipes(void **state) {
    (void)state;
    enum { bytes = 3 << 20 };
    unsigned char *data = pattern(bytes + 4);
    st_test_pipe test;
    st_array_reader *reader = NULL;
    for (int32_t format = ST_FORMAT_AUTO; format <= ST_FORMAT_RAW; format += ST_FORMAT_RAW) {
        st_pipe_open(&test, data, bytes, 10007);
        assert_int_equal(open_with(test.path, format, ST_U16, 8, &reader), ST_OK);
        assert_int_equal(info_of(reader).shape[0], -1);
        assert_int_equal(info_of(reader).shape[1], 8);
        assert_int_equal(info_of(reader).elements, -1);
        assert_blocks(reader, data, bytes);
        st_array_close(reader);
        st_pipe_close(&test);
    }
    /* A partial last row: 4 bytes of 16. And pipes shorter than the magic. */
    st_pipe_open(&test, data, bytes + 4, 10007);
    assert_int_equal(open_with(test.path, ST_FORMAT_AUTO, ST_U16, 8, &reader), ST_OK);
    const void *elements;
    int64_t count = 1;
    st_status status = ST_OK;
    while (status == ST_OK && count > 0) status = st_array_next(reader, &elements, &count);
    assert_int_equal(status, ST_E_FORMAT);
    assert_non_null(strstr(st_last_message(), "4 are left over"));
    assert_int_equal(count, 0);
    assert_int_equal(st_array_next(reader, &elements, &count), ST_E_FORMAT); /* and stays so */
    assert_non_null(strstr(st_last_message(), "4 are left over"));
    st_array_close(reader);
    st_pipe_close(&test);
    for (size_t length = 0; length < 8; length += 2) {
        st_pipe_open(&test, data, length, 1);
        assert_int_equal(open_with(test.path, ST_FORMAT_AUTO, ST_U16, 1, &reader), ST_OK);
        assert_blocks(reader, data, length);
        st_array_close(reader);
        st_pipe_close(&test);
    }
    free(data);
}

/* A .npy pipe that ends early; files that are cut after they were opened. */
static void ends_early(void **state) {
    (void)state;
    enum { elements = 1500000 };
    unsigned char *data = pattern(elements);
    size_t total;
    char *file = make_npy(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (1500000,), }", data, elements, &total);
    st_test_pipe test;
    st_array_reader *reader = NULL;
    st_pipe_open(&test, file, total - 1, 65536);
    assert_int_equal(open_with(test.path, ST_FORMAT_AUTO, 0, 0, &reader), ST_OK);
    const void *block;
    int64_t count = 1;
    st_status status = ST_OK;
    while (status == ST_OK && count > 0) status = st_array_next(reader, &block, &count);
    assert_int_equal(status, ST_E_FORMAT);
    assert_non_null(strstr(st_last_message(), "1499999 bytes"));
    st_array_close(reader);
    st_pipe_close(&test);

    st_put_file(path, file, total);
    assert_int_equal(open_with(path, ST_FORMAT_AUTO, 0, 0, &reader), ST_OK);
    assert_int_equal(truncate(path, (off_t)(total - 100000)), 0);
    assert_int_equal(st_array_read_at(reader, 0, elements, data), ST_E_FORMAT);
    assert_non_null(strstr(st_last_message(), "1400000 bytes"));
    assert_int_equal(st_array_read_at(reader, 0, elements - 100000, data), ST_OK);
    count = 1;
    status = ST_OK;
    int64_t sum = 0;
    while (status == ST_OK && count > 0) {
        status = st_array_next(reader, &block, &count);
        sum += count;
    }
    assert_int_equal(status, ST_E_FORMAT);
    assert_true(sum < elements);
    st_array_close(reader);
    free(file);
    free(data);
}

/* Closing while the reading thread waits for a pipe that stays open and silent: SIGALRM ends the test if it hangs. */
static void close_while_waiting(void **state) {
    (void)state;
    enum { bytes = 2 << 20 };
    unsigned char *data = pattern(bytes + 10);
    alarm(60);
    for (int blocks = 0; blocks <= 2; blocks++) {
        st_test_pipe test;
        st_array_reader *reader = NULL;
        st_pipe_open(&test, data, bytes + 10, 0);
        assert_int_equal(open_with(test.path, ST_FORMAT_RAW, ST_U8, 1, &reader), ST_OK);
        for (int i = 0; i < blocks; i++) {
            const void *block;
            int64_t count = 0;
            assert_int_equal(st_array_next(reader, &block, &count), ST_OK);
            assert_true(count > 0);
        }
        st_array_close(reader);
        st_pipe_close(&test);
    }
    /* And in the middle of a file. */
    st_put_file(path, data, bytes);
    for (int i = 0; i < 20; i++) {
        st_array_reader *reader = NULL;
        const void *block;
        int64_t count;
        assert_int_equal(open_with(path, ST_FORMAT_RAW, ST_U8, 1, &reader), ST_OK);
        assert_int_equal(st_array_next(reader, &block, &count), ST_OK);
        st_array_close(reader);
    }
    alarm(0);
    free(data);
}

/* Standard input that a program read from before: the array begins where it stands. */
static void standard_input(void **state) {
    (void)state;
    unsigned char data[40];
    for (int i = 0; i < 40; i++) data[i] = (unsigned char)i;
    st_put_file(path, data, sizeof data);
    const int kept = dup(0);
    assert_non_null(freopen(path, "rb", stdin));
    assert_int_equal(lseek(0, 8, SEEK_SET), 8);
    st_array_reader *reader = NULL;
    assert_int_equal(open_with("-", ST_FORMAT_AUTO, ST_U32, 4, &reader), ST_OK);
    assert_int_equal(info_of(reader).elements, 8);
    assert_blocks(reader, data + 8, 32);
    st_array_close(reader);
    assert_int_equal(lseek(0, 0, SEEK_CUR) >= 0, 1); /* still open */
    if (kept >= 0) {
        dup2(kept, 0);
        close(kept);
    }
}

/* Opens, reads and closes with the n-th allocation or thread refused, until none is: leaks nothing, and never lies. */
static void failing_hosts(void **state) {
    (void)state;
    enum { bytes = 3 << 20 };
    unsigned char *data = pattern(bytes);
    size_t total;
    char *file = make_npy(2, "{'descr': '<u4', 'fortran_order': False, 'shape': (786432,), }", data, bytes, &total);
    st_put_file(path, file, total);
    for (int from_pipe = 0; from_pipe < 2; from_pipe++) {
        int refused = 0, in_line = 0;
        for (int64_t fail_at = 1;; fail_at++) {
            st_failing_host failing;
            st_failing_host_open(&failing, fail_at);
            st_test_pipe test = {.file = -1};
            if (from_pipe) st_pipe_open(&test, file, total, 65536);
            st_array_reader *reader = NULL;
            st_status status = st_array_open(&failing.host, from_pipe ? test.path : path, NULL, &reader);
            if (status == ST_OK) {
                const void *block;
                int64_t count;
                status = st_array_next(reader, &block, &count);
                if (status == ST_OK) {
                    assert_memory_equal(block, data, (size_t)count * 4);
                    size_t done = (size_t)count * 4;
                    while (st_array_next(reader, &block, &count) == ST_OK && count > 0) {
                        assert_memory_equal(block, data + done, (size_t)count * 4);
                        done += (size_t)count * 4;
                    }
                    assert_int_equal(done, bytes);
                    in_line += failing.failures > 0; /* the thread was refused, and the data came all the same */
                }
            } else {
                assert_null(reader);
            }
            if (status != ST_OK) assert_int_equal(status, ST_E_MEMORY);
            refused += status != ST_OK;
            st_array_close(reader);
            if (from_pipe) st_pipe_close(&test);
            const int64_t failures = failing.failures;
            assert_true(failing.peak_bytes < 8 << 20);
            assert_true(st_failing_host_close(&failing));
            if (failures == 0) break;
        }
        assert_int_equal(refused, 4); /* the reader, its header, the block reader and its blocks */
        assert_int_equal(in_line, 1);
    }
    free(file);
    free(data);
}

static void bad_calls(void **state) {
    (void)state;
    st_array_info info = {.struct_size = 3};
    const void *block;
    int64_t count;
    st_array_reader *reader = NULL;
    unsigned char data[16] = {0};
    st_put_file(path, data, sizeof data);
    assert_int_equal(open_with(path, ST_FORMAT_RAW, ST_U8, 1, &reader), ST_OK);
    assert_int_equal(st_array_get_info(reader, &info), ST_E_ARGUMENT);
    assert_int_equal(st_array_get_info(reader, NULL), ST_E_ARGUMENT);
    assert_int_equal(st_array_get_info(NULL, &info), ST_E_ARGUMENT);
    assert_int_equal(st_array_read_at(NULL, 0, 0, NULL), ST_E_ARGUMENT);
    assert_int_equal(st_array_read_at(reader, 0, 1, NULL), ST_E_ARGUMENT);
    assert_int_equal(st_array_next(NULL, &block, &count), ST_E_ARGUMENT);
    assert_int_equal(st_array_next(reader, NULL, &count), ST_E_ARGUMENT);
    assert_int_equal(st_array_next(reader, &block, NULL), ST_E_ARGUMENT);
    st_array_close(reader);
    st_host half = {.struct_size = sizeof half, .start_thread = NULL};
    half.struct_size = 5;
    assert_int_equal(st_array_open(&half, path, NULL, &reader), ST_E_ARGUMENT);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_folder, close_folder)
    const struct CMUnitTest tests[] = {
        TEST(every_dtype_and_order),
        TEST(headers),
        TEST(empty_arrays),
        TEST(truncated_headers),
        TEST(raw_files),
        TEST(long_arrays),
        TEST(raw_pipes),
        TEST(ends_early),
        TEST(close_while_waiting),
        TEST(standard_input),
        TEST(failing_hosts),
        TEST(bad_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
