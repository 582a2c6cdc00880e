/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* text_page.h - text that goes into a caller's memory as far as it fits, and is counted in full. */
#ifndef ST_PLAN_TEXT_PAGE_H
#define ST_PLAN_TEXT_PAGE_H

#include "spiraltorch/status.h"

typedef struct st_text_page {
    char *text;
    uint64_t capacity, length;
} st_text_page;

/* ST_E_ARGUMENT: length is NULL, or text is NULL with a capacity. */
st_status st_text_page_start(st_text_page *page, char *text, uint64_t capacity, const uint64_t *length);

/* Appends bytes; the sink of a JSON writer, too, with the page as its user. Returns 0. */
int32_t st_text_page_append(void *page, const char *text, uint64_t bytes);

/* Appends at most 511 bytes of printf-style text. */
void st_text_page_put(st_text_page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Ends the text with a NUL and says its length. ST_E_CAPACITY where it was cut. */
st_status st_text_page_finish(st_text_page *page, uint64_t *length);

#endif
