/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* show_text.c - untrusted text made fit for a message: cut, with control characters escaped. */
#include "base/show_text.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* One piece of text as it is shown, NUL-terminated; returns the bytes of text it stands for. */
static size_t show_piece(char piece[16], const unsigned char *text, size_t length) {
    uint32_t code = 0;
    const int bytes = st_utf8_next(text, length, &code);
    if (bytes < 0) {
        snprintf(piece, 16, "\\x%02x", text[0]);
        return 1;
    }
    if (code == '\n' || code == '\r' || code == '\t')
        snprintf(piece, 16, "\\%c", code == '\n' ? 'n' : code == '\r' ? 'r' : 't');
    else if (code < 0x20 || code == 0x7f)
        snprintf(piece, 16, "\\x%02x", (unsigned)code);
    else if ((code >= 0x80 && code < 0xa0) || (code >= 0x200e && code <= 0x200f) ||
             (code >= 0x202a && code <= 0x202e) ||
             (code >= 0x2066 && code <= 0x2069)) /* C1 controls and marks that reorder a terminal's line */
        snprintf(piece, 16, "\\u%04x", (unsigned)code);
    else {
        memcpy(piece, text, (size_t)bytes);
        piece[bytes] = '\0';
    }
    return (size_t)bytes;
}

const char *st_show_text(char *shown, size_t size, const char *text, size_t length) {
    size_t used = 0, kept = 0; /* kept: where "..." still fits */
    for (size_t at = 0; at < length;) {
        char piece[16];
        at += show_piece(piece, (const unsigned char *)text + at, length - at);
        const size_t bytes = strlen(piece);
        if (used + bytes >= size) {
            memcpy(shown + kept, "...", 4);
            return shown;
        }
        memcpy(shown + used, piece, bytes);
        used += bytes;
        if (used + 4 <= size) kept = used;
    }
    shown[used] = '\0';
    return shown;
}

const char *st_show_path(char shown[ST_SHOWN_PATH_BYTES], const char *path) {
    const size_t length = strlen(path);
    /* Each byte may grow to four, so a tail of a quarter always fits. */
    enum { tail = ST_SHOWN_PATH_BYTES / 4 - 4 };
    char whole[4 * ST_SHOWN_PATH_BYTES + 4];
    if (length < ST_SHOWN_PATH_BYTES) {
        st_show_text(whole, sizeof whole, path, length);
        if (strlen(whole) < ST_SHOWN_PATH_BYTES) return strcpy(shown, whole);
    }
    memcpy(shown, "...", 3);
    st_show_text(shown + 3, ST_SHOWN_PATH_BYTES - 3, path + (length > tail ? length - tail : 0),
                 length > tail ? tail : length);
    return shown;
}
