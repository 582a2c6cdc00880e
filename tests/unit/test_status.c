/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_status.c - pinned codes and their names, and messages that belong to the thread that failed. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/fail.h"

static void test_codes_are_pinned(void **state) {
    (void)state;
    static const struct {
        st_status status;
        int32_t number;
        const char *name;
    } codes[] = {{ST_OK, 0, "ST_OK"},
                 {ST_E_ARGUMENT, -1, "ST_E_ARGUMENT"},
                 {ST_E_MEMORY, -2, "ST_E_MEMORY"},
                 {ST_E_CAPACITY, -3, "ST_E_CAPACITY"},
                 {ST_E_NAN, -4, "ST_E_NAN"},
                 {ST_E_DEVICE, -5, "ST_E_DEVICE"},
                 {ST_E_UNSUPPORTED, -6, "ST_E_UNSUPPORTED"},
                 {ST_E_IO, -7, "ST_E_IO"},
                 {ST_E_FORMAT, -8, "ST_E_FORMAT"},
                 {ST_E_STATE, -9, "ST_E_STATE"}};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        assert_int_equal(codes[i].status, codes[i].number);
        assert_string_equal(st_status_name(codes[i].status), codes[i].name);
    }
    static const st_status unknown[] = {1, -10, -1000, INT32_MAX, INT32_MIN, INT32_MIN + 1};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        assert_string_equal(st_status_name(unknown[i]), "unknown status");
}

static void test_fail_leaves_a_message(void **state) {
    (void)state;
    assert_int_equal(st_fail(ST_E_IO, "%s: line %d", "input.csv", 7), ST_E_IO);
    assert_string_equal(st_last_message(), "input.csv: line 7");
    assert_int_equal(st_fail(ST_E_STATE, "later"), ST_E_STATE);
    assert_string_equal(st_last_message(), "later");
}

static void test_long_messages_are_cut(void **state) {
    (void)state;
    char longer[2000];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    st_fail(ST_E_ARGUMENT, "%s", longer);
    assert_int_equal(strlen(st_last_message()), 511);
    assert_memory_equal(st_last_message(), longer, 511);
    assert_int_equal(st_message_set(ST_E_NAN, longer), ST_E_NAN);
    assert_int_equal(strlen(st_last_message()), 511);
}

struct report {
    char fresh[ST_MESSAGE_BYTES], own[ST_MESSAGE_BYTES];
};

static void *fail_elsewhere(void *argument) {
    struct report *report = argument;
    st_message_copy(report->fresh);
    st_fail(ST_E_MEMORY, "of the other thread");
    st_message_copy(report->own);
    return NULL;
}

static void test_messages_belong_to_threads(void **state) {
    (void)state;
    struct report report;
    pthread_t thread;
    st_fail(ST_E_ARGUMENT, "of this thread");
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, &report), 0);
    pthread_join(thread, NULL);
    assert_string_equal(report.fresh, ""); /* a thread that has not failed has no message */
    assert_string_equal(report.own, "of the other thread");
    assert_string_equal(st_last_message(), "of this thread");
    assert_int_equal(st_message_set(ST_E_MEMORY, report.own), ST_E_MEMORY); /* carried over */
    assert_string_equal(st_last_message(), "of the other thread");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_are_pinned), cmocka_unit_test(test_fail_leaves_a_message),
        cmocka_unit_test(test_long_messages_are_cut), cmocka_unit_test(test_messages_belong_to_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
