/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* entry.c - the three instances of the entry template. */
#include "rank/entry.h"

#define ENTRY st_narrow
#define NAME(operation) st_narrow_##operation
#include "rank/entries.inc"

#define ENTRY st_wide
#define NAME(operation) st_wide_##operation
#include "rank/entries.inc"

#define ENTRY st_carried
#define NAME(operation) st_carried_##operation
#include "rank/entries.inc"
