/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* random_table.c - made-up tables whose bands meet, overlap and leave gaps. */
#include "random_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static const int64_t edges[] = {0, 1, 2, 7, 8, 64, 100, 4096, 4097, 65536, (int64_t)1 << 40, ST_TABLE_MOST_COLS};
static const int64_t rows[] = {1, 2, 3, 4, 6, 8, 9, 16, 1000, 1024, (int64_t)1 << 31};

enum { EDGES = sizeof edges / sizeof edges[0], ROWS = sizeof rows / sizeof rows[0] };

st_device_identity st_random_identity(int number) {
    st_device_identity identity;
    memset(&identity, 0, sizeof identity);
    snprintf(identity.id, sizeof identity.id, "cpu");
    snprintf(identity.backend, sizeof identity.backend, "cpu");
    snprintf(identity.device, sizeof identity.device, number == 0 ? "First" : "Second");
    snprintf(identity.isa, sizeof identity.isa, "avx2");
    snprintf(identity.kernel_hash, sizeof identity.kernel_hash, "%016x", number == 2 ? 2 : 1);
    identity.caps = st_caps_cpu();
    return identity;
}

/* A range between two edges, either end now and then moved by one. */
static void draw_range(st_random *random, int64_t *low, int64_t *high) {
    int64_t a = edges[st_random_below(random, EDGES)], b = edges[st_random_below(random, EDGES)];
    if (a > b) {
        const int64_t c = a;
        a = b;
        b = c;
    }
    if (b > a && st_random_chance(random, 1, 2)) b--;
    *low = a;
    *high = b;
}

st_table_entry st_random_entry(st_random *random, int named) {
    static const int32_t threads[] = {0, 0, 1, 2, 7};
    st_table_entry entry;
    memset(&entry, 0, sizeof entry);
    entry.struct_size = sizeof entry;
    entry.rows = rows[st_random_below(random, ROWS)];
    draw_range(random, &entry.cols_min, &entry.cols_max);
    draw_range(random, &entry.k_min, &entry.k_max);
    entry.sg = st_random_chance(random, 1, 2);
    entry.kind = (int32_t)st_random_below(random, ST_WINDOW + 1);
    entry.dtype = st_random_chance(random, 1, 2) ? 0 : (int32_t)st_random_below(random, ST_U64) + 1;
    entry.bits = entry.dtype != 0 ? (int32_t)st_dtype_size(entry.dtype) * 8 : st_random_chance(random, 1, 2) ? 0 : 32;
    entry.threads = threads[st_random_below(random, 5)];
    entry.decided = 1;
    entry.choice.mk = (int32_t)st_random_below(random, 4);
    if (named && st_random_chance(random, 3, 4)) {
        const st_device_identity identity = st_random_identity((int)st_random_below(random, 3));
        memcpy(entry.backend, identity.backend, sizeof entry.backend);
        memcpy(entry.device, identity.device, sizeof entry.device);
        memcpy(entry.isa, identity.isa, sizeof entry.isa);
        memcpy(entry.kernel_hash, identity.kernel_hash, sizeof entry.kernel_hash);
    }
    return entry;
}

static int64_t near_edge(st_random *random) {
    const int64_t value = edges[st_random_below(random, EDGES)] + st_random_between(random, -1, 1);
    return value < 0 ? 0 : value;
}

st_table_query st_random_query(st_random *random) {
    static const int32_t threads[] = {1, 2, 3, 7};
    st_table_query query = {.kind = (int32_t)st_random_below(random, ST_WINDOW) + 1,
                            .dtype = (int32_t)st_random_below(random, ST_U64) + 1,
                            .sg = st_random_chance(random, 1, 2),
                            .threads = threads[st_random_below(random, 4)],
                            .cols = near_edge(random),
                            .k = near_edge(random)};
    query.rows = st_random_chance(random, 1, 2) ? rows[st_random_below(random, ROWS)] : st_random_between(random, 0, 1100);
    if (st_random_chance(random, 1, 20)) query.rows = INT64_MAX - (int64_t)st_random_below(random, 2);
    return query;
}

st_table *st_random_table(st_random *random, int32_t count, int named) {
    st_host host;
    st_table *table = NULL;
    st_table_entry *entries = calloc((size_t)count + 1, sizeof *entries);
    if (entries == NULL || st_host_resolve(NULL, &host) != ST_OK) abort();
    for (int32_t i = 0; i < count; i++) entries[i] = st_random_entry(random, named);
    if (st_table_build(&host, entries, count, "made up", &table) != ST_OK) abort();
    free(entries);
    return table;
}
