/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_transfer.c - what copies cost: counted, measured once, and kept in a file that nobody trusts. */
#define _GNU_SOURCE /* mkdtemp, setenv */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "engine/transfer.h"

static st_device_info info_of(const char *name, const char *driver) {
    st_device_info info = {.struct_size = sizeof info, .backend = "wgpu"};
    snprintf(info.name, sizeof info.name, "%s", name);
    snprintf(info.driver, sizeof info.driver, "%s", driver);
    return info;
}

static void test_the_cost_counts_what_moves(void **state) {
    (void)state;
    const st_transfer transfer = {1e9, 5e8, 100};
    st_rank_request request;
    st_rank_request_init(&request, ST_TOPK, 10, 1000, 5);
    assert_true(st_transfer_ns(&transfer, &request) == 10 * 1000 * 4 + 10 * 5 * 12 * 2 + 100);
    request.outputs = ST_OUT_INDICES;
    request.index_dtype = ST_I32;
    request.dtype = ST_F64;
    assert_true(st_transfer_ns(&transfer, &request) == 10 * 1000 * 8 + 10 * 5 * 4 * 2 + 100);
}

static void test_lines_come_back(void **state) {
    (void)state;
    char text[ST_TRANSFER_BYTES] = "", next[ST_TRANSFER_BYTES];
    st_transfer found;
    /* More than are kept, and one of them again: the newest stay, each once. */
    for (int i = 0; i < 50; i++) {
        char name[128];
        snprintf(name, sizeof name, "card %d", i % 45);
        const st_device_info info = info_of(name, "1.2");
        const st_transfer transfer = {1e9 + i, 2e9, 5000};
        const size_t bytes = st_transfer_add(text, &info, &transfer, next);
        assert_int_equal(bytes, strlen(next));
        memcpy(text, next, bytes + 1);
    }
    const st_device_info newest = info_of("card 4", "1.2"), gone = info_of("card 10", "1.2"), other = info_of("card 4", "1.3");
    assert_int_equal(st_transfer_read(text, &newest, &found), 1);
    assert_true(found.up == 1e9 + 49 && found.down == 2e9 && found.launch_ns == 5000);
    assert_int_equal(st_transfer_read(text, &gone, &found), 0);
    assert_int_equal(st_transfer_read(text, &other, &found), 0);
    int lines = 0, again = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) lines++;
    for (const char *at = text; (at = strstr(at, "|card 4|")) != NULL; at++) again++;
    assert_int_equal(lines, 33);
    assert_int_equal(again, 1);
}

static void test_a_file_is_not_trusted(void **state) {
    (void)state;
    static const char *const texts[] = {
        "", "\n", "spiraltorch transfer 1\n", "spiraltorch transfer 2\n1000000000 1000000000 5 wgpu|card|1\n",
        "spiraltorch transfer 1\n1000000000 1000000000 wgpu|card|1\n", "spiraltorch transfer 1\n1000000000 1000000000 5 wgpu|card|1",
        "spiraltorch transfer 1\n0 1000000000 5 wgpu|card|1\n", "spiraltorch transfer 1\n1000000000 99999999999999 5 wgpu|card|1\n",
        "spiraltorch transfer 1\n1000000000 1000000000 2000000000 wgpu|card|1\n",
        "spiraltorch transfer 1\n-1000000000 1000000000 5 wgpu|card|1\n", "spiraltorch transfer 1\n1e9 1e9 5 wgpu|card|1\n",
        "spiraltorch transfer 1\n1000000000 1000000000 5 wgpu|card|12\n", "spiraltorch transfer 1\n1000000000 1000000000 5\nwgpu|card|1\n"};
    const st_device_info info = info_of("card", "1");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        st_transfer found = {0};
        if (st_transfer_read(texts[i], &info, &found)) fail_msg("believed: %s", texts[i]);
    }
    /* A name that would be lines of its own. */
    const st_device_info sly = info_of("card|1\n1 1 1 wgpu", "1\n");
    const st_transfer transfer = {3e9, 3e9, 7};
    char added[ST_TRANSFER_BYTES];
    st_transfer found;
    st_transfer_add("", &sly, &transfer, added);
    assert_int_equal(st_transfer_read(added, &info, &found), 0);
    assert_int_equal(st_transfer_read(added, &sly, &found), 1);
    /* Rubbish that looks like a file is not carried along for ever. */
    static char long_text[ST_TRANSFER_BYTES + 100];
    strcpy(long_text, "spiraltorch transfer 1\n");
    memset(long_text + strlen(long_text), 'x', ST_TRANSFER_BYTES);
    strcat(long_text, "\n");
    assert_true(st_transfer_add(long_text, &info, &transfer, added) < 200);
}

/* A device that counts what it is asked to copy. */
struct copier {
    int creates, copies, fails;
};

static st_status create(void *self, uint64_t bytes, void **memory) {
    struct copier *copier = self;
    copier->creates++;
    *memory = malloc((size_t)bytes);
    return ST_OK;
}

static void destroy(void *self, void *memory) {
    (void)self;
    free(memory);
}

static st_status upload(void *self, void *memory, uint64_t offset, const void *source, uint64_t bytes) {
    struct copier *copier = self;
    copier->copies++;
    memcpy((char *)memory + offset, source, (size_t)bytes);
    return copier->fails ? st_backend_fail(ST_E_DEVICE, "the copier is out of paper") : ST_OK;
}

static st_status download(void *self, void *memory, uint64_t offset, void *target, uint64_t bytes) {
    ((struct copier *)self)->copies++;
    memcpy(target, (char *)memory + offset, (size_t)bytes);
    return ST_OK;
}

static void test_measured_once(void **state) {
    (void)state;
    char folder[] = "/tmp/st_transfer_XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    setenv("SPIRALTORCH_HOME", folder, 1);
    snprintf(path, sizeof path, "%s/transfer.txt", folder);
    struct copier copier = {0};
    const st_backend_memory calls = {.struct_size = sizeof calls, .create = create, .destroy = destroy, .upload = upload, .download = download};
    const st_backend backend = {.struct_size = sizeof backend, .self = &copier, .memory = &calls};
    const st_device_info info = info_of("copier", "1"), other = info_of("copier", "2");
    st_host host;
    st_transfer first, second;
    st_host_resolve(NULL, &host);
    assert_int_equal(st_transfer_find(&host, &backend, &info, &first), ST_OK);
    assert_true(first.up > 1e6 && first.down > 1e6 && first.launch_ns > 0);
    assert_int_equal(copier.creates, 1);
    assert_int_equal(st_transfer_find(&host, &backend, &info, &second), ST_OK);
    assert_int_equal(copier.creates, 1);
    assert_true(second.up > first.up * 0.99 && second.up < first.up * 1.01);
    assert_int_equal(st_transfer_find(&host, &backend, &other, &second), ST_OK);
    assert_int_equal(copier.creates, 2);
    copier.fails = 1;
    unlink(path);
    assert_int_equal(st_transfer_find(&host, &backend, &info, &second), ST_E_DEVICE);
    assert_int_equal(access(path, F_OK), -1);
    /* No place to keep it in: measured, and that is all. */
    copier.fails = 0;
    setenv("SPIRALTORCH_HOME", "/dev/null/nowhere", 1);
    assert_int_equal(st_transfer_find(&host, &backend, &info, &second), ST_OK);
    rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_cost_counts_what_moves),
        cmocka_unit_test(test_lines_come_back),
        cmocka_unit_test(test_a_file_is_not_trusted),
        cmocka_unit_test(test_measured_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
