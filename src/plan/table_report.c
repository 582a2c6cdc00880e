/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* table_report.c - the devices that a table names, the holes between its entries, and where two are for the same. */
#include "plan/table_report.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "plan/sort_positions.h"

/* Findings so far: those that fit are kept, all are counted. */
struct findings {
    st_table_finding *items;
    int64_t capacity, count;
};

static void add(struct findings *findings, const st_table_finding *finding) {
    if (findings->count < findings->capacity) findings->items[findings->count] = *finding;
    findings->count++;
}

/* ---- devices ------------------------------------------------------------------------------------------------------- */

/* How near a standing comes to a measurement of this device, from 0. */
static int remoteness(int32_t standing) {
    static const int order[] = {[ST_STANDING_MEASURED] = 0, [ST_STANDING_TRUSTED] = 1, [ST_STANDING_KERNELS] = 2,
                                [ST_STANDING_DRIVER] = 3,   [ST_STANDING_ISA] = 4,     [ST_STANDING_DEVICE] = 5,
                                [ST_STANDING_UNNAMED] = 6,  [ST_STANDING_BACKEND] = 7};
    return order[standing];
}

static void report_source(const st_table *table, int32_t source, const st_device_identity *here, int32_t here_count,
                          struct findings *findings) {
    const st_table_entry *entry = &table->entries[table->sources[source]];
    const st_device_identity *nearest = NULL;
    int32_t standing = entry->backend[0] == '\0' ? ST_STANDING_UNNAMED : ST_STANDING_BACKEND;
    for (int32_t i = 0; i < here_count; i++) {
        const int32_t other = st_standing_of(entry, &here[i]);
        if (other == ST_STANDING_BACKEND || (nearest != NULL && remoteness(other) >= remoteness(standing))) continue;
        nearest = &here[i];
        standing = other;
    }
    st_table_finding finding = {.struct_size = sizeof finding,
                                .what = ST_FINDING_DEVICE,
                                .entry = entry->number,
                                .entries = table->source_size[source],
                                .standing = standing};
    if (nearest != NULL && standing != ST_STANDING_UNNAMED) snprintf(finding.id, sizeof finding.id, "%s", nearest->id);
    st_standing_text(standing, entry, nearest, finding.why);
    add(findings, &finding);
}

/* ---- gaps and overlaps: entries of one list that name the same device and dtype -------------------------------------- */

/* A range of k that no entry is for, at some columns. */
struct hole {
    int64_t k_min, k_max;
};

/* bands: the entries that are compared, by rising cols_min; by_k: their positions by rising k_min. */
struct area {
    const st_table *table;
    const st_band_group *group;
    struct findings *findings;
    const st_band **bands;
    int32_t *by_k, *order;
    int64_t *bounds;
    struct hole *holes, *open;
    int32_t count;
    int64_t rows;
};

static st_table_finding start_finding(const struct area *area, int32_t what) {
    return (st_table_finding){.struct_size = sizeof(st_table_finding),
                              .what = what,
                              .kind = area->group->kind,
                              .dtype = area->bands[0]->dtype,
                              .bits = area->group->bits,
                              .sg = area->group->sg,
                              .threads = area->group->threads,
                              .rows = area->rows};
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

static void find_overlaps(const struct area *area) {
    for (int32_t i = 0; i < area->count; i++) {
        const st_band *first = area->bands[i];
        for (int32_t j = i + 1; j < area->count && area->bands[j]->cols_min <= first->cols_max; j++) {
            const st_band *second = area->bands[j];
            if (most(first->k_min, second->k_min) > least(first->k_max, second->k_max)) continue;
            st_table_finding finding = start_finding(area, ST_FINDING_OVERLAP);
            finding.entry = area->table->entries[first->entry < second->entry ? first->entry : second->entry].number;
            finding.other = area->table->entries[first->entry < second->entry ? second->entry : first->entry].number;
            finding.cols_min = second->cols_min;
            finding.cols_max = least(first->cols_max, second->cols_max);
            finding.k_min = most(first->k_min, second->k_min);
            finding.k_max = least(first->k_max, second->k_max);
            add(area->findings, &finding);
        }
    }
}

static int by_value(const void *items, int32_t a, int32_t b) {
    const int64_t *values = items;
    return (values[a] > values[b]) - (values[a] < values[b]);
}

static int by_k_min(const void *items, int32_t a, int32_t b) {
    const st_band *const *bands = items;
    return (bands[a]->k_min > bands[b]->k_min) - (bands[a]->k_min < bands[b]->k_min);
}

/* The holes of columns [from, to] between the least and the greatest k of all entries; a row has no more than its columns. */
static int32_t find_holes(const struct area *area, int64_t from, int64_t to, int64_t k_least, int64_t k_most, struct hole *holes) {
    int32_t count = 0;
    int64_t next = k_least; /* the least k not yet seen covered */
    for (int32_t i = 0; i < area->count; i++) {
        const st_band *band = area->bands[area->by_k[i]];
        if (band->cols_min > from || band->cols_max < to) continue;
        if (band->k_min > next) holes[count++] = (struct hole){next, band->k_min - 1};
        next = most(next, band->k_max + 1);
    }
    if (next <= k_most) holes[count++] = (struct hole){next, k_most};
    int32_t kept = 0;
    for (int32_t i = 0; i < count; i++)
        if (holes[i].k_min <= to) holes[kept++] = (struct hole){holes[i].k_min, least(holes[i].k_max, to)};
    return kept;
}

static void add_gaps(const struct area *area, int64_t cols_min, int64_t cols_max, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        st_table_finding finding = start_finding(area, ST_FINDING_GAP);
        finding.cols_min = cols_min;
        finding.cols_max = cols_max;
        finding.k_min = area->open[i].k_min;
        finding.k_max = area->open[i].k_max;
        add(area->findings, &finding);
    }
}

static void find_gaps(struct area *area) {
    int64_t *values = area->bounds + 2 * (size_t)area->count, k_least = INT64_MAX, k_most = 0;
    for (int32_t i = 0; i < area->count; i++) {
        values[2 * i] = area->bands[i]->cols_min;
        values[2 * i + 1] = area->bands[i]->cols_max + 1;
        k_least = least(k_least, area->bands[i]->k_min);
        k_most = most(k_most, area->bands[i]->k_max);
        area->by_k[i] = i;
    }
    for (int32_t i = 0; i < 2 * area->count; i++) area->order[i] = i;
    st_sort_positions(area->order, 2 * area->count, by_value, values);
    st_sort_positions(area->by_k, area->count, by_k_min, area->bands);
    int32_t bounds = 0, open = 0;
    for (int32_t i = 0; i < 2 * area->count; i++) {
        const int64_t value = values[area->order[i]];
        if (bounds == 0 || area->bounds[bounds - 1] != value) area->bounds[bounds++] = value;
    }
    int64_t open_from = area->bounds[0];
    for (int32_t i = 0; i + 1 < bounds; i++) {
        const int64_t from = area->bounds[i], to = area->bounds[i + 1] - 1;
        const int32_t count = find_holes(area, from, to, k_least, k_most, area->holes);
        if (count == open && memcmp(area->holes, area->open, (size_t)count * sizeof *area->open) == 0) continue;
        add_gaps(area, open_from, from - 1, open);
        struct hole *closed = area->open;
        area->open = area->holes;
        area->holes = closed;
        open = count;
        open_from = from;
    }
    add_gaps(area, open_from, area->bounds[bounds - 1] - 1, open);
}

static void report_list(struct area *area, const st_band_list *list) {
    const st_band *bands = area->table->bands + list->first;
    area->rows = list->rows;
    for (int32_t i = 0; i < list->count; i++) {
        int seen = 0; /* this device and dtype had their turn */
        for (int32_t j = 0; j < i && !seen; j++) seen = bands[j].source == bands[i].source && bands[j].dtype == bands[i].dtype;
        if (seen) continue;
        area->count = 0;
        for (int32_t j = i; j < list->count; j++)
            if (bands[j].source == bands[i].source && bands[j].dtype == bands[i].dtype) area->bands[area->count++] = &bands[j];
        find_gaps(area);
        find_overlaps(area);
    }
}

st_status st_table_look_over(const st_table *table, const st_device_identity *here, int32_t here_count, st_table_finding *items,
                             int64_t capacity, int64_t *count) {
    struct findings findings = {.items = items, .capacity = capacity};
    for (int32_t source = 0; source < table->source_count; source++) report_source(table, source, here, here_count, &findings);
    if (table->count > 0) {
        const size_t size = (size_t)table->count;
        const size_t bytes = size * (4 * sizeof(int64_t) + sizeof(st_band *) + 2 * sizeof(struct hole) + 3 * sizeof(int32_t)) +
                             2 * sizeof(struct hole);
        char *memory = st_allocate(&table->host, bytes);
        if (memory == NULL) return st_fail(ST_E_MEMORY, "no memory to look over a table of %d entries", table->count);
        struct area area = {.table = table, .findings = &findings};
        area.bounds = (int64_t *)memory;
        area.holes = (struct hole *)(area.bounds + 4 * size);
        area.open = area.holes + size + 1; /* one more hole than entries */
        area.bands = (const st_band **)(area.open + size + 1);
        area.by_k = (int32_t *)(area.bands + size);
        area.order = area.by_k + size;
        for (int32_t group = 0; group < table->group_count; group++) {
            area.group = &table->groups[group];
            for (int32_t list = 0; list < area.group->count; list++)
                report_list(&area, &table->lists[area.group->first + list]);
        }
        st_release(&table->host, memory, bytes);
    }
    *count = findings.count;
    if (capacity > 0 && findings.count > capacity)
        return st_fail(ST_E_CAPACITY, "capacity is %lld but there are %lld findings", (long long)capacity, (long long)findings.count);
    return ST_OK;
}
