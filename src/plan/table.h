/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* table.h - measured tables from inside: building one, and finding an entry without allocating. */
#ifndef ST_PLAN_TABLE_H
#define ST_PLAN_TABLE_H

#include "base/show_text.h"
#include "plan/identity.h"
#include "spiraltorch/rank.h"
#include "spiraltorch/table.h"

/* An entry's area, as lists of bands hold it. */
typedef struct st_band {
    int64_t cols_min, cols_max, k_min, k_max;
    int64_t reach; /* the largest cols_max of this band and those before it in its list */
    int32_t entry; /* position */
    int32_t source; /* position in st_table.sources */
    int32_t dtype;
} st_band;

/* Bands of one number of rows, by rising cols_min. */
typedef struct st_band_list {
    int64_t rows;
    int32_t first, count;
} st_band_list;

/* Lists that are for the same kind, sg, width and threads, by rising rows. */
typedef struct st_band_group {
    int32_t kind, sg, bits, threads;
    int32_t first, count;
} st_band_group;

enum { ST_TABLE_WIDTHS = 5, ST_TABLE_KINDS = 5 };

struct st_table {
    st_host host;
    char name[ST_SHOWN_PATH_BYTES];
    int64_t unknown;
    char unknown_name[32];
    int32_t count, list_count, group_count, source_count;
    st_table_entry *entries;
    st_band *bands;
    st_band_list *lists;
    st_band_group *groups;
    int32_t *sources;     /* for each device that entries name, the position of the first entry that does */
    int32_t *source_size; /* how many entries name it */
    /* Groups by (sg, kind, width): the first of each and, behind it, that of the next; inside, by rising threads. */
    int32_t directory[2 * ST_TABLE_KINDS * ST_TABLE_WIDTHS + 1];
};

/*
 * Builds a table from entries that are right in themselves; number and struct_size are filled in. ST_E_MEMORY;
 * ST_E_ARGUMENT: more than ST_TABLE_MOST_ENTRIES.
 */
st_status st_table_build(const st_host *host, const st_table_entry *entries, int32_t count, const char *name, st_table **table);

/* st_table_read_text; keep_trust 1: the text is the installed table, where "trusted" has its meaning. */
st_status st_table_parse(const st_host *host, const char *text, size_t bytes, const char *name, int keep_trust,
                         st_table **table, st_table_problem *problem);

/* A table, seen from one device: how each of the table's sources stands to it. */
typedef struct st_table_view {
    const st_table *table;
    st_device_identity identity;
    uint8_t *standings;
    int32_t measured, hints; /* sources that count as measured, and that do not */
} st_table_view;

/* Opens a view; table NULL gives one that finds nothing. The table must outlive it. ST_E_MEMORY. */
st_status st_table_view_open(const st_table *table, const st_device_identity *identity, st_table_view *view);
void st_table_view_close(st_table_view *view);

/* What is looked for. threads 0: entries of any number of threads. */
typedef struct st_table_query {
    int32_t kind, dtype, sg, threads;
    int64_t rows, cols, k;
} st_table_query;

/* k is the width of a window. */
st_table_query st_table_query_of(const st_rank_request *resolved, const st_device_caps *caps);

/*
 * The entry for a query among those that count as measured, and among the others, of which another backend's is taken only where
 * there is no other; NULL where there is none.
 */
typedef struct st_table_result {
    const st_table_entry *measured, *hint;
    int32_t measured_standing, hint_standing; /* ST_STANDING_*; 0 where there is none */
} st_table_result;

/*
 * Finds what a table has for a resolved request on caps of the view's device. An entry matches where kind, width of the
 * dtype and threads are the request's or not said, sg is equal, and columns and k lie in its bounds. Of these the nearest in
 * log2(rows) is taken; then one of the very dtype; then the last. Caps that are not the device's own make what it measured a
 * hint. Allocates nothing. Thread-safe.
 */
void st_table_find(const st_table_view *view, const st_rank_request *resolved, const st_device_caps *caps,
                   st_table_result *result);

/* The same for a query, among all entries, whatever device they name: what a generated header answers. NULL: none. */
const st_table_entry *st_table_find_any(const st_table *table, const st_table_query *query);

/* -1, 0 or 1: whether rows a are nearer to r than rows b, as near, or further. All from 1 to 2^31. */
int st_rows_nearer(int64_t r, int64_t a, int64_t b);

enum { ST_TABLE_MOST_THREADS = 4096 };
#define ST_TABLE_MOST_ROWS ((int64_t)1 << 31)
#define ST_TABLE_MOST_COLS ((int64_t)1 << 62)

#endif
