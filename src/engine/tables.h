/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* tables.h - the installed table in a context, seen from each of its devices. */
#ifndef ST_ENGINE_TABLES_H
#define ST_ENGINE_TABLES_H

#include "device/registry.h"
#include "plan/table.h"

/* views[position] is for the device at that position of the registry, and finds nothing where no table is. */
typedef struct st_tables {
    st_table *table; /* NULL: none is installed, or it cannot be read */
    char note[512];  /* why the installed table is not used; "" where it is, or where none is installed */
    st_table_view views[ST_REGISTRY_MOST];
} st_tables;

/* Reads the installed table. What is wrong with it is said once, by the host's warn, and kept as the note. */
void st_tables_load(st_tables *tables, const st_host *host);

/* Opens the view of a device that has just got its position. ST_E_MEMORY. */
st_status st_tables_see(st_tables *tables, const st_registry *registry, int32_t position);

void st_tables_close(st_tables *tables);

#endif
