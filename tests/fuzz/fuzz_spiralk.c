/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * fuzz_spiralk.c - any bytes as a rule program. What compiles is laid out, which must keep its meaning, folded for facts of
 * any bits, and solved in every mode; every answer lies within bounds. The last bytes of an input choose facts and problem.
 */
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "spiralk/softlogic.h"

enum { TAIL = 24, VALUES = 5 };

static void require(int holds) {
    if (!holds) abort();
}

static void *need(size_t bytes) {
    void *block = malloc(bytes == 0 ? 1 : bytes);
    require(block != NULL);
    return block;
}

static uint64_t mixed(uint64_t *state) {
    *state = (*state ^ (*state >> 29)) * 0xbf58476d1ce4e5b9u + 0x9e3779b97f4a7c15u;
    return *state ^ (*state >> 32);
}

/* Sizes as they are, and, where the seed says so, numbers that no device has. */
static st_spiralk_facts facts_of(uint64_t *seed) {
    static const double strange[] = {0, -1, 0.5, 1e308, -1e308, 5e-324, 4294967296.0, 9007199254740993.0};
    st_spiralk_facts facts = {.struct_size = sizeof facts, .device = mixed(seed) & 1 ? "cuda:Device 9" : NULL};
    double *members = &facts.r;
    const int is_strange = (mixed(seed) & 3) == 0;
    for (int i = 0; i < ST_FACTS; i++) {
        const uint64_t bits = mixed(seed);
        members[i] = is_strange ? strange[bits % 8] : (double)(bits % 2 == 0 ? bits >> 60 : bits >> 40);
        if (is_strange && bits % 16 == 9) memcpy(&members[i], &bits, sizeof bits); /* NaN and infinities too */
    }
    return facts;
}

/* Places in the text, and messages fit for a terminal. */
static void check_error(const st_spiralk_error *error, const char *text, size_t bytes) {
    int32_t lines = 1;
    for (size_t i = 0; i < bytes; i++) lines += text[i] == '\n';
    require(error->line >= 1 && error->line <= lines && error->column >= 1 && (size_t)error->column <= bytes + 1);
    require(error->caret >= 0 && (size_t)error->caret <= strlen(error->excerpt));
    require(error->message[0] != '\0');
    const char *const shown[] = {error->message, error->expected, error->suggestion, error->excerpt};
    for (int i = 0; i < 4; i++)
        for (const char *at = shown[i]; *at != '\0'; at++) require((unsigned char)*at >= 0x20 && *at != 0x7f);
}

static int same_hard(const st_spiralk_hard *a, const st_spiralk_hard *b) {
    for (int32_t field = 0; field < ST_FIELDS; field++)
        if ((a[field].line == 0) != (b[field].line == 0) || a[field].value != b[field].value || a[field].given != b[field].given)
            return 0;
    return 1;
}

static int same_rules(const st_prepared *a, const st_prepared *b) {
    if (a->rule_count != b->rule_count) return 0;
    for (int32_t i = 0; i < a->rule_count; i++) {
        const st_rule *left = &a->rules[i], *right = &b->rules[i];
        if (left->field != right->field || left->value != right->value || left->weight != right->weight ||
            left->live_count != right->live_count || left->reads != right->reads)
            return 0;
    }
    return 1;
}

static void check_prepared(const st_prepared *prepared) {
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        const st_choice_field *bounds = st_choice_field_at(field);
        const st_spiralk_hard *hard = &prepared->hard[field];
        require(hard->line == 0 || (hard->value >= bounds->low && hard->value <= bounds->high));
        require(isfinite(hard->given) && hard->given == floor(hard->given));
    }
    for (int32_t i = 0; i < prepared->rule_count; i++) {
        const st_rule *rule = &prepared->rules[i];
        require(isfinite(rule->weight) && isfinite(rule->given) && rule->line >= 1);
        if (rule->field < 0) continue;
        require(rule->value >= st_choice_field_at(rule->field)->low && rule->value <= st_choice_field_at(rule->field)->high);
    }
}

static void check_solution(const st_prepared *prepared, uint64_t *seed) {
    int32_t values[ST_FIELDS][VALUES];
    st_soft_problem problem = {.prepared = &prepared, .prepared_count = 1};
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        const st_choice_field *bounds = st_choice_field_at(field);
        const int64_t span = (int64_t)bounds->high - bounds->low + 1;
        st_choice_set(&problem.incumbent, field, (int32_t)(bounds->low + (int64_t)(mixed(seed) >> 33) % span));
        for (int i = 0; i < VALUES; i++) values[field][i] = (int32_t)(bounds->low + (int64_t)(mixed(seed) >> 33) % span);
        problem.values[field] = values[field];
        problem.value_counts[field] = (int32_t)(mixed(seed) % (VALUES + 1));
    }
    problem.fixed = (uint32_t)(mixed(seed) & mixed(seed) & mixed(seed)) & ((1u << ST_FIELDS) - 1);
    problem.mode = (int32_t)(mixed(seed) % 4);
    problem.width = mixed(seed) % 32 == 0 ? ST_SOFT_WIDTH : 1 << mixed(seed) % 6;
    problem.work = mixed(seed) % 8 == 0 ? (int64_t)(mixed(seed) % 500) : ST_RULE_WORK;
    const size_t bytes = st_soft_bytes(&problem);
    char *block = need(bytes + 1);
    st_soft_answer answer, again;
    require(st_soft_solve(&problem, block + 1, bytes, &answer) == ST_OK);
    require(answer.work <= 2 * (int64_t)ST_RULE_WORK && isfinite(answer.score));
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        const int32_t value = st_choice_get(&answer.choice, field);
        require(value >= st_choice_field_at(field)->low && value <= st_choice_field_at(field)->high);
        require(!(problem.fixed >> field & 1) || value == st_choice_get(&problem.incumbent, field));
    }
    /* The answer depends on nothing but the problem, and an answer from it cannot be bettered by its own search. */
    require(st_soft_solve(&problem, block, bytes, &again) == ST_OK);
    require(memcmp(&answer.choice, &again.choice, sizeof again.choice) == 0 && answer.score == again.score);
    problem.incumbent = answer.choice;
    problem.fixed = (1u << ST_FIELDS) - 1;
    require(st_soft_solve(&problem, block, bytes, &again) == ST_OK);
    require(answer.gave_up || again.gave_up || fabs(again.score - answer.score) <= 1e-9 * fmax(1, fabs(answer.score)));
    free(block);
}

/* The laid out text, whose length goes to *length; NULL where it would be too long. */
static char *lay_out(const char *text, size_t bytes, uint64_t *length) {
    const st_status status = st_spiralk_format(NULL, text, bytes, NULL, 0, length, NULL);
    require(status == ST_OK || status == ST_E_CAPACITY);
    if (status != ST_OK) return NULL;
    char *out = need((size_t)*length);
    require(st_spiralk_format(NULL, text, bytes, out, *length, length, NULL) == ST_OK);
    return out;
}

static void check_layout(const char *text, size_t bytes, const st_prepared *prepared, const st_spiralk_facts *facts) {
    uint64_t length, again;
    char *once = lay_out(text, bytes, &length);
    if (once == NULL) return;
    char *twice = lay_out(once, (size_t)length, &again);
    require(twice != NULL && length == again && memcmp(once, twice, (size_t)length) == 0);
    st_spiralk *program;
    require(st_spiralk_compile(NULL, once, length, &program, NULL) == ST_OK);
    const size_t needed = st_prepare_bytes(program);
    void *workspace = need(needed);
    st_prepared laid_out;
    int64_t work = 0;
    require(st_prepare(program, facts, workspace, needed, &work, &laid_out) == ST_OK);
    require(same_hard(prepared->hard, laid_out.hard) && same_rules(prepared, &laid_out));
    free(workspace);
    st_spiralk_free(program);
    free(twice);
    free(once);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    st_spiralk *program;
    st_spiralk_error error = {.struct_size = sizeof error};
    uint64_t seed = size;
    const size_t bytes = size > TAIL ? size - TAIL : size;
    for (size_t i = bytes; i < size; i++) seed = seed * 257 + data[i];
    char *text = need(bytes); /* ends with its allocation */
    if (bytes > 0) memcpy(text, data, bytes);
    const st_status status = st_spiralk_compile(NULL, text, bytes, &program, &error);
    if (status != ST_OK) {
        require(status == ST_E_FORMAT && program == NULL);
        check_error(&error, text, bytes);
        free(text);
        return 0;
    }
    const st_spiralk_facts facts = facts_of(&seed);
    const size_t needed = st_prepare_bytes(program);
    char *workspace = need(needed + 1);
    st_prepared prepared;
    int64_t work = 0;
    const st_status folded = st_prepare(program, &facts, workspace + 1, needed, &work, &prepared);
    require(folded == ST_OK || folded == ST_E_CAPACITY);
    if (folded == ST_OK) {
        check_prepared(&prepared);
        check_layout(text, bytes, &prepared, &facts);
        check_solution(&prepared, &seed);
    }
    free(workspace);
    st_spiralk_free(program);
    free(text);
    return 0;
}
