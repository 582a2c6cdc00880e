/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_table_read.c - tables from JSON and back: what is read, what is refused, and how that is said. */
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
#include "spiraltorch/spiraltorch.h"
#include "table_text.h"
#include "temporary_file.h"

static st_table *read_text(const char *text) {
    st_table *table = NULL;
    if (st_table_read_text(NULL, text, strlen(text), "text", &table, NULL) != ST_OK) fail_msg("%s: %s", text, st_last_message());
    return table;
}

static st_table_entry entry_of(const st_table *table, int32_t position) {
    st_table_entry entry = {.struct_size = sizeof entry};
    assert_int_equal(st_table_at(table, position, &entry), ST_OK);
    return entry;
}

static void test_first_example(void **state) {
    (void)state;
    st_table *table = read_text(st_first_table);
    assert_int_equal(st_table_count(table), 5);
    static const int32_t mk[] = {2, 1, 1, 1, 0}, tile[] = {512, 1024, 2048, 1024, 2048}, tile_cols[] = {1024, 2048, 4096, 1024, 2048};
    static const int32_t radix[] = {2, 4, 4, 2, 4}, segments[] = {1, 2, 4, 1, 2}, use_2ce[] = {0, 0, 1, 0, 1};
    static const int64_t cols_min[] = {4096, 8192, 65536, 4096, 65536}, k_max[] = {128, 2048, 4096, 2048, 4096};
    for (int32_t i = 0; i < 5; i++) {
        const st_table_entry entry = entry_of(table, i);
        assert_int_equal(entry.number, i + 1);
        assert_int_equal(entry.rows, 1024);
        assert_int_equal(entry.cols_min, cols_min[i]);
        assert_int_equal(entry.k_min, 0);
        assert_int_equal(entry.k_max, k_max[i]);
        assert_int_equal(entry.sg, i < 3);
        assert_int_equal(entry.choice.mk, mk[i]);
        assert_int_equal(entry.choice.tile, tile[i]);
        assert_int_equal(entry.choice.tile_cols, tile_cols[i]);
        assert_int_equal(entry.choice.radix, radix[i]);
        assert_int_equal(entry.choice.segments, segments[i]);
        assert_int_equal(entry.choice.use_2ce, use_2ce[i]);
        assert_int_equal(entry.choice.wg, 0);
        const uint32_t fields = 1u << ST_FIELD_MK | 1u << ST_FIELD_TILE | 1u << ST_FIELD_TILE_COLS | 1u << ST_FIELD_RADIX |
                                1u << ST_FIELD_SEGMENTS;
        assert_int_equal(entry.decided & ~(1u << ST_FIELD_USE_2CE), fields);
        assert_int_equal(entry.decided >> ST_FIELD_USE_2CE & 1, i != 1 && i != 3);
        assert_int_equal(entry.kind | entry.dtype | entry.bits | entry.threads | entry.trusted, 0);
        assert_string_equal(entry.backend, "");
        assert_string_equal(entry.kernel_hash, "");
        assert_int_equal(entry.n, 0);
    }
    st_table_close(table);
}

static const char full[] =
    "[{\"rows\":8,\"cols_min\":100,\"cols_max\":200.0,\"k_min\":3,\"k_max\":64,\"sg\":1,\"kind\":\"midk\",\"dtype\":\"bf16\","
    "\"threads\":2,\"mk\":1,\"mkd\":6,\"use_2ce\":0,\"wg\":4,\"kl\":2,\"ch\":64,\"tile\":256,\"ctile\":128,\"midk\":1,"
    "\"bottomk\":2,\"tile_cols\":64,\"radix\":4,\"segments\":3,\"backend\":\"cuda\",\"device\":\"A \\u00e9 \\\"B\\\"\","
    "\"driver\":\"550.1\",\"isa\":\"sm_90\",\"kernel_hash\":\"0xABC\",\"n\":30,\"mean_log_ns\":10.25,\"var_log_ns\":0.5,"
    "\"gain\":0.125,\"gain_error\":0.0625,\"trusted\":true,\"schema\":1}]";

static void test_every_field(void **state) {
    (void)state;
    st_table *table = read_text(full);
    const st_table_entry entry = entry_of(table, 0);
    assert_int_equal(entry.rows, 8);
    assert_int_equal(entry.cols_max, 200);
    assert_int_equal(entry.k_min, 3);
    assert_int_equal(entry.kind, ST_MIDK);
    assert_int_equal(entry.dtype, ST_BF16);
    assert_int_equal(entry.bits, 16);
    assert_int_equal(entry.threads, 2);
    assert_int_equal(entry.decided, (1u << ST_FIELDS) - 1);
    static const int32_t values[] = {1, 6, 0, 4, 2, 64, 256, 128, 1, 2, 64, 4, 3};
    for (int32_t field = 0; field < ST_FIELDS; field++) assert_int_equal(st_choice_get(&entry.choice, field), values[field]);
    assert_string_equal(entry.backend, "cuda");
    assert_string_equal(entry.device, "A \xc3\xa9 \"B\"");
    assert_string_equal(entry.driver, "550.1");
    assert_string_equal(entry.isa, "sm_90");
    assert_string_equal(entry.kernel_hash, "0000000000000abc");
    assert_int_equal(entry.n, 30);
    assert_true(entry.mean_log_ns == 10.25 && entry.var_log_ns == 0.5 && entry.gain == 0.125 && entry.gain_error == 0.0625);
    assert_int_equal(entry.trusted, 0); /* a file cannot trust itself */
    st_table_close(table);

    static const char *const classes[] = {"8-bit", "16-bit", "32-bit", "64-bit"};
    for (int i = 0; i < 4; i++) {
        char text[200];
        snprintf(text, sizeof text, "[{\"rows\":8,\"cols_min\":1,\"cols_max\":2,\"k_max\":4,\"sg\":false,\"mk\":0,\"dtype\":\"%s\"}]", classes[i]);
        table = read_text(text);
        assert_int_equal(entry_of(table, 0).bits, 8 << i);
        assert_int_equal(entry_of(table, 0).dtype, 0);
        st_table_close(table);
    }
}

static char *text_of(const st_table *table) {
    uint64_t length = 0, again = 0;
    assert_int_equal(st_table_json(table, NULL, 0, &length), ST_OK);
    char *text = malloc((size_t)length + 1);
    assert_non_null(text);
    assert_int_equal(st_table_json(table, text, length, &again), ST_E_CAPACITY);
    assert_int_equal(again, length);
    assert_int_equal(st_table_json(table, text, length + 1, &again), ST_OK);
    assert_int_equal(strlen(text), length);
    return text;
}

static void test_written_is_read_back(void **state) {
    (void)state;
    const char *const texts[] = {"[]", st_first_table, full};
    for (int i = 0; i < 3; i++) {
        st_table *table = read_text(texts[i]);
        char *text = text_of(table);
        st_table *again = read_text(text);
        assert_int_equal(st_table_count(again), st_table_count(table));
        for (int32_t j = 0; j < st_table_count(table); j++) {
            const st_table_entry a = entry_of(table, j), b = entry_of(again, j);
            assert_memory_equal(&a, &b, sizeof a);
        }
        char *text_again = text_of(again);
        assert_string_equal(text, text_again);
        free(text);
        free(text_again);
        st_table_close(table);
        st_table_close(again);
    }
}

static void test_unknown_fields_are_counted(void **state) {
    (void)state;
    char name[32];
    st_table *table = read_text("[{\"rows\":8,\"cols_min\":1,\"cols_max\":2,\"k_max\":4,\"sg\":true,\"mk\":0,\"tile_col\":5,"
                                "\"note\":{\"by\":[1,2]}}]");
    assert_int_equal(st_table_unknown(table, name), 2);
    assert_string_equal(name, "tile_col");
    st_table_close(table);
    table = read_text(st_first_table);
    assert_int_equal(st_table_unknown(table, name), 0);
    assert_string_equal(name, "");
    st_table_close(table);
}

#define WITH(field) "[" GOOD "," FIRST field "}]"
#define GOOD "{\"rows\":8,\"cols_min\":1,\"cols_max\":2,\"k_max\":4,\"sg\":true,\"mk\":0}"
#define FIRST "{\"rows\":8,\"cols_min\":10,\"cols_max\":20,\"k_max\":4,\"sg\":true,\"mk\":0,"

static const struct refusal {
    const char *text;
    int32_t entry, line;
    const char *field, *says;
} refusals[] = {
    {"", 0, 1, "", "line 1"},
    {"{}", 0, 0, "", "array"},
    {"7", 0, 1, "", "line 1"},
    {"[1]", 1, 0, "", "object"},
    {"[" GOOD "," GOOD ",null]", 3, 0, "", "null"},
    {"[\n" GOOD ",\n", 0, 3, "", "line 3"},
    {"[" GOOD "] x", 0, 1, "", "end of file"},
    {"[\"\\ud800\"]", 0, 1, "", "line 1"},
    {"[\"\xff\"]", 0, 1, "", "decode"},
    {"[{\"rows\":1e999}]", 0, 1, "", "real"},
    {"[{\"rows\":99999999999999999999}]", 0, 1, "", "integer"},
    {"[{\"rows\":1,\"rows\":1}]", 0, 1, "", "duplicate"},
    {"\n[[[[[[[[[]]]]]]]]]", 0, 2, "", "deep"},
    {"[{}]", 1, 0, "rows", "missing"},
    {"[{\"rows\":8,\"cols_min\":1,\"cols_max\":2,\"k_max\":4,\"sg\":true}]", 1, 0, "mk", "missing"},
    {"[{\"rows\":8,\"cols_min\":1,\"cols_max\":2,\"k_max\":4,\"mk\":1}]", 1, 0, "sg", "missing"},
    {"[{\"rows\":0}]", 1, 0, "rows", "from 1 to 2147483648"},
    {"[{\"rows\":2147483649}]", 1, 0, "rows", "2147483649"},
    {"[{\"rows\":\"8\"}]", 1, 0, "rows", "string"},
    {"[{\"rows\":8.5}]", 1, 0, "rows", "8.5"},
    {"[{\"rows\":1e300}]", 1, 0, "rows", "1e+300"},
    {"[{\"cols_min\":-1}]", 1, 0, "cols_min", "-1"},
    {"[{\"k_max\":4611686018427387905}]", 1, 0, "k_max", "4611686018427387905"},
    {"[{\"sg\":\"yes\"}]", 1, 0, "sg", "true or false"},
    {"[{\"sg\":2}]", 1, 0, "sg", "from 0 to 1"},
    {WITH("\"use_2ce\":null"), 2, 0, "use_2ce", "null"},
    {WITH("\"mkd\":7"), 2, 0, "mkd", "from 0 to 6"},
    {WITH("\"tile\":-64"), 2, 0, "tile", "-64"},
    {WITH("\"radix\":[4]"), 2, 0, "radix", "array"},
    {WITH("\"kind\":\"top\""), 2, 0, "kind", "topk"},
    {WITH("\"dtype\":\"f33\""), 2, 0, "dtype", "32-bit"},
    {WITH("\"dtype\":32"), 2, 0, "dtype", "string"},
    {WITH("\"threads\":0"), 2, 0, "threads", "from 1 to 4096"},
    {WITH("\"backend\":\"CUDA!\""), 2, 0, "backend", "lower-case"},
    {WITH("\"backend\":\"abcdefghijklmnopq\""), 2, 0, "backend", "17 bytes"},
    {WITH("\"kernel_hash\":\"12345678901234567\""), 2, 0, "kernel_hash", "hexadecimal"},
    {WITH("\"kernel_hash\":\"0x\""), 2, 0, "kernel_hash", "hexadecimal"},
    {WITH("\"kernel_hash\":\"xyz\""), 2, 0, "kernel_hash", "hexadecimal"},
    {WITH("\"isa\":true"), 2, 0, "isa", "string"},
    {WITH("\"n\":0"), 2, 0, "n", "from 1"},
    {WITH("\"mean_log_ns\":101"), 2, 0, "mean_log_ns", "101"},
    {WITH("\"var_log_ns\":-0.5"), 2, 0, "var_log_ns", "-0.5"},
    {WITH("\"gain\":-200"), 2, 0, "gain", "-200"},
    {WITH("\"schema\":2"), 2, 0, "schema", "from 1 to 1"},
    {WITH("\"k_min\":5"), 2, 0, "k_max", "below k_min"},
    {"[{\"rows\":8,\"cols_min\":3,\"cols_max\":2,\"k_max\":4,\"sg\":true,\"mk\":0}]", 1, 0, "cols_max", "below cols_min"},
};

static void test_refusals(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *refusal = &refusals[i];
        st_table_problem problem = {.struct_size = sizeof problem};
        st_table *table = (st_table *)&problem;
        const st_status status = st_table_read_text(NULL, refusal->text, strlen(refusal->text), "some.json", &table, &problem);
        const char *message = st_last_message();
        if (status != ST_E_FORMAT || table != NULL) fail_msg("%s: %s", refusal->text, st_status_name(status));
        if (problem.entry != refusal->entry || problem.line != refusal->line || strcmp(problem.field, refusal->field) != 0)
            fail_msg("%s: entry %d, line %d, field %s", refusal->text, problem.entry, problem.line, problem.field);
        if (strstr(message, refusal->says) == NULL || strncmp(message, "some.json: ", 11) != 0) fail_msg("%s: %s", refusal->text, message);
        if (refusal->entry > 0) {
            char expected[64];
            snprintf(expected, sizeof expected, "entry %d: %s", refusal->entry, refusal->field);
            if (strstr(message, expected) == NULL) fail_msg("%s: %s", refusal->text, message);
        }
    }
}

static void test_long_names_and_controls(void **state) {
    (void)state;
    char text[1024], device[300];
    st_table *table = NULL;
    memset(device, 'd', sizeof device);
    device[127] = '\0';
    snprintf(text, sizeof text, "[" FIRST "\"device\":\"%s\"}]", device);
    table = read_text(text);
    assert_string_equal(entry_of(table, 0).device, device);
    st_table_close(table);
    device[127] = 'd';
    device[128] = '\0';
    snprintf(text, sizeof text, "[" FIRST "\"device\":\"%s\"}]", device);
    assert_int_equal(st_table_read_text(NULL, text, strlen(text), "x", &table, NULL), ST_E_FORMAT);
    /* Nothing that a file says reaches a terminal as it is. */
    static const char *const sly[] = {"[" FIRST "\"kind\":\"\\u001b[2J\"}]", "[" FIRST "\"\\u001b[2J\":1,\"kind\":\"\\u202e\"}]"};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(st_table_read_text(NULL, sly[i], strlen(sly[i]), "a\x1b[1mb", &table, NULL), ST_E_FORMAT);
        for (const char *at = st_last_message(); *at != '\0'; at++) assert_true((unsigned char)*at >= 0x20 && (unsigned char)*at < 0x7f);
    }
}

static void test_limits(void **state) {
    (void)state;
    const size_t bytes = (size_t)ST_TABLE_MOST_BYTES + 1;
    char *text = malloc(bytes + 1);
    st_table *table = NULL;
    assert_non_null(text);
    memset(text, ' ', bytes);
    memcpy(text, "[]", 2);
    assert_int_equal(st_table_read_text(NULL, text, bytes - 1, "x", &table, NULL), ST_OK);
    assert_int_equal(st_table_count(table), 0);
    st_table_close(table);
    assert_int_equal(st_table_read_text(NULL, text, bytes, "x", &table, NULL), ST_E_FORMAT);
    assert_non_null(strstr(st_last_message(), "larger"));
    size_t length = 0;
    for (int i = 0; i <= ST_TABLE_MOST_ENTRIES; i++)
        length += (size_t)sprintf(text + length, "%s" GOOD, i == 0 ? "[" : ",");
    strcpy(text + length, "]");
    assert_int_equal(st_table_read_text(NULL, text, length + 1, "x", &table, NULL), ST_E_FORMAT);
    assert_non_null(strstr(st_last_message(), "16385 entries"));
    strcpy(text + length - strlen("," GOOD), "]");
    assert_int_equal(st_table_read_text(NULL, text, strlen(text), "x", &table, NULL), ST_OK);
    assert_int_equal(st_table_count(table), ST_TABLE_MOST_ENTRIES);
    st_table_close(table);
    free(text);
}

static void test_arguments(void **state) {
    (void)state;
    st_table *table = NULL;
    st_table_problem problem = {.struct_size = 3};
    st_table_entry entry = {.struct_size = sizeof entry};
    uint64_t length;
    assert_int_equal(st_table_read_text(NULL, NULL, 0, "x", &table, NULL), ST_E_ARGUMENT);
    assert_int_equal(st_table_read_text(NULL, "[]", 2, NULL, &table, NULL), ST_E_ARGUMENT);
    assert_int_equal(st_table_read_text(NULL, "[]", 2, "x", NULL, NULL), ST_E_ARGUMENT);
    assert_int_equal(st_table_read_text(NULL, "[]", 2, "x", &table, &problem), ST_E_ARGUMENT);
    assert_int_equal(st_table_read_file(NULL, NULL, &table, NULL), ST_E_ARGUMENT);
    assert_int_equal(st_table_read_file(NULL, "x", NULL, NULL), ST_E_ARGUMENT);
    assert_int_equal(st_table_read_file(NULL, "/no/such/file", &table, NULL), ST_E_IO);
    assert_null(table);
    assert_int_equal(st_table_json(NULL, NULL, 0, &length), ST_E_ARGUMENT);
    table = read_text(st_first_table);
    assert_int_equal(st_table_json(table, NULL, 0, NULL), ST_E_ARGUMENT);
    assert_int_equal(st_table_json(table, NULL, 1, &length), ST_E_ARGUMENT);
    assert_int_equal(st_table_at(table, 5, &entry), ST_E_ARGUMENT);
    assert_int_equal(st_table_at(table, -1, &entry), ST_E_ARGUMENT);
    assert_int_equal(st_table_at(NULL, 0, &entry), ST_E_ARGUMENT);
    entry.struct_size = 0;
    assert_int_equal(st_table_at(table, 0, &entry), ST_E_ARGUMENT);
    assert_int_equal(st_table_count(NULL), 0);
    assert_int_equal(st_table_unknown(NULL, NULL), 0);
    st_table_close(table);
    st_table_close(NULL);
}

static void test_files(void **state) {
    (void)state;
    char folder[256], path[300];
    st_table *table = NULL;
    st_temporary_folder(folder);
    snprintf(path, sizeof path, "%s/table.json", folder);
    st_put_file(path, st_first_table, strlen(st_first_table));
    assert_int_equal(st_table_read_file(NULL, path, &table, NULL), ST_OK);
    assert_int_equal(st_table_count(table), 5);
    st_table_close(table);
    st_put_file(path, "[{}]", 4);
    st_table_problem problem = {.struct_size = sizeof problem};
    assert_int_equal(st_table_read_file(NULL, path, &table, &problem), ST_E_FORMAT);
    assert_int_equal(problem.entry, 1);
    assert_non_null(strstr(st_last_message(), "table.json: entry 1: rows: is missing"));
    assert_int_equal(st_table_read_file(NULL, folder, &table, NULL), ST_E_IO);
    st_put_file(path, "", 0);
    assert_int_equal(st_table_read_file(NULL, path, &table, NULL), ST_E_FORMAT);
    st_remove_folder(folder);
    /* A pipe, in pieces. */
    st_test_pipe pipe;
    st_pipe_open(&pipe, st_first_table, strlen(st_first_table), 7);
    assert_int_equal(st_table_read_file(NULL, pipe.path, &table, NULL), ST_OK);
    assert_int_equal(st_table_count(table), 5);
    st_table_close(table);
    st_pipe_close(&pipe);
}

static void test_failing_allocations(void **state) {
    (void)state;
    char folder[256], path[300];
    st_temporary_folder(folder);
    snprintf(path, sizeof path, "%s/table.json", folder);
    st_put_file(path, st_first_table, strlen(st_first_table));
    int64_t failures = 0;
    for (int64_t at = 1;; at++) {
        st_failing_host failing;
        st_table *table = NULL;
        st_failing_host_open(&failing, at);
        const st_status status = st_table_read_file(&failing.host, path, &table, NULL);
        const int done = failing.failures == 0;
        if (done) assert_int_equal(status, ST_OK);
        if (!done) assert_int_equal(status, ST_E_MEMORY);
        if (!done) assert_null(table);
        failures += !done;
        st_table_close(table);
        assert_true(st_failing_host_close(&failing));
        if (done) break;
    }
    assert_true(failures >= 8);
    st_remove_folder(folder);
}

/* A build without jansson says so, and the other tests have nothing to read with. */
static void test_without_the_library(void **state) {
    (void)state;
    st_table *table = NULL;
    assert_int_equal(st_table_read_text(NULL, "[]", 2, "x", &table, NULL), ST_E_UNSUPPORTED);
    assert_null(table);
    assert_non_null(strstr(st_last_message(), "jansson"));
    print_message("this build has no jansson: tables cannot be read\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_first_example),
                                       cmocka_unit_test(test_every_field),
                                       cmocka_unit_test(test_written_is_read_back),
                                       cmocka_unit_test(test_unknown_fields_are_counted),
                                       cmocka_unit_test(test_refusals),
                                       cmocka_unit_test(test_long_names_and_controls),
                                       cmocka_unit_test(test_limits),
                                       cmocka_unit_test(test_arguments),
                                       cmocka_unit_test(test_files),
                                       cmocka_unit_test(test_failing_allocations)};
    const struct CMUnitTest others[] = {cmocka_unit_test(test_without_the_library)};
    if (strstr(st_features(), "jansson: no") != NULL) return cmocka_run_group_tests(others, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
