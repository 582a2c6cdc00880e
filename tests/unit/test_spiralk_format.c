/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_spiralk_format.c - laying out a program keeps its meaning and its comments, and is done once for all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random_elements.h"
#include "spiralk/program.h"

static st_random rng;

static char *format(const char *text) {
    uint64_t length = 0, again = 0;
    const size_t bytes = strlen(text);
    if (st_spiralk_format(NULL, text, bytes, NULL, 0, &length, NULL) != ST_OK) fail_msg("\"%s\": %s", text, st_last_message());
    char *out = malloc(length + 1);
    assert_non_null(out);
    assert_int_equal(st_spiralk_format(NULL, text, bytes, out, length, &again, NULL), ST_OK);
    assert_int_equal(length, again);
    out[length] = '\0';
    return out;
}

static void expect(const char *text, const char *expected) {
    char *out = format(text);
    if (strcmp(out, expected) != 0) fail_msg("\"%s\" became \"%s\", not \"%s\"", text, out, expected);
    char *twice = format(out);
    assert_string_equal(twice, out);
    free(twice);
    free(out);
}

static void test_layouts(void **state) {
    (void)state;
    expect("", "");
    expect(" ;; \n\n ;", "");
    expect("mk:1", "mk: 1;\n");
    expect("mk  :1 ;tile:2", "mk: 1;\ntile: 2;\n");
    expect("mk:-1+ - 2*!k - -(c)", "mk: -1 + -2 * !k - -(c);\n");
    expect("mk:(-1)", "mk: (-1);\n");
    expect("u2:(c>32768)||(k>128); ch:sel(c>16384,8192,0)", "u2: (c > 32768) || (k > 128);\nch: sel(c > 16384, 8192, 0);\n");
    expect("soft ( mk,2 , 0.20,sg&&k<=3 )", "soft(mk, 2, 0.20, sg && k <= 3);\n");
    expect("soft(mk,1,min ( 1,2 ),1)", "soft(mk, 1, min(1, 2), 1);\n");
    expect("penalty_if(device(\"a  b\"),.5)", "penalty_if(device(\"a  b\"), .5);\n");
    expect("mk: sel(c>1,\n\n  2,\n 3\n)", "mk: sel(c > 1,\n    2,\n    3\n);\n");
    expect("tile: sel(c>1, 2,\n sel(c>3,\n 4, 5))", "tile: sel(c > 1, 2,\n    sel(c > 3,\n        4, 5));\n");
    expect("# a\n\n\n#  b \t\r\nmk: 1 # c\n\n# d\n", "# a\n\n#  b\nmk: 1;  # c\n\n# d\n");
    expect("\n\n# first\nmk:1;#same line\n;# own line\n", "# first\nmk: 1;  #same line\n# own line\n");
    expect("mk:1;tile:2#of tile", "mk: 1;\ntile: 2;  #of tile\n");
    expect("mk: (1 # one\n # two\n + 2)", "mk: (1  # one\n    # two\n    + 2);\n");
    expect("mk: 1\n\n\n\ntile: 2\nwg: 3", "mk: 1;\n\ntile: 2;\nwg: 3;\n");
    expect("\xef\xbb\xbfmk: 1", "mk: 1;\n");
    expect("mk: 1;; ;\n\n ; # x\n", "mk: 1;\n\n# x\n");
}

static void test_the_result_must_fit(void **state) {
    (void)state;
    char out[8];
    uint64_t length = 0;
    st_spiralk_error error = {.struct_size = sizeof error};
    memset(out, '?', sizeof out);
    assert_int_equal(st_spiralk_format(NULL, "mk:1", 4, out, 6, &length, NULL), ST_E_CAPACITY);
    assert_true(length == 7 && out[0] == '?');
    assert_int_equal(st_spiralk_format(NULL, "mk:1", 4, out, 7, &length, NULL), ST_OK);
    assert_memory_equal(out, "mk: 1;\n?", 8);
    assert_int_equal(st_spiralk_format(NULL, "mk:1", 4, NULL, 7, &length, NULL), ST_E_ARGUMENT);
    assert_int_equal(st_spiralk_format(NULL, "mk:1", 4, out, 7, NULL, NULL), ST_E_ARGUMENT);
    assert_int_equal(st_spiralk_format(NULL, "mk 1", 4, out, 7, &length, &error), ST_E_FORMAT);
    assert_int_equal(error.column, 4);

    char *dense = malloc(200001);
    assert_non_null(dense);
    memcpy(dense, "mk:", 3);
    for (size_t i = 3; i < 200000; i += 2) memcpy(dense + i, "1+", 2);
    dense[199999] = '1';
    dense[200000] = '\0';
    assert_int_equal(st_spiralk_format(NULL, dense, strlen(dense), NULL, 0, &length, NULL), ST_E_CAPACITY);
    assert_non_null(strstr(st_last_message(), "at most 262144"));
    free(dense);
}

/* ---- random programs ---- */

/* Tokens of an operand at random, with blanks, newlines and comments between them where they may stand. */
struct text {
    char bytes[16384];
    size_t length;
};

static void add(struct text *text, const char *words) {
    const size_t length = strlen(words);
    assert_true(text->length + length < sizeof text->bytes);
    memcpy(text->bytes + text->length, words, length + 1);
    text->length += length;
}

static void gap(struct text *text, int inside) {
    static const char *const gaps[] = {"", "", "", " ", "\t ", "\n", " \r\n\n", " # (;note\"\n", "\n#x\n\n"};
    add(text, gaps[st_random_below(&rng, inside ? 9 : 5)]);
}

static void operand(struct text *text, int depth, int inside) {
    static const char *const words[] = {"c", "k", "1", "0.5", "65536", "sg", "device(\"a;b\")", "7e2"};
    static const char *const operators[] = {"||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%"};
    const uint64_t form = depth == 0 ? 0 : st_random_below(&rng, 5);
    gap(text, inside);
    if (form < 2) {
        add(text, words[st_random_below(&rng, 8)]);
    } else if (form == 2) {
        add(text, st_random_chance(&rng, 1, 2) ? "-" : "!");
        operand(text, depth - 1, inside);
    } else if (form == 3) {
        add(text, st_random_chance(&rng, 1, 2) ? "(" : "log2(");
        operand(text, depth - 1, 1);
        add(text, ")");
    } else {
        operand(text, depth - 1, inside);
        add(text, operators[st_random_below(&rng, 13)]);
        operand(text, depth - 1, inside);
    }
    gap(text, inside);
}

static void statement(struct text *text) {
    switch (st_random_below(&rng, 4)) {
        case 0:
            add(text, "soft(tile,");
            operand(text, 1, 1);
            add(text, ",");
            operand(text, 1, 1);
            add(text, ", mk ==");
            operand(text, 3, 1);
            add(text, ")");
            break;
        case 1:
            add(text, "penalty_if(");
            operand(text, 3, 1);
            add(text, ",");
            operand(text, 1, 1);
            add(text, ")");
            break;
        default:
            add(text, st_random_chance(&rng, 1, 2) ? "u2:" : "ctile :");
            operand(text, 4, 0);
            break;
    }
}

static st_spiralk *compile(const char *text) {
    st_spiralk *program;
    if (st_spiralk_compile(NULL, text, strlen(text), &program, NULL) != ST_OK) fail_msg("\"%s\": %s", text, st_last_message());
    return program;
}

/* Two programs are the same where they compute the same nodes: lines alone may differ. */
static int same(const st_spiralk *a, const st_spiralk *b) {
    if (a->node_count != b->node_count || a->number_count != b->number_count || a->statement_count != b->statement_count ||
        a->key_count != b->key_count)
        return 0;
    if (memcmp(a->nodes, b->nodes, (size_t)a->node_count * sizeof *a->nodes) != 0) return 0;
    if (a->number_count > 0 && memcmp(a->numbers, b->numbers, (size_t)a->number_count * sizeof *a->numbers) != 0) return 0;
    if (a->key_count > 0 && memcmp(a->keys, b->keys, (size_t)a->key_count) != 0) return 0;
    for (int32_t i = 0; i < a->statement_count; i++) {
        st_statement left = a->statements[i], right = b->statements[i];
        left.line = right.line = 0;
        if (memcmp(&left, &right, sizeof left) != 0) return 0;
    }
    return 1;
}

static int32_t count_comments(const char *text) {
    int32_t count = 0;
    for (const char *at = text; (at = strstr(at, "# (;note\"")) != NULL; at++) count++;
    return count;
}

static void test_random_programs(void **state) {
    (void)state;
    static const char *const ends[] = {";", "\n", " ; # (;note\"\n", "\n\n\n", "; ;", "\n# (;note\"\n"};
    st_random_seed(&rng, 20261122);
    for (int i = 0; i < 20000; i++) {
        struct text text = {.length = 0};
        for (uint64_t statements = st_random_below(&rng, 6); statements > 0; statements--) {
            statement(&text);
            add(&text, ends[st_random_below(&rng, 6)]);
        }
        char *once = format(text.bytes), *twice = format(once);
        if (strcmp(once, twice) != 0) fail_msg("\"%s\" became \"%s\", then \"%s\"", text.bytes, once, twice);
        st_spiralk *before = compile(text.bytes), *after = compile(once);
        if (!same(before, after)) fail_msg("\"%s\" and \"%s\" differ", text.bytes, once);
        assert_int_equal(count_comments(text.bytes), count_comments(once));
        for (const char *at = once; *at != '\0'; at++) assert_false((*at == ' ' || *at == '\t') && at[1] == '\n');
        st_spiralk_free(before);
        st_spiralk_free(after);
        free(once);
        free(twice);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_the_result_must_fit),
        cmocka_unit_test(test_random_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
