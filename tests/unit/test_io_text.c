/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_io_text.c - the text reader: lines, CSV, TSV, quotes, headers, labels, and what it refuses. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "failing_host.h"
#include "spiraltorch/io.h"
#include "temporary_file.h"

static char folder[256], path[300];

static int open_folder(void **state) {
    (void)state;
    st_temporary_folder(folder);
    snprintf(path, sizeof path, "%s/list", folder);
    return 0;
}

static int close_folder(void **state) {
    (void)state;
    st_remove_folder(folder);
    return 0;
}

/* What a text holds, as "1 2.5|label 3|..." would be: numbers, each with its label where there are labels. */
static st_status read_text(const char *text, size_t length, const char *column, const char *show, int64_t limit,
                           char *out, size_t size) {
    const st_text_options options = {
        .struct_size = sizeof options, .column = column, .show = show, .line_limit = limit};
    st_put_file(path, text, length);
    st_text_reader *reader = (st_text_reader *)&folder;
    size_t used = 0;
    out[0] = '\0';
    st_status status = st_text_open(NULL, path, &options, &reader);
    if (status != ST_OK) {
        assert_null(reader);
        return status;
    }
    st_text_block block = {.struct_size = sizeof block, .count = 1};
    while ((status = st_text_next(reader, &block)) == ST_OK && block.count > 0) {
        assert_int_equal(block.labels != NULL, show != NULL);
        for (int64_t i = 0; i < block.count && used < size; i++)
            used += (size_t)snprintf(out + used, size - used, "%s%g%s%s", used > 0 ? " " : "", block.values[i],
                                     block.labels != NULL ? "|" : "", block.labels != NULL ? block.labels[i] : "");
    }
    if (status == ST_OK) {
        assert_int_equal(st_text_next(reader, &block), ST_OK); /* the end stays the end */
        assert_int_equal(block.count, 0);
    } else { /* and a failure a failure */
        char message[600];
        snprintf(message, sizeof message, "%s", st_last_message());
        assert_int_equal(block.count, 0);
        assert_int_equal(st_text_next(reader, &block), status);
        assert_string_equal(st_last_message(), message);
    }
    st_text_close(reader);
    return status;
}

struct text_case {
    const char *text, *column, *show;
    const char *wanted; /* the numbers; NULL: refused */
    const char *says;   /* what the message has */
};

static void texts(void **state) {
    (void)state;
    static const struct text_case cases[] = {
        {"", NULL, NULL, "", NULL},
        {"\n\n", NULL, NULL, "", NULL},
        {"\xef\xbb\xbf", NULL, NULL, "", NULL},
        {"1\n2\n3\n", NULL, NULL, "1 2 3", NULL},
        {"1\n2\n3", NULL, NULL, "1 2 3", NULL},
        {"1\r\n2\r\n\r\n3\r\n", NULL, NULL, "1 2 3", NULL},
        {"\n\n1\n\n2\n", NULL, NULL, "1 2", NULL},
        {"\xef\xbb\xbf"
         "1\n2\n",
         NULL, NULL, "1 2", NULL},
        {"  1 \n\t2\n", NULL, NULL, "1 2", NULL},   /* line 1 has no tab: it separates nothing, and is white space */
        {"1\t\n\t2\n", NULL, NULL, NULL, "line 2"}, /* here it separates */
        {"  1 \n 2\n", NULL, NULL, "1 2", NULL},
        {"nan\n-inf\nInfinity\n+1e3\n", NULL, NULL, "nan -inf inf 1000", NULL},
        {"value\n1\n2\n", NULL, NULL, "1 2", NULL},
        {"\xef\xbb\xbfvalue\n1\n", "value", NULL, "1", NULL},
        {"a,b\n1,2\n3,4\n", NULL, NULL, "1 3", NULL},
        {"a,b\n1,2\n3,4\n", "b", NULL, "2 4", NULL},
        {"a,b\n1,2\n3,4\n", "2", NULL, "2 4", NULL},
        {"a, b \n1, 2 \n3,4\n", "b", NULL, "2 4", NULL},
        {"1,2\n3,4\n", "2", NULL, "2 4", NULL},
        {"1,2\n3,4\n", "b", NULL, NULL, "it has: 1, 2"},
        {"1,x\n3,y\n", NULL, "2", "1|x 3|y", NULL},
        {"price,name\n1,x\n3,y\n", "price", "name", "1|x 3|y", NULL},
        {"10,20\n1,x\n3,y\n", NULL, "20", NULL, "no field 20"}, /* digits are a position */
        {"10,n\n1,x\n3,y\n", NULL, "n", "1|x 3|y", NULL},       /* a named show makes line 1 a header */
        {"a\tb\n1\t2\n3\t4,5\n", "b", NULL, NULL, "line 3"},
        {"a\tb,c\n1\t2\n", "b,c", NULL, "2", NULL},
        {"a,b\n1,\"2\"\n\"3\",4\n", "b", "a", "2|1 4|3", NULL},
        {"\"a,b\",c\n\"x,y\",2\n", "c", "a,b", "2|x,y", NULL},
        {"\"say \"\"it\"\"\",c\n\"x\"\"y\",2\n", "c", "say \"it\"", "2|x\"y", NULL},
        {"n,c\n\"two\nlines\",2\n\"x\r\ny\",3\r\nlast,4", "c", "n", "2|two\nlines 3|x\r\ny 4|last", NULL},
        {"n,c\n\"\",2\n,3\n", "c", "n", "2| 3|", NULL},
        {"n,c\na\"b,2\n", "c", "n", "2|a\"b", NULL}, /* a quote inside an unquoted field is itself */
        {"\"1\"\r\n\"2\"\r\n\"3\"", NULL, NULL, "1 2 3", NULL},
        {"\"1\"\r", NULL, NULL, "1", NULL},
        {"\"a\tb\",c\n1,2\n", "c", NULL, "2", NULL}, /* a tab in quotes separates nothing */
        {"a,a\n1,2\n", "a", NULL, NULL, "two columns named \"a\", 1 and 2"},
        {"a,b\n1,2\n", "c", NULL, NULL, "it has: a, b"},
        {"a,b\n1,2\n", "a", "c", NULL, "options.show"},
        {"", "a", NULL, NULL, "empty"},
        {"1\n", "0", NULL, NULL, "from 1"},
        {"1\n", "99999999999999999999", NULL, NULL, "from 1"},
        {"1\n", "", NULL, NULL, "is empty"},
        {"1\n", "2", NULL, NULL, "no field 2"},
        {"1\nx\n", NULL, NULL, NULL, "line 2, field 1: \"x\" is no number"},
        {"a\n1\n2,5 kg\n\n", "a", NULL, "1 2", NULL},
        {"a,b\n1,2\n3\n", "b", NULL, NULL, "line 3: there is no field 2, the line has 1"},
        {"a,b\n1,2\n3,\n", "b", NULL, NULL, "line 3, field 2 (b): \"\" is no number"},
        {"a,b\n1,2\n3\n", "a", "b", NULL, "line 3: there is no field 2"},
        {"1\n   \n2\n", NULL, NULL, NULL, "line 2"},
        {"1\n0x10\n", NULL, NULL, NULL, "\"0x10\""},
        {"1\n1,5\n", NULL, NULL, "1 1", NULL},
        {"1\n\x1b[31mred\x1b[0m\n", NULL, NULL, NULL, "\"\\x1b[31mred\\x1b[0m\""},
        {"1\n\xff\xfe\n", NULL, NULL, NULL, "\\xff\\xfe"},
        {"1\r2\r3\r", NULL, NULL, "", NULL}, /* one line that is no number: a header */
        {"n,c\n\"x,2\ny,3\n", "c", NULL, NULL, "line 2: a quote opens and never closes"},
        {"n,c\n\"a\nb\",1\n\"x,2\n", "c", NULL, NULL, "line 4: a quote opens"},
        {"n,c\n\"x\"y,2\n", "c", NULL, NULL, "line 2: text follows a closing quote"},
        {"n,c\n\"a\nb\",1\n\"a\nb\"c,2\n", "c", NULL, NULL, "line 5: text follows"},
        {"n,c\n\"a\nb\",1\nx,y\n", "c", NULL, NULL, "line 4, field 2"},
        /* Where quotes count depends on the separator, which line 1 itself decides. */
        {"z\ta,\"b\t\"\"\"", NULL, NULL, NULL, "never closes"},
        {"1\ta\n2\tc,\"b\n", NULL, "2", "1|a 2|c,\"b", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char got[500];
        const struct text_case *one = &cases[i];
        const st_status status = read_text(one->text, strlen(one->text), one->column, one->show, 0, got, sizeof got);
        if (one->wanted != NULL) {
            if (status != ST_OK) fail_msg("case %zu: %s", i, st_last_message());
            assert_string_equal(got, one->wanted);
        } else {
            if (status != ST_E_FORMAT && status != ST_E_ARGUMENT) fail_msg("case %zu: %d, read %s", i, status, got);
            if (strstr(st_last_message(), one->says) == NULL) fail_msg("case %zu: %s", i, st_last_message());
            assert_null(strchr(st_last_message(), '\x1b'));
        }
    }
}

static void nul_bytes(void **state) {
    (void)state;
    char got[100];
    static const char first[] = "1\n2\n\0003\n", last[] = "1\n2\n3\0", header[] = "a\0b\n1\n",
                      quoted[] = "n\n1,\"a\n\0\"\n";
    assert_int_equal(read_text(first, sizeof first - 1, NULL, NULL, 0, got, sizeof got), ST_E_FORMAT);
    assert_non_null(strstr(st_last_message(), "line 3: has a NUL byte"));
    assert_int_equal(read_text(last, sizeof last - 1, NULL, NULL, 0, got, sizeof got), ST_E_FORMAT);
    assert_non_null(strstr(st_last_message(), "line 3"));
    assert_int_equal(read_text(header, sizeof header - 1, NULL, NULL, 0, got, sizeof got), ST_E_FORMAT);
    assert_non_null(strstr(st_last_message(), "line 1"));
    assert_int_equal(read_text(quoted, sizeof quoted - 1, NULL, NULL, 0, got, sizeof got), ST_E_FORMAT);
    assert_non_null(strstr(st_last_message(), "line 3"));
}

static void line_limit(void **state) {
    (void)state;
    char got[100];
    assert_int_equal(read_text("12345\n123456\n", 13, NULL, NULL, 6, got, sizeof got), ST_OK);
    assert_int_equal(read_text("12345\n123456\n", 13, NULL, NULL, 5, got, sizeof got), ST_E_FORMAT);
    assert_non_null(strstr(st_last_message(), "line 2: is over 5 bytes long"));
    assert_int_equal(read_text("n,c\n\"a\nb\nc\nd\",1\n", 17, "c", NULL, 8, got, sizeof got), ST_E_FORMAT);
    assert_non_null(strstr(st_last_message(), "line 2: is over 8 bytes long"));
    assert_int_equal(read_text("1\n", 2, NULL, NULL, -1, got, sizeof got), ST_E_ARGUMENT);

    /* A long line: refused in bounded memory, whatever its length; and read where the limit allows it. */
    const size_t length = 24 << 20;
    char *text = malloc(length + 1);
    assert_non_null(text);
    memset(text, ' ', length);
    text[0] = '7';
    text[length] = '\0';
    for (int quoted = 0; quoted < 2; quoted++) {
        if (quoted) text[0] = '"';
        st_put_file(path, text, length);
        st_failing_host failing;
        st_failing_host_open(&failing, 0);
        st_text_reader *reader = NULL;
        assert_int_equal(st_text_open(&failing.host, path, NULL, &reader), ST_E_FORMAT);
        assert_non_null(strstr(st_last_message(), "line 1: is over 1048576 bytes"));
        assert_int_equal(strstr(st_last_message(), "quote of line 1 is still open") != NULL, quoted);
        assert_true(failing.peak_bytes < 8 << 20);
        assert_true(st_failing_host_close(&failing));
    }
    text[0] = '7';
    assert_int_equal(read_text(text, length, NULL, NULL, 32 << 20, got, sizeof got), ST_OK);
    assert_string_equal(got, "7");
    free(text);
}

/* Labels of a megabyte: blocks end early, so that memory stays bounded. */
static void long_labels(void **state) {
    (void)state;
    enum { lines = 40, label = 1000000 };
    char *text = malloc((size_t)lines * (label + 8) + 1);
    assert_non_null(text);
    size_t length = 0;
    for (int i = 0; i < lines; i++) {
        memset(text + length, 'a' + i % 26, label);
        length += label;
        length += (size_t)sprintf(text + length, ",%d\n", i);
    }
    st_put_file(path, text, length);
    free(text);
    st_failing_host failing;
    st_failing_host_open(&failing, 0);
    const st_text_options options = {.struct_size = sizeof options, .column = "2", .show = "1"};
    st_text_reader *reader = NULL;
    assert_int_equal(st_text_open(&failing.host, path, &options, &reader), ST_OK);
    st_text_block block = {.struct_size = sizeof block};
    int64_t number = 0;
    while (st_text_next(reader, &block) == ST_OK && block.count > 0) {
        for (int64_t i = 0; i < block.count; i++, number++) {
            assert_true(block.values[i] == (double)number);
            assert_int_equal(strlen(block.labels[i]), label);
            assert_int_equal(block.labels[i][label / 2], 'a' + number % 26);
        }
    }
    assert_int_equal(number, lines);
    st_text_close(reader);
    assert_true(failing.peak_bytes < 32 << 20);
    assert_true(st_failing_host_close(&failing));
}

/* Many blocks, through pipes that cut the text anywhere; every record compared. */
static void long_texts(void **state) {
    (void)state;
    enum { lines = 200000 };
    char *text = malloc(lines * 48);
    assert_non_null(text);
    size_t length = (size_t)sprintf(text, "id,\"the label\",x\r\n");
    for (int i = 0; i < lines; i++)
        length +=
            (size_t)sprintf(text + length, i % 7 == 0 ? "%d,\"a \"\"%d\"\"\n,\",%d.25\r\n" : "%d,b%d,%d.25\n", i, i, i);
    static const size_t pieces[] = {1 << 20, 997};
    for (size_t p = 0; p < 2; p++) {
        st_test_pipe test;
        st_pipe_open(&test, text, length, pieces[p]);
        const st_text_options options = {.struct_size = sizeof options, .column = "x", .show = "the label"};
        st_text_reader *reader = NULL;
        assert_int_equal(st_text_open(NULL, test.path, &options, &reader), ST_OK);
        st_text_block block = {.struct_size = sizeof block};
        int number = 0, blocks = 0;
        for (;; blocks++) {
            assert_int_equal(st_text_next(reader, &block), ST_OK);
            if (block.count == 0) break;
            assert_true(block.count <= 65536);
            for (int64_t i = 0; i < block.count; i++, number++) {
                char wanted[48];
                snprintf(wanted, sizeof wanted, number % 7 == 0 ? "a \"%d\"\n," : "b%d", number);
                assert_true(block.values[i] == number + 0.25);
                assert_string_equal(block.labels[i], wanted);
            }
        }
        assert_int_equal(number, lines);
        assert_true(blocks >= 4);
        st_text_close(reader);
        st_pipe_close(&test);
    }
    /* The number of a line far down counts the breaks inside quotes. */
    length += (size_t)sprintf(text + length, "1,2,bad\n");
    char got[64];
    assert_int_equal(read_text(text, length, "x", NULL, 0, got, sizeof got), ST_E_FORMAT);
    char wanted[64];
    snprintf(wanted, sizeof wanted, "line %d, field 3 (x): \"bad\"", lines + 2 + (lines + 6) / 7);
    if (strstr(st_last_message(), wanted) == NULL) fail_msg("%s: %s", wanted, st_last_message());
    free(text);
}

/* A list of columns, a path and a name too long for a message are cut, and the message keeps its end. */
static void long_messages(void **state) {
    (void)state;
    char text[5000], got[16];
    size_t length = 0;
    for (int i = 0; i < 500; i++) length += (size_t)sprintf(text + length, "%scol%d", i > 0 ? "," : "", i);
    char name[3000];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_int_equal(read_text(text, length, name, NULL, 0, got, sizeof got), ST_E_ARGUMENT);
    assert_true(strlen(st_last_message()) < 511);
    assert_non_null(strstr(st_last_message(), "it has: col0, col1, "));
    char far[4000];
    memset(far, 'd', sizeof far);
    far[0] = '/';
    for (size_t i = 1; i < sizeof far; i++)
        if (i % 100 == 0) far[i] = '/';
    strcpy(far + 3900, "/the-end");
    st_text_reader *reader = NULL;
    assert_int_equal(st_text_open(NULL, far, NULL, &reader), ST_E_IO);
    assert_non_null(strstr(st_last_message(), "/the-end: cannot open"));
}

static void failing_hosts(void **state) {
    (void)state;
    const char *text = "n,x\n\"a\"\"b\",1\nc,2\n";
    st_put_file(path, text, strlen(text));
    int refused = 0;
    for (int64_t fail_at = 1;; fail_at++) {
        st_failing_host failing;
        st_failing_host_open(&failing, fail_at);
        const st_text_options options = {.struct_size = sizeof options, .column = "x", .show = "n"};
        st_text_reader *reader = NULL;
        st_text_block block = {.struct_size = sizeof block};
        st_status status = st_text_open(&failing.host, path, &options, &reader);
        if (status == ST_OK) {
            status = st_text_next(reader, &block);
            if (status == ST_OK) {
                assert_int_equal(block.count, 2);
                assert_string_equal(block.labels[0], "a\"b");
                assert_true(block.values[1] == 2);
            }
        } else {
            assert_null(reader);
        }
        if (status != ST_OK) assert_int_equal(status, ST_E_MEMORY);
        refused += status != ST_OK;
        st_text_close(reader);
        const int64_t failures = failing.failures;
        assert_true(st_failing_host_close(&failing));
        if (failures == 0) break;
    }
    assert_int_equal(refused, 6); /* the reader, three arrays, the text and the labels' text */
}

static void bad_calls(void **state) {
    (void)state;
    st_text_reader *reader = NULL;
    st_text_block block = {.struct_size = 4};
    st_put_file(path, "1\n", 2);
    assert_int_equal(st_text_open(NULL, path, NULL, NULL), ST_E_ARGUMENT);
    assert_int_equal(st_text_open(NULL, NULL, NULL, &reader), ST_E_ARGUMENT);
    assert_int_equal(st_text_open(NULL, folder, NULL, &reader), ST_E_IO);
    assert_int_equal(st_text_open(NULL, path, &(st_text_options){.struct_size = 1}, &reader), ST_E_ARGUMENT);
    assert_int_equal(st_text_open(NULL, path, NULL, &reader), ST_OK);
    assert_int_equal(st_text_next(reader, &block), ST_E_ARGUMENT);
    assert_int_equal(st_text_next(reader, NULL), ST_E_ARGUMENT);
    assert_int_equal(st_text_next(NULL, &block), ST_E_ARGUMENT);
    st_text_close(reader);
    st_text_close(NULL);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_folder, close_folder)
    const struct CMUnitTest tests[] = {
        TEST(texts),      TEST(nul_bytes),     TEST(line_limit),    TEST(long_labels),
        TEST(long_texts), TEST(long_messages), TEST(failing_hosts), TEST(bad_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
