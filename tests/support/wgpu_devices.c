/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* wgpu_devices.c - finds the device for tests, or says why there is none. */
#include "wgpu_devices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/settings.h"

#ifdef ST_WGPU
static int32_t find(st_wgpu_device *devices[ST_WGPU_MOST_ADAPTERS]) {
    st_host host;
    st_settings settings;
    int32_t count = 0;
    if (st_host_resolve(NULL, &host) != ST_OK || st_settings_read(NULL, &settings) != ST_OK ||
        st_wgpu_adapters_find(&host, &settings.wgpu, devices, &count) != ST_OK)
        printf("skipped: %s\n", st_last_message());
    return count;
}

st_wgpu_device *st_test_wgpu_device(void) {
    st_wgpu_device *devices[ST_WGPU_MOST_ADAPTERS];
    const char *wanted = getenv("ST_TEST_WGPU");
    const int32_t count = find(devices);
    for (int32_t i = 1; i < count; i++) st_wgpu_device_close(devices[i]);
    st_device_info info = {.struct_size = sizeof info};
    if (count > 0) st_wgpu_device_info(devices[0], &info);
    if (wanted != NULL && wanted[0] != '\0' && strstr(info.name, wanted) == NULL) {
        printf("ST_TEST_WGPU is \"%s\", but the device is \"%s\"\n", wanted, info.name);
        exit(1);
    }
    return count > 0 ? devices[0] : NULL;
}
#else
st_wgpu_device *st_test_wgpu_device(void) {
    printf("skipped: this build has no wgpu backend\n");
    if (getenv("ST_TEST_WGPU") != NULL) exit(1);
    return NULL;
}
#endif
