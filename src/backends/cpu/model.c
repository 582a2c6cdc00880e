/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * model.c - a plain cost model: bytes at the bandwidth of the cache that holds them, plus each family's work in nanoseconds
 * per element or candidate. The constants were measured on a Zen 5 server core with the bench command; they rank families,
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

/* Nanoseconds to select (and sort the window of) one row of n elements on one worker. */
static double row_ns(const st_rank_request *request, const st_choice *choice, double n, double hi, const st_device_caps *caps) {
    const st_window window = st_window_of(request, (size_t)request->cols);
    const double width = (double)(window.hi - window.lo), lanes = caps->lanes < 1 ? 1 : caps->lanes;
    const double scan = n * (double)st_dtype_size(request->dtype) / 4 * (0.03 + 0.6 / lanes);
    const double passing = hi >= n ? n : hi * (1 + log(n / hi)); /* elements that beat a running bound, on random data */
    const double sorting = width * log2_of(width) * (lanes >= 16 ? 0.35 : 1), selecting = lanes >= 16 ? 0.8 : 2;
    switch (st_cpu_family_of(choice)) {
        case ST_CPU_HEAP: {
            const double first = n < choice->ctile ? n : choice->ctile; /* elements seen before the first bound */
            return 60 + scan + first * 3 + passing * (8 + 2.5 * log2_of(hi)) + sorting;
        }
        case ST_CPU_KWAY: return 80 + n * 4 + hi * 8 + sorting;
        case ST_CPU_BITONIC: {
            const double stages = log2_of(hi < 16 ? 16 : hi); /* chunks are no shorter */
            return 40 + n * 0.4 * stages * stages + sorting;
        }
        case ST_CPU_RADIX: return 1500 + scan * 2 + n + width * 2 + sorting;
        case ST_CPU_LANES:
            if (2 * hi <= n) {
                const double step = n > 60 * hi ? sqrt(n / (60 * hi)) : 1; /* families.inc samples this way */
                return 60 + scan * (1 + 2 / step) + 2 * hi * selecting + 1.4 * hi * step * (3 + selecting) + sorting;
            }
            return 100 + scan + n * 1.8 + sorting; /* no bound: the filter, and no more */
        default: {
            const double loose = hi >= n / 2 ? n * (lanes < 16 ? 5 : n > 16384 ? 1.7 : 1.2) : 0;
            return 50 + scan + (loose > 0 ? loose : 150 + passing * (6 + selecting)) + sorting;
        }
    }
}

double st_cpu_estimate(const st_rank_request *request, const st_choice *choice, const st_device_caps *caps) {
    const double rows = (double)request->rows, n = (double)request->cols, hi = kept(request);
    if (rows == 0 || n == 0 || hi == 0) return 100;
    const double threads = request->threads < 1 ? 1 : request->threads;
    const double pieces = st_cpu_pieces(request, choice);
    if (pieces > 1) {
        const double at_once = pieces < threads ? pieces : threads;
        const double piece_hi = hi < n / pieces ? hi : n / pieces;
        return 200 + rows * (8000 + row_ns(request, choice, n / pieces, piece_hi, caps) * pieces / at_once + piece_hi * pieces * 3);
    }
    const double at_once = rows < threads ? rows : threads;
    return 200 + (at_once > 1 ? 8000 : 0) + rows * row_ns(request, choice, n, hi, caps) / at_once;
}

static int32_t clamp(int32_t value, int32_t low, int32_t high) { return value < low ? low : value > high ? high : value; }

static int32_t power_of_two_at_most(int32_t value) {
    int32_t power = 1;
    while (power <= value / 2) power *= 2;
    return power;
}

void st_cpu_normalise(const st_rank_request *request, const st_device_caps *caps, st_choice *choice) {
    (void)request;
    if (!st_cpu_legal(choice->mk, choice->mkd)) choice->mkd = ST_MKD_AUTO;
    if (!st_cpu_legal(choice->mk, choice->mkd)) choice->mk = ST_MK_SHARED;
    choice->wg = clamp(choice->wg, 1, caps->max_workgroup < 1 ? 1 : caps->max_workgroup);
    choice->kl = clamp(choice->kl, 1, MOST_DEPTH);
    choice->ctile = power_of_two_at_most(clamp(choice->ctile, LEAST_CTILE, MOST_CTILE));
    choice->tile = power_of_two_at_most(clamp(choice->tile, LEAST_TILE, MOST_TILE));
}

static st_choice choice_of(int32_t mk, int32_t mkd, int32_t ctile, int32_t kl) {
    return (st_choice){.mk = mk, .mkd = mkd, .wg = 1, .kl = kl, .tile = 8192, .ctile = ctile};
}

/* What splitting a row must gain to be worth waking other threads, in nanoseconds. */
enum { SPLIT_NS = 10000 };

void st_cpu_fallback(const st_rank_request *request, const st_device_caps *caps, st_choice *best) {
    static const int32_t families[][2] = {{ST_MK_SHARED, ST_MKD_FILTER},
                                          {ST_MK_SHARED, ST_MKD_HEAP},
                                          {ST_MK_BITONIC, ST_MKD_BITONIC},
                                          {ST_MK_RADIX, ST_MKD_AUTO},
                                          {ST_MK_WARP, ST_MKD_WARP_HEAP}};
    double least = HUGE_VAL;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        st_choice choice = choice_of(families[i][0], families[i][1], 16384, 1);
        for (int split = 0; split < 2; split++) {
            choice.use_2ce = split;
            choice.wg = split ? request->threads : 1;
            if (split && (request->threads < 2 || request->rows >= request->threads)) break;
            const double ns = st_cpu_estimate(request, &choice, caps);
            if (split && ns > least - SPLIT_NS) continue;
            if (ns >= least) continue;
            least = ns;
            *best = choice;
        }
    }
    st_cpu_normalise(request, caps, best);
}

int32_t st_cpu_candidates(const st_rank_request *request, const st_device_caps *caps, st_choice *choices, int32_t capacity) {
    static const int32_t families[][4] = {
        {ST_MK_SHARED, ST_MKD_FILTER, 16384, 1},   {ST_MK_SHARED, ST_MKD_FILTER, 1024, 2}, {ST_MK_SHARED, ST_MKD_HEAP, 512, 1},
        {ST_MK_SHARED, ST_MKD_KWAY, 4096, 1},     {ST_MK_WARP, ST_MKD_WARP_HEAP, 16384, 1}, {ST_MK_WARP, ST_MKD_WARP_HEAP, 16384, 2},
        {ST_MK_BITONIC, ST_MKD_BITONIC, 4096, 1}, {ST_MK_RADIX, ST_MKD_AUTO, 4096, 1}};
    int32_t count = 0;
    for (int split = 0; split < (request->threads > 1 && caps->max_workgroup > 1 ? 2 : 1); split++)
        for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
            st_choice choice = choice_of(families[i][0], families[i][1], families[i][2], families[i][3]);
            choice.use_2ce = split;
            choice.wg = split ? request->threads : 1;
            st_cpu_normalise(request, caps, &choice);
            if (count < capacity) choices[count] = choice;
            count++;
        }
    return count;
}
