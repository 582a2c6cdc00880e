/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* tables.c - loading the installed table, and looking a table over beside this context's devices. */
#include "engine/tables.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "engine/context_state.h"
#include "plan/table_report.h"

void st_tables_load(st_tables *tables, const st_host *host) {
    const st_status status = st_table_read_installed(host, &tables->table, NULL);
    /* Without a state folder there can be no table in it. */
    if (status == ST_OK || status == ST_E_STATE) return;
    snprintf(tables->note, sizeof tables->note, "the installed table is not used: %.450s", st_last_message());
    host->warn(host->user, tables->note);
}

st_status st_tables_see(st_tables *tables, const st_registry *registry, int32_t position) {
    const st_device_identity identity = st_identity_of(&registry->items[position]);
    return st_table_view_open(tables->table, &identity, &tables->views[position]);
}

void st_tables_close(st_tables *tables) {
    for (size_t i = 0; i < sizeof tables->views / sizeof tables->views[0]; i++) st_table_view_close(&tables->views[i]);
    st_table_close(tables->table);
    tables->table = NULL;
}

st_status st_table_report(const st_context *context, const st_table *table, st_table_finding *findings, int64_t capacity,
                          int64_t *count) {
    if (context == NULL) return st_fail(ST_E_ARGUMENT, "context is NULL");
    if (table == NULL) return st_fail(ST_E_ARGUMENT, "table is NULL");
    if (count == NULL) return st_fail(ST_E_ARGUMENT, "count is NULL");
    if (capacity < 0) return st_fail(ST_E_ARGUMENT, "capacity is %lld; it must be at least 0", (long long)capacity);
    if (findings == NULL && capacity > 0)
        return st_fail(ST_E_ARGUMENT, "findings is NULL but capacity is %lld; use capacity 0 to count", (long long)capacity);
    const size_t bytes = (size_t)context->registry.count * sizeof(st_device_identity);
    st_device_identity *here = st_allocate(&context->host, bytes);
    if (here == NULL) return st_fail(ST_E_MEMORY, "no memory for the identities of %d devices", context->registry.count);
    int32_t here_count = 0;
    for (int32_t i = 0; i < context->registry.count; i++)
        if (context->registry.items[i].info.available) here[here_count++] = context->tables.views[i].identity;
    const st_status status = st_table_look_over(table, here, here_count, findings, capacity, count);
    st_release(&context->host, here, bytes);
    return status;
}
