/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* devices.c - the list of devices, finding one by its id, and registered backends. */
#include "spiraltorch/device.h"

#include <string.h>

#include "base/fail.h"
#include "engine/context_state.h"

st_backend_services st_services_of(const st_context *context, int32_t threads) {
    return (st_backend_services){
        .struct_size = sizeof(st_backend_services), .host = &context->host, .pool = context->pool, .threads = threads};
}

st_status st_device_find(const st_context *context, const char *id, int32_t *position) {
    if (id == NULL || strcmp(id, "auto") == 0)
        return st_automatic_first(&context->automatic, position);
    const int32_t found = st_registry_find(&context->registry, id);
    if (found < 0)
        return st_fail(ST_E_DEVICE, "device \"%.40s\" is not in the list; use \"auto\", \"cpu\", or another id that st_device_at gives", id);
    const st_device_info *info = &context->registry.items[found].info;
    if (!info->available) return st_fail(ST_E_DEVICE, "device %s cannot run: %s; use another, or \"auto\"", info->id, info->reason);
    *position = found;
    return ST_OK;
}

void st_executor_begin(const st_registered *registered, char before[ST_MESSAGE_BYTES]) {
    if (registered->info.caps.backend != ST_BACKEND_CALLER) return;
    st_message_copy(before);
    st_message_set(ST_OK, "");
}

st_status st_executor_end(const st_registered *registered, const char *before, st_status status) {
    if (registered->info.caps.backend != ST_BACKEND_CALLER) return status;
    if (status == ST_OK) return st_message_set(ST_OK, before);
    if (st_last_message()[0] != '\0') return status;
    return st_fail(status, "device %s: its executor failed with %s, and gave no reason", registered->info.id, st_status_name(status));
}

int32_t st_device_count(const st_context *context) { return context == NULL ? 0 : context->registry.count; }

st_status st_device_at(const st_context *context, int32_t position, st_device_info *info) {
    if (context == NULL) return st_fail(ST_E_ARGUMENT, "context is NULL");
    if (info == NULL) return st_fail(ST_E_ARGUMENT, "info is NULL");
    if (info->struct_size != sizeof *info)
        return st_fail(ST_E_ARGUMENT, "info.struct_size is %u; set it to sizeof(st_device_info)", info->struct_size);
    if (position < 0 || position >= context->registry.count)
        return st_fail(ST_E_ARGUMENT, "position is %d; there are %d devices", position, context->registry.count);
    *info = context->registry.items[position].info;
    st_automatic_tell(&context->automatic, position, info);
    return ST_OK;
}

st_status st_register_backend(st_context *context, const st_backend *backend) {
    if (context == NULL) return st_fail(ST_E_ARGUMENT, "context is NULL");
    st_status status = st_registry_add(&context->registry, backend);
    if (status != ST_OK) return status;
    status = st_tables_see(&context->tables, &context->registry, context->registry.count - 1);
    if (status != ST_OK) context->registry.count--;
    return status;
}

st_status st_backend_fail(st_status status, const char *message) {
    return st_fail(status, "%s", message == NULL ? "the backend gave no reason" : message);
}
