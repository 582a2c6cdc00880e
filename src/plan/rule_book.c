/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* rule_book.c - programs are compiled once, when a book is made, and the memory to evaluate them in is kept. */
#include "plan/rule_book.h"

#include <stdatomic.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"

struct st_rule_memory {
    st_host host;
    size_t bytes;
    _Atomic(void *) block; /* NULL while a plan has it */
};

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
    if (book->memory == NULL) return;
    const st_host host = book->memory->host;
    st_release(&host, atomic_load(&book->memory->block), book->memory->bytes);
    st_release(&host, book->memory, sizeof *book->memory);
    book->memory = NULL;
}

st_status st_rule_book_keep_memory(const st_host *host, st_rule_book *book, size_t bytes) {
    st_rule_memory *memory = st_allocate(host, sizeof *memory);
    void *block = st_allocate_zeroed(host, bytes);
    if (memory == NULL || block == NULL) {
        st_release(host, block, bytes);
        st_release(host, memory, sizeof *memory);
        return st_fail(ST_E_MEMORY, "no memory to evaluate the rules");
    }
    memory->host = *host;
    memory->bytes = bytes;
    atomic_init(&memory->block, block);
    book->memory = memory;
    return ST_OK;
}

void *st_rule_memory_take(const st_rule_book *book, const st_host *host, size_t bytes) {
    void *block = book->memory == NULL || book->memory->bytes != bytes ? NULL : atomic_exchange(&book->memory->block, NULL);
    return block != NULL ? block : st_allocate(host, bytes);
}

void st_rule_memory_give(const st_rule_book *book, const st_host *host, void *block, size_t bytes) {
    void *none = NULL;
    if (book->memory != NULL && book->memory->bytes == bytes && atomic_compare_exchange_strong(&book->memory->block, &none, block)) return;
    st_release(host, block, bytes);
}
