/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* chooser_case.h - what the chooser is tried with: programs of the rule language, tables, caps and requests, all made up. */
#ifndef ST_PROPERTY_CHOOSER_CASE_H
#define ST_PROPERTY_CHOOSER_CASE_H

#include "plan/identity.h"
#include "random_elements.h"
#include "spiraltorch/rank.h"

/* Text that grows; the memory is kept from one use to the next. */
typedef struct chooser_text {
    char *bytes; /* NUL-terminated */
    size_t length, capacity;
} chooser_text;

/*
 * A program from the grammar of docs/spiralk.md, of few statements or, now and then, of thousands. Returns 1 where it is one
 * that the language accepts, 0 where it was broken on purpose (which it may have survived).
 */
int chooser_program(st_random *random, chooser_text *text);

/* A table as JSON, of entries that are meant for nearly everything, measured here, elsewhere, or by nobody knows whom. */
void chooser_table(st_random *random, const st_device_identity *here, chooser_text *text);

/* Caps of any of the five backends; now and then those of `here`. */
st_device_caps chooser_caps(st_random *random, const st_device_caps *here);

/* A request of any kind, dtype and size that the library accepts. */
st_rank_request chooser_request(st_random *random);

#endif
