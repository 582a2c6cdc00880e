/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * prepare.h - a program folded for one request: hard fields decided, rules that cannot hold dropped, and of the conditions
 * of the others only what depends on the candidate left to compute.
 */
#ifndef ST_SPIRALK_PREPARE_H
#define ST_SPIRALK_PREPARE_H

#include "spiralk/program.h"

/* A soft rule or penalty that can hold for the request. */
typedef struct st_rule {
    int32_t field;     /* ST_FIELD_*; -1 for a penalty */
    int32_t value;     /* within the field's bounds */
    double given;      /* before it was brought into them */
    double weight;     /* as written */
    int32_t line;
    int32_t condition; /* its node */
    int32_t live, live_count; /* what is left to compute of it, in st_prepared.live; live_count 0: it holds */
    int32_t cost;      /* the work of those */
    uint32_t reads;    /* fields that are read, bit 1 << field */
} st_rule;

/*
 * Everything but hard lies in the workspace that it was prepared in. One thread at a time: conditions are computed in it.
 */
typedef struct st_prepared {
    const st_spiralk *program;
    st_spiralk_hard hard[ST_FIELDS];
    st_rule *rules; /* in the order of the program */
    int32_t rule_count;
    double *values;  /* of the nodes */
    uint8_t *states; /* of the nodes */
    int32_t *live;   /* nodes to compute, rule by rule */
} st_prepared;

/*
 * The work that the rules of one plan may take, all programs together: a program that would pass it is refused, and what is left
 * bounds SoftLogic. In the unit of operate.h it is half a millisecond; memory that is new to the process may take as long again.
 */
enum { ST_RULE_WORK = 500000 };

/* 0 where a program, or what there is of it so far, is so long that st_prepare refuses it for every request. */
int st_prepare_can(const st_spiralk *program);

/* Bytes that st_prepare needs, for memory of any alignment. */
size_t st_prepare_bytes(const st_spiralk *program);

/*
 * Folds a program. Adds to *work. The workspace stays the caller's. ST_E_CAPACITY: it is too small, or the work is above
 * ST_RULE_WORK.
 */
st_status st_prepare(const st_spiralk *program, const st_spiralk_facts *facts, void *workspace, size_t bytes, int64_t *work,
                     st_prepared *prepared);

/* Whether a rule's condition holds for a candidate's fields. Adds to *work; beyond the limit the answer is 0. */
int32_t st_rule_holds(const st_prepared *prepared, const st_rule *rule, const double fields[ST_FIELDS], int64_t *work,
                      int64_t limit);

#endif
