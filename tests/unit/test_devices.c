/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_devices.c - the device list, auto, and what is said of devices that are not here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spiraltorch/spiraltorch.h"

static st_context *context_with(const char *priorities) {
    st_context *context = NULL;
    if (priorities == NULL)
        unsetenv("ST_DEVICE_AUTO_PRIORITIES");
    else
        setenv("ST_DEVICE_AUTO_PRIORITIES", priorities, 1);
    setenv("ST_WGPU_LIBRARY", "none", 1); /* a GPU that is here is other tests' business */
    const st_context_options options = {.struct_size = sizeof options, .threads = 2};
    assert_int_equal(st_context_create(&options, &context), ST_OK);
    return context;
}

static st_device_info info_at(const st_context *context, int32_t position) {
    st_device_info info = {.struct_size = sizeof info};
    assert_int_equal(st_device_at(context, position, &info), ST_OK);
    return info;
}

static void test_list(void **state) {
    (void)state;
    static const char *const ids[] = {"cpu", "wgpu:0", "cuda:0", "hip:0", "mps:0"};
    static const char *const backends[] = {"cpu", "wgpu", "cuda", "hip", "mps"};
    st_context *context = context_with(NULL);
    assert_int_equal(st_device_count(context), 5);
    for (int32_t i = 0; i < 5; i++) {
        const st_device_info info = info_at(context, i);
        assert_string_equal(info.id, ids[i]);
        assert_string_equal(info.backend, backends[i]);
        assert_int_equal(info.available, i == 0);
        assert_int_equal(info.software, 0);
        assert_int_equal(info.caps.backend, i + 1);
        if (i == 0) {
            assert_string_equal(info.reason, "");
            assert_true(info.name[0] != '\0');
            assert_int_equal(info.caps.max_workgroup, 2); /* the context's threads */
            assert_true(info.caps.lanes >= 1);
        } else {
            assert_non_null(strstr(info.reason, backends[i]));
        }
    }
    st_device_info info = {.struct_size = sizeof info};
    assert_int_equal(st_device_at(context, -1, &info), ST_E_ARGUMENT);
    assert_int_equal(st_device_at(context, 5, &info), ST_E_ARGUMENT);
    assert_non_null(strstr(st_last_message(), "position is 5"));
    assert_int_equal(st_device_at(context, 0, NULL), ST_E_ARGUMENT);
    info.struct_size = 3;
    assert_int_equal(st_device_at(context, 0, &info), ST_E_ARGUMENT);
    assert_non_null(strstr(st_last_message(), "info.struct_size is 3"));
    st_context_destroy(context);
}

static st_status plan_on(st_context *context, const char *device, st_plan *plan) {
    st_rank_request request;
    st_rank_request_init(&request, ST_TOPK, 4, 1000, 10);
    return st_plan_request(context, &request, device, NULL, plan);
}

static void test_named_devices(void **state) {
    (void)state;
    st_context *context = context_with(NULL);
    st_plan plan;
    static const char *const running[] = {NULL, "auto", "cpu"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(plan_on(context, running[i], &plan), ST_OK);
        assert_string_equal(plan.device, "cpu");
    }
    /* A named device that cannot run is an error, never another device. */
    static const char *const absent[] = {"wgpu:0", "cuda:0", "hip:0", "mps:0"};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(plan_on(context, absent[i], &plan), ST_E_DEVICE);
        assert_non_null(strstr(st_last_message(), absent[i]));
        assert_non_null(strstr(st_last_message(), "cannot run"));
        assert_non_null(strstr(st_last_message(), i == 0 ? "wgpu" : "this build has no"));
    }
    static const char *const unknown[] = {"", "gpu", "cpu:0", "CPU", "cuda:1", "cpu "};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_int_equal(plan_on(context, unknown[i], &plan), ST_E_DEVICE);
        assert_non_null(strstr(st_last_message(), "is not in the list"));
    }
    st_context_destroy(context);
}

static void test_priorities(void **state) {
    (void)state;
    st_plan plan;
    st_context *context = context_with("mps, cpu ,wgpu");
    assert_int_equal(plan_on(context, "auto", &plan), ST_OK);
    assert_string_equal(plan.device, "cpu");
    st_context_destroy(context);

    context = context_with("cuda,wgpu");
    assert_int_equal(plan_on(context, "auto", &plan), ST_E_DEVICE);
    assert_non_null(strstr(st_last_message(), "(cuda,wgpu)"));
    assert_non_null(strstr(info_at(context, 0).reason, "ST_DEVICE_AUTO_PRIORITIES"));
    assert_int_equal(plan_on(context, "cpu", &plan), ST_OK); /* by name it runs */
    float value;
    int64_t index;
    const float input[2] = {1, 2};
    assert_int_equal(st_topk(context, ST_F32, input, 1, 2, 1, &value, &index), ST_E_DEVICE);
    st_context_destroy(context);
}

/* Both name libraries that cannot be opened: the reason says which was tried. */
static void test_the_library_of_webgpu(void **state) {
    (void)state;
    st_context_options options = {.struct_size = sizeof options, .wgpu_library = "/nowhere/the_options.so"};
    st_context *context = NULL;
    if (strstr(st_features(), "wgpu: no") != NULL) {
        print_message("this build has no wgpu backend\n");
        skip();
    }
    setenv("ST_WGPU_LIBRARY", "/nowhere/the_variables.so", 1);
    assert_int_equal(st_context_create(&options, &context), ST_OK);
    assert_non_null(strstr(info_at(context, 1).reason, "/nowhere/the_options.so"));
    st_context_destroy(context);
    options.wgpu_library = NULL;
    assert_int_equal(st_context_create(&options, &context), ST_OK);
    assert_non_null(strstr(info_at(context, 1).reason, "/nowhere/the_variables.so"));
    st_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_list), cmocka_unit_test(test_named_devices),
                                       cmocka_unit_test(test_priorities), cmocka_unit_test(test_the_library_of_webgpu)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
