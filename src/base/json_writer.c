/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* json_writer.c - writing JSON piece by piece, refusing what would not be JSON. */
#include "spiraltorch/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/utf8.h"
#include "spiraltorch/number.h"

enum { OBJECT = 1, ARRAY = 2 };
/* What the writer stands behind: nothing (of the document or of a container), a value, or a key. */
enum { AT_START = 0, AFTER_VALUE = 1, AFTER_KEY = 2 };
enum { FINE = 0, MISUSED = 1, REFUSED = 2 };
enum { MOST_DEPTH = 64 };

static void put_bytes(st_json_writer *writer, const char *text, size_t bytes) {
    if (writer->failed == FINE && bytes != 0 && writer->sink(writer->user, text, bytes) != 0) writer->failed = REFUSED;
}

static void put(st_json_writer *writer, const char *text) { put_bytes(writer, text, strlen(text)); }

static int is_usable(st_json_writer *writer) { return writer != NULL && writer->failed == FINE; }

static int inside(const st_json_writer *writer) { return writer->depth > 0 ? writer->kinds[writer->depth - 1] : 0; }

/* Makes ready for a value: checks that one may stand here, and writes the comma. Returns whether it may. */
static int begin_value(st_json_writer *writer) {
    if (!is_usable(writer)) return 0;
    const int kind = inside(writer);
    if ((kind == OBJECT && writer->state != AFTER_KEY) || (kind == 0 && writer->state != AT_START)) {
        writer->failed = MISUSED;
        return 0;
    }
    if (kind == ARRAY && writer->state == AFTER_VALUE) put(writer, ",");
    writer->state = AFTER_VALUE;
    return 1;
}

static void begin_container(st_json_writer *writer, uint8_t kind, const char *bracket) {
    if (!begin_value(writer)) return;
    if (writer->depth == MOST_DEPTH) {
        writer->failed = MISUSED;
        return;
    }
    put(writer, bracket);
    writer->kinds[writer->depth++] = kind;
    writer->state = AT_START;
}

static void end_container(st_json_writer *writer, uint8_t kind, const char *bracket) {
    if (!is_usable(writer)) return;
    if (inside(writer) != kind || writer->state == AFTER_KEY) {
        writer->failed = MISUSED;
        return;
    }
    put(writer, bracket);
    writer->depth--;
    writer->state = AFTER_VALUE;
}

static void put_quoted(st_json_writer *writer, const char *text) {
    const unsigned char *bytes = (const unsigned char *)text;
    const size_t length = strlen(text);
    size_t plain = 0; /* where the run that needs no escape begins */
    put(writer, "\"");
    for (size_t at = 0; at < length;) {
        uint32_t code = 0;
        const int step = st_utf8_next(bytes + at, length - at, &code);
        if (step > 0 && code >= 0x20 && code != '"' && code != '\\') {
            at += (size_t)step;
            continue;
        }
        put_bytes(writer, text + plain, at - plain);
        char escape[8];
        if (step < 0)
            put(writer, "\xef\xbf\xbd");
        else if (code == '"' || code == '\\')
            put_bytes(writer, (const char[2]){'\\', (char)code}, 2);
        else if (code == '\n' || code == '\r' || code == '\t')
            put(writer, code == '\n' ? "\\n" : code == '\r' ? "\\r" : "\\t");
        else {
            snprintf(escape, sizeof escape, "\\u%04x", (unsigned)code);
            put(writer, escape);
        }
        at += (size_t)(step < 0 ? -step : step);
        plain = at;
    }
    put_bytes(writer, text + plain, length - plain);
    put(writer, "\"");
}

void st_json_start(st_json_writer *writer, int32_t (*sink)(void *user, const char *text, uint64_t bytes), void *user) {
    if (writer == NULL) return;
    memset(writer, 0, sizeof *writer);
    writer->struct_size = sizeof *writer;
    writer->sink = sink;
    writer->user = user;
    if (sink == NULL) writer->failed = MISUSED;
}

void st_json_begin_object(st_json_writer *writer) { begin_container(writer, OBJECT, "{"); }
void st_json_end_object(st_json_writer *writer) { end_container(writer, OBJECT, "}"); }
void st_json_begin_array(st_json_writer *writer) { begin_container(writer, ARRAY, "["); }
void st_json_end_array(st_json_writer *writer) { end_container(writer, ARRAY, "]"); }

void st_json_key(st_json_writer *writer, const char *key) {
    if (!is_usable(writer)) return;
    if (key == NULL || inside(writer) != OBJECT || writer->state == AFTER_KEY) {
        writer->failed = MISUSED;
        return;
    }
    if (writer->state == AFTER_VALUE) put(writer, ",");
    put_quoted(writer, key);
    put(writer, ":");
    writer->state = AFTER_KEY;
}

void st_json_string(st_json_writer *writer, const char *text) {
    if (!begin_value(writer)) return;
    if (text == NULL)
        put(writer, "null");
    else
        put_quoted(writer, text);
}

void st_json_element(st_json_writer *writer, st_dtype dtype, const void *element) {
    char text[32];
    if (!is_usable(writer)) return;
    const int32_t length = st_format_element(dtype, element, text);
    if (length == 0) {
        writer->failed = MISUSED;
        return;
    }
    if (!begin_value(writer)) return;
    const char last = text[length - 1]; /* of nan and inf a letter, of a number a digit */
    if (length == 2 && text[0] == '-' && text[1] == '0')
        put(writer, "-0.0"); /* readers that tell integers from floats would lose the sign of "-0" */
    else if (last >= '0' && last <= '9')
        put_bytes(writer, text, (size_t)length);
    else
        put_quoted(writer, text);
}

void st_json_integer(st_json_writer *writer, int64_t value) { st_json_element(writer, ST_I64, &value); }
void st_json_number(st_json_writer *writer, double value) { st_json_element(writer, ST_F64, &value); }

void st_json_boolean(st_json_writer *writer, int32_t value) {
    if (begin_value(writer)) put(writer, value ? "true" : "false");
}

void st_json_member_string(st_json_writer *writer, const char *key, const char *text) {
    st_json_key(writer, key);
    st_json_string(writer, text);
}

void st_json_member_integer(st_json_writer *writer, const char *key, int64_t value) {
    st_json_key(writer, key);
    st_json_integer(writer, value);
}

void st_json_member_boolean(st_json_writer *writer, const char *key, int32_t value) {
    st_json_key(writer, key);
    st_json_boolean(writer, value);
}

void st_json_member_number(st_json_writer *writer, const char *key, double value) {
    st_json_key(writer, key);
    st_json_number(writer, value);
}

st_status st_json_finish(st_json_writer *writer) {
    if (writer == NULL) return st_fail(ST_E_ARGUMENT, "writer: is NULL");
    if (writer->failed == REFUSED)
        return st_fail(ST_E_IO, "JSON: the sink refused the text; what came out is cut short");
    if (writer->failed != FINE)
        return st_fail(ST_E_STATE,
                       "JSON: a call did not fit (key outside an object, value without a key, end without its "
                       "begin, a second value, depth over %d, or no sink)",
                       MOST_DEPTH);
    if (writer->depth != 0 || writer->state != AFTER_VALUE)
        return st_fail(ST_E_STATE, "JSON: the value is not whole; %d objects or arrays are still open",
                       (int)writer->depth);
    return ST_OK;
}
