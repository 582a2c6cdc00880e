/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * split.c - the search for a window in one row: a sample says between which two keys the window should lie, and one pass
 * counts the keys before them and collects those between. The counts say whether the window is all there. Where it is not, or
 * where too many elements share its keys, radix counting finds its first and its last key, and of elements with these keys
 * only those whose turn by index it is are collected.
 */
#include "backends/cpu/split.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "backends/cpu/float_state.h"
#include "base/checked.h"

/* Elements that a worker takes at a time, and that it collects into its buffer at a time. */
enum { ITEM = 16384, CHUNK = 8192 };

/* The sample: runs of RUN neighbours, which a kernel collects fast. */
enum { RUN = 128, LEAST_SAMPLE = 2048, MOST_SAMPLE = 16384, RUNS_AT_ONCE = 4 };

/* Elements of the row for each survivor's place beyond the window's own. */
enum { SLACK_OF = 8 };

/*
 * What an item of the row leaves behind. Of a range of keys: elements before it, and between its ends. Of the window's first
 * and last key: how many elements equal them, which is then turned into how many in earlier items do.
 */
struct counts {
    union {
        size_t before, first;
    };
    union {
        size_t between, last;
    };
};

/* One end of the window while its key is being found: the element of that rank. */
struct end {
    uint64_t prefix; /* its key's leading digits, as far as they are known */
    size_t before;   /* elements whose leading digits are smaller */
    size_t inside;   /* its rank among those with the same leading digits */
    size_t same;     /* how many these are */
};

struct search {
    const st_cpu_row *row;
    const st_cpu_split *split;
    st_pool *pool;
    char *scratch;
    size_t lo, hi;
    uint64_t low, high;        /* the keys of the present pass */
    _Atomic size_t held;       /* survivors; beyond the capacity, those that found no place */
    size_t run_count, spacing; /* the sample */
    uint32_t shift, digit;     /* bits of a key below the known digits, and of the digit being counted */
    struct end ends[2];
    size_t turn[2][2]; /* of elements equal to low and to high, those from [0] to [1] in the row's order are collected */
};

static size_t round_up(size_t bytes) { return bytes > SIZE_MAX - 63 ? SIZE_MAX : (bytes + 63) / 64 * 64; }
static size_t entry_size(int wide) { return wide ? sizeof(st_wide) : sizeof(st_narrow); }
static size_t items_of(size_t length) { return length / ITEM + (length % ITEM != 0); }

st_cpu_split st_cpu_split_of(int wide, size_t cols, size_t width, int workers) {
    st_cpu_split split = {.wide = wide, .workers = workers, .bytes = SIZE_MAX};
    size_t bytes, total;
    if (!st_add_size(width, cols / SLACK_OF + MOST_SAMPLE, &split.capacity)) return split;
    if (split.capacity > cols) split.capacity = cols;
    const size_t digits = 2 * ST_DIGITS * sizeof(uint64_t);
    if (!st_multiply_size(split.capacity, entry_size(wide), &bytes)) return split;
    split.counts_at = round_up(bytes);
    if (!st_add_size(split.counts_at, round_up((items_of(cols) + 1) * sizeof(struct counts)), &split.buffers_at)) return split;
    if (!st_add_size(split.buffers_at, (size_t)workers * CHUNK * entry_size(wide), &split.digits_at)) return split;
    if (!st_add_size(split.digits_at, (size_t)workers * digits, &total) || total > SIZE_MAX - 64) return split;
    split.bytes = total;
    return split;
}

/* ---- the row, and the parts of the scratch memory --------------------------------------------------------------------- */

static const char *element_at(const st_cpu_row *row, size_t at) {
    return (const char *)row->elements + (ptrdiff_t)at * row->stride * (ptrdiff_t)(row->order.bits / 8);
}

static size_t collect(const st_cpu_row *row, size_t from, size_t count, uint64_t low, uint64_t high, void *out) {
    const uint32_t state = st_float_begin();
    const void *elements = element_at(row, from);
    const uint64_t first = row->first + from;
    const size_t found =
        row->wide ? row->kernels->collect_wide(&row->order, elements, row->stride, count, first, row->mask, low, high, out)
                  : row->kernels->collect_narrow(&row->order, elements, row->stride, count, first, row->mask, low, high, out);
    st_float_end(state);
    return found;
}

static size_t count(const st_cpu_row *row, size_t from, size_t count, uint64_t low, uint64_t high) {
    return row->kernels->count(&row->order, element_at(row, from), row->stride, count, low, high);
}

static uint64_t key_at(const st_cpu_row *row, const void *entries, size_t at) {
    return row->wide ? ((const st_wide *)entries)[at].key : ((const st_narrow *)entries)[at] >> 32;
}

static size_t end_of_item(const struct search *search, int64_t item) {
    const size_t from = (size_t)item * ITEM, length = search->row->length;
    return length - from < ITEM ? length : from + ITEM;
}

static struct counts *counts_of(const struct search *search) {
    return (struct counts *)(void *)(search->scratch + search->split->counts_at);
}

static char *buffer_of(const struct search *search, int32_t worker) {
    return search->scratch + search->split->buffers_at + (size_t)worker * CHUNK * entry_size(search->row->wide);
}

/* A worker's digit counts for one end of the window. */
static uint64_t *digits_of(const struct search *search, int32_t worker, int end) {
    return (uint64_t *)(void *)(search->scratch + search->split->digits_at) + ((size_t)worker * 2 + (size_t)end) * ST_DIGITS;
}

/* Adds entries to the survivors, as far as there is room: all places below min(held, capacity) are always filled. */
static void keep_entries(struct search *search, const char *entries, size_t found) {
    if (found == 0) return;
    const size_t entry = entry_size(search->row->wide), capacity = search->split->capacity;
    const size_t at = atomic_fetch_add_explicit(&search->held, found, memory_order_relaxed);
    if (at >= capacity) return;
    memcpy(search->scratch + at * entry, entries, (found < capacity - at ? found : capacity - at) * entry);
}

static size_t held_of(struct search *search) {
    const size_t held = atomic_load_explicit(&search->held, memory_order_relaxed);
    return held < search->split->capacity ? held : search->split->capacity;
}

static void pass(struct search *search, size_t items, void (*work)(void *argument, int64_t item, int32_t worker)) {
    st_pool_run(search->pool, search->split->workers, (int64_t)items, work, search);
}

/* ---- a range of keys ---------------------------------------------------------------------------------------------- */

static void collect_item(void *argument, int64_t item, int32_t worker) {
    struct search *search = argument;
    const size_t end = end_of_item(search, item);
    struct counts counts = {{0}, {0}};
    char *buffer = buffer_of(search, worker);
    for (size_t from = (size_t)item * ITEM, length; from < end; from += length) {
        length = end - from < CHUNK ? end - from : CHUNK;
        if (search->low > 0) counts.before += count(search->row, from, length, 0, search->low - 1);
        if (atomic_load_explicit(&search->held, memory_order_relaxed) >= search->split->capacity) {
            counts.between += count(search->row, from, length, search->low, search->high);
            continue;
        }
        const size_t found = collect(search->row, from, length, search->low, search->high, buffer);
        counts.between += found;
        keep_entries(search, buffer, found);
    }
    counts_of(search)[item] = counts;
}

/* Collects keys from low to high; *before and *between are exact even where not all find room. */
static void collect_range(struct search *search, size_t *before, size_t *between) {
    const size_t items = items_of(search->row->length);
    atomic_store(&search->held, 0);
    pass(search, items, collect_item);
    *before = *between = 0;
    for (size_t i = 0; i < items; i++) {
        *before += counts_of(search)[i].before;
        *between += counts_of(search)[i].between;
    }
}

/* ---- the sample --------------------------------------------------------------------------------------------------- */

/* Runs lie one in each stretch of `spacing` elements, at a place that no period in the data follows. */
static void sample_item(void *argument, int64_t item, int32_t worker) {
    const struct search *search = argument;
    const size_t end = ((size_t)item + 1) * RUNS_AT_ONCE, entry = entry_size(search->row->wide);
    (void)worker;
    for (size_t run = (size_t)item * RUNS_AT_ONCE; run < (end < search->run_count ? end : search->run_count); run++) {
        const uint64_t mixed = (run + 1) * 0x9e3779b97f4a7c15u;
        const size_t from = run * search->spacing + (size_t)((mixed ^ mixed >> 32) % (search->spacing - RUN + 1));
        collect(search->row, from, RUN, 0, search->row->order.mask, search->scratch + run * RUN * entry);
    }
}

/*
 * Of a sample of s elements, the number that come before an element whose rank is the fraction p of the row has the standard
 * deviation sqrt(s p (1 - p)); three of them are left. So 3 n sqrt(p (1 - p) / s) elements too many are collected at an
 * end. With each of them as dear as three elements of the sample, the sum of both is least at this s.
 */
static size_t sample_size(const struct search *search) {
    const double length = (double)search->row->length, lo = (double)search->lo / length, hi = (double)search->hi / length;
    const double spread = sqrt(lo * (1 - lo)) + sqrt(hi * (1 - hi)), size = cbrt(4.5 * length * spread * 4.5 * length * spread);
    return size < LEAST_SAMPLE ? LEAST_SAMPLE : size > MOST_SAMPLE ? MOST_SAMPLE : (size_t)size;
}

/* Sets low and high so that the window very likely lies between them. */
static void guess_range(struct search *search) {
    const size_t length = search->row->length;
    size_t sample = sample_size(search);
    search->run_count = sample / RUN;
    search->spacing = length / search->run_count;
    sample = search->run_count * RUN;
    pass(search, (search->run_count - 1) / RUNS_AT_ONCE + 1, sample_item);
    const double share = (double)sample / (double)length;
    const double first = (double)search->lo * share, last = (double)search->hi * share;
    const double below = first - 3 * sqrt(first * (1 - first / (double)sample)) - 2;
    const double above = last + 3 * sqrt(last * (1 - last / (double)sample)) + 2;
    size_t kept = sample;
    search->low = 0;
    search->high = search->row->order.mask;
    if (above < (double)sample) {
        kept = (size_t)above + 1;
        st_cpu_keep(search->row, search->scratch, sample, kept);
        search->high = key_at(search->row, search->scratch, kept - 1);
    }
    if (below >= 1) {
        st_cpu_keep(search->row, search->scratch, kept, (size_t)below);
        search->low = key_at(search->row, search->scratch, (size_t)below - 1);
    }
}

/* ---- radix counting ------------------------------------------------------------------------------------------------ */

static uint64_t lowest_key(const struct search *search, const struct end *end) {
    return search->shift == 64 ? 0 : end->prefix << search->shift;
}
static uint64_t highest_key(const struct search *search, const struct end *end) {
    const uint64_t rest = search->shift == 64 ? UINT64_MAX : ((uint64_t)1 << search->shift) - 1;
    return (lowest_key(search, end) | rest) & search->row->order.mask;
}

static int ends_agree(const struct search *search) { return search->ends[0].prefix == search->ends[1].prefix; }

static void count_digits_item(void *argument, int64_t item, int32_t worker) {
    struct search *search = argument;
    const size_t end = end_of_item(search, item);
    const uint32_t shift = search->shift - search->digit;
    if (search->shift == search->row->order.bits) {
        const size_t from = (size_t)item * ITEM;
        search->row->kernels->histogram(&search->row->order, element_at(search->row, from), search->row->stride, end - from, shift,
                                        digits_of(search, worker, 0));
        return;
    }
    char *buffer = buffer_of(search, worker);
    for (size_t from = (size_t)item * ITEM, length; from < end; from += length) {
        length = end - from < CHUNK ? end - from : CHUNK;
        for (int i = 0; i < (ends_agree(search) ? 1 : 2); i++) {
            uint64_t *digits = digits_of(search, worker, i);
            const struct end *of = &search->ends[i];
            const size_t found = collect(search->row, from, length, lowest_key(search, of), highest_key(search, of), buffer);
            for (size_t j = 0; j < found; j++) digits[key_at(search->row, buffer, j) >> shift & ((1u << search->digit) - 1)]++;
        }
    }
}

static void learn_digit(const struct search *search, struct end *end, int counted) {
    size_t digit = 0, here = 0;
    for (;; digit++) {
        here = 0;
        for (int32_t worker = 0; worker < search->split->workers; worker++) here += (size_t)digits_of(search, worker, counted)[digit];
        if (end->inside < here || digit + 1 == (size_t)1 << search->digit) break;
        end->inside -= here;
        end->before += here;
    }
    end->same = here;
    end->prefix = end->prefix << search->digit | digit;
}

/* Narrows low and high, digit by digit, until the keys between them have room, or are the window's first and last. */
static void count_digits(struct search *search) {
    const size_t digits = (size_t)search->split->workers * 2 * ST_DIGITS * sizeof(uint64_t);
    search->ends[0] = (struct end){.inside = search->lo, .same = search->row->length};
    search->ends[1] = (struct end){.inside = search->hi - 1, .same = search->row->length};
    search->shift = search->row->order.bits;
    do {
        search->digit = search->shift < ST_DIGIT_BITS ? search->shift : ST_DIGIT_BITS;
        memset(search->scratch + search->split->digits_at, 0, digits);
        pass(search, items_of(search->row->length), count_digits_item);
        const int counted = ends_agree(search) ? 0 : 1;
        learn_digit(search, &search->ends[0], 0);
        learn_digit(search, &search->ends[1], counted);
        search->shift -= search->digit;
    } while (search->shift > 0 &&
             search->ends[1].before + search->ends[1].same - search->ends[0].before > search->split->capacity);
    search->low = lowest_key(search, &search->ends[0]);
    search->high = highest_key(search, &search->ends[1]);
}

/* ---- elements with the window's first or last key -------------------------------------------------------------------- */

static void count_equal_item(void *argument, int64_t item, int32_t worker) {
    const struct search *search = argument;
    const size_t from = (size_t)item * ITEM, length = end_of_item(search, item) - from;
    (void)worker;
    counts_of(search)[item] = (struct counts){{count(search->row, from, length, search->low, search->low)},
                                              {count(search->row, from, length, search->high, search->high)}};
}

/* Turns counts into how many come in earlier items, and all of them behind the last. */
static struct counts add_up(struct counts *counts, size_t items) {
    struct counts sum = {{0}, {0}};
    for (size_t i = 0; i < items; i++) {
        const struct counts here = counts[i];
        counts[i] = sum;
        sum.first += here.first;
        sum.last += here.last;
    }
    counts[items] = sum;
    return sum;
}

/* Elements [from, to) in rank order of `all` with one key, as places in the order in which the row has them. */
static void set_turn(const struct search *search, size_t turn[2], size_t from, size_t to, size_t all) {
    if (to > all) to = all;
    if (from > to) from = to;
    turn[0] = search->row->mask == 0 ? from : all - to;
    turn[1] = search->row->mask == 0 ? to : all - from;
}

/* Collects those of the item's elements with this key whose turn it is; `met` come in earlier items, `end` with this one. */
static void collect_equal(struct search *search, int64_t item, char *buffer, uint64_t key, size_t met, size_t end,
                          const size_t turn[2]) {
    if (met >= turn[1] || end <= turn[0]) return;
    const size_t end_of_elements = end_of_item(search, item), entry = entry_size(search->row->wide);
    for (size_t from = (size_t)item * ITEM, length; from < end_of_elements && met < turn[1]; from += length) {
        length = end_of_elements - from < CHUNK ? end_of_elements - from : CHUNK;
        const size_t found = collect(search->row, from, length, key, key, buffer);
        const size_t first = met < turn[0] ? turn[0] - met : 0, last = found < turn[1] - met ? found : turn[1] - met;
        if (first < last) keep_entries(search, buffer + first * entry, last - first);
        met += found;
    }
}

static void collect_exactly_item(void *argument, int64_t item, int32_t worker) {
    struct search *search = argument;
    const struct counts *here = &counts_of(search)[item], *next = here + 1;
    const size_t end = end_of_item(search, item);
    char *buffer = buffer_of(search, worker);
    collect_equal(search, item, buffer, search->low, here->first, next->first, search->turn[0]);
    if (search->low == search->high) return;
    collect_equal(search, item, buffer, search->high, here->last, next->last, search->turn[1]);
    if (search->high - search->low < 2) return;
    for (size_t from = (size_t)item * ITEM, length; from < end; from += length) {
        length = end - from < CHUNK ? end - from : CHUNK;
        keep_entries(search, buffer, collect(search->row, from, length, search->low + 1, search->high - 1, buffer));
    }
}

/* Collects the window and nothing else: low and high are its first and last key, which so many elements come before. */
static void collect_exactly(struct search *search, size_t before_low, size_t before_high) {
    const size_t items = items_of(search->row->length);
    pass(search, items, count_equal_item);
    const struct counts all = add_up(counts_of(search), items);
    const int one_key = search->low == search->high;
    set_turn(search, search->turn[0], search->lo - before_low, one_key ? search->hi - before_low : all.first, all.first);
    set_turn(search, search->turn[1], 0, search->hi - before_high, all.last);
    atomic_store(&search->held, 0);
    pass(search, items, collect_exactly_item);
}

size_t st_cpu_split_select(const st_cpu_row *row, const st_cpu_split *split, st_pool *pool, size_t lo, size_t hi, void *scratch,
                           void **window) {
    struct search search = {.row = row, .split = split, .pool = pool, .scratch = scratch, .lo = lo, .hi = hi, .high = row->order.mask};
    size_t before, between;
    if (row->length > split->capacity) guess_range(&search);
    collect_range(&search, &before, &between);
    const int missed = before > lo || between < hi - before;
    if (missed || between > split->capacity) {
        size_t before_high = before;
        if (missed || search.low != search.high) {
            count_digits(&search);
            before = search.ends[0].before;
            before_high = search.ends[1].before;
            between = before_high + search.ends[1].same - before;
        }
        if (between <= split->capacity) {
            collect_range(&search, &before, &between);
        } else {
            collect_exactly(&search, before, before_high);
            before = lo;
        }
    }
    /* Where another thread changed the input between passes, there may be fewer than the counts say. */
    const size_t held = held_of(&search);
    size_t last = hi > before ? hi - before : 0, first = lo > before ? lo - before : 0;
    if (last > held) last = held;
    if (first > last) first = last;
    st_cpu_keep(row, scratch, held, last);
    st_cpu_keep(row, scratch, last, first);
    *window = search.scratch + first * entry_size(row->wide);
    return last - first;
}
