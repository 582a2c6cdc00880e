/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* table_report.c - a table's entries, devices, gaps and overlaps, as text and as JSON. */
#include "table_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "options.h"
#include "sink_forms.h"

/* Of a large table so many findings are held, and of each sort so many printed as text. */
enum { MOST_HELD = 10000, MOST_SHOWN = 20 };

typedef struct look {
    const st_table *table;
    st_table_finding *findings;
    int64_t held, count;
} look;

static const char *kind_word(int32_t kind) {
    static const char *const words[] = {"any kind", "topk", "midk", "bottomk", "window"};
    return kind >= 0 && kind <= ST_WINDOW ? words[kind] : "?";
}

static const char *dtype_word(int32_t dtype, int32_t bits) {
    const char *name = st_dtype_name(dtype);
    return name         ? name
           : bits == 8  ? "8-bit"
           : bits == 16 ? "16-bit"
           : bits == 32 ? "32-bit"
           : bits == 64 ? "64-bit"
                        : "any dtype";
}

static st_table_entry entry_at(const st_table *table, int32_t position) {
    st_table_entry entry = {.struct_size = sizeof entry};
    (void)st_table_at(table, position, &entry);
    return entry;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

/* "topk 10, midk 4", for the words that entries have, in the words' order. */
static void print_counts(const char *head, const char *const *words, const int64_t *counts, int many) {
    printf("  %-10s", head);
    const char *comma = "";
    for (int i = 0; i < many; i++) {
        if (counts[i]) {
            printf("%s%s %lld", comma, words[i], (long long)counts[i]);
            comma = ", ";
        }
    }
    putchar('\n');
}

static void print_summary(const look *report, const char *file) {
    enum { DTYPES = ST_U64 + 1, WIDTHS = 5 };
    const char *kinds[ST_WINDOW + 1], *dtypes[DTYPES + WIDTHS];
    int64_t kind_counts[ST_WINDOW + 1] = {0}, dtype_counts[DTYPES + WIDTHS] = {0};
    int64_t cols_min = INT64_MAX, cols_max = 0, k_max = 0, rows_min = INT64_MAX, rows_max = 0;
    for (int32_t kind = 0; kind <= ST_WINDOW; kind++) {
        kinds[kind] = kind_word(kind);
    }
    for (int32_t dtype = 0; dtype < DTYPES; dtype++) {
        dtypes[dtype] = dtype_word(dtype, 0);
    }
    for (int32_t width = 0; width < WIDTHS; width++) {
        dtypes[DTYPES + width] = dtype_word(0, width ? 4 << width : 0);
    }
    int32_t count = st_table_count(report->table);
    for (int32_t i = 0; i < count; i++) {
        st_table_entry entry = entry_at(report->table, i);
        kind_counts[entry.kind]++;
        int width = entry.bits == 0 ? 0 : entry.bits == 8 ? 1 : entry.bits == 16 ? 2 : entry.bits == 32 ? 3 : 4;
        dtype_counts[entry.dtype ? entry.dtype : DTYPES + width]++;
        cols_min = entry.cols_min < cols_min ? entry.cols_min : cols_min;
        cols_max = entry.cols_max > cols_max ? entry.cols_max : cols_max;
        k_max = entry.k_max > k_max ? entry.k_max : k_max;
        rows_min = entry.rows < rows_min ? entry.rows : rows_min;
        rows_max = entry.rows > rows_max ? entry.rows : rows_max;
    }
    printf("%s: %d %s\n", file, (int)count, count == 1 ? "entry" : "entries");
    if (count == 0) {
        return;
    }
    print_counts("kinds", kinds, kind_counts, ST_WINDOW + 1);
    print_counts("dtypes", dtypes, dtype_counts, DTYPES + WIDTHS);
    printf("  %-10s%lld to %lld\n", "rows", (long long)rows_min, (long long)rows_max);
    printf("  %-10s%lld to %lld\n", "columns", (long long)cols_min, (long long)cols_max);
    printf("  %-10sup to %lld\n", "k", (long long)k_max);
    char unknown[32];
    int64_t unknown_count = st_table_unknown(report->table, unknown);
    if (unknown_count) {
        printf("  %-10s%lld not known here, the first is \"%s\"\n", "fields", (long long)unknown_count, unknown);
    }
}

static void print_device(const st_table_finding *finding) {
    int counts = finding->standing == ST_STANDING_MEASURED || finding->standing == ST_STANDING_TRUSTED;
    printf("  %-10s%d %s %s", finding->id[0] ? finding->id : "-", (int)finding->entries, finding->entries == 1 ? "entry" : "entries",
           counts ? "count" : finding->entries == 1 ? "is a hint alone" : "are hints alone");
    printf(": %s", finding->why);
    putchar('\n');
}

static void print_area(const st_table_finding *finding) {
    printf("  %s, %s, sg %s, ", kind_word(finding->kind), dtype_word(finding->dtype, finding->bits), finding->sg ? "yes" : "no");
    if (finding->threads) {
        printf("%d thread%s, ", (int)finding->threads, finding->threads == 1 ? "" : "s");
    }
    printf("rows %lld: columns %lld to %lld, k %lld to %lld", (long long)finding->rows, (long long)finding->cols_min,
           (long long)finding->cols_max, (long long)finding->k_min, (long long)finding->k_max);
    if (finding->what == ST_FINDING_OVERLAP) {
        printf(": entries %d and %d, of which %d holds", (int)finding->entry, (int)finding->other, (int)finding->other);
    }
    putchar('\n');
}

static void print_sort(const look *report, int32_t what, const char *name, const char *head) {
    int64_t count = 0;
    for (int64_t i = 0; i < report->held; i++) {
        count += report->findings[i].what == what;
    }
    if (count) {
        puts(head);
    } else {
        printf("%s: none%s\n", name, report->count > report->held ? " among those told of here" : "");
    }
    int64_t shown = 0;
    for (int64_t i = 0; i < report->held && shown < MOST_SHOWN; i++) {
        const st_table_finding *finding = &report->findings[i];
        if (finding->what != what) {
            continue;
        }
        if (what == ST_FINDING_DEVICE) {
            print_device(finding);
        } else {
            print_area(finding);
        }
        shown++;
    }
    if (shown < count) {
        printf("  and %lld more\n", (long long)(count - shown));
    }
}

static void print_text(const look *report, const st_table_done *done) {
    print_summary(report, done->file);
    if (st_table_count(report->table)) {
        print_sort(report, ST_FINDING_DEVICE, "devices", "devices");
        print_sort(report, ST_FINDING_GAP, "gaps", "gaps: no entry is for");
        print_sort(report, ST_FINDING_OVERLAP, "overlaps", "overlaps: two entries are for");
    }
    if (report->count > report->held) {
        printf("findings: %lld, of which the first %lld are told of here\n", (long long)report->count,
               (long long)report->held);
    }
    if (done->header) {
        printf("header written to %s\n", done->header);
    }
    if (done->installed) {
        printf("installed as %s\n", done->installed);
    }
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

/* null where entries are for any. */
static void write_words(st_json_writer *json, const st_table_finding *finding) {
    st_json_member_string(json, "kind", finding->kind ? kind_word(finding->kind) : NULL);
    st_json_member_string(json, "dtype", finding->bits ? dtype_word(finding->dtype, finding->bits) : NULL);
    st_json_member_boolean(json, "sg", finding->sg);
    st_json_key(json, "threads");
    if (finding->threads) {
        st_json_integer(json, finding->threads);
    } else {
        st_json_string(json, NULL);
    }
    st_json_member_integer(json, "rows", finding->rows);
    st_json_member_integer(json, "cols_min", finding->cols_min);
    st_json_member_integer(json, "cols_max", finding->cols_max);
    st_json_member_integer(json, "k_min", finding->k_min);
    st_json_member_integer(json, "k_max", finding->k_max);
}

static void write_device(st_json_writer *json, const look *report, const st_table_finding *finding) {
    static const char *const standings[] = {"",    "measured", "trusted", "unnamed", "backend", "device",
                                            "isa", "driver",   "kernels", "caps"};
    st_table_entry entry = entry_at(report->table, finding->entry - 1);
    st_json_member_integer(json, "entries", finding->entries);
    st_json_member_integer(json, "first", finding->entry);
    st_json_member_string(json, "backend", entry.backend);
    st_json_member_string(json, "device", entry.device);
    st_json_member_string(json, "driver", entry.driver);
    st_json_member_string(json, "isa", entry.isa);
    st_json_member_string(json, "kernel_hash", entry.kernel_hash);
    st_json_member_string(json, "here", finding->id[0] ? finding->id : NULL);
    st_json_member_boolean(json, "counts", finding->standing == ST_STANDING_MEASURED || finding->standing == ST_STANDING_TRUSTED);
    st_json_member_string(json, "standing", standings[finding->standing]);
    st_json_member_string(json, "why", finding->why);
}

static void write_sort(st_json_writer *json, const look *report, const char *key, int32_t what) {
    st_json_key(json, key);
    st_json_begin_array(json);
    for (int64_t i = 0; i < report->held; i++) {
        const st_table_finding *finding = &report->findings[i];
        if (finding->what != what) {
            continue;
        }
        st_json_begin_object(json);
        if (what == ST_FINDING_DEVICE) {
            write_device(json, report, finding);
        } else {
            write_words(json, finding);
        }
        if (what == ST_FINDING_OVERLAP) {
            st_json_member_integer(json, "entry", finding->entry);
            st_json_member_integer(json, "holds", finding->other);
        }
        st_json_end_object(json);
    }
    st_json_end_array(json);
}

static int print_json(const look *report, const st_table_done *done) {
    st_json_writer json;
    char unknown[32];
    st_json_start(&json, st_sink_json_print, NULL);
    st_json_begin_object(&json);
    st_json_member_string(&json, "file", done->file);
    st_json_member_integer(&json, "entries", st_table_count(report->table));
    st_json_member_integer(&json, "unknown_fields", st_table_unknown(report->table, unknown));
    st_json_member_string(&json, "unknown_field", unknown[0] ? unknown : NULL);
    write_sort(&json, report, "devices", ST_FINDING_DEVICE);
    write_sort(&json, report, "gaps", ST_FINDING_GAP);
    write_sort(&json, report, "overlaps", ST_FINDING_OVERLAP);
    st_json_member_integer(&json, "findings", report->count);
    st_json_member_string(&json, "header", done->header);
    st_json_member_string(&json, "installed", done->installed);
    st_json_end_object(&json);
    putchar('\n');
    st_status status = st_json_finish(&json);
    return status == ST_OK || ferror(stdout) ? ST_CLI_DONE : st_input_fail("table", status);
}

/* ---- both -------------------------------------------------------------------------------------------------------- */

static st_status look_over(look *report, const st_context *context) {
    report->findings = malloc(MOST_HELD * sizeof *report->findings);
    if (!report->findings) {
        return ST_E_MEMORY;
    }
    st_status status = st_table_report(context, report->table, report->findings, MOST_HELD, &report->count);
    report->held = report->count < MOST_HELD ? report->count : MOST_HELD;
    return status == ST_E_CAPACITY ? ST_OK : status;
}

int st_table_print(const st_table *table, const st_table_done *done, int32_t json) {
    look report = {.table = table};
    st_context *context = NULL;
    st_status found = st_context_create(NULL, &context);
    if (found == ST_OK) {
        found = look_over(&report, context);
    }
    int status = ST_CLI_DONE;
    if (found == ST_E_MEMORY) {
        status = st_cli_fail("table", "out of memory");
    } else if (found != ST_OK) {
        status = st_input_fail("table", found);
    } else if (json) {
        status = print_json(&report, done);
    } else {
        print_text(&report, done);
    }
    free(report.findings);
    st_context_destroy(context);
    return status;
}
