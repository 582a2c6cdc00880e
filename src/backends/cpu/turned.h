/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * turned.h - folded bits (order.h), turned so that they ascend with the key: NaNs at the end that the order has them at, and
 * descending orders complemented. Cheaper than keys where many elements are compared with each other.
 */
#ifndef ST_CPU_TURNED_H
#define ST_CPU_TURNED_H

#include "rank/order.h"

typedef struct st_turn {
    uint64_t negative_fill, start, complement;
    uint64_t infinity; /* the order's: all ones where there are no NaNs */
    int descending, nan_first;
} st_turn;

/* turned = (folded - start) ^ complement, in the width of the element. */
static inline st_turn st_turn_of(const st_order *order) {
    st_fold_range all;
    (void)st_order_range(order, 0, order->mask, &all);
    const int descending = (int)(order->flip & 1);
    return (st_turn){order->negative_fill, all.start, descending ? order->mask : 0, order->infinity, descending, order->nan_key == 0};
}

#endif
