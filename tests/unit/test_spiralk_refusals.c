/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_spiralk_refusals.c - programs that are no programs are refused with a place and a reason, and limits hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device/choice_fields.h"
#include "failing_host.h"
#include "spiraltorch/spiralk.h"

static void test_refusals(void **state) {
    (void)state;
    static const struct {
        const char *text, *words, *suggestion;
        int32_t line, column;
    } cases[] = {
        {"mk: tle", "no name 'tle'", "tile", 1, 5},
        {"# one\n  ctile: tlie / 2", "no name 'tlie'", "tile", 2, 10},
        {"mk: sle(1, 2, 3)", "no name 'sle'", "sel", 1, 5},
        {"tlie: 3", "no field 'tlie'", "tile", 1, 1},
        {"penalty_fi(1, 2)", "no field 'penalty_fi'", "penalty_if", 1, 1},
        {"mk: wibblewobble", "no name 'wibblewobble'; expected a number", "", 1, 5},
        {"r: 3", "'r' comes with the request", "", 1, 1},
        {"mk 2", "expected ':'", "", 1, 4},
        {"mk = 2", "write == to compare", "", 1, 4},
        {"mk: 1 &2", "write &&", "", 1, 7},
        {"mk: 1 |2", "write ||", "", 1, 7},
        {"mk: k > 5 ? 1 : 2", "'?' is no operator; write sel(condition, a, b)", "", 1, 11},
        {"mk: k > 5 and c > 3", "'and' is no operator; write &&", "", 1, 11},
        {"mk: k > 5 or c > 3", "'or' is no operator; write ||", "", 1, 11},
        {"mk: not k", "'not' is no operator; write !", "", 1, 5},
        {"mk: device('cpu')", "opens no text; write it in double quotes", "", 1, 12},
        {"mk: if(k > 5, 1, 2)", "did you mean 'sel'", "sel", 1, 5},
        {"mk: rows > 5", "did you mean 'r'", "r", 1, 5},
        {"mk: 3 + columns", "did you mean 'c'", "c", 1, 9},
        {"mk: 1 $", "'$' has no meaning", "", 1, 7},
        {"mk: \x01", "'\\x01' has no meaning", "", 1, 5},
        {"mk: \xff", "'\\xff' has no meaning", "", 1, 5},
        {"tile: mk", "'mk' is not set yet", "", 1, 7},
        {"tile: mk; mk: 1", "'mk' is not set yet", "", 1, 7},
        {"soft(tile, mk, 1, 1)", "'mk' cannot be read here", "", 1, 12},
        {"soft(tile, 1, mk, 1)", "'mk' cannot be read here", "", 1, 15},
        {"penalty_if(1, tile)", "'tile' cannot be read here", "", 1, 15},
        {"penalty_if(algo, 1)", "'algo'", "", 1, 12},
        {"soft(algo, 1, 1, 1)", "'algo'", "", 1, 6},
        {"soft(kt, 1, 1, 1)", "'kt' is no field", "", 1, 6},
        {"soft(tiel, 1, 1, 1)", "'tiel' is no field", "tile", 1, 6},
        {"soft(2, 1, 1, 1)", "name of a field", "", 1, 6},
        {"soft(mk, 2, 1)", "write soft(field, value, weight, condition)", "", 1, 14},
        {"soft(mk, 2, 1, 1, 1)", "too many", "", 1, 17},
        {"penalty_if(1)", "write penalty_if(condition, weight)", "", 1, 13},
        {"penalty_if(1, 2, 3)", "too many", "", 1, 16},
        {"mk: sel(1, 2)", "'sel' has 2 of its 3 arguments", "", 1, 13},
        {"mk: log2(1, 2)", "'log2' has too many arguments", "", 1, 11},
        {"mk: log2", "'log2' is a function", "", 1, 5},
        {"mk: sel\n(1, 2, 3)", "'sel' is a function", "", 1, 5},
        {"mk:\n 2", "the end of the line", "", 1, 4},
        {"mk: (1 +\n\n", "the end of the program", "", 3, 1},
        {"mk: 1)", "found ')'", "", 1, 6},
        {"mk: (1", "expected ')'", "", 1, 7},
        {"mk: 1 2", "found '2'", "", 1, 7},
        {"mk: 1 tile: 2", "found 'tile'", "", 1, 7},
        {"mk: 1e999", "too large", "", 1, 5},
        {"mk: 0xa", "'0xa' is no number", "", 1, 5},
        {"mk: 1.2.3", "'1.2.3' is no number", "", 1, 5},
        {"mk: 1e", "'1e' is no number", "", 1, 5},
        {"mk: \"x\"", "device(\"key\")", "", 1, 5},
        {"mk: device(3)", "text in double quotes", "", 1, 12},
        {"mk: device(\"a\nb\")", "not closed", "", 1, 12},
        {"soft mk", "expected '('", "", 1, 6},
        {": 3", "expected a field", "", 1, 1},
        {"# \xc3\xa9\n mk: (\xc3\xa9)", "has no meaning", "", 2, 7},
        {"\xef\xbb\xbfmk: tle", "no name 'tle'", "tile", 1, 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        st_spiralk *program = (st_spiralk *)(uintptr_t)cases;
        st_spiralk_error error = {.struct_size = sizeof error};
        const size_t bytes = strlen(cases[i].text);
        char *text = malloc(bytes + 1); /* ends with its allocation */
        assert_non_null(text);
        memcpy(text, cases[i].text, bytes);
        const st_status status = st_spiralk_compile(NULL, text, bytes, &program, &error);
        free(text);
        assert_null(program);
        if (status != ST_E_FORMAT || error.line != cases[i].line || error.column != cases[i].column ||
            strstr(error.message, cases[i].words) == NULL || strcmp(error.suggestion, cases[i].suggestion) != 0)
            fail_msg("\"%s\": %d, line %d, column %d: %s (%s)", cases[i].text, status, error.line, error.column, error.message,
                     error.suggestion);
        char head[64];
        snprintf(head, sizeof head, "line %d, column %d: ", error.line, error.column);
        assert_true(strncmp(st_last_message(), head, strlen(head)) == 0 && strstr(st_last_message(), error.message) != NULL);
        assert_true(error.caret >= 0 && (size_t)error.caret <= strlen(error.excerpt));
    }
}

static void test_the_place_is_shown(void **state) {
    (void)state;
    char text[1024];
    st_spiralk *program;
    st_spiralk_error error = {.struct_size = sizeof error};
    const char *line = "\tmk: sel(c > 5, \xc3\xa9, 2)  # why";
    assert_int_equal(st_spiralk_compile(NULL, line, strlen(line), &program, &error), ST_E_FORMAT);
    assert_string_equal(error.excerpt, " mk: sel(c > 5, \xc3\xa9, 2)  # why");
    assert_int_equal(error.caret, 16);
    assert_int_equal(error.column, 17);
    memset(text, ' ', 500);
    snprintf(text + 500, sizeof text - 500, "mk: tle%500s", "");
    assert_int_equal(st_spiralk_compile(NULL, text, strlen(text), &program, &error), ST_E_FORMAT);
    assert_int_equal(error.column, 505);
    assert_true(memcmp(error.excerpt + error.caret, "tle", 3) == 0 && strlen(error.excerpt) <= 80);
}

static char *repeated(const char *head, const char *piece, size_t times, const char *tail) {
    const size_t bytes = strlen(head) + strlen(piece) * times + strlen(tail) + 1;
    char *text = malloc(bytes), *at = text;
    assert_non_null(text);
    at += sprintf(at, "%s", head);
    for (size_t i = 0; i < times; i++) at += sprintf(at, "%s", piece);
    sprintf(at, "%s", tail);
    return text;
}

static st_status compile_repeated(const char *head, const char *piece, size_t times, const char *tail, st_spiralk_error *error) {
    char *text = repeated(head, piece, times, tail);
    st_spiralk *program;
    const st_status status = st_spiralk_compile(NULL, text, strlen(text), &program, error);
    free(text);
    st_spiralk_free(program);
    return status;
}

static void test_limits(void **state) {
    (void)state;
    st_spiralk_error error = {.struct_size = sizeof error};
    assert_int_equal(compile_repeated("mk: ", "(", 64, "c))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))", &error), ST_OK);
    assert_int_equal(compile_repeated("mk: ", "(", 65, "c", &error), ST_E_FORMAT);
    assert_true(error.column == 69 && strstr(error.message, "64 deep") != NULL);
    assert_int_equal(compile_repeated("mk: ", "-", 64, "c", &error), ST_OK);
    assert_int_equal(compile_repeated("mk: ", "!", 65, "c", &error), ST_E_FORMAT);
    assert_int_equal(compile_repeated("mk: ", "log2(", 65, "c", &error), ST_E_FORMAT);
    assert_int_equal(compile_repeated("mk: ", "log2(", 100000, "", &error), ST_E_FORMAT);
    assert_int_equal(compile_repeated("mk: (-c) + ", "(-c) + ", 20000, "1", &error), ST_OK); /* beside each other is not deep */

    assert_int_equal(compile_repeated("", "mk:1;;\n", 4096, "", &error), ST_OK);
    assert_int_equal(compile_repeated("", "mk:1;;\n", 4096, "mk:2", &error), ST_E_FORMAT);
    assert_true(error.line == 4097 && strstr(error.message, "4096 statements") != NULL);

    assert_int_equal(compile_repeated("wg: 64\nmk: c", "-c", 60000, "\nkl: 2", &error), ST_E_FORMAT);
    assert_true(error.line == 2 && error.column == 1 && strstr(error.message, "more operations than any plan") != NULL);

    assert_int_equal(compile_repeated("", "#", 262144, "", &error), ST_OK);
    assert_int_equal(compile_repeated("\n", "#", 262144, "", &error), ST_E_FORMAT);
    assert_true(error.line == 2 && error.column == 262144 && strstr(error.message, "at most 262144 bytes") != NULL);
    assert_int_equal(compile_repeated("", "mk: 1\n", 10 << 17, "", &error), ST_E_FORMAT);
    assert_true(strstr(error.message, "at most 262144 bytes") != NULL);
}

/* The status of an evaluation for a request of 100 columns. */
static st_status evaluate(const char *text) {
    const st_device_caps caps = st_caps_wgpu(32, 1, 256);
    st_rank_request request;
    st_spiralk_facts facts = {.struct_size = sizeof facts};
    st_spiralk_hard hard[ST_FIELDS];
    st_spiralk *program;
    int32_t count;
    st_rank_request_init(&request, ST_TOPK, 1, 100, 10);
    assert_int_equal(st_spiralk_facts_of(&request, &caps, NULL, &facts), ST_OK);
    const st_status compiled = st_spiralk_compile(NULL, text, strlen(text), &program, NULL);
    if (compiled != ST_OK) return compiled;
    const uint64_t bytes = st_spiralk_workspace(program);
    void *block = malloc(bytes);
    assert_non_null(block);
    const st_status status = st_spiralk_evaluate(program, &facts, block, bytes, hard, NULL, 0, &count);
    free(block);
    st_spiralk_free(program);
    return status;
}

static void test_too_much_work_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *first, *again;
        size_t times;
        st_status status;
    } cases[] = {{"mk: 1", " + c * 1e300 % 0.3", 10000, ST_E_CAPACITY}, /* huge numbers' remainders */
                 {"mk: 1", " + c * 1e300 % 0.3", 100, ST_OK},
                 {"mk: c", "-c", 49000, ST_OK}, /* 10 each, and 10 for rounding down */
                 {"mk: c", "-c", 51000, ST_E_FORMAT},
                 {"mk: c", "-1", 32000, ST_OK}, /* 15 each */
                 {"mk: c", "-1", 34000, ST_E_FORMAT},
                 {"mk: c", "/c", 41000, ST_OK}, /* 12 */
                 {"mk: c", "/c", 42000, ST_E_CAPACITY},
                 {"mk: c", "%c", 31000, ST_OK}, /* 16 */
                 {"mk: c", "%c", 32000, ST_E_CAPACITY},
                 {"mk: 1", "+log2(c)", 16000, ST_OK}, /* 30 */
                 {"mk: 1", "+log2(c)", 17000, ST_E_CAPACITY},
                 {"", "penalty_if(wg>c,1)\n", 4096, ST_OK}, /* 25, and 70 as each can hold */
                 {"", "penalty_if(wg>c+r+k,1)\n", 4096, ST_OK},
                 {"", "penalty_if(wg>c+r+k+r,1)\n", 4096, ST_E_CAPACITY},
                 /* The most statements, of a usual size, are no trouble where most of them do not hold. */
                 {"", "soft(mk,2,.1,band(c,4096,8191)&&k<=128&&r>4&&device(\"cuda\"))\n", 4096, ST_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = repeated(cases[i].first, cases[i].again, cases[i].times, "");
        const st_status status = evaluate(text);
        if (status != cases[i].status) fail_msg("%zu times \"%s\": status %d", cases[i].times, cases[i].again, status);
        if (status == ST_E_CAPACITY) assert_non_null(strstr(st_last_message(), "too long for a plan"));
        if (status == ST_E_FORMAT) assert_non_null(strstr(st_last_message(), "more operations than any plan may wait for"));
        free(text);
    }
}

static void test_failing_hosts(void **state) {
    (void)state;
    static const char text[] = "mk: sel(c > 3, 1, 0)\nsoft(tile, 64, 0.5, device(\"a\") || mk == 1)\npenalty_if(wg > 64, 1)";
    for (int64_t fail_at = 1;; fail_at++) {
        st_failing_host failing;
        st_spiralk *program;
        st_failing_host_open(&failing, fail_at);
        const st_status status = st_spiralk_compile(&failing.host, text, sizeof text - 1, &program, NULL);
        assert_int_equal(status, failing.failures > 0 ? ST_E_MEMORY : ST_OK);
        const int64_t failures = failing.failures;
        st_spiralk_free(program);
        assert_true(st_failing_host_close(&failing));
        if (failures == 0) break;
        assert_true(fail_at < 20);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_the_place_is_shown),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_too_much_work_is_refused),
        cmocka_unit_test(test_failing_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
