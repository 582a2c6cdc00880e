/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* hints.c - what a careful person would choose for a device's caps with no measurement. */
#include "device/caps.h"

#include <stddef.h>

enum { LEAST_TILE = 64, MOST_TILE = 65536, MOST_K_LOOP = 32, ENTRY_BYTES = 8 };

static int64_t power_of_two_at_least(int64_t value) {
    int64_t power = 1;
    while (power < value && power < (int64_t)1 << 40) power *= 2;
    return power;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) { return value < low ? low : value > high ? high : value; }

static int32_t at_least_one(int32_t value) { return value < 1 ? 1 : value; }

int32_t st_caps_recommended_workgroup(const st_device_caps *caps, int64_t rows) {
    if (caps == NULL) return 1;
    const int32_t most = at_least_one(caps->max_workgroup), lanes = at_least_one(caps->lanes);
    if (caps->backend == ST_BACKEND_CPU) return (int32_t)clamp(most / (rows < 1 ? 1 : rows), 1, most);
    /* Few rows leave the device idle unless each brings more threads; many rows fill it with smaller groups. */
    const int32_t wanted = rows <= 16 ? 512 : rows < 4096 ? 256 : 128;
    const int32_t fits = wanted < most ? wanted : most;
    return fits < lanes ? most < lanes ? most : lanes : fits - fits % lanes;
}

int32_t st_caps_recommended_sweep_tile(const st_device_caps *caps, int64_t cols) {
    const int64_t budget = caps == NULL ? 32 << 10 : st_caps_shared_budget(caps);
    /* Half the on-chip memory for the tile, the rest for candidates; no longer than the row. */
    int64_t tile = power_of_two_at_least(budget / 2 / ENTRY_BYTES + 1) / 2;
    const int64_t row = power_of_two_at_least(cols);
    if (tile > row) tile = row;
    return (int32_t)clamp(tile, LEAST_TILE, MOST_TILE);
}

int32_t st_caps_recommended_compaction_tile(const st_device_caps *caps, int64_t cols) {
    /* Compaction scans flags of a tile in one go: four elements for each thread of a common group. */
    const int64_t group = st_caps_recommended_workgroup(caps, 1), row = power_of_two_at_least(cols);
    int64_t tile = caps != NULL && caps->backend == ST_BACKEND_CPU ? 256 : power_of_two_at_least(group * 4);
    if (tile > row) tile = row;
    return (int32_t)clamp(tile, LEAST_TILE, MOST_TILE);
}

void st_caps_recommended_tiles(const st_device_caps *caps, int64_t cols, int32_t *tile, int32_t *ctile) {
    if (tile != NULL) *tile = st_caps_recommended_sweep_tile(caps, cols);
    if (ctile != NULL) *ctile = st_caps_recommended_compaction_tile(caps, cols);
}

int32_t st_caps_preferred_k_loop(const st_device_caps *caps, int64_t k) {
    const int64_t lanes = caps == NULL ? 1 : at_least_one(caps->lanes);
    if (k < 1) return 1;
    return (int32_t)clamp(power_of_two_at_least((k - 1) / lanes + 1), 1, MOST_K_LOOP);
}

int32_t st_caps_prefers_two_stage(const st_device_caps *caps, int64_t rows, int64_t cols, int64_t k) {
    if (caps == NULL || rows < 1 || k < 1) return 0;
    if (caps->backend == ST_BACKEND_CPU)
        /* Handing a piece to another thread costs some microseconds: a piece must be worth it, and a thread must be free. */
        return caps->max_workgroup > 1 && rows < caps->max_workgroup && cols >= 1 << 17 && k <= cols / 8;
    const int64_t groups = caps->compute_units > 0 ? caps->compute_units : 32;
    return rows < groups && cols > 32768 && k <= cols / 8;
}
