/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* prepare.c - folding a program for one request, and computing what is left. */
#include "spiralk/prepare.h"

#include <string.h>

#include "base/fail.h"
#include "spiralk/operate.h"

enum { KNOWN = 1, NEEDED = 2 };

/* The work that a rule takes beside its condition, most of it in SoftLogic. */
enum { RULE_COST = 70 };

/* Parts of the workspace, in falling order of alignment. The sizes of a program keep the sum far from overflow. */
static size_t rule_bytes(const st_spiralk *program) {
    return (size_t)(program->of_kind[ST_STATEMENT_SOFT] + program->of_kind[ST_STATEMENT_PENALTY]) * sizeof(st_rule);
}

size_t st_prepare_bytes(const st_spiralk *program) {
    return sizeof(double) + (size_t)program->node_count * (sizeof(double) + sizeof(uint8_t)) + rule_bytes(program) +
           (size_t)program->condition_nodes * sizeof(int32_t);
}

/* What folding a program takes at least, whatever the facts. */
static int64_t least_work(const st_spiralk *program) {
    const int64_t operations = program->node_count - ST_FACTS - program->number_count;
    return operations * ST_COST_OPERATION + (int64_t)program->number_count * ST_COST_NUMBER;
}

int st_prepare_can(const st_spiralk *program) { return least_work(program) <= ST_RULE_WORK; }

static st_status lay_out(const st_spiralk *program, void *workspace, size_t bytes, st_prepared *prepared) {
    const size_t needed = st_prepare_bytes(program), nodes = (size_t)program->node_count;
    if (workspace == NULL) return st_fail(ST_E_ARGUMENT, "workspace is NULL; the program needs %zu bytes", needed);
    if (bytes < needed) return st_fail(ST_E_CAPACITY, "workspace_size is %zu; the program needs %zu bytes", bytes, needed);
    char *at = workspace;
    const size_t misaligned = (uintptr_t)at % sizeof(double);
    if (misaligned != 0) at += sizeof(double) - misaligned;
    prepared->values = (double *)(void *)at;
    at += nodes * sizeof(double);
    prepared->rules = (st_rule *)(void *)at;
    at += rule_bytes(program);
    prepared->live = (int32_t *)(void *)at;
    at += (size_t)program->condition_nodes * sizeof(int32_t);
    prepared->states = (uint8_t *)at;
    return ST_OK;
}

/* ---- folding ---- */

static int starts_with(const char *text, const char *key, size_t length) {
    return text == NULL ? length == 0 : strncmp(text, key, length) == 0;
}

/* Two operators and sel can be known although not all of their operands are. */
static int known_early(const st_prepared *prepared, const st_node *node, double *value) {
    const int a = prepared->states[node->a] & KNOWN, b = prepared->states[node->b] & KNOWN;
    const double *values = prepared->values;
    switch (node->operation) {
        case ST_OP_AND:
            *value = 0;
            return (a && values[node->a] == 0) || (b && values[node->b] == 0);
        case ST_OP_OR:
            *value = 1;
            return (a && values[node->a] != 0) || (b && values[node->b] != 0);
        case ST_OP_SELECT: {
            const int32_t taken = a && values[node->a] != 0 ? node->b : node->c;
            *value = values[taken];
            return a && prepared->states[taken] & KNOWN;
        }
        default: return 0;
    }
}

/* Operands that an operation does not have are 0, a fact, which is known. */
static int all_known(const st_prepared *prepared, const st_node *node) {
    return prepared->states[node->a] & prepared->states[node->b] & prepared->states[node->c] & KNOWN;
}

static void fold(st_prepared *prepared, const st_spiralk_facts *facts, int64_t *work) {
    const st_spiralk *program = prepared->program;
    double *values = prepared->values;
    st_facts_read(facts, values);
    memset(prepared->states, KNOWN, ST_FACTS);
    for (int32_t i = ST_FACTS; i < program->node_count && *work <= ST_RULE_WORK; i++) {
        const st_node *node = &program->nodes[i];
        int known = 1;
        *work += st_operation_cost(node->operation);
        if (node->operation == ST_OP_NUMBER)
            values[i] = program->numbers[node->a];
        else if (node->operation == ST_OP_DEVICE)
            values[i] = starts_with(facts->device, program->keys + node->a, (size_t)node->b);
        else if (node->operation == ST_OP_FIELD)
            known = 0;
        else if (all_known(prepared, node))
            values[i] = st_operate(node->operation, values[node->a], values[node->b], values[node->c], work);
        else
            known = known_early(prepared, node, &values[i]);
        prepared->states[i] = known ? KNOWN : 0;
    }
}

/* ---- what is left of a condition ---- */

/*
 * Lists the nodes that the condition depends on and the request does not decide, which all lie within it, and the fields that
 * they read. From the last node down, so that the list grows towards the start of its memory.
 */
static void list_live(st_prepared *prepared, const st_statement *statement, int32_t end, st_rule *rule) {
    const st_node *nodes = prepared->program->nodes;
    uint8_t *states = prepared->states;
    int32_t at = end;
    states[statement->condition] |= NEEDED;
    for (int32_t i = statement->end - 1; i >= statement->first; i--) {
        if (states[i] != NEEDED) continue;
        const st_node *node = &nodes[i];
        prepared->live[--at] = i;
        rule->cost += st_operation_cost(node->operation);
        if (node->operation == ST_OP_FIELD) {
            rule->reads |= 1u << node->a;
        } else if (node->operation == ST_OP_SELECT && states[node->a] & KNOWN) {
            states[prepared->values[node->a] != 0 ? node->b : node->c] |= NEEDED;
        } else {
            states[node->a] |= NEEDED;
            states[node->b] |= NEEDED;
            states[node->c] |= NEEDED;
        }
    }
    rule->live = at;
    rule->live_count = end - at;
}

/* The live nodes lie in [*live, ...), those of this rule before those of the rules above it. */
static void add_rule(st_prepared *prepared, const st_statement *statement, int32_t *live) {
    const int is_known = prepared->states[statement->condition] & KNOWN;
    if (is_known && prepared->values[statement->condition] == 0) return;
    st_rule *rule = &prepared->rules[prepared->rule_count++];
    *rule = (st_rule){.field = -1, .weight = prepared->values[statement->weight], .line = statement->line,
                      .condition = statement->condition};
    if (statement->kind == ST_STATEMENT_SOFT) {
        rule->field = statement->field;
        rule->given = prepared->values[statement->value];
        int32_t low, high;
        st_field_bounds(rule->field, &low, &high);
        rule->value = rule->given < low ? low : rule->given > high ? high : (int32_t)rule->given;
    }
    if (is_known) return;
    list_live(prepared, statement, *live, rule);
    *live = rule->live;
}

/* ---- hard fields ---- */

static void decide(st_prepared *prepared, int32_t field, double given, int32_t line) {
    int32_t low, high;
    st_field_bounds(field, &low, &high);
    st_spiralk_hard *hard = &prepared->hard[field];
    hard->line = line;
    hard->given = given + 0.0; /* no -0 */
    hard->value = given < low ? low : given > high ? high : (int32_t)given;
}

/* The older spelling fills in what mk and mkd leave open, with the first pair that agrees with what they say. */
static void decide_algorithm(st_prepared *prepared, double given, int32_t line) {
    static const struct {
        int32_t algorithm, mk, mkd;
    } pairs[] = {{1, ST_MK_SHARED, ST_MKD_HEAP},     {1, ST_MK_WARP, ST_MKD_WARP_HEAP}, {2, ST_MK_BITONIC, ST_MKD_BITONIC},
                 {2, ST_MK_WARP, ST_MKD_WARP_BITONIC}, {3, ST_MK_SHARED, ST_MKD_KWAY}};
    const st_spiralk_hard mk = prepared->hard[ST_FIELD_MK], mkd = prepared->hard[ST_FIELD_MKD];
    const int mkd_is_open = mkd.line == 0 || mkd.value == ST_MKD_AUTO;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const int agrees = (mk.line == 0 || mk.value == pairs[i].mk) && (mkd_is_open || mkd.value == pairs[i].mkd);
        if (given != pairs[i].algorithm || !agrees) continue;
        if (mk.line == 0) decide(prepared, ST_FIELD_MK, pairs[i].mk, line);
        if (mkd.line == 0) decide(prepared, ST_FIELD_MKD, pairs[i].mkd, line);
        return;
    }
}

/* ---- */

static st_status refuse_work(void) {
    return st_fail(ST_E_CAPACITY, "the program takes too long for a plan: it has too many operations or rules that hold, or long remainders (%%)");
}

st_status st_prepare(const st_spiralk *program, const st_spiralk_facts *facts, void *workspace, size_t bytes, int64_t *work,
                     st_prepared *prepared) {
    int32_t live = program->condition_nodes;
    const st_statement *algorithm = NULL;
    memset(prepared, 0, sizeof *prepared);
    prepared->program = program;
    if (*work + least_work(program) > ST_RULE_WORK) return refuse_work();
    const st_status status = lay_out(program, workspace, bytes, prepared);
    if (status != ST_OK) return status;
    fold(prepared, facts, work);
    if (*work > ST_RULE_WORK) return refuse_work();
    for (int32_t i = 0; i < program->statement_count; i++) {
        const st_statement *statement = &program->statements[i];
        if (statement->kind != ST_STATEMENT_HARD)
            add_rule(prepared, statement, &live);
        else if (statement->field == ST_FIELD_ALGO)
            algorithm = statement;
        else
            decide(prepared, statement->field, prepared->values[statement->value], statement->line);
    }
    *work += (int64_t)prepared->rule_count * RULE_COST;
    if (*work > ST_RULE_WORK) return refuse_work();
    if (algorithm != NULL) decide_algorithm(prepared, prepared->values[algorithm->value], algorithm->line);
    return ST_OK;
}

int32_t st_rule_holds(const st_prepared *prepared, const st_rule *rule, const double fields[ST_FIELDS], int64_t *work,
                      int64_t limit) {
    const st_node *nodes = prepared->program->nodes;
    const int32_t *live = prepared->live + rule->live;
    double *values = prepared->values;
    *work += rule->cost;
    for (int32_t i = 0; i < rule->live_count; i++) {
        const st_node *node = &nodes[live[i]];
        if (*work > limit) return 0;
        values[live[i]] = node->operation == ST_OP_FIELD
                              ? fields[node->a]
                              : st_operate(node->operation, values[node->a], values[node->b], values[node->c], work);
    }
    return rule->live_count == 0 || values[rule->condition] != 0;
}

/* ---- the public form ---- */

uint64_t st_spiralk_workspace(const st_spiralk *program) { return program == NULL ? 0 : st_prepare_bytes(program); }

st_status st_spiralk_evaluate(const st_spiralk *program, const st_spiralk_facts *facts, void *workspace, uint64_t workspace_size,
                              st_spiralk_hard *hard, st_spiralk_soft *soft, int32_t capacity, int32_t *count) {
    st_prepared prepared;
    int64_t work = 0;
    if (program == NULL || facts == NULL || hard == NULL || count == NULL)
        return st_fail(ST_E_ARGUMENT, "%s is NULL",
                       program == NULL ? "program" : facts == NULL ? "facts" : hard == NULL ? "hard" : "count");
    if (facts->struct_size != sizeof *facts)
        return st_fail(ST_E_ARGUMENT, "facts.struct_size is %u; set it to sizeof(st_spiralk_facts)", facts->struct_size);
    if (capacity < 0 || (soft == NULL && capacity > 0))
        return st_fail(ST_E_ARGUMENT, "capacity is %d with soft %s; use soft NULL with capacity 0 to count", capacity,
                       soft == NULL ? "NULL" : "given");
    const size_t bytes = workspace_size <= SIZE_MAX ? (size_t)workspace_size : SIZE_MAX;
    const st_status status = st_prepare(program, facts, workspace, bytes, &work, &prepared);
    if (status != ST_OK) return status;
    memcpy(hard, prepared.hard, sizeof prepared.hard);
    *count = prepared.rule_count;
    for (int32_t i = 0; i < prepared.rule_count && i < capacity; i++) {
        const st_rule *rule = &prepared.rules[i];
        soft[i] = (st_spiralk_soft){.line = rule->line,
                                    .field = rule->field,
                                    .value = rule->value,
                                    .conditional = rule->live_count > 0,
                                    .given = rule->given + 0.0,
                                    .weight = rule->weight};
    }
    if (capacity > 0 && prepared.rule_count > capacity)
        return st_fail(ST_E_CAPACITY, "capacity is %d but %d rules can hold", capacity, prepared.rule_count);
    return ST_OK;
}
