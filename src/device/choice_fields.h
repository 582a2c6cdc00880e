/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* choice_fields.h - the one table of Choice fields, read and written by position. */
#ifndef ST_DEVICE_CHOICE_FIELDS_H
#define ST_DEVICE_CHOICE_FIELDS_H

#include "spiraltorch/choice.h"
#include "spiraltorch/status.h"

enum {
    ST_FIELD_MK,
    ST_FIELD_MKD,
    ST_FIELD_USE_2CE,
    ST_FIELD_WG,
    ST_FIELD_KL,
    ST_FIELD_CH,
    ST_FIELD_TILE,
    ST_FIELD_CTILE,
    ST_FIELD_MIDK,
    ST_FIELD_BOTTOMK,
    ST_FIELD_TILE_COLS,
    ST_FIELD_RADIX,
    ST_FIELD_SEGMENTS,
    ST_FIELDS
};

int32_t st_choice_get(const st_choice *choice, int32_t field);
void st_choice_set(st_choice *choice, int32_t field, int32_t value);

/* Checks every field against its bounds. ST_E_ARGUMENT names the first that is outside. */
st_status st_choice_check(const st_choice *choice);

/* "bitonic", "shared", "warp", "radix"; "auto", "heap" and so on; "?" outside the domain. */
const char *st_mk_name(int32_t mk);
const char *st_mkd_name(int32_t mkd);

#endif
