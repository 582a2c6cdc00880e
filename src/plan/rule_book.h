/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* rule_book.h - the rule programs that a context has, and how far each of them reaches. */
#ifndef ST_PLAN_RULE_BOOK_H
#define ST_PLAN_RULE_BOOK_H

#include <stddef.h>

#include "base/show_text.h"
#include "spiraltorch/host.h"
#include "spiraltorch/spiralk.h"

enum { ST_RULE_TEXTS = 4 };

/* A program, where it came from, and the kinds of request that it speaks of (bit 1 << ST_TOPK, and so on). */
typedef struct st_rule_text {
    char name[ST_SHOWN_PATH_BYTES]; /* "SPIRAL_HEUR_K", or a file's path */
    uint32_t kinds;
    st_spiralk *program;
} st_rule_text;

typedef struct st_rule_memory st_rule_memory;

typedef struct st_rule_book {
    int32_t count;
    st_rule_text texts[ST_RULE_TEXTS]; /* where several decide a field, the last of them holds */
    int32_t soft;                      /* 1: soft rules are heard */
    int32_t mode;                      /* how their weights add up, softlogic.h's ST_SOFT_* */
    st_rule_memory *memory;            /* for evaluating them; NULL: every plan allocates its own */
} st_rule_book;

/*
 * Compiles a program into the book. ST_E_FORMAT: it is refused, and the message says where and why; ST_E_CAPACITY: it is so long
 * that no plan could hear it; ST_E_MEMORY. The book is then as it was. It has room: it is given ST_RULE_TEXTS programs at most.
 */
st_status st_rule_book_add(const st_host *host, st_rule_book *book, const char *name, uint32_t kinds, const char *text, size_t bytes);

/* Frees the programs and the memory, and leaves the book empty. */
void st_rule_book_clear(st_rule_book *book);

/*
 * Allocates a block for plans to evaluate the rules in, one after the other, so that none waits for the system to find pages.
 * ST_E_MEMORY.
 */
st_status st_rule_book_keep_memory(const st_host *host, st_rule_book *book, size_t bytes);

/* Takes the block, or, where another plan has it or there is none, allocates one of so many bytes; NULL: no memory. Thread-safe. */
void *st_rule_memory_take(const st_rule_book *book, const st_host *host, size_t bytes);

/* Gives back what was taken with the same arguments. Thread-safe. */
void st_rule_memory_give(const st_rule_book *book, const st_host *host, void *block, size_t bytes);

#endif
