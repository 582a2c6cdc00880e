/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_tuner_survey.c - surveys of made-up machines: the order of cells, bands without gap or overlap, and state that comes back. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "failing_host.h"
#include "learn/tuner_survey.h"
#include "spiraltorch/rank.h"
#include "spiraltorch/status.h"
#include "temporary_file.h"

static const int32_t kinds[] = {ST_TOPK, ST_MIDK};
static const st_dtype dtypes[] = {ST_F32, ST_U8};
static const int32_t threads[] = {1, 2};

static st_survey_options grid_options(void) {
    return (st_survey_options){.struct_size = sizeof(st_survey_options), .kind_count = 2, .dtype_count = 2, .thread_count = 2,
                               .kinds = kinds, .dtypes = dtypes, .threads = threads, .most_bytes = 128 << 20};
}

/* A machine with three ways: their times cross at columns of some 3,000, and at k of some 100. */
static double time_of(int way, const st_survey_cell *cell) {
    const double c = log2((double)cell->cols), k = log2((double)cell->k);
    return way == 0 ? 10 + 0.3 * c : way == 1 ? 10 + 0.3 * log2(3000) + 0.05 * (c - log2(3000)) : 9.5 + 0.3 * c + 0.1 * (log2(100) - k);
}

static st_choice choice_of(int way) { return (st_choice){.mk = way, .wg = 1, .ctile = 1024 << way}; }

static st_survey_finding finding_of(const st_survey_cell *cell) {
    st_survey_finding finding = {.struct_size = sizeof finding, .cell = *cell, .n = 10, .var_log_ns = 0.01};
    int best = 0;
    for (int way = 1; way < 3; way++)
        if (time_of(way, cell) < time_of(best, cell)) best = way;
    finding.choice = choice_of(best);
    finding.mean_log_ns = time_of(best, cell);
    for (int way = 0; way < 3; way++)
        if (way != best)
            finding.rivals[finding.rival_count++] = (st_survey_rival){choice_of(way), time_of(way, cell) - time_of(best, cell)};
    return finding;
}

static st_survey *survey_of(const st_survey_options *options) {
    st_survey *survey = NULL;
    assert_int_equal(st_survey_create(NULL, options, &survey), ST_OK);
    return survey;
}

/* Measures up to `most` cells; returns how many there were. */
static int64_t go_on(st_survey *survey, int64_t most) {
    for (int64_t done = 0; done < most; done++) {
        st_survey_cell cell;
        int32_t more = 0;
        assert_int_equal(st_survey_next(survey, &cell, &more), ST_OK);
        if (!more) return done;
        const st_survey_finding finding = finding_of(&cell);
        assert_int_equal(st_survey_record(survey, &finding), ST_OK);
    }
    return most;
}

static void file_in(char folder[256], char path[300]) {
    st_temporary_folder(folder);
    snprintf(path, 300, "%s/tuner", folder);
}

/* The bands that hold a request; *found is one of them. */
static int bands_for(const st_survey_band *bands, int64_t count, int32_t series, int64_t rows, int64_t cols, int64_t k,
                     const st_survey_band **found) {
    int holding = 0;
    for (int64_t i = 0; i < count; i++) {
        const st_survey_band *band = &bands[i];
        if (band->series != series || band->rows != rows || cols < band->cols_min || cols > band->cols_max || k < band->k_min ||
            k > band->k_max)
            continue;
        holding++;
        *found = band;
    }
    return holding;
}

static void check_bands(const st_survey *survey, double most_regret) {
    st_survey_band *bands = NULL;
    int64_t count = 0;
    size_t bytes = 0;
    uint64_t random = 5;
    double worst = 0;
    assert_int_equal(st_survey_bands(survey, NULL, &bands, &count, &bytes), ST_OK);
    for (int point = 0; point < 4000; point++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        const int32_t series = (int32_t)(random >> 60) % survey->series_count;
        const double u = (double)(random >> 40 & 0xffff) / 65536, v = (double)(random >> 20 & 0xffff) / 65536;
        const int64_t cols = (int64_t)(16 * pow(60000, u)), k = (int64_t)pow((double)cols, v); /* up to 960,000 */
        const st_series *of = &survey->series[series];
        const st_survey_cell cell = {of->kind, of->dtype, of->threads, 1, cols, k};
        const st_survey_band *found = NULL;
        const int holding = bands_for(bands, count, series, 1, cols, k, &found);
        if (holding != 1) fail_msg("%d bands for %" PRId64 " columns, k %" PRId64, holding, cols, k);
        double best = time_of(0, &cell);
        for (int way = 1; way < 3; way++) best = fmin(best, time_of(way, &cell));
        worst = fmax(worst, time_of(found->choice.mk, &cell) - best);
    }
    if (worst > most_regret) fail_msg("a band is %.3f behind the best", worst);
    for (int64_t i = 0; i < count; i++) {
        assert_true(bands[i].cols_min >= 1 && bands[i].cols_min <= bands[i].cols_max);
        assert_true(bands[i].k_min >= 1 && bands[i].k_min <= bands[i].k_max);
        if (bands[i].n > 0) assert_true(bands[i].n % 10 == 0 && bands[i].var_log_ns > 0);
    }
    st_release(&survey->host, bands, bytes);
}

static void bands_leave_no_gap_and_get_better(void **state) {
    (void)state;
    const st_survey_options options = grid_options();
    st_survey *survey = survey_of(&options);
    int64_t recorded, coarse;
    st_survey_counts(survey, &recorded, &coarse);
    assert_true(recorded == 0 && coarse > 200 && coarse < 800);
    go_on(survey, coarse);
    check_bands(survey, 0.6); /* steps of 16, in which times change by a factor of 3 */
    go_on(survey, 600);
    check_bands(survey, 0.5);
    st_survey_counts(survey, &recorded, &coarse);
    assert_int_equal(recorded, coarse + 600);
    st_survey_destroy(survey);
}

static void every_cell_comes_once_and_data_is_shared(void **state) {
    (void)state;
    const st_survey_options options = grid_options();
    st_survey *survey = survey_of(&options);
    st_survey_cell last = {0};
    int64_t changes = 0, cells = 0, above_half = 0, recorded, coarse;
    for (;; cells++) {
        st_survey_cell cell, again;
        int32_t more;
        assert_int_equal(st_survey_next(survey, &cell, &more), ST_OK);
        if (!more) break;
        assert_int_equal(st_survey_next(survey, &again, &more), ST_OK);
        assert_true(cell.rows == again.rows && cell.cols == again.cols && cell.k == again.k); /* asking changes nothing */
        assert_true(cell.k < cell.cols);
        above_half += 2 * cell.k > cell.cols;
        changes += cell.rows != last.rows || cell.cols != last.cols || cell.dtype != last.dtype;
        last = cell;
        const st_survey_finding finding = finding_of(&cell);
        assert_int_equal(st_survey_record(survey, &finding), ST_OK);
        st_survey_counts(survey, &recorded, &coarse);
        assert_int_equal(recorded, cells + 1); /* never the same twice */
    }
    assert_true(cells > 5000 && above_half > cells / 25); /* but never a whole row */
    assert_true(changes < cells / 4);
    check_bands(survey, 0.08);
    st_survey_destroy(survey);
}

/* A model that is off by any factor, but knows that way 0 ends at 700 columns, and way 2 below k of 33. */
static double predict_steps(void *user, const st_survey_cell *cell, const st_choice *choice) {
    ++*(int64_t *)user;
    return choice->mk == 0 ? (cell->cols < 700 ? 100 : 9000) : choice->mk == 1 ? 5000 : (cell->k < 33 ? 90000 : 4000);
}

static int steps_to(const st_survey_cell *cell) { return cell->cols < 700 ? 0 : cell->k < 33 ? 1 : 2; }

static void steps_of_the_model_are_kept(void **state) {
    (void)state;
    const int64_t shapes[] = {1, 300, 1, 4000}, k[] = {2, 20, 200};
    st_survey_options options = grid_options();
    options.kind_count = options.dtype_count = options.thread_count = 1;
    options.shapes = shapes;
    options.shape_count = 2;
    options.k = k;
    options.k_count = 3;
    st_survey *survey = survey_of(&options);
    for (int32_t more = 1;;) {
        st_survey_finding finding = {.struct_size = sizeof finding, .n = 10, .mean_log_ns = 8, .var_log_ns = 0.1, .rival_count = 2};
        assert_int_equal(st_survey_next(survey, &finding.cell, &more), ST_OK);
        if (!more) break;
        const int best = steps_to(&finding.cell);
        finding.choice = choice_of(best);
        for (int i = 0; i < 2; i++) finding.rivals[i] = (st_survey_rival){choice_of((best + 1 + i) % 3), i == 0 ? 0.3 : 0.4};
        assert_int_equal(st_survey_record(survey, &finding), ST_OK);
    }
    int64_t asked = 0, count = 0;
    size_t bytes = 0;
    const st_survey_model model = {sizeof model, &asked, predict_steps};
    st_survey_band *bands = NULL;
    assert_int_equal(st_survey_bands(survey, &model, &bands, &count, &bytes), ST_OK);
    assert_true(asked > 0 && asked < 10000);
    for (int64_t cols = 300; cols <= 4000; cols += cols < 690 || cols > 710 ? 25 : 1)
        for (int64_t at = 2; at <= 200 && at <= cols; at += 3) {
            const st_survey_cell cell = {ST_TOPK, ST_F32, 1, 1, cols, at};
            const st_survey_band *found = NULL;
            assert_int_equal(bands_for(bands, count, 0, 1, cols, at, &found), 1);
            if (found->choice.mk != steps_to(&cell)) fail_msg("%" PRId64 " columns, k %" PRId64 ": %d", cols, at, found->choice.mk);
        }
    st_release(&survey->host, bands, bytes);
    st_survey_destroy(survey);
}

static void lists_are_measured_and_nothing_else(void **state) {
    (void)state;
    const int64_t shapes[] = {8, 1000, 1, 70, 1, 70}, k[] = {7, 100, 64};
    st_survey_options options = grid_options();
    options.shapes = shapes;
    options.shape_count = 3;
    options.k = k;
    options.k_count = 3;
    options.kind_count = options.dtype_count = options.thread_count = 1;
    st_survey *survey = survey_of(&options);
    assert_int_equal(go_on(survey, 100), 5); /* 8x1000 with three k, 1x70 with two */
    st_survey_band *bands = NULL;
    const st_survey_band *found;
    int64_t count = 0;
    size_t bytes = 0;
    assert_int_equal(st_survey_bands(survey, NULL, &bands, &count, &bytes), ST_OK);
    assert_int_equal(bands_for(bands, count, 0, 8, 1000, 100, &found), 1);
    assert_int_equal(bands_for(bands, count, 0, 1, 70, 1, &found), 1);
    assert_int_equal(bands_for(bands, count, 0, 1, 71, 71, &found), 1);
    assert_int_equal(bands_for(bands, count, 0, 2, 70, 1, &found), 0);
    st_release(&survey->host, bands, bytes);
    st_survey_destroy(survey);
}

static void a_cell_that_cannot_be_measured_is_not_asked_for_again(void **state) {
    (void)state;
    const int64_t shapes[] = {1, 100}, k[] = {5};
    st_survey_options options = grid_options();
    options.shapes = shapes;
    options.k = k;
    options.shape_count = options.k_count = options.kind_count = options.dtype_count = options.thread_count = 1;
    st_survey *survey = survey_of(&options);
    st_survey_finding none = {.struct_size = sizeof none};
    int32_t more;
    assert_int_equal(st_survey_next(survey, &none.cell, &more), ST_OK);
    assert_int_equal(st_survey_record(survey, &none), ST_OK);
    assert_int_equal(st_survey_next(survey, &none.cell, &more), ST_OK);
    assert_int_equal(more, 0);
    int64_t recorded, coarse;
    st_survey_counts(survey, &recorded, &coarse);
    assert_true(recorded == 0 && coarse == 0);
    const st_survey_device device = {.struct_size = sizeof device};
    assert_int_equal(st_survey_table(survey, &device, NULL, "nowhere.json", &recorded), ST_E_STATE);
    st_survey_destroy(survey);
}

static void state_comes_back(void **state) {
    (void)state;
    char folder[256], path[300];
    file_in(folder, path);
    const st_survey_options options = grid_options();
    st_survey *first = survey_of(&options), *second = survey_of(&options);
    go_on(first, 700);
    assert_int_equal(st_survey_save(first, path, "this device, these lists"), ST_OK);
    assert_int_equal(st_survey_load(second, path, "another device"), ST_E_STATE);
    assert_non_null(strstr(st_last_message(), "this device, these lists"));
    assert_int_equal(st_survey_load(second, path, "this device, these lists"), ST_OK);
    size_t bytes, again_bytes;
    char *text = st_get_file(path, &bytes);
    assert_int_equal(st_survey_save(second, path, "this device, these lists"), ST_OK);
    char *again = st_get_file(path, &again_bytes);
    assert_int_equal(bytes, again_bytes);
    assert_memory_equal(text, again, bytes);
    free(text);
    free(again);
    go_on(second, 1300); /* what comes next depends on what is known alone, as the bands do */
    check_bands(second, 0.5);
    assert_int_equal(st_survey_load(second, "/nowhere/at/all", "x"), ST_E_IO);
    assert_int_equal(st_survey_save(first, path, "two\nlines"), ST_E_ARGUMENT);
    st_survey_destroy(first);
    st_survey_destroy(second);
    st_remove_folder(folder);
}

/* A file with three findings, as text. */
static size_t small_state(const st_survey_options *options, char *text, size_t capacity) {
    char folder[256], path[300];
    file_in(folder, path);
    st_survey *survey = survey_of(options);
    go_on(survey, 3);
    assert_int_equal(st_survey_save(survey, path, "sign"), ST_OK);
    size_t bytes;
    char *content = st_get_file(path, &bytes);
    assert_true(bytes > 100 && bytes < capacity);
    memcpy(text, content, bytes);
    free(content);
    st_survey_destroy(survey);
    st_remove_folder(folder);
    return bytes;
}

static void broken_state_is_refused(void **state) {
    (void)state;
    char text[4096], broken[4096];
    const st_survey_options options = grid_options();
    const size_t bytes = small_state(&options, text, sizeof text);
    st_survey *survey = survey_of(&options);
    assert_int_equal(st_survey_read_text(survey, text, bytes, "sign", "it"), ST_OK);
    for (size_t at = 0; at < bytes; at++) {
        memcpy(broken, text, bytes);
        broken[at] ^= 1;
        assert_true(st_survey_read_text(survey, broken, bytes, "sign", "it") != ST_OK);
        assert_true(st_survey_read_text(survey, text, at, "sign", "it") != ST_OK); /* cut */
    }
    static const char blanks[] = "1 2 3 4 5 6 7 89 line\n"; /* numbers where one checksum should be */
    assert_int_equal(st_survey_read_text(survey, blanks, sizeof blanks - 1, "sign", "it"), ST_E_FORMAT);
    memcpy(broken, text, bytes); /* a line that is there twice makes the number of lines wrong */
    const char *second = memchr(text, '\n', bytes);
    memcpy(broken + bytes, second + 1, 50);
    assert_int_equal(st_survey_read_text(survey, broken, bytes + 50, "sign", "it"), ST_E_FORMAT);
    st_survey_destroy(survey);
}

static void tables_are_written_whole(void **state) {
    (void)state;
    char folder[256], path[300];
    file_in(folder, path);
    const st_survey_options options = grid_options();
    st_survey_device device = {.struct_size = sizeof device, .sg = 1, .backend = "cpu", .device = "a \"name\"", .kernel_hash = "0123"};
    st_survey *survey = survey_of(&options);
    go_on(survey, 500);
    int64_t entries = 0, lines = 0;
    assert_int_equal(st_survey_table(survey, &device, NULL, path, &entries), ST_OK);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char line[2048];
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "  {", 3) != 0) continue;
        lines++;
        assert_non_null(strstr(line, "\"device\":\"a \\\"name\\\"\""));
        assert_null(strstr(line, "driver"));
        assert_non_null(strstr(line, "\"schema\":1}"));
        assert_non_null(strstr(line, "\"segments\":0"));
    }
    fclose(file);
    assert_int_equal(lines, entries);
    assert_int_equal(st_survey_table(survey, &device, NULL, "/nowhere/at/all.json", &entries), ST_E_IO);
    st_survey_destroy(survey);
    st_remove_folder(folder);
}

static void arguments_are_checked(void **state) {
    (void)state;
    st_survey *survey = NULL;
    st_survey_options options = grid_options();
    options.kind_count = 0;
    assert_int_equal(st_survey_create(NULL, &options, &survey), ST_E_ARGUMENT);
    assert_non_null(strstr(st_last_message(), "kinds"));
    options = grid_options();
    options.k_count = 65;
    assert_int_equal(st_survey_create(NULL, &options, &survey), ST_E_ARGUMENT);
    options = grid_options();
    const int64_t shapes[] = {1, 4}, k[] = {5, 0};
    options.shapes = shapes;
    options.k = k;
    options.shape_count = options.k_count = 1;
    assert_int_equal(st_survey_create(NULL, &options, &survey), ST_E_ARGUMENT); /* no cell is left */
    options.k_count = 2;
    assert_int_equal(st_survey_create(NULL, &options, &survey), ST_E_ARGUMENT);
    assert_null(survey);

    options = grid_options();
    survey = survey_of(&options);
    const st_survey_cell cell = {ST_TOPK, ST_F32, 1, 1, 512, 16};
    st_survey_finding finding = finding_of(&cell);
    assert_int_equal(st_survey_record(survey, &finding), ST_OK);
    finding.cell.cols = 513;
    assert_int_equal(st_survey_record(survey, &finding), ST_E_ARGUMENT);
    finding.cell = cell;
    finding.mean_log_ns = NAN;
    assert_int_equal(st_survey_record(survey, &finding), ST_E_ARGUMENT);
    finding = finding_of(&cell);
    finding.rival_count = ST_SURVEY_RIVALS + 1;
    assert_int_equal(st_survey_record(survey, &finding), ST_E_ARGUMENT);
    finding = finding_of(&cell);
    finding.choice.mk = 9;
    assert_int_equal(st_survey_record(survey, &finding), ST_E_ARGUMENT);
    assert_int_equal(st_survey_at(survey, 1, &finding), ST_E_ARGUMENT);
    st_survey_destroy(survey);
    st_survey_destroy(NULL);
}

/* Everything from a survey's making to its table, on a host that refuses one allocation. */
static st_status whole_run(st_failing_host *host, const char *path) {
    const st_survey_options options = grid_options();
    const st_survey_device device = {.struct_size = sizeof device, .backend = "cpu"};
    st_survey *survey = NULL, *again = NULL;
    int64_t entries;
    st_status status = st_survey_create(&host->host, &options, &survey);
    for (int i = 0; i < 20 && status == ST_OK; i++) {
        st_survey_cell cell;
        int32_t more;
        status = st_survey_next(survey, &cell, &more);
        const st_survey_finding finding = finding_of(&cell);
        if (status == ST_OK) status = st_survey_record(survey, &finding);
    }
    if (status == ST_OK) status = st_survey_save(survey, path, "sign");
    if (status == ST_OK) status = st_survey_create(&host->host, &options, &again);
    if (status == ST_OK) status = st_survey_load(again, path, "sign");
    if (status == ST_OK) status = st_survey_table(again, &device, NULL, path, &entries);
    st_survey_destroy(survey);
    st_survey_destroy(again);
    return status;
}

static void no_allocation_is_trusted(void **state) {
    (void)state;
    char folder[256], path[300];
    file_in(folder, path);
    for (int64_t at = 1, failed = 1; failed; at++) {
        st_failing_host host;
        st_failing_host_open(&host, at);
        const st_status status = whole_run(&host, path);
        failed = host.failures > 0;
        assert_int_equal(status, failed ? ST_E_MEMORY : ST_OK);
        assert_int_equal(st_failing_host_close(&host), 1);
        assert_true(st_count_files(folder) <= 1);
    }
    st_remove_folder(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bands_leave_no_gap_and_get_better),
        cmocka_unit_test(every_cell_comes_once_and_data_is_shared),
        cmocka_unit_test(steps_of_the_model_are_kept),
        cmocka_unit_test(lists_are_measured_and_nothing_else),
        cmocka_unit_test(a_cell_that_cannot_be_measured_is_not_asked_for_again),
        cmocka_unit_test(state_comes_back),
        cmocka_unit_test(broken_state_is_refused),
        cmocka_unit_test(tables_are_written_whole),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(no_allocation_is_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
