/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * choice.h - the decisions that select and shape a kernel, the same on every backend. docs/choices.md has the table of
 * legal ones. Any legal Choice gives the same answer; only speed differs.
 */
#ifndef SPIRALTORCH_CHOICE_H
#define SPIRALTORCH_CHOICE_H

#include <stdint.h>

#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ST_MK_BITONIC = 0, ST_MK_SHARED = 1, ST_MK_WARP = 2, ST_MK_RADIX = 3 };

enum {
    ST_MKD_AUTO = 0,
    ST_MKD_HEAP = 1,
    ST_MKD_KWAY = 2,
    ST_MKD_BITONIC = 3,
    ST_MKD_WARP_HEAP = 4,
    ST_MKD_WARP_BITONIC = 5,
    ST_MKD_FILTER = 6
};

typedef struct st_choice {
    int32_t mk;        /* merge kind, ST_MK_* */
    int32_t mkd;       /* sub-strategy, ST_MKD_* */
    int32_t use_2ce;   /* 1: two passes (split a row, select, merge) */
    int32_t wg;        /* threads per workgroup; on a CPU, workers on one row */
    int32_t kl;        /* depth of a lane's queue */
    int32_t ch;        /* columns per channel chunk; 0: the whole row */
    int32_t tile;      /* columns per TopK sweep tile */
    int32_t ctile;     /* columns per compaction tile */
    int32_t midk;      /* 0 auto, 1 one pass, 2 two passes; non-zero beats use_2ce for MidK and windows */
    int32_t bottomk;   /* the same for BottomK */
    int32_t tile_cols; /* FFT and ND kernels: column tile */
    int32_t radix;     /* FFT: butterfly radix, 2 or 4 */
    int32_t segments;  /* FFT and ND kernels: dispatch segments */
} st_choice;

/* One field of st_choice: its name, the rule language's spelling of it, its bounds (inclusive) and its offset in bytes. */
typedef struct st_choice_field {
    const char *name;
    const char *spelling;
    int32_t low, high;
    uint32_t offset;
} st_choice_field;

/* The number of fields, and the field at a position from 0; NULL beyond the end. Static data. Thread-safe. */
ST_API int32_t st_choice_field_count(void);
ST_API const st_choice_field *st_choice_field_at(int32_t position);

#ifdef __cplusplus
}
#endif

#endif
