/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_processor.c - what is detected is plausible, and disabling instruction sets takes away what it says. */
#define _GNU_SOURCE /* sched_setaffinity */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/processor.h"

static const uint32_t everything = 1u << ST_ISA_PORTABLE | 1u << ST_ISA_NEON | 1u << ST_ISA_AVX2 | 1u << ST_ISA_AVX512;

static void test_detection(void **state) {
    (void)state;
    st_processor processor, again;
    memset(&processor, 0xff, sizeof processor);
    st_processor_detect(&processor);
    st_processor_detect(&again);
    assert_memory_equal(&processor, &again, sizeof processor);
    assert_true(processor.isas & 1u << ST_ISA_PORTABLE);
    assert_int_equal(processor.isas & ~everything, 0);
    if (processor.isas & 1u << ST_ISA_AVX512) assert_true(processor.isas & 1u << ST_ISA_AVX2);
    assert_true(processor.cpus >= 1);
    assert_true(processor.l1_data >= 0 && processor.l2 >= 0 && processor.l3 >= 0);
    if (processor.l1_data > 0) assert_in_range(processor.l1_data, 4096, 16 << 20);
    assert_true(strlen(processor.name) > 0 && strlen(processor.name) < sizeof processor.name);
#if defined(__x86_64__)
    assert_false(processor.isas & 1u << ST_ISA_NEON);
    if (processor.isas & 1u << ST_ISA_AVX2) assert_true(__builtin_cpu_supports("avx2"));
#elif defined(__aarch64__)
    assert_true(processor.isas & 1u << ST_ISA_NEON);
#endif
}

#if defined(__linux__)
/* A process that may use one CPU has one. */
static void test_affinity_counts(void **state) {
    (void)state;
    cpu_set_t before, one;
    st_processor processor;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    for (size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    st_processor_detect(&processor);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(processor.cpus, 1);
    st_processor_detect(&processor);
    assert_true(processor.cpus <= CPU_COUNT(&before));
}
#endif

static const char *name_in(const char *cpuinfo, size_t size) {
    static char name[96];
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_true(fputs(cpuinfo, file) >= 0);
    rewind(file);
    memset(name, 'x', sizeof name);
    st_processor_name(file, name, size);
    fclose(file);
    return name;
}

#define ARM_CORE(number, implementer, variant, part, revision) \
    "processor\t: " number "\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\nCPU implementer\t: " implementer \
    "\nCPU architecture: 8\nCPU variant\t: " variant "\nCPU part\t: " part "\nCPU revision\t: " revision "\n\n"

/* Two machines with other cores have other names, so that a table from one is no measurement on the other. */
static void test_processor_names(void **state) {
    (void)state;
    static const struct {
        const char *cpuinfo, *name;
    } cases[] = {
        {"processor\t: 0\nvendor_id\t: GenuineIntel\nmodel\t\t: 143\nmodel name\t: Intel(R) Xeon(R) 8480\nflags\t: fpu\n"
         "processor\t: 1\nmodel name\t: Another\n",
         "Intel(R) Xeon(R) 8480"},
        {ARM_CORE("0", "0x41", "0x3", "0xd0c", "1") ARM_CORE("1", "0x41", "0x3", "0xd0c", "1"), "ARM part 0xd0c r3p1"},
        {ARM_CORE("0", "0x41", "0x1", "0xd40", "1"), "ARM part 0xd40 r1p1"},
        {ARM_CORE("0", "0x41", "0x0", "0xd4f", "0"), "ARM part 0xd4f r0p0"},
        {ARM_CORE("0", "0x61", "0x1", "0x023", "0"), "Apple part 0x023 r1p0"},
        {ARM_CORE("0", "0xc0", "0x0", "0xac3", "0"), "Ampere part 0xac3 r0p0"},
        {ARM_CORE("0", "0x7f", "0x0", "0x001", "10"), "implementer 0x7f part 0x001 r0p10"},
        /* Large and small cores, in turn. */
        {ARM_CORE("0", "0x41", "0x1", "0xd05", "0") ARM_CORE("1", "0x41", "0x1", "0xd0a", "1") ARM_CORE("2", "0x41", "0x1", "0xd05", "0")
             ARM_CORE("3", "0x41", "0x1", "0xd0a", "1"),
         "ARM part 0xd05 r1p0 + ARM part 0xd0a r1p1"},
        {ARM_CORE("0", "0x41", "0x1", "0xd05", "10") ARM_CORE("1", "0x41", "0x1", "0xd05", "1"), "ARM part 0xd05 r1p10 + ARM part 0xd05 r1p1"},
        {"processor\t: 0\nhart\t: 2\nisa\t: rv64imafdc\n", "CPU"},
        {"CPU implementer\nnonsense\n\n:\n", "CPU"},
        {"", "CPU"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) assert_string_equal(name_in(cases[i].cpuinfo, 96), cases[i].name);
    /* What does not fit. */
    assert_string_equal(name_in(cases[0].cpuinfo, 8), "Intel(R");
    assert_string_equal(name_in(cases[7].cpuinfo, 30), "ARM part 0xd05 r1p0");
}

static void test_names(void **state) {
    (void)state;
    assert_string_equal(st_isa_name(ST_ISA_PORTABLE), "portable");
    assert_string_equal(st_isa_name(ST_ISA_NEON), "neon");
    assert_string_equal(st_isa_name(ST_ISA_AVX2), "avx2");
    assert_string_equal(st_isa_name(ST_ISA_AVX512), "avx512");
}

static void test_disabling(void **state) {
    (void)state;
    static const struct {
        const char *list;
        uint32_t left;
        st_isa best;
    } cases[] = {{"", everything, ST_ISA_AVX512},
                 {" , ,", everything, ST_ISA_AVX512},
                 {"neon", everything & ~(1u << ST_ISA_NEON), ST_ISA_AVX512},
                 {"avx512", everything & ~(1u << ST_ISA_AVX512), ST_ISA_AVX2},
                 {"avx2", 1u << ST_ISA_PORTABLE | 1u << ST_ISA_NEON, ST_ISA_NEON}, /* AVX-512 builds on AVX2 */
                 {"avx512,avx2", 1u << ST_ISA_PORTABLE | 1u << ST_ISA_NEON, ST_ISA_NEON},
                 {" avx2 , neon ", 1u << ST_ISA_PORTABLE, ST_ISA_PORTABLE},
                 {"avx512,avx512", everything & ~(1u << ST_ISA_AVX512), ST_ISA_AVX2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        st_processor processor = {.isas = everything};
        assert_int_equal(st_processor_disable(&processor, cases[i].list), ST_OK);
        assert_int_equal(processor.isas, cases[i].left);
        assert_int_equal(st_processor_best(&processor), cases[i].best);
    }
}

/* The one that is unknown is named; portable cannot be taken away. */
static void test_disabling_refuses(void **state) {
    (void)state;
    static const char *const bad[] = {"sse9", "avx512,sse9", "avx", "avx5122", "AVX2", "portable", "avx2;sse9"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        st_processor processor = {.isas = everything};
        assert_int_equal(st_processor_disable(&processor, bad[i]), ST_E_ARGUMENT);
        assert_non_null(strstr(st_last_message(), "cpu_disable"));
        if (i < 2) assert_non_null(strstr(st_last_message(), "\"sse9\""));
        assert_true(processor.isas & 1u << ST_ISA_PORTABLE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_detection),
#if defined(__linux__)
                                       cmocka_unit_test(test_affinity_counts),
#endif
                                       cmocka_unit_test(test_processor_names), cmocka_unit_test(test_names),
                                       cmocka_unit_test(test_disabling),
                                       cmocka_unit_test(test_disabling_refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
