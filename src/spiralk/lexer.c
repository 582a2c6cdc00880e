/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* lexer.c - tokens of the rule language. */
#include "spiralk/lexer.h"

#include <string.h>

#include "base/utf8.h"
#include "spiralk/names.h"

/* Characters are compared as they are, so that no locale has a say. */
static int is_digit(char c) { return c >= '0' && c <= '9'; }
static int is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static int is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

void st_lexer_start(st_lexer *lexer, const char *text, size_t bytes) {
    *lexer = (st_lexer){.text = text, .bytes = bytes, .line = 1};
    if (bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) lexer->at = 3;
}

/* The character `ahead` of the lexer's place; NUL beyond the end, which starts no token. */
static char peek(const st_lexer *lexer, size_t ahead) {
    return ahead < lexer->bytes - lexer->at ? lexer->text[lexer->at + ahead] : '\0';
}

static size_t number_length(const st_lexer *lexer) {
    size_t length = 0;
    while (is_digit(peek(lexer, length))) length++;
    if (peek(lexer, length) == '.') {
        length++;
        while (is_digit(peek(lexer, length))) length++;
    }
    if (peek(lexer, length) == 'e' || peek(lexer, length) == 'E') {
        size_t exponent = length + 1;
        if (peek(lexer, exponent) == '+' || peek(lexer, exponent) == '-') exponent++;
        if (is_digit(peek(lexer, exponent))) {
            length = exponent;
            while (is_digit(peek(lexer, length))) length++;
        }
    }
    return length;
}

static st_token number_token(const st_lexer *lexer, st_token token) {
    token.kind = ST_TOKEN_NUMBER;
    token.length = number_length(lexer);
    size_t length = token.length;
    while (is_letter(peek(lexer, length)) || is_digit(peek(lexer, length)) || peek(lexer, length) == '.') length++;
    if (length > token.length) {
        token.kind = ST_TOKEN_BAD;
        token.length = length;
        token.complaint = "is no number";
    }
    return token;
}

static st_token string_token(const st_lexer *lexer, st_token token) {
    size_t length = 1;
    while (length < lexer->bytes - lexer->at && peek(lexer, length) != '"' && peek(lexer, length) != '\n') length++;
    token.kind = ST_TOKEN_STRING;
    if (peek(lexer, length) == '"') {
        token.length = length + 1;
        return token;
    }
    token.kind = ST_TOKEN_BAD;
    token.length = 1;
    token.complaint = "opens a text that is not closed on its line";
    return token;
}

/* Operators that are words in other languages. */
static st_token name_token(const st_lexer *lexer, st_token token) {
    static const char *const words[][2] = {{"and", "is no operator; write &&"}, {"or", "is no operator; write ||"}, {"not", "is no operator; write !"}};
    token.kind = ST_TOKEN_NAME;
    while (is_letter(peek(lexer, token.length)) || is_digit(peek(lexer, token.length))) token.length++;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i][0]) != token.length || memcmp(lexer->text + token.start, words[i][0], token.length) != 0) continue;
        token.kind = ST_TOKEN_BAD;
        token.complaint = words[i][1];
    }
    return token;
}

static const struct {
    char text[3];
    st_token_kind kind;
    st_operation operation;
} symbols[] = {
    /* Those of two characters come first. */
    {"||", ST_TOKEN_OPERATOR, ST_OP_OR},          {"&&", ST_TOKEN_OPERATOR, ST_OP_AND},
    {"==", ST_TOKEN_OPERATOR, ST_OP_EQUAL},       {"!=", ST_TOKEN_OPERATOR, ST_OP_UNEQUAL},
    {"<=", ST_TOKEN_OPERATOR, ST_OP_LESS_EQUAL},  {">=", ST_TOKEN_OPERATOR, ST_OP_GREATER_EQUAL},
    {"<", ST_TOKEN_OPERATOR, ST_OP_LESS},         {">", ST_TOKEN_OPERATOR, ST_OP_GREATER},
    {"+", ST_TOKEN_OPERATOR, ST_OP_ADD},          {"-", ST_TOKEN_OPERATOR, ST_OP_SUBTRACT},
    {"*", ST_TOKEN_OPERATOR, ST_OP_MULTIPLY},     {"/", ST_TOKEN_OPERATOR, ST_OP_DIVIDE},
    {"%", ST_TOKEN_OPERATOR, ST_OP_REMAINDER},    {"!", ST_TOKEN_NOT, ST_OP_NOT},
    {"(", ST_TOKEN_OPEN, 0},                      {")", ST_TOKEN_CLOSE, 0},
    {",", ST_TOKEN_COMMA, 0},                     {":", ST_TOKEN_COLON, 0},
    {";", ST_TOKEN_SEMICOLON, 0},                 {"\n", ST_TOKEN_NEWLINE, 0},
};

static st_token other_token(const st_lexer *lexer, st_token token) {
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        const size_t length = strlen(symbols[i].text);
        if (peek(lexer, 0) != symbols[i].text[0] || (length == 2 && peek(lexer, 1) != symbols[i].text[1])) continue;
        token.kind = symbols[i].kind;
        token.operation = (int32_t)symbols[i].operation;
        token.length = length;
        return token;
    }
    uint32_t code;
    const char *here = lexer->text + lexer->at;
    const int length = st_utf8_next((const unsigned char *)here, lexer->bytes - lexer->at, &code);
    token.kind = ST_TOKEN_BAD;
    token.length = (size_t)(length < 0 ? -length : length);
    token.complaint = *here == '='   ? "compares with nothing; write == to compare, and : to set a field"
                      : *here == '&' ? "is no operator; write &&"
                      : *here == '|' ? "is no operator; write ||"
                      : *here == '?' ? "is no operator; write sel(condition, a, b)"
                      : *here == '\'' ? "opens no text; write it in double quotes"
                                     : "has no meaning here";
    return token;
}

st_token st_lexer_next(st_lexer *lexer) {
    while (lexer->at < lexer->bytes && is_blank(lexer->text[lexer->at])) lexer->at++;
    st_token token = {.kind = ST_TOKEN_END, .start = lexer->at};
    if (lexer->at == lexer->bytes) return token;
    const char first = peek(lexer, 0);
    if (first == '#') {
        token.kind = ST_TOKEN_COMMENT;
        const char *end = memchr(lexer->text + lexer->at, '\n', lexer->bytes - lexer->at);
        token.length = end != NULL ? (size_t)(end - lexer->text) - lexer->at : lexer->bytes - lexer->at;
    } else if (is_letter(first)) {
        token = name_token(lexer, token);
    } else if (is_digit(first) || (first == '.' && is_digit(peek(lexer, 1)))) {
        token = number_token(lexer, token);
    } else if (first == '"') {
        token = string_token(lexer, token);
    } else {
        token = other_token(lexer, token);
    }
    lexer->at += token.length;
    lexer->line += token.kind == ST_TOKEN_NEWLINE;
    return token;
}
