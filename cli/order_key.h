/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* order_key.h - elements as whole numbers that sort in the order of the output. */
#ifndef ST_CLI_ORDER_KEY_H
#define ST_CLI_ORDER_KEY_H

#include <stdint.h>

#include "spiraltorch/spiraltorch.h"

typedef struct st_order_key {
    st_dtype dtype;
    int32_t bits;  /* of a key */
    uint64_t nan;  /* the key of every NaN */
    uint64_t flip; /* all ones for a descending order */
} st_order_key;

st_order_key st_order_key_of(st_dtype dtype, int32_t descending, int32_t nan_rule);

/* A smaller key ranks earlier; equal elements have equal keys: -0 and +0, and all NaN. */
void st_order_keys(const st_order_key *order, const void *elements, int64_t count, uint64_t *keys);

#endif
