/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* table_json.c - a table as JSON, an entry a line, with the fields that its entries give. */
#include "base/fail.h"
#include "device/choice_fields.h"
#include "plan/decide.h"
#include "plan/table_text.h"
#include "spiraltorch/json.h"

static void write_text(st_json_writer *json, const char *key, const char *text) {
    if (text[0] == '\0') return;
    st_json_member_string(json, key, text);
}

static void write_dtype(st_json_writer *json, const st_table_entry *entry) {
    if (entry->dtype != 0)
        write_text(json, "dtype", st_dtype_name(entry->dtype));
    else if (entry->bits == 8)
        write_text(json, "dtype", "8-bit");
    else if (entry->bits != 0)
        write_text(json, "dtype", entry->bits == 16 ? "16-bit" : entry->bits == 32 ? "32-bit" : "64-bit");
}

static void write_entry(st_json_writer *json, const st_table_entry *entry, int trust) {
    st_json_begin_object(json);
    st_json_member_integer(json, "rows", entry->rows);
    st_json_member_integer(json, "cols_min", entry->cols_min);
    st_json_member_integer(json, "cols_max", entry->cols_max);
    if (entry->k_min != 0) st_json_member_integer(json, "k_min", entry->k_min);
    st_json_member_integer(json, "k_max", entry->k_max);
    st_json_member_boolean(json, "sg", entry->sg);
    if (entry->kind != 0) write_text(json, "kind", st_kind_name(entry->kind));
    write_dtype(json, entry);
    if (entry->threads != 0) st_json_member_integer(json, "threads", entry->threads);
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        if (!(entry->decided >> field & 1)) continue;
        const char *name = st_choice_field_at(field)->name;
        if (field == ST_FIELD_USE_2CE)
            st_json_member_boolean(json, name, st_choice_get(&entry->choice, field));
        else
            st_json_member_integer(json, name, st_choice_get(&entry->choice, field));
    }
    write_text(json, "backend", entry->backend);
    write_text(json, "device", entry->device);
    write_text(json, "driver", entry->driver);
    write_text(json, "isa", entry->isa);
    write_text(json, "kernel_hash", entry->kernel_hash);
    if (entry->n != 0) {
        st_json_member_integer(json, "n", entry->n);
        st_json_member_number(json, "mean_log_ns", entry->mean_log_ns);
        st_json_member_number(json, "var_log_ns", entry->var_log_ns);
        st_json_member_number(json, "gain", entry->gain);
        st_json_member_number(json, "gain_error", entry->gain_error);
    }
    if (trust) st_json_member_boolean(json, "trusted", 1);
    st_json_member_integer(json, "schema", 1);
    st_json_end_object(json);
}

st_status st_table_write(const st_table *table, int trust, st_text_page *page) {
    st_text_page_put(page, "[");
    for (int32_t i = 0; i < table->count; i++) {
        st_json_writer json;
        st_text_page_put(page, i == 0 ? "\n  " : ",\n  ");
        st_json_start(&json, st_text_page_append, page);
        write_entry(&json, &table->entries[i], trust);
        const st_status status = st_json_finish(&json);
        if (status != ST_OK) return status;
    }
    st_text_page_put(page, "\n]\n");
    return ST_OK;
}

st_status st_table_json(const st_table *table, char *text, uint64_t capacity, uint64_t *length) {
    st_text_page page;
    st_status status = st_text_page_start(&page, text, capacity, length);
    if (status != ST_OK) return status;
    if (table == NULL) return st_fail(ST_E_ARGUMENT, "table is NULL");
    if ((status = st_table_write(table, 0, &page)) != ST_OK) return status;
    return st_text_page_finish(&page, length);
}
