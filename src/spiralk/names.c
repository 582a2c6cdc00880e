/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* names.c - the tables of facts, fields and functions. */
#include "spiralk/names.h"

#include <float.h>
#include <string.h>

#define FACT(name, member) {name, offsetof(st_spiralk_facts, member)}

static const struct {
    const char *name;
    size_t offset;
} facts_table[ST_FACTS] = {
    FACT("r", r),         FACT("c", c),
    FACT("k", k),         FACT("sg", sg),
    FACT("sgc", sgc),     FACT("kc", kc),
    FACT("lanes", lanes), FACT("wgmax", wgmax),
    FACT("smem", smem),   FACT("cu", cu),
    FACT("eb", eb),       FACT("threads", threads),
    FACT("cpu", cpu),     FACT("wgpu", wgpu),
    FACT("cuda", cuda),   FACT("hip", hip),
    FACT("mps", mps),     FACT("topk", topk),
    FACT("midk_kind", midk_kind), FACT("bottomk_kind", bottomk_kind),
    FACT("float", is_float),      FACT("int", is_int),
};

static const struct {
    const char *name, *form;
} functions_table[ST_OPERATIONS] = {
    [ST_OP_DEVICE] = {"device", "device(\"key\")"},
    [ST_OP_SELECT] = {"sel", "sel(condition, a, b)"},
    [ST_OP_LOG2] = {"log2", "log2(x)"},
    [ST_OP_MIN] = {"min", "min(a, b)"},
    [ST_OP_MAX] = {"max", "max(a, b)"},
    [ST_OP_CLAMP] = {"clamp", "clamp(x, lo, hi)"},
    [ST_OP_FLOOR] = {"floor", "floor(x)"},
    [ST_OP_CEIL] = {"ceil", "ceil(x)"},
    [ST_OP_BAND] = {"band", "band(x, lo, hi)"},
};

static int is_name(const char *name, size_t length, const char *known) {
    return known != NULL && strlen(known) == length && memcmp(known, name, length) == 0;
}

int32_t st_fact_of_name(const char *name, size_t length) {
    for (int32_t fact = 0; fact < ST_FACTS; fact++)
        if (is_name(name, length, facts_table[fact].name)) return fact;
    return -1;
}

int32_t st_field_of_name(const char *name, size_t length) {
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        const st_choice_field *known = st_choice_field_at(field);
        if (is_name(name, length, known->name) || is_name(name, length, known->spelling)) return field;
    }
    return is_name(name, length, "algo") ? ST_FIELD_ALGO : -1;
}

int32_t st_function_of_name(const char *name, size_t length) {
    for (int32_t operation = 0; operation < ST_OPERATIONS; operation++)
        if (is_name(name, length, functions_table[operation].name)) return operation;
    return -1;
}

const char *st_fact_name(int32_t fact) { return facts_table[fact].name; }

const char *st_function_form(int32_t operation) { return functions_table[operation].form; }

int32_t st_operands(int32_t operation) {
    switch (operation) {
        case ST_OP_FACT:
        case ST_OP_NUMBER:
        case ST_OP_DEVICE:
        case ST_OP_FIELD: return 0;
        case ST_OP_NEGATE:
        case ST_OP_NOT:
        case ST_OP_LOG2:
        case ST_OP_FLOOR:
        case ST_OP_CEIL: return 1;
        case ST_OP_SELECT:
        case ST_OP_CLAMP:
        case ST_OP_BAND: return 3;
        default: return 2;
    }
}

void st_facts_read(const st_spiralk_facts *facts, double values[ST_FACTS]) {
    for (int32_t fact = 0; fact < ST_FACTS; fact++) {
        double value;
        memcpy(&value, (const char *)facts + facts_table[fact].offset, sizeof value);
        /* A comparison with NaN is false. */
        values[fact] = value > DBL_MAX ? DBL_MAX : value < -DBL_MAX ? -DBL_MAX : value == value ? value : 0;
    }
}

void st_field_bounds(int32_t field, int32_t *low, int32_t *high) {
    *low = field == ST_FIELD_ALGO ? 0 : st_choice_field_at(field)->low;
    *high = field == ST_FIELD_ALGO ? 3 : st_choice_field_at(field)->high;
}

/* ---- near misses ---- */

enum { LONGEST = 15 };

/* Steps from one word to another: a character put in, left out or replaced, or two neighbours swapped. */
static int32_t steps_between(const char *word, size_t length, const char *known) {
    const size_t known_length = strlen(known);
    int32_t steps[LONGEST + 1][LONGEST + 1];
    if (length > LONGEST || known_length > LONGEST) return LONGEST;
    for (size_t i = 0; i <= length; i++) steps[i][0] = (int32_t)i;
    for (size_t j = 0; j <= known_length; j++) steps[0][j] = (int32_t)j;
    for (size_t i = 1; i <= length; i++)
        for (size_t j = 1; j <= known_length; j++) {
            int32_t least = steps[i - 1][j - 1] + (word[i - 1] != known[j - 1]);
            if (steps[i - 1][j] + 1 < least) least = steps[i - 1][j] + 1;
            if (steps[i][j - 1] + 1 < least) least = steps[i][j - 1] + 1;
            if (i > 1 && j > 1 && word[i - 1] == known[j - 2] && word[i - 2] == known[j - 1] && steps[i - 2][j - 2] + 1 < least)
                least = steps[i - 2][j - 2] + 1;
            steps[i][j] = least;
        }
    return steps[length][known_length];
}

struct nearest {
    const char *word, *name;
    size_t length;
    int32_t steps;
};

/* A word of two letters is near none: every name of two would do. */
static void consider(struct nearest *nearest, const char *name) {
    if (name == NULL) return;
    const int32_t steps = steps_between(nearest->word, nearest->length, name);
    const int32_t most = nearest->length < 3 ? 0 : nearest->length < 5 ? 1 : 2;
    if (steps > most || steps >= nearest->steps) return;
    nearest->steps = steps;
    nearest->name = name;
}

/* Words that are not near the name which they mean. */
static const struct {
    const char *word, *name;
    int32_t among;
} meanings[] = {{"rows", "r", ST_NEAR_FACTS}, {"cols", "c", ST_NEAR_FACTS}, {"columns", "c", ST_NEAR_FACTS}, {"if", "sel", ST_NEAR_FUNCTIONS}};

const char *st_near_name(const char *name, size_t length, int32_t among) {
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (among & meanings[i].among && is_name(name, length, meanings[i].word)) return meanings[i].name;
    struct nearest nearest = {.word = name, .length = length, .steps = LONGEST};
    for (int32_t field = 0; among & ST_NEAR_FIELDS && field < ST_FIELDS; field++) {
        consider(&nearest, st_choice_field_at(field)->name);
        consider(&nearest, st_choice_field_at(field)->spelling);
    }
    if (among & ST_NEAR_FIELDS) consider(&nearest, "algo");
    for (int32_t fact = 0; among & ST_NEAR_FACTS && fact < ST_FACTS; fact++) consider(&nearest, facts_table[fact].name);
    for (int32_t operation = 0; among & ST_NEAR_FUNCTIONS && operation < ST_OPERATIONS; operation++)
        consider(&nearest, functions_table[operation].name);
    if (among & ST_NEAR_STATEMENTS) {
        consider(&nearest, "soft");
        consider(&nearest, "penalty_if");
    }
    return nearest.name;
}
