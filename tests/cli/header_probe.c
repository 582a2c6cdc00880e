/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * header_probe.c - a generated header beside the table that it was made from: reads the table, asks both the same, and
 * prints how many answers there were. Compiled by test_table.py, as C17 and as C++17, with the header's path in PROBED.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include PROBED

#ifdef __cplusplus
int main() {
    probed_choice choice;
    long long sum = 0;
    for (int64_t cols = 1; cols < 100000; cols = cols * 3 + 1) sum += probed_choose(8, cols, 4, 1, &choice) + probed_choose_midk(8, cols, 4, 0, &choice);
    printf("%lld\n", sum);
    return 0;
}
#else
#include "plan/table.h"

static uint64_t state = 88172645463325252u;

static uint64_t next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

/* On, beside and between the bounds of an entry that is picked at random. */
static int64_t near(int64_t low, int64_t high) {
    switch (next() % 4) {
    case 0: return low - 1 + (int64_t)(next() % 3);
    case 1: return high - 1 + (int64_t)(next() % 3);
    case 2: return low + (high - low) / 2;
    default: return (int64_t)(next() >> (2 + next() % 62));
    }
}

int main(int argc, char **argv) {
    st_table *table = NULL;
    long found = 0, asked = argc > 2 ? atol(argv[2]) : 0;
    if (st_table_read_file(NULL, argv[1], &table, NULL) != ST_OK) {
        fprintf(stderr, "%s\n", st_last_message());
        return 1;
    }
    for (long i = 0; i < asked; i++) {
        const st_table_entry *some = table->count > 0 ? &table->entries[next() % (uint64_t)table->count] : NULL;
        st_table_query query = {ST_TOPK, ST_F32, 0, 0, 1, 1, 1};
        if (next() % 2) query.kind = ST_MIDK;
        query.sg = (int32_t)(next() % 2);
        query.cols = some ? near(some->cols_min, some->cols_max) : 1;
        query.k = some ? near(some->k_min, some->k_max) : 1;
        query.rows = some && next() % 2 ? near(some->rows, 2 * some->rows) : (int64_t)(next() >> (2 + next() % 62));
        if (query.cols < 0 || query.k < 0) continue;
        const st_table_entry *entry = st_table_find_any(table, &query);
        probed_choice choice;
        const int32_t number = query.kind == ST_TOPK ? probed_choose(query.rows, query.cols, query.k, query.sg, &choice)
                                                     : probed_choose_midk(query.rows, query.cols, query.k, query.sg, &choice);
        if (number != (entry ? entry->number : 0) || (entry && memcmp(&choice, &entry->choice, sizeof choice) != 0)) {
            fprintf(stderr, "rows %lld, cols %lld, k %lld, sg %d, kind %d: header %d, table %d\n", (long long)query.rows,
                    (long long)query.cols, (long long)query.k, query.sg, query.kind, number, entry ? entry->number : 0);
            return 1;
        }
        found += entry != NULL;
    }
    printf("%ld\n", found);
    st_table_close(table);
    return 0;
}
#endif
