/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* table_file.c - tables in files, and the one that is installed in the state folder. */
#define _GNU_SOURCE /* unlink under -std=c17 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "io/source.h"
#include "io/state_folder.h"
#include "io/system_error.h"
#include "plan/table_text.h"
#include "spiraltorch/io.h"

static const char installed_file[] = "tuner.json";

static st_status read_opened(const st_host *host, const st_source *source, int keep_trust, st_table **table,
                             st_table_problem *problem) {
    void *bytes = NULL;
    size_t size = 0, count = 0;
    /* One byte more than a table may have: the parser then says that it is too large. */
    st_status status = st_source_read_up_to(host, source, (size_t)ST_TABLE_MOST_BYTES + 1, &bytes, &size, &count);
    if (status == ST_OK) status = st_table_parse(host, bytes, count, source->name, keep_trust, table, problem);
    st_release(host, bytes, size);
    return status;
}

st_status st_table_read_file(const st_host *host, const char *path, st_table **table, st_table_problem *problem) {
    st_host resolved;
    st_source source;
    if (table == NULL) return st_fail(ST_E_ARGUMENT, "table is NULL; give the address of a pointer");
    *table = NULL;
    st_status status = st_host_resolve(host, &resolved);
    if (status != ST_OK) return status;
    if ((status = st_source_open(path, &source)) != ST_OK) return status;
    status = read_opened(&resolved, &source, 0, table, problem);
    st_source_close(&source);
    return status;
}

st_status st_table_installed_path(char path[4096]) {
    if (path == NULL) return st_fail(ST_E_ARGUMENT, "path is NULL");
    return st_state_path(installed_file, path);
}

st_status st_table_read_installed(const st_host *host, st_table **table, st_table_problem *problem) {
    char path[ST_STATE_PATH_BYTES];
    st_host resolved;
    st_source source;
    if (table == NULL) return st_fail(ST_E_ARGUMENT, "table is NULL; give the address of a pointer");
    *table = NULL;
    st_status status = st_host_resolve(host, &resolved);
    if (status != ST_OK) return status;
    if ((status = st_state_path(installed_file, path)) != ST_OK) return status;
    if (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) return ST_OK;
    if ((status = st_source_open(path, &source)) != ST_OK) return status;
    status = read_opened(&resolved, &source, 1, table, problem);
    st_source_close(&source);
    return status;
}

st_status st_table_save(const st_table *table, int trust, const char *path) {
    st_text_page page = {0};
    st_status status = st_table_write(table, trust, &page);
    if (status != ST_OK) return status;
    const size_t bytes = (size_t)page.length;
    char *text = st_allocate(&table->host, bytes);
    if (text == NULL) return st_fail(ST_E_MEMORY, "no memory for a table's text of %zu bytes", bytes);
    page = (st_text_page){.text = text, .capacity = bytes};
    if ((status = st_table_write(table, trust, &page)) == ST_OK) status = st_file_write(&table->host, path, text, bytes);
    st_release(&table->host, text, bytes);
    return status;
}

st_status st_table_install(const st_table *table, int32_t trust) {
    char path[ST_STATE_PATH_BYTES];
    if (table == NULL) return st_fail(ST_E_ARGUMENT, "table is NULL");
    if (trust != 0 && trust != 1) return st_fail(ST_E_ARGUMENT, "trust is %d; use 0 or 1", trust);
    st_status status = st_state_path(installed_file, path);
    if (status == ST_OK) status = st_state_folder_make();
    return status == ST_OK ? st_table_save(table, trust, path) : status;
}

st_status st_table_remove_installed(void) {
    char path[ST_STATE_PATH_BYTES], shown[ST_SHOWN_PATH_BYTES];
    const st_status status = st_state_path(installed_file, path);
    if (status != ST_OK) return status;
    if (unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR) return ST_OK;
    return st_fail_system(errno, "%s: cannot remove it", st_show_path(shown, path));
}
