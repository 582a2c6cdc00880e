/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bench_output.c - results as an aligned table on a terminal, tab-separated lines in a pipe, or JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

/* ---- tables: rows of cells --------------------------------------------------------------------------------------- */

enum { CELL_BYTES = 320, MOST_CELLS = 16 };

/* Beyond these a case is worth another run: read limits that differ by as much, or a time so far below them. */
static const double MOST_SPREAD = 1.5, LEAST_RATIO = 0.8;

typedef struct table {
    const char *const *titles;
    int columns;
    int64_t rows;
    char (*cells)[CELL_BYTES]; /* [row * columns + column] */
} table;

/* Numbers stand right, words left. */
static int is_word(const char *title) {
    static const char *const words[] = {"impl", "device", "kind", "dtype", "data", "version", "choice", "chosen", "best"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i], title) == 0) {
            return 1;
        }
    }
    return 0;
}

static void print_aligned(const table *all) {
    int widths[MOST_CELLS];
    for (int c = 0; c < all->columns; c++) {
        widths[c] = (int)strlen(all->titles[c]);
        for (int64_t r = 0; r < all->rows; r++) {
            const int width = (int)strlen(all->cells[r * all->columns + c]);
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    for (int64_t r = -1; r < all->rows; r++) {
        for (int c = 0; c < all->columns; c++) {
            const char *text = r < 0 ? all->titles[c] : all->cells[r * all->columns + c];
            const int last = c == all->columns - 1;
            const int width = is_word(all->titles[c]) ? (last ? 0 : -widths[c]) : widths[c];
            printf("%*s%s", width, text, last ? "\n" : "  ");
        }
    }
}

static void print_tabs(const table *all) {
    for (int64_t r = 0; r < all->rows; r++) {
        for (int c = 0; c < all->columns; c++) {
            printf("%s%s", all->cells[r * all->columns + c], c == all->columns - 1 ? "\n" : "\t");
        }
    }
}

static int32_t field_value(const st_choice *choice, const st_choice_field *field) {
    int32_t value;
    memcpy(&value, (const char *)choice + field->offset, sizeof value);
    return value;
}

/* "mk=1,mkd=6,tile=4096": the two that name the kernel, and what else is not 0. */
static void format_choice(const st_choice *choice, char *text, size_t capacity) {
    size_t used = 0;
    text[0] = '\0';
    for (int32_t i = 0; i < st_choice_field_count() && used < capacity; i++) {
        const st_choice_field *field = st_choice_field_at(i);
        const int32_t value = field_value(choice, field);
        if (value != 0 || strcmp(field->name, "mk") == 0 || strcmp(field->name, "mkd") == 0) {
            used += (size_t)snprintf(text + used, capacity - used, "%s%s=%d", used > 0 ? "," : "", field->name, (int)value);
        }
    }
}

static void format_point(const st_bench_case *point, char (*cells)[CELL_BYTES]) {
    snprintf(cells[0], CELL_BYTES, "%s", st_bench_kind_name(point->kind));
    snprintf(cells[1], CELL_BYTES, "%s", st_dtype_name(point->dtype));
    snprintf(cells[2], CELL_BYTES, "%lld", (long long)point->rows);
    snprintf(cells[3], CELL_BYTES, "%lld", (long long)point->cols);
    snprintf(cells[4], CELL_BYTES, "%lld", (long long)point->k);
    snprintf(cells[5], CELL_BYTES, "%d", (int)point->threads);
    snprintf(cells[6], CELL_BYTES, "%s", st_bench_data_name(point->data));
}

static void print_table(const table *all) {
    if (isatty(STDOUT_FILENO)) {
        print_aligned(all);
    } else {
        print_tabs(all);
    }
}

/* What the columns have no room for: how a peer of the worker's was called, and why one was left out; each once. */
static void format_footnote(const st_bench_row *row, char *text, size_t capacity) {
    const st_bench_finding *finding = &row->finding;
    text[0] = '\0';
    if (finding->left_out) {
        snprintf(text, capacity, "%s left out: %s", row->impl, finding->note);
    } else if (row->kernel[0] == '\0' && finding->how[0]) {
        snprintf(text, capacity, "%s (%s): %s; indices %s, %d thread%s", row->impl, row->version, finding->how,
                 finding->index_dtype, (int)finding->threads, finding->threads == 1 ? "" : "s");
    }
}

/* Cases in which the read limit itself cannot be trusted; the rows of one case follow each other. */
static void print_disturbed(const st_bench_rows *rows, FILE *file) {
    for (int64_t r = 0, next; r < rows->count; r = next) {
        double least = rows->list[r].ratio;
        for (next = r + 1; next < rows->count && strcmp(rows->list[next].impl, rows->list[r].impl) != 0; next++) {
            const st_bench_row *row = &rows->list[next];
            least = !row->finding.left_out && row->ratio < least ? row->ratio : least;
        }
        char name[160];
        st_bench_case_name(&rows->list[r].point, name, sizeof name);
        if (rows->list[r].spread > MOST_SPREAD) {
            fprintf(file, "%s: the largest read limit is %.2f times the smallest: something else used the memory; measure "
                          "it again\n", name, rows->list[r].spread);
        } else if (least < LEAST_RATIO) {
            fprintf(file, "%s: a ratio of %.2f is faster than reading: something else used the memory; measure it again\n",
                    name, least);
        }
    }
}

static void print_footnotes(const st_bench_rows *rows, FILE *file) {
    char(*known)[640] = calloc((size_t)rows->count + 1, sizeof *known);
    int64_t count = 0;
    for (int64_t r = 0; known && r < rows->count; r++) {
        int64_t i = 0;
        format_footnote(&rows->list[r], known[count], sizeof known[count]);
        while (strcmp(known[i], known[count]) != 0) {
            i++;
        }
        if (i == count && known[count][0]) {
            fprintf(file, "%s\n", known[count++]);
        }
    }
    free(known);
    print_disturbed(rows, file);
}

/* In a pipe the lines are for a program, and what a person should know goes to standard error, if it is worth that. */
static int has_news(const st_bench_rows *rows) {
    for (int64_t r = 0; r < rows->count; r++) {
        const st_bench_row *row = &rows->list[r];
        if (row->finding.left_out || row->is_remote) {
            return 1;
        }
    }
    return 0;
}

int st_bench_print_rows(const st_bench_rows *rows) {
    static const char *const titles[] = {"impl", "device",  "kind",  "dtype", "rows",    "cols",  "k", "threads",
                                         "data", "ns",      "read_ns", "ratio", "noise", "version", "choice"};
    table all = {titles, (int)(sizeof titles / sizeof titles[0]), rows->count, NULL};
    all.cells = calloc((size_t)rows->count * (size_t)all.columns + 1, CELL_BYTES);
    if (!all.cells) {
        return st_cli_fail("bench", "not enough memory to print the results");
    }
    for (int64_t r = 0; r < rows->count; r++) {
        const st_bench_row *row = &rows->list[r];
        char(*cells)[CELL_BYTES] = &all.cells[r * all.columns];
        snprintf(cells[0], CELL_BYTES, "%s", row->impl);
        snprintf(cells[1], CELL_BYTES, "%s", row->device);
        format_point(&row->point, cells + 2);
        for (int c = 9; c <= 11; c++) {
            snprintf(cells[c], CELL_BYTES, "-");
        }
        if (!row->finding.left_out) {
            snprintf(cells[9], CELL_BYTES, "%.0f", row->ns);
            snprintf(cells[10], CELL_BYTES, "%.0f", row->read_ns);
            snprintf(cells[11], CELL_BYTES, "%.2f", row->ratio);
        }
        snprintf(cells[12], CELL_BYTES, "%.3f", row->noise);
        snprintf(cells[13], CELL_BYTES, "%s", row->version[0] ? row->version : "-");
        snprintf(cells[14], CELL_BYTES, "-");
        if (row->has_choice) {
            format_choice(&row->choice, cells[14], CELL_BYTES);
        }
    }
    print_table(&all);
    free(all.cells);
    if (isatty(STDOUT_FILENO) || has_news(rows)) {
        fflush(stdout);
        print_footnotes(rows, isatty(STDOUT_FILENO) ? stdout : stderr);
    }
    return 0;
}

static void format_chosen(const st_plan *plan, char *text) {
    char choice[CELL_BYTES - 64];
    format_choice(&plan->choice, choice, sizeof choice);
    snprintf(text, CELL_BYTES, "%s:%s", plan->kernel, choice);
}

int st_bench_print_regret(const st_bench_regret *regret, const char *with) {
    static const char *const titles[] = {"kind", "dtype", "rows",  "cols",   "k",   "threads",
                                         "data", "ratio", "bound", "noise", "chosen", "best"};
    table all = {titles, (int)(sizeof titles / sizeof titles[0]), regret->count, NULL};
    all.cells = calloc((size_t)regret->count * (size_t)all.columns + 1, CELL_BYTES);
    if (!all.cells) {
        return st_cli_fail("bench", "not enough memory to print the results");
    }
    for (int64_t r = 0; r < regret->count; r++) {
        const st_bench_regret_case *one = &regret->list[r];
        char(*cells)[CELL_BYTES] = &all.cells[r * all.columns];
        format_point(&one->point, cells);
        snprintf(cells[7], CELL_BYTES, "%.3f", one->ratio);
        snprintf(cells[8], CELL_BYTES, "%.3f", one->bound);
        snprintf(cells[9], CELL_BYTES, "%.3f", one->noise);
        format_chosen(&one->chosen, cells[10]);
        format_chosen(&one->best, cells[11]);
    }
    print_table(&all);
    free(all.cells);
    if (regret->count > 0) {
        const int terminal = isatty(STDOUT_FILENO);
        printf(terminal ? "regret of %s over %lld points: geomean %.3f, p95 %.3f, worst %.3f, or %.3f with confidence\n"
                        : "regret\t%s\t%lld\t%.3f\t%.3f\t%.3f\t%.3f\n",
               with, (long long)regret->count, regret->geomean, regret->p95, regret->worst, regret->worst_bound);
        printf(terminal ? "noise (%s against itself, %lld points): geomean %.3f, p95 %.3f, worst %.3f\n"
                        : "noise\t%s\t%lld\t%.3f\t%.3f\t%.3f\n",
               with, (long long)regret->count, regret->noise_geomean, regret->noise_p95, regret->noise_worst);
    }
    return 0;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static int32_t to_output(void *user, const char *text, uint64_t bytes) {
    return fwrite(text, 1, (size_t)bytes, user) != (size_t)bytes;
}

static void write_choice(st_json_writer *writer, const char *key, const st_choice *choice) {
    st_json_key(writer, key);
    if (!choice) {
        st_json_string(writer, NULL);
        return;
    }
    st_json_begin_object(writer);
    for (int32_t i = 0; i < st_choice_field_count(); i++) {
        const st_choice_field *field = st_choice_field_at(i);
        st_json_member_integer(writer, field->name, field_value(choice, field));
    }
    st_json_end_object(writer);
}

static void write_point(st_json_writer *writer, const st_bench_case *point) {
    st_json_member_string(writer, "kind", st_bench_kind_name(point->kind));
    st_json_member_string(writer, "dtype", st_dtype_name(point->dtype));
    st_json_member_integer(writer, "rows", point->rows);
    st_json_member_integer(writer, "cols", point->cols);
    st_json_member_integer(writer, "k", point->k);
    st_json_member_integer(writer, "threads", point->threads);
    st_json_member_string(writer, "data", st_bench_data_name(point->data));
}

static int finish(st_json_writer *writer) {
    const st_status status = st_json_finish(writer);
    putchar('\n');
    /* A pipe that closed is the reader's business, and a full disk is reported once, at the program's end. */
    return status == ST_OK || status == ST_E_IO ? 0 : st_cli_fail("bench", "--json: %s", st_last_message());
}

/* One that was left out has no times: null. */
static void write_result(st_json_writer *writer, const st_bench_row *row) {
    static const char *const keys[] = {"ns", "read_ns", "ratio"};
    const double numbers[] = {row->ns, row->read_ns, row->ratio};
    const st_bench_finding *finding = &row->finding;
    for (int i = 0; i < 3; i++) {
        if (finding->left_out) {
            st_json_member_string(writer, keys[i], NULL);
        } else {
            st_json_member_number(writer, keys[i], numbers[i]);
        }
    }
    st_json_member_number(writer, "noise", row->noise);
    st_json_member_string(writer, "version", row->version[0] ? row->version : NULL);
    st_json_member_string(writer, "how", finding->how[0] ? finding->how : NULL);
    st_json_member_string(writer, "index_dtype", finding->index_dtype[0] ? finding->index_dtype : NULL);
    st_json_member_integer(writer, "threads_used", finding->threads);
    st_json_member_string(writer, "left_out", finding->left_out ? finding->note : NULL);
}

int st_bench_json_rows(const st_bench_rows *rows) {
    st_json_writer writer;
    st_json_start(&writer, to_output, stdout);
    st_json_begin_array(&writer);
    for (int64_t r = 0; r < rows->count; r++) {
        const st_bench_row *row = &rows->list[r];
        st_json_begin_object(&writer);
        st_json_member_string(&writer, "impl", row->impl);
        write_choice(&writer, "choice", row->has_choice ? &row->choice : NULL);
        st_json_member_string(&writer, "kernel", row->has_choice ? row->kernel : NULL);
        st_json_member_string(&writer, "device", row->device);
        write_point(&writer, &row->point);
        write_result(&writer, row);
        st_json_end_object(&writer);
    }
    st_json_end_array(&writer);
    return finish(&writer);
}

/* A summary of no cases has no numbers: null. */
static void write_summary(st_json_writer *writer, int64_t points, double geomean, double p95, double worst) {
    static const char *const keys[] = {"geomean", "p95", "worst"};
    const double numbers[] = {geomean, p95, worst};
    for (int i = 0; i < 3; i++) {
        if (points > 0) {
            st_json_member_number(writer, keys[i], numbers[i]);
        } else {
            st_json_member_string(writer, keys[i], NULL);
        }
    }
}

int st_bench_json_regret(const st_bench_regret *regret, const char *with) {
    st_json_writer writer;
    st_json_start(&writer, to_output, stdout);
    st_json_begin_object(&writer);
    st_json_member_string(&writer, "with", with);
    st_json_member_string(&writer, "version", st_version());
    st_json_member_integer(&writer, "points", regret->count);
    write_summary(&writer, regret->count, regret->geomean, regret->p95, regret->worst);
    st_json_member_number(&writer, "worst_bound", regret->worst_bound);
    st_json_key(&writer, "noise");
    st_json_begin_object(&writer);
    write_summary(&writer, regret->count, regret->noise_geomean, regret->noise_p95, regret->noise_worst);
    st_json_end_object(&writer);
    st_json_key(&writer, "cases");
    st_json_begin_array(&writer);
    for (int64_t r = 0; r < regret->count; r++) {
        const st_bench_regret_case *one = &regret->list[r];
        st_json_begin_object(&writer);
        write_point(&writer, &one->point);
        write_choice(&writer, "chosen", &one->chosen.choice);
        st_json_member_string(&writer, "chosen_kernel", one->chosen.kernel);
        write_choice(&writer, "best", &one->best.choice);
        st_json_member_string(&writer, "best_kernel", one->best.kernel);
        st_json_member_number(&writer, "ratio", one->ratio);
        st_json_member_number(&writer, "bound", one->bound);
        st_json_member_number(&writer, "noise", one->noise);
        st_json_end_object(&writer);
    }
    st_json_end_array(&writer);
    st_json_end_object(&writer);
    return finish(&writer);
}
