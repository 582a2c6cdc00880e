/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* soft_table.h - a SoftLogic problem laid out for its search: domains, what single values are worth, and couplings. */
#ifndef ST_SPIRALK_SOFT_TABLE_H
#define ST_SPIRALK_SOFT_TABLE_H

#include "spiralk/softlogic.h"

/*
 * Part of a score: up - down. In PROB up is the product over the rules with negative weight, down that over the others, and
 * parts are multiplied; else up is a sum, and down 0.
 */
typedef struct st_soft_part {
    double up, down;
} st_soft_part;

static inline st_soft_part st_soft_none(int32_t mode) {
    return mode == ST_SOFT_PROB ? (st_soft_part){1, 1} : (st_soft_part){0, 0};
}

static inline st_soft_part st_soft_joined(int32_t mode, st_soft_part a, st_soft_part b) {
    return mode == ST_SOFT_PROB ? (st_soft_part){a.up * b.up, a.down * b.down} : (st_soft_part){a.up + b.up, 0};
}

typedef struct st_soft_item {
    const st_prepared *prepared; /* NULL for a wish */
    const st_rule *rule;
    int32_t field; /* -1: a penalty */
    int32_t value;
    int32_t place; /* of the value in its domain before any was closed; 0 for a penalty; -1: not there */
    int32_t cost;  /* the work of its condition */
    uint32_t reads;
    double weight; /* u */
    st_soft_part part; /* what it adds where it is true */
} st_soft_item;

/* Values of a field: the incumbent's first, the others ascending. */
typedef struct st_soft_domain {
    int32_t *values;
    st_soft_part *worth; /* of each value, by the rules that read this field alone */
    int32_t count;
} st_soft_domain;

/* A partial Choice: fields that are not decided yet stand at place 0, the incumbent's value. */
typedef struct st_soft_state {
    st_soft_part part;
    uint16_t places[ST_FIELDS];
} st_soft_state;

/* Slots for finding a state: a power of two, at least twice the states. */
enum { ST_SOFT_SLOTS = 2 * ST_SOFT_WIDTH };

typedef struct st_soft_table {
    const st_soft_problem *problem;
    st_soft_item *items;
    int32_t item_count;
    st_soft_domain domains[ST_FIELDS];
    double incumbent[ST_FIELDS];
    uint32_t open;             /* fields with more than one value */
    uint32_t group[ST_FIELDS]; /* for each open field that a rule reads, the fields it is coupled with, itself included */
    int32_t *order;            /* items with couplings, by the field that completes them */
    int32_t first[ST_FIELDS + 1]; /* those completed by field f stand in [first[f], first[f + 1]) */
    uint32_t needed[ST_FIELDS];   /* fields up to f that items completed by later ones read */
    int64_t cost[ST_FIELDS];      /* the work that those take for each partial Choice with a value of f */
    int64_t own_cost[ST_FIELDS];  /* and for each without one: rules that speak for a value of f are read at that value alone */
    st_soft_part base;         /* what every Choice of these domains has */
    st_soft_state *states, *extended;
    int32_t *slots; /* places of states in extended by what is needed of them; -1: free */
    int32_t width;
    int64_t work;
    int32_t dropped; /* a partial Choice or a value was */
} st_soft_table;

/* A rule that speaks for a value which is not in its domain any more can never be true. */
static inline int st_soft_is_hopeless(const st_soft_table *table, const st_soft_item *item) {
    return item->place < 0 || (item->field >= 0 && item->place >= table->domains[item->field].count);
}

/* The open fields among those that an item depends on. */
static inline uint32_t st_soft_reads(const st_soft_table *table, const st_soft_item *item) { return item->reads & table->open; }

/* The work of looking at an item, beside that of its condition. */
enum { ST_SOFT_LOOK = 2 };

/* Whether an item is true for fields' values; its own value is compared too. Beyond the problem's work the answer is 0. */
static inline int st_soft_is_true(st_soft_table *table, const st_soft_item *item, const double fields[ST_FIELDS]) {
    table->work += ST_SOFT_LOOK;
    if (item->field >= 0 && fields[item->field] != (double)item->value) return 0;
    return item->rule == NULL || st_rule_holds(item->prepared, item->rule, fields, &table->work, table->problem->work);
}

static inline int st_soft_is_over(const st_soft_table *table) { return table->work > table->problem->work; }

/* The best Choice of the table; leaves *choice as it is where the work runs out. */
void st_soft_search(st_soft_table *table, st_choice *choice);

/* The work that the search takes at most with a width. */
int64_t st_soft_search_cost(const st_soft_table *table, int32_t width);

#endif
