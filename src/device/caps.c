/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* caps.c - making, changing and checking a device's capabilities. */
#include "device/caps.h"

#include <math.h>
#include <stddef.h>

#include "base/fail.h"

static const char *const backend_names[] = {[ST_BACKEND_CPU] = "cpu",
                                            [ST_BACKEND_WGPU] = "wgpu",
                                            [ST_BACKEND_CUDA] = "cuda",
                                            [ST_BACKEND_HIP] = "hip",
                                            [ST_BACKEND_MPS] = "mps"};

const char *st_backend_name(int32_t backend) {
    return backend >= ST_BACKEND_CPU && backend <= ST_BACKEND_MPS ? backend_names[backend] : NULL;
}

static int32_t at_least_one(int32_t value) { return value < 1 ? 1 : value; }

static st_device_caps caps_of(int32_t backend, int32_t lanes, int32_t subgroup, int32_t max_workgroup) {
    return (st_device_caps){.struct_size = sizeof(st_device_caps),
                            .backend = backend,
                            .subgroup = subgroup != 0,
                            .lanes = at_least_one(lanes),
                            .max_workgroup = at_least_one(max_workgroup)};
}

st_device_caps st_caps_of_processor(const st_processor *processor, int32_t threads) {
    static const int32_t lanes[] = {[ST_ISA_PORTABLE] = 1, [ST_ISA_NEON] = 4, [ST_ISA_AVX2] = 8, [ST_ISA_AVX512] = 16};
    const st_isa isa = st_processor_best(processor);
    st_device_caps caps = caps_of(ST_BACKEND_CPU, lanes[isa], isa != ST_ISA_PORTABLE, threads);
    caps.compute_units = processor->cpus;
    caps.shared_mem = processor->l1_data;
    caps.l2_cache = processor->l2;
    caps.l3_cache = processor->l3;
    return caps;
}

st_device_caps st_caps_cpu(void) {
    st_processor processor;
    st_processor_detect(&processor);
    return st_caps_of_processor(&processor, processor.cpus);
}

st_device_caps st_caps_wgpu(int32_t lanes, int32_t subgroup, int32_t max_workgroup) {
    return caps_of(ST_BACKEND_WGPU, lanes, subgroup, max_workgroup);
}

st_device_caps st_caps_cuda(int32_t lanes, int32_t max_workgroup) { return caps_of(ST_BACKEND_CUDA, lanes, 1, max_workgroup); }
st_device_caps st_caps_hip(int32_t lanes, int32_t max_workgroup) { return caps_of(ST_BACKEND_HIP, lanes, 1, max_workgroup); }
st_device_caps st_caps_mps(int32_t lanes, int32_t max_workgroup) { return caps_of(ST_BACKEND_MPS, lanes, 1, max_workgroup); }

st_device_caps st_caps_with_subgroup(st_device_caps caps, int32_t subgroup) {
    caps.subgroup = subgroup != 0;
    return caps;
}

st_device_caps st_caps_with_max_workgroup(st_device_caps caps, int32_t max_workgroup) {
    caps.max_workgroup = at_least_one(max_workgroup);
    return caps;
}

st_device_caps st_caps_with_shared_mem(st_device_caps caps, int64_t bytes) {
    caps.shared_mem = bytes < 0 ? 0 : bytes;
    return caps;
}

st_status st_caps_check(const st_device_caps *caps) {
    if (caps->struct_size != sizeof *caps)
        return st_fail(ST_E_ARGUMENT, "caps.struct_size is %u; start from st_caps_cpu, st_caps_wgpu and the like", caps->struct_size);
    if (caps->backend < ST_BACKEND_CPU || caps->backend > ST_BACKEND_CALLER)
        return st_fail(ST_E_ARGUMENT, "caps.backend is %d; use ST_BACKEND_CPU (1) to ST_BACKEND_CALLER (6)", caps->backend);
    if (caps->subgroup != 0 && caps->subgroup != 1)
        return st_fail(ST_E_ARGUMENT, "caps.subgroup is %d; use 0 or 1", caps->subgroup);
    if (caps->lanes < 1) return st_fail(ST_E_ARGUMENT, "caps.lanes is %d; it must be at least 1", caps->lanes);
    if (caps->max_workgroup < 1)
        return st_fail(ST_E_ARGUMENT, "caps.max_workgroup is %d; it must be at least 1", caps->max_workgroup);
    if (caps->compute_units < 0)
        return st_fail(ST_E_ARGUMENT, "caps.compute_units is %d; use 0 where it is not known", caps->compute_units);
    if (caps->shared_mem < 0 || caps->l2_cache < 0 || caps->l3_cache < 0)
        return st_fail(ST_E_ARGUMENT, "caps.%s is negative; use 0 where it is not known",
                       caps->shared_mem < 0 ? "shared_mem" : caps->l2_cache < 0 ? "l2_cache" : "l3_cache");
    if (!isfinite(caps->bandwidth) || caps->bandwidth < 0)
        return st_fail(ST_E_ARGUMENT, "caps.bandwidth must be a number of bytes per second; use 0 where it is not known");
    return ST_OK;
}

/*
 * WebGPU's default limit for workgroup storage is 16 KiB; CUDA gives each block 48 KiB without asking; a CDNA or RDNA
 * workgroup has 64 KiB of LDS; Metal threadgroups have 32 KiB on every Apple GPU.
 */
int64_t st_caps_shared_budget(const st_device_caps *caps) {
    if (caps->shared_mem > 0) return caps->shared_mem;
    switch (caps->backend) {
        case ST_BACKEND_CUDA: return 48 << 10;
        case ST_BACKEND_HIP: return 64 << 10;
        case ST_BACKEND_CPU:
        case ST_BACKEND_MPS: return 32 << 10;
        default: return 16 << 10;
    }
}
