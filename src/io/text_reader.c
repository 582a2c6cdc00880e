/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* text_reader.c - numbers, and labels for them, from text: one a line, or a column of CSV or TSV. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/fail.h"
#include "base/memory.h"
#include "base/show_text.h"
#include "io/text_lines.h"
#include "spiraltorch/io.h"

enum {
    BLOCK_NUMBERS = 8192,  /* 64 KiB of values stay in the cache until they are used; io.h allows up to 65,536 */
    LABEL_BYTES = 4 << 20, /* a block ends early where its labels reach this: long lines must not fill the memory */
    SHOWN_NAME = 48
};

struct st_text_reader {
    st_host host;
    st_lines lines;
    int64_t column; /* positions from 0; show -1: none */
    int64_t show;
    char column_name[SHOWN_NAME]; /* fit for a message; "" where it was a position */

    double *values;
    size_t *label_starts; /* into label_text, because that may move as it grows */
    const char **labels;
    void *label_text;
    size_t label_room;

    st_status failed; /* the first failure, which every later call repeats */
    char message[ST_MESSAGE_BYTES];
};

/* A column as the caller gave it. */
struct choice {
    const char *option, *text; /* "column" or "show", and its value */
    int is_name;
    int64_t position; /* from 0, once known */
};

static st_status read_choice(const char *option, const char *text, struct choice *choice) {
    *choice = (struct choice){.option = option, .text = text};
    if (text == NULL) return ST_OK;
    if (text[0] == '\0')
        return st_fail(ST_E_ARGUMENT, "options.%s: is empty; give a name of the header, or a position from 1", option);
    choice->is_name = text[strspn(text, "0123456789")] != '\0';
    if (choice->is_name) return ST_OK;
    int64_t position = 0;
    for (const char *at = text; *at != '\0' && position <= INT32_MAX; at++) position = position * 10 + (*at - '0');
    if (position < 1 || position > INT32_MAX)
        return st_fail(ST_E_ARGUMENT, "options.%s: positions count from 1 to %d; use 1 for the first field", option,
                       INT32_MAX);
    choice->position = position - 1;
    return ST_OK;
}

/* ---- the first line: separator, header, columns ---- */

static char choose_separator(const st_record *record) {
    int inside = 0; /* each quote turns it; a doubled one twice */
    for (size_t i = 0; i < record->length; i++) {
        if (record->text[i] == '"' && record->has_quotes) inside = !inside;
        if (record->text[i] == '\t' && !inside) return '\t';
    }
    return ',';
}

static void trim(st_field *field) {
    while (field->length > 0 && (field->text[0] == ' ' || field->text[0] == '\t')) field->text++, field->length--;
    while (field->length > 0 && (field->text[field->length - 1] == ' ' || field->text[field->length - 1] == '\t'))
        field->length--;
}

static int is_named(const st_field *field, const char *name) {
    const size_t length = strlen(name);
    size_t at = 0;
    for (size_t i = 0; i < field->length; i++, at++) {
        if (at == length || field->text[i] != name[at]) return 0;
        i += field->quoted && field->text[i] == '"';
    }
    return at == length;
}

/* The names of the header, as many as a message has room for. */
static void list_names(const st_record *record, char separator, char *list, size_t size) {
    size_t used = 0;
    st_field field;
    int64_t count;
    list[0] = '\0';
    for (int64_t i = 0; st_record_field(record, separator, i, &field, &count); i++) {
        char shown[SHOWN_NAME];
        trim(&field);
        st_show_text(shown, sizeof shown, field.text, field.length);
        const int bytes = snprintf(list + used, size - used, "%s%s", i > 0 ? ", " : "", shown);
        used += (size_t)bytes;
        if (used >= size) {
            memcpy(list + size - 4, "...", 4);
            return;
        }
    }
}

static st_status find_name(const st_text_reader *reader, const st_record *record, struct choice *choice) {
    const char separator = reader->lines.separator;
    char shown[SHOWN_NAME], list[160];
    st_field field;
    int64_t count, found = -1;
    st_show_text(shown, sizeof shown, choice->text, strlen(choice->text));
    for (int64_t i = 0; st_record_field(record, separator, i, &field, &count); i++) {
        trim(&field);
        if (!is_named(&field, choice->text)) continue;
        if (found >= 0)
            return st_fail(ST_E_ARGUMENT,
                           "options.%s: %s has two columns named \"%s\", %lld and %lld; give the position",
                           choice->option, reader->lines.source.name, shown, (long long)found + 1, (long long)i + 1);
        found = i;
    }
    if (found < 0) {
        list_names(record, separator, list, sizeof list);
        return st_fail(ST_E_ARGUMENT, "options.%s: %s has no column \"%s\"; it has: %s", choice->option,
                       reader->lines.source.name, shown, list);
    }
    choice->position = found;
    return ST_OK;
}

static st_status check_position(const st_text_reader *reader, const st_record *record, const struct choice *choice) {
    char list[160];
    st_field field;
    int64_t count;
    if (st_record_field(record, reader->lines.separator, choice->position, &field, &count)) return ST_OK;
    list_names(record, reader->lines.separator, list, sizeof list);
    return st_fail(ST_E_ARGUMENT, "options.%s: there is no field %lld, line %lld of %s has %lld: %s", choice->option,
                   (long long)choice->position + 1, (long long)reader->lines.line, reader->lines.source.name,
                   (long long)count, list);
}

static st_status read_first_line(st_text_reader *reader, struct choice *column, struct choice *show) {
    st_record record;
    st_status status = st_lines_next(&reader->lines, &record);
    if (status != ST_OK) return status;
    const struct choice *named = column->is_name ? column : show;
    if (record.text == NULL) {
        if (named->is_name)
            return st_fail(ST_E_ARGUMENT, "options.%s: %s is empty and has no columns", named->option,
                           reader->lines.source.name);
        return ST_OK;
    }
    /* Knowing the separator may change where quotes count, and so where the line ends: read it again. */
    reader->lines.separator = choose_separator(&record);
    st_lines_back(&reader->lines, &record);
    status = st_lines_next(&reader->lines, &record);
    if (status != ST_OK) return status;
    struct choice *const choices[] = {column, show};
    for (int i = 0; i < 2 && status == ST_OK; i++) {
        if (choices[i]->is_name)
            status = find_name(reader, &record, choices[i]);
        else if (i == 0 || show->text != NULL)
            status = check_position(reader, &record, choices[i]);
    }
    if (status != ST_OK) return status;
    reader->column = column->position;
    reader->show = show->text != NULL ? show->position : -1;
    if (column->is_name)
        st_show_text(reader->column_name, sizeof reader->column_name, column->text, strlen(column->text));

    st_field field;
    int64_t count;
    double value;
    st_record_field(&record, reader->lines.separator, reader->column, &field, &count);
    if (!named->is_name && st_read_double(field.text, field.length, &value)) st_lines_back(&reader->lines, &record);
    return ST_OK;
}

/* ---- opening ---- */

static st_status allocate_blocks(st_text_reader *reader, int with_labels) {
    reader->values = st_allocate(&reader->host, BLOCK_NUMBERS * sizeof *reader->values);
    if (with_labels) {
        reader->label_starts = st_allocate(&reader->host, BLOCK_NUMBERS * sizeof *reader->label_starts);
        reader->labels = st_allocate(&reader->host, BLOCK_NUMBERS * sizeof *reader->labels);
    }
    if (reader->values == NULL || (with_labels && (reader->label_starts == NULL || reader->labels == NULL)))
        return st_fail(ST_E_MEMORY, "no memory for a block of %d numbers", BLOCK_NUMBERS);
    return ST_OK;
}

st_status st_text_open(const st_host *host, const char *path, const st_text_options *options, st_text_reader **out) {
    st_host resolved;
    struct choice column, show;
    const st_text_options defaults = {.struct_size = sizeof defaults};
    if (out == NULL) return st_fail(ST_E_ARGUMENT, "reader: is NULL; give the address of a st_text_reader *");
    *out = NULL;
    if (options == NULL) options = &defaults;
    st_status status = st_host_resolve(host, &resolved);
    if (status != ST_OK) return status;
    if (options->struct_size != sizeof *options)
        return st_fail(ST_E_ARGUMENT, "options.struct_size is %u; set it to sizeof(st_text_options)",
                       options->struct_size);
    if (options->line_limit < 0)
        return st_fail(ST_E_ARGUMENT, "options.line_limit: %lld; give bytes, or 0 for 1 MiB",
                       (long long)options->line_limit);
    status = read_choice("column", options->column, &column);
    if (status == ST_OK) status = read_choice("show", options->show, &show);
    if (status != ST_OK) return status;

    st_text_reader *reader = st_allocate_zeroed(&resolved, sizeof *reader);
    if (reader == NULL) return st_fail(ST_E_MEMORY, "no memory for a text reader");
    reader->host = resolved;
    reader->lines.host = &reader->host;
    reader->lines.limit = options->line_limit > 0 ? (size_t)options->line_limit : (size_t)1 << 20;
    reader->lines.nul_at = SIZE_MAX;
    reader->lines.source.file = -1;
    reader->show = -1;
    status = st_source_open(path, &reader->lines.source);
    if (status == ST_OK) status = allocate_blocks(reader, options->show != NULL);
    if (status == ST_OK) status = read_first_line(reader, &column, &show);
    if (status != ST_OK) {
        st_text_close(reader);
        return status;
    }
    *out = reader;
    return ST_OK;
}

/* ---- reading ---- */

static st_status fail_missing(const st_text_reader *reader, int64_t position, int64_t count) {
    return st_fail(ST_E_FORMAT,
                   "%s, line %lld: there is no field %lld, the line has %lld; fill it in, or take the line out",
                   reader->lines.source.name, (long long)reader->lines.line, (long long)position + 1, (long long)count);
}

static st_status fail_number(const st_text_reader *reader, const st_field *field) {
    char shown[80];
    const int named = reader->column_name[0] != '\0';
    return st_fail(
        ST_E_FORMAT,
        "%s, line %lld, field %lld%s%s%s: \"%s\" is no number; write it in decimal with a point, or nan, inf, -inf",
        reader->lines.source.name, (long long)reader->lines.line, (long long)reader->column + 1, named ? " (" : "",
        reader->column_name, named ? ")" : "", st_show_text(shown, sizeof shown, field->text, field->length));
}

static st_status keep_label(st_text_reader *reader, const st_record *record, int64_t number, size_t *used) {
    st_field field;
    int64_t count;
    if (!st_record_field(record, reader->lines.separator, reader->show, &field, &count))
        return fail_missing(reader, reader->show, count);
    const st_status status = st_grow(&reader->host, &reader->label_text, &reader->label_room, *used + field.length + 1);
    if (status != ST_OK) return status;
    char *text = (char *)reader->label_text + *used;
    reader->label_starts[number] = *used;
    const size_t length = st_field_copy(&field, text);
    text[length] = '\0';
    *used += length + 1;
    return ST_OK;
}

static st_status read_block(st_text_reader *reader, int64_t *numbers) {
    size_t label_bytes = 0;
    int64_t number = 0;
    *numbers = 0;
    while (number < BLOCK_NUMBERS && label_bytes < LABEL_BYTES) {
        st_record record;
        st_field field;
        int64_t count;
        st_status status = st_lines_next(&reader->lines, &record);
        if (status != ST_OK) return status;
        if (record.text == NULL) break;
        if (!st_record_field(&record, reader->lines.separator, reader->column, &field, &count))
            return fail_missing(reader, reader->column, count);
        if (!st_read_double(field.text, field.length, &reader->values[number])) return fail_number(reader, &field);
        if (reader->show >= 0) status = keep_label(reader, &record, number, &label_bytes);
        if (status != ST_OK) return status;
        number++;
    }
    if (reader->show >= 0)
        for (int64_t i = 0; i < number; i++)
            reader->labels[i] = (const char *)reader->label_text + reader->label_starts[i];
    *numbers = number;
    return ST_OK;
}

st_status st_text_next(st_text_reader *reader, st_text_block *block) {
    if (reader == NULL || block == NULL)
        return st_fail(ST_E_ARGUMENT, "%s: is NULL", reader == NULL ? "reader" : "block");
    if (block->struct_size != sizeof *block)
        return st_fail(ST_E_ARGUMENT, "block.struct_size is %u; set it to sizeof(st_text_block)", block->struct_size);
    block->count = 0;
    block->values = NULL;
    block->labels = NULL;
    if (reader->failed != ST_OK) return st_message_set(reader->failed, reader->message);
    int64_t numbers = 0;
    const st_status status = read_block(reader, &numbers);
    if (status != ST_OK) {
        reader->failed = status;
        st_message_copy(reader->message);
        return status;
    }
    block->count = numbers;
    block->values = reader->values;
    block->labels = reader->show >= 0 ? reader->labels : NULL;
    return ST_OK;
}

void st_text_close(st_text_reader *reader) {
    if (reader == NULL) return;
    st_lines_release(&reader->lines);
    const st_host host = reader->host;
    st_release(&host, reader->values, BLOCK_NUMBERS * sizeof *reader->values);
    st_release(&host, reader->label_starts, BLOCK_NUMBERS * sizeof *reader->label_starts);
    st_release(&host, reader->labels, BLOCK_NUMBERS * sizeof *reader->labels);
    st_release(&host, reader->label_text, reader->label_room);
    st_release(&host, reader, sizeof *reader);
}
