/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* npy_header.c - the header of a .npy file: a strict reader of the dict that NumPy writes, and its writer. */
#include "io/npy_header.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/fail.h"
#include "base/show_text.h"

const char st_npy_magic[ST_NPY_MAGIC_BYTES] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};

enum { IS_LITTLE = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ };

struct cursor {
    const char *name, *start, *at, *end;
};

static st_status fail_here(const struct cursor *cursor, const char *expected) {
    char shown[48];
    const size_t left = (size_t)(cursor->end - cursor->at);
    return st_fail(ST_E_FORMAT,
                   "%s: .npy header, character %td: expected %s, found \"%s\"; the file is damaged or not from NumPy",
                   cursor->name, cursor->at - cursor->start + 1, expected,
                   st_show_text(shown, sizeof shown, cursor->at, left < 24 ? left : 24));
}

static void skip_spaces(struct cursor *cursor) {
    while (cursor->at < cursor->end &&
           (*cursor->at == ' ' || *cursor->at == '\n' || *cursor->at == '\t' || *cursor->at == '\r'))
        cursor->at++;
}

static int take(struct cursor *cursor, char wanted) {
    skip_spaces(cursor);
    if (cursor->at == cursor->end || *cursor->at != wanted) return 0;
    cursor->at++;
    return 1;
}

static int take_word(struct cursor *cursor, const char *word) {
    const size_t length = strlen(word);
    skip_spaces(cursor);
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, word, length) != 0) return 0;
    cursor->at += length;
    return 1;
}

/* A Python string without escapes: no key or dtype that we can read has one. */
static st_status take_string(struct cursor *cursor, const char *expected, const char **text, size_t *length) {
    skip_spaces(cursor);
    if (cursor->at == cursor->end || (*cursor->at != '\'' && *cursor->at != '"')) return fail_here(cursor, expected);
    const char quote = *cursor->at;
    const char *at = cursor->at + 1;
    while (at < cursor->end && *at != quote && *at != '\\' && *at != '\n') at++;
    if (at == cursor->end || *at != quote) return fail_here(cursor, "a plain quoted string");
    *text = cursor->at + 1;
    *length = (size_t)(at - *text);
    cursor->at = at + 1;
    return ST_OK;
}

static int is_digit(char c) { return c >= '0' && c <= '9'; }

static st_status take_axis(struct cursor *cursor, int64_t *axis) {
    const char *first = cursor->at;
    int64_t value = 0;
    for (; cursor->at < cursor->end && is_digit(*cursor->at); cursor->at++) {
        if (!st_multiply_i64(value, 10, &value) || !st_add_i64(value, *cursor->at - '0', &value) ||
            value > (int64_t)1 << 62) {
            cursor->at = first;
            return fail_here(cursor, "an axis of at most 2^62 elements");
        }
    }
    if (cursor->at == first || (*first == '0' && cursor->at - first > 1)) {
        cursor->at = first;
        return fail_here(cursor, "an axis: decimal digits");
    }
    *axis = value;
    return ST_OK;
}

static st_status take_shape(struct cursor *cursor, st_npy_header *header) {
    if (!take(cursor, '(')) return fail_here(cursor, "the shape, a tuple");
    int comma = 0;
    while (!take(cursor, ')')) {
        if (header->dims > 0 && !comma) return fail_here(cursor, "',' or ')'");
        if (header->dims == 8)
            return st_fail(ST_E_FORMAT, "%s: .npy header: over 8 axes; reshape the array to 8 or fewer", cursor->name);
        const st_status status = take_axis(cursor, &header->shape[header->dims]);
        if (status != ST_OK) return status;
        header->dims++;
        comma = take(cursor, ',');
    }
    if (header->dims == 0)
        return st_fail(ST_E_FORMAT, "%s: the array is a scalar, shape (); save it with np.atleast_1d", cursor->name);
    if (header->dims == 1 && !comma) return fail_here(cursor, "',' before ')': a tuple of one axis has one");
    return ST_OK;
}

static st_status take_dtype(struct cursor *cursor, st_npy_header *header) {
    static const struct {
        const char *code;
        st_dtype dtype;
    } codes[] = {{"f4", ST_F32}, {"f8", ST_F64}, {"f2", ST_F16}, {"i1", ST_I8},  {"u1", ST_U8},  {"i2", ST_I16},
                 {"u2", ST_U16}, {"i4", ST_I32}, {"u4", ST_U32}, {"i8", ST_I64}, {"u8", ST_U64}, {"V2", 0}};
    const char *text = NULL;
    size_t length = 0;
    skip_spaces(cursor);
    if (cursor->at < cursor->end && *cursor->at == '[')
        return st_fail(ST_E_FORMAT, "%s: a structured dtype; save one field: np.save(file, array['field'])",
                       cursor->name);
    const st_status status = take_string(cursor, "the dtype, a string such as '<f4'", &text, &length);
    if (status != ST_OK) return status;
    char shown[48];
    st_show_text(shown, sizeof shown, text, length);
    const char order = length > 0 ? text[0] : '\0';
    const int has_order = order == '<' || order == '>' || order == '|' || order == '=';
    const char *code = text + has_order;
    const size_t code_length = length - (size_t)has_order;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (code_length != 2 || memcmp(code, codes[i].code, 2) != 0) continue;
        header->dtype = codes[i].dtype;
        header->is_void = codes[i].dtype == 0;
        const int one_byte = code[1] == '1';
        if (order == '|' && !one_byte && !header->is_void) break; /* a number of several bytes has an order */
        header->swapped = !one_byte && order == (IS_LITTLE ? '>' : '<');
        return ST_OK;
    }
    const char kind = code_length > 0 ? code[0] : '\0';
    const char *fix = "convert with array.astype('float32')";
    if (kind == 'O')
        fix = "object arrays hold Python objects, which are not read; convert with array.astype('float64')";
    if (kind == 'b' || kind == '?') fix = "booleans are not ranked; convert with array.astype('uint8')";
    if (kind == 'c') fix = "complex numbers have no order; save array.real or np.abs(array)";
    if (kind == 'S' || kind == 'U' || kind == 'a')
        fix = "strings are not numbers; convert with array.astype('float64')";
    if (kind == 'M' || kind == 'm') fix = "times are read as integers: save array.view('int64')";
    return st_fail(ST_E_FORMAT, "%s: dtype '%s' is not read; %s", cursor->name, shown, fix);
}

static st_status take_order(struct cursor *cursor, int *fortran) {
    *fortran = take_word(cursor, "True");
    if (!*fortran && !take_word(cursor, "False")) return fail_here(cursor, "True or False");
    return ST_OK;
}

static st_status take_entry(struct cursor *cursor, unsigned *seen, int *fortran, st_npy_header *header) {
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    const char *key = NULL;
    size_t length = 0;
    st_status status = take_string(cursor, "a key: 'descr', 'fortran_order' or 'shape'", &key, &length);
    if (status != ST_OK) return status;
    unsigned which = 0;
    while (which < 3 && (strlen(keys[which]) != length || memcmp(keys[which], key, length) != 0)) which++;
    if (which == 3 || (*seen & 1u << which) != 0) {
        cursor->at = key;
        return fail_here(cursor, "each of 'descr', 'fortran_order' and 'shape' once");
    }
    *seen |= 1u << which;
    if (!take(cursor, ':')) return fail_here(cursor, "':'");
    if (which == 0) return take_dtype(cursor, header);
    if (which == 1) return take_order(cursor, fortran);
    return take_shape(cursor, header);
}

/* Sizes: an axis of 0 makes the array empty whatever the others say, but they must still make sense. */
static st_status count_elements(struct cursor *cursor, st_npy_header *header) {
    int64_t product = 1;
    int empty = 0;
    for (int32_t i = 0; i < header->dims; i++) {
        if (header->shape[i] == 0)
            empty = 1;
        else if (!st_multiply_i64(product, header->shape[i], &product) || product > (int64_t)1 << 62)
            return st_fail(ST_E_FORMAT, "%s: .npy header: the shape has over 2^62 elements; the header is damaged",
                           cursor->name);
    }
    header->elements = empty ? 0 : product;
    const int64_t size = header->is_void ? 2 : st_dtype_size(header->dtype);
    if (!st_multiply_i64(header->elements, size, &header->bytes))
        return st_fail(ST_E_FORMAT, "%s: .npy header: the shape has over 2^63 bytes; the header is damaged",
                       cursor->name);
    return ST_OK;
}

st_status st_npy_parse(const char *name, const char *text, size_t length, st_npy_header *header) {
    struct cursor cursor = {name, text, text, text + length};
    unsigned seen = 0;
    int fortran = 0;
    memset(header, 0, sizeof *header);
    if (!take(&cursor, '{')) return fail_here(&cursor, "'{'");
    int comma = 1;
    while (!take(&cursor, '}')) {
        if (!comma) return fail_here(&cursor, "',' or '}'");
        const st_status status = take_entry(&cursor, &seen, &fortran, header);
        if (status != ST_OK) return status;
        comma = take(&cursor, ',');
    }
    skip_spaces(&cursor);
    if (cursor.at != cursor.end) return fail_here(&cursor, "nothing after '}'");
    if (seen != 7) return fail_here(&cursor, "'descr', 'fortran_order' and 'shape' before '}'");
    const st_status status = count_elements(&cursor, header);
    if (status != ST_OK) return status;
    /* With at most one axis longer than 1 both orders are the same bytes. */
    int long_axes = 0;
    for (int32_t i = 0; i < header->dims; i++) long_axes += header->shape[i] > 1;
    if (fortran && long_axes > 1 && header->elements > 0)
        return st_fail(ST_E_FORMAT,
                       "%s: the array is in Fortran order; save it with np.save(file, np.ascontiguousarray(array))",
                       name);
    return ST_OK;
}

size_t st_npy_print(st_dtype dtype, int32_t dims, const int64_t *shape, char text[ST_NPY_WRITTEN_LIMIT]) {
    static const char *const codes[] = {
        [ST_F32] = "f4", [ST_F64] = "f8", [ST_F16] = "f2", [ST_BF16] = "V2", [ST_I8] = "i1",  [ST_U8] = "u1",
        [ST_I16] = "i2", [ST_U16] = "u2", [ST_I32] = "i4", [ST_U32] = "u4",  [ST_I64] = "i8", [ST_U64] = "u8"};
    enum { prefix = ST_NPY_MAGIC_BYTES + 4 };
    const char order = st_dtype_size(dtype) == 1 ? '|' : IS_LITTLE ? '<' : '>';
    char *dict = text + prefix;
    size_t room = ST_NPY_WRITTEN_LIMIT - prefix, used = 0;
    used += (size_t)snprintf(dict, room, "{'descr': '%c%s', 'fortran_order': False, 'shape': (", order, codes[dtype]);
    for (int32_t i = 0; i < dims; i++)
        used += (size_t)snprintf(dict + used, room - used, "%s%" PRId64 "%s", i > 0 ? " " : "", shape[i],
                                 dims == 1 || i + 1 < dims ? "," : "");
    used += (size_t)snprintf(dict + used, room - used, "), }");
    const size_t total = (prefix + used + 1 + 63) / 64 * 64;
    memset(dict + used, ' ', total - prefix - used);
    text[total - 1] = '\n';
    memcpy(text, st_npy_magic, ST_NPY_MAGIC_BYTES);
    const size_t length = total - prefix;
    text[6] = 1;
    text[7] = 0;
    text[8] = (char)(length & 0xff);
    text[9] = (char)(length >> 8);
    return total;
}
