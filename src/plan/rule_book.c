/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* rule_book.c - programs are compiled once, when a book is made. */
#include "plan/rule_book.h"

#include <string.h>

#include "base/fail.h"

st_status st_rule_book_add(const st_host *host, st_rule_book *book, const char *name, uint32_t kinds, const char *text, size_t bytes) {
    st_spiralk_error error = {.struct_size = sizeof error};
    st_rule_text *added = &book->texts[book->count];
    char shown[ST_SHOWN_PATH_BYTES];
    st_show_path(shown, name);
    const st_status status = st_spiralk_compile(host, text, bytes, &added->program, &error);
    if (status == ST_E_FORMAT) return st_fail(status, "%s:%d:%d: %s", shown, error.line, error.column, error.message);
    if (status != ST_OK) return status;
    memcpy(added->name, shown, sizeof added->name);
    added->kinds = kinds;
    book->count++;
    return ST_OK;
}

void st_rule_book_clear(st_rule_book *book) {
    for (int32_t i = 0; i < book->count; i++) st_spiralk_free(book->texts[i].program);
    book->count = 0;
}
