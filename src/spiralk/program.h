/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * program.h - a compiled program: nodes in the order of evaluation, each of which computes one number from numbers that
 * stand before it.
 */
#ifndef ST_SPIRALK_PROGRAM_H
#define ST_SPIRALK_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "spiralk/names.h"
#include "spiraltorch/host.h"
#include "spiraltorch/spiralk.h"

/* operation: ST_OP_*. a, b, c: the nodes of its operands, as many as it has, or what names.h says. */
typedef struct st_node {
    int32_t operation, a, b, c;
} st_node;

enum { ST_STATEMENT_HARD, ST_STATEMENT_SOFT, ST_STATEMENT_PENALTY };

typedef struct st_statement {
    int32_t kind;
    int32_t field;      /* HARD, SOFT: a field of the language */
    int32_t line;       /* from 1 */
    int32_t value;      /* HARD, SOFT: the node of the value, rounded down */
    int32_t weight;     /* SOFT, PENALTY: the node of the weight */
    int32_t condition;  /* SOFT, PENALTY: the node of the condition */
    int32_t first, end; /* SOFT, PENALTY: nodes of the condition lie in [first, end) */
} st_statement;

struct st_spiralk {
    st_host host;
    st_node *nodes;
    double *numbers;
    st_statement *statements;
    char *keys; /* the texts of device("..."), one behind the other */
    size_t node_bytes, number_bytes, statement_bytes, key_bytes;
    int32_t node_count, number_count, statement_count, key_count;
    int32_t of_kind[3];         /* statements of each kind */
    int32_t condition_nodes; /* nodes within conditions, all statements together */
};

#endif
