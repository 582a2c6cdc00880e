/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* guard_pages.c - mapped memory between two pages that nobody may touch. */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "guard_pages.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CANARY = 0xa5, MARGIN = 16384 };

static size_t page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

int st_guarded_open(st_guarded *guarded, size_t size) {
    const size_t page = page_size(), pages = size / page + 1;
    *guarded = (st_guarded){.size = pages * page, .mapped = (pages + 2) * page};
    char *base = mmap(NULL, guarded->mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return -1;
    guarded->first = base + page;
    if (mprotect(guarded->first, guarded->size, PROT_READ | PROT_WRITE) != 0) {
        munmap(base, guarded->mapped);
        guarded->first = NULL;
        return -1;
    }
    return 0;
}

void st_guarded_close(st_guarded *guarded) {
    if (guarded->first != NULL) munmap(guarded->first - page_size(), guarded->mapped);
    *guarded = (st_guarded){0};
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* How far the canary reaches in front of a place, and behind it. */
static size_t margin_before(const st_guarded *guarded, const char *place) {
    return least((size_t)(place - guarded->first), MARGIN);
}
static size_t margin_after(const st_guarded *guarded, const char *place, size_t bytes) {
    return least(guarded->size - (size_t)(place - guarded->first) - bytes, MARGIN);
}

void *st_guarded_place(const st_guarded *guarded, size_t bytes, int at_end) {
    char *place = at_end ? guarded->first + (guarded->size - bytes) : guarded->first;
    const size_t before = margin_before(guarded, place);
    memset(place - before, CANARY, before + bytes + margin_after(guarded, place, bytes));
    return place;
}

/* All bytes are the canary where the first is, and each equals its neighbour. */
static int all_canary(const char *from, size_t count) {
    return count == 0 || ((unsigned char)from[0] == CANARY && memcmp(from, from + 1, count - 1) == 0);
}

int st_guarded_intact(const st_guarded *guarded, const void *place, size_t bytes) {
    const size_t before = margin_before(guarded, place), after = margin_after(guarded, place, bytes);
    return all_canary((const char *)place - before, before) && all_canary((const char *)place + bytes, after);
}

int st_guarded_seal(const st_guarded *guarded, int sealed) {
    return mprotect(guarded->first, guarded->size, sealed ? PROT_READ : PROT_READ | PROT_WRITE);
}
