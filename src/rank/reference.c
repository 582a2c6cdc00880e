/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* reference.c - the scalar reference: decode, sort whole rows stably, copy the window out. */
#include "rank/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "rank/window.h"

/* One element as a number: floats in `real`, integers in `whole` (u64 above INT64_MAX in `high`). */
struct number {
    int is_nan;
    double real;
    int64_t whole;
    int high;
};

/* A half's value from its fields: (-1)^s 2^(e-bias) 1.m, or 2^(1-bias) 0.m where e is 0 (IEEE 754). */
static double decode_half(uint16_t bits, int mantissa_bits, int bias) {
    const int exponent_bits = 15 - mantissa_bits, top = (1 << exponent_bits) - 1;
    const int exponent = (bits >> mantissa_bits) & top, mantissa = bits & ((1 << mantissa_bits) - 1);
    const double sign = bits >> 15 ? -1.0 : 1.0;
    if (exponent == top) return mantissa != 0 ? (double)NAN : sign * (double)INFINITY;
    const int implicit = exponent == 0 ? 0 : 1 << mantissa_bits;
    return sign * ldexp((double)(mantissa + implicit), (exponent == 0 ? 1 : exponent) - bias - mantissa_bits);
}

static struct number decode(st_dtype dtype, const void *element) {
    union {
        float f32;
        double f64;
        uint16_t half;
        int8_t i8;
        uint8_t u8;
        int16_t i16;
        uint16_t u16;
        int32_t i32;
        uint32_t u32;
        int64_t i64;
        uint64_t u64;
    } raw;
    memset(&raw, 0, sizeof raw);
    memcpy(&raw, element, (size_t)st_dtype_size(dtype));
    struct number number = {0};
    switch (dtype) {
        case ST_F32: number.real = (double)raw.f32; break;
        case ST_F64: number.real = raw.f64; break;
        case ST_F16: number.real = decode_half(raw.half, 10, 15); break;
        case ST_BF16: number.real = decode_half(raw.half, 7, 127); break;
        case ST_I8: number.whole = raw.i8; break;
        case ST_U8: number.whole = raw.u8; break;
        case ST_I16: number.whole = raw.i16; break;
        case ST_U16: number.whole = raw.u16; break;
        case ST_I32: number.whole = raw.i32; break;
        case ST_U32: number.whole = raw.u32; break;
        case ST_I64: number.whole = raw.i64; break;
        default:
            number.high = raw.u64 > INT64_MAX;
            number.whole = (int64_t)(raw.u64 & INT64_MAX);
            break;
    }
    number.is_nan = isnan(number.real);
    return number;
}

/* -1, 0 or 1: where a stands to b in the output's direction. */
static int compare(struct number a, struct number b, int descending, int32_t nan_rule) {
    if (a.is_nan || b.is_nan) {
        if (a.is_nan == b.is_nan) return 0;
        const int nan_first = nan_rule == ST_NAN_LAST ? 0 : nan_rule == ST_NAN_LEAST ? !descending : descending;
        return a.is_nan == nan_first ? -1 : 1;
    }
    int ascending;
    if (a.high != b.high)
        ascending = a.high - b.high;
    else if (a.whole != b.whole)
        ascending = a.whole < b.whole ? -1 : 1;
    else
        ascending = (a.real > b.real) - (a.real < b.real);
    return descending ? -ascending : ascending;
}

struct row {
    const char *first;
    int64_t step;
    st_dtype dtype;
    int descending;
    int32_t nan_rule;
};

static struct number element_of(const struct row *row, int64_t column) { return decode(row->dtype, row->first + column * row->step); }

/* Stable merge sort of column numbers, so equal values keep their lowest index first. */
static void sort_columns(const struct row *row, int64_t *columns, int64_t *scratch, size_t count) {
    if (count < 2) return;
    const size_t half = count / 2;
    sort_columns(row, columns, scratch, half);
    sort_columns(row, columns + half, scratch, count - half);
    size_t left = 0, right = half;
    for (size_t i = 0; i < count; i++) {
        const int take_right = left == half || (right < count && compare(element_of(row, columns[right]), element_of(row, columns[left]),
                                                                         row->descending, row->nan_rule) < 0);
        scratch[i] = columns[take_right ? right++ : left++];
    }
    memcpy(columns, scratch, count * sizeof *columns);
}

static int by_number(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void write_row(const st_rank_request *request, const st_rank_buffers *buffers, const struct row *row, int64_t position,
                      const int64_t *columns, int64_t count, int64_t width) {
    const size_t size = (size_t)st_dtype_size(request->dtype);
    for (int64_t i = 0; i < width; i++) {
        if (request->outputs & ST_OUT_VALUES) {
            char *value = (char *)buffers->values + (size_t)(position * buffers->values_stride + i) * size;
            if (i < count)
                memcpy(value, row->first + columns[i] * row->step, size);
            else
                memset(value, 0, size);
        }
        if (request->outputs & ST_OUT_INDICES) {
            const int64_t index = i < count ? columns[i] : -1, at = position * buffers->indices_stride + i;
            if (request->index_dtype == ST_I32)
                ((int32_t *)buffers->indices)[at] = (int32_t)index;
            else
                ((int64_t *)buffers->indices)[at] = index;
        }
    }
}

st_status st_reference_rank(const st_host *host, const st_rank_request *request, const st_rank_buffers *buffers) {
    const int64_t size = st_dtype_size(request->dtype);
    const int64_t width = request->kind == ST_WINDOW ? request->hi - request->lo : request->k;
    if (width == 0 || buffers->row_list_count == 0) return ST_OK;
    const size_t bytes = (size_t)request->cols * 2 * sizeof(int64_t);
    int64_t *columns = st_allocate(host, bytes);
    if (columns == NULL && bytes > 0) return st_fail(ST_E_MEMORY, "no memory for the reference");
    st_status status = ST_OK;
    int64_t nan_row = INT64_MAX, nan_column = 0;
    for (int64_t position = 0; position < buffers->row_list_count; position++) {
        const int64_t number = buffers->row_list == NULL ? position : buffers->row_list[position];
        const int64_t length = buffers->lengths == NULL ? request->cols : buffers->lengths[number];
        const st_window window = st_window_of(request, (size_t)length);
        const struct row row = {(const char *)buffers->input + number * request->row_stride * size, request->col_stride * size,
                                request->dtype, window.descending, request->nan_rule};
        if (request->nan_rule == ST_NAN_ERROR)
            for (int64_t column = 0; column < length && number < nan_row; column++)
                if (element_of(&row, column).is_nan) {
                    nan_row = number;
                    nan_column = column;
                }
        for (int64_t column = 0; column < length; column++) columns[column] = column;
        sort_columns(&row, columns, columns + request->cols, (size_t)length);
        const size_t count = window.hi - window.lo;
        if (request->order == ST_UNSORTED) qsort(columns + window.lo, count, sizeof *columns, by_number);
        write_row(request, buffers, &row, position, columns + window.lo, (int64_t)count, width);
    }
    if (nan_row < INT64_MAX)
        status = st_fail(ST_E_NAN, "row %lld, column %lld is NaN, and the rule is error", (long long)nan_row, (long long)nan_column);
    st_release(host, columns, bytes);
    return status;
}

st_status st_reference_band(const st_band_request *request, const st_band_buffers *buffers) {
    const int64_t size = st_dtype_size(request->dtype);
    const struct number lower = decode(request->dtype, request->lower), upper = decode(request->dtype, request->upper);
    int64_t total = 0;
    for (int writing = 0; writing < 2; writing++) {
        int64_t at = 0;
        for (int64_t number = 0; number < request->rows; number++) {
            int64_t count = 0;
            for (int64_t column = 0; column < request->cols; column++) {
                const char *element = (const char *)buffers->input + (number * request->row_stride + column * request->col_stride) * size;
                const struct number value = decode(request->dtype, element);
                if (value.is_nan || compare(lower, value, 0, 0) > 0 || compare(value, upper, 0, 0) > 0) continue;
                if (writing && buffers->values != NULL) memcpy((char *)buffers->values + at * size, element, (size_t)size);
                if (writing && buffers->indices != NULL) {
                    if (request->index_dtype == ST_I32)
                        ((int32_t *)buffers->indices)[at] = (int32_t)column;
                    else
                        ((int64_t *)buffers->indices)[at] = column;
                }
                at++;
                count++;
            }
            buffers->counts[number] = count;
        }
        total = at;
        if (buffers->values == NULL && buffers->indices == NULL) return ST_OK;
        if (total > buffers->capacity)
            return st_fail(ST_E_CAPACITY, "capacity is %lld; the band holds %lld elements", (long long)buffers->capacity, (long long)total);
    }
    return ST_OK;
}
