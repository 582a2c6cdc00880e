/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * format_source.c - laying out a program. It works on tokens, so whatever it does between them, the tokens, and with them the
 * meaning, stay.
 */
#include <string.h>

#include "base/fail.h"
#include "spiralk/lexer.h"
#include "spiralk/names.h"
#include "spiraltorch/spiralk.h"

enum { INDENT = 4 };

/* The page so far. Only what fits is kept, all is counted. */
struct page {
    char *out;
    uint64_t capacity, length;
    int at_line_start; /* nothing on the line yet */
};

static void put(struct page *page, const char *text, size_t bytes) {
    if (page->length < page->capacity) {
        const uint64_t room = page->capacity - page->length;
        memcpy(page->out + page->length, text, (size_t)(bytes < room ? bytes : room));
    }
    page->length += bytes;
    page->at_line_start = 0;
}

static void end_line(struct page *page) {
    put(page, "\n", 1);
    page->at_line_start = 1;
}

static void indent(struct page *page, int32_t depth) {
    for (int32_t i = 0; i < depth * INDENT; i++) put(page, " ", 1);
}

struct layout {
    struct page page;
    st_lexer lexer;
    st_token before; /* the token before in the statement; END: none */
    int before_is_sign;
    int32_t depth;    /* of parentheses */
    int32_t newlines; /* since the last token or comment */
    int in_statement;
    int line_is_open; /* statements of the present line are printed, but for the end of the line */
};

/* A minus or exclamation mark that stands before its operand. */
static int is_sign(const struct layout *layout, const st_token *token) {
    if (token->kind == ST_TOKEN_NOT) return 1;
    if (token->kind != ST_TOKEN_OPERATOR || token->operation != ST_OP_SUBTRACT) return 0;
    const st_token_kind before = layout->before.kind;
    return before == ST_TOKEN_OPERATOR || before == ST_TOKEN_NOT || before == ST_TOKEN_OPEN || before == ST_TOKEN_COMMA ||
           before == ST_TOKEN_COLON;
}

static int wants_blank(const struct layout *layout, const st_token *token) {
    const st_token_kind before = layout->before.kind;
    if (before == ST_TOKEN_END || before == ST_TOKEN_OPEN || layout->before_is_sign) return 0;
    if (token->kind == ST_TOKEN_CLOSE || token->kind == ST_TOKEN_COMMA || token->kind == ST_TOKEN_COLON) return 0;
    return !(token->kind == ST_TOKEN_OPEN && before == ST_TOKEN_NAME);
}

/* Ends the line of the statements before; a blank line stays where there were any. */
static void begin_line(struct layout *layout) {
    if (layout->line_is_open) end_line(&layout->page);
    layout->line_is_open = 0;
    if (layout->newlines > 1 && layout->page.length > 0) end_line(&layout->page);
}

static void end_statement(struct layout *layout) {
    if (!layout->in_statement) return;
    put(&layout->page, ";", 1);
    layout->in_statement = 0;
    layout->line_is_open = 1;
    layout->before.kind = ST_TOKEN_END;
    layout->before_is_sign = 0;
    layout->newlines = 0;
}

static void put_token(struct layout *layout, const st_token *token) {
    if (!layout->in_statement)
        begin_line(layout);
    else if (layout->newlines > 0 && !layout->page.at_line_start)
        end_line(&layout->page);
    layout->in_statement = 1;
    layout->depth -= token->kind == ST_TOKEN_CLOSE;
    if (layout->page.at_line_start)
        indent(&layout->page, layout->depth);
    else if (wants_blank(layout, token))
        put(&layout->page, " ", 1);
    put(&layout->page, layout->lexer.text + token->start, token->length);
    layout->depth += token->kind == ST_TOKEN_OPEN;
    layout->before_is_sign = is_sign(layout, token);
    layout->before = *token;
    layout->newlines = 0;
}

static size_t without_trailing_blanks(const char *text, size_t length) {
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t' || text[length - 1] == '\r')) length--;
    return length;
}

static void put_comment(struct layout *layout, const st_token *token) {
    if (layout->depth == 0) end_statement(layout); /* its end is that of the line, which the comment takes up */
    const char *text = layout->lexer.text + token->start;
    const size_t length = without_trailing_blanks(text, token->length);
    if (layout->in_statement) {
        if (layout->newlines > 0 && !layout->page.at_line_start) end_line(&layout->page);
        if (layout->page.at_line_start)
            indent(&layout->page, layout->depth);
        else
            put(&layout->page, "  ", 2);
        put(&layout->page, text, length);
        end_line(&layout->page);
    } else if (layout->line_is_open && layout->newlines == 0) {
        put(&layout->page, "  ", 2);
        put(&layout->page, text, length);
    } else {
        begin_line(layout);
        put(&layout->page, text, length);
        layout->line_is_open = 1;
    }
    layout->newlines = 0;
}

static void lay_out(struct layout *layout) {
    for (st_token token; (token = st_lexer_next(&layout->lexer)).kind != ST_TOKEN_END;) {
        const int separates = token.kind == ST_TOKEN_NEWLINE || token.kind == ST_TOKEN_SEMICOLON;
        if (separates && layout->depth == 0) end_statement(layout);
        if (token.kind == ST_TOKEN_NEWLINE)
            layout->newlines++;
        else if (token.kind == ST_TOKEN_COMMENT)
            put_comment(layout, &token);
        else if (token.kind != ST_TOKEN_SEMICOLON)
            put_token(layout, &token);
    }
    end_statement(layout);
    if (layout->line_is_open) end_line(&layout->page);
}

st_status st_spiralk_format(const st_host *host, const char *text, uint64_t bytes, char *out, uint64_t capacity, uint64_t *length,
                            st_spiralk_error *error) {
    st_spiralk *program;
    if (length == NULL) return st_fail(ST_E_ARGUMENT, "length is NULL");
    if (out == NULL && capacity > 0) return st_fail(ST_E_ARGUMENT, "out is NULL; use capacity 0 to ask for the length");
    const st_status status = st_spiralk_compile(host, text, bytes, &program, error);
    if (status != ST_OK) return status;
    st_spiralk_free(program);
    struct layout layout = {.page = {.at_line_start = 1}, .before = {.kind = ST_TOKEN_END}};
    st_lexer_start(&layout.lexer, text, (size_t)bytes);
    struct layout measured = layout;
    lay_out(&measured);
    *length = measured.page.length;
    if (*length > ST_SPIRALK_BYTES)
        return st_fail(ST_E_CAPACITY, "laid out, the program would have %llu bytes; at most %d are read",
                       (unsigned long long)*length, ST_SPIRALK_BYTES);
    if (capacity == 0) return ST_OK;
    if (*length > capacity)
        return st_fail(ST_E_CAPACITY, "capacity is %llu; the program needs %llu bytes", (unsigned long long)capacity,
                       (unsigned long long)*length);
    layout.page.out = out;
    layout.page.capacity = capacity;
    lay_out(&layout);
    return ST_OK;
}
