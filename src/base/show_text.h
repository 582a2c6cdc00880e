/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* show_text.h - untrusted text made fit for a message: cut, with control characters escaped. */
#ifndef ST_BASE_SHOW_TEXT_H
#define ST_BASE_SHOW_TEXT_H

#include <stddef.h>

/* Fills shown (size bytes, at least 16) with text; what does not fit ends in "...". Returns shown. */
const char *st_show_text(char *shown, size_t size, const char *text, size_t length);

/* The same for a NUL-terminated path, of which the end says more: a long one starts with "...". */
enum { ST_SHOWN_PATH_BYTES = 192 };
const char *st_show_path(char shown[ST_SHOWN_PATH_BYTES], const char *path);

#endif
