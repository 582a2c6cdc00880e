/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * counting_passes.c - radix selection over a row that is read several times: each counting pass learns one more digit of the
 * keys at both ends of the window, until few enough elements lie between; the last pass gathers them.
 */
#include <string.h>

#include "base/checked.h"
#include "base/fail.h"
#include "base/memory.h"
#include "rank/carried.h"
#include "rank/streaming.h"
#include "spiraltorch/passes.h"
#include "spiraltorch/rank.h"

enum { BLOCK = 4096, DIGIT_BITS = ST_SCANNER_DIGIT_BITS, DIGITS = 1 << DIGIT_BITS, CANDIDATES = 1 << 18 };

/* One end of the window: the element of that rank. */
struct end {
    uint64_t prefix; /* its key's leading digits, as far as they are known */
    size_t below;    /* elements whose leading digits are smaller */
    size_t inside;   /* its rank among those with the same leading digits */
    size_t same;     /* how many these are */
    uint64_t counts[DIGITS];
};

enum stage { BEFORE, COUNTING, GATHERING, GATHERED, ENDED };

struct st_passes {
    st_host host;
    st_stream_options options;
    st_scanner scanner;
    st_order order;
    enum stage stage;
    size_t candidates;
    uint32_t shift; /* bits of a key below the known digits, the ones being counted included in the known */
    uint32_t digit; /* bits of the digit being counted */
    int64_t pushed;
    struct end first, last;
    /* Gathering. exact: the ends' keys are known in full, and of the elements that equal one only those in the window are kept. */
    int exact;
    size_t first_met, last_met;
    st_carried *entries;
    size_t capacity, count;
    st_carried block[BLOCK];
};

st_status st_passes_start(const st_host *host, const st_stream_options *options, int64_t candidates, const st_scanner *scanner,
                          st_passes **out) {
    st_passes *passes = st_allocate_zeroed(host, sizeof *passes);
    if (passes == NULL) return st_fail(ST_E_MEMORY, "no memory for counting passes");
    passes->host = *host;
    passes->options = *options;
    passes->scanner = *scanner;
    passes->order = st_order_of(options->dtype, options->descending, options->nan_rule);
    passes->shift = passes->order.bits;
    passes->candidates = candidates == 0 ? CANDIDATES : (size_t)candidates;
    passes->first.inside = (size_t)options->lo;
    passes->last.inside = (size_t)options->hi - (options->hi > options->lo);
    passes->first.same = passes->last.same = (size_t)options->length;
    *out = passes;
    return ST_OK;
}

static st_status fail_changed(st_passes *passes) {
    passes->stage = ENDED;
    return st_fail(ST_E_STATE, "the elements changed between two passes over them; copy them first");
}

/* The range of keys that share an end's known digits. */
static uint64_t lowest_key(const st_passes *passes, const struct end *end) {
    return passes->shift == 64 ? 0 : end->prefix << passes->shift;
}
static uint64_t highest_key(const st_passes *passes, const struct end *end) {
    const uint64_t rest = passes->shift == 64 ? UINT64_MAX : ((uint64_t)1 << passes->shift) - 1;
    return (lowest_key(passes, end) | rest) & passes->order.mask;
}

/* Learns one digit of an end from its counts; 0 where they do not add up to what the pass before said. */
static int close_in(const st_passes *passes, struct end *end) {
    size_t total = 0, digit = 0;
    for (size_t i = 0; i < DIGITS; i++) total += (size_t)end->counts[i];
    if (total != end->same) return 0;
    for (; end->inside >= end->counts[digit]; digit++) {
        end->inside -= (size_t)end->counts[digit];
        end->below += (size_t)end->counts[digit];
    }
    end->same = (size_t)end->counts[digit];
    end->prefix = end->prefix << passes->digit | digit;
    memset(end->counts, 0, sizeof end->counts);
    return 1;
}

static int ends_agree(const st_passes *passes) { return passes->first.prefix == passes->last.prefix; }

static void start_counting(st_passes *passes) {
    passes->digit = passes->shift < DIGIT_BITS ? passes->shift : DIGIT_BITS;
    passes->stage = COUNTING;
}

static size_t between(const st_passes *passes) { return passes->last.below + passes->last.same - passes->first.below; }
static size_t width_of(const st_passes *passes) { return (size_t)(passes->options.hi - passes->options.lo); }

static st_status start_gathering(st_passes *passes) {
    size_t bytes;
    const size_t width = width_of(passes);
    passes->exact = passes->shift == 0 && between(passes) > width;
    passes->capacity = passes->exact ? width : between(passes);
    if (!st_multiply_size(passes->capacity, sizeof(st_carried), &bytes) ||
        (passes->entries = st_allocate(&passes->host, bytes)) == NULL) {
        passes->capacity = 0;
        passes->stage = ENDED;
        return st_fail(ST_E_MEMORY, "no memory for the window's %zu elements", width);
    }
    passes->stage = GATHERING;
    return ST_OK;
}

/* Ends a counting pass: both ends learn a digit. */
static st_status end_counting(st_passes *passes) {
    if (ends_agree(passes)) memcpy(passes->last.counts, passes->first.counts, sizeof passes->last.counts);
    if (!close_in(passes, &passes->first) || !close_in(passes, &passes->last)) return fail_changed(passes);
    passes->shift -= passes->digit;
    if (passes->shift > 0 && between(passes) - width_of(passes) > passes->candidates) {
        start_counting(passes);
        return ST_OK;
    }
    return start_gathering(passes);
}

st_status st_passes_next(st_passes *passes, int32_t *more) {
    if (passes == NULL) return st_fail(ST_E_ARGUMENT, "passes is NULL");
    if (more == NULL) return st_fail(ST_E_ARGUMENT, "more is NULL");
    *more = 0;
    if (passes->stage == ENDED) return st_fail(ST_E_STATE, "passes: it has finished or failed; open another");
    st_status status = ST_OK;
    if (passes->stage == BEFORE) {
        if (passes->options.hi == passes->options.lo)
            passes->stage = GATHERED;
        else
            start_counting(passes);
    } else if (passes->stage != GATHERED) {
        if (passes->pushed != passes->options.length) {
            passes->stage = ENDED;
            return st_fail(ST_E_STATE, "the pass has %lld elements of a stated length of %lld", (long long)passes->pushed,
                           (long long)passes->options.length);
        }
        if (passes->stage == COUNTING)
            status = end_counting(passes);
        else if (passes->count != passes->capacity)
            return fail_changed(passes);
        else
            passes->stage = GATHERED;
    }
    passes->pushed = 0;
    *more = status == ST_OK && passes->stage != GATHERED;
    return status;
}

static size_t collect(st_passes *passes, const void *elements, size_t count, uint64_t low, uint64_t high) {
    return passes->scanner.collect(&passes->order, elements, count, (uint64_t)passes->pushed, 0, low, high, passes->block);
}

static void count_digits(st_passes *passes, struct end *end, const void *elements, size_t count) {
    const size_t found = collect(passes, elements, count, lowest_key(passes, end), highest_key(passes, end));
    const uint32_t shift = passes->shift - passes->digit;
    for (size_t i = 0; i < found; i++) end->counts[passes->block[i].key >> shift & ((1u << passes->digit) - 1)]++;
}

/* Whether an element that equals an end lies in the window: equal elements rank by index, the order in which they are met. */
static int is_within(st_passes *passes, uint64_t key) {
    int within = 1;
    if (key == passes->first.prefix) within = passes->first_met++ >= passes->first.inside;
    if (key == passes->last.prefix) within &= passes->last_met++ <= passes->last.inside;
    return within;
}

static int gather(st_passes *passes, const void *elements, size_t count) {
    const size_t found = collect(passes, elements, count, lowest_key(passes, &passes->first), highest_key(passes, &passes->last));
    for (size_t i = 0; i < found; i++) {
        if (passes->exact && !is_within(passes, passes->block[i].key)) continue;
        if (passes->count == passes->capacity) return 0;
        passes->entries[passes->count++] = passes->block[i];
    }
    return 1;
}

st_status st_passes_push(st_passes *passes, const void *elements, int64_t count) {
    if (passes == NULL) return st_fail(ST_E_ARGUMENT, "passes is NULL");
    if (passes->stage != COUNTING && passes->stage != GATHERING)
        return st_fail(ST_E_STATE, "passes: no pass is under way; st_passes_next starts one");
    if (count < 0) return st_fail(ST_E_ARGUMENT, "count is %lld; it must be at least 0", (long long)count);
    if (count == 0) return ST_OK;
    const size_t size = passes->order.bits / 8;
    if (elements == NULL) return st_fail(ST_E_ARGUMENT, "elements is NULL");
    if ((uintptr_t)elements % size != 0) return st_fail(ST_E_ARGUMENT, "elements is not aligned to its %zu-byte element", size);
    if (count > passes->options.length - passes->pushed)
        return st_fail(ST_E_ARGUMENT, "count: %lld more elements exceed the stated length of %lld", (long long)count,
                       (long long)passes->options.length);
    const char *at = elements;
    const int is_first = passes->shift == passes->order.bits;
    for (int64_t done = 0; done < count;) {
        const size_t part = (size_t)(count - done < BLOCK ? count - done : BLOCK);
        if (is_first && passes->options.nan_rule == ST_NAN_ERROR) {
            const size_t found = passes->scanner.find_nan(&passes->order, at, 1, part);
            if (found < part) {
                passes->stage = ENDED;
                return st_fail(ST_E_NAN, "element %lld is NaN, and the rule is error", (long long)(passes->pushed + (int64_t)found));
            }
        }
        if (passes->stage == GATHERING) {
            if (!gather(passes, at, part)) return fail_changed(passes);
        } else if (is_first) {
            passes->scanner.histogram(&passes->order, at, 1, part, passes->shift - passes->digit, passes->first.counts);
        } else {
            count_digits(passes, &passes->first, at, part);
            if (!ends_agree(passes)) count_digits(passes, &passes->last, at, part);
        }
        at += part * size;
        done += (int64_t)part;
        passes->pushed += (int64_t)part;
    }
    return ST_OK;
}

st_status st_passes_finish(st_passes *passes, void *values, int64_t *indices) {
    if (passes == NULL) return st_fail(ST_E_ARGUMENT, "passes is NULL");
    if (passes->stage != GATHERED) return st_fail(ST_E_STATE, "passes: st_passes_next has not said that no more is needed");
    const size_t width = width_of(passes);
    if (values != NULL && (uintptr_t)values % (passes->order.bits / 8) != 0)
        return st_fail(ST_E_ARGUMENT, "values is not aligned to its element");
    if (indices != NULL && (uintptr_t)indices % _Alignof(int64_t) != 0)
        return st_fail(ST_E_ARGUMENT, "indices is not aligned to its element");
    passes->stage = ENDED;
    if (width == 0) return ST_OK;
    const size_t lo = passes->exact ? 0 : (size_t)passes->options.lo - passes->first.below;
    st_carried_window(passes->entries, passes->count, lo, lo + width, passes->options.order == ST_UNSORTED, 0);
    st_carried_emit(passes->entries + lo, width, passes->order.bits, 0, values, indices);
    return ST_OK;
}

void st_passes_close(st_passes *passes) {
    if (passes == NULL) return;
    const st_host host = passes->host;
    st_release(&host, passes->entries, passes->capacity * sizeof(st_carried));
    st_release(&host, passes, sizeof *passes);
}
