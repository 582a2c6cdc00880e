/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* adapters.c - finds the adapters, and says what is known of them without opening any. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/wgpu/native/device_state.h"
#include "base/fail.h"
#include "base/memory.h"

/* OpenGL's adapters are the same devices once more, without half of what is needed. */
static const WGPUInstanceBackend PRIMARY = WGPUInstanceBackend_Vulkan | WGPUInstanceBackend_Metal | WGPUInstanceBackend_DX12;

st_status st_wgpu_connection_open(const st_host *host, const char *library, st_wgpu_connection **out) {
    *out = NULL;
    st_wgpu_connection *connection = st_allocate_zeroed(host, sizeof *connection);
    if (connection == NULL) return st_fail(ST_E_MEMORY, "no memory for wgpu-native's functions");
    connection->host = *host;
    atomic_store(&connection->users, 1);
    const st_status status = st_wgpu_library_open(library, &connection->library);
    if (status != ST_OK) {
        st_release(host, connection, sizeof *connection);
        return status;
    }
    *out = connection;
    return ST_OK;
}

void st_wgpu_connection_drop(st_wgpu_connection *connection) {
    const st_host host = connection->host;
    if (atomic_fetch_sub(&connection->users, 1) > 1) return;
    if (connection->instance != NULL) connection->library.call.InstanceRelease(connection->instance);
    st_wgpu_library_close(&connection->library);
    st_release(&host, connection, sizeof *connection);
}

/* The smaller, the sooner it is listed. */
static int order_of(WGPUAdapterType type) {
    switch (type) {
        case WGPUAdapterType_DiscreteGPU: return 0;
        case WGPUAdapterType_IntegratedGPU: return 1;
        case WGPUAdapterType_CPU: return 3;
        default: return 2;
    }
}

static const char *interface_of(WGPUBackendType type) {
    switch (type) {
        case WGPUBackendType_Vulkan: return "vulkan";
        case WGPUBackendType_Metal: return "metal";
        case WGPUBackendType_D3D12: return "dx12";
        default: return "other";
    }
}

static size_t length_of(WGPUStringView text) { return text.length == WGPU_STRLEN ? strlen(text.data) : text.length; }

static void copy_text(char *target, size_t size, WGPUStringView text) {
    const size_t length = text.data == NULL ? 0 : length_of(text);
    snprintf(target, size, "%.*s", (int)(length < size ? length : size - 1), text.data == NULL ? "" : text.data);
}

/*
 * The size of a subgroup that these vendors' drivers give compute kernels; wgpu-native 29 leaves its own fields for that
 * unwritten. llvmpipe has its vectors' 32-bit lanes, and says how wide they are in its name.
 */
static int32_t usual_lanes(const WGPUAdapterInfo *adapter, const char *name) {
    const char *const bits = strstr(name, " bits)");
    switch (adapter->vendorID) {
        case 0x10de: return 32;  /* NVIDIA */
        case 0x106b: return 32;  /* Apple */
        case 0x1002: return 64;  /* AMD: 64 under Mesa and on CDNA, which has no other */
        case 0x8086: return 16;  /* Intel: 8, 16 or 32, kernel by kernel */
        case 0x13b5: return 16;  /* Arm */
        case 0x5143: return 64;  /* Qualcomm */
        case 0x1ae0: return 4;   /* SwiftShader */
        case 0x1414: return 4;   /* Microsoft's WARP */
        case 0x10005: return bits == NULL || bits - name < 4 ? 8 : (int32_t)strtol(bits - 3, NULL, 10) / 32; /* Mesa */
        default: return 32;
    }
}

/* The compute limits of the adapter; all else stays at WebGPU's defaults, which are the floor. */
static void want_limits(const WGPULimits *has, WGPULimits *wanted) {
    wanted->maxStorageBuffersPerShaderStage = has->maxStorageBuffersPerShaderStage;
    wanted->maxStorageBufferBindingSize = has->maxStorageBufferBindingSize;
    wanted->minUniformBufferOffsetAlignment = has->minUniformBufferOffsetAlignment;
    wanted->minStorageBufferOffsetAlignment = has->minStorageBufferOffsetAlignment;
    wanted->maxBufferSize = has->maxBufferSize;
    wanted->maxComputeWorkgroupStorageSize = has->maxComputeWorkgroupStorageSize;
    wanted->maxComputeInvocationsPerWorkgroup = has->maxComputeInvocationsPerWorkgroup;
    wanted->maxComputeWorkgroupSizeX = has->maxComputeWorkgroupSizeX;
    wanted->maxComputeWorkgroupsPerDimension = has->maxComputeWorkgroupsPerDimension;
}

enum { FLOOR_INVOCATIONS = 256, FLOOR_SHARED = 16384 };

static void describe(st_wgpu_device *device, const st_wgpu_settings *settings, const WGPUAdapterInfo *adapter, int32_t number) {
    const st_wgpu_table *call = &device->connection->library.call;
    st_device_info *info = &device->info;
    char driver[40], maker[24];
    WGPULimits has = WGPU_LIMITS_INIT;
    call->AdapterGetLimits(device->adapter, &has);
    const WGPULimits defaults = WGPU_LIMITS_INIT;
    device->wanted = defaults;
    if (!settings->floor_limits) want_limits(&has, &device->wanted);
    device->subgroups = !settings->no_subgroups && call->AdapterHasFeature(device->adapter, (WGPUFeatureName)WGPUNativeFeature_Subgroup);
    snprintf(info->id, sizeof info->id, "wgpu:%d", number);
    snprintf(info->backend, sizeof info->backend, "wgpu");
    copy_text(info->name, sizeof info->name, adapter->device);
    copy_text(driver, sizeof driver, adapter->description);
    copy_text(maker, sizeof maker, adapter->vendor);
    snprintf(info->driver, sizeof info->driver, "%s, %s %x:%x", driver[0] != '\0' ? driver : maker, interface_of(adapter->backendType),
             adapter->vendorID, adapter->deviceID);
    info->available = 1;
    info->software = adapter->adapterType == WGPUAdapterType_CPU;
    info->caps = (st_device_caps){
        .struct_size = sizeof info->caps,
        .backend = ST_BACKEND_WGPU,
        .subgroup = device->subgroups,
        .lanes = usual_lanes(adapter, info->name),
        .max_workgroup = settings->floor_limits ? FLOOR_INVOCATIONS : (int32_t)has.maxComputeInvocationsPerWorkgroup,
        .shared_mem = settings->floor_limits ? FLOOR_SHARED : (int64_t)has.maxComputeWorkgroupStorageSize};
}

struct listed {
    WGPUAdapter adapter;
    WGPUAdapterInfo info;
};

enum { MOST_LISTED = 64 };

/* All adapters, those of hardware first, otherwise in wgpu-native's order. */
static size_t enumerate(const st_wgpu_connection *connection, struct listed all[MOST_LISTED]) {
    const st_wgpu_table *call = &connection->library.call;
    const WGPUInstanceEnumerateAdapterOptions options = {.backends = PRIMARY};
    WGPUAdapter adapters[MOST_LISTED];
    if (call->InstanceEnumerateAdapters(connection->instance, &options, NULL) > MOST_LISTED) return 0;
    const size_t count = call->InstanceEnumerateAdapters(connection->instance, &options, adapters);
    for (size_t i = 0; i < count; i++) {
        struct listed entry = {.adapter = adapters[i]};
        call->AdapterGetInfo(entry.adapter, &entry.info);
        size_t at = i;
        for (; at > 0 && order_of(all[at - 1].info.adapterType) > order_of(entry.info.adapterType); at--) all[at] = all[at - 1];
        all[at] = entry;
    }
    return count;
}

static st_status list(st_wgpu_connection *connection, const st_wgpu_settings *settings,
                      st_wgpu_device *devices[ST_WGPU_MOST_ADAPTERS], int32_t *count) {
    const st_wgpu_table *call = &connection->library.call;
    struct listed all[MOST_LISTED];
    st_status status = ST_OK;
    const size_t found = enumerate(connection, all);
    if (found == 0) return st_fail(ST_E_DEVICE, "no Vulkan, Metal or DX12 driver here: wgpu-native lists no adapter");
    for (size_t i = 0; i < found; i++) {
        const int kept = status == ST_OK && i < ST_WGPU_MOST_ADAPTERS;
        if (kept) status = st_wgpu_device_new(&connection->host, connection, settings, &devices[i]);
        if (kept && status == ST_OK) {
            devices[i]->adapter = all[i].adapter;
            describe(devices[i], settings, &all[i].info, (int32_t)i);
            *count = (int32_t)i + 1;
        } else {
            call->AdapterRelease(all[i].adapter);
        }
        call->AdapterInfoFreeMembers(all[i].info);
    }
    return status;
}

st_status st_wgpu_adapters_find(const st_host *host, const st_wgpu_settings *settings,
                                st_wgpu_device *devices[ST_WGPU_MOST_ADAPTERS], int32_t *count) {
    st_wgpu_connection *connection;
    *count = 0;
    st_status status = st_wgpu_connection_open(host, settings->library, &connection);
    if (status != ST_OK) return status;
    WGPUInstanceExtras extras = {.chain = {.sType = (WGPUSType)WGPUSType_InstanceExtras}, .backends = PRIMARY};
    const WGPUInstanceDescriptor descriptor = {.nextInChain = &extras.chain};
    connection->instance = connection->library.call.CreateInstance(&descriptor);
    status = connection->instance == NULL ? st_fail(ST_E_DEVICE, "wgpu-native cannot start") : list(connection, settings, devices, count);
    if (status != ST_OK)
        while (*count > 0) st_wgpu_device_close(devices[--*count]);
    st_wgpu_connection_drop(connection);
    return status;
}
