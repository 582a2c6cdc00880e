/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* processor.c - CPU features, caches and the CPUs that this process may use. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "base/processor.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/fail.h"

static const char *const isa_names[] = {"portable", "neon", "avx2", "avx512"};

const char *st_isa_name(st_isa isa) { return isa_names[isa]; }

#if defined(__x86_64__)
/* What the system keeps for each thread, XCR0: of 256-bit registers, of 512-bit registers and masks. */
enum { KEEPS_YMM = 0x06, KEEPS_ZMM = 0xe6 };

static uint32_t kept_registers(void) {
    uint32_t low, high;
    __asm__ __volatile__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

/*
 * By CPUID itself: compilers' __builtin_cpu_supports do not know all that the kernels' files are compiled for, and need a
 * library that not all compilers bring. Without LZCNT its encoding runs as BSR, and counts wrongly instead of failing.
 */
static uint32_t detect_isas(void) {
    const uint32_t first_bits = bit_OSXSAVE | bit_AVX | bit_FMA | bit_F16C | bit_POPCNT;
    const uint32_t avx2_bits = bit_AVX2 | bit_BMI | bit_BMI2;
    const uint32_t avx512_bits = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL | bit_AVX512CD;
    uint32_t isas = 1u << ST_ISA_PORTABLE, a, first, seventh, extended, b, c, d;
    if (!__get_cpuid(1, &a, &b, &first, &d) || !__get_cpuid_count(7, 0, &a, &seventh, &c, &d) ||
        !__get_cpuid(0x80000001, &a, &b, &extended, &d))
        return isas;
    if ((first & first_bits) != first_bits || (seventh & avx2_bits) != avx2_bits || !(extended & bit_LZCNT)) return isas;
    const uint32_t kept = kept_registers();
    if ((kept & KEEPS_YMM) == KEEPS_YMM) isas |= 1u << ST_ISA_AVX2;
    if ((kept & KEEPS_ZMM) == KEEPS_ZMM && (seventh & avx512_bits) == avx512_bits) isas |= 1u << ST_ISA_AVX512;
    return isas;
}
#elif defined(__aarch64__)
static uint32_t detect_isas(void) { return 1u << ST_ISA_PORTABLE | 1u << ST_ISA_NEON; }
#else
static uint32_t detect_isas(void) { return 1u << ST_ISA_PORTABLE; }
#endif

/* Reads a small text file into `text`; returns 0 where it cannot. */
static int read_text(const char *path, char *text, size_t size) {
    FILE *file = fopen(path, "re");
    if (file == NULL) return 0;
    const size_t got = fread(text, 1, size - 1, file);
    fclose(file);
    text[got] = '\0';
    return got > 0;
}

/* Linux: cpu0's caches, level and type in files of their own. "32K" and "1M" are how sizes look. */
static void detect_caches(st_processor *processor) {
    for (int index = 0; index < 8; index++) {
        char path[96], level[16], type[32], size[32];
        const char *folder = "/sys/devices/system/cpu/cpu0/cache/index";
        snprintf(path, sizeof path, "%s%d/level", folder, index);
        if (!read_text(path, level, sizeof level)) return;
        snprintf(path, sizeof path, "%s%d/type", folder, index);
        if (!read_text(path, type, sizeof type)) return;
        snprintf(path, sizeof path, "%s%d/size", folder, index);
        if (!read_text(path, size, sizeof size)) return;
        char *unit = NULL;
        int64_t bytes = strtoll(size, &unit, 10);
        if (bytes < 0 || bytes > (int64_t)1 << 40) continue;
        if (*unit == 'K') bytes <<= 10;
        if (*unit == 'M') bytes <<= 20;
        if (type[0] == 'I') continue;
        if (level[0] == '1') processor->l1_data = bytes;
        if (level[0] == '2') processor->l2 = bytes;
        if (level[0] == '3') processor->l3 = bytes;
    }
}

static int32_t detect_cpus(void) {
    int32_t cpus = 1;
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        cpus = CPU_COUNT(&set);
    else
        cpus = (int32_t)sysconf(_SC_NPROCESSORS_ONLN);
    /* A container's quota, "max 100000" or microseconds of CPU per period; half a CPU counts as one. */
    char text[64];
    long long quota = 0, period = 0;
    if (read_text("/sys/fs/cgroup/cpu.max", text, sizeof text) && sscanf(text, "%lld %lld", &quota, &period) == 2 &&
        quota > 0 && period > 0 && (quota + period - 1) / period < cpus)
        cpus = (int32_t)((quota + period - 1) / period);
#else
    cpus = (int32_t)sysconf(_SC_NPROCESSORS_ONLN);
#endif
    return cpus < 1 ? 1 : cpus;
}

/* The company that made an ARM core, by the code of its MIDR register. */
static void name_implementer(unsigned implementer, char name[24]) {
    static const struct {
        unsigned code;
        const char *name;
    } names[] = {{0x41, "ARM"}, {0x42, "Broadcom"}, {0x43, "Cavium"}, {0x46, "Fujitsu"}, {0x48, "HiSilicon"}, {0x4e, "NVIDIA"},
                 {0x50, "APM"}, {0x51, "Qualcomm"}, {0x53, "Samsung"}, {0x61, "Apple"}, {0x6d, "Microsoft"}, {0xc0, "Ampere"}};
    snprintf(name, 24, "implementer 0x%02x", implementer);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].code == implementer) snprintf(name, 24, "%s", names[i].name);
}

/* Adds a core to the name, " + " between them, unless one like it is there. */
static void add_core(const char *core, char *name, size_t size) {
    size_t at = 0;
    for (size_t next; name[at] != '\0'; at = next) {
        const char *joint = strstr(name + at, " + ");
        const size_t length = joint != NULL ? (size_t)(joint - name) - at : strlen(name + at);
        if (strlen(core) == length && memcmp(name + at, core, length) == 0) return;
        next = at + length + (joint != NULL ? 3 : 0);
    }
    if (at + strlen(core) + 4 <= size) snprintf(name + at, size - at, "%s%s", at > 0 ? " + " : "", core);
}

void st_processor_name(FILE *cpuinfo, char *name, size_t size) {
    static const char *const keys[] = {"CPU implementer", "CPU variant", "CPU part", "CPU revision"};
    unsigned core[4] = {0};
    char line[256];
    name[0] = '\0';
    while (fgets(line, sizeof line, cpuinfo) != NULL) {
        const char *colon = strchr(line, ':');
        if (colon == NULL) continue;
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "model name", 10) == 0) {
            snprintf(name, size, "%s", colon + 1 + strspn(colon + 1, " "));
            break;
        }
        for (size_t i = 0; i < 4; i++)
            if (strncmp(line, keys[i], strlen(keys[i])) == 0) core[i] = (unsigned)strtoul(colon + 1, NULL, 0);
        if (strncmp(line, keys[3], strlen(keys[3])) != 0) continue; /* the last of a core's lines */
        char company[24], text[80];
        name_implementer(core[0], company);
        snprintf(text, sizeof text, "%s part 0x%03x r%up%u", company, core[2], core[1], core[3]);
        add_core(text, name, size);
    }
    if (name[0] == '\0') snprintf(name, size, "CPU");
}

static void detect_name(char *name, size_t size) {
    FILE *file = fopen("/proc/cpuinfo", "re");
    snprintf(name, size, "CPU");
    if (file == NULL) return;
    st_processor_name(file, name, size);
    fclose(file);
}

void st_processor_detect(st_processor *processor) {
    memset(processor, 0, sizeof *processor);
    processor->isas = detect_isas();
    processor->cpus = detect_cpus();
    detect_caches(processor);
    detect_name(processor->name, sizeof processor->name);
}

st_status st_processor_disable(st_processor *processor, const char *list) {
    static const char separators[] = ", ";
    for (const char *at = list; *(at += strspn(at, separators)) != '\0';) {
        const size_t length = strcspn(at, separators);
        int found = 0;
        for (int isa = ST_ISA_NEON; isa <= ST_ISA_AVX512; isa++) {
            if (strlen(isa_names[isa]) != length || memcmp(isa_names[isa], at, length) != 0) continue;
            found = 1;
            processor->isas &= ~(1u << isa);
            if (isa == ST_ISA_AVX2) processor->isas &= ~(1u << ST_ISA_AVX512);
        }
        if (!found)
            return st_fail(ST_E_ARGUMENT, "cpu_disable (ST_CPU_DISABLE): \"%.*s\" is no instruction set; use avx512, avx2 or neon",
                           (int)(length < 32 ? length : 32), at);
        at += length;
    }
    return ST_OK;
}

st_isa st_processor_best(const st_processor *processor) {
    st_isa best = ST_ISA_PORTABLE;
    for (int isa = ST_ISA_NEON; isa <= ST_ISA_AVX512; isa++)
        if (processor->isas & (1u << isa)) best = (st_isa)isa;
    return best;
}
