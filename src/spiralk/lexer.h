/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* lexer.h - from text to tokens, one at a time. */
#ifndef ST_SPIRALK_LEXER_H
#define ST_SPIRALK_LEXER_H

#include <stddef.h>
#include <stdint.h>

typedef enum st_token_kind {
    ST_TOKEN_END,
    ST_TOKEN_NEWLINE,
    ST_TOKEN_COMMENT, /* from '#' to the end of the line */
    ST_TOKEN_SEMICOLON,
    ST_TOKEN_COLON,
    ST_TOKEN_COMMA,
    ST_TOKEN_OPEN,
    ST_TOKEN_CLOSE,
    ST_TOKEN_NAME,
    ST_TOKEN_NUMBER,
    ST_TOKEN_STRING, /* quotes included */
    ST_TOKEN_OPERATOR,
    ST_TOKEN_NOT,
    ST_TOKEN_BAD
} st_token_kind;

typedef struct st_token {
    st_token_kind kind;
    int32_t operation; /* ST_OPERATOR: its ST_OP_*; a minus is ST_OP_SUBTRACT */
    size_t start, length;
    const char *complaint; /* ST_TOKEN_BAD */
} st_token;

typedef struct st_lexer {
    const char *text;
    size_t bytes, at;
    int32_t line; /* of the next token, from 1 */
} st_lexer;

/* Starts at the beginning, behind a byte order mark. */
void st_lexer_start(st_lexer *lexer, const char *text, size_t bytes);

/* The next token, and the line it starts on. At the end, END again and again; BAD spans what is wrong. */
st_token st_lexer_next(st_lexer *lexer);

#endif
