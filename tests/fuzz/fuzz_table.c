/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * fuzz_table.c - any bytes as a table. What is refused is refused whole, with a clean message; what is read can be looked
 * up, reported, written as a header and as JSON, and the JSON reads back as the same table.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_host.h"
#include "plan/table_report.h"
#include "random_table.h"

enum { MOST = 60000, PEAK = 64 << 20 };

static void require(int holds) {
    if (!holds) abort();
}

static void check_refusal(st_status status, const st_table *table, const st_table_problem *problem) {
    require(table == NULL && status == ST_E_FORMAT);
    require(problem->entry >= 0 && problem->line >= 0 && strlen(problem->field) < sizeof problem->field);
    for (const char *at = st_last_message(); *at != '\0'; at++) require((unsigned char)*at >= 0x20 && *at != 0x7f);
}

static char *json_of(const st_table *table, uint64_t *length) {
    require(st_table_json(table, NULL, 0, length) == ST_OK);
    char *text = malloc((size_t)*length + 1);
    require(text != NULL && st_table_json(table, text, *length + 1, length) == ST_OK);
    return text;
}

static void check_written(const st_host *host, const st_table *table) {
    uint64_t length = 0, again_length = 0;
    st_table *again = NULL;
    char *text = json_of(table, &length);
    require(st_table_read_text(host, text, length, "again", &again, NULL) == ST_OK);
    char *again_text = json_of(again, &again_length);
    require(length == again_length && memcmp(text, again_text, (size_t)length) == 0);
    require(table->count == 0 || memcmp(table->entries, again->entries, (size_t)table->count * sizeof *table->entries) == 0);
    free(text);
    free(again_text);
    st_table_close(again);
}

static void check_header(const st_table *table) {
    uint64_t length = 0;
    const st_status status = st_table_header(table, "x", NULL, 0, &length);
    require(status == ST_OK || status == ST_E_ARGUMENT || status == ST_E_UNSUPPORTED);
    if (status != ST_OK) return;
    char *text = malloc((size_t)length + 1);
    require(text != NULL && st_table_header(table, "x", text, length + 1, &length) == ST_OK && strlen(text) == length);
    int comments = 0;
    for (const char *at = strstr(text, "/*"); at != NULL; at = strstr(at + 2, "/*")) comments++;
    require(comments == 1 + table->count); /* the top, and a number for each entry */
    free(text);
}

/* Lookups at the corners of entries find what contains them, or what is nearer, exact or later. */
static void check_lookups(const st_table *table) {
    const st_device_identity identity = st_random_identity(1);
    st_table_view view;
    int64_t findings = -1;
    require(st_table_view_open(table, &identity, &view) == ST_OK);
    for (int32_t i = 0; i < table->count && i < 64; i++) {
        const st_table_entry *entry = &table->entries[i];
        const st_table_query query = {.kind = entry->kind != 0 ? entry->kind : ST_MIDK,
                                      .dtype = entry->dtype != 0 ? entry->dtype : entry->bits == 0 || entry->bits == 32 ? ST_F32 : entry->bits == 64 ? ST_F64 : entry->bits == 16 ? ST_F16 : ST_U8,
                                      .sg = entry->sg,
                                      .threads = entry->threads,
                                      .rows = entry->rows,
                                      .cols = i % 2 ? entry->cols_min : entry->cols_max,
                                      .k = i % 3 ? entry->k_min : entry->k_max};
        const st_table_entry *found = st_table_find_any(table, &query);
        require(found != NULL && found->rows == entry->rows && found->sg == entry->sg);
        require(found->cols_min <= query.cols && query.cols <= found->cols_max && found->k_min <= query.k && query.k <= found->k_max);
        require(found->number >= entry->number || (found->dtype == query.dtype && entry->dtype != query.dtype));
        st_rank_request request;
        st_rank_request_init(&request, query.kind, query.rows, query.cols, query.k);
        request.dtype = query.dtype;
        request.threads = query.threads != 0 ? query.threads : 1;
        request.hi = query.k;
        st_device_caps caps = identity.caps;
        caps.subgroup = query.sg;
        st_table_result result;
        st_table_find(&view, &request, &caps, &result);
        require(result.measured != NULL || result.hint != NULL);
        char why[192];
        if (result.hint != NULL) st_standing_text(result.hint_standing, result.hint, &identity, why);
    }
    require(st_table_look_over(table, &identity, 1, NULL, 0, &findings) == ST_OK && findings >= 0);
    st_table_view_close(&view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (bytes > MOST) return 0;
    st_failing_host failing;
    st_failing_host_open(&failing, 0);
    st_table *table = NULL;
    st_table_problem problem = {.struct_size = sizeof problem};
    char *text = malloc(bytes > 0 ? bytes : 1); /* a copy whose end the sanitizer sees */
    require(text != NULL);
    memcpy(text, data, bytes);
    const st_status status = st_table_read_text(&failing.host, text, bytes, "fuzz", &table, &problem);
    free(text);
    if (status != ST_OK) {
        check_refusal(status, table, &problem);
    } else {
        check_written(&failing.host, table);
        check_header(table);
        check_lookups(table);
        st_table_close(table);
    }
    require(failing.peak_bytes < PEAK);
    require(st_failing_host_close(&failing));
    return 0;
}
