/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* names.h - the words of the language: facts, fields and functions. */
#ifndef ST_SPIRALK_NAMES_H
#define ST_SPIRALK_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "device/choice_fields.h"
#include "spiraltorch/spiralk.h"

/* The facts of st_spiralk_facts, by position. */
enum { ST_FACTS = 22 };

/* Fields of the language: those of st_choice, and algo, the older spelling that can be set alone. */
enum { ST_FIELD_ALGO = ST_FIELDS, ST_LANGUAGE_FIELDS };

/* Operations of a compiled program; those from ST_OP_SELECT on have names. */
typedef enum st_operation {
    ST_OP_FACT,   /* the first nodes of a program, in the order of the facts */
    ST_OP_NUMBER, /* a: position in numbers */
    ST_OP_DEVICE, /* a: offset in keys, b: bytes */
    ST_OP_FIELD,  /* a: field of the candidate */
    ST_OP_OR,
    ST_OP_AND,
    ST_OP_EQUAL,
    ST_OP_UNEQUAL,
    ST_OP_LESS,
    ST_OP_LESS_EQUAL,
    ST_OP_GREATER,
    ST_OP_GREATER_EQUAL,
    ST_OP_ADD,
    ST_OP_SUBTRACT,
    ST_OP_MULTIPLY,
    ST_OP_DIVIDE,
    ST_OP_REMAINDER,
    ST_OP_NEGATE,
    ST_OP_NOT,
    ST_OP_SELECT,
    ST_OP_LOG2,
    ST_OP_MIN,
    ST_OP_MAX,
    ST_OP_CLAMP,
    ST_OP_FLOOR,
    ST_OP_CEIL,
    ST_OP_BAND,
    ST_OPERATIONS
} st_operation;

/* The position of a name; -1 where it is none. A field has two names at most, such as use_2ce and u2. */
int32_t st_fact_of_name(const char *name, size_t length);
int32_t st_field_of_name(const char *name, size_t length);
int32_t st_function_of_name(const char *name, size_t length);

/* "r", "midk_kind", "float". */
const char *st_fact_name(int32_t fact);

/* Copies the facts, made finite. */
void st_facts_read(const st_spiralk_facts *facts, double values[ST_FACTS]);

/* How many operands an operation has, and how a call of a function is written ("sel(condition, a, b)"). */
int32_t st_operands(int32_t operation);
const char *st_function_form(int32_t operation);

/* Bounds of a field of the language. */
void st_field_bounds(int32_t field, int32_t *low, int32_t *high);

/* What may stand somewhere, as bits. */
enum { ST_NEAR_FACTS = 1, ST_NEAR_FIELDS = 2, ST_NEAR_FUNCTIONS = 4, ST_NEAR_STATEMENTS = 8 };

/* The name among those that a misspelt one was probably meant to be; NULL where none is near. */
const char *st_near_name(const char *name, size_t length, int32_t among);

#endif
