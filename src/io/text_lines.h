/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* text_lines.h - text cut into records (lines, or several where a quoted field has line breaks) and records into
 * fields. */
#ifndef ST_IO_TEXT_LINES_H
#define ST_IO_TEXT_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "io/source.h"
#include "spiraltorch/host.h"
#include "spiraltorch/status.h"

typedef struct st_lines {
    const st_host *host;
    st_source source;
    int64_t offset; /* bytes read so far */
    size_t limit;   /* longest record in bytes */
    char separator; /* ',' or '\t'; 0: not known yet, both separate */
    int64_t line;   /* where the record begins, from 1 */

    void *memory;
    size_t room;
    size_t start, end; /* what was read and not yet handed out */
    size_t quote_at;   /* the first quote from start on, or end */
    size_t nul_at;     /* the first NUL, or SIZE_MAX */
    int ended;         /* the source has no more */
    int64_t next_line;
} st_lines;

/* A record without its line break, valid until the next call. has_quotes: some field may be quoted. */
typedef struct st_record {
    const char *text;
    size_t length;
    int has_quotes;
} st_record;

/* A field; a quoted one without its quotes, but with quotes inside still doubled. */
typedef struct st_field {
    const char *text;
    size_t length;
    int quoted;
} st_field;

/* The next record, the empty ones skipped; text NULL at the end. ST_E_FORMAT, ST_E_IO, ST_E_MEMORY. */
st_status st_lines_next(st_lines *lines, st_record *record);

/* Undoes the last st_lines_next, once. */
void st_lines_back(st_lines *lines, const st_record *record);

void st_lines_release(st_lines *lines);

/* Field `position` (from 0) of a record of this separator; returns 0 where there are fewer, their number in *count. */
int st_record_field(const st_record *record, char separator, int64_t position, st_field *field, int64_t *count);

/* Copies a field with single quotes for doubled ones; returns the bytes. `copy` has field->length bytes; it may be the
 * field's own text. */
size_t st_field_copy(const st_field *field, char *copy);

#endif
