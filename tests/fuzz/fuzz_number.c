/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * fuzz_number.c - any text as a number, and any bits as an element. libc's strtod says what a text is worth; an
 * element's text reads back to its bits.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "spiraltorch/json.h"
#include "spiraltorch/number.h"

static void require(int holds) {
    if (!holds) abort();
}

static int is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static void check_text(const char *text, size_t length) {
    double value = 0, wanted;
    float single = 0, wanted_single;
    const int read = st_read_double(text, length, &value);
    require((st_parse_element(text, ST_F32, &single) == ST_OK) == read);
    while (length > 0 && is_space(text[length - 1])) length--;
    char *end = NULL;
    wanted = strtod(text, &end);
    wanted_single = strtof(text, NULL);
    /* strtod alone takes hexadecimal and nan(...). */
    const int is_number = length > 0 && end == text + length && strpbrk(text, "xX(") == NULL;
    require(read == is_number);
    if (!read) return;
    require(isnan(value) ? isnan(wanted) : memcmp(&value, &wanted, sizeof value) == 0);
    require(isnan(single) ? isnan(wanted_single) : memcmp(&single, &wanted_single, sizeof single) == 0);
    uint16_t half, brain;
    require(st_parse_element(text, ST_F16, &half) == ST_OK && st_parse_element(text, ST_BF16, &brain) == ST_OK);
}

static void check_bits(const uint8_t *bits) {
    for (st_dtype dtype = ST_F32; dtype <= ST_U64; dtype++) {
        char text[32];
        unsigned char back[8] = {0};
        const int32_t length = st_format_element(dtype, bits, text);
        require(length > 0 && length < 32 && text[length] == '\0' && strlen(text) == (size_t)length);
        require(st_parse_element(text, dtype, back) == ST_OK);
        require(strcmp(text, "nan") == 0 || memcmp(back, bits, (size_t)st_dtype_size(dtype)) == 0);
    }
}

static int32_t count_bytes(void *user, const char *text, uint64_t bytes) {
    require(memchr(text, '\n', bytes) == NULL);
    *(uint64_t *)user += bytes;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    char *text = malloc(bytes + 1);
    require(text != NULL);
    if (bytes > 0) memcpy(text, data, bytes);
    text[bytes] = '\0';
    if (strlen(text) == bytes) check_text(text, bytes);
    for (size_t at = 0; at + 8 <= bytes && at < 64; at += 8) check_bits(data + at);
    uint64_t written = 0;
    st_json_writer writer;
    st_json_start(&writer, count_bytes, &written);
    st_json_string(&writer, text);
    require(st_json_finish(&writer) == ST_OK && written >= 2);
    free(text);
    return 0;
}
