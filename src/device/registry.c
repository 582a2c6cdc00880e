/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* registry.c - the list of backends, and the ones that this build has no kernels for. */
#include "device/registry.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "device/caps.h"
#include "device/gpu_model.h"
#include "device/gpu_rules.h"

static st_status absent_device(void *self, st_device_info *info) {
    (void)self;
    (void)info;
    return st_fail(ST_E_DEVICE, "this build has no such device");
}

static int32_t absent_legal(void *self, int32_t kind, int32_t mk, int32_t mkd) {
    (void)self;
    return st_gpu_legal(kind, mk, mkd);
}

static void absent_describe(void *self, const st_rank_request *request, const st_choice *choice, const st_device_caps *caps,
                            char name[64]) {
    (void)self;
    st_gpu_describe(request, choice, caps, name);
}

static double absent_estimate(void *self, const st_rank_request *request, const st_choice *choice, const st_device_caps *caps) {
    (void)self;
    return st_gpu_estimate(request, choice, caps);
}

static int32_t absent_candidates(void *self, const st_rank_request *request, const st_device_caps *caps, st_choice *choices,
                                 int32_t capacity) {
    (void)self;
    return st_gpu_candidates(request, caps, choices, capacity);
}

/* No kernels, so none that could change. */
static uint64_t absent_kernel_hash(void *self) {
    (void)self;
    return 0;
}

static void absent_normalise(void *self, const st_rank_request *request, const st_device_caps *caps, st_choice *choice) {
    (void)self;
    st_gpu_normalise(request, caps, choice, NULL);
}

static uint64_t absent_workspace(void *self, const st_plan *plan, const st_backend_services *services) {
    (void)self;
    (void)plan;
    (void)services;
    return 0;
}

static st_status absent_run(void *self, const st_plan *plan, const st_rank_buffers *buffers, const st_backend_services *services) {
    (void)self;
    (void)buffers;
    (void)services;
    return st_fail(ST_E_DEVICE, "%.31s: this build has no kernels for it", plan->device);
}

void st_registry_start(st_registry *registry) {
    memset(registry, 0, sizeof *registry);
    registry->count = ST_OWN_BACKENDS;
    for (int32_t number = ST_BACKEND_WGPU; number <= ST_BACKEND_MPS; number++) {
        st_registered *item = &registry->items[number - 1];
        const char *name = st_backend_name(number);
        item->backend = (st_backend){.struct_size = sizeof item->backend,
                                     .name = name,
                                     .device = absent_device,
                                     .legal = absent_legal,
                                     .describe = absent_describe,
                                     .estimate = absent_estimate,
                                     .candidates = absent_candidates,
                                     .kernel_hash = absent_kernel_hash,
                                     .normalise = absent_normalise,
                                     .workspace = absent_workspace,
                                     .run = absent_run};
        item->info.struct_size = sizeof item->info;
        item->info.caps.struct_size = sizeof item->info.caps;
        item->info.caps.backend = number; /* the rest 0: not known */
        snprintf(item->info.id, sizeof item->info.id, "%s:0", name);
        snprintf(item->info.backend, sizeof item->info.backend, "%s", name);
        snprintf(item->info.reason, sizeof item->info.reason, "this build has no %s backend yet", name);
    }
}

void st_registry_place(st_registry *registry, const st_backend *backend, const st_device_info *info) {
    st_registered *item = &registry->items[info->caps.backend - 1];
    item->backend = *backend;
    item->info = *info;
}

/* Devices behind the first five that a caller's backend has, or that an own backend has. */
static int32_t count_behind(const st_registry *registry, int callers) {
    int32_t count = 0;
    for (int32_t i = ST_OWN_BACKENDS; i < registry->count; i++) count += (registry->items[i].info.caps.backend == ST_BACKEND_CALLER) == callers;
    return count;
}

st_status st_registry_place_further(st_registry *registry, const st_backend *backend, const st_device_info *info, int32_t *position) {
    if (count_behind(registry, 0) == ST_FURTHER_DEVICES)
        return st_fail(ST_E_CAPACITY, "%d more devices than backends are in the list already, the most there can be", ST_FURTHER_DEVICES);
    *position = registry->count++;
    registry->items[*position] = (st_registered){.backend = *backend, .info = *info};
    return ST_OK;
}

static st_status check_name(const st_registry *registry, const char *name) {
    static const char characters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    if (name == NULL) return st_fail(ST_E_ARGUMENT, "backend.name is NULL");
    const size_t length = strnlen(name, 16);
    if (length == 0 || length > 15)
        return st_fail(ST_E_ARGUMENT, "backend.name has %s; use 1 to 15", length == 0 ? "no characters" : "more than 15 characters");
    if (strspn(name, characters) != length)
        return st_fail(ST_E_ARGUMENT, "backend.name \"%s\": use lower-case letters and digits alone", name);
    if (strcmp(name, "auto") == 0) return st_fail(ST_E_ARGUMENT, "backend.name \"auto\" has a meaning of its own; use another");
    for (int32_t i = 0; i < registry->count; i++)
        if (strcmp(registry->items[i].info.backend, name) == 0)
            return st_fail(ST_E_ARGUMENT, "backend.name \"%s\" is taken; use another", name);
    return ST_OK;
}

static st_status check_memory_calls(const st_backend_memory *memory) {
    if (memory->struct_size != sizeof *memory)
        return st_fail(ST_E_ARGUMENT, "backend.memory->struct_size is %u; set it to sizeof(st_backend_memory)", memory->struct_size);
    const char *missing = memory->create == NULL     ? "create"
                          : memory->destroy == NULL  ? "destroy"
                          : memory->upload == NULL   ? "upload"
                          : memory->download == NULL ? "download"
                          : memory->run == NULL      ? "run"
                          : memory->wait == NULL     ? "wait"
                          : memory->release == NULL  ? "release"
                                                     : NULL;
    if (missing != NULL) return st_fail(ST_E_ARGUMENT, "backend.memory->%s is NULL; give all its calls, or no memory", missing);
    return ST_OK;
}

static st_status check_calls(const st_backend *backend) {
    const char *missing = backend->device == NULL        ? "device"
                          : backend->legal == NULL       ? "legal"
                          : backend->describe == NULL    ? "describe"
                          : backend->estimate == NULL    ? "estimate"
                          : backend->candidates == NULL  ? "candidates"
                          : backend->kernel_hash == NULL ? "kernel_hash"
                          : backend->normalise == NULL   ? "normalise"
                          : backend->workspace == NULL   ? "workspace"
                          : backend->run == NULL         ? "run"
                                                         : NULL;
    if (missing != NULL) return st_fail(ST_E_ARGUMENT, "backend.%s is NULL; every call but band and close is needed", missing);
    return backend->memory == NULL ? ST_OK : check_memory_calls(backend->memory);
}

/* The id is the backend's name, or that and ":N". */
static int id_fits(const char *id, const char *name) {
    const size_t length = strlen(name);
    if (strncmp(id, name, length) != 0) return 0;
    const char *rest = id + length;
    if (*rest == '\0') return 1;
    return *rest == ':' && rest[1] != '\0' && strlen(rest) <= 6 && strspn(rest + 1, "0123456789") == strlen(rest + 1);
}

static st_status ask_device(const st_backend *backend, st_device_info *info) {
    *info = (st_device_info){.struct_size = sizeof *info};
    const st_status status = backend->device(backend->self, info);
    if (status != ST_OK) return status;
    info->id[sizeof info->id - 1] = info->name[sizeof info->name - 1] = '\0';
    info->driver[sizeof info->driver - 1] = info->reason[sizeof info->reason - 1] = '\0';
    if (!id_fits(info->id, backend->name))
        return st_fail(ST_E_ARGUMENT, "backend.device: its id is \"%s\"; use \"%s\", or \"%s:0\"", info->id, backend->name, backend->name);
    info->struct_size = sizeof *info;
    info->available = info->available != 0;
    info->software = info->software != 0;
    info->caps.struct_size = sizeof info->caps;
    info->caps.backend = ST_BACKEND_CALLER;
    snprintf(info->backend, sizeof info->backend, "%s", backend->name);
    if (info->reason[0] == '\0') snprintf(info->reason, sizeof info->reason, "registered by the program; auto never picks it");
    return st_caps_check(&info->caps);
}

st_status st_registry_add(st_registry *registry, const st_backend *backend) {
    st_status status;
    if (backend == NULL) return st_fail(ST_E_ARGUMENT, "backend is NULL");
    if (backend->struct_size != sizeof *backend)
        return st_fail(ST_E_ARGUMENT, "backend.struct_size is %u; set it to sizeof(st_backend)", backend->struct_size);
    if ((status = check_calls(backend)) != ST_OK) return status;
    if ((status = check_name(registry, backend->name)) != ST_OK) return status;
    if (count_behind(registry, 1) == ST_CALLER_BACKENDS)
        return st_fail(ST_E_CAPACITY, "backend: %d are registered already, the most there can be", ST_CALLER_BACKENDS);
    st_registered *item = &registry->items[registry->count];
    if ((status = ask_device(backend, &item->info)) != ST_OK) return status;
    item->backend = *backend;
    snprintf(item->name, sizeof item->name, "%s", backend->name);
    item->backend.name = item->name;
    registry->count++;
    return ST_OK;
}

int32_t st_registry_find(const st_registry *registry, const char *id) {
    for (int32_t i = 0; i < registry->count; i++)
        if (strcmp(registry->items[i].info.id, id) == 0) return i;
    return -1;
}

void st_registry_close(st_registry *registry) {
    for (int32_t i = registry->count - 1; i >= 0; i--)
        if (registry->items[i].backend.close != NULL) registry->items[i].backend.close(registry->items[i].backend.self);
    registry->count = 0;
}
