/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* parser.c - statements, and what is said of a program that is refused. */
#include "spiralk/parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/show_text.h"
#include "base/utf8.h"
#include "spiralk/prepare.h"

/* ---- refusals ---- */

enum { SHOWN = 72 }; /* characters of a line that are shown */

/* The start of the character after the one at `at`. */
static size_t after(const char *text, size_t bytes, size_t at) {
    uint32_t code;
    const int length = st_utf8_next((const unsigned char *)text + at, bytes - at, &code);
    return at + (size_t)(length < 0 ? -length : length);
}

/* The line around a place, from at most SHOWN / 2 characters before it; what a terminal would act on becomes a blank. */
static void excerpt_line(const char *text, size_t bytes, size_t line, size_t at, st_spiralk_error *error) {
    size_t from = line, shown = 0, used = 0;
    for (int32_t skip = error->column - 1 - SHOWN / 2; skip > 0; skip--) from = after(text, bytes, from);
    error->caret = 0;
    while (from < bytes && text[from] != '\n' && text[from] != '\r' && shown < SHOWN) {
        const size_t next = after(text, bytes, from);
        uint32_t code = 0;
        const int valid = st_utf8_next((const unsigned char *)text + from, bytes - from, &code) > 0;
        if (used + 4 >= sizeof error->excerpt) break;
        error->caret += from < at;
        if (!valid || code < 32 || (code >= 127 && code < 160)) {
            error->excerpt[used++] = ' ';
        } else {
            memcpy(error->excerpt + used, text + from, next - from);
            used += next - from;
        }
        from = next;
        shown++;
    }
    error->excerpt[used] = '\0';
}

static void fill_error(const char *text, size_t bytes, size_t at, st_spiralk_error *error) {
    size_t line = 0;
    error->line = error->column = 1;
    if (bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 && at >= 3) line = 3;
    for (size_t i = line; i < at; i++)
        if (text[i] == '\n') {
            error->line++;
            line = i + 1;
        }
    for (size_t i = line; i < at; i = after(text, bytes, i)) error->column++;
    excerpt_line(text, bytes, line, at, error);
}

st_status st_parser_refuse(st_parser *parser, size_t at, const char *expected, const char *suggestion, const char *format, ...) {
    st_spiralk_error *error = parser->error;
    const uint32_t struct_size = error->struct_size;
    memset(error, 0, sizeof *error);
    error->struct_size = struct_size;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    snprintf(error->expected, sizeof error->expected, "%s", expected);
    if (suggestion != NULL) snprintf(error->suggestion, sizeof error->suggestion, "%s", suggestion);
    fill_error(parser->lexer.text, parser->lexer.bytes, at, error);
    return st_fail(ST_E_FORMAT, "line %d, column %d: %s", error->line, error->column, error->message);
}

/* A token in words. */
static void name_token(const st_parser *parser, char words[64]) {
    const st_token token = parser->token;
    char shown[48];
    if (token.kind == ST_TOKEN_END || token.kind == ST_TOKEN_NEWLINE)
        snprintf(words, 64, "the end of the %s", token.kind == ST_TOKEN_END ? "program" : "line");
    else
        snprintf(words, 64, "'%s'", st_show_text(shown, sizeof shown, parser->lexer.text + token.start, token.length));
}

st_status st_parser_expected(st_parser *parser, const char *expected) {
    char words[64];
    name_token(parser, words);
    if (parser->token.kind == ST_TOKEN_BAD)
        return st_parser_refuse(parser, parser->token.start, expected, NULL, "%s %s; expected %s", words,
                                parser->token.complaint, expected);
    if (parser->token.kind == ST_TOKEN_NEWLINE && parser->scope == ST_SCOPE_HARD)
        return st_parser_refuse(parser, parser->token.start, expected, NULL,
                                "expected %s, found %s; a statement goes on over lines within parentheses alone",
                                expected, words);
    return st_parser_refuse(parser, parser->token.start, expected, NULL, "expected %s, found %s", expected, words);
}

/* ---- tokens ---- */

void st_parser_advance(st_parser *parser) {
    do parser->token = st_lexer_next(&parser->lexer);
    while (parser->token.kind == ST_TOKEN_COMMENT || (parser->token.kind == ST_TOKEN_NEWLINE && parser->parentheses > 0));
    parser->line = parser->lexer.line;
}

st_status st_parser_open(st_parser *parser) {
    if (parser->token.kind != ST_TOKEN_OPEN) return st_parser_expected(parser, "'('");
    parser->parentheses++;
    st_parser_advance(parser);
    return ST_OK;
}

st_status st_parser_close(st_parser *parser) {
    if (parser->token.kind != ST_TOKEN_CLOSE) return st_parser_expected(parser, "')' or an operator");
    parser->parentheses--;
    st_parser_advance(parser);
    return ST_OK;
}

/* ---- statements ---- */

static st_status add_statement(st_parser *parser, const st_statement *made) {
    st_spiralk *program = parser->program;
    void *statements = program->statements;
    const st_status status = st_grow(&program->host, &statements, &program->statement_bytes,
                                     ((size_t)program->statement_count + 1) * sizeof(st_statement));
    program->statements = statements;
    if (status != ST_OK) return status;
    program->statements[program->statement_count++] = *made;
    program->of_kind[made->kind]++;
    return ST_OK;
}

/* A value is rounded down where it is given. */
static st_status read_value(st_parser *parser, int32_t *node) {
    const st_status status = st_parser_expression(parser, node);
    return status == ST_OK ? st_parser_emit(parser, ST_OP_FLOOR, *node, 0, 0, node) : status;
}

static st_status read_hard(st_parser *parser, int32_t field, st_statement *made) {
    made->kind = ST_STATEMENT_HARD;
    made->field = field;
    parser->scope = ST_SCOPE_HARD;
    st_parser_advance(parser);
    if (parser->token.kind != ST_TOKEN_COLON) return st_parser_expected(parser, "':' after the field");
    st_parser_advance(parser);
    const st_status status = read_value(parser, &made->value);
    if (status == ST_OK) parser->given[field] = made->value;
    return status;
}

static st_status read_comma(st_parser *parser, const char *form) {
    if (parser->token.kind == ST_TOKEN_CLOSE)
        return st_parser_refuse(parser, parser->token.start, form, NULL, "an argument is missing; write %s", form);
    if (parser->token.kind != ST_TOKEN_COMMA) return st_parser_expected(parser, "',' or an operator");
    st_parser_advance(parser);
    return ST_OK;
}

static st_status read_weight(st_parser *parser, st_statement *made) {
    parser->scope = ST_SCOPE_REQUEST;
    return st_parser_expression(parser, &made->weight);
}

static st_status read_condition(st_parser *parser, st_statement *made) {
    parser->scope = ST_SCOPE_CANDIDATE;
    made->first = parser->program->node_count;
    const st_status status = st_parser_expression(parser, &made->condition);
    made->end = parser->program->node_count;
    parser->program->condition_nodes += made->end - made->first;
    return status;
}

static st_status read_end_of_rule(st_parser *parser, const char *form) {
    if (parser->token.kind == ST_TOKEN_COMMA)
        return st_parser_refuse(parser, parser->token.start, form, NULL, "there are too many arguments; write %s", form);
    return st_parser_close(parser);
}

static st_status read_soft(st_parser *parser, st_statement *made) {
    static const char form[] = "soft(field, value, weight, condition)";
    st_status status;
    made->kind = ST_STATEMENT_SOFT;
    parser->scope = ST_SCOPE_REQUEST;
    st_parser_advance(parser);
    if ((status = st_parser_open(parser)) != ST_OK) return status;
    const char *name = parser->lexer.text + parser->token.start;
    const size_t length = parser->token.length;
    made->field = parser->token.kind == ST_TOKEN_NAME ? st_field_of_name(name, length) : -1;
    if (made->field == ST_FIELD_ALGO)
        return st_parser_refuse(parser, parser->token.start, "mk or mkd", NULL,
                                "'algo' can be set alone; write the rule for mk or mkd");
    if (made->field < 0 && parser->token.kind == ST_TOKEN_NAME) {
        const char *near = st_near_name(name, length, ST_NEAR_FIELDS);
        return st_parser_refuse(parser, parser->token.start, "the name of a field", near, "'%.*s' is no field%s%s%s",
                                length < 40 ? (int)length : 40, name, near != NULL ? "; did you mean '" : "",
                                near != NULL ? near : "", near != NULL ? "'?" : "; see the list with spiraltorch kdsl --help");
    }
    if (made->field < 0) return st_parser_expected(parser, "the name of a field");
    st_parser_advance(parser);
    if ((status = read_comma(parser, form)) != ST_OK) return status;
    if ((status = read_value(parser, &made->value)) != ST_OK) return status;
    if ((status = read_comma(parser, form)) != ST_OK) return status;
    if ((status = read_weight(parser, made)) != ST_OK) return status;
    if ((status = read_comma(parser, form)) != ST_OK) return status;
    if ((status = read_condition(parser, made)) != ST_OK) return status;
    return read_end_of_rule(parser, form);
}

static st_status read_penalty(st_parser *parser, st_statement *made) {
    static const char form[] = "penalty_if(condition, weight)";
    st_status status;
    made->kind = ST_STATEMENT_PENALTY;
    made->field = -1;
    parser->scope = ST_SCOPE_REQUEST;
    st_parser_advance(parser);
    if ((status = st_parser_open(parser)) != ST_OK) return status;
    if ((status = read_condition(parser, made)) != ST_OK) return status;
    if ((status = read_comma(parser, form)) != ST_OK) return status;
    if ((status = read_weight(parser, made)) != ST_OK) return status;
    return read_end_of_rule(parser, form);
}

static st_status read_statement(st_parser *parser) {
    static const char statement_words[] = "a field and ':', soft(...) or penalty_if(...)";
    const st_token head = parser->token;
    const char *name = parser->lexer.text + head.start;
    st_status status;
    st_statement made = {.line = parser->line};
    parser->first = parser->program->node_count;
    parser->scope = ST_SCOPE_REQUEST;
    if (head.kind != ST_TOKEN_NAME) return st_parser_expected(parser, statement_words);
    if (parser->program->statement_count == ST_SPIRALK_STATEMENTS)
        return st_parser_refuse(parser, head.start, "", NULL, "a program has at most %d statements", ST_SPIRALK_STATEMENTS);
    const int32_t field = st_field_of_name(name, head.length);
    if (field >= 0) {
        status = read_hard(parser, field, &made);
    } else if (head.length == 4 && memcmp(name, "soft", 4) == 0) {
        status = read_soft(parser, &made);
    } else if (head.length == 10 && memcmp(name, "penalty_if", 10) == 0) {
        status = read_penalty(parser, &made);
    } else {
        const char *near = st_near_name(name, head.length, ST_NEAR_FIELDS | ST_NEAR_STATEMENTS);
        const int shown = head.length < 40 ? (int)head.length : 40;
        if (near != NULL)
            return st_parser_refuse(parser, head.start, statement_words, near, "there is no field '%.*s'; did you mean '%s'?",
                                    shown, name, near);
        if (st_fact_of_name(name, head.length) >= 0)
            return st_parser_refuse(parser, head.start, statement_words, NULL,
                                    "'%.*s' comes with the request, and cannot be set; expected %s", shown, name,
                                    statement_words);
        return st_parser_refuse(parser, head.start, statement_words, NULL, "there is no field '%.*s'; expected %s", shown, name,
                                statement_words);
    }
    if (status != ST_OK) return status;
    const st_token_kind after_it = parser->token.kind;
    if (after_it != ST_TOKEN_SEMICOLON && after_it != ST_TOKEN_NEWLINE && after_it != ST_TOKEN_END)
        return st_parser_expected(parser, "';', the end of the line or an operator");
    if (!st_prepare_can(parser->program))
        return st_parser_refuse(parser, head.start, "", NULL,
                                "with this statement the program has more operations than any plan may wait for");
    return add_statement(parser, &made);
}

/* The facts are the first nodes, so that reading one costs nothing. */
static st_status add_facts(st_parser *parser) {
    int32_t node;
    for (int32_t fact = 0; fact < ST_FACTS; fact++) {
        const st_status status = st_parser_emit(parser, ST_OP_FACT, fact, 0, 0, &node);
        if (status != ST_OK) return status;
    }
    return ST_OK;
}

static st_status read_program(st_parser *parser) {
    st_status status = add_facts(parser);
    if (status != ST_OK) return status;
    for (int32_t field = 0; field < ST_LANGUAGE_FIELDS; field++) parser->given[field] = -1;
    st_parser_advance(parser);
    while (parser->token.kind != ST_TOKEN_END) {
        const int is_empty = parser->token.kind == ST_TOKEN_SEMICOLON || parser->token.kind == ST_TOKEN_NEWLINE;
        if (is_empty)
            st_parser_advance(parser);
        else if ((status = read_statement(parser)) != ST_OK)
            return status;
    }
    return ST_OK;
}

/* ---- programs ---- */

st_status st_spiralk_compile(const st_host *host, const char *text, uint64_t bytes, st_spiralk **out, st_spiralk_error *error) {
    st_host resolved;
    st_spiralk_error unseen = {.struct_size = sizeof unseen};
    if (out == NULL) return st_fail(ST_E_ARGUMENT, "program is NULL; give the address of a pointer");
    *out = NULL;
    if (text == NULL && bytes > 0) return st_fail(ST_E_ARGUMENT, "text is NULL but bytes is %llu", (unsigned long long)bytes);
    if (error == NULL) error = &unseen;
    if (error->struct_size != sizeof *error)
        return st_fail(ST_E_ARGUMENT, "error.struct_size is %u; set it to sizeof(st_spiralk_error)", error->struct_size);
    st_status status = st_host_resolve(host, &resolved);
    if (status != ST_OK) return status;
    st_parser parser = {.error = error};
    st_lexer_start(&parser.lexer, text, bytes <= ST_SPIRALK_BYTES ? (size_t)bytes : ST_SPIRALK_BYTES);
    if (bytes > ST_SPIRALK_BYTES)
        return st_parser_refuse(&parser, ST_SPIRALK_BYTES, "", NULL, "a program has at most %d bytes", ST_SPIRALK_BYTES);
    parser.program = st_allocate_zeroed(&resolved, sizeof *parser.program);
    if (parser.program == NULL) return st_fail(ST_E_MEMORY, "no memory for a program");
    parser.program->host = resolved;
    status = read_program(&parser);
    if (status != ST_OK) {
        st_spiralk_free(parser.program);
        return status;
    }
    *out = parser.program;
    return ST_OK;
}

void st_spiralk_free(st_spiralk *program) {
    if (program == NULL) return;
    const st_host host = program->host;
    st_release(&host, program->nodes, program->node_bytes);
    st_release(&host, program->numbers, program->number_bytes);
    st_release(&host, program->statements, program->statement_bytes);
    st_release(&host, program->keys, program->key_bytes);
    st_release(&host, program, sizeof *program);
}

st_status st_spiralk_count(const st_spiralk *program, st_spiralk_counts *counts) {
    if (program == NULL) return st_fail(ST_E_ARGUMENT, "program is NULL");
    if (counts == NULL) return st_fail(ST_E_ARGUMENT, "counts is NULL");
    if (counts->struct_size != sizeof *counts)
        return st_fail(ST_E_ARGUMENT, "counts.struct_size is %u; set it to sizeof(st_spiralk_counts)", counts->struct_size);
    counts->hard = program->of_kind[ST_STATEMENT_HARD];
    counts->soft = program->of_kind[ST_STATEMENT_SOFT];
    counts->penalties = program->of_kind[ST_STATEMENT_PENALTY];
    return ST_OK;
}
