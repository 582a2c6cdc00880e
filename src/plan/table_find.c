/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* table_find.c - the entry of a table for a request, on a device. */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "plan/table.h"
#include "rank/request.h"

st_status st_table_view_open(const st_table *table, const st_device_identity *identity, st_table_view *view) {
    memset(view, 0, sizeof *view);
    view->identity = *identity;
    if (table == NULL || table->count == 0) return ST_OK;
    view->standings = st_allocate(&table->host, (size_t)table->source_count);
    if (view->standings == NULL) return st_fail(ST_E_MEMORY, "no memory for a table's standings");
    view->table = table;
    for (int32_t source = 0; source < table->source_count; source++) {
        const int32_t standing = st_standing_of(&table->entries[table->sources[source]], identity);
        view->standings[source] = (uint8_t)standing;
        if (st_standing_counts(standing))
            view->measured++;
        else
            view->hints++;
    }
    return ST_OK;
}

void st_table_view_close(st_table_view *view) {
    if (view->table != NULL) st_release(&view->table->host, view->standings, (size_t)view->table->source_count);
    memset(view, 0, sizeof *view);
}

st_table_query st_table_query_of(const st_rank_request *resolved, const st_device_caps *caps) {
    return (st_table_query){.kind = resolved->kind,
                            .dtype = resolved->dtype,
                            .sg = caps->subgroup,
                            .threads = resolved->threads,
                            .rows = resolved->rows,
                            .cols = resolved->cols,
                            .k = st_request_width(resolved)};
}

/* Between two measured numbers of rows the nearer in log2 is decided by their product: exactly, in whole numbers. */
int st_rows_nearer(int64_t r, int64_t a, int64_t b) {
    if (a == b) return 0;
    if (a <= r && b <= r) return a > b ? -1 : 1;
    if (a >= r && b >= r) return a < b ? -1 : 1;
    const int64_t square = r * r, product = a * b;
    if (square == product) return 0;
    return (square < product) == (a < b) ? -1 : 1;
}

/* Which entries are looked at: what counts as measured, hints from this backend or from nobody knows where, and from others. */
enum { MEASURED, KINDRED, FOREIGN };

/* What is looked for, made ready, and the best so far. */
struct search {
    const st_table *table;
    const uint8_t *standings; /* NULL: entries of all sources are wanted */
    int sort;                 /* MEASURED, KINDRED or FOREIGN */
    st_table_query query;
    int64_t rows;
    const st_band *best;
    int64_t best_rows;
};

static int wanted(const struct search *search, const st_band *band) {
    if (search->standings == NULL) return 1;
    const int32_t standing = search->standings[band->source];
    return search->sort == (st_standing_counts(standing) ? MEASURED : standing == ST_STANDING_BACKEND ? FOREIGN : KINDRED);
}

/* 1 where a band that is for the query beats the best one. */
static int beats(const struct search *search, const st_band *band, int64_t rows) {
    if (search->best == NULL) return 1;
    const int nearer = st_rows_nearer(search->rows, rows, search->best_rows);
    if (nearer != 0) return nearer < 0;
    const int exact = band->dtype == search->query.dtype, best_exact = search->best->dtype == search->query.dtype;
    return exact != best_exact ? exact : band->entry > search->best->entry;
}

static void look_in_list(struct search *search, const st_band_list *list) {
    const st_band *bands = search->table->bands + list->first;
    const int64_t cols = search->query.cols, k = search->query.k;
    int32_t low = 0, high = list->count; /* bands before `low` begin at cols or before */
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        if (bands[middle].cols_min <= cols)
            low = middle + 1;
        else
            high = middle;
    }
    for (int32_t i = low - 1; i >= 0 && bands[i].reach >= cols; i--) {
        const st_band *band = &bands[i];
        if (band->cols_max < cols || k < band->k_min || k > band->k_max || !wanted(search, band)) continue;
        if (beats(search, band, list->rows)) {
            search->best = band;
            search->best_rows = list->rows;
        }
    }
}

/* Lists by their distance from the query's rows, until one further away than one that had an entry. */
static void look_in_group(struct search *search, const st_band_group *group) {
    const st_band_list *lists = search->table->lists + group->first;
    int32_t low = 0, high = group->count; /* lists before `low` have fewer rows than the query */
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        if (lists[middle].rows < search->rows)
            low = middle + 1;
        else
            high = middle;
    }
    int32_t below = low - 1, above = low;
    while (below >= 0 || above < group->count) {
        const int takes_below = above >= group->count ||
                                (below >= 0 && st_rows_nearer(search->rows, lists[below].rows, lists[above].rows) <= 0);
        const st_band_list *list = takes_below ? &lists[below--] : &lists[above++];
        if (search->best != NULL && st_rows_nearer(search->rows, search->best_rows, list->rows) < 0) return;
        look_in_list(search, list);
    }
}

/* The groups of one place of the directory that threads fit. */
static void look_in_groups(struct search *search, int32_t first, int32_t end) {
    const st_band_group *groups = search->table->groups;
    const int32_t threads = search->query.threads;
    if (first < end && groups[first].threads == 0 && threads != 0) look_in_group(search, &groups[first++]);
    if (threads == 0) {
        for (int32_t i = first; i < end; i++) look_in_group(search, &groups[i]);
        return;
    }
    int32_t low = first, high = end;
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        if (groups[middle].threads < threads)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < end && groups[low].threads == threads) look_in_group(search, &groups[low]);
}

static const st_band *run_search(struct search *search) {
    static const int32_t width_of_bytes[9] = {[1] = 1, [2] = 2, [4] = 3, [8] = 4};
    const int32_t width = width_of_bytes[st_dtype_size(search->query.dtype)];
    const int32_t kinds[2] = {search->query.kind, 0}, widths[2] = {width, 0};
    search->rows = search->query.rows < 1 ? 1 : search->query.rows > ST_TABLE_MOST_ROWS ? ST_TABLE_MOST_ROWS : search->query.rows;
    search->best = NULL;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) {
            const int32_t place = (search->query.sg * ST_TABLE_KINDS + kinds[i]) * ST_TABLE_WIDTHS + widths[j];
            look_in_groups(search, search->table->directory[place], search->table->directory[place + 1]);
        }
    return search->best;
}

void st_table_find(const st_table_view *view, const st_rank_request *resolved, const st_device_caps *caps,
                   st_table_result *result) {
    memset(result, 0, sizeof *result);
    if (view->table == NULL) return;
    struct search search = {.table = view->table, .standings = view->standings, .query = st_table_query_of(resolved, caps)};
    search.sort = MEASURED;
    const st_band *measured = view->measured > 0 ? run_search(&search) : NULL;
    const st_band *hint = NULL;
    for (search.sort = KINDRED; search.sort <= FOREIGN && hint == NULL && view->hints > 0; search.sort++) hint = run_search(&search);
    if (hint != NULL) result->hint_standing = view->standings[hint->source];
    if (measured != NULL && view->standings[measured->source] == ST_STANDING_MEASURED && !st_same_hardware(caps, &view->identity.caps)) {
        hint = measured;
        result->hint_standing = ST_STANDING_CAPS;
        measured = NULL;
    }
    if (measured != NULL) {
        result->measured = &view->table->entries[measured->entry];
        result->measured_standing = view->standings[measured->source];
    }
    if (hint != NULL) result->hint = &view->table->entries[hint->entry];
}

const st_table_entry *st_table_find_any(const st_table *table, const st_table_query *query) {
    struct search search = {.table = table, .query = *query};
    const st_band *best = run_search(&search);
    return best == NULL ? NULL : &table->entries[best->entry];
}

/* ---- what a table holds, for its users ---------------------------------------------------------------------------- */

int32_t st_table_count(const st_table *table) { return table == NULL ? 0 : table->count; }

st_status st_table_at(const st_table *table, int32_t position, st_table_entry *entry) {
    if (table == NULL || entry == NULL) return st_fail(ST_E_ARGUMENT, "%s is NULL", table == NULL ? "table" : "entry");
    if (entry->struct_size != sizeof *entry)
        return st_fail(ST_E_ARGUMENT, "entry.struct_size is %u; set it to sizeof(st_table_entry)", entry->struct_size);
    if (position < 0 || position >= table->count)
        return st_fail(ST_E_ARGUMENT, "position is %d; there are %d entries", position, table->count);
    *entry = table->entries[position];
    return ST_OK;
}

int64_t st_table_unknown(const st_table *table, char name[32]) {
    if (name != NULL) snprintf(name, 32, "%s", table == NULL ? "" : table->unknown_name);
    return table == NULL ? 0 : table->unknown;
}
