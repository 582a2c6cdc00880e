/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* utf8.h - walks text that may not be valid UTF-8. */
#ifndef ST_BASE_UTF8_H
#define ST_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * The bytes of the well-formed sequence at text (no overlong form, no surrogate, at most U+10FFFF), with its code point
 * in *code; or minus the bytes of the longest ill-formed start, which one U+FFFD stands for (Unicode 15, section 3.9,
 * D93b). length is at least 1.
 */
static inline int st_utf8_next(const unsigned char *text, size_t length, uint32_t *code) {
    const unsigned char lead = text[0];
    if (lead < 0x80) {
        *code = lead;
        return 1;
    }
    if (lead < 0xc2 || lead > 0xf4) return -1;
    const int bytes = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    /* The second byte's range rules out overlong forms, surrogates and what lies over U+10FFFF. */
    unsigned char low = 0x80, high = 0xbf;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
    uint32_t value = lead & (0xffu >> (bytes + 1));
    for (int i = 1; i < bytes; i++) {
        if ((size_t)i >= length || text[i] < low || text[i] > high) return -i;
        value = value << 6 | (text[i] & 0x3fu);
        low = 0x80;
        high = 0xbf;
    }
    *code = value;
    return bytes;
}

#endif
