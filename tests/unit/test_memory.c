/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_memory.c - the host with its blanks filled in, allocation through it, growth, and overflow-checked arithmetic.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/checked.h"
#include "base/memory.h"
#include "failing_host.h"

static void add_one(void *argument) { atomic_fetch_add((_Atomic int *)argument, 1); }

/* The host that stands in for NULL allocates and starts threads. */
static void test_default_host(void **state) {
    (void)state;
    st_host host;
    assert_int_equal(st_host_resolve(NULL, &host), ST_OK);
    assert_non_null(host.reallocate);
    assert_non_null(host.warn);
    host.warn(host.user, "nobody hears this");
    char *bytes = st_allocate(&host, 100);
    assert_non_null(bytes);
    memset(bytes, 7, 100);
    bytes = host.reallocate(host.user, bytes, 100, 5000);
    assert_non_null(bytes);
    assert_int_equal(bytes[99], 7);
    st_release(&host, bytes, 5000);
    _Atomic int ran = 0;
    void *threads[3];
    for (int i = 0; i < 3; i++) assert_int_equal(host.start_thread(host.user, &threads[i], add_one, &ran), 0);
    for (int i = 0; i < 3; i++) host.join_thread(host.user, threads[i]);
    assert_int_equal(atomic_load(&ran), 3);
}

static void test_resolve_refuses(void **state) {
    (void)state;
    st_failing_host failing;
    st_host resolved, host;
    st_failing_host_open(&failing, 0);
    host = failing.host;
    host.struct_size = 8;
    assert_int_equal(st_host_resolve(&host, &resolved), ST_E_ARGUMENT);
    host = failing.host;
    host.start_thread = NULL;
    assert_int_equal(st_host_resolve(&host, &resolved), ST_E_ARGUMENT);
    host = failing.host;
    host.join_thread = NULL;
    assert_int_equal(st_host_resolve(&host, &resolved), ST_E_ARGUMENT);
    assert_true(st_failing_host_close(&failing));
}

/* What a host gives is kept; what it leaves out is filled in. */
static void test_resolve_keeps_and_fills(void **state) {
    (void)state;
    st_failing_host failing;
    st_host resolved;
    st_failing_host_open(&failing, 0);
    assert_int_equal(st_host_resolve(&failing.host, &resolved), ST_OK);
    assert_memory_equal(&resolved, &failing.host, sizeof resolved);
    st_host half = failing.host;
    half.start_thread = NULL;
    half.join_thread = NULL;
    half.warn = NULL;
    assert_int_equal(st_host_resolve(&half, &resolved), ST_OK);
    assert_ptr_equal(resolved.reallocate, failing.host.reallocate);
    assert_non_null(resolved.start_thread);
    assert_non_null(resolved.join_thread);
    assert_non_null(resolved.warn);
    assert_true(st_failing_host_close(&failing));
}

static void test_allocation(void **state) {
    (void)state;
    st_failing_host failing;
    st_failing_host_open(&failing, 3);
    const st_host *host = &failing.host;
    assert_null(st_allocate(host, 0)); /* not an event */
    st_release(host, NULL, 0);
    assert_int_equal(failing.events, 0);
    unsigned char *bytes = st_allocate(host, 10);
    unsigned char *zeros = st_allocate_zeroed(host, 33);
    assert_non_null(bytes);
    assert_non_null(zeros);
    for (int i = 0; i < 33; i++) assert_int_equal(zeros[i], 0);
    assert_null(st_allocate(host, 10));
    assert_int_equal(failing.failures, 1);
    assert_int_equal(failing.live_bytes, 43);
    assert_int_equal(failing.live_blocks, 2);
    st_release(host, bytes, 10);
    st_release(host, zeros, 33);
    assert_int_equal(failing.peak_bytes, 43);
    assert_true(st_failing_host_close(&failing));
}

static void test_zeroed_may_fail(void **state) {
    (void)state;
    st_failing_host failing;
    st_failing_host_open(&failing, 1);
    assert_null(st_allocate_zeroed(&failing.host, 64));
    assert_true(st_failing_host_close(&failing));
}

static void test_growth(void **state) {
    (void)state;
    st_failing_host failing;
    st_failing_host_open(&failing, 0);
    void *memory = NULL;
    size_t size = 0;
    assert_int_equal(st_grow(&failing.host, &memory, &size, 1), ST_OK);
    assert_non_null(memory);
    const size_t first = size;
    assert_true(first >= 1);
    memset(memory, 42, first);
    assert_int_equal(st_grow(&failing.host, &memory, &size, first), ST_OK); /* enough already */
    assert_int_equal(size, first);
    assert_int_equal(st_grow(&failing.host, &memory, &size, first + 1), ST_OK);
    assert_true(size >= 2 * first); /* at least doubles */
    for (size_t i = 0; i < first; i++) assert_int_equal(((unsigned char *)memory)[i], 42);
    assert_int_equal(st_grow(&failing.host, &memory, &size, 100000), ST_OK);
    assert_true(size >= 100000);
    assert_int_equal(((unsigned char *)memory)[first - 1], 42);

    /* A failure leaves block and size as they were; so does a size that no block can have. */
    void *const before = memory;
    const size_t held = size;
    failing.fail_at = failing.events + 1;
    assert_int_equal(st_grow(&failing.host, &memory, &size, held + 1), ST_E_MEMORY);
    assert_ptr_equal(memory, before);
    assert_int_equal(size, held);
    assert_int_equal(st_grow(&failing.host, &memory, &size, SIZE_MAX), ST_E_MEMORY);
    assert_int_equal(st_grow(&failing.host, &memory, &size, SIZE_MAX / 2 + 2), ST_E_MEMORY);
    assert_ptr_equal(memory, before);
    assert_int_equal(size, held);
    st_release(&failing.host, memory, size);
    assert_true(st_failing_host_close(&failing));
}

/* The helper itself: a wrong size, and a block not given back, are seen. */
static void test_failing_host_sees_mistakes(void **state) {
    (void)state;
    st_failing_host failing;
    st_failing_host_open(&failing, 0);
    void *block = st_allocate(&failing.host, 8);
    assert_int_equal(failing.live_blocks, 1);
    st_release(&failing.host, block, 9);
    assert_int_equal(failing.mistakes, 1);
    assert_false(st_failing_host_close(&failing));
    st_failing_host_open(&failing, 0);
    block = st_allocate(&failing.host, 8);
    assert_false(st_failing_host_close(&failing)); /* it is still out */
    st_failing_host_open(&failing, 0);
    failing.live_bytes = 8;
    failing.live_blocks = 1;
    st_release(&failing.host, block, 8);
    assert_true(st_failing_host_close(&failing));
}

static void test_checked_arithmetic(void **state) {
    (void)state;
    int64_t whole = 0;
    size_t size = 0;
    assert_true(st_multiply_i64(-3, 5, &whole));
    assert_int_equal(whole, -15);
    assert_true(st_multiply_i64((int64_t)1 << 31, (int64_t)1 << 31, &whole));
    assert_false(st_multiply_i64((int64_t)1 << 32, (int64_t)1 << 31, &whole));
    assert_false(st_multiply_i64(INT64_MIN, -1, &whole));
    assert_true(st_add_i64(INT64_MAX, INT64_MIN, &whole));
    assert_int_equal(whole, -1);
    assert_false(st_add_i64(INT64_MAX, 1, &whole));
    assert_false(st_add_i64(INT64_MIN, -1, &whole));
    assert_true(st_multiply_size(SIZE_MAX, 1, &size));
    assert_int_equal(size, SIZE_MAX);
    assert_false(st_multiply_size(SIZE_MAX / 2 + 1, 2, &size));
    assert_true(st_multiply_size(SIZE_MAX, 0, &size));
    assert_int_equal(size, 0);
    assert_true(st_add_size(SIZE_MAX - 1, 1, &size));
    assert_int_equal(size, SIZE_MAX);
    assert_false(st_add_size(SIZE_MAX, 1, &size));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_host),    cmocka_unit_test(test_resolve_refuses),
        cmocka_unit_test(test_resolve_keeps_and_fills), cmocka_unit_test(test_allocation),
        cmocka_unit_test(test_zeroed_may_fail), cmocka_unit_test(test_growth),
        cmocka_unit_test(test_failing_host_sees_mistakes), cmocka_unit_test(test_checked_arithmetic)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
