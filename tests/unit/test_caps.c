/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_caps.c - constructors, setters and hints of device capabilities keep their promises for any numbers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backends/cpu/cpu_backend.h"
#include "device/caps.h"

static void test_constructors(void **state) {
    (void)state;
    const st_device_caps wgpu = st_caps_wgpu(32, 1, 256);
    assert_int_equal(wgpu.struct_size, sizeof wgpu);
    assert_int_equal(wgpu.backend, ST_BACKEND_WGPU);
    assert_int_equal(wgpu.lanes, 32);
    assert_int_equal(wgpu.subgroup, 1);
    assert_int_equal(wgpu.max_workgroup, 256);
    assert_int_equal(wgpu.shared_mem, 0);
    assert_int_equal(st_caps_cuda(32, 1024).backend, ST_BACKEND_CUDA);
    assert_int_equal(st_caps_hip(64, 1024).backend, ST_BACKEND_HIP);
    assert_int_equal(st_caps_mps(32, 1024).backend, ST_BACKEND_MPS);
    assert_int_equal(st_caps_cuda(32, 1024).subgroup, 1);
    const st_device_caps least = st_caps_wgpu(-5, -7, 0);
    assert_int_equal(least.lanes, 1);
    assert_int_equal(least.max_workgroup, 1);
    assert_int_equal(least.subgroup, 1); /* any true number */
    assert_int_equal(st_caps_check(&least), ST_OK);
}

static void test_cpu(void **state) {
    (void)state;
    const st_device_caps caps = st_caps_cpu();
    st_processor processor;
    st_processor_detect(&processor);
    assert_int_equal(caps.backend, ST_BACKEND_CPU);
    assert_true(caps.lanes >= 1);
    assert_true(caps.max_workgroup >= 1);
    assert_int_equal(st_caps_check(&caps), ST_OK);
    assert_int_equal(caps.subgroup, st_processor_best(&processor) != ST_ISA_PORTABLE);
    assert_int_equal(caps.max_workgroup, processor.cpus);
    assert_int_equal(caps.compute_units, processor.cpus);
    assert_int_equal(caps.shared_mem, processor.l1_data);
    assert_int_equal(caps.l2_cache, processor.l2);
    assert_int_equal(caps.l3_cache, processor.l3);
}

static void test_setters(void **state) {
    (void)state;
    const st_device_caps caps = st_caps_wgpu(32, 1, 256);
    assert_int_equal(st_caps_with_subgroup(caps, 0).subgroup, 0);
    assert_int_equal(st_caps_with_subgroup(caps, 9).subgroup, 1);
    assert_int_equal(st_caps_with_max_workgroup(caps, 64).max_workgroup, 64);
    assert_int_equal(st_caps_with_max_workgroup(caps, -3).max_workgroup, 1);
    assert_int_equal(st_caps_with_shared_mem(caps, 4096).shared_mem, 4096);
    assert_int_equal(st_caps_with_shared_mem(caps, -1).shared_mem, 0);
    st_device_caps changed = st_caps_with_shared_mem(caps, 4096);
    changed.shared_mem = 0;
    assert_memory_equal(&changed, &caps, sizeof caps); /* one field, and no other */
}

static void test_check(void **state) {
    (void)state;
    static const struct {
        size_t offset;
        int32_t value;
        const char *words;
    } cases[] = {
        {offsetof(st_device_caps, struct_size), 4, "caps.struct_size is 4"},
        {offsetof(st_device_caps, backend), 0, "caps.backend is 0"},
        {offsetof(st_device_caps, backend), 7, "caps.backend is 7"},
        {offsetof(st_device_caps, subgroup), 2, "caps.subgroup is 2"},
        {offsetof(st_device_caps, lanes), 0, "caps.lanes is 0"},
        {offsetof(st_device_caps, max_workgroup), 0, "caps.max_workgroup is 0"},
        {offsetof(st_device_caps, compute_units), -1, "caps.compute_units is -1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        st_device_caps caps = st_caps_cuda(32, 1024);
        memcpy((char *)&caps + cases[i].offset, &cases[i].value, sizeof cases[i].value);
        assert_int_equal(st_caps_check(&caps), ST_E_ARGUMENT);
        assert_non_null(strstr(st_last_message(), cases[i].words));
    }
    st_device_caps caps = st_caps_cuda(32, 1024);
    caps.l2_cache = -1;
    assert_int_equal(st_caps_check(&caps), ST_E_ARGUMENT);
    assert_non_null(strstr(st_last_message(), "caps.l2_cache"));
    static const double bandwidths[] = {-1, NAN, INFINITY};
    for (int i = 0; i < 3; i++) {
        caps = st_caps_cuda(32, 1024);
        caps.bandwidth = bandwidths[i];
        assert_int_equal(st_caps_check(&caps), ST_E_ARGUMENT);
        assert_non_null(strstr(st_last_message(), "caps.bandwidth"));
    }
}

static int is_tile(int32_t tile) { return tile >= 64 && tile <= 65536 && (tile & (tile - 1)) == 0; }

/* The promises of device.h over a grid of caps and shapes, extremes among them. */
static void test_hints(void **state) {
    (void)state;
    static const int32_t lanes[] = {1, 4, 8, 16, 24, 32, 64, 128, INT32_MAX}, workgroups[] = {1, 2, 7, 32, 100, 256, 1024, INT32_MAX};
    static const int64_t sizes[] = {0, 1, 2, 63, 64, 1000, 32768, 65536, 1 << 20, INT64_MAX}, shared[] = {0, 1, 1024, 49152, INT64_MAX};
    for (int32_t backend = ST_BACKEND_CPU; backend <= ST_BACKEND_MPS; backend++)
        for (size_t l = 0; l < sizeof lanes / sizeof lanes[0]; l++)
            for (size_t w = 0; w < sizeof workgroups / sizeof workgroups[0]; w++)
                for (size_t m = 0; m < sizeof shared / sizeof shared[0]; m++) {
                    st_device_caps caps = st_caps_wgpu(lanes[l], 1, workgroups[w]);
                    caps.backend = backend;
                    caps = st_caps_with_shared_mem(caps, shared[m]);
                    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
                        const int32_t workgroup = st_caps_recommended_workgroup(&caps, sizes[s]);
                        assert_in_range(workgroup, 1, workgroups[w]);
                        if (backend != ST_BACKEND_CPU && lanes[l] <= workgroups[w]) assert_int_equal(workgroup % lanes[l], 0);
                        int32_t tile = 0, ctile = 0;
                        st_caps_recommended_tiles(&caps, sizes[s], &tile, &ctile);
                        assert_true(is_tile(tile));
                        assert_true(is_tile(ctile));
                        assert_int_equal(tile, st_caps_recommended_sweep_tile(&caps, sizes[s]));
                        assert_int_equal(ctile, st_caps_recommended_compaction_tile(&caps, sizes[s]));
                        const int32_t loop = st_caps_preferred_k_loop(&caps, sizes[s]);
                        assert_in_range(loop, 1, 32);
                        if (sizes[s] >= 1 && sizes[s] <= 32) assert_true((int64_t)loop * lanes[l] >= sizes[s]);
                        const int32_t two = st_caps_prefers_two_stage(&caps, sizes[s], INT64_MAX, sizes[s]);
                        assert_in_range(two, 0, 1);
                    }
                }
}

static void test_hints_react(void **state) {
    (void)state;
    const st_device_caps wide = st_caps_cuda(32, 1024);
    assert_true(st_caps_recommended_workgroup(&wide, 1) > st_caps_recommended_workgroup(&wide, 100000));
    assert_true(st_caps_prefers_two_stage(&wide, 1, 1 << 20, 64));
    assert_false(st_caps_prefers_two_stage(&wide, 100000, 1 << 20, 64));
    assert_false(st_caps_prefers_two_stage(&wide, 1, 1000, 64));
    assert_false(st_caps_prefers_two_stage(&wide, 1, 1 << 20, 1 << 20));
    assert_true(st_caps_preferred_k_loop(&wide, 1024) > st_caps_preferred_k_loop(&wide, 32));
    assert_int_equal(st_caps_recommended_sweep_tile(&wide, 100), 128);
    st_device_caps cpu = st_caps_with_max_workgroup(st_caps_cpu(), 8);
    assert_int_equal(st_caps_recommended_workgroup(&cpu, 1), 8);
    assert_int_equal(st_caps_recommended_workgroup(&cpu, 3), 2);
    assert_int_equal(st_caps_recommended_workgroup(&cpu, 100), 1);
    cpu = st_caps_with_max_workgroup(cpu, 1);
    assert_false(st_caps_prefers_two_stage(&cpu, 1, 1 << 30, 1));
    /* No caps: the least. */
    assert_int_equal(st_caps_recommended_workgroup(NULL, 1), 1);
    assert_int_equal(st_caps_preferred_k_loop(NULL, 1), 1);
    assert_int_equal(st_caps_prefers_two_stage(NULL, 1, 1 << 30, 1), 0);
    st_caps_recommended_tiles(&wide, 1000, NULL, NULL);
}

static void test_shared_budget(void **state) {
    (void)state;
    st_device_caps caps = st_caps_wgpu(32, 1, 256);
    assert_int_equal(st_caps_shared_budget(&caps), 16384);
    caps = st_caps_with_shared_mem(caps, 100);
    assert_int_equal(st_caps_shared_budget(&caps), 100);
    caps = st_caps_cuda(32, 1024);
    assert_int_equal(st_caps_shared_budget(&caps), 49152);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constructors), cmocka_unit_test(test_cpu),   cmocka_unit_test(test_setters),
        cmocka_unit_test(test_check),        cmocka_unit_test(test_hints), cmocka_unit_test(test_hints_react),
        cmocka_unit_test(test_shared_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
