/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * operate.h - what each operation computes. From finite operands every result is finite, so no NaN arises anywhere:
 * overflow gives the largest double of its sign, and what has no value (x / 0, x % 0, log2 of 0 or less) is 0.
 */
#ifndef ST_SPIRALK_OPERATE_H
#define ST_SPIRALK_OPERATE_H

#include <float.h>
#include <math.h>
#include <stdint.h>

#include "spiralk/names.h"

static inline double st_held_finite(double x) {
    if (__builtin_expect(fabs(x) > DBL_MAX, 0)) return x > 0 ? DBL_MAX : -DBL_MAX;
    return x;
}

/*
 * Work is counted in what takes a nanosecond, or somewhat less, on a server of 2022. Most of an operation is that the processor
 * cannot foresee which one comes next; where it can, they take a third.
 */
enum { ST_COST_NUMBER = 5, ST_COST_OPERATION = 10, ST_COST_DIVIDE = 12, ST_COST_REMAINDER = 16, ST_COST_LOG2 = 20 };

static inline int32_t st_operation_cost(int32_t operation) {
    static const uint8_t costs[ST_OPERATIONS] = {[ST_OP_NUMBER] = ST_COST_NUMBER,
                                                 [ST_OP_DIVIDE] = ST_COST_DIVIDE,
                                                 [ST_OP_REMAINDER] = ST_COST_REMAINDER,
                                                 [ST_OP_LOG2] = ST_COST_LOG2};
    return costs[operation] != 0 ? costs[operation] : ST_COST_OPERATION;
}

/*
 * The remainder of C's fmod. Whole numbers, which sizes are, take one division; libc's fmod goes bit by bit through the
 * difference of the exponents, up to 2100 of them, which *work is charged.
 */
static inline double st_remainder(double x, double y, int64_t *work) {
    const double whole = 9007199254740992.0; /* 2^53 */
    if (y == 0) return 0;
    if (fabs(x) <= whole && fabs(y) <= whole && x == (double)(int64_t)x && y == (double)(int64_t)y)
        return (double)((int64_t)x % (int64_t)y);
    if (x != 0) {
        const int gap = ilogb(x) - ilogb(y);
        *work += 40 + (gap > 0 ? gap + gap / 2 : 0);
    }
    return fmod(x, y);
}

/* Operations with operands. Adds to *work what a long remainder takes. */
static inline double st_operate(int32_t operation, double a, double b, double c, int64_t *work) {
    switch (operation) {
        case ST_OP_OR: return a != 0 || b != 0;
        case ST_OP_AND: return a != 0 && b != 0;
        case ST_OP_EQUAL: return a == b;
        case ST_OP_UNEQUAL: return a != b;
        case ST_OP_LESS: return a < b;
        case ST_OP_LESS_EQUAL: return a <= b;
        case ST_OP_GREATER: return a > b;
        case ST_OP_GREATER_EQUAL: return a >= b;
        case ST_OP_ADD: return st_held_finite(a + b);
        case ST_OP_SUBTRACT: return st_held_finite(a - b);
        case ST_OP_MULTIPLY: return st_held_finite(a * b);
        case ST_OP_DIVIDE: return b == 0 ? 0 : st_held_finite(a / b);
        case ST_OP_REMAINDER: return st_remainder(a, b, work);
        case ST_OP_NEGATE: return -a;
        case ST_OP_NOT: return a == 0;
        case ST_OP_SELECT: return a != 0 ? b : c;
        case ST_OP_LOG2: return a > 0 ? log2(a) : 0;
        case ST_OP_MIN: return a < b ? a : b;
        case ST_OP_MAX: return a > b ? a : b;
        case ST_OP_CLAMP: return a < b ? (b < c ? b : c) : a < c ? a : c;
        case ST_OP_FLOOR: return floor(a);
        case ST_OP_CEIL: return ceil(a);
        case ST_OP_BAND: return a >= b && a <= c;
        default: return 0;
    }
}

#endif
