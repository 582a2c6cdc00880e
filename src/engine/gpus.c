/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gpus.c - finds the GPUs that are here, and what is missing for those that are not. */
#include "engine/gpus.h"

#include <stdio.h>

#include "backends/wgpu/wgpu_backend.h"
#include "base/fail.h"

enum { WGPU = ST_BACKEND_WGPU - 1 };

/* Plans for WebGPU without a device: its line in the list stays, and says why. */
static st_status place_absent(const st_host *host, st_registry *registry) {
    st_backend backend;
    const st_device_info info = registry->items[WGPU].info;
    const st_status status = st_wgpu_backend_open(host, NULL, &backend);
    if (status == ST_OK) st_registry_place(registry, &backend, &info);
    return status;
}

#ifdef ST_WGPU
/* Takes the device in any case. */
static st_status place_device(const st_host *host, st_wgpu_device *device, int32_t number, st_registry *registry) {
    st_backend backend;
    st_device_info info = {.struct_size = sizeof info};
    int32_t position;
    st_wgpu_device_info(device, &info);
    st_status status = st_wgpu_backend_open(host, device, &backend);
    if (status != ST_OK) {
        st_wgpu_device_close(device);
        return status;
    }
    if (number == 0)
        st_registry_place(registry, &backend, &info);
    else if ((status = st_registry_place_further(registry, &backend, &info, &position)) != ST_OK)
        backend.close(backend.self);
    return status;
}

st_status st_gpus_place(const st_host *host, const st_settings *settings, st_registry *registry) {
    st_wgpu_device *devices[ST_WGPU_MOST_ADAPTERS];
    char *reason = registry->items[WGPU].info.reason;
    int32_t count;
    st_status status = st_wgpu_adapters_find(host, &settings->wgpu, devices, &count);
    if (status == ST_E_DEVICE) {
        snprintf(reason, sizeof registry->items[WGPU].info.reason, "%.190s", st_last_message());
        return place_absent(host, registry);
    }
    for (int32_t i = 0; i < count; i++) {
        if (status == ST_OK)
            status = place_device(host, devices[i], i, registry);
        else
            st_wgpu_device_close(devices[i]);
    }
    return status;
}
#else
st_status st_gpus_place(const st_host *host, const st_settings *settings, st_registry *registry) {
    (void)settings;
    char *reason = registry->items[WGPU].info.reason;
    snprintf(reason, sizeof registry->items[WGPU].info.reason, "this build has no wgpu backend: wgpu-native's headers were not there");
    return place_absent(host, registry);
}
#endif
