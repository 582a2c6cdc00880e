/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* table_build.c - entries, sorted into groups, lists and bands, so that finding one looks at few. */
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "plan/sort_positions.h"
#include "plan/table.h"

static int compare(int64_t a, int64_t b) { return (a > b) - (a < b); }

static int same_source(const st_table_entry *a, const st_table_entry *b) {
    return strcmp(a->backend, b->backend) == 0 && strcmp(a->device, b->device) == 0 && strcmp(a->driver, b->driver) == 0 &&
           strcmp(a->isa, b->isa) == 0 && strcmp(a->kernel_hash, b->kernel_hash) == 0;
}

static int by_source(const void *items, int32_t left, int32_t right) {
    const st_table_entry *entries = items;
    const st_table_entry *a = &entries[left], *b = &entries[right];
    int order = strcmp(a->backend, b->backend);
    if (order == 0) order = strcmp(a->device, b->device);
    if (order == 0) order = strcmp(a->driver, b->driver);
    if (order == 0) order = strcmp(a->isa, b->isa);
    if (order == 0) order = strcmp(a->kernel_hash, b->kernel_hash);
    return order != 0 ? compare(order, 0) : compare(left, right);
}

/* 0 for any width, then 1 to 4 for 8 to 64 bits. */
static int32_t width_class(int32_t bits) { return bits == 0 ? 0 : bits == 8 ? 1 : bits == 16 ? 2 : bits == 32 ? 3 : 4; }

static int same_group(const st_table_entry *a, const st_table_entry *b) {
    return a->kind == b->kind && a->sg == b->sg && a->bits == b->bits && a->threads == b->threads;
}

static int by_band(const void *items, int32_t left, int32_t right) {
    const st_table_entry *entries = items;
    const st_table_entry *a = &entries[left], *b = &entries[right];
    int order = compare(a->sg, b->sg);
    if (order == 0) order = compare(a->kind, b->kind);
    if (order == 0) order = compare(width_class(a->bits), width_class(b->bits));
    if (order == 0) order = compare(a->threads, b->threads);
    if (order == 0) order = compare(a->rows, b->rows);
    if (order == 0) order = compare(a->cols_min, b->cols_min);
    return order != 0 ? order : compare(left, right);
}

/* Numbers the devices that entries name, in the order in which they are first named; source_of[entry] is its number. */
static void number_sources(st_table *table, int32_t *order, int32_t *run_of, int32_t *source_of_run, int32_t *source_of) {
    for (int32_t i = 0; i < table->count; i++) order[i] = i;
    st_sort_positions(order, table->count, by_source, table->entries);
    int32_t run = -1;
    for (int32_t i = 0; i < table->count; i++) {
        if (i == 0 || !same_source(&table->entries[order[i - 1]], &table->entries[order[i]])) source_of_run[++run] = -1;
        run_of[order[i]] = run;
    }
    for (int32_t entry = 0; entry < table->count; entry++) {
        int32_t *source = &source_of_run[run_of[entry]];
        if (*source < 0) {
            *source = table->source_count++;
            table->sources[*source] = entry;
            table->source_size[*source] = 0;
        }
        table->source_size[*source]++;
        source_of[entry] = *source;
    }
}

static int32_t directory_place(int32_t sg, int32_t kind, int32_t bits) {
    return (sg * ST_TABLE_KINDS + kind) * ST_TABLE_WIDTHS + width_class(bits);
}

static void lay_out(st_table *table, const int32_t *order, const int32_t *source_of) {
    for (int32_t i = 0; i < table->count; i++) {
        const st_table_entry *entry = &table->entries[order[i]];
        const st_table_entry *before = i == 0 ? NULL : &table->entries[order[i - 1]];
        const int new_group = before == NULL || !same_group(before, entry);
        const int new_list = new_group || before->rows != entry->rows;
        if (new_group) {
            table->groups[table->group_count++] = (st_band_group){.kind = entry->kind,
                                                                  .sg = entry->sg,
                                                                  .bits = entry->bits,
                                                                  .threads = entry->threads,
                                                                  .first = table->list_count};
            table->directory[directory_place(entry->sg, entry->kind, entry->bits) + 1] = table->group_count;
        }
        if (new_list) {
            table->lists[table->list_count++] = (st_band_list){.rows = entry->rows, .first = i};
            table->groups[table->group_count - 1].count++;
        }
        table->lists[table->list_count - 1].count++;
        const int64_t reach = new_list || table->bands[i - 1].reach < entry->cols_max ? entry->cols_max : table->bands[i - 1].reach;
        table->bands[i] = (st_band){.cols_min = entry->cols_min,
                                    .cols_max = entry->cols_max,
                                    .k_min = entry->k_min,
                                    .k_max = entry->k_max,
                                    .reach = reach,
                                    .entry = order[i],
                                    .source = source_of[order[i]],
                                    .dtype = entry->dtype};
    }
    /* Places without groups begin, and end, where the one before them ends. */
    for (size_t place = 1; place < sizeof table->directory / sizeof table->directory[0]; place++)
        if (table->directory[place] < table->directory[place - 1]) table->directory[place] = table->directory[place - 1];
}

static size_t many(int32_t count, size_t size) { return (size_t)count * size; }

void st_table_close(st_table *table) {
    if (table == NULL) return;
    const st_host host = table->host;
    st_release(&host, table->entries, many(table->count, sizeof *table->entries));
    st_release(&host, table->bands, many(table->count, sizeof *table->bands));
    st_release(&host, table->lists, many(table->count, sizeof *table->lists));
    st_release(&host, table->groups, many(table->count, sizeof *table->groups));
    st_release(&host, table->sources, many(table->count, sizeof *table->sources));
    st_release(&host, table->source_size, many(table->count, sizeof *table->source_size));
    st_release(&host, table, sizeof *table);
}

st_status st_table_build(const st_host *host, const st_table_entry *entries, int32_t count, const char *name, st_table **out) {
    if (count < 0 || count > ST_TABLE_MOST_ENTRIES)
        return st_fail(ST_E_ARGUMENT, "a table of %d entries; it may have %d", count, ST_TABLE_MOST_ENTRIES);
    st_table *table = st_allocate_zeroed(host, sizeof *table);
    if (table == NULL) return st_fail(ST_E_MEMORY, "no memory for a table");
    table->host = *host;
    table->count = count;
    st_show_path(table->name, name);
    const size_t scratch_bytes = many(count, 4 * sizeof(int32_t));
    int32_t *scratch = st_allocate(host, scratch_bytes);
    table->entries = st_allocate(host, many(count, sizeof *table->entries));
    table->bands = st_allocate(host, many(count, sizeof *table->bands));
    table->lists = st_allocate(host, many(count, sizeof *table->lists));
    table->groups = st_allocate(host, many(count, sizeof *table->groups));
    table->sources = st_allocate(host, many(count, sizeof *table->sources));
    table->source_size = st_allocate(host, many(count, sizeof *table->source_size));
    const int whole = scratch != NULL && table->entries != NULL && table->bands != NULL && table->lists != NULL &&
                      table->groups != NULL && table->sources != NULL && table->source_size != NULL;
    if (count > 0 && !whole) {
        st_release(host, scratch, scratch_bytes);
        st_table_close(table);
        return st_fail(ST_E_MEMORY, "no memory for a table of %d entries", count);
    }
    if (count > 0) {
        memcpy(table->entries, entries, many(count, sizeof *entries));
        for (int32_t i = 0; i < count; i++) {
            table->entries[i].struct_size = sizeof *entries;
            table->entries[i].number = i + 1;
        }
        int32_t *source_of = scratch + 3 * (size_t)count;
        number_sources(table, scratch, scratch + count, scratch + 2 * (size_t)count, source_of);
        st_sort_positions(scratch, count, by_band, table->entries);
        lay_out(table, scratch, source_of);
    }
    st_release(host, scratch, scratch_bytes);
    *out = table;
    return ST_OK;
}
