/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* parser.h - the state of a compilation, shared by statements and expressions. */
#ifndef ST_SPIRALK_PARSER_H
#define ST_SPIRALK_PARSER_H

#include "spiralk/lexer.h"
#include "spiralk/program.h"

/* What a field means in an expression. */
enum {
    ST_SCOPE_HARD,     /* what a statement above has given it */
    ST_SCOPE_CANDIDATE,/* the candidate's */
    ST_SCOPE_REQUEST   /* an error: the value must be known from the request */
};

typedef struct st_parser {
    st_spiralk *program;
    st_lexer lexer;
    st_token token; /* the next one; never a comment, nor a newline within parentheses */
    int32_t line;   /* of the token */
    int32_t parentheses, depth;
    int32_t first;  /* node of the present statement */
    int32_t scope;
    int32_t given[ST_LANGUAGE_FIELDS]; /* the node of the value that the latest hard statement gave; -1: none yet */
    st_spiralk_error *error;
} st_parser;

/* Goes to the next token. */
void st_parser_advance(st_parser *parser);

/* Opening and closing parentheses: within them newlines are blanks. ST_E_FORMAT where another token stands there. */
st_status st_parser_open(st_parser *parser);
st_status st_parser_close(st_parser *parser);

/* Refuses the program at a byte of its text. expected may be "", suggestion NULL. Returns ST_E_FORMAT. */
st_status st_parser_refuse(st_parser *parser, size_t at, const char *expected, const char *suggestion, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The same at the present token: "expected ..., found ...". */
st_status st_parser_expected(st_parser *parser, const char *expected);

/* Compiles an expression; *node computes its value. */
st_status st_parser_expression(st_parser *parser, int32_t *node);

/* Adds a node; operations on numbers alone become their result. */
st_status st_parser_emit(st_parser *parser, int32_t operation, int32_t a, int32_t b, int32_t c, int32_t *node);

#endif
