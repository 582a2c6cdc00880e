/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* automatic.c - what auto means here. */
#include "engine/automatic.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"

enum { CPU = ST_BACKEND_CPU - 1 };

static void write_priorities(st_automatic *automatic, const st_registry *registry, const st_settings *settings) {
    size_t used = 0;
    for (int32_t i = 0; i < settings->priority_count; i++) {
        const int written = snprintf(automatic->priorities + used, sizeof automatic->priorities - used, "%s%s", i == 0 ? "" : ",",
                                     registry->items[settings->priorities[i] - 1].info.backend);
        used += written > 0 ? (size_t)written : 0;
    }
}

/* Adds a device, unless its copies cannot be measured: what cannot be reached is not picked. */
static void consider(st_automatic *automatic, const st_host *host, st_registered *item, int32_t position) {
    st_auto_device *device = &automatic->devices[automatic->count];
    char why[ST_MESSAGE_BYTES];
    if (position != CPU && st_transfer_find(host, &item->backend, &item->info, &device->transfer) != ST_OK) {
        st_message_copy(why);
        snprintf(item->info.reason, sizeof item->info.reason, "auto passes it by: %.150s", why);
        return;
    }
    device->position = position;
    automatic->count++;
}

static void explain(st_registry *registry, const st_settings *settings) {
    for (int32_t position = 0; position < registry->count; position++) {
        st_device_info *info = &registry->items[position].info;
        int named = 0;
        for (int32_t i = 0; i < settings->priority_count; i++) named |= settings->priorities[i] == info->caps.backend;
        if (info->reason[0] != '\0') continue;
        if (info->software)
            snprintf(info->reason, sizeof info->reason, "a software adapter, which auto never picks");
        else if (!named)
            snprintf(info->reason, sizeof info->reason, "not in ST_DEVICE_AUTO_PRIORITIES, so auto passes it by");
    }
}

void st_automatic_settle(st_automatic *automatic, const st_host *host, st_registry *registry, const st_settings *settings) {
    write_priorities(automatic, registry, settings);
    automatic->count = 0;
    for (int32_t i = 0; i < settings->priority_count; i++)
        for (int32_t position = 0; position < registry->count; position++) {
            st_registered *item = &registry->items[position];
            if (item->info.caps.backend == settings->priorities[i] && item->info.available && !item->info.software)
                consider(automatic, host, item, position);
        }
    explain(registry, settings);
}

st_status st_automatic_first(const st_automatic *automatic, int32_t *position) {
    for (int32_t i = 0; i < automatic->count; i++) {
        *position = automatic->devices[i].position;
        if (!atomic_load(&automatic->failures[*position].lost)) return ST_OK;
    }
    return st_fail(ST_E_DEVICE, "device auto: none of ST_DEVICE_AUTO_PRIORITIES (%s) can run here; add cpu", automatic->priorities);
}

void st_automatic_fail(st_automatic *automatic, int32_t position, st_status status) {
    st_auto_failure *failure = &automatic->failures[position];
    int32_t untold = 0;
    if (status == ST_E_DEVICE) atomic_store(&failure->lost, 1);
    if (!atomic_compare_exchange_strong(&failure->told, &untold, 1)) return;
    snprintf(failure->why, sizeof failure->why, "%.*s", ST_FAILURE_BYTES - 1, st_last_message());
    atomic_store(&failure->told, 2);
}

void st_automatic_tell(const st_automatic *automatic, int32_t position, st_device_info *info) {
    const st_auto_failure *failure = &automatic->failures[position];
    if (atomic_load(&failure->told) != 2) return;
    snprintf(info->reason, sizeof info->reason, "failed under auto, %s the CPU: %s",
             atomic_load(&failure->lost) ? "which keeps to" : "which then took", failure->why);
}

int st_automatic_stands_in(const st_automatic *automatic, int32_t position, st_status status) {
    if (position == CPU || (status != ST_E_DEVICE && status != ST_E_MEMORY && status != ST_E_UNSUPPORTED)) return 0;
    for (int32_t i = 0; i < automatic->count; i++)
        if (automatic->devices[i].position == CPU) return 1;
    return 0;
}
