/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * few_avx512.h - the first few ranks of many rows of 32-bit elements with AVX-512: sixteen rows are read one after the other,
 * so that memory is read as one stream, and then decided about together, one in each lane. classes.inc includes it behind the
 * kernels of 32 bits.
 *
 * A row's columns make 16 to 128 groups, twice the ranks wanted or more. As many groups as ranks are wanted have their best
 * element within the bound that follows, and at most half as many elements more are within it, nearly always: these are looked
 * for, in the 64 columns that hold them, and sorted by (key, column), in lanes again where they are few. Rows with a NaN, and
 * such as have many elements within the bound, are handed back.
 */
#ifndef ST_CPU_FEW_AVX512_H
#define ST_CPU_FEW_AVX512_H

#include <immintrin.h>
#include <string.h>

#include "backends/cpu/kernels.h"
#include "backends/cpu/minima_avx512.h"
#include "backends/cpu/wide_rows_avx512.h"

/* Elements within the bound that there is room for at most, and where no more than so many ranks are wanted. */
enum { FEW_ROOM = 2 * ST_FEW_IN_LANES, FEW_LEAST_ROOM = 8, FEW_LEAST = 4 };

/* Places of hits that are written at a time, and lines of the next rows that are fetched once a row meanwhile. */
enum { FEW_AT_ONCE = 2, FEW_FETCHED = 8 };

/* Words of 64 columns up to which all of a row is looked through again; and most words of a row, and groups of its columns. */
enum { FEW_SCANNED = 8, FEW_WORDS = ST_FEW_COLUMNS / 64, FEW_GROUPS = 2 * ST_FEW };

#undef LANES
#undef LAST
#undef LEAST
#undef GREATEST
#undef TRANSPOSE
#undef LANED
#define LANES 8
#define LAST _mm512_set1_epi64(-1)
#define LEAST _mm512_min_epu64
#define GREATEST _mm512_max_epu64
#define TRANSPOSE transpose_wide_8
#define LANED(function) function##_of_pairs
#include "backends/cpu/lane_networks.inc"

struct few {
    st_turn turn;
    __m512i last; /* no number comes after it */
};

/* The lanes whose numbers come no later than the bound. */
INLINE __mmask16 lanes_up_to(st_compared compared, __m512i a, __m512i bound) {
    const __m512 x = _mm512_castsi512_ps(a), y = _mm512_castsi512_ps(bound);
    if (compared == ST_COMPARED_TURNED) return _mm512_cmple_epu32_mask(a, bound);
    return compared == ST_COMPARED_GREATEST ? _mm512_cmp_ps_mask(x, y, _CMP_GE_OQ) : _mm512_cmp_ps_mask(x, y, _CMP_LE_OQ);
}

/* Elements as numbers to compare: floats as they are. */
INLINE __m512i few_numbers(st_compared compared, const struct few *few, __m512i bits) {
    return compared == ST_COMPARED_TURNED ? turn_lanes(&few->turn, bits) : bits;
}

/* 64 columns' numbers; of `count`, where there are fewer. */
INLINE void few_load(st_compared compared, const struct few *few, const key32 *from, size_t count, __m512i v[4]) {
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        if (count >= 64) {
            v[i] = few_numbers(compared, few, _mm512_loadu_si512(from + 16 * i));
            continue;
        }
        const size_t rest = count > 16 * i ? count - 16 * i : 0;
        const __mmask16 there = (__mmask16)(rest >= 16 ? 0xffff : (1u << rest) - 1);
        v[i] = _mm512_mask_mov_epi32(few->last, there, few_numbers(compared, few, _mm512_maskz_loadu_epi32(there, from + 16 * i)));
    }
}

INLINE __mmask16 few_nans(const __m512i v[4]) {
    const __mmask16 front = _mm512_cmp_ps_mask(_mm512_castsi512_ps(v[0]), _mm512_castsi512_ps(v[1]), _CMP_UNORD_Q);
    const __mmask16 back = _mm512_cmp_ps_mask(_mm512_castsi512_ps(v[2]), _mm512_castsi512_ps(v[3]), _CMP_UNORD_Q);
    return _kor_mask16(front, back);
}

/* Which of 64 columns, or of `count`, have numbers within the bound. */
INLINE uint64_t few_hits(st_compared compared, const struct few *few, const key32 *from, size_t count, __m512i bound) {
    __m512i v[4];
    few_load(compared, few, from, count, v);
    const uint64_t hits = join_4(lanes_up_to(compared, v[0], bound), lanes_up_to(compared, v[1], bound),
                                 lanes_up_to(compared, v[2], bound), lanes_up_to(compared, v[3], bound));
    return count >= 64 ? hits : hits & (((uint64_t)1 << count) - 1);
}

/*
 * Reads a row: the best of each group of its columns, in `some` registers 16 apart (1, 2, 4 or 8), and of each word where it
 * has more of them than are looked through. Returns whether it has a NaN.
 */
INLINE int few_read(st_compared compared, const struct few *few, const key32 *row, size_t columns, size_t some, __m512i *groups,
                    uint32_t *bests, __m512i lines[16]) {
    const size_t words = (columns + 63) / 64;
    __m512i best[8];
#pragma GCC unroll 8
    for (size_t i = 0; i < some; i++) best[i] = few->last;
    __mmask16 nan = 0;
    for (size_t w = 0; w < words; w++) {
        __m512i v[4];
        if (w < columns / 64)
            few_load(compared, few, row + 64 * w, 64, v);
        else
            few_load(compared, few, row + 64 * w, columns % 64, v);
        if (compared != ST_COMPARED_TURNED) nan = _kor_mask16(nan, few_nans(v));
#pragma GCC unroll 2
        for (size_t apart = 2; apart >= some; apart /= 2)
#pragma GCC unroll 2
            for (size_t i = 0; i < apart; i++) v[i] = best_lanes(compared, v[i], v[i + apart]);
#pragma GCC unroll 4
        for (size_t i = 0; i < (some < 4 ? some : 4); i++) {
            __m512i *so_far = &best[some > 4 ? w % (some / 4) * 4 + i : i];
            *so_far = best_lanes(compared, v[i], *so_far);
        }
        if (words <= FEW_SCANNED) continue;
#pragma GCC unroll 2
        for (size_t apart = some < 4 ? some / 2 : 2; apart > 0; apart /= 2)
#pragma GCC unroll 2
            for (size_t i = 0; i < apart; i++) v[i] = best_lanes(compared, v[i], v[i + apart]);
        lines[w % 16] = v[0];
        if (w % 16 == 15 || w + 1 == words) _mm512_storeu_si512(bests + w / 16 * 16, best_of_lines(compared, lines));
    }
#pragma GCC unroll 8
    for (size_t i = 0; i < some; i++) groups[16 * i] = best[i];
    return nan != 0;
}

/* Numbers as turned keys, which both zeros have one of. */
INLINE __m512i few_keys(st_compared compared, const struct few *few, __m512i numbers) {
    if (compared == ST_COMPARED_TURNED) return numbers;
    return turn_lanes(&few->turn, _mm512_castps_si512(_mm512_add_ps(_mm512_castsi512_ps(numbers), _mm512_setzero_ps())));
}

/* What is found of 16 rows, one in each lane. */
struct few_found {
    uint32_t columns[FEW_ROOM][16], bits[FEW_ROOM][16];
    uint32_t counts[16];
};

/* Finds a row's elements within the bound. Returns how many, more than `room` where there is no room for them. */
INLINE size_t few_find(st_compared compared, const struct few *few, const key32 *row, size_t columns, const uint32_t *bests,
                       uint32_t bound_number, size_t room, size_t lane, struct few_found *found) {
    const size_t words = (columns + 63) / 64;
    const __m512i bound = _mm512_set1_epi32((int)bound_number);
    uint64_t hits_of[FEW_SCANNED], with = 0;
    uint32_t places[FEW_ROOM + FEW_AT_ONCE];
    size_t count = 0;
    if (words <= FEW_SCANNED) {
        for (size_t w = 0; w < columns / 64; w++) hits_of[w] = few_hits(compared, few, row + 64 * w, 64, bound);
        if (columns % 64 != 0) hits_of[words - 1] = few_hits(compared, few, row + columns / 64 * 64, columns % 64, bound);
        for (size_t w = 0; w < words; w++) with |= (uint64_t)(hits_of[w] != 0) << w;
    } else {
        for (size_t w = 0; w < words; w += 16)
            with |= (uint64_t)st_mask_bits(lanes_up_to(compared, _mm512_loadu_si512(bests + w), bound)) << w;
        if (words < 64) with &= ((uint64_t)1 << words) - 1;
    }
    for (; with != 0; with &= with - 1) {
        const size_t w = (size_t)__builtin_ctzll(with);
        uint64_t hits;
        if (words <= FEW_SCANNED)
            hits = hits_of[w];
        else if (w < columns / 64)
            hits = few_hits(compared, few, row + 64 * w, 64, bound);
        else
            hits = few_hits(compared, few, row + 64 * w, columns % 64, bound);
        uint32_t *to = places + count;
        count += (size_t)__builtin_popcountll(hits);
        if (count > room) return count;
        do { /* a zero bit more does no harm, and a branch less does good */
            for (int i = 0; i < FEW_AT_ONCE; i++, hits &= hits - 1) *to++ = (uint32_t)(64 * w) + (uint32_t)__builtin_ctzll(hits | (uint64_t)1 << 63);
        } while (hits != 0);
    }
    for (size_t j = 0; j < count; j++) {
        found->columns[j][lane] = places[j];
        found->bits[j][lane] = row[places[j]];
    }
    return count;
}

/*
 * Sorts what was found in every lane by (key, column), and leaves the first columns in found->columns. Keys and columns are
 * joined to numbers of 64 bits, half of the lanes at a time.
 */
static void few_sort(const struct few *few, struct few_found *found, size_t room, size_t hi) {
    const __m512i counts = _mm512_loadu_si512(found->counts), beyond = _mm512_set1_epi32(-1);
    const int is_float = few->turn.infinity <= UINT32_MAX;
    __m512i halves[2][FEW_ROOM];
    for (size_t j = 0; j < room; j++) {
        const __mmask16 there = _mm512_cmpgt_epu32_mask(counts, _mm512_set1_epi32((int)j));
        const __m512i bits = _mm512_loadu_si512(found->bits[j]);
        const __m512i key = is_float ? few_keys(ST_COMPARED_LEAST, few, bits) : turn_lanes(&few->turn, bits);
        const __m512i keys = _mm512_mask_mov_epi32(beyond, there, key);
        const __m512i columns = _mm512_mask_mov_epi32(beyond, there, _mm512_loadu_si512(found->columns[j]));
        halves[0][j] = _mm512_unpacklo_epi32(columns, keys);
        halves[1][j] = _mm512_unpackhi_epi32(columns, keys);
    }
    least_rows_of_pairs(halves[0], room, hi);
    least_rows_of_pairs(halves[1], room, hi);
    for (size_t j = 0; j < hi; j++) {
        const __m512 front = _mm512_castsi512_ps(halves[0][j]), back = _mm512_castsi512_ps(halves[1][j]);
        _mm512_storeu_si512(found->columns[j], _mm512_castps_si512(_mm512_shuffle_ps(front, back, 0x88)));
    }
}

/* Writes the window of a row, whose columns lie in a lane. */
INLINE void few_write(const st_lane_rows *job, size_t r, const key32 *row, const struct few_found *found) {
    const size_t lo = job->lo, width = job->hi - job->lo;
    if (job->values != NULL) {
        key32 *to = (key32 *)job->values + (ptrdiff_t)r * job->values_stride;
        for (size_t j = 0; j < width; j++) to[j] = row[found->columns[lo + j][r]];
    }
    if (job->indices == NULL) return;
    if (job->index_size == sizeof(int64_t)) {
        int64_t *to = (int64_t *)job->indices + (ptrdiff_t)r * job->indices_stride;
        for (size_t j = 0; j < width; j++) to[j] = (int64_t)found->columns[lo + j][r];
    } else {
        key32 *to = (key32 *)job->indices + (ptrdiff_t)r * job->indices_stride;
        for (size_t j = 0; j < width; j++) to[j] = found->columns[lo + j][r];
    }
}

/* Ranks one row of which more are wanted. Returns 0 where many elements have keys up to `high`, or too few. */
static int few_rank_row(const st_lane_rows *job, size_t r, const key32 *row, uint64_t high) {
    st_narrow entries[ST_FEW_COLUMNS];
    const size_t lo = job->lo, hi = job->hi, count = collect_narrow_32(job->order, row, 1, job->columns, 0, 0, 0, high, entries);
    if (count < hi || count > 4 * hi) return 0;
    st_avx512_sort_first(entries, count, hi);
    char *indices = job->indices;
    if (indices != NULL) indices += (ptrdiff_t)r * job->indices_stride * (ptrdiff_t)job->index_size;
    key32 *values = job->values;
    if (values != NULL) values += (ptrdiff_t)r * job->values_stride;
    emit_32(job->order, row, 1, entries + lo, hi - lo, values, indices, job->index_size);
    return 1;
}

INLINE uint32_t few_rank(st_compared compared, const struct few *few, const st_lane_rows *job) {
    const key32 *const first = job->elements;
    const size_t columns = job->columns, hi = job->hi, some = hi <= 8 ? 1 : hi <= 16 ? 2 : hi <= 32 ? 4 : 8;
    const size_t room = hi <= FEW_LEAST ? FEW_LEAST_ROOM : 16 * some;
    uint32_t bests[16][FEW_WORDS], bounds[16], wrong = 0;
    __m512i groups[FEW_GROUPS], lines[16] = {_mm512_setzero_si512()};
    struct few_found found;
    for (size_t g = 0; g < 16 * some; g++) groups[g] = few->last;
    for (size_t r = 0; r < job->rows; r++) {
        const key32 *row = first + (ptrdiff_t)r * job->row_stride;
        const int has_nan = some == 1   ? few_read(compared, few, row, columns, 1, &groups[r], bests[r], lines)
                            : some == 2 ? few_read(compared, few, row, columns, 2, &groups[r], bests[r], lines)
                            : some == 4 ? few_read(compared, few, row, columns, 4, &groups[r], bests[r], lines)
                                        : few_read(compared, few, row, columns, 8, &groups[r], bests[r], lines);
        wrong |= (uint32_t)has_nan << r;
    }
    for (size_t g = 0; g < some; g++) transpose_16(groups + 16 * g);
    for (size_t g = 0; g < 16 * some; g++) groups[g] = few_keys(compared, few, groups[g]);
    least_rows_of_32(groups, 16 * some, hi);
    _mm512_storeu_si512(bounds, groups[hi - 1]);
    memset(found.counts, 0, sizeof found.counts);
    /* The rows that come next need not be there. */
    const uintptr_t next = (uintptr_t)first + 16 * sizeof *first * (uintptr_t)job->row_stride;
    for (size_t r = 0; r < job->rows; r++) {
        for (uintptr_t line = r * FEW_FETCHED; line < (r + 1) * FEW_FETCHED; line++) __builtin_prefetch((const void *)(next + 64 * line), 0, 2);
        if (wrong >> r & 1) continue;
        const key32 *row = first + (ptrdiff_t)r * job->row_stride;
        const uint32_t bound = compared == ST_COMPARED_TURNED ? bounds[r] : turned_back_32(few->turn, bounds[r]);
        if (hi > ST_FEW_IN_LANES) {
            wrong |= (uint32_t)!few_rank_row(job, r, row, st_key_of(job->order, turned_back_32(few->turn, bounds[r]))) << r;
            continue;
        }
        const size_t count = few_find(compared, few, row, columns, bests[r], bound, room, r, &found);
        found.counts[r] = (uint32_t)count;
        /* There may be too few where another thread changes the row meanwhile. */
        if (count < hi || count > room) wrong |= 1u << r;
    }
    if (hi > ST_FEW_IN_LANES) return wrong;
    few_sort(few, &found, room, hi);
    for (size_t r = 0; r < job->rows; r++)
        if ((wrong >> r & 1) == 0) few_write(job, r, first + (ptrdiff_t)r * job->row_stride, &found);
    return wrong;
}

static uint32_t rank_few_32(const st_lane_rows *job) {
    struct few few = {.turn = st_turn_of(job->order), .last = _mm512_set1_epi32(-1)};
    const uint32_t infinity = (uint32_t)few.turn.infinity;
    if (few.turn.infinity > UINT32_MAX) return few_rank(ST_COMPARED_TURNED, &few, job);
    few.last = _mm512_set1_epi32((int)(few.turn.descending ? infinity | 0x80000000u : infinity));
    if (few.turn.descending) return few_rank(ST_COMPARED_GREATEST, &few, job);
    return few_rank(ST_COMPARED_LEAST, &few, job);
}

#endif
