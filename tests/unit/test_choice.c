/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_choice.c - the Choice table, docs/choices.md against the backends, and normalisation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backends/cpu/cpu_backend.h"
#include "base/memory.h"
#include "device/caps.h"
#include "device/choice_fields.h"
#include "device/gpu_model.h"
#include "device/gpu_rules.h"
#include "device/registry.h"
#include "random_elements.h"
#include "rank/request.h"

static st_registry registry;

static int open_registry(void **state) {
    (void)state;
    st_host host;
    st_processor processor;
    st_backend cpu;
    st_device_info info = {.struct_size = sizeof info};
    st_processor_detect(&processor);
    if (st_host_resolve(NULL, &host) != ST_OK || st_cpu_backend_open(&host, &processor, &cpu) != ST_OK) return -1;
    if (cpu.device(cpu.self, &info) != ST_OK) return -1;
    st_registry_start(&registry);
    st_registry_place(&registry, &cpu, &info);
    return 0;
}

static int close_registry(void **state) {
    (void)state;
    st_registry_close(&registry);
    return 0;
}

/* docs/choices.md, wherever the tests are started: this file's own path leads to it. */
static char *read_document(void) {
    char path[1024];
    static const char tail[] = "tests/unit/test_choice.c";
    const char *here = __FILE__;
    const size_t length = strlen(here), cut = strlen(tail);
    assert_true(length >= cut && strcmp(here + length - cut, tail) == 0);
    snprintf(path, sizeof path, "%.*sdocs/choices.md", (int)(length - cut), here);
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail_msg("%s cannot be opened", path);
    char *text = calloc(1, 1 << 16);
    assert_non_null(text);
    const size_t got = fread(text, 1, (1 << 16) - 1, file);
    fclose(file);
    assert_true(got > 0 && got < (1 << 16) - 1);
    return text;
}

/* Cuts the next cell off a table's line; NULL at its end. Blanks around it go. */
static char *next_cell(char **line) {
    char *start = strchr(*line, '|');
    if (start == NULL) return NULL;
    char *end = strchr(++start, '|');
    if (end == NULL) return NULL;
    *line = end;
    while (*start == ' ') start++;
    while (end > start && end[-1] == ' ') end--;
    char *cell = calloc(1, (size_t)(end - start) + 1);
    assert_non_null(cell);
    memcpy(cell, start, (size_t)(end - start));
    return cell;
}

/* The numbers that the comma-separated words of a cell stand for, as bits. */
static uint32_t bits_of(char *cell, const char *const *names, int count) {
    uint32_t bits = 0;
    char *rest = NULL;
    for (char *word = strtok_r(cell, ", ", &rest); word != NULL; word = strtok_r(NULL, ", ", &rest)) {
        int found = -1;
        for (int i = 0; i < count; i++)
            if (names[i] != NULL && strcmp(names[i], word) == 0) found = i;
        if (found < 0) fail_msg("docs/choices.md: \"%s\" is no name that the tables use", word);
        bits |= 1u << found;
    }
    return bits;
}

static const char *const backends[] = {NULL, "cpu", "wgpu", "cuda", "hip", "mps"};
static const char *const kinds[] = {NULL, "topk", "midk", "bottomk", "window"};
static const char *const digits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8"};

static void test_document_lists_what_is_legal(void **state) {
    (void)state;
    char *text = read_document(), *rest = NULL;
    uint8_t listed[6][5][9][9] = {{{{0}}}};
    int lines = 0, inside = 0;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "| backend | kind | mk | mkd |", 29) == 0) {
            inside = 1;
            continue;
        }
        if (line[0] != '|') inside = 0;
        if (!inside || strncmp(line, "|---", 4) == 0) continue;
        char *cells[4];
        for (int i = 0; i < 4; i++) {
            cells[i] = next_cell(&line);
            assert_non_null(cells[i]);
        }
        const uint32_t of_backend = bits_of(cells[0], backends, 6), of_kind = bits_of(cells[1], kinds, 5);
        const uint32_t of_mk = bits_of(cells[2], digits, 9), of_mkd = bits_of(cells[3], digits, 9);
        assert_true(of_backend && of_kind && of_mk && of_mkd);
        for (uint32_t i = 0; i < 6 * 5 * 9 * 9; i++) {
            const uint32_t mkd = i % 9, mk = i / 9 % 9, kind = i / 81 % 5, backend = i / 405;
            if (of_backend >> backend & of_kind >> kind & of_mk >> mk & of_mkd >> mkd & 1) listed[backend][kind][mk][mkd] = 1;
        }
        for (int i = 0; i < 4; i++) free(cells[i]);
        lines++;
    }
    free(text);
    assert_true(lines >= 2);
    for (int32_t number = ST_BACKEND_CPU; number <= ST_BACKEND_MPS; number++) {
        const st_backend *backend = &registry.items[number - 1].backend;
        for (int32_t kind = -1; kind <= 6; kind++)
            for (int32_t mk = -1; mk <= 8; mk++)
                for (int32_t mkd = -1; mkd <= 8; mkd++) {
                    const int in_range = kind >= ST_TOPK && kind <= ST_WINDOW && mk >= 0 && mkd >= 0;
                    const int expected = in_range && listed[number][kind][mk][mkd];
                    if ((backend->legal(backend->self, kind, mk, mkd) != 0) != expected)
                        fail_msg("%s: kind %d, mk %d, mkd %d: docs/choices.md says %d", backends[number], kind, mk, mkd, expected);
                }
    }
}

/* The document's field table: every field in its place, with its spelling and bounds. */
static void test_document_lists_the_fields(void **state) {
    (void)state;
    char *text = read_document(), *rest = NULL;
    int32_t position = 0;
    int inside = 0;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "| field | spelling |", 20) == 0) {
            inside = 1;
            continue;
        }
        if (line[0] != '|') inside = 0;
        if (!inside || strncmp(line, "|---", 4) == 0) continue;
        const st_choice_field *field = st_choice_field_at(position++);
        assert_non_null(field);
        char number[16], *cell = next_cell(&line);
        assert_string_equal(cell, field->name);
        free(cell);
        cell = next_cell(&line);
        assert_string_equal(cell, field->spelling);
        free(cell);
        cell = next_cell(&line);
        snprintf(number, sizeof number, "%d", field->low);
        assert_string_equal(cell, number);
        free(cell);
        cell = next_cell(&line);
        snprintf(number, sizeof number, "%d", field->high);
        assert_string_equal(cell, number);
        free(cell);
        for (int i = 0; i < 2; i++) {
            cell = next_cell(&line);
            assert_true(cell != NULL && cell[0] != '\0');
            free(cell);
        }
    }
    free(text);
    assert_int_equal(position, st_choice_field_count());
}

static void test_fields(void **state) {
    (void)state;
    uint8_t covered[sizeof(st_choice)] = {0};
    assert_int_equal(st_choice_field_count(), ST_FIELDS);
    assert_null(st_choice_field_at(-1));
    assert_null(st_choice_field_at(ST_FIELDS));
    for (int32_t i = 0; i < ST_FIELDS; i++) {
        const st_choice_field *field = st_choice_field_at(i);
        assert_true(field->offset % 4 == 0 && field->offset + 4 <= sizeof(st_choice));
        memset(covered + field->offset, 1, 4);
        assert_true(field->low <= field->high);
        for (int32_t j = 0; j < i; j++) {
            assert_string_not_equal(field->name, st_choice_field_at(j)->name);
            assert_string_not_equal(field->spelling, st_choice_field_at(j)->spelling);
        }
        st_choice choice = {0};
        st_choice_set(&choice, i, 3);
        assert_int_equal(st_choice_get(&choice, i), 3);
        choice = (st_choice){0};
        st_choice_set(&choice, i, field->high);
        assert_int_equal(st_choice_check(&choice), ST_OK);
        for (int side = 0; side < 2; side++) {
            st_choice_set(&choice, i, side ? field->low - 1 : field->high + 1);
            assert_int_equal(st_choice_check(&choice), ST_E_ARGUMENT);
            assert_non_null(strstr(st_last_message(), field->name));
        }
    }
    for (size_t i = 0; i < sizeof covered; i++) assert_int_equal(covered[i], 1); /* the table has all of the struct */
    assert_string_equal(st_choice_field_at(ST_FIELD_USE_2CE)->spelling, "u2");
}

static st_rank_request request_of(int32_t kind, int64_t rows, int64_t cols, int64_t k, st_dtype dtype) {
    st_rank_request request, resolved;
    st_rank_request_init(&request, kind, rows, cols, k);
    request.dtype = dtype;
    if (kind == ST_WINDOW) {
        request.lo = (cols - k) / 3;
        request.hi = request.lo + k;
    }
    assert_int_equal(st_request_check(&request, 4, &resolved), ST_OK);
    return resolved;
}

static st_device_caps random_caps(st_random *random, int32_t backend) {
    static const int32_t lanes[] = {1, 8, 16, 32, 64, 24}, groups[] = {1, 16, 64, 100, 256, 1024};
    static const int64_t shared[] = {0, 1, 64, 1000, 4096, 16384, 65536, 1 << 20};
    st_device_caps caps = st_caps_wgpu(lanes[st_random_below(random, 6)], (int32_t)st_random_below(random, 2),
                                       groups[st_random_below(random, 6)]);
    caps.backend = backend;
    caps.compute_units = (int32_t)st_random_below(random, 100);
    return st_caps_with_shared_mem(caps, shared[st_random_below(random, 8)]);
}

static st_choice random_choice(st_random *random) {
    st_choice choice;
    for (int32_t i = 0; i < ST_FIELDS; i++) {
        const st_choice_field *field = st_choice_field_at(i);
        switch (st_random_below(random, 5)) {
            case 0: st_choice_set(&choice, i, 0); break;
            case 1: st_choice_set(&choice, i, field->high); break;
            case 2: st_choice_set(&choice, i, (int32_t)(uint32_t)st_random_next(random)); break;
            case 3: st_choice_set(&choice, i, (int32_t)st_random_between(random, 0, 300)); break;
            default: st_choice_set(&choice, i, (int32_t)st_random_between(random, field->low, field->high)); break;
        }
    }
    return choice;
}

static int is_tile(int32_t tile) { return tile >= 64 && (tile & (tile - 1)) == 0; }

/* What the device's limits ask of a normalised Choice. */
static void assert_fits(const st_rank_request *request, const st_device_caps *caps, const st_choice *choice) {
    assert_true(is_tile(choice->tile) && is_tile(choice->ctile));
    assert_true(choice->kl >= 1 && choice->kl <= 32);
    assert_true(choice->wg >= 1 && choice->wg <= caps->max_workgroup);
    if (!st_is_gpu(caps->backend)) return;
    assert_true(choice->tile <= 65536 && choice->ctile <= 65536);
    assert_true(choice->ch == 0 || choice->ch < request->cols);
    if (caps->lanes <= caps->max_workgroup) assert_int_equal(choice->wg % caps->lanes, 0);
    if (choice->mk == ST_MK_BITONIC && !choice->use_2ce)
        assert_int_equal(st_gpu_shared_need(request, caps, choice), 0);
    else
        assert_true(st_gpu_shared_need(request, caps, choice) <= st_caps_shared_budget(caps));
    if (choice->mk == ST_MK_WARP) {
        assert_true(caps->subgroup);
        assert_true((int64_t)choice->kl * caps->lanes >= st_gpu_kept(request));
    }
}

/* Any Choice becomes a legal one that fits, twice is once, and the record leads from the one to the other. */
static void test_normalise_anything(void **state) {
    (void)state;
    st_random random;
    st_random_seed(&random, 20240611);
    for (int round = 0; round < 60000; round++) {
        const int32_t number = (int32_t)st_random_between(&random, ST_BACKEND_CPU, ST_BACKEND_MPS);
        const st_backend *backend = &registry.items[number - 1].backend;
        const st_device_caps caps = random_caps(&random, number);
        const int64_t cols = (int64_t)1 << st_random_below(&random, 33);
        const int64_t k = st_random_chance(&random, 1, 4) ? cols : st_random_between(&random, 0, cols < 3000 ? cols : 3000);
        const st_rank_request request = request_of((int32_t)st_random_between(&random, ST_TOPK, ST_WINDOW),
                                                   st_random_between(&random, 0, 5000), cols, k,
                                                   (st_dtype)st_random_between(&random, ST_F32, ST_U64));
        const st_choice before = random_choice(&random);
        st_choice after = before, quiet = before, again, replayed = before;
        st_changes changes = {0};
        st_choice_normalise(backend, &request, &caps, &after, &changes);
        assert_int_equal(st_choice_check(&after), ST_OK);
        assert_true(backend->legal(backend->self, request.kind, after.mk, after.mkd));
        assert_fits(&request, &caps, &after);
        again = after;
        st_choice_normalise(backend, &request, &caps, &again, NULL);
        assert_memory_equal(&again, &after, sizeof after);
        st_choice_normalise(backend, &request, &caps, &quiet, NULL);
        assert_memory_equal(&quiet, &after, sizeof after);
        assert_true(changes.count < (int32_t)(sizeof changes.items / sizeof changes.items[0]));
        for (int32_t i = 0; i < changes.count; i++) {
            assert_int_equal(st_choice_get(&replayed, changes.items[i].field), changes.items[i].from);
            assert_int_not_equal(changes.items[i].from, changes.items[i].to);
            assert_true(changes.items[i].why[0] != '\0');
            st_choice_set(&replayed, changes.items[i].field, changes.items[i].to);
        }
        assert_memory_equal(&replayed, &after, sizeof after);
    }
}

/* The reason for a field's change; NULL where it did not change. */
static const char *why_of(const st_changes *changes, int32_t field) {
    for (int32_t i = 0; i < changes->count; i++)
        if (changes->items[i].field == field) return changes->items[i].why;
    return NULL;
}

static st_choice normalised(const st_rank_request *request, const st_device_caps *caps, st_choice choice, st_changes *changes) {
    memset(changes, 0, sizeof *changes);
    st_choice_normalise(&registry.items[caps->backend - 1].backend, request, caps, &choice, changes);
    return choice;
}

static void test_normalise_reasons(void **state) {
    (void)state;
    st_changes changes;
    const st_rank_request request = request_of(ST_TOPK, 8, 65536, 64, ST_F32);
    const st_choice good = {.mk = ST_MK_SHARED, .mkd = ST_MKD_FILTER, .wg = 256, .kl = 2, .tile = 1024, .ctile = 1024};
    const st_device_caps caps = st_caps_wgpu(32, 1, 256);
    st_choice choice = normalised(&request, &caps, good, &changes);
    assert_int_equal(changes.count, 0);
    assert_memory_equal(&choice, &good, sizeof good);

    /* A workgroup between multiples of the lanes, and one above the device's. */
    choice = good;
    choice.wg = 100;
    assert_int_equal(normalised(&request, &caps, choice, &changes).wg, 96);
    assert_non_null(strstr(why_of(&changes, ST_FIELD_WG), "multiple of 32"));
    choice.wg = 1000;
    assert_int_equal(normalised(&request, &caps, choice, &changes).wg, 256);

    /* Too little shared memory for the candidates: bitonic. */
    const st_device_caps small = st_caps_with_shared_mem(caps, 1000);
    choice = normalised(&request, &small, good, &changes);
    assert_int_equal(choice.mk, ST_MK_BITONIC);
    assert_int_equal(choice.mkd, ST_MKD_AUTO);
    assert_non_null(strstr(why_of(&changes, ST_FIELD_MK), "shared memory"));

    /* Too little for two passes of a family that needs none in one: bitonic in one pass. */
    choice = (st_choice){.mk = ST_MK_WARP, .mkd = ST_MKD_WARP_HEAP, .use_2ce = 1, .wg = 64, .kl = 4, .tile = 64, .ctile = 64};
    choice = normalised(&request, &small, choice, &changes);
    assert_int_equal(choice.mk, ST_MK_BITONIC);
    assert_int_equal(choice.use_2ce, 0);

    /* No subgroups, or a window too large for lane queues. */
    choice = (st_choice){.mk = ST_MK_WARP, .mkd = ST_MKD_WARP_BITONIC, .wg = 64, .kl = 4, .tile = 64, .ctile = 64};
    const st_device_caps plain = st_caps_with_subgroup(caps, 0);
    assert_int_equal(normalised(&request, &plain, choice, &changes).mk, ST_MK_SHARED);
    assert_non_null(strstr(why_of(&changes, ST_FIELD_MK), "no subgroups"));
    const st_rank_request large = request_of(ST_TOPK, 8, 65536, 1025, ST_F32);
    const st_device_caps roomy = st_caps_with_shared_mem(caps, 1 << 20);
    assert_int_equal(normalised(&large, &roomy, choice, &changes).mk, ST_MK_SHARED);
    assert_non_null(strstr(why_of(&changes, ST_FIELD_MK), "cannot hold 1025"));
    choice.kl = 1;
    assert_int_equal(normalised(&request, &caps, choice, &changes).kl, 2); /* 64 elements on 32 lanes */

    /* midk and bottomk beat use_2ce for their kind, and for no other. */
    for (int32_t kind = ST_TOPK; kind <= ST_WINDOW; kind++) {
        const st_rank_request middle = request_of(kind, 8, 65536, 64, ST_F32);
        choice = good;
        choice.use_2ce = 1;
        choice.midk = 1;
        assert_int_equal(normalised(&middle, &roomy, choice, &changes).use_2ce, kind == ST_TOPK || kind == ST_BOTTOMK);
        choice = good;
        choice.bottomk = 2;
        assert_int_equal(normalised(&middle, &roomy, choice, &changes).use_2ce, kind == ST_BOTTOMK);
        if (kind == ST_BOTTOMK) assert_non_null(strstr(why_of(&changes, ST_FIELD_USE_2CE), "bottomk is 2"));
    }

    /* The butterfly's radix, and a backend without a record of its own. */
    choice = good;
    choice.radix = 3;
    assert_int_equal(normalised(&request, &caps, choice, &changes).radix, 2);
    const st_device_caps cpu = st_caps_with_max_workgroup(st_caps_cpu(), 2);
    choice = good;
    choice.wg = 8;
    choice.kl = 0;
    choice.tile = 1000;
    choice = normalised(&request, &cpu, choice, &changes);
    assert_int_equal(choice.wg, 2);
    assert_non_null(strstr(why_of(&changes, ST_FIELD_WG), "at most 2 workers"));
    assert_non_null(strstr(why_of(&changes, ST_FIELD_KL), "not decided"));
    assert_non_null(strstr(why_of(&changes, ST_FIELD_TILE), "power of two"));
}

/* Candidates are legal, already normalised, different from each other, and counted the same whatever the capacity. */
static void test_candidates(void **state) {
    (void)state;
    st_random random;
    st_random_seed(&random, 7);
    for (int round = 0; round < 2000; round++) {
        const int32_t number = (int32_t)st_random_between(&random, ST_BACKEND_WGPU, ST_BACKEND_MPS);
        const st_backend *backend = &registry.items[number - 1].backend;
        const st_device_caps caps = random_caps(&random, number);
        const st_rank_request request = request_of((int32_t)st_random_between(&random, ST_TOPK, ST_WINDOW), 1 + round % 300,
                                                   st_random_between(&random, 1, 100000), 1, ST_F32);
        st_choice choices[64], one[1];
        const int32_t count = backend->candidates(backend->self, &request, &caps, choices, 64);
        assert_in_range(count, 1, 64);
        assert_int_equal(backend->candidates(backend->self, &request, &caps, NULL, 0), count);
        assert_int_equal(backend->candidates(backend->self, &request, &caps, one, 1), count);
        assert_memory_equal(one, choices, sizeof one[0]);
        for (int32_t i = 0; i < count; i++) {
            st_choice again = choices[i];
            st_choice_normalise(backend, &request, &caps, &again, NULL);
            assert_memory_equal(&again, &choices[i], sizeof again);
            assert_true(backend->legal(backend->self, request.kind, again.mk, again.mkd));
            for (int32_t j = 0; j < i; j++) assert_memory_not_equal(&choices[i], &choices[j], sizeof choices[0]);
            char name[64] = "";
            backend->describe(backend->self, &request, &choices[i], &caps, name);
            assert_int_equal(strncmp(name, backends[number], strlen(backends[number])), 0);
            assert_true(backend->estimate(backend->self, &request, &choices[i], &caps) > 0);
        }
        st_choice fallback;
        st_gpu_fallback(&request, &caps, &fallback);
        assert_true(backend->legal(backend->self, request.kind, fallback.mk, fallback.mkd));
        assert_fits(&request, &caps, &fallback);
    }
}

static void test_kernel_names(void **state) {
    (void)state;
    const st_rank_request request = request_of(ST_TOPK, 8, 65536, 64, ST_F32);
    const st_device_caps caps = st_caps_wgpu(32, 1, 256);
    static const struct {
        int32_t mk, mkd, use_2ce;
        const char *name;
    } cases[] = {{1, 0, 0, "wgpu/shared_filter"}, {1, 1, 0, "wgpu/shared_heap"},  {1, 2, 1, "wgpu/shared_kway_2pass"},
                 {2, 0, 0, "wgpu/warp_heap"},     {2, 5, 0, "wgpu/warp_bitonic"}, {0, 0, 0, "wgpu/bitonic"},
                 {3, 0, 1, "wgpu/radix_2pass"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const st_choice choice = {.mk = cases[i].mk, .mkd = cases[i].mkd, .use_2ce = cases[i].use_2ce, .wg = 64};
        char name[64];
        st_gpu_describe(&request, &choice, &caps, name);
        assert_string_equal(name, cases[i].name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_document_lists_what_is_legal),
        cmocka_unit_test(test_document_lists_the_fields),
        cmocka_unit_test(test_normalise_anything),
        cmocka_unit_test(test_normalise_reasons),
        cmocka_unit_test(test_candidates),
        cmocka_unit_test(test_kernel_names),
    };
    return cmocka_run_group_tests(tests, open_registry, close_registry);
}
