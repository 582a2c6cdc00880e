/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_registry.c - several devices of one backend: where they stand, how many there may be, and that all are closed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "device/registry.h"
#include "spiraltorch/spiraltorch.h"

static void count_close(void *self) { ++*(int32_t *)self; }

static st_device_info info_of(int32_t backend, const char *id) {
    st_device_info info = {.struct_size = sizeof info, .available = 1};
    info.caps = st_caps_wgpu(8, 1, 256);
    info.caps.backend = backend;
    snprintf(info.id, sizeof info.id, "%s", id);
    return info;
}

static void test_further_devices(void **state) {
    (void)state;
    static st_registry registry;
    int32_t closes = 0, position = -1;
    st_registry_start(&registry);
    assert_int_equal(registry.count, ST_OWN_BACKENDS);
    st_backend backend = registry.items[ST_BACKEND_WGPU - 1].backend;
    backend.self = &closes;
    backend.close = count_close;
    st_device_info info = info_of(ST_BACKEND_WGPU, "wgpu:0");
    st_registry_place(&registry, &backend, &info);
    assert_int_equal(registry.count, ST_OWN_BACKENDS);
    assert_int_equal(st_registry_find(&registry, "wgpu:0"), ST_BACKEND_WGPU - 1);
    assert_int_equal(registry.items[ST_BACKEND_WGPU - 1].info.available, 1);
    for (int32_t i = 1; i <= ST_FURTHER_DEVICES; i++) {
        char id[32];
        snprintf(id, sizeof id, "wgpu:%d", i);
        info = info_of(ST_BACKEND_WGPU, id);
        assert_int_equal(st_registry_place_further(&registry, &backend, &info, &position), ST_OK);
        assert_int_equal(position, ST_OWN_BACKENDS + i - 1);
        assert_int_equal(st_registry_find(&registry, id), position);
    }
    assert_int_equal(st_registry_place_further(&registry, &backend, &info, &position), ST_E_CAPACITY);
    /* The others keep their places, and a caller's backends have room of their own. */
    assert_int_equal(st_registry_find(&registry, "cuda:0"), ST_BACKEND_CUDA - 1);
    assert_int_equal(st_registry_find(&registry, "wgpu:17"), -1);
    assert_int_equal(registry.count, ST_OWN_BACKENDS + ST_FURTHER_DEVICES);
    st_registry_close(&registry);
    assert_int_equal(closes, 1 + ST_FURTHER_DEVICES);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_further_devices)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
