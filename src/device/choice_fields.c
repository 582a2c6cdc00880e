/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* choice_fields.c - names, spellings, bounds and offsets of the Choice fields. 0 in a size means: not decided. */
#include "device/choice_fields.h"

#include <stddef.h>
#include <string.h>

#include "base/fail.h"

enum { MOST_COLUMNS = 1 << 30, MOST_TILE = 1 << 20 };

#define FIELD(field, spelling, low, high) {#field, spelling, low, high, (uint32_t)offsetof(st_choice, field)}

static const st_choice_field fields[ST_FIELDS] = {
    [ST_FIELD_MK] = FIELD(mk, "mk", ST_MK_BITONIC, ST_MK_RADIX),
    [ST_FIELD_MKD] = FIELD(mkd, "mkd", ST_MKD_AUTO, ST_MKD_FILTER),
    [ST_FIELD_USE_2CE] = FIELD(use_2ce, "u2", 0, 1),
    [ST_FIELD_WG] = FIELD(wg, "wg", 0, 4096),
    [ST_FIELD_KL] = FIELD(kl, "kl", 0, 64),
    [ST_FIELD_CH] = FIELD(ch, "ch", 0, MOST_COLUMNS),
    [ST_FIELD_TILE] = FIELD(tile, "tile", 0, MOST_TILE),
    [ST_FIELD_CTILE] = FIELD(ctile, "ctile", 0, MOST_TILE),
    [ST_FIELD_MIDK] = FIELD(midk, "midk", 0, 2),
    [ST_FIELD_BOTTOMK] = FIELD(bottomk, "bottomk", 0, 2),
    [ST_FIELD_TILE_COLS] = FIELD(tile_cols, "tile_cols", 0, MOST_TILE),
    [ST_FIELD_RADIX] = FIELD(radix, "radix", 0, 4),
    [ST_FIELD_SEGMENTS] = FIELD(segments, "segments", 0, 65535),
};

int32_t st_choice_field_count(void) { return ST_FIELDS; }

const st_choice_field *st_choice_field_at(int32_t position) {
    return position >= 0 && position < ST_FIELDS ? &fields[position] : NULL;
}

int32_t st_choice_get(const st_choice *choice, int32_t field) {
    int32_t value;
    memcpy(&value, (const char *)choice + fields[field].offset, sizeof value);
    return value;
}

void st_choice_set(st_choice *choice, int32_t field, int32_t value) {
    memcpy((char *)choice + fields[field].offset, &value, sizeof value);
}

st_status st_choice_check(const st_choice *choice) {
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        const int32_t value = st_choice_get(choice, field);
        if (value < fields[field].low || value > fields[field].high)
            return st_fail(ST_E_ARGUMENT, "choice.%s is %d; it must be in [%d, %d]", fields[field].name, value, fields[field].low,
                           fields[field].high);
    }
    return ST_OK;
}

const char *st_mk_name(int32_t mk) {
    static const char *const names[] = {"bitonic", "shared", "warp", "radix"};
    return mk >= ST_MK_BITONIC && mk <= ST_MK_RADIX ? names[mk] : "?";
}

const char *st_mkd_name(int32_t mkd) {
    static const char *const names[] = {"auto", "heap", "kway", "bitonic", "warp_heap", "warp_bitonic", "filter"};
    return mkd >= ST_MKD_AUTO && mkd <= ST_MKD_FILTER ? names[mkd] : "?";
}
