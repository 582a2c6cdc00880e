/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * model.c - a plain cost model: bytes at the bandwidth of the cache that holds them, plus each family's work in nanoseconds
 * per element or candidate. The constants were measured on a Zen 4 server core with the bench command; they rank families,
 * they do not promise times.
 */
#include "backends/cpu/model.h"

#include <math.h>

#include "backends/cpu/cpu_backend.h"
#include "backends/cpu/run.h"
#include "backends/cpu/select.h"
#include "rank/window.h"

enum { LEAST_CTILE = 64, MOST_CTILE = 65536, LEAST_TILE = 64, MOST_TILE = 1 << 20, MOST_DEPTH = 32 };

int st_cpu_legal(int32_t mk, int32_t mkd) {
    switch (mk) {
        case ST_MK_BITONIC: return mkd == ST_MKD_AUTO || mkd == ST_MKD_BITONIC;
        case ST_MK_SHARED: return mkd == ST_MKD_AUTO || mkd == ST_MKD_FILTER || mkd == ST_MKD_HEAP || mkd == ST_MKD_KWAY;
        case ST_MK_WARP: return mkd == ST_MKD_AUTO || mkd == ST_MKD_WARP_HEAP;
        case ST_MK_RADIX: return mkd == ST_MKD_AUTO;
        default: return 0;
    }
}

/* Candidates that one row must keep, counted from its nearer end. */
static double kept(const st_rank_request *request) {
    const st_window window = st_window_of(request, (size_t)request->cols);
    const size_t far = (size_t)request->cols - window.lo;
    return (double)(window.hi < far ? window.hi : far);
}

static double log2_of(double x) { return x < 2 ? 1 : log2(x); }

/* Nanoseconds to read one byte: from the caches, or from memory where the whole input does not fit them. */
static double read_ns(const st_rank_request *request, const st_device_caps *caps) {
    const double bytes = (double)request->rows * (double)request->cols * (double)st_dtype_size(request->dtype);
    const double lanes = caps->lanes < 1 ? 1 : caps->lanes;
    const double compare = 0.08 / lanes / (double)st_dtype_size(request->dtype) * 4; /* a few instructions a register */
    const double cached = caps->l3_cache > 0 ? 0.75 * (double)caps->l3_cache : 16e6, read = bytes > cached ? 0.038 : 0.01;
    return compare > read ? compare : read;
}

/* What a candidate costs, in nanoseconds. */
struct costs {
    double sort, many;   /* to sort it among others, for each doubling of their number; and among 2048 or more */
    double select;       /* to split it from others until the first of them are known */
    double each, all;    /* to take it into a buffer by its position, or among all elements of a row */
    double insert, sift; /* into a heap: once, and for each of its levels */
};

/* Candidates of 64-bit types are pairs, which no vector code sorts or selects one row at a time. */
static struct costs costs_of(const st_rank_request *request, double lanes) {
    if (st_dtype_size(request->dtype) == 8) return (struct costs){2.8, 2.8, 6, 4, 0.6, 8, 2.5};
    if (lanes >= 16) return (struct costs){0.22, 0.16, 0.6, 2.2, st_dtype_size(request->dtype) == 4 ? 0.2 : 1, 8, 2.5};
    if (lanes >= 8) return (struct costs){0.33, 0.26, 0.8, 2.2, 0.8, 8, 2.5};
    return (struct costs){1.1, 1.1, 3, 4, 2, 8, 2.5};
}

static double sort_ns(struct costs costs, double count) { return count * log2_of(count) * (count < 2048 ? costs.sort : costs.many); }

/* The first `width` of `count` candidates, or any window of them, in order: sorted whole, or selected first. */
static double order_ns(struct costs costs, double count, double width) {
    const double whole = sort_ns(costs, count), selected = count * costs.select + sort_ns(costs, width);
    return whole < selected ? whole : selected;
}

/* To take `found` of n elements into a buffer. */
static double take_ns(struct costs costs, double found, double n) {
    const double each = found * costs.each, all = n * costs.all;
    return each < all ? each : all;
}

/*
 * Short rows in lanes: `together` of them take as long as one, so that the last of few may have most of the lanes idle. Lanes of
 * 64 bits are half as many; AVX2 has no minimum of them but that of doubles, which it has as fast.
 */
static double in_lanes_ns(const st_rank_request *request, double n, double hi, double lanes) {
    const int wide = st_dtype_size(request->dtype) == 8;
    const double together = (lanes >= 16 ? 16 : 8) / (wide ? 2 : 1), rows = (double)request->rows;
    const double depth = log2_of(hi < 8 ? 8 : hi), first = wide ? 0.27 : 0.16, some = wide ? 0.35 : 0.12, level = wide ? 0.03 : 0.017;
    const double each = hi < 2 ? first : some + level * depth * depth, slower = lanes >= 16 ? 1 : wide ? 1.2 : 1.6;
    return (8 + n * each * slower) * ceil(rows / together) * together / rows;
}

/* What is not reading of many rows of which few elements each are wanted: sixteen are decided about together. */
static double few_ns(const st_rank_request *request, double n, double hi) {
    const double together = request->rows < ST_LANE_ROWS ? (double)request->rows : ST_LANE_ROWS;
    const double found = hi * (hi > 8 && n > 256 ? 8 : 6), row = n < 256 ? 0.095 * n : 24;
    const double alone = hi > ST_FEW_IN_LANES ? 0.05 * n - 80 : 0; /* a row that is ranked by itself in the end */
    const double turned = request->dtype == ST_F32 ? 0 : 16; /* integers are compared by their keys */
    return row + found + alone + turned + 64 / together;
}

/* Nanoseconds to select (and sort the window of) one row of n elements on one worker. */
static double row_ns(const st_rank_request *request, const st_choice *choice, double n, double hi, const st_device_caps *caps) {
    enum { FIRST = 512 }; /* elements seen before there is a first bound */
    const st_window window = st_window_of(request, (size_t)request->cols);
    const double width = (double)(window.hi - window.lo), lanes = caps->lanes < 1 ? 1 : caps->lanes;
    const int wide = st_dtype_size(request->dtype) == 8;
    const struct costs costs = costs_of(request, lanes);
    const double scan = n * (double)st_dtype_size(request->dtype) * read_ns(request, caps);
    const double passing = hi >= n ? n : hi * (1 + log(n / hi)); /* elements that beat a running bound, on random data */
    const double writing = width * (window.lo == 0 ? 0.4 : 1.2), first = n < FIRST ? n : FIRST;
    switch (st_cpu_family_of(choice)) {
        case ST_CPU_HEAP: {
            const double insert = costs.insert + costs.sift * log2_of(hi), seen = n < choice->ctile ? n : choice->ctile;
            const double blocks = n / choice->ctile * 50;
            return 100 + scan + blocks + seen * (wide ? 1.4 : 0.75) + passing * insert + sort_ns(costs, width) + writing;
        }
        case ST_CPU_KWAY: return 120 + n * 4 + hi * 8 + sort_ns(costs, width) + writing;
        case ST_CPU_BITONIC: {
            if (st_cpu_ranks_in_lanes(request) && lanes >= 8) return scan + in_lanes_ns(request, n, hi, lanes);
            const double stages = log2_of(hi < 16 ? 16 : hi); /* chunks are no shorter */
            return 80 + n * (wide ? 1.6 : 0.4) * stages * stages + sort_ns(costs, width) + writing;
        }
        case ST_CPU_RADIX: {
            const double beyond = window.lo == 0 ? hi : 0; /* elements that share the last digit: exponents far from zero are long */
            return 600 + scan * 2 + n * (wide ? 1.1 : 0.85) + width * 2 + beyond * costs.select + sort_ns(costs, width) + writing;
        }
        case ST_CPU_LANES: {
            if (lanes >= 16 && st_dtype_size(request->dtype) == 4 && st_cpu_pieces(request, choice) == 1 && st_cpu_ranks_few(request))
                return scan + few_ns(request, n, hi);
            const double least = 64 * (double)st_dtype_size(request->dtype); /* blocks of a shorter row are too few for a bound */
            if (n < least || hi >= 0.7 * n) return 140 + scan + n * costs.all + order_ns(costs, n, width) + writing;
            const double step = 2 * sqrt(sqrt(n)); /* select.c samples this way */
            const double found = hi <= 32 ? hi : hi + 2.5 * sqrt(hi * step) + 2 * step; /* and finds hardly more than hi by blocks */
            const double bound = hi <= 32 ? 0.05 * scan + 10 * hi : 0.16 * n / step;
            return (hi <= 32 ? 180 : 200) + scan + bound + take_ns(costs, found, n) + order_ns(costs, found, width) + writing;
        }
        default: {
            if (hi >= 0.5 * n) return 150 + scan + n * costs.all + order_ns(costs, n, width) + writing;
            return 250 + scan * 1.1 + passing * 6 + (first + 2 * passing) * costs.select + sort_ns(costs, width) + writing;
        }
    }
}

/* What an item for another worker costs, and a search by keys (split.h) beside its two passes. */
enum { SHARE_NS = 1000, SEARCH_NS = 7000 };

double st_cpu_estimate(const st_rank_request *request, const st_choice *choice, const st_device_caps *caps) {
    const double rows = (double)request->rows, n = (double)request->cols, hi = kept(request);
    if (rows == 0 || n == 0 || hi == 0) return 100;
    const double threads = request->threads < 1 ? 1 : request->threads;
    const double pieces = st_cpu_pieces(request, choice);
    const double at_once = pieces < threads ? pieces : threads;
    if (st_cpu_searches_by_keys(request, choice)) {
        const st_window window = st_window_of(request, (size_t)request->cols);
        const double width = (double)(window.hi - window.lo), each = caps->lanes >= 16 ? 0.2 : caps->lanes >= 8 ? 0.3 : 1;
        return 200 + rows * (SEARCH_NS + (each * n + sort_ns(costs_of(request, caps->lanes), width) + 2 * width) / at_once);
    }
    if (pieces > 1) {
        const double piece_hi = hi < n / pieces ? hi : n / pieces;
        return 200 + rows * (SHARE_NS + row_ns(request, choice, n / pieces, piece_hi, caps) * pieces / at_once +
                             sort_ns(costs_of(request, caps->lanes), piece_hi * pieces));
    }
    const double rows_at_once = rows < threads ? rows : threads;
    return 200 + (rows_at_once > 1 ? SHARE_NS : 0) + rows * row_ns(request, choice, n, hi, caps) / rows_at_once;
}

static int32_t clamp(int32_t value, int32_t low, int32_t high) { return value < low ? low : value > high ? high : value; }

static int32_t power_of_two_at_most(int32_t value) {
    int32_t power = 1;
    while (power <= value / 2) power *= 2;
    return power;
}

void st_cpu_normalise(const st_rank_request *request, const st_device_caps *caps, st_choice *choice) {
    if (!st_cpu_legal(choice->mk, choice->mkd)) choice->mkd = ST_MKD_AUTO;
    if (!st_cpu_legal(choice->mk, choice->mkd)) choice->mk = ST_MK_SHARED;
    if (choice->wg == 0 && choice->use_2ce) choice->wg = request->threads;
    choice->wg = clamp(choice->wg, 1, caps->max_workgroup < 1 ? 1 : caps->max_workgroup);
    choice->kl = clamp(choice->kl, 1, MOST_DEPTH);
    choice->ctile = power_of_two_at_most(clamp(choice->ctile, LEAST_CTILE, MOST_CTILE));
    choice->tile = power_of_two_at_most(clamp(choice->tile, LEAST_TILE, MOST_TILE));
}

/* A heap wants its bound soon, as all of the first block goes into it; a long row is not worth so many calls. */
enum { HEAP_CTILE = 512, SHORT_HEAP_CTILE = 128, SHORT_ROW = 1024 };

/* Columns to scan between looks at the bound: a long row is scanned in few calls, a shorter one needs no room for more. */
static int32_t block_of_columns(const st_rank_request *request) { return request->cols < MOST_CTILE ? 16384 : MOST_CTILE; }

static st_choice choice_of(int32_t mk, int32_t mkd, int32_t ctile, int32_t kl) {
    return (st_choice){.mk = mk, .mkd = mkd, .wg = 1, .kl = kl, .tile = 8192, .ctile = ctile};
}

/* What splitting a row must gain to be worth waking other threads, in nanoseconds. */
enum { SPLIT_NS = 2000 };

void st_cpu_fallback(const st_rank_request *request, const st_device_caps *caps, st_choice *best) {
    const int32_t block = block_of_columns(request);
    const int32_t families[][3] = {{ST_MK_SHARED, ST_MKD_FILTER, block},
                                   {ST_MK_SHARED, ST_MKD_HEAP, request->cols <= SHORT_ROW ? SHORT_HEAP_CTILE : HEAP_CTILE},
                                   {ST_MK_BITONIC, ST_MKD_BITONIC, block},
                                   {ST_MK_RADIX, ST_MKD_AUTO, block},
                                   {ST_MK_WARP, ST_MKD_WARP_HEAP, block}};
    double least = HUGE_VAL;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        st_choice choice = choice_of(families[i][0], families[i][1], families[i][2], 1);
        for (int split = 0; split < 2; split++) {
            choice.use_2ce = split;
            choice.wg = split ? request->threads : 1;
            if (split && (request->threads < 2 || request->rows >= request->threads) && !st_cpu_searches_by_keys(request, &choice)) break;
            const double ns = st_cpu_estimate(request, &choice, caps);
            if (split && !best->use_2ce && ns > least - SPLIT_NS) continue;
            if (ns >= least) continue;
            least = ns;
            *best = choice;
        }
    }
    st_cpu_normalise(request, caps, best);
}

/* A Choice for which the model predicts so many times the least is not worth measuring: the model is not that far off. */
static const double HOPELESS = 12;

/* Every family, and where its fields have an effect some of their values; 0 columns stand for the block. */
static const struct variant {
    int32_t mk, mkd, ctile, kl;
} variants[] = {
    {ST_MK_SHARED, ST_MKD_FILTER, 0, 1},    {ST_MK_SHARED, ST_MKD_FILTER, 0, 2},    {ST_MK_SHARED, ST_MKD_FILTER, 1024, 1},
    {ST_MK_SHARED, ST_MKD_FILTER, 1024, 2}, {ST_MK_SHARED, ST_MKD_FILTER, 4096, 1}, {ST_MK_SHARED, ST_MKD_FILTER, 4096, 2},
    {ST_MK_SHARED, ST_MKD_HEAP, SHORT_HEAP_CTILE, 1}, {ST_MK_SHARED, ST_MKD_HEAP, HEAP_CTILE, 1}, {ST_MK_SHARED, ST_MKD_HEAP, 2048, 1},
    {ST_MK_WARP, ST_MKD_WARP_HEAP, 0, 1},   {ST_MK_WARP, ST_MKD_WARP_HEAP, 0, 2},   {ST_MK_WARP, ST_MKD_WARP_HEAP, 1024, 1},
    {ST_MK_WARP, ST_MKD_WARP_HEAP, 4096, 1}, {ST_MK_BITONIC, ST_MKD_BITONIC, 0, 1}, {ST_MK_RADIX, ST_MKD_AUTO, 0, 1},
    {ST_MK_SHARED, ST_MKD_KWAY, 0, 1}};

enum { VARIANTS = sizeof variants / sizeof variants[0] };

/* A variant as a Choice, in one pass or two; 0 where it cannot be, or another of the list does the same. */
static int variant_choice(const st_rank_request *request, const st_device_caps *caps, size_t at, int split, st_choice *choice) {
    const struct variant *variant = &variants[at];
    const int is_first = at == 0 || variant->mk != variants[at - 1].mk || variant->mkd != variants[at - 1].mkd;
    /* A block of all the columns is like any other that long. */
    if (!is_first && variant->ctile > 0 && variant->ctile >= request->cols) return 0;
    *choice = choice_of(variant->mk, variant->mkd, variant->ctile > 0 ? variant->ctile : block_of_columns(request), variant->kl);
    choice->use_2ce = split;
    choice->wg = split ? request->threads : 1;
    if (split && (request->threads < 2 || caps->max_workgroup < 2) && !st_cpu_searches_by_keys(request, choice)) return 0;
    st_cpu_normalise(request, caps, choice);
    return 1;
}

int32_t st_cpu_candidates(const st_rank_request *request, const st_device_caps *caps, st_choice *choices, int32_t capacity) {
    double least = HUGE_VAL;
    int32_t count = 0;
    st_choice choice;
    for (size_t i = 0; i < 2 * VARIANTS; i++)
        if (variant_choice(request, caps, i % VARIANTS, i >= VARIANTS, &choice))
            least = fmin(least, st_cpu_estimate(request, &choice, caps));
    for (size_t i = 0; i < 2 * VARIANTS; i++) {
        if (!variant_choice(request, caps, i % VARIANTS, i >= VARIANTS, &choice)) continue;
        if (st_cpu_estimate(request, &choice, caps) > HOPELESS * least) continue;
        if (count < capacity) choices[count] = choice;
        count++;
    }
    return count;
}
