/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * streaming.c - a window over a row that comes in chunks: candidates no worse than the hi-th best so far.
 *
 * Where the row's length is known and fewer elements come after lo than before hi, the same is done from the far end, with
 * keys and indices complemented.
 */
#include "rank/streaming.h"

#include <string.h>

#include "base/checked.h"
#include "base/fail.h"
#include "base/memory.h"
#include "rank/carried.h"
#include "spiraltorch/rank.h"

/* Elements per call of the collect kernel: the bound is fresh enough, and the candidates of a block fit L2. */
enum { BLOCK = 4096 };

struct st_stream {
    st_host host;
    st_stream_options options;
    st_scanner scanner;
    st_order order;
    uint64_t mask;   /* XORed into indices: all ones from the far end */
    size_t keep;     /* candidates that must be kept: hi, or length - lo from the far end */
    size_t capacity; /* entries at which the candidates are cut back to keep */
    uint64_t high;   /* the greatest key that can still be a candidate */
    int closed;      /* no element can be a candidate any more */
    int ended;       /* finished, or failed */
    int64_t pushed;
    st_carried *entries;
    size_t bytes, count;
};

st_status st_stream_start(const st_host *host, const st_stream_options *options, const st_scanner *scanner, st_stream **out) {
    size_t capacity, bytes;
    const int64_t after = options->length < 0 ? INT64_MAX : options->length > options->lo ? options->length - options->lo : 0;
    const int far_end = after < options->hi;
    const size_t keep = (size_t)(far_end ? after : options->hi);
    if (!st_add_size(keep, keep < 2 * (size_t)BLOCK ? 2 * (size_t)BLOCK : keep, &capacity) ||
        !st_multiply_size(capacity, sizeof(st_carried), &bytes))
        return st_fail(ST_E_MEMORY, "hi: a window of %lld elements does not fit in memory", (long long)options->hi);
    st_stream *stream = st_allocate_zeroed(host, sizeof *stream);
    if (stream == NULL) return st_fail(ST_E_MEMORY, "no memory for a stream");
    stream->host = *host;
    stream->options = *options;
    stream->scanner = *scanner;
    stream->order = st_order_of(options->dtype, options->descending, options->nan_rule);
    if (far_end) {
        stream->order = st_order_reversed(stream->order);
        stream->mask = UINT64_MAX;
    }
    stream->keep = keep;
    stream->capacity = capacity;
    stream->high = stream->order.mask;
    stream->closed = keep == 0;
    *out = stream;
    return ST_OK;
}

/* Cuts the candidates back to the best `keep`, and lowers the bound to the last of them. */
static void cut_back(st_stream *stream) {
    st_carried_select(stream->entries, stream->count, stream->keep);
    stream->count = stream->keep;
    const uint64_t last = stream->entries[stream->keep - 1].key;
    /* From the near end, an equal key comes after all that are kept; from the far end, before. */
    if (stream->mask == 0 && last == 0)
        stream->closed = 1;
    else
        stream->high = stream->mask == 0 ? last - 1 : last;
}

/* Room for `needed` entries: doubling, so that few elements need little memory, but never above the capacity. */
static st_status make_room(st_stream *stream, size_t needed) {
    if (needed * sizeof(st_carried) <= stream->bytes) return ST_OK;
    const size_t doubled = 2 * (stream->bytes / sizeof(st_carried));
    const size_t wanted = (doubled < needed ? needed : doubled < stream->capacity ? doubled : stream->capacity) * sizeof(st_carried);
    void *grown = stream->host.reallocate(stream->host.user, stream->entries, stream->bytes, wanted);
    if (grown == NULL) return st_fail(ST_E_MEMORY, "no memory for %zu bytes of candidates", wanted);
    stream->entries = grown;
    stream->bytes = wanted;
    return ST_OK;
}

st_status st_stream_push(st_stream *stream, const void *elements, int64_t count) {
    if (stream == NULL) return st_fail(ST_E_ARGUMENT, "stream is NULL");
    if (stream->ended) return st_fail(ST_E_STATE, "stream: it has finished or failed; open another");
    if (count < 0) return st_fail(ST_E_ARGUMENT, "count is %lld; it must be at least 0", (long long)count);
    if (count == 0) return ST_OK;
    const size_t size = stream->order.bits / 8;
    if (elements == NULL) return st_fail(ST_E_ARGUMENT, "elements is NULL");
    if ((uintptr_t)elements % size != 0) return st_fail(ST_E_ARGUMENT, "elements is not aligned to its %zu-byte element", size);
    if (stream->options.length >= 0 && count > stream->options.length - stream->pushed)
        return st_fail(ST_E_ARGUMENT, "count: %lld more elements exceed the stated length of %lld", (long long)count,
                       (long long)stream->options.length);
    if (count > INT64_MAX - stream->pushed) return st_fail(ST_E_ARGUMENT, "count: more than 2^63 elements in all");
    const char *at = elements;
    for (int64_t done = 0; done < count;) {
        const size_t block = (size_t)(count - done < BLOCK ? count - done : BLOCK);
        if (stream->options.nan_rule == ST_NAN_ERROR && stream->options.hi > stream->options.lo) {
            const size_t found = stream->scanner.find_nan(&stream->order, at, 1, block);
            if (found < block) {
                stream->ended = 1;
                return st_fail(ST_E_NAN, "element %lld is NaN, and the rule is error", (long long)(stream->pushed + (int64_t)found));
            }
        }
        if (!stream->closed) {
            const st_status status = make_room(stream, stream->count + block);
            if (status != ST_OK) {
                stream->ended = 1;
                return status;
            }
            stream->count += stream->scanner.collect(&stream->order, at, block, (uint64_t)stream->pushed, stream->mask, 0,
                                                     stream->high, stream->entries + stream->count);
            if (stream->count > stream->capacity - BLOCK) cut_back(stream);
        }
        at += block * size;
        done += (int64_t)block;
        stream->pushed += (int64_t)block;
    }
    return ST_OK;
}

int64_t st_stream_pushed(const st_stream *stream) { return stream == NULL ? 0 : stream->pushed; }

int64_t st_stream_ready(const st_stream *stream) {
    if (stream == NULL) return 0;
    const int64_t hi = stream->options.hi < stream->pushed ? stream->options.hi : stream->pushed;
    return hi > stream->options.lo ? hi - stream->options.lo : 0;
}

st_status st_stream_finish(st_stream *stream, void *values, int64_t *indices, int64_t capacity) {
    if (stream == NULL) return st_fail(ST_E_ARGUMENT, "stream is NULL");
    if (stream->ended) return st_fail(ST_E_STATE, "stream: it has finished or failed; open another");
    if (stream->options.length >= 0 && stream->pushed != stream->options.length)
        return st_fail(ST_E_STATE, "stream: %lld elements were pushed of a stated length of %lld", (long long)stream->pushed,
                       (long long)stream->options.length);
    const int64_t width = st_stream_ready(stream);
    if (capacity < width)
        return st_fail(ST_E_CAPACITY, "capacity is %lld; the window has %lld elements", (long long)capacity, (long long)width);
    if (values != NULL && (uintptr_t)values % (stream->order.bits / 8) != 0)
        return st_fail(ST_E_ARGUMENT, "values is not aligned to its element");
    if (indices != NULL && (uintptr_t)indices % _Alignof(int64_t) != 0)
        return st_fail(ST_E_ARGUMENT, "indices is not aligned to its element");
    stream->ended = 1;
    if (width == 0) return ST_OK;
    const size_t row = (size_t)stream->pushed, first = (size_t)stream->options.lo, last = first + (size_t)width;
    const size_t lo = stream->mask == 0 ? first : row - last, hi = stream->mask == 0 ? last : row - first;
    st_carried_window(stream->entries, stream->count, lo, hi, stream->options.order == ST_UNSORTED, stream->mask);
    if (stream->mask != 0 && stream->options.order != ST_UNSORTED)
        for (size_t a = lo, b = hi; a + 1 < b; a++) {
            b--;
            const st_carried held = stream->entries[a];
            stream->entries[a] = stream->entries[b];
            stream->entries[b] = held;
        }
    st_carried_emit(stream->entries + lo, (size_t)width, stream->order.bits, stream->mask, values, indices);
    return ST_OK;
}

void st_stream_close(st_stream *stream) {
    if (stream == NULL) return;
    const st_host host = stream->host;
    st_release(&host, stream->entries, stream->bytes);
    st_release(&host, stream, sizeof *stream);
}
