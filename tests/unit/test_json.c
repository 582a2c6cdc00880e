/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_json.c - the JSON writer: text, escapes, broken UTF-8, and every misuse. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "spiraltorch/json.h"

struct page {
    char text[4096];
    size_t used;
    size_t room; /* the sink refuses what goes beyond */
};

static int32_t keep(void *user, const char *text, uint64_t bytes) {
    struct page *page = user;
    if (bytes > page->room - page->used) return 1;
    memcpy(page->text + page->used, text, bytes);
    page->used += bytes;
    page->text[page->used] = '\0';
    return 0;
}

static void start(st_json_writer *writer, struct page *page) {
    *page = (struct page){.room = sizeof page->text - 1};
    st_json_start(writer, keep, page);
}

static void values(void **state) {
    (void)state;
    st_json_writer writer;
    struct page page;
    start(&writer, &page);
    const float tenth = 0.1f;
    const uint64_t most = UINT64_MAX;
    const uint16_t half = 0x3c00;
    st_json_begin_object(&writer);
    st_json_key(&writer, "a");
    st_json_begin_array(&writer);
    st_json_integer(&writer, INT64_MIN);
    st_json_number(&writer, 0.1);
    st_json_number(&writer, 1);
    st_json_number(&writer, -0.0);
    st_json_number(&writer, 1e-7);
    st_json_number(&writer, (double)NAN);
    st_json_number(&writer, (double)INFINITY);
    st_json_number(&writer, -(double)INFINITY);
    st_json_end_array(&writer);
    st_json_key(&writer, "b");
    st_json_begin_object(&writer);
    st_json_end_object(&writer);
    st_json_key(&writer, "c");
    st_json_begin_array(&writer);
    st_json_end_array(&writer);
    st_json_key(&writer, "d");
    st_json_begin_array(&writer);
    st_json_boolean(&writer, 1);
    st_json_boolean(&writer, 0);
    st_json_string(&writer, NULL);
    st_json_string(&writer, "");
    st_json_element(&writer, ST_F32, &tenth);
    st_json_element(&writer, ST_U64, &most);
    st_json_element(&writer, ST_F16, &half);
    st_json_begin_array(&writer);
    st_json_integer(&writer, 3);
    st_json_end_array(&writer);
    st_json_end_array(&writer);
    st_json_end_object(&writer);
    assert_int_equal(st_json_finish(&writer), ST_OK);
    assert_string_equal(page.text,
                        "{\"a\":[-9223372036854775808,0.1,1,-0.0,1e-07,\"nan\",\"inf\",\"-inf\"],\"b\":{},\"c\":[],"
                        "\"d\":[true,false,null,\"\",0.1,18446744073709551615,1,[3]]}");
}

static void assert_string(const char *text, const char *wanted) {
    st_json_writer writer;
    struct page page;
    start(&writer, &page);
    st_json_string(&writer, text);
    assert_int_equal(st_json_finish(&writer), ST_OK);
    assert_string_equal(page.text, wanted);
}

static void strings(void **state) {
    (void)state;
    assert_string("plain", "\"plain\"");
    assert_string("q\"b\\s/", "\"q\\\"b\\\\s/\"");
    assert_string("\n\r\t\b\x01\x1f\x7f", "\"\\n\\r\\t\\u0008\\u0001\\u001f\x7f\"");
    assert_string("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
    /* Ill-formed: one U+FFFD for each longest start of a sequence, as Unicode 15 recommends (table 3-8 and others). */
#define R "\xef\xbf\xbd"
    assert_string("a\xff", "\"a" R "\"");
    assert_string("\xe2\x82", "\"" R "\"");
    assert_string("\xe2\x82z", "\"" R "z\"");
    assert_string("\xc0\xaf", "\"" R R "\"");
    assert_string("\xed\xa0\x80", "\"" R R R "\"");
    assert_string("\xf4\x90\x80\x80", "\"" R R R R "\"");
    assert_string("\xf0\x9f\x98", "\"" R "\"");
    assert_string("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", "\"" R R R R "A\"");
    assert_string("\x80", "\"" R "\"");
#undef R
}

static void misuse(void **state) {
    (void)state;
    st_json_writer writer;
    struct page page;
#define EXPECT_STATE(calls)                                                                                            \
    do {                                                                                                               \
        start(&writer, &page);                                                                                         \
        calls;                                                                                                         \
        assert_int_equal(st_json_finish(&writer), ST_E_STATE);                                                         \
    } while (0)
    EXPECT_STATE((void)0);
    EXPECT_STATE(st_json_key(&writer, "k"));
    EXPECT_STATE(st_json_begin_object(&writer); st_json_integer(&writer, 1));
    EXPECT_STATE(st_json_begin_object(&writer));
    EXPECT_STATE(st_json_begin_object(&writer); st_json_end_array(&writer));
    EXPECT_STATE(st_json_begin_object(&writer); st_json_key(&writer, "k"); st_json_end_object(&writer));
    EXPECT_STATE(st_json_begin_object(&writer); st_json_key(&writer, "k"); st_json_key(&writer, "l"));
    EXPECT_STATE(st_json_begin_object(&writer); st_json_key(&writer, NULL));
    EXPECT_STATE(st_json_begin_array(&writer); st_json_key(&writer, "k"));
    EXPECT_STATE(st_json_end_array(&writer));
    EXPECT_STATE(st_json_integer(&writer, 1); st_json_integer(&writer, 2));
    EXPECT_STATE(st_json_begin_array(&writer); st_json_end_array(&writer); st_json_end_array(&writer));
    EXPECT_STATE(st_json_element(&writer, 99, &page));
    EXPECT_STATE(st_json_element(&writer, ST_F32, NULL));
#undef EXPECT_STATE
    st_json_start(&writer, NULL, NULL);
    st_json_integer(&writer, 1);
    assert_int_equal(st_json_finish(&writer), ST_E_STATE);
    assert_int_equal(st_json_finish(NULL), ST_E_ARGUMENT);

    /* The first mistake is kept, and nothing comes out after it. */
    start(&writer, &page);
    st_json_begin_array(&writer);
    st_json_key(&writer, "k");
    st_json_integer(&writer, 1);
    st_json_end_array(&writer);
    assert_int_equal(st_json_finish(&writer), ST_E_STATE);
    assert_string_equal(page.text, "[");
}

static void depth(void **state) {
    (void)state;
    st_json_writer writer;
    struct page page;
    start(&writer, &page);
    for (int i = 0; i < 64; i++) st_json_begin_array(&writer);
    for (int i = 0; i < 64; i++) st_json_end_array(&writer);
    assert_int_equal(st_json_finish(&writer), ST_OK);
    assert_int_equal(page.used, 128);
    start(&writer, &page);
    for (int i = 0; i < 65; i++) st_json_begin_array(&writer);
    for (int i = 0; i < 65; i++) st_json_end_array(&writer);
    assert_int_equal(st_json_finish(&writer), ST_E_STATE);
}

static void refusing_sink(void **state) {
    (void)state;
    st_json_writer writer;
    struct page page;
    const char *wanted = "[1,\"ab\\n\"]";
    for (size_t room = 0; room <= strlen(wanted); room++) {
        start(&writer, &page);
        page.room = room;
        st_json_begin_array(&writer);
        st_json_integer(&writer, 1);
        st_json_string(&writer, "ab\n");
        st_json_end_array(&writer);
        const st_status status = st_json_finish(&writer);
        assert_int_equal(status, room < strlen(wanted) ? ST_E_IO : ST_OK);
        assert_memory_equal(page.text, wanted, page.used);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values), cmocka_unit_test(strings),       cmocka_unit_test(misuse),
        cmocka_unit_test(depth),  cmocka_unit_test(refusing_sink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
