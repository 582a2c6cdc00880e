/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* select.c - scratch layout, and the families for narrow and wide entries. */
#include "backends/cpu/select.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"

/* Columns of the first block that the filter collects: its bound may be loose, or be the key of most of the row. */
enum { FIRST_BLOCK = 512 };

/* Candidates that are held beside the window before it is cut back, where the window is small. */
enum { SLACK = 32 };

/*
 * The hi best have hi / step elements in a sample, give or take some times the root of that: the bound is taken 2.5 times and
 * two elements further, and about hi + 2.5 sqrt(hi step) + 2 step elements pass it. What is read for the sample and what passes
 * in vain were found to cost least together near step = 2 length^(1/4), whatever hi.
 */
static st_cpu_sample sample_of(size_t length, size_t hi, size_t words) {
    st_cpu_sample sample = {1, 0, hi};
    for (double least = 1; least <= (double)length; least *= 16) sample.step *= 2;
    const double mean = (double)hi / (double)sample.step;
    const size_t rank = (size_t)(mean + 2.5 * sqrt(mean)) + 2;
    if (sample.step > 1 && rank < hi) sample.rank = rank;
    const size_t read = length / (ST_SAMPLE_PIECE * sample.step) * ST_SAMPLE_PIECE;
    size_t groups = ST_SAMPLE_PIECE;
    while (groups < 4 * sample.rank && 2 * groups <= read && 2 * groups <= words) groups *= 2;
    /* Groups that hold more than one of the best spoil the bound; a third more groups than that leaves it useful. */
    if (groups <= read && groups <= words && sample.rank <= groups - groups / 4) sample.groups = groups;
    return sample;
}

/* Most blocks of a row, whose least keys are some 512 KiB: what is read again soon should be in L2 still. */
enum { MOST_BLOCKS = 8192, LEAST_BLOCK = 64 };

/* Most elements wanted for which reading their blocks again was found to cost less than what passes a sample's bound in vain. */
enum { MOST_LISTED = 32 };

/*
 * Columns of a row's blocks, at most so many; 0 where blocks do not serve. Going through the blocks costs some cycles each,
 * and reading one again that holds one of the best some two for each 64 bytes; their sum is least near
 * 64 sqrt(2 rows in lines / hi) bytes. Where blocks are gone through fast, half of that is better for rows that do not fit L1,
 * which are slower to read again. Rows that fit L1 may as well be read again whole: where more is wanted, their blocks are as
 * large as leaves four lanes for each of hi.
 */
static size_t block_of(size_t length, size_t hi, uint32_t bits, size_t most, int lists_fast) {
    enum { L1_LINES = 384 };
    const size_t line = 512 / bits, lines = length / line, cost = lists_fast && lines > L1_LINES ? lines / 2 : 2 * lines;
    if (length > INT32_MAX) return 0; /* positions are 32 bits, and signed where they are gathered from */
    size_t block = LEAST_BLOCK;
    while (block / line * (block / line) * hi < cost && 2 * block <= most) block *= 2;
    if (hi > MOST_LISTED) {
        if (lines > L1_LINES) return 0;
        for (block = LEAST_BLOCK; length / (2 * block) * line >= 4 * hi && 2 * block <= most;) block *= 2;
    }
    const size_t blocks = length / block;
    return blocks * line >= 4 * hi && blocks * line >= 64 && blocks <= MOST_BLOCKS ? block : 0;
}

/* Words for any row of up to `length` columns: least keys, and half a word for each block listed and one more. */
static size_t block_words(size_t length) {
    const size_t blocks = length / LEAST_BLOCK < MOST_BLOCKS ? length / LEAST_BLOCK : MOST_BLOCKS;
    return st_cpu_promising_words(blocks) + blocks / 2 + 1;
}

static size_t power_of_two(size_t least) {
    size_t power = 16;
    while (power < least && power <= SIZE_MAX / 4) power *= 2;
    return power;
}

static st_cpu_layout layout_of(const st_cpu_shape *shape, int wide, size_t length, size_t hi) {
    st_cpu_layout layout = {0, 0, 0, SIZE_MAX};
    size_t buffer;
    switch (shape->family) {
        case ST_CPU_LANES:
            layout.words = power_of_two(hi < 32 ? 64 : hi > SIZE_MAX / 4 ? SIZE_MAX / 4 : 2 * hi);
            if (!st_multiply_size(layout.words, shape->depth, &layout.words)) return layout;
            if (layout.words > length) layout.words = length;
            if (layout.words < block_words(length)) layout.words = block_words(length);
            /* fall through */
        case ST_CPU_FILTER:
            if (!st_multiply_size(hi, shape->depth, &buffer) || !st_add_size(buffer, hi + SLACK + shape->block, &layout.entries))
                return layout;
            /* No more than the row is ever held. */
            if (layout.entries > length + shape->block) layout.entries = length + shape->block;
            break;
        case ST_CPU_HEAP: layout.entries = hi + shape->block; break;
        case ST_CPU_KWAY:
            layout.words = 2 * (length / shape->tile + 1);
            if (!st_add_size(hi, length, &layout.entries)) return layout;
            break;
        case ST_CPU_BITONIC: layout.entries = 2 * power_of_two(hi); break;
        case ST_CPU_RADIX:
            layout.words = ST_DIGITS;
            layout.entries = length;
            break;
    }
    size_t word_bytes, bytes;
    if (!st_multiply_size(layout.entries, wide ? sizeof(st_wide) : sizeof(st_narrow), &layout.words_at) ||
        !st_multiply_size(layout.words, sizeof(uint64_t), &word_bytes) || !st_add_size(layout.words_at, word_bytes, &bytes))
        return layout;
    layout.bytes = bytes;
    return layout;
}

/* Cache lines of the next row that are fetched at a time, where nothing else is asked of memory: a row of blocks has two such places. */
enum { FETCHED = 32 };

static inline void fetch_next(const st_cpu_row *row, size_t from) {
    if (row->next == NULL) return;
    const uintptr_t next = (uintptr_t)row->next; /* whose last lines need not be there */
    for (size_t line = from; line < from + FETCHED; line++) __builtin_prefetch((const void *)(next + 64 * line));
}

/* Sorts the first of entries that `beyond` more may follow. */
static void sort_first(const st_cpu_kernels *kernels, st_narrow *entries, size_t count, size_t k, size_t beyond) {
    if (kernels->sort_first_apart_narrow != NULL && beyond >= count)
        kernels->sort_first_apart_narrow(entries, count, k, entries + count);
    else
        kernels->sort_first_narrow(entries, count, k);
}

#define ENTRY st_narrow
#define NAME(function) narrow_##function
#define OPERATION(operation) st_narrow_##operation
#define SELECT(kernels, entries, count, k) (kernels)->select_narrow(entries, count, k)
#define SORT(kernels, entries, count) (kernels)->sort_narrow(entries, count)
#define SORT_FIRST sort_first
#define COLLECT collect_narrow
#define LISTED listed_narrow
#define ENTRY_OF(key, index) ((key) << 32 | (uint32_t)(index))
#define ENTRY_KEY(entry) ((entry) >> 32)
#define ENTRY_INDEX(entry, mask) (((entry) ^ (mask)) & UINT32_MAX)
#define LAST_ENTRY UINT64_MAX
#include "backends/cpu/families.inc"

#define ENTRY st_wide
#define NAME(function) wide_##function
#define OPERATION(operation) st_wide_##operation
#define SELECT(kernels, entries, count, k) ((void)(kernels), st_wide_select(entries, count, k))
#define SORT(kernels, entries, count) st_wide_sort(entries, count)
#define SORT_FIRST(kernels, entries, count, k, beyond) ((void)(kernels), (void)(beyond), st_wide_sort_first(entries, count, k))
#define COLLECT collect_wide
#define LISTED listed_wide
#define ENTRY_OF(key, index) ((st_wide){key, index})
#define ENTRY_KEY(entry) ((entry).key)
#define ENTRY_INDEX(entry, mask) ((entry).index ^ (mask))
#define LAST_ENTRY ((st_wide){UINT64_MAX, UINT64_MAX})
#include "backends/cpu/families.inc"

static const char *const family_names[] = {"filter", "lanes", "heap", "kway", "bitonic", "radix"};

const char *st_cpu_family_name(st_cpu_family family) { return family_names[family]; }

st_cpu_family st_cpu_family_of(const st_choice *choice) {
    switch (choice->mk) {
        case ST_MK_BITONIC: return ST_CPU_BITONIC;
        case ST_MK_WARP: return ST_CPU_LANES;
        case ST_MK_RADIX: return ST_CPU_RADIX;
        default: break;
    }
    return choice->mkd == ST_MKD_HEAP ? ST_CPU_HEAP : choice->mkd == ST_MKD_KWAY ? ST_CPU_KWAY : ST_CPU_FILTER;
}

st_cpu_shape st_cpu_shape_of(const st_choice *choice) {
    return (st_cpu_shape){st_cpu_family_of(choice), (size_t)choice->ctile, (size_t)choice->tile, (size_t)choice->kl};
}

size_t st_cpu_select_bytes(const st_cpu_shape *shape, int wide, size_t length, size_t hi) {
    return layout_of(shape, wide, length, hi).bytes;
}

st_cpu_selection st_cpu_prepare(const st_cpu_row *row, const st_cpu_shape *shape, size_t lo, size_t hi) {
    st_cpu_selection selection = {
        .shape = *shape, .lo = lo, .hi = hi, .layout = layout_of(shape, row->wide, row->length, hi)};
    if (shape->family != ST_CPU_LANES) return selection;
    selection.by_first = hi == 1 && row->kernels->first != NULL && row->stride == 1 && row->mask == 0 &&
                         row->length >= ST_FIRST_BLOCK && row->length <= INT32_MAX;
    if (row->stride == 1) selection.columns = block_of(row->length, hi, row->order.bits, shape->block, row->kernels->lists_fast);
    if (selection.columns == 0) selection.sample = sample_of(row->length, hi, selection.layout.words);
    return selection;
}

size_t st_cpu_select(const st_cpu_row *row, const st_cpu_selection *selection, void *scratch, void **window) {
    return row->wide ? wide_window(row, selection, scratch, window) : narrow_window(row, selection, scratch, window);
}

uint64_t *st_cpu_columns(const st_cpu_row *row, void *window, size_t count, int unsorted) {
    return row->wide ? wide_columns(row, window, count, unsorted) : narrow_columns(row, window, count, unsorted);
}

void st_cpu_keep(const st_cpu_row *row, void *entries, size_t count, size_t keep) {
    if (row->wide)
        wide_keep(row, entries, count, keep);
    else
        narrow_keep(row, entries, count, keep);
}
