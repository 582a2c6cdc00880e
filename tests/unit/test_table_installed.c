/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_table_installed.c - the table of the state folder: installed whole, read by contexts, removed; and st_choose. */
#define _GNU_SOURCE /* setenv */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "device/choice_fields.h"
#include "device/gpu_rules.h"
#include "engine/context_state.h"
#include "failing_host.h"
#include "rank/request.h"
#include "spiraltorch/spiraltorch.h"
#include "table_text.h"
#include "temporary_file.h"

static char folder[256], home[300], path[4096];

static int open_folder(void **state) {
    (void)state;
    st_temporary_folder(folder);
    snprintf(home, sizeof home, "%s/state", folder); /* made by the first install */
    return setenv("SPIRALTORCH_HOME", home, 1);
}

static int close_folder(void **state) {
    (void)state;
    struct stat about;
    if (stat(home, &about) == 0) st_remove_folder(home);
    st_remove_folder(folder);
    return unsetenv("SPIRALTORCH_HOME");
}

static st_table *read_text(const char *text) {
    st_table *table = NULL;
    if (st_table_read_text(NULL, text, strlen(text), "text", &table, NULL) != ST_OK) fail_msg("%s", st_last_message());
    return table;
}

static int32_t trusted_entries(const st_table *table) {
    int32_t trusted = 0;
    for (int32_t i = 0; i < st_table_count(table); i++) {
        st_table_entry entry = {.struct_size = sizeof entry};
        assert_int_equal(st_table_at(table, i, &entry), ST_OK);
        trusted += entry.trusted;
    }
    return trusted;
}

static void test_install_read_remove(void **state) {
    (void)state;
    st_table *table = read_text(st_first_table), *installed = NULL;
    assert_int_equal(st_table_installed_path(path), ST_OK);
    assert_non_null(strstr(path, "/state/tuner.json"));
    assert_int_equal(st_table_read_installed(NULL, &installed, NULL), ST_OK);
    assert_null(installed);
    assert_int_equal(st_table_remove_installed(), ST_OK);
    for (int32_t trust = 1; trust >= 0; trust--) {
        assert_int_equal(st_table_install(table, trust), ST_OK);
        struct stat about;
        assert_int_equal(stat(home, &about), 0);
        assert_int_equal(about.st_mode & 0777, 0700);
        assert_int_equal(st_count_files(home), 1);
        assert_int_equal(st_table_read_installed(NULL, &installed, NULL), ST_OK);
        assert_int_equal(st_table_count(installed), 5);
        assert_int_equal(trusted_entries(installed), trust ? 5 : 0);
        st_table_close(installed);
        /* Trust is given at the install, and by nothing that a file says. */
        assert_int_equal(st_table_read_file(NULL, path, &installed, NULL), ST_OK);
        assert_int_equal(trusted_entries(installed), 0);
        st_table_close(installed);
    }
    assert_int_equal(st_table_remove_installed(), ST_OK);
    assert_int_equal(st_count_files(home), 0);
    assert_int_equal(st_table_install(table, 2), ST_E_ARGUMENT);
    assert_int_equal(st_table_install(NULL, 0), ST_E_ARGUMENT);
    st_table_close(table);
}

static void test_no_place(void **state) {
    (void)state;
    st_table *table = read_text(st_first_table), *installed = NULL;
    st_context *context = NULL;
    char *user = strdup(getenv("HOME") == NULL ? "" : getenv("HOME"));
    unsetenv("SPIRALTORCH_HOME");
    unsetenv("HOME");
    assert_int_equal(st_table_install(table, 0), ST_E_STATE);
    assert_non_null(strstr(st_last_message(), "SPIRALTORCH_HOME"));
    assert_int_equal(st_table_read_installed(NULL, &installed, NULL), ST_E_STATE);
    assert_int_equal(st_table_remove_installed(), ST_E_STATE);
    assert_int_equal(st_context_create(NULL, &context), ST_OK);
    assert_null(context->tables.table);
    assert_string_equal(context->tables.note, "");
    st_context_destroy(context);
    setenv("HOME", folder, 1);
    assert_int_equal(st_table_installed_path(path), ST_OK);
    assert_non_null(strstr(path, "/.spiraltorch/tuner.json"));
    setenv("HOME", user, 1);
    free(user);
    /* A folder whose own folder is missing, and one that is a file. */
    setenv("SPIRALTORCH_HOME", "/no/such/folder", 1);
    assert_int_equal(st_table_install(table, 0), ST_E_IO);
    setenv("SPIRALTORCH_HOME", "/dev/null", 1);
    assert_int_equal(st_table_install(table, 0), ST_E_IO);
    assert_int_equal(st_table_read_installed(NULL, &installed, NULL), ST_OK);
    assert_null(installed);
    char *lengthy = malloc(5000);
    assert_non_null(lengthy);
    memset(lengthy, 'x', 4999);
    lengthy[4999] = '\0';
    setenv("SPIRALTORCH_HOME", lengthy, 1);
    assert_int_equal(st_table_install(table, 0), ST_E_ARGUMENT);
    free(lengthy);
    setenv("SPIRALTORCH_HOME", home, 1);
    st_table_close(table);
}

struct warnings {
    int32_t count;
    char text[512];
};

static void take_warning(void *user, const char *text) {
    struct warnings *warnings = user;
    warnings->count++;
    snprintf(warnings->text, sizeof warnings->text, "%s", text);
}

static void test_context_loads_it(void **state) {
    (void)state;
    struct warnings warnings = {0};
    const st_host host = {.struct_size = sizeof host, .user = &warnings, .warn = take_warning};
    const st_context_options options = {.struct_size = sizeof options, .threads = 1, .host = &host};
    st_context *context = NULL;
    st_table *table = read_text(st_first_table);
    assert_int_equal(st_table_install(table, 0), ST_OK);
    assert_int_equal(st_context_create(&options, &context), ST_OK);
    assert_int_equal(warnings.count, 0);
    assert_int_equal(st_table_count(context->tables.table), 5);
    st_rank_request request, resolved;
    st_table_result result;
    st_rank_request_init(&request, ST_TOPK, 1024, 8192, 100);
    assert_int_equal(st_request_check(&request, 1, &resolved), ST_OK);
    st_device_caps caps = context->registry.items[0].info.caps;
    caps.subgroup = 1;
    st_table_find(&context->tables.views[0], &resolved, &caps, &result);
    assert_null(result.measured);
    assert_non_null(result.hint);
    assert_int_equal(result.hint->number, 2);
    assert_int_equal(result.hint_standing, ST_STANDING_UNNAMED);
    st_context_destroy(context);

    assert_int_equal(st_table_install(table, 1), ST_OK);
    assert_int_equal(st_context_create(&options, &context), ST_OK);
    st_table_find(&context->tables.views[0], &resolved, &caps, &result);
    assert_non_null(result.measured);
    assert_int_equal(result.measured->number, 2);
    assert_int_equal(result.measured_standing, ST_STANDING_TRUSTED);
    assert_null(result.hint);
    st_context_destroy(context);
    st_table_close(table);
}

static void test_bad_table_is_said_once(void **state) {
    (void)state;
    struct warnings warnings = {0};
    const st_host host = {.struct_size = sizeof host, .user = &warnings, .warn = take_warning};
    const st_context_options options = {.struct_size = sizeof options, .threads = 1, .host = &host};
    st_context *context = NULL;
    assert_int_equal(st_table_installed_path(path), ST_OK);
    st_put_file(path, "[{\"rows\": -1}]", 14);
    assert_int_equal(st_context_create(&options, &context), ST_OK);
    assert_int_equal(warnings.count, 1);
    assert_non_null(strstr(warnings.text, "tuner.json: entry 1: rows: is -1"));
    assert_string_equal(context->tables.note, warnings.text);
    assert_null(context->tables.table);
    st_plan plan;
    assert_int_equal(st_plan_rank(context, ST_TOPK, 8, 1000, 5, NULL, &plan), ST_OK);
    assert_int_equal(warnings.count, 1);
    st_context_destroy(context);
    assert_int_equal(st_table_remove_installed(), ST_OK);
}

/* The table of this very device counts as measured here, and no longer when kernels, name or instruction set differ. */
static void test_own_table(void **state) {
    (void)state;
    st_context *context = NULL;
    const st_context_options options = {.struct_size = sizeof options, .threads = 1};
    assert_int_equal(st_context_create(&options, &context), ST_OK);
    const st_device_identity own = context->tables.views[0].identity;
    assert_string_equal(own.backend, "cpu");
    assert_true(own.device[0] != '\0' && strchr(own.device, '(') != own.device);
    assert_int_equal(strlen(own.kernel_hash), 16);
    const char *name = context->registry.items[0].info.name;
    char expected[160];
    snprintf(expected, sizeof expected, "%s (%s)", own.device, own.isa);
    assert_string_equal(name, expected);
    st_context_destroy(context);

    char text[1024];
    for (int turn = 0; turn < 4; turn++) {
        snprintf(text, sizeof text,
                 "[{\"rows\":8,\"cols_min\":1,\"cols_max\":2000,\"k_max\":100,\"sg\":%d,\"mk\":1,\"backend\":\"cpu\","
                 "\"device\":\"%s%s\",\"isa\":\"%s\",\"kernel_hash\":\"%s\"}]",
                 own.caps.subgroup, own.device, turn == 1 ? "?" : "", turn == 2 ? "other" : own.isa, turn == 3 ? "1" : own.kernel_hash);
        static const int32_t standings[] = {0, ST_STANDING_DEVICE, ST_STANDING_ISA, ST_STANDING_KERNELS};
        st_table *table = read_text(text);
        assert_int_equal(st_table_install(table, 0), ST_OK);
        assert_int_equal(st_context_create(&options, &context), ST_OK);
        st_rank_request request, resolved;
        st_table_result result;
        st_rank_request_init(&request, ST_TOPK, 8, 1000, 5);
        assert_int_equal(st_request_check(&request, 1, &resolved), ST_OK);
        st_table_find(&context->tables.views[0], &resolved, &context->registry.items[0].info.caps, &result);
        assert_int_equal(result.measured != NULL, turn == 0);
        assert_int_equal(result.hint_standing, standings[turn]);
        st_context_destroy(context);
        st_table_close(table);
    }
    assert_int_equal(st_table_remove_installed(), ST_OK);
}

static void test_failing_allocations(void **state) {
    (void)state;
    st_table *table = read_text(st_first_table);
    assert_int_equal(st_table_install(table, 1), ST_OK);
    st_table_close(table);
    int64_t made = 0, refused = 0, noted = 0;
    for (int64_t at = 1;; at++) {
        st_failing_host failing;
        st_context *context = NULL;
        st_failing_host_open(&failing, at);
        const st_context_options options = {.struct_size = sizeof options, .threads = 1, .host = &failing.host};
        const st_status status = st_context_create(&options, &context);
        const int done = failing.failures == 0;
        assert_true(status == ST_OK || (status == ST_E_MEMORY && context == NULL && !done));
        made += status == ST_OK;
        refused += status != ST_OK;
        if (context != NULL && context->tables.note[0] != '\0') noted += failing.warnings;
        st_context_destroy(context);
        assert_true(st_failing_host_close(&failing));
        if (done) break;
    }
    assert_true(made >= 2 && refused >= 5 && noted >= 5);
    assert_int_equal(st_table_remove_installed(), ST_OK);
}

static void test_choose(void **state) {
    (void)state;
    st_choice choice, again;
    for (int32_t sg = 0; sg <= 1; sg++)
        for (int64_t cols = 1; cols <= 1 << 20; cols *= 4)
            for (int64_t k = 0; k <= cols; k = k * 8 + 1)
                for (int turn = 0; turn < 2; turn++) {
                    const st_status status = turn == 0 ? st_choose(1024, cols, k, sg, &choice) : st_choose_midk(1024, cols, k, sg, &choice);
                    assert_int_equal(status, ST_OK);
                    assert_int_equal(st_choice_check(&choice), ST_OK);
                    assert_true(st_gpu_legal(turn == 0 ? ST_TOPK : ST_MIDK, choice.mk, choice.mkd));
                    if (!sg) assert_int_not_equal(choice.mk, ST_MK_WARP);
                    assert_true(choice.wg >= 32 && choice.wg <= 256 && choice.wg % 32 == 0);
                }
    /* The published call, and how a plan for the same caps comes out. */
    st_context *context = NULL;
    st_plan plan;
    assert_int_equal(st_choose(1024, 65536, 1024, 1, &choice), ST_OK);
    assert_int_equal(st_context_create(NULL, &context), ST_OK);
    const st_device_caps caps = st_caps_wgpu(32, 1, 256);
    assert_int_equal(st_plan_rank(context, ST_TOPK, 1024, 65536, 1024, &caps, &plan), ST_OK);
    assert_memory_equal(&choice, &plan.choice, sizeof choice);
    st_context_destroy(context);
    memset(&choice, 7, sizeof choice);
    again = choice;
    assert_int_equal(st_choose(-1, 1, 1, 1, &choice), ST_E_ARGUMENT);
    assert_int_equal(st_choose(1, 1, 2, 1, &choice), ST_E_ARGUMENT);
    assert_int_equal(st_choose(1, 1, 1, 2, &choice), ST_E_ARGUMENT);
    assert_int_equal(st_choose_midk(1, 1, 1, 1, NULL), ST_E_ARGUMENT);
    assert_memory_equal(&choice, &again, sizeof choice);
}

static void test_without_the_library(void **state) {
    (void)state;
    struct warnings warnings = {0};
    const st_host host = {.struct_size = sizeof host, .user = &warnings, .warn = take_warning};
    const st_context_options options = {.struct_size = sizeof options, .threads = 1, .host = &host};
    st_context *context = NULL;
    assert_int_equal(mkdir(home, 0700), 0);
    assert_int_equal(st_table_installed_path(path), ST_OK);
    st_put_file(path, st_first_table, strlen(st_first_table));
    assert_int_equal(st_context_create(&options, &context), ST_OK);
    assert_int_equal(warnings.count, 1);
    assert_non_null(strstr(warnings.text, "jansson"));
    st_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_install_read_remove),    cmocka_unit_test(test_no_place),   cmocka_unit_test(test_context_loads_it),
        cmocka_unit_test(test_bad_table_is_said_once), cmocka_unit_test(test_own_table),  cmocka_unit_test(test_failing_allocations),
        cmocka_unit_test(test_choose)};
    const struct CMUnitTest others[] = {cmocka_unit_test(test_without_the_library), cmocka_unit_test(test_choose)};
    if (strstr(st_features(), "jansson: no") != NULL) return cmocka_run_group_tests(others, open_folder, close_folder);
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
