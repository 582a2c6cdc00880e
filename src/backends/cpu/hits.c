/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* hits.c - the test that a range of keys asks of elements. */
#include "backends/cpu/hits.h"

int st_hit_test_of(const st_order *order, uint64_t low, uint64_t high, st_hit_test *test) {
    st_fold_range range;
    if (!st_order_range(order, low, high, &range)) return 0;
    *test = (st_hit_test){order->negative_fill, range.start, range.width, ST_COMPARE_RANGE, 0};
    if (order->bits < 32 || order->negative_zero == 0 || low != 0) return 1;
    /* From the first key on, NaN among them or not: the end of the range decides, where it is a number. */
    const int descending = (int)(order->flip & 1), nan = order->nan_key == 0;
    const uint64_t end = descending ? range.start : (range.start + range.width) & order->mask;
    const uint64_t number = end & order->negative_zero ? end ^ order->negative_fill : end;
    if ((number & ~order->negative_zero) > order->infinity) return 1;
    test->number = number;
    test->comparison = descending ? (nan ? ST_COMPARE_NOT_BELOW : ST_COMPARE_AT_LEAST)
                                  : (nan ? ST_COMPARE_NOT_ABOVE : ST_COMPARE_AT_MOST);
    return 1;
}
