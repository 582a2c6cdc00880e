/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* expression.c - expressions to nodes, by descent with a bound on its depth. */
#include <math.h>
#include <string.h>

#include "base/decimal.h"
#include "base/fail.h"
#include "base/memory.h"
#include "spiralk/operate.h"
#include "spiralk/parser.h"

enum { LOOSEST = 0, TIGHTEST = 4 };

/* ---- nodes ---- */

static st_status add_number(st_parser *parser, double value, int32_t *position) {
    st_spiralk *program = parser->program;
    void *numbers = program->numbers;
    const st_status status =
        st_grow(&program->host, &numbers, &program->number_bytes, ((size_t)program->number_count + 1) * sizeof(double));
    program->numbers = numbers;
    if (status != ST_OK) return status;
    *position = program->number_count++;
    program->numbers[*position] = value;
    return ST_OK;
}

static st_status add_node(st_parser *parser, const st_node *made, int32_t *node) {
    st_spiralk *program = parser->program;
    void *nodes = program->nodes;
    const st_status status =
        st_grow(&program->host, &nodes, &program->node_bytes, ((size_t)program->node_count + 1) * sizeof(st_node));
    program->nodes = nodes;
    if (status != ST_OK) return status;
    *node = program->node_count++;
    program->nodes[*node] = *made;
    return ST_OK;
}

/*
 * Whether all operands are numbers of the present statement, which then stand at the end of the nodes and of the numbers,
 * the first of them at *first. Numbers of statements above are values of fields, and stay.
 */
static int are_numbers(const st_parser *parser, const st_node *made, int32_t *first) {
    const st_spiralk *program = parser->program;
    const int32_t operands[3] = {made->a, made->b, made->c}, count = st_operands(made->operation);
    for (int32_t i = 0; i < count; i++)
        if (operands[i] < parser->first || program->nodes[operands[i]].operation != ST_OP_NUMBER) return 0;
    *first = operands[0];
    return count > 0;
}

st_status st_parser_emit(st_parser *parser, int32_t operation, int32_t a, int32_t b, int32_t c, int32_t *node) {
    st_spiralk *program = parser->program;
    const st_node made = {operation, a, b, c};
    int32_t first;
    if (!are_numbers(parser, &made, &first)) return add_node(parser, &made, node);
    int64_t work = 0;
    double *numbers = &program->numbers[program->nodes[first].a];
    const int32_t count = st_operands(operation);
    numbers[0] = st_operate(operation, numbers[0], count > 1 ? numbers[1] : 0, count > 2 ? numbers[2] : 0, &work);
    program->number_count -= count - 1;
    program->node_count -= count - 1;
    *node = first;
    return ST_OK;
}

/* ---- the innermost: numbers, names, calls ---- */

static const char *const operand_words = "a number, a name, a function or '('";

static st_status read_number(st_parser *parser, int32_t *node) {
    double value = 0;
    int32_t position;
    const st_token token = parser->token;
    /* The lexer takes nothing but numerals; a value beyond the doubles is read as infinity. */
    if (!st_read_double(parser->lexer.text + token.start, token.length, &value) || !isfinite(value))
        return st_parser_refuse(parser, token.start, "a number of at most 1.7976931348623157e308", NULL,
                                "this number is too large; use at most 1.7976931348623157e308");
    st_status status = add_number(parser, value, &position);
    if (status != ST_OK) return status;
    st_parser_advance(parser);
    return add_node(parser, &(st_node){.operation = ST_OP_NUMBER, .a = position}, node);
}

static st_status read_field(st_parser *parser, int32_t field, int32_t *node) {
    const st_token token = parser->token;
    const char *name = parser->lexer.text + token.start;
    const int length = (int)token.length;
    if (parser->scope == ST_SCOPE_REQUEST)
        return st_parser_refuse(parser, token.start, "a value that is known from the request", NULL,
                                "field '%.*s' cannot be read here: the value and the weight of a rule are known from "
                                "the request; move it into the condition",
                                length, name);
    if (parser->scope == ST_SCOPE_CANDIDATE && field == ST_FIELD_ALGO)
        return st_parser_refuse(parser, token.start, "mk or mkd", NULL,
                                "a candidate has no 'algo', which can be set alone; read mk or mkd");
    if (parser->scope == ST_SCOPE_HARD && parser->given[field] < 0)
        return st_parser_refuse(parser, token.start, "a field that is set above", NULL,
                                "field '%.*s' is not set yet; a hard statement reads only fields that are set above it",
                                length, name);
    st_parser_advance(parser);
    if (parser->scope == ST_SCOPE_HARD) {
        *node = parser->given[field];
        return ST_OK;
    }
    return add_node(parser, &(st_node){.operation = ST_OP_FIELD, .a = field}, node);
}

/* The text in device("..."): kept without its quotes. */
static st_status read_key(st_parser *parser, int32_t *node) {
    st_spiralk *program = parser->program;
    const st_token token = parser->token;
    if (token.kind != ST_TOKEN_STRING) return st_parser_expected(parser, "a text in double quotes");
    const int32_t length = (int32_t)token.length - 2;
    void *keys = program->keys;
    const st_status status =
        st_grow(&program->host, &keys, &program->key_bytes, (size_t)program->key_count + (size_t)length + 1);
    program->keys = keys;
    if (status != ST_OK) return status;
    memcpy(program->keys + program->key_count, parser->lexer.text + token.start + 1, (size_t)length);
    const st_node made = {.operation = ST_OP_DEVICE, .a = program->key_count, .b = length};
    program->key_count += length;
    st_parser_advance(parser);
    return add_node(parser, &made, node);
}

/* Calls, parentheses and signs alone lead deeper: each enters once, and leaves where it succeeds. */
static st_status enter(st_parser *parser) {
    if (parser->depth++ < ST_SPIRALK_DEPTH) return ST_OK;
    return st_parser_refuse(parser, parser->token.start, "", NULL, "parentheses, calls and signs are nested more than %d deep",
                            ST_SPIRALK_DEPTH);
}

static st_status read_call(st_parser *parser, int32_t function, int32_t *node) {
    int32_t operands[3] = {0, 0, 0};
    const int32_t count = function == ST_OP_DEVICE ? 1 : st_operands(function);
    const st_token name = parser->token;
    st_status status = enter(parser);
    if (status != ST_OK) return status;
    st_parser_advance(parser);
    if (parser->token.kind != ST_TOKEN_OPEN)
        return st_parser_refuse(parser, name.start, st_function_form(function), NULL, "'%.*s' is a function; write %s",
                                (int)name.length, parser->lexer.text + name.start, st_function_form(function));
    if ((status = st_parser_open(parser)) != ST_OK) return status;
    for (int32_t i = 0; i < count; i++) {
        if (i > 0) {
            if (parser->token.kind == ST_TOKEN_CLOSE)
                return st_parser_refuse(parser, parser->token.start, st_function_form(function), NULL,
                                        "'%.*s' has %d of its %d arguments; write %s", (int)name.length,
                                        parser->lexer.text + name.start, i, count, st_function_form(function));
            if (parser->token.kind != ST_TOKEN_COMMA) return st_parser_expected(parser, "',' or an operator");
            st_parser_advance(parser);
        }
        status = function == ST_OP_DEVICE ? read_key(parser, node) : st_parser_expression(parser, &operands[i]);
        if (status != ST_OK) return status;
    }
    if (parser->token.kind == ST_TOKEN_COMMA)
        return st_parser_refuse(parser, parser->token.start, st_function_form(function), NULL,
                                "'%.*s' has too many arguments; write %s", (int)name.length,
                                parser->lexer.text + name.start, st_function_form(function));
    if ((status = st_parser_close(parser)) != ST_OK) return status;
    parser->depth--;
    if (function == ST_OP_DEVICE) return ST_OK;
    return st_parser_emit(parser, function, operands[0], operands[1], operands[2], node);
}

static st_status read_name(st_parser *parser, int32_t *node) {
    const st_token token = parser->token;
    const char *name = parser->lexer.text + token.start;
    const int32_t fact = st_fact_of_name(name, token.length);
    if (fact >= 0) {
        *node = fact;
        st_parser_advance(parser);
        return ST_OK;
    }
    const int32_t field = st_field_of_name(name, token.length);
    if (field >= 0) return read_field(parser, field, node);
    const int32_t function = st_function_of_name(name, token.length);
    if (function >= 0) return read_call(parser, function, node);
    st_lexer ahead = parser->lexer;
    const int is_call = st_lexer_next(&ahead).kind == ST_TOKEN_OPEN;
    const char *near = st_near_name(name, token.length, is_call ? ST_NEAR_FUNCTIONS : ST_NEAR_FACTS | ST_NEAR_FIELDS);
    const int shown = token.length < 40 ? (int)token.length : 40;
    if (near != NULL)
        return st_parser_refuse(parser, token.start, operand_words, near, "there is no name '%.*s'; did you mean '%s'?", shown,
                                name, near);
    return st_parser_refuse(parser, token.start, operand_words, NULL, "there is no name '%.*s'; expected %s", shown, name,
                            operand_words);
}

/* ---- operators ---- */

/* How tightly a binary operator binds; below LOOSEST for what is none. */
static int32_t tightness(const st_token *token) {
    if (token->kind != ST_TOKEN_OPERATOR) return LOOSEST - 1;
    switch (token->operation) {
        case ST_OP_OR: return LOOSEST;
        case ST_OP_AND: return 1;
        case ST_OP_ADD:
        case ST_OP_SUBTRACT: return 3;
        case ST_OP_MULTIPLY:
        case ST_OP_DIVIDE:
        case ST_OP_REMAINDER: return TIGHTEST;
        default: return 2;
    }
}

static st_status read_binary(st_parser *parser, int32_t least, int32_t *node);

static st_status read_operand(st_parser *parser, int32_t *node) {
    const st_token token = parser->token;
    const int is_minus = token.kind == ST_TOKEN_OPERATOR && token.operation == ST_OP_SUBTRACT;
    st_status status;
    int32_t operand;
    if (token.kind == ST_TOKEN_NUMBER) return read_number(parser, node);
    if (token.kind == ST_TOKEN_NAME) return read_name(parser, node);
    if (token.kind == ST_TOKEN_STRING)
        return st_parser_refuse(parser, token.start, operand_words, NULL, "a text stands in device(\"key\") alone");
    if (token.kind != ST_TOKEN_OPEN && token.kind != ST_TOKEN_NOT && !is_minus) return st_parser_expected(parser, operand_words);
    if ((status = enter(parser)) != ST_OK) return status;
    if (token.kind == ST_TOKEN_OPEN) {
        if ((status = st_parser_open(parser)) == ST_OK) status = read_binary(parser, LOOSEST, node);
        if (status == ST_OK) status = st_parser_close(parser);
    } else {
        st_parser_advance(parser);
        if ((status = read_operand(parser, &operand)) == ST_OK)
            status = st_parser_emit(parser, is_minus ? ST_OP_NEGATE : ST_OP_NOT, operand, 0, 0, node);
    }
    parser->depth--;
    return status;
}

static st_status read_binary(st_parser *parser, int32_t least, int32_t *node) {
    st_status status = read_operand(parser, node);
    for (int32_t binds; status == ST_OK && (binds = tightness(&parser->token)) >= least;) {
        int32_t right;
        const int32_t operation = parser->token.operation, left = *node;
        st_parser_advance(parser);
        if ((status = binds == TIGHTEST ? read_operand(parser, &right) : read_binary(parser, binds + 1, &right)) == ST_OK)
            status = st_parser_emit(parser, operation, left, right, 0, node);
    }
    return status;
}

st_status st_parser_expression(st_parser *parser, int32_t *node) { return read_binary(parser, LOOSEST, node); }
