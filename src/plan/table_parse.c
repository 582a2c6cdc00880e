/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* table_parse.c - JSON to a table, by jansson: every value is checked, and one that is wrong is named. */
#include "plan/table.h"

#include <string.h>

#include "base/fail.h"
#include "base/memory.h"

static st_status check_arguments(const st_host *host, const char *text, const char *name, st_table **table,
                                 const st_table_problem *problem, st_host *resolved) {
    if (table == NULL) return st_fail(ST_E_ARGUMENT, "table is NULL; give the address of a pointer");
    *table = NULL;
    if (text == NULL || name == NULL) return st_fail(ST_E_ARGUMENT, "%s is NULL", text == NULL ? "text" : "name");
    if (problem != NULL && problem->struct_size != sizeof *problem)
        return st_fail(ST_E_ARGUMENT, "problem.struct_size is %u; set it to sizeof(st_table_problem)", problem->struct_size);
    return st_host_resolve(host, resolved);
}

#ifdef ST_JANSSON

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "device/choice_fields.h"
#include "plan/decide.h"
#include "spiraltorch/number.h"

/* An array of objects is two deep; a few more are for fields that later versions may add. */
enum { MOST_DEPTH = 8 };

struct reader {
    char name[ST_SHOWN_PATH_BYTES];
    int32_t entry; /* from 1; 0: none yet */
    int64_t unknown;
    char unknown_name[32];
    st_table_problem problem;
};

static st_status wrong(struct reader *reader, const char *field, const char *format, ...) __attribute__((format(printf, 3, 4)));

static st_status wrong(struct reader *reader, const char *field, const char *format, ...) {
    char what[256], shown[48];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    reader->problem.entry = reader->entry;
    snprintf(reader->problem.field, sizeof reader->problem.field, "%.31s", field);
    st_show_text(shown, sizeof shown, field, strlen(field));
    if (reader->entry == 0) return st_fail(ST_E_FORMAT, "%s: %s", reader->name, what);
    return st_fail(ST_E_FORMAT, "%s: entry %d: %s%s%s", reader->name, reader->entry, shown, field[0] == '\0' ? "" : ": ", what);
}

/* ---- values ------------------------------------------------------------------------------------------------------- */

static const char *type_name(const json_t *value) {
    switch (json_typeof(value)) {
        case JSON_OBJECT: return "an object";
        case JSON_ARRAY: return "an array";
        case JSON_STRING: return "a string";
        case JSON_TRUE:
        case JSON_FALSE: return "a boolean";
        case JSON_NULL: return "null";
        default: return "a number";
    }
}

static st_status read_integer(struct reader *reader, const char *field, const json_t *value, int64_t low, int64_t high, int64_t *number) {
    if (!json_is_number(value)) return wrong(reader, field, "is %s; it must be a number", type_name(value));
    char shown[32];
    const double real = json_number_value(value);
    if (json_is_integer(value)) {
        *number = json_integer_value(value);
    } else {
        st_format_element(ST_F64, &real, shown);
        if (real != floor(real)) return wrong(reader, field, "is %s; it must be a whole number", shown);
        if (fabs(real) > 0x1p53)
            return wrong(reader, field, "is %s; it must be from %" PRId64 " to %" PRId64, shown, low, high);
        *number = (int64_t)real;
    }
    if (*number < low || *number > high)
        return wrong(reader, field, "is %" PRId64 "; it must be from %" PRId64 " to %" PRId64, *number, low, high);
    return ST_OK;
}

/* true and false, or 1 and 0, which programs without booleans write. */
static st_status read_flag(struct reader *reader, const char *field, const json_t *value, int32_t *flag) {
    int64_t number = json_is_true(value);
    if (!json_is_boolean(value)) {
        if (!json_is_number(value)) return wrong(reader, field, "is %s; it must be true or false", type_name(value));
        const st_status status = read_integer(reader, field, value, 0, 1, &number);
        if (status != ST_OK) return status;
    }
    *flag = (int32_t)number;
    return ST_OK;
}

static st_status read_real(struct reader *reader, const char *field, const json_t *value, double low, double high, double *number) {
    char shown[3][32];
    if (!json_is_number(value)) return wrong(reader, field, "is %s; it must be a number", type_name(value));
    *number = json_number_value(value);
    if (*number >= low && *number <= high) return ST_OK;
    st_format_element(ST_F64, number, shown[0]);
    st_format_element(ST_F64, &low, shown[1]);
    st_format_element(ST_F64, &high, shown[2]);
    return wrong(reader, field, "is %s; it must be from %s to %s", shown[0], shown[1], shown[2]);
}

static st_status read_text(struct reader *reader, const char *field, const json_t *value, char *text, size_t size) {
    if (!json_is_string(value)) return wrong(reader, field, "is %s; it must be a string", type_name(value));
    const size_t length = json_string_length(value);
    if (length >= size) return wrong(reader, field, "has %zu bytes; it may have %zu", length, size - 1);
    memcpy(text, json_string_value(value), length + 1);
    return ST_OK;
}

static st_status bad_word(struct reader *reader, const char *field, const char *word, const char *allowed) {
    char shown[48];
    st_show_text(shown, sizeof shown, word, strlen(word));
    return wrong(reader, field, "is \"%s\"; it must be %s", shown, allowed);
}

/* ---- fields with words of their own -------------------------------------------------------------------------------- */

static st_status read_kind(struct reader *reader, const char *field, const json_t *value, st_table_entry *entry) {
    char word[64];
    const st_status status = read_text(reader, field, value, word, sizeof word);
    if (status != ST_OK) return status;
    for (entry->kind = ST_TOPK; entry->kind <= ST_WINDOW; entry->kind++)
        if (strcmp(word, st_kind_name(entry->kind)) == 0) return ST_OK;
    return bad_word(reader, field, word, "topk, midk, bottomk or window");
}

static st_status read_dtype(struct reader *reader, const char *field, const json_t *value, st_table_entry *entry) {
    static const char *const classes[] = {"8-bit", "16-bit", "32-bit", "64-bit"};
    char word[64];
    const st_status status = read_text(reader, field, value, word, sizeof word);
    if (status != ST_OK) return status;
    for (int i = 0; i < 4; i++)
        if (strcmp(word, classes[i]) == 0) {
            entry->bits = 8 << i;
            return ST_OK;
        }
    entry->dtype = st_dtype_from_name(word);
    entry->bits = (int32_t)st_dtype_size(entry->dtype) * 8;
    if (entry->dtype != 0) return ST_OK;
    return bad_word(reader, field, word, "a dtype such as f32, or 8-bit, 16-bit, 32-bit or 64-bit");
}

static st_status read_backend(struct reader *reader, const char *field, const json_t *value, st_table_entry *entry) {
    const st_status status = read_text(reader, field, value, entry->backend, sizeof entry->backend);
    if (status != ST_OK) return status;
    if (entry->backend[strspn(entry->backend, "abcdefghijklmnopqrstuvwxyz0123456789")] == '\0') return ST_OK;
    return bad_word(reader, field, entry->backend, "a name of lower-case letters and digits, such as cpu or cuda");
}

static st_status read_hash(struct reader *reader, const char *field, const json_t *value, st_table_entry *entry) {
    char word[24];
    const st_status status = read_text(reader, field, value, word, sizeof word);
    if (status != ST_OK) return status;
    uint64_t hash = 0;
    const char *digits = word[0] == '0' && (word[1] == 'x' || word[1] == 'X') ? word + 2 : word;
    const size_t length = strlen(digits);
    if (length == 0 || length > 16 || strspn(digits, "0123456789abcdefABCDEF") != length)
        return bad_word(reader, field, word, "1 to 16 hexadecimal digits");
    for (const char *at = digits; *at != '\0'; at++)
        hash = hash << 4 | (uint64_t)(*at <= '9' ? *at - '0' : (*at | 0x20) - 'a' + 10);
    snprintf(entry->kernel_hash, sizeof entry->kernel_hash, "%016" PRIx64, hash);
    return ST_OK;
}

/* ---- an entry ------------------------------------------------------------------------------------------------------ */

enum { INTEGER, NARROW, FLAG, REAL, TEXT, WORD, SCHEMA };

struct field {
    const char *name;
    int32_t type, required;
    size_t offset;
    int64_t low, high; /* TEXT: the size in bytes is high */
    st_status (*read)(struct reader *reader, const char *field, const json_t *value, st_table_entry *entry);
};

#define AT(member) offsetof(st_table_entry, member)
#define SIZED(member) AT(member), 0, sizeof((st_table_entry *)0)->member

static const struct field fields[] = {
    {"rows", INTEGER, 1, AT(rows), 1, ST_TABLE_MOST_ROWS, NULL},
    {"cols_min", INTEGER, 1, AT(cols_min), 0, ST_TABLE_MOST_COLS, NULL},
    {"cols_max", INTEGER, 1, AT(cols_max), 0, ST_TABLE_MOST_COLS, NULL},
    {"k_min", INTEGER, 0, AT(k_min), 0, ST_TABLE_MOST_COLS, NULL},
    {"k_max", INTEGER, 1, AT(k_max), 0, ST_TABLE_MOST_COLS, NULL},
    {"sg", FLAG, 1, AT(sg), 0, 1, NULL},
    {"kind", WORD, 0, 0, 0, 0, read_kind},
    {"dtype", WORD, 0, 0, 0, 0, read_dtype},
    {"threads", NARROW, 0, AT(threads), 1, ST_TABLE_MOST_THREADS, NULL},
    {"backend", WORD, 0, 0, 0, 0, read_backend},
    {"device", TEXT, 0, SIZED(device), NULL},
    {"driver", TEXT, 0, SIZED(driver), NULL},
    {"isa", TEXT, 0, SIZED(isa), NULL},
    {"kernel_hash", WORD, 0, 0, 0, 0, read_hash},
    {"n", INTEGER, 0, AT(n), 1, (int64_t)1 << 53, NULL},
    {"mean_log_ns", REAL, 0, AT(mean_log_ns), -100, 100, NULL},
    {"var_log_ns", REAL, 0, AT(var_log_ns), 0, 10000, NULL},
    {"gain", REAL, 0, AT(gain), -100, 100, NULL},
    {"gain_error", REAL, 0, AT(gain_error), 0, 100, NULL},
    {"trusted", FLAG, 0, AT(trusted), 0, 1, NULL},
    {"schema", SCHEMA, 0, 0, 1, 1, NULL},
};

enum { FIELDS = sizeof fields / sizeof fields[0] };

static st_status read_field(struct reader *reader, const struct field *field, const json_t *value, st_table_entry *entry) {
    char *at = (char *)entry + field->offset;
    int64_t number = 0;
    int32_t narrow;
    double real;
    st_status status = ST_OK;
    switch (field->type) {
        case INTEGER:
            status = read_integer(reader, field->name, value, field->low, field->high, &number);
            memcpy(at, &number, sizeof number);
            return status;
        case NARROW:
            status = read_integer(reader, field->name, value, field->low, field->high, &number);
            narrow = (int32_t)number;
            memcpy(at, &narrow, sizeof narrow);
            return status;
        case FLAG:
            if ((status = read_flag(reader, field->name, value, &narrow)) == ST_OK) memcpy(at, &narrow, sizeof narrow);
            return status;
        case REAL:
            if ((status = read_real(reader, field->name, value, (double)field->low, (double)field->high, &real)) == ST_OK)
                memcpy(at, &real, sizeof real);
            return status;
        case TEXT: return read_text(reader, field->name, value, at, (size_t)field->high);
        case SCHEMA: return read_integer(reader, field->name, value, field->low, field->high, &number);
        default: return field->read(reader, field->name, value, entry);
    }
}

static st_status read_choice_field(struct reader *reader, int32_t position, const json_t *value, st_table_entry *entry) {
    const st_choice_field *about = st_choice_field_at(position);
    int64_t number = 0;
    int32_t flag = 0;
    const st_status status = position == ST_FIELD_USE_2CE ? read_flag(reader, about->name, value, &flag)
                                                          : read_integer(reader, about->name, value, about->low, about->high, &number);
    if (status != ST_OK) return status;
    st_choice_set(&entry->choice, position, position == ST_FIELD_USE_2CE ? flag : (int32_t)number);
    entry->decided |= 1u << position;
    return ST_OK;
}

static st_status check_whole(struct reader *reader, st_table_entry *entry, uint32_t seen) {
    if (entry->n == 0) entry->mean_log_ns = entry->var_log_ns = entry->gain = entry->gain_error = 0;
    for (int i = 0; i < FIELDS; i++)
        if (fields[i].required && !(seen >> i & 1)) return wrong(reader, fields[i].name, "is missing");
    if (!(entry->decided >> ST_FIELD_MK & 1)) return wrong(reader, "mk", "is missing");
    if (entry->cols_min > entry->cols_max)
        return wrong(reader, "cols_max", "is %" PRId64 ", below cols_min, %" PRId64, entry->cols_max, entry->cols_min);
    if (entry->k_min > entry->k_max)
        return wrong(reader, "k_max", "is %" PRId64 ", below k_min, %" PRId64, entry->k_max, entry->k_min);
    return ST_OK;
}

static st_status read_entry(struct reader *reader, json_t *object, st_table_entry *entry) {
    const char *key;
    json_t *value;
    uint32_t seen = 0;
    memset(entry, 0, sizeof *entry);
    if (!json_is_object(object)) return wrong(reader, "", "is %s; it must be an object", type_name(object));
    json_object_foreach(object, key, value) {
        st_status status = ST_OK;
        int known = 0;
        for (int i = 0; i < FIELDS && !known; i++) {
            if (strcmp(key, fields[i].name) != 0) continue;
            known = 1;
            seen |= 1u << i;
            status = read_field(reader, &fields[i], value, entry);
        }
        for (int32_t i = 0; i < ST_FIELDS && !known; i++) {
            if (strcmp(key, st_choice_field_at(i)->name) != 0) continue;
            known = 1;
            status = read_choice_field(reader, i, value, entry);
        }
        if (status != ST_OK) return status;
        if (!known && reader->unknown++ == 0) st_show_text(reader->unknown_name, sizeof reader->unknown_name, key, strlen(key));
    }
    return check_whole(reader, entry, seen);
}

/* ---- the text ------------------------------------------------------------------------------------------------------- */

/* jansson's own limit is compiled in, and far more than a table needs. Brackets in strings do not count. */
static st_status check_depth(struct reader *reader, const char *text, size_t bytes) {
    int depth = 0, in_string = 0;
    int32_t line = 1;
    for (size_t i = 0; i < bytes; i++) {
        const char byte = text[i];
        line += byte == '\n';
        if (in_string && byte == '\\')
            i++;
        else if (byte == '"')
            in_string = !in_string;
        else if (!in_string && (byte == '[' || byte == '{'))
            depth++;
        else if (!in_string && (byte == ']' || byte == '}'))
            depth--;
        if (depth > MOST_DEPTH) {
            reader->problem.line = line;
            return wrong(reader, "", "line %d: brackets nest more than %d deep", line, MOST_DEPTH);
        }
    }
    return ST_OK;
}

static st_status load(struct reader *reader, const char *text, size_t bytes, json_t **root) {
    json_error_t error;
    if (bytes > ST_TABLE_MOST_BYTES) return wrong(reader, "", "is larger than %d bytes, the most that a table may have", ST_TABLE_MOST_BYTES);
    const st_status status = check_depth(reader, text, bytes);
    if (status != ST_OK) return status;
    *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
    if (*root == NULL && json_error_code(&error) == json_error_out_of_memory)
        return st_fail(ST_E_MEMORY, "%s: no memory to read it", reader->name);
    if (*root == NULL) {
        char shown[200];
        reader->problem.line = error.line;
        reader->problem.column = error.column;
        st_show_text(shown, sizeof shown, error.text, strlen(error.text));
        return wrong(reader, "", "line %d, column %d: %s", error.line, error.column, shown);
    }
    if (!json_is_array(*root)) return wrong(reader, "", "is %s; a table is an array of entries", type_name(*root));
    if (json_array_size(*root) > ST_TABLE_MOST_ENTRIES)
        return wrong(reader, "", "has %zu entries; a table may have %d", json_array_size(*root), ST_TABLE_MOST_ENTRIES);
    return ST_OK;
}

static st_status read_entries(const st_host *host, struct reader *reader, const json_t *root, int keep_trust, st_table **table) {
    const int32_t count = (int32_t)json_array_size(root);
    const size_t bytes = (size_t)count * sizeof(st_table_entry);
    st_table_entry *entries = st_allocate(host, bytes);
    if (entries == NULL && count > 0) return st_fail(ST_E_MEMORY, "%s: no memory for %d entries", reader->name, count);
    st_status status = ST_OK;
    for (int32_t i = 0; i < count && status == ST_OK; i++) {
        reader->entry = i + 1;
        status = read_entry(reader, json_array_get(root, (size_t)i), &entries[i]);
        if (!keep_trust) entries[i].trusted = 0;
    }
    if (status == ST_OK) status = st_table_build(host, entries, count, reader->name, table);
    st_release(host, entries, bytes);
    return status;
}

st_status st_table_parse(const st_host *host, const char *text, size_t bytes, const char *name, int keep_trust, st_table **table,
                         st_table_problem *problem) {
    st_host resolved;
    struct reader reader;
    json_t *root = NULL;
    memset(&reader, 0, sizeof reader);
    reader.problem.struct_size = sizeof reader.problem;
    st_status status = check_arguments(host, text, name, table, problem, &resolved);
    if (status != ST_OK) return status;
    st_show_path(reader.name, name);
    status = load(&reader, text, bytes, &root);
    if (status == ST_OK) status = read_entries(&resolved, &reader, root, keep_trust, table);
    json_decref(root);
    if (status == ST_OK) {
        (*table)->unknown = reader.unknown;
        memcpy((*table)->unknown_name, reader.unknown_name, sizeof reader.unknown_name);
    } else if (status == ST_E_FORMAT && problem != NULL) {
        *problem = reader.problem;
    }
    return status;
}

#else

st_status st_table_parse(const st_host *host, const char *text, size_t bytes, const char *name, int keep_trust, st_table **table,
                         st_table_problem *problem) {
    st_host resolved;
    char shown[ST_SHOWN_PATH_BYTES];
    const st_status status = check_arguments(host, text, name, table, problem, &resolved);
    (void)bytes;
    (void)keep_trust;
    if (status != ST_OK) return status;
    return st_fail(ST_E_UNSUPPORTED,
                   "%s: this build cannot read JSON: it was made without the library jansson (Debian: libjansson-dev)",
                   st_show_path(shown, name));
}

#endif

st_status st_table_read_text(const st_host *host, const char *text, uint64_t bytes, const char *name, st_table **table,
                             st_table_problem *problem) {
    if (bytes > SIZE_MAX) return st_fail(ST_E_ARGUMENT, "bytes is larger than memory");
    return st_table_parse(host, text, (size_t)bytes, name, 0, table, problem);
}
