/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* registry.h - the backends of a context, the library's own first, and their devices. */
#ifndef ST_DEVICE_REGISTRY_H
#define ST_DEVICE_REGISTRY_H

#include "spiraltorch/backend.h"

/* Further devices are those of an own backend that has several: the first stands among the own, the others behind them. */
enum {
    ST_OWN_BACKENDS = 5,
    ST_FURTHER_DEVICES = 16,
    ST_CALLER_BACKENDS = 16,
    ST_REGISTRY_MOST = ST_OWN_BACKENDS + ST_FURTHER_DEVICES + ST_CALLER_BACKENDS
};

/* A backend and its device. The library's own stand at ST_BACKEND_* - 1, the first device of each. */
typedef struct st_registered {
    st_backend backend;
    st_device_info info;
    char name[16]; /* a registered backend's name, which its caller may free */
} st_registered;

typedef struct st_registry {
    int32_t count;
    st_registered items[ST_REGISTRY_MOST];
} st_registry;

/* Starts a registry with the four GPU backends that this build lacks: they plan, but do not run. Position 0 is left free. */
void st_registry_start(st_registry *registry);

/* Puts the first device of an own backend, that of info->caps, at its position, with the caps that plans for it use. */
void st_registry_place(st_registry *registry, const st_backend *backend, const st_device_info *info);

/* Adds a further device of an own backend behind all others. ST_E_CAPACITY: there are ST_FURTHER_DEVICES already. */
st_status st_registry_place_further(st_registry *registry, const st_backend *backend, const st_device_info *info, int32_t *position);

/* Adds a caller's backend, after checking it and asking it for its device. ST_E_ARGUMENT, ST_E_CAPACITY. */
st_status st_registry_add(st_registry *registry, const st_backend *backend);

/* The position of a device id ("cpu", "cuda:0"); -1 where there is none. */
int32_t st_registry_find(const st_registry *registry, const char *id);

/* Calls every backend's close, last registered first. */
void st_registry_close(st_registry *registry);

#endif
