/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* table_header.c - a table as a C header: columns, then k, then rows are compared with bounds until one entry is left. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "device/choice_fields.h"
#include "plan/sort_positions.h"
#include "plan/table_text.h"

enum { MOST_PREFIX = 40, MOST_LINES = 1 << 17 };

/* Memory for the narrowing of entries: by kind and sg, then by columns, then by k; and the bounds that do it. */
struct writer {
    const st_table *table;
    st_text_page *page;
    int32_t *chosen, *of_cols, *of_k, *order;
    int64_t *cols_bounds, *k_bounds;
    int32_t lines;
};

static int64_t low_of(const st_table_entry *entry, int by_k) { return by_k ? entry->k_min : entry->cols_min; }
static int64_t high_of(const st_table_entry *entry, int by_k) { return by_k ? entry->k_max : entry->cols_max; }

static int by_value(const void *items, int32_t a, int32_t b) {
    const int64_t *values = items;
    return (values[a] > values[b]) - (values[a] < values[b]);
}

/* Where coverage by any of the entries begins or ends: sorted, each once. bounds has room for twice as many again. */
static int32_t find_bounds(const struct writer *writer, const int32_t *entries, int32_t count, int by_k, int64_t *bounds) {
    int64_t *values = bounds + 2 * (size_t)writer->table->count;
    for (int32_t i = 0; i < count; i++) {
        const st_table_entry *entry = &writer->table->entries[entries[i]];
        values[2 * i] = low_of(entry, by_k);
        values[2 * i + 1] = high_of(entry, by_k) + 1;
    }
    for (int32_t i = 0; i < 2 * count; i++) writer->order[i] = i;
    st_sort_positions(writer->order, 2 * count, by_value, values);
    int32_t found = 0;
    for (int32_t i = 0; i < 2 * count; i++) {
        const int64_t value = values[writer->order[i]];
        if (found == 0 || bounds[found - 1] != value) bounds[found++] = value;
    }
    return found;
}

static int32_t narrow(const struct writer *writer, const int32_t *entries, int32_t count, int by_k, int64_t at, int32_t *narrowed) {
    int32_t kept = 0;
    for (int32_t i = 0; i < count; i++) {
        const st_table_entry *entry = &writer->table->entries[entries[i]];
        if (low_of(entry, by_k) <= at && at <= high_of(entry, by_k)) narrowed[kept++] = entries[i];
    }
    return kept;
}

/* The greatest whole number whose square is at most `square`. */
static int64_t square_root(int64_t square) {
    int64_t root = (int64_t)sqrt((double)square);
    while (root * root > square) root--;
    while ((root + 1) * (root + 1) <= square) root++;
    return root;
}

/* 1 where entry a is taken before b, both as near: the very dtype first, then the later. */
static int goes_before(const st_table_entry *a, const st_table_entry *b) {
    const int exact_a = a->dtype == ST_F32, exact_b = b->dtype == ST_F32;
    return exact_a != exact_b ? exact_a : a->number > b->number;
}

static void put_line(struct writer *writer, int depth, const char *what, int64_t bound, const char *then, int32_t entry) {
    writer->lines++;
    st_text_page_put(writer->page, "%*s", depth * 4, "");
    if (what == NULL)
        st_text_page_put(writer->page, "return %d;\n", entry);
    else if (then != NULL)
        st_text_page_put(writer->page, "if (%s < INT64_C(%" PRId64 ")) %s\n", what, bound, then);
    else
        st_text_page_put(writer->page, "if (%s < INT64_C(%" PRId64 ")) return %d;\n", what, bound, entry);
}

/* Entries that differ in rows alone: the nearest, by the product of neighbours, as st_rows_nearer. */
static void put_rows(struct writer *writer, int depth, const int32_t *entries, int32_t count) {
    const st_table_entry *all = writer->table->entries, *best = NULL;
    int64_t rows = 0;
    for (;;) {
        const st_table_entry *next = NULL; /* the one taken among the fewest rows above `rows` */
        for (int32_t i = 0; i < count; i++) {
            const st_table_entry *entry = &all[entries[i]];
            if (entry->rows <= rows) continue;
            if (next == NULL || entry->rows < next->rows || (entry->rows == next->rows && goes_before(entry, next))) next = entry;
        }
        if (next == NULL) break;
        if (best != NULL) {
            const int64_t product = best->rows * next->rows, root = square_root(product);
            const int takes_middle = root * root < product || goes_before(best, next);
            put_line(writer, depth, "rows", root + takes_middle, NULL, best->number);
        }
        best = next;
        rows = next->rows;
    }
    put_line(writer, depth, NULL, 0, NULL, best == NULL ? 0 : best->number);
}

static void put_k(struct writer *writer, const int32_t *entries, int32_t count) {
    const int32_t bounds = find_bounds(writer, entries, count, 1, writer->k_bounds);
    put_line(writer, 3, "k", writer->k_bounds[0], NULL, 0);
    for (int32_t i = 0; i + 1 < bounds && writer->lines <= MOST_LINES; i++) {
        const int64_t from = writer->k_bounds[i], to = writer->k_bounds[i + 1];
        const int32_t kept = narrow(writer, entries, count, 1, from, writer->of_k);
        put_line(writer, 3, "k", to, "{", 0);
        put_rows(writer, 4, writer->of_k, kept);
        st_text_page_put(writer->page, "            }\n");
    }
    put_line(writer, 3, NULL, 0, NULL, 0);
}

static void put_cols(struct writer *writer, const int32_t *entries, int32_t count) {
    const int32_t bounds = find_bounds(writer, entries, count, 0, writer->cols_bounds);
    put_line(writer, 2, "cols", writer->cols_bounds[0], NULL, 0);
    for (int32_t i = 0; i + 1 < bounds && writer->lines <= MOST_LINES; i++) {
        const int64_t from = writer->cols_bounds[i], to = writer->cols_bounds[i + 1];
        const int32_t kept = narrow(writer, entries, count, 0, from, writer->of_cols);
        if (kept == 0) {
            put_line(writer, 2, "cols", to, NULL, 0);
            continue;
        }
        put_line(writer, 2, "cols", to, "{", 0);
        put_k(writer, writer->of_cols, kept);
        st_text_page_put(writer->page, "        }\n");
    }
    put_line(writer, 2, NULL, 0, NULL, 0);
}

static int is_for(const st_table_entry *entry, int32_t kind) {
    return (entry->kind == kind || entry->kind == 0) && (entry->bits == 32 || entry->bits == 0);
}

static void put_find(struct writer *writer, const char *prefix, const char *suffix, int32_t kind) {
    st_text_page_put(writer->page,
                     "\nstatic inline int32_t %s_find%s(int64_t rows, int64_t cols, int64_t k, int32_t sg) {\n"
                     "    (void)rows;\n    (void)cols;\n    (void)k;\n",
                     prefix, suffix);
    for (int32_t sg = 1; sg >= 0; sg--) {
        int32_t count = 0;
        for (int32_t i = 0; i < writer->table->count; i++)
            if (is_for(&writer->table->entries[i], kind) && writer->table->entries[i].sg == sg) writer->chosen[count++] = i;
        st_text_page_put(writer->page, sg ? "    if (sg) {\n" : "    {\n");
        if (count == 0)
            put_line(writer, 2, NULL, 0, NULL, 0);
        else
            put_cols(writer, writer->chosen, count);
        st_text_page_put(writer->page, "    }\n");
    }
    st_text_page_put(writer->page, "}\n");
}

/* What comes from a table goes into a comment: no star, which could end it. */
static void put_plain(st_text_page *page, const char *text) {
    char plain[ST_SHOWN_PATH_BYTES];
    size_t length = 0;
    for (; text[length] != '\0' && length + 1 < sizeof plain; length++) {
        const char byte = text[length];
        const int fine = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
        plain[length] = fine || strchr(" ._-+()@:,/", byte) != NULL ? byte : '?';
    }
    st_text_page_append(page, plain, length);
}

static void put_top(const struct writer *writer, const char *prefix, const st_table_entry *source) {
    st_text_page *page = writer->page;
    st_text_page_put(page, "/* Made by spiraltorch table from ");
    put_plain(page, writer->table->name);
    st_text_page_put(page, ", %d entries", writer->table->count);
    if (source != NULL && source->device[0] != '\0') {
        st_text_page_put(page, ", measured on ");
        put_plain(page, source->device);
    }
    st_text_page_put(page,
                     ".\n   %s_choose(rows, cols, k, sg, choice) and %s_choose_midk answer for TopK and MidK of f32: the number of "
                     "the table's\n   entry, whose Choice is then in *choice; 0 where it has none. */\n"
                     "#ifndef %s_included\n#define %s_included\n\n#include <stdint.h>\n\ntypedef struct %s_choice {\n    int32_t ",
                     prefix, prefix, prefix, prefix, prefix);
    for (int32_t field = 0; field < ST_FIELDS; field++)
        st_text_page_put(page, "%s%s", field == 0 ? "" : ", ", st_choice_field_at(field)->name);
    st_text_page_put(page,
                     ";\n} %s_choice;\n\nstatic inline int32_t %s_take(int32_t entry, %s_choice *choice) {\n"
                     "    static const %s_choice choices[] = {\n        {0",
                     prefix, prefix, prefix, prefix);
    for (int32_t field = 1; field < ST_FIELDS; field++) st_text_page_put(page, ", 0");
    st_text_page_put(page, "},\n");
    for (int32_t i = 0; i < writer->table->count; i++) {
        const st_choice *choice = &writer->table->entries[i].choice;
        for (int32_t field = 0; field < ST_FIELDS; field++)
            st_text_page_put(page, "%s%d", field == 0 ? "        {" : ", ", st_choice_get(choice, field));
        st_text_page_put(page, "}, /* %d */\n", i + 1);
    }
    st_text_page_put(page, "    };\n    if (entry > 0) *choice = choices[entry];\n    return entry;\n}\n");
}

static void put_choose(st_text_page *page, const char *prefix, const char *suffix) {
    st_text_page_put(page,
                     "\nstatic inline int32_t %s_choose%s(int64_t rows, int64_t cols, int64_t k, int32_t sg, %s_choice *choice) {\n"
                     "    return %s_take(%s_find%s(rows, cols, k, sg), choice);\n}\n",
                     prefix, suffix, prefix, prefix, prefix, suffix);
}

static st_status check_prefix(const char *prefix) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", digits[] = "0123456789";
    const size_t length = strnlen(prefix, MOST_PREFIX + 1);
    int fine = length > 0 && length <= MOST_PREFIX && strchr(letters, prefix[0]) != NULL;
    for (size_t i = 0; i < length && fine; i++) fine = strchr(letters, prefix[i]) != NULL || strchr(digits, prefix[i]) != NULL;
    if (fine) return ST_OK;
    return st_fail(ST_E_ARGUMENT, "prefix: use a C identifier of 1 to %d letters, digits and underscores", MOST_PREFIX);
}

/* The device that all entries of the header name; several are refused, because what is asked does not tell them apart. */
static st_status only_source(const st_table *table, const st_table_entry **source) {
    *source = NULL;
    for (int32_t i = 0; i < table->count; i++) {
        const st_table_entry *entry = &table->entries[i];
        if (!is_for(entry, ST_TOPK) && !is_for(entry, ST_MIDK)) continue;
        if (*source == NULL) *source = entry;
        if (strcmp(entry->backend, (*source)->backend) != 0 || strcmp(entry->device, (*source)->device) != 0 ||
            strcmp(entry->isa, (*source)->isa) != 0)
            return st_fail(ST_E_ARGUMENT,
                           "%s: entries %d and %d were measured on different devices; a header is for one, so make a table of each",
                           table->name, (*source)->number, entry->number);
    }
    return ST_OK;
}

static st_status write_header(struct writer *writer, const char *prefix, const st_table_entry *source) {
    put_top(writer, prefix, source);
    put_find(writer, prefix, "", ST_TOPK);
    put_find(writer, prefix, "_midk", ST_MIDK);
    put_choose(writer->page, prefix, "");
    put_choose(writer->page, prefix, "_midk");
    st_text_page_put(writer->page, "\n#endif\n");
    if (writer->lines <= MOST_LINES) return ST_OK;
    return st_fail(ST_E_UNSUPPORTED, "%s: its entries overlap so much that a header would have over %d lines", writer->table->name,
                   MOST_LINES);
}

st_status st_table_header(const st_table *table, const char *prefix, char *text, uint64_t capacity, uint64_t *length) {
    st_text_page page;
    const st_table_entry *source;
    st_status status = st_text_page_start(&page, text, capacity, length);
    if (status != ST_OK) return status;
    if (table == NULL) return st_fail(ST_E_ARGUMENT, "table is NULL");
    if (prefix == NULL) prefix = "st_table";
    if ((status = check_prefix(prefix)) != ST_OK) return status;
    if ((status = only_source(table, &source)) != ST_OK) return status;
    /* Three lists of entries and an order of twice as many; two lists of bounds, each with as much room to sort in. */
    const size_t count = (size_t)table->count, bytes = count * (8 * sizeof(int64_t) + 5 * sizeof(int32_t));
    int64_t *memory = st_allocate(&table->host, bytes);
    if (memory == NULL && bytes > 0) return st_fail(ST_E_MEMORY, "no memory to write a header of %d entries", table->count);
    int32_t *positions = count == 0 ? NULL : (int32_t *)(memory + 8 * count);
    struct writer writer = {.table = table, .page = &page};
    if (count > 0) {
        writer.cols_bounds = memory;
        writer.k_bounds = memory + 4 * count;
        writer.chosen = positions;
        writer.of_cols = positions + count;
        writer.of_k = positions + 2 * count;
        writer.order = positions + 3 * count;
    }
    status = write_header(&writer, prefix, source);
    st_release(&table->host, memory, bytes);
    return status == ST_OK ? st_text_page_finish(&page, length) : status;
}
