/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* text_lines.c - text cut into records and fields as RFC 4180 has them. */
#include "io/text_lines.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"

/* Large enough that the calls to the system cost nothing beside the parsing. */
enum { PIECE = 64 << 10 };

static const char *text_of(const st_lines *lines) { return lines->memory; }

static size_t find(const st_lines *lines, size_t from, char wanted, size_t otherwise) {
    if (from >= lines->end) return otherwise;
    const char *at = memchr(text_of(lines) + from, wanted, lines->end - from);
    return at != NULL ? (size_t)(at - text_of(lines)) : otherwise;
}

static int64_t count_breaks(const char *text, size_t length) {
    int64_t breaks = 0;
    for (size_t i = 0; i < length; i++) breaks += text[i] == '\n';
    return breaks;
}

/* Reads another piece behind what is left. It is read whole, however slowly it comes, so that rescanning a long record
 * stays cheap. */
static st_status read_piece(st_lines *lines) {
    const size_t kept = lines->end - lines->start;
    if (kept > 0 && lines->start > 0) memmove(lines->memory, text_of(lines) + lines->start, kept);
    lines->start = 0;
    lines->end = kept;
    const st_status status = st_grow(lines->host, &lines->memory, &lines->room, kept + PIECE);
    if (status != ST_OK) return status;
    size_t got = 0;
    const size_t wanted = lines->room - kept;
    const st_status read =
        st_source_read(&lines->source, lines->offset, (char *)lines->memory + kept, wanted, -1, &got);
    if (read != ST_OK) return read;
    lines->offset += (int64_t)got;
    lines->ended = got < wanted;
    lines->end += got;
    if (lines->next_line == 0) {
        lines->next_line = 1;
        if (lines->end >= 3 && memcmp(lines->memory, "\xef\xbb\xbf", 3) == 0) lines->start = 3;
    }
    lines->nul_at = find(lines, lines->start, '\0', SIZE_MAX);
    lines->quote_at = find(lines, lines->start, '"', lines->end);
    return ST_OK;
}

static int separates(const st_lines *lines, char c) {
    return lines->separator != 0 ? c == lines->separator : c == ',' || c == '\t';
}

/* Where a record that has a quote stands: whole up to `end`, in need of more text, or wrong at `end`. */
enum { WHOLE, NEEDS_MORE, OPEN_QUOTE, TEXT_AFTER_QUOTE };

static int scan_quoted(const st_lines *lines, size_t *end) {
    const char *text = text_of(lines);
    size_t at = lines->start;
    for (;;) { /* at the start of a field */
        if (at < lines->end && text[at] == '"') {
            const size_t opened = at++;
            for (;;) {
                at = find(lines, at, '"', lines->end);
                if (at == lines->end || (at + 1 == lines->end && !lines->ended)) {
                    *end = opened;
                    return OPEN_QUOTE;
                }
                if (at + 1 == lines->end || text[at + 1] != '"') break;
                at += 2;
            }
            at++;
            *end = at;
            if (at < lines->end && text[at] == '\r') {
                if (at + 1 == lines->end && !lines->ended) return NEEDS_MORE;
                at += at + 1 == lines->end || text[at + 1] == '\n';
            }
            if (at < lines->end && text[at] != '\n' && !separates(lines, text[at])) return TEXT_AFTER_QUOTE;
        }
        while (at < lines->end && text[at] != '\n' && !separates(lines, text[at])) at++;
        *end = at;
        if (at == lines->end) return lines->ended ? WHOLE : NEEDS_MORE;
        if (text[at] == '\n') return WHOLE;
        at++;
    }
}

static st_status fail_over_limit(const st_lines *lines, int64_t quote_line) {
    char quote[64] = "";
    if (quote_line > 0) snprintf(quote, sizeof quote, " (the quote of line %lld is still open)", (long long)quote_line);
    return st_fail(ST_E_FORMAT, "%s, line %lld: is over %zu bytes long%s; is this text? If so, raise the line limit",
                   lines->source.name, (long long)lines->line, lines->limit, quote);
}

st_status st_lines_next(st_lines *lines, st_record *record) {
    memset(record, 0, sizeof *record);
    for (;;) {
        lines->line = lines->next_line;
        size_t end = find(lines, lines->start, '\n', lines->end);
        int state = end < lines->end || lines->ended ? WHOLE : NEEDS_MORE;
        const int has_quotes = lines->quote_at < end;
        if (has_quotes) state = scan_quoted(lines, &end);
        int64_t here = lines->line; /* the line of `end` */
        if (has_quotes) here += count_breaks(text_of(lines) + lines->start, end - lines->start);

        const size_t reach = state == WHOLE ? end : lines->end;
        if (lines->nul_at < reach)
            return st_fail(
                ST_E_FORMAT, "%s, line %lld: has a NUL byte; is it binary, or UTF-16? Text is read as UTF-8",
                lines->source.name,
                (long long)(lines->line + count_breaks(text_of(lines) + lines->start, lines->nul_at - lines->start)));
        if (reach - lines->start > lines->limit) return fail_over_limit(lines, state == OPEN_QUOTE ? here : 0);
        if (state == TEXT_AFTER_QUOTE)
            return st_fail(ST_E_FORMAT,
                           "%s, line %lld: text follows a closing quote; double the quotes inside a quoted field",
                           lines->source.name, (long long)here);
        if (state == OPEN_QUOTE && lines->ended)
            return st_fail(ST_E_FORMAT, "%s, line %lld: a quote opens and never closes", lines->source.name,
                           (long long)here);
        if (state != WHOLE) {
            const st_status status = read_piece(lines);
            if (status != ST_OK) return status;
            continue;
        }
        if (lines->start == lines->end) return ST_OK; /* the end: nothing is left, and nothing more comes */

        const char *text = text_of(lines) + lines->start;
        size_t length = end - lines->start;
        if (length > 0 && text[length - 1] == '\r') length--;
        lines->start = end < lines->end ? end + 1 : end;
        if (has_quotes) lines->quote_at = find(lines, lines->start, '"', lines->end);
        lines->next_line = here + 1;
        if (length == 0) continue;
        *record = (st_record){text, length, has_quotes};
        return ST_OK;
    }
}

void st_lines_back(st_lines *lines, const st_record *record) {
    lines->start = (size_t)(record->text - text_of(lines));
    lines->next_line = lines->line;
    lines->quote_at = find(lines, lines->start, '"', lines->end);
}

void st_lines_release(st_lines *lines) {
    st_source_close(&lines->source);
    if (lines->host != NULL) st_release(lines->host, lines->memory, lines->room);
    lines->memory = NULL;
    lines->room = 0;
}

/* The field at `at`, and where its separator is (or the end). The record was scanned: its quotes are well formed. */
static const char *field_at(const char *at, const char *end, char separator, int has_quotes, st_field *field) {
    const char *from = at;
    field->quoted = has_quotes && at < end && *at == '"';
    if (field->quoted) {
        for (from = at + 1;
             (from = memchr(from, '"', (size_t)(end - from))) != NULL && from + 1 < end && from[1] == '"';)
            from += 2;
        field->text = at + 1;
        field->length = (size_t)(from - field->text);
    }
    const char *stop = memchr(from, separator, (size_t)(end - from));
    if (stop == NULL) stop = end;
    if (!field->quoted) {
        field->text = at;
        field->length = (size_t)(stop - at);
    }
    return stop;
}

int st_record_field(const st_record *record, char separator, int64_t position, st_field *field, int64_t *count) {
    const char *at = record->text, *end = at + record->length;
    for (*count = 1;; ++*count) {
        at = field_at(at, end, separator, record->has_quotes, field);
        if (*count > position) return 1;
        if (at == end) return 0;
        at++;
    }
}

size_t st_field_copy(const st_field *field, char *copy) {
    if (!field->quoted || memchr(field->text, '"', field->length) == NULL) {
        memmove(copy, field->text, field->length);
        return field->length;
    }
    size_t used = 0;
    for (size_t i = 0; i < field->length; i++) {
        copy[used++] = field->text[i];
        i += field->text[i] == '"'; /* its double */
    }
    return used;
}
