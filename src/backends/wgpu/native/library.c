/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* library.c - finds wgpu-native and its functions. */
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include "backends/wgpu/native/library.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"

#ifdef __APPLE__
#define SUFFIX ".dylib"
#else
#define SUFFIX ".so"
#endif

/* ISO C has no conversion between the two kinds of pointers; POSIX says that their representations agree. */
static int find(void *handle, const char *name, void *function) {
    void *const symbol = dlsym(handle, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

static st_status fill(void *handle, st_wgpu_table *table) {
    const char *missing = NULL;
    if (!find(handle, "wgpuGetVersion", &table->GetVersion))
        return st_fail(ST_E_DEVICE, "the library is not wgpu-native: it has no wgpuGetVersion");
    /* The numbers behind names in webgpu.h change from one version to the next. */
    const uint32_t version = table->GetVersion();
    if (version >> 24 != ST_WGPU)
        return st_fail(ST_E_DEVICE, "wgpu-native is version %u.%u.%u; this build needs %d", version >> 24, version >> 16 & 255,
                       version >> 8 & 255, ST_WGPU);
#define FIND(function) \
    if (!find(handle, "wgpu" #function, &table->function)) missing = "wgpu" #function;
    ST_WGPU_FUNCTIONS(FIND)
#undef FIND
    return missing == NULL ? ST_OK : st_fail(ST_E_DEVICE, "wgpu-native has no %s, which this build needs", missing);
}

st_status st_wgpu_library_open(const char *path, st_wgpu_library *library) {
    static const char *const names[] = {"libwgpu_native" SUFFIX, "libwgpu_native-release" SUFFIX};
    memset(library, 0, sizeof *library);
    if (path != NULL && strcmp(path, "none") == 0)
        return st_fail(ST_E_DEVICE, "wgpu_library (ST_WGPU_LIBRARY) is none, so no wgpu-native is looked for");
    if (path == NULL && dlsym(RTLD_DEFAULT, "wgpuGetVersion") != NULL) return fill(RTLD_DEFAULT, &library->call);
    for (size_t i = 0; path == NULL && i < sizeof names / sizeof names[0] && library->handle == NULL; i++)
        library->handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (path != NULL) library->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library->handle == NULL) {
        if (path == NULL)
            return st_fail(ST_E_DEVICE, "no libwgpu_native" SUFFIX " here; set ST_WGPU_LIBRARY to one (pip install wgpu brings it)");
        const char *why = dlerror();
        return st_fail(ST_E_DEVICE, "wgpu_library (ST_WGPU_LIBRARY): %.150s", why == NULL ? path : why);
    }
    const st_status status = fill(library->handle, &library->call);
    if (status != ST_OK) st_wgpu_library_close(library);
    return status;
}

void st_wgpu_library_close(st_wgpu_library *library) {
    if (library->handle != NULL) dlclose(library->handle);
    library->handle = NULL;
}
