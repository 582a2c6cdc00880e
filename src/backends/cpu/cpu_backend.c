/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* cpu_backend.c - the backend interface, filled in for the CPU. */
#include "backends/cpu/cpu_backend.h"

#include <stdio.h>
#include <string.h>

#include "backends/cpu/kernels.h"
#include "backends/cpu/model.h"
#include "backends/cpu/run.h"
#include "backends/cpu/select.h"
#include "base/fail.h"
#include "base/memory.h"
#include "device/caps.h"

struct cpu {
    st_host host;
    st_processor processor;
    st_cpu_table table;
};

static st_status cpu_device(void *self, st_device_info *info) {
    const struct cpu *cpu = self;
    *info = (st_device_info){.struct_size = sizeof *info, .available = 1, .caps = st_caps_of_processor(&cpu->processor, cpu->processor.cpus)};
    snprintf(info->id, sizeof info->id, "cpu");
    snprintf(info->backend, sizeof info->backend, "cpu");
    snprintf(info->name, sizeof info->name, "%s (%s)", cpu->processor.name, st_isa_name(st_processor_best(&cpu->processor)));
    return ST_OK;
}

static int32_t cpu_legal(void *self, int32_t kind, int32_t mk, int32_t mkd) {
    (void)self;
    return kind >= ST_TOPK && kind <= ST_WINDOW && st_cpu_legal(mk, mkd);
}

static void cpu_describe(void *self, const st_rank_request *request, const st_choice *choice, const st_device_caps *caps,
                         char name[64]) {
    const struct cpu *cpu = self;
    (void)caps;
    const st_isa isa = cpu->table.of_class[st_cpu_class((uint32_t)st_dtype_size(request->dtype) * 8)].isa;
    snprintf(name, 64, "cpu/%s/%s%s", st_isa_name(isa), st_cpu_family_name(st_cpu_family_of(choice)),
             st_cpu_pieces(request, choice) > 1 || st_cpu_searches_by_keys(request, choice) ? "-split" : "");
}

static double cpu_estimate(void *self, const st_rank_request *request, const st_choice *choice, const st_device_caps *caps) {
    (void)self;
    return st_cpu_estimate(request, choice, caps);
}

static int32_t cpu_candidates(void *self, const st_rank_request *request, const st_device_caps *caps, st_choice *choices,
                              int32_t capacity) {
    (void)self;
    return st_cpu_candidates(request, caps, choices, capacity);
}

/* The build hashes the sources of this room and of rank, whose code a kernel's time and answer rest on. */
static uint64_t cpu_kernel_hash(void *self) {
    const struct cpu *cpu = self;
    return ST_CPU_SOURCE_HASH ^ (uint64_t)st_processor_best(&cpu->processor);
}

static void cpu_normalise(void *self, const st_rank_request *request, const st_device_caps *caps, st_choice *choice) {
    (void)self;
    st_cpu_normalise(request, caps, choice);
}

static uint64_t cpu_workspace(void *self, const st_plan *plan, const st_backend_services *services) {
    (void)self;
    (void)services;
    return st_cpu_run_bytes(&plan->request, &plan->choice);
}

static st_status cpu_run(void *self, const st_plan *plan, const st_rank_buffers *buffers, const st_backend_services *services) {
    const struct cpu *cpu = self;
    return st_cpu_run(&cpu->table, &plan->request, &plan->choice, buffers, services);
}

static st_status cpu_band(void *self, const st_band_request *request, const st_band_buffers *buffers, const st_backend_services *services) {
    const struct cpu *cpu = self;
    return st_cpu_run_band(&cpu->table, request, buffers, services);
}

static void cpu_close(void *self) {
    struct cpu *cpu = self;
    const st_host host = cpu->host;
    st_release(&host, cpu, sizeof *cpu);
}

st_status st_cpu_backend_open(const st_host *host, const st_processor *processor, st_backend *backend) {
    struct cpu *cpu = st_allocate_zeroed(host, sizeof *cpu);
    if (cpu == NULL) return st_fail(ST_E_MEMORY, "no memory for the CPU backend");
    cpu->host = *host;
    cpu->processor = *processor;
    st_cpu_kernels_fill(processor->isas, &cpu->table);
    *backend = (st_backend){.struct_size = sizeof *backend,
                            .name = "cpu",
                            .self = cpu,
                            .device = cpu_device,
                            .legal = cpu_legal,
                            .describe = cpu_describe,
                            .estimate = cpu_estimate,
                            .candidates = cpu_candidates,
                            .kernel_hash = cpu_kernel_hash,
                            .normalise = cpu_normalise,
                            .workspace = cpu_workspace,
                            .run = cpu_run,
                            .band = cpu_band,
                            .close = cpu_close};
    return ST_OK;
}

st_scanner st_cpu_scanner(const st_backend *backend, st_dtype dtype) {
    const struct cpu *cpu = backend->self;
    const st_cpu_kernels *kernels = &cpu->table.of_class[st_cpu_class((uint32_t)st_dtype_size(dtype) * 8)];
    return (st_scanner){kernels->collect_carried, kernels->find_nan, kernels->histogram};
}
