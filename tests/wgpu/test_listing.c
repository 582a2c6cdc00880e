/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_listing.c - WebGPU devices as a context lists them: what is said of them, who picks them, and what measurements are named. */
#define _GNU_SOURCE /* setenv under -std=c17 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spiraltorch/spiraltorch.h"
#include "wgpu_devices.h"

#ifdef ST_WGPU
static void need_a_device(void) {
    st_wgpu_device *device = st_test_wgpu_device();
    if (device == NULL) skip();
    st_wgpu_device_close(device);
}
#else
static void need_a_device(void) {
    assert_null(st_test_wgpu_device());
    skip();
}
#endif

static st_context *new_context(void) {
    st_context *context = NULL;
    const st_context_options options = {.struct_size = sizeof options, .threads = 2};
    assert_int_equal(st_context_create(&options, &context), ST_OK);
    return context;
}

static st_device_info info_at(const st_context *context, int32_t position) {
    st_device_info info = {.struct_size = sizeof info};
    assert_int_equal(st_device_at(context, position, &info), ST_OK);
    return info;
}

/* wgpu:0 stands among the five, wgpu:1 and on behind them, hardware before software. */
static void test_the_list(void **state) {
    (void)state;
    need_a_device();
    st_context *context = new_context();
    int32_t number = 0, software = 0;
    assert_true(st_device_count(context) >= 5);
    for (int32_t i = 0; i < st_device_count(context); i++) {
        const st_device_info info = info_at(context, i);
        if (strcmp(info.backend, "wgpu") != 0) continue;
        char id[32];
        snprintf(id, sizeof id, "wgpu:%d", number);
        assert_string_equal(info.id, id);
        assert_int_equal(i, number == 0 ? 1 : 4 + number);
        assert_int_equal(info.available, 1);
        assert_true(info.name[0] != '\0');
        assert_true(info.driver[0] != '\0');
        assert_int_equal(info.caps.backend, ST_BACKEND_WGPU);
        assert_true(info.caps.lanes >= 1);
        assert_true(info.caps.max_workgroup >= 256);
        assert_true(info.caps.shared_mem >= 16384);
        assert_true(info.software >= software);
        software = info.software;
        number++;
    }
    assert_true(number >= 1);
    assert_string_equal(info_at(context, 2).id, "cuda:0");
    st_context_destroy(context);
}

static void test_settings_show(void **state) {
    (void)state;
    need_a_device();
    const char *limits = getenv("ST_WGPU_LIMITS"), *subgroups = getenv("ST_WGPU_SUBGROUPS");
    st_context *context = new_context();
    const st_device_info info = info_at(context, 1);
    if (limits != NULL) assert_int_equal(info.caps.max_workgroup, 256);
    if (limits != NULL) assert_int_equal(info.caps.shared_mem, 16384);
    if (subgroups != NULL && strcmp(subgroups, "0") == 0) assert_int_equal(info.caps.subgroup, 0);
    st_context_destroy(context);
}

static void test_auto_passes_software_by(void **state) {
    (void)state;
    need_a_device();
    st_rank_request request;
    st_plan plan;
    st_context *context = new_context();
    st_rank_request_init(&request, ST_TOPK, 64, 100000, 10);
    for (int32_t i = 0; i < st_device_count(context); i++) {
        const st_device_info info = info_at(context, i);
        if (!info.available || !info.software) continue;
        assert_non_null(strstr(info.reason, "software"));
        assert_int_equal(st_plan_request(context, &request, NULL, NULL, &plan), ST_OK);
        assert_string_not_equal(plan.device, info.id);
        assert_int_equal(st_plan_request(context, &request, info.id, NULL, &plan), ST_OK);
        assert_string_equal(plan.device, info.id);
        assert_memory_equal(&plan.caps, &info.caps, sizeof info.caps);
    }
    assert_int_equal(st_plan_request(context, &request, "wgpu:99", NULL, &plan), ST_E_DEVICE);
    /* Caps alone still plan for the backend. */
    const st_device_caps caps = st_caps_wgpu(32, 1, 256);
    assert_int_equal(st_plan_request(context, &request, NULL, &caps, &plan), ST_OK);
    assert_string_equal(plan.device, "wgpu:0");
    st_context_destroy(context);
}

/* A measurement belongs to an adapter, its driver and its numbers, whichever place it has in the list. */
static void test_what_measurements_are_named(void **state) {
    (void)state;
    need_a_device();
    st_context *context = new_context();
    const st_device_info info = info_at(context, 1);
    st_survey_device found = {.struct_size = sizeof found};
    assert_int_equal(st_survey_device_of(context, "wgpu:0", &found), ST_OK);
    assert_string_equal(found.backend, "wgpu");
    assert_string_equal(found.device, info.name);
    assert_string_equal(found.driver, info.driver);
    assert_non_null(strchr(found.driver, ':')); /* vendor and device number */
    assert_int_equal(found.sg, info.caps.subgroup);
    assert_string_equal(found.isa, "");
    st_context_destroy(context);
}

/* Contexts side by side each have an instance of their own, and leave nothing. */
static void test_contexts_side_by_side(void **state) {
    (void)state;
    need_a_device();
    st_context *contexts[3];
    const float input[6] = {3, 1, 2, 9, 8, 7};
    float values[2];
    int64_t indices[2];
    st_rank_request request;
    st_plan plan;
    st_rank_request_init(&request, ST_TOPK, 1, 6, 2);
    const st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = input, .values = values, .indices = indices};
    for (int i = 0; i < 3; i++) contexts[i] = new_context();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(st_plan_request(contexts[i], &request, "wgpu:0", NULL, &plan), ST_OK);
        assert_int_equal(st_execute_rank(contexts[i], &plan, &buffers), ST_OK);
        assert_int_equal(indices[0], 3);
        assert_int_equal(indices[1], 4);
        st_context_destroy(contexts[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_list), cmocka_unit_test(test_settings_show),
                                       cmocka_unit_test(test_auto_passes_software_by), cmocka_unit_test(test_what_measurements_are_named),
                                       cmocka_unit_test(test_contexts_side_by_side)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
