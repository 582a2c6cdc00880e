/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* text_page.c - text that goes into a caller's memory as far as it fits, and is counted in full. */
#include "plan/text_page.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"

st_status st_text_page_start(st_text_page *page, char *text, uint64_t capacity, const uint64_t *length) {
    if (length == NULL) return st_fail(ST_E_ARGUMENT, "length is NULL");
    if (text == NULL && capacity > 0) return st_fail(ST_E_ARGUMENT, "text is NULL; use capacity 0 to ask for the length");
    *page = (st_text_page){.text = text, .capacity = capacity};
    return ST_OK;
}

int32_t st_text_page_append(void *user, const char *text, uint64_t bytes) {
    st_text_page *page = user;
    if (page->length < page->capacity) {
        const uint64_t room = page->capacity - page->length;
        memcpy(page->text + page->length, text, (size_t)(bytes < room ? bytes : room));
    }
    page->length += bytes;
    return 0;
}

void st_text_page_put(st_text_page *page, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length > 0) st_text_page_append(page, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

st_status st_text_page_finish(st_text_page *page, uint64_t *length) {
    *length = page->length;
    if (page->length < page->capacity) {
        page->text[page->length] = '\0';
        return ST_OK;
    }
    if (page->capacity == 0) return ST_OK;
    page->text[page->capacity - 1] = '\0';
    return st_fail(ST_E_CAPACITY, "capacity is %llu; the text needs %llu bytes", (unsigned long long)page->capacity,
                   (unsigned long long)page->length + 1);
}
