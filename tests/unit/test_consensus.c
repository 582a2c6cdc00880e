/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_consensus.c - which rule programs are heard, how far each reaches, and what happens to those that are wrong. */
#define _GNU_SOURCE /* mkdir */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "decision.h"
#include "device/caps.h"
#include "device/choice_fields.h"
#include "engine/context_state.h"
#include "failing_host.h"
#include "spiralk/softlogic.h"

/* Fails where a proposal's marks are not these, in any order: "SPIRAL_HEUR_K:1 SPIRAL_HEUR_K:3". */
static void assert_marks(const st_proposal *proposal, const char *expected) {
    assert_non_null(proposal);
    int32_t words = 0;
    char copy[512], *rest = NULL;
    snprintf(copy, sizeof copy, "%s", expected);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest), words++) {
        int found = 0;
        for (int32_t i = 0; i < proposal->mark_count; i++) {
            char text[ST_MARK_BYTES];
            st_mark_text(&proposal->marks[i], text);
            found |= strcmp(text, word) == 0;
        }
        if (!found) fail_msg("\"%s\" is not among the %d marks", word, proposal->mark_count);
    }
    assert_int_equal(proposal->mark_count, words);
}

static st_choice choice_of(st_context *context, int32_t kind, int64_t rows, int64_t cols, int64_t k, const st_device_caps *caps) {
    const st_rank_request request = st_request_for(kind, rows, cols, k);
    st_plan plan, again;
    st_decide_for(context, &request, caps, &plan);
    /* The same through the public door, new and from the cache. */
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal(st_plan_request(context, &request, caps == NULL ? "cpu" : NULL, caps, &again), ST_OK);
        assert_memory_equal(&again.choice, &plan.choice, sizeof plan.choice);
        assert_int_equal(again.source, plan.source);
        assert_string_equal(again.kernel, plan.kernel);
        assert_true(again.predicted_ns == plan.predicted_ns);
    }
    return plan.choice;
}

static void test_hard_fields_win_one_by_one(void **state) {
    (void)state;
    st_test_warnings warnings;
    st_plan plan;
    st_set_variable("SPIRAL_HEUR_K", "mk: 1; mkd: 1\nkl: 3;\n\nctile: 128");
    st_set_variable("SPIRAL_HEUR_K_LAB", "mkd: 6\nkl: 4");
    st_set_variable("SPIRAL_HEUR_MIDK", "kl: 5");
    st_set_variable("SPIRAL_HEUR_BOTTOMK", "\nkl: 6; mkd: 0");
    st_context *context = st_context_with_warnings(&warnings);
    assert_int_equal(warnings.count, 0);
    static const struct {
        int32_t kind, mkd, kl;
        const char *marks;
    } cases[] = {{ST_TOPK, 6, 4, "SPIRAL_HEUR_K:1 SPIRAL_HEUR_K_LAB:1 SPIRAL_HEUR_K_LAB:2 SPIRAL_HEUR_K:4"},
                 {ST_MIDK, 6, 5, "SPIRAL_HEUR_K:1 SPIRAL_HEUR_K_LAB:1 SPIRAL_HEUR_MIDK:1 SPIRAL_HEUR_K:4"},
                 {ST_BOTTOMK, 0, 6, "SPIRAL_HEUR_K:1 SPIRAL_HEUR_BOTTOMK:2 SPIRAL_HEUR_K:4"},
                 {ST_WINDOW, 6, 4, "SPIRAL_HEUR_K:1 SPIRAL_HEUR_K_LAB:1 SPIRAL_HEUR_K_LAB:2 SPIRAL_HEUR_K:4"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const st_choice choice = choice_of(context, cases[i].kind, 8, 60000, 40, NULL);
        assert_int_equal(choice.mk, 1);
        assert_int_equal(choice.mkd, cases[i].mkd);
        assert_int_equal(choice.kl, cases[i].kl);
        assert_int_equal(choice.ctile, 128);
        const st_rank_request request = st_request_for(cases[i].kind, 8, 60000, 40);
        const st_decision decision = st_decide_for(context, &request, NULL, &plan);
        assert_int_equal(plan.source, ST_SOURCE_DSL);
        assert_int_equal(decision.proposals[decision.winner].source, ST_SOURCE_DSL);
        assert_marks(&decision.proposals[decision.winner], cases[i].marks);
    }
    st_context_destroy(context);
}

/* Soft rules of all programs for a kind add up, and a hard field is out of their reach. */
static void test_programs_add_up(void **state) {
    (void)state;
    st_test_warnings warnings;
    st_plan plan;
    st_set_variable("SPIRAL_HEUR_K", "kl: 2; soft(kl, 9, 100, 1); soft(ctile, 256, 0.2, kl == 2)");
    st_set_variable("SPIRAL_HEUR_K_LAB", "soft(ctile, 512, 0.15, 1)");
    st_set_variable("SPIRAL_HEUR_MIDK", "soft(ctile, 512, 0.15, 1)");
    st_context *context = st_context_with_warnings(&warnings);
    st_choice choice = choice_of(context, ST_TOPK, 8, 60000, 40, NULL);
    assert_int_equal(choice.kl, 2);
    assert_int_equal(choice.ctile, 256);
    choice = choice_of(context, ST_MIDK, 8, 60000, 40, NULL);
    assert_int_equal(choice.ctile, 512);
    const st_rank_request request = st_request_for(ST_MIDK, 8, 60000, 40);
    const st_decision decision = st_decide_for(context, &request, NULL, &plan);
    assert_int_equal(plan.source, ST_SOURCE_DSL);
    assert_marks(st_proposal_of(&decision, ST_SOURCE_SOFTLOGIC), "SPIRAL_HEUR_K_LAB:1 SPIRAL_HEUR_MIDK:1");
    st_context_destroy(context);
}

static void test_state_file_stands_in(void **state) {
    (void)state;
    st_test_warnings warnings;
    st_plan plan;
    const st_rank_request request = st_request_for(ST_TOPK, 8, 60000, 40);
    st_put_state_file("heur.kdsl", "# learned\n\nkl: 7\n");
    static const struct {
        const char *name, *value;
        int32_t is_read;
    } cases[] = {{"SPIRAL_HEUR_K", NULL, 1},       {"SPIRAL_HEUR_K", "", 1},         {"SPIRAL_HEUR_K", "mk: 1", 0},
                 {"SPIRAL_HEUR_K_LAB", "#", 0},    {"SPIRAL_HEUR_MIDK", "mk: 1", 0}, {"SPIRAL_HEUR_BOTTOMK", "mk: 1", 0},
                 {"SPIRAL_HEUR_MIDK", "broken", 0}, {"SPIRAL_HEUR_SOFT", "0", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        st_set_variable(cases[i].name, cases[i].value);
        st_context *context = st_context_with_warnings(&warnings);
        const st_decision decision = st_decide_for(context, &request, NULL, &plan);
        assert_int_equal(plan.choice.kl == 7, cases[i].is_read);
        if (cases[i].is_read) {
            char mark[600];
            snprintf(mark, sizeof mark, "%s:3", st_state_file("heur.kdsl"));
            assert_marks(&decision.proposals[decision.winner], mark);
        }
        st_context_destroy(context);
        st_set_variable(cases[i].name, NULL);
    }
}

/* A file that cannot be read or is refused is named once, and planning goes on. */
static void test_state_file_that_is_wrong(void **state) {
    (void)state;
    st_test_warnings warnings;
    st_plan plan;
    char *lengthy = malloc(ST_SPIRALK_BYTES + 2);
    assert_non_null(lengthy);
    memset(lengthy, ' ', ST_SPIRALK_BYTES + 1);
    lengthy[ST_SPIRALK_BYTES + 1] = '\0';
    const char *const texts[] = {"kl: 7\nmk: (1", lengthy, NULL};
    const char *const said[] = {":2:7: ", "262144", "irectory"};
    const st_rank_request request = st_request_for(ST_TOPK, 8, 60000, 40);
    for (int i = 0; i < 3; i++) {
        if (texts[i] != NULL)
            st_put_state_file("heur.kdsl", texts[i]);
        else
            assert_true(unlink(st_state_file("heur.kdsl")) == 0 && mkdir(st_state_file("heur.kdsl"), 0700) == 0);
        st_context *context = st_context_with_warnings(&warnings);
        for (int turn = 0; turn < 3; turn++) assert_int_equal(st_plan_request(context, &request, NULL, NULL, &plan), ST_OK);
        assert_int_equal(plan.source, ST_SOURCE_FALLBACK);
        assert_int_equal(warnings.count, 1);
        assert_non_null(strstr(warnings.text, "rules not heard: "));
        assert_non_null(strstr(warnings.text, "heur.kdsl"));
        if (strstr(warnings.text, said[i]) == NULL) fail_msg("\"%s\" is not in: %s", said[i], warnings.text);
        assert_non_null(strstr(st_explanation(context, &request, NULL), "rules not heard: "));
        st_context_destroy(context);
    }
    assert_int_equal(rmdir(st_state_file("heur.kdsl")), 0);
    free(lengthy);
}

static void test_every_wrong_program_is_named(void **state) {
    (void)state;
    st_test_warnings warnings;
    st_plan plan;
    st_set_variable("SPIRAL_HEUR_K", "mk: 1\nmid: 2");
    st_set_variable("SPIRAL_HEUR_K_LAB", "kl: 9");
    st_set_variable("SPIRAL_HEUR_BOTTOMK", "mk = 2");
    st_context *context = st_context_with_warnings(&warnings);
    const st_rank_request request = st_request_for(ST_TOPK, 8, 60000, 40);
    assert_int_equal(warnings.count, 2);
    for (int turn = 0; turn < 5; turn++) assert_int_equal(st_plan_request(context, &request, NULL, NULL, &plan), ST_OK);
    assert_int_equal(plan.choice.kl, 9);
    assert_int_equal(warnings.count, 2);
    const char *text = st_explanation(context, &request, NULL);
    const char *const said[] = {"SPIRAL_HEUR_K:2:1: ", "SPIRAL_HEUR_BOTTOMK:1:4: "};
    for (int i = 0; i < 2; i++) {
        assert_non_null(strstr(warnings.text, said[i]));
        assert_non_null(strstr(text, said[i]));
    }
    st_context_destroy(context);
}

static void test_settings_that_are_wrong(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"SPIRAL_HEUR_MODE", "most"},        {"SPIRAL_HEUR_GEN_WEIGHT", "heavy"},
                                           {"SPIRAL_HEUR_GEN_WEIGHT", "inf"},   {"SPIRAL_HEUR_GEN_WEIGHT", "-1000001"},
                                           {"SPIRAL_HEUR_GEN_WEIGHT_CPU", "nan"}, {"SPIRAL_HEUR_GEN_WEIGHT_MPS", "1 kg"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        st_context *context = NULL;
        st_set_variable(cases[i][0], cases[i][1]);
        assert_int_equal(st_context_create(NULL, &context), ST_E_ARGUMENT);
        assert_null(context);
        assert_non_null(strstr(st_last_message(), cases[i][0]));
        st_set_variable(cases[i][0], NULL);
    }
}

/* What a program says of a device is compared with its identity where the caps are its own, else with the backend alone. */
static void test_device_key(void **state) {
    (void)state;
    st_test_warnings warnings;
    st_context *context = st_context_with_warnings(&warnings);
    char program[512];
    const st_device_info *info = &context->registry.items[0].info;
    char identity[256];
    assert_int_equal(st_spiralk_identity(info, identity), ST_OK);
    assert_true(strlen(identity) > 5);
    snprintf(program, sizeof program, "kl: sel(device(\"%s\"), 3, sel(device(\"cpu\"), 4, sel(device(\"wgpu\"), 5, 6)))", identity);
    st_device_caps own = info->caps, other = info->caps;
    st_context_destroy(context);
    st_set_variable("SPIRAL_HEUR_K", program);
    context = st_context_with_warnings(&warnings);
    const st_device_caps wgpu = st_caps_wgpu(32, 1, 256);
    other.lanes *= 2;
    assert_int_equal(choice_of(context, ST_TOPK, 8, 60000, 40, NULL).kl, 3);
    assert_int_equal(choice_of(context, ST_TOPK, 8, 60000, 40, &own).kl, 3);
    assert_int_equal(choice_of(context, ST_TOPK, 8, 60000, 40, &other).kl, 4);
    assert_int_equal(choice_of(context, ST_TOPK, 8, 60000, 40, &wgpu).kl, 5);
    st_context_destroy(context);
}

/* ---- the programs that the language was asked for with ---- */

static const char first_seed[] =
    "\n  # mk: 0=bitonic, 1=shared, 2=warp (subgroup path on WGPU)\n  mk:   sel(sg && (k<=128), 2, sel(k<=2048, 1, 0));\n"
    "  # mkd: sub-strategy (auto/heap/kway/bitonic/warp_heap/warp_bitonic)\n  mkd:  sel(mk==2,4, sel(mk==1,1,3));\n"
    "  # TopK sweeping tile\n  tile: sel(log2(c)>15.0, 2048,\n        sel(log2(c)>13.0, 1024,\n"
    "        sel(log2(c)>12.0,  512, 256)));\n  # Mid/Bottom compaction tile\n  ctile: sel(tile>=1024, tile/2, tile);\n\n"
    "  # Soft hints (gently bias the solver)\n  soft(mk,   2, 0.25, sg && (k<=128));\n"
    "  soft(mk,   1, 0.20, (k>128)&&(k<=2048));\n  soft(tile, 2048, 0.20, log2(c)>15.0);\n"
    "  soft(tile, 1024, 0.15, (log2(c)>13.0)&&(log2(c)<=15.0));\n";

static const char second_seed[] = "u2:(c>32768)||(k>128); ch:sel(c>16384,8192,0)";
static const char second_seed_midk[] = "wg:sel(c>32768,256,128); tile:sel(c>65536,4096,2048)";

/* What the two programs say, worked out in C. */
static void by_hand(int which, const st_rank_request *request, const st_device_caps *caps, const st_choice *fallback, st_choice *choice) {
    const int64_t c = request->cols, k = request->k;
    *choice = *fallback;
    if (which == 1) {
        choice->mk = caps->subgroup && k <= 128 ? 2 : k <= 2048 ? 1 : 0;
        choice->mkd = choice->mk == 2 ? 4 : choice->mk == 1 ? 1 : 3;
        choice->tile = c > 32768 ? 2048 : c > 8192 ? 1024 : c > 4096 ? 512 : 256;
        choice->ctile = choice->tile >= 1024 ? choice->tile / 2 : choice->tile;
        return;
    }
    choice->use_2ce = c > 32768 || k > 128;
    choice->ch = c > 16384 ? 8192 : 0;
    if (request->kind == ST_MIDK) {
        choice->wg = c > 32768 ? 256 : 128;
        choice->tile = c > 65536 ? 4096 : 2048;
    } else if (caps->backend == ST_BACKEND_CPU && choice->use_2ce != fallback->use_2ce) {
        choice->wg = 0; /* how many workers split a row is left to the device */
    }
}

static void test_seed_programs(void **state) {
    (void)state;
    st_test_warnings warnings;
    const st_device_caps caps[] = {st_caps_cpu(), st_caps_wgpu(32, 1, 256), st_caps_wgpu(32, 0, 256), st_caps_cuda(32, 1024),
                                   st_caps_with_shared_mem(st_caps_hip(64, 1024), 1 << 24), st_caps_mps(32, 512)};
    int64_t checked = 0, sources = 0;
    for (int which = 1; which <= 2; which++) {
        st_set_variable("SPIRAL_HEUR_SOFT", "1");
        st_set_variable("SPIRAL_HEUR_K", which == 1 ? first_seed : second_seed);
        st_set_variable("SPIRAL_HEUR_MIDK", which == 1 ? NULL : second_seed_midk);
        st_context *context = st_context_with_warnings(&warnings);
        assert_int_equal(warnings.count, 0);
        for (size_t i = 0; i < sizeof caps / sizeof caps[0]; i++)
            for (int32_t kind = ST_TOPK; kind <= ST_BOTTOMK; kind++)
                for (int64_t cols = 100; cols < 400000; cols = cols * 2 + 300)
                    for (int64_t k = 1; k <= cols; k = k * 5 + 3) {
                        const st_rank_request request = st_request_for(kind, 1 + cols % 40, cols, k);
                        st_plan plan;
                        st_choice expected;
                        const st_decision decision = st_decide_for(context, &request, &caps[i], &plan);
                        const st_choice *fallback = &st_proposal_of(&decision, ST_SOURCE_FALLBACK)->choice;
                        by_hand(which, &plan.request, &caps[i], fallback, &expected);
                        st_choice_normalise(&context->registry.items[caps[i].backend - 1].backend, &plan.request, &caps[i], &expected, NULL);
                        assert_memory_equal(&plan.choice, &expected, sizeof expected);
                        assert_int_equal(plan.source, ST_SOURCE_DSL);
                        sources += decision.proposal_count;
                        checked++;
                    }
        st_context_destroy(context);
    }
    assert_true(checked > 1000 && sources > 2 * checked);
}

/* ---- hard statements and the device ---- */

/* Who asks for two passes of one kind gets the workers that use_2ce would get, and may say how many. */
static void test_workers_of_a_split_row(void **state) {
    (void)state;
    st_test_warnings warnings;
    static const struct {
        const char *program;
        int32_t kind, two, wg;
    } cases[] = {{"u2: 1", ST_TOPK, 1, 2},        {"u2: 1; wg: 1", ST_TOPK, 1, 1},         {"soft(u2, 1, 1, 1)", ST_TOPK, 1, 2},
                 {"bottomk: 2", ST_BOTTOMK, 1, 2}, {"bottomk: 2", ST_TOPK, 0, 1},          {"midk: 2; u2: 0", ST_MIDK, 1, 2},
                 {"midk: 1; u2: 1", ST_MIDK, 0, 1}, {"soft(u2, 1, 1, 1); soft(wg, 1, 1, 1)", ST_TOPK, 1, 1},
                 {"penalty_if(u2 == 0, 1)", ST_TOPK, 1, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        st_set_variable("SPIRAL_HEUR_K", cases[i].program);
        st_context *context = st_context_with_warnings(&warnings);
        const st_choice choice = choice_of(context, cases[i].kind, 64, 8000, 5, NULL);
        if (choice.use_2ce != cases[i].two || choice.wg != cases[i].wg)
            fail_msg("%s: use_2ce %d, wg %d", cases[i].program, choice.use_2ce, choice.wg);
        st_context_destroy(context);
    }
}

/* A value is floored, and what the device makes of it is on record. */
static void test_hard_values_are_normalised(void **state) {
    (void)state;
    st_test_warnings warnings;
    st_plan plan;
    st_set_variable("SPIRAL_HEUR_K", "wg: 100.9; tile: 1e300; kl: -1 / 3; mk: 2");
    st_context *context = st_context_with_warnings(&warnings);
    const st_rank_request request = st_request_for(ST_TOPK, 8, 60000, 40);
    const st_device_caps caps = st_caps_wgpu(32, 0, 256);
    const st_decision decision = st_decide_for(context, &request, &caps, &plan);
    assert_int_equal(plan.choice.wg, 96);
    assert_int_equal(plan.choice.mk, ST_MK_SHARED);
    assert_int_equal(st_choice_check(&plan.choice), ST_OK);
    static const struct {
        int32_t field, from, to;
    } changes[] = {{ST_FIELD_WG, 100, 96}, {ST_FIELD_TILE, INT32_MAX, 1 << 20}, {ST_FIELD_KL, -1, 0}, {ST_FIELD_MK, 2, 1}};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        int found = 0;
        for (int32_t j = 0; j < decision.changes.count; j++)
            found |= decision.changes.items[j].field == changes[i].field && decision.changes.items[j].from == changes[i].from &&
                     decision.changes.items[j].to == changes[i].to;
        assert_true(found);
    }
    assert_non_null(strstr(st_explanation(context, &request, &caps), "this device has no subgroups"));
    st_context_destroy(context);
}

/* ---- reloading ---- */

static void test_reload(void **state) {
    (void)state;
    st_test_warnings warnings;
    st_plan before, plan;
    float values[3];
    static const float input[6] = {4, 9, 1, 7, 3, 5};
    const st_rank_request request = st_request_for(ST_TOPK, 1, 6, 3);
    st_set_variable("SPIRAL_HEUR_K", "kl: 3");
    st_context *context = st_context_with_warnings(&warnings);
    assert_int_equal(st_plan_request(context, &request, NULL, NULL, &before), ST_OK);
    assert_int_equal(before.choice.kl, 3);
    /* The environment is read then, and only then. */
    st_set_variable("SPIRAL_HEUR_K", "kl: 5");
    assert_int_equal(st_plan_request(context, &request, NULL, NULL, &plan), ST_OK);
    assert_int_equal(plan.choice.kl, 3);
    assert_int_equal(st_context_reload(context), ST_OK);
    assert_int_equal(st_plan_request(context, &request, NULL, NULL, &plan), ST_OK);
    assert_int_equal(plan.choice.kl, 5);
    /* A plan made before still runs. */
    const st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = input, .values = values, .indices = (int64_t[3]){0}};
    assert_int_equal(st_execute_rank(context, &before, &buffers), ST_OK);
    assert_true(values[0] == 9 && values[1] == 7 && values[2] == 5);
    /* What cannot be read changes nothing; what is refused is told again, as it is read again. */
    st_set_variable("SPIRAL_HEUR_K", "kl: 6");
    st_set_variable("SPIRAL_HEUR_MODE", "most");
    assert_int_equal(st_context_reload(context), ST_E_ARGUMENT);
    assert_int_equal(st_plan_request(context, &request, NULL, NULL, &plan), ST_OK);
    assert_int_equal(plan.choice.kl, 5);
    st_set_variable("SPIRAL_HEUR_MODE", NULL);
    st_set_variable("SPIRAL_HEUR_K", "kl = 6");
    for (int32_t turn = 1; turn <= 2; turn++) {
        assert_int_equal(st_context_reload(context), ST_OK);
        assert_int_equal(warnings.count, turn);
    }
    assert_int_equal(st_plan_request(context, &request, NULL, NULL, &plan), ST_OK);
    assert_int_equal(plan.source, ST_SOURCE_FALLBACK);
    st_set_variable("SPIRAL_HEUR_K", NULL);
    st_put_state_file("heur.kdsl", "kl: 8");
    assert_int_equal(st_context_reload(context), ST_OK);
    assert_int_equal(st_plan_request(context, &request, NULL, NULL, &plan), ST_OK);
    assert_int_equal(plan.choice.kl, 8);
    assert_null(strstr(st_explanation(context, &request, NULL), "not heard"));
    assert_int_equal(st_context_reload(NULL), ST_E_ARGUMENT);
    st_context_destroy(context);
}

/* ---- failing allocations ---- */

static const char soft_program[] = "kl: 2; soft(ctile, 256, 0.2, kl == 2 && tile > 1); penalty_if(mk == 3, 1)";

static void test_failing_while_rules_load(void **state) {
    (void)state;
    int64_t refused = 0;
    for (int turn = 0; turn < 2; turn++) {
        if (turn == 0)
            st_set_variable("SPIRAL_HEUR_K", soft_program);
        else {
            st_set_variable("SPIRAL_HEUR_K", NULL);
            st_put_state_file("heur.kdsl", soft_program);
        }
        for (int64_t at = 1;; at++) {
            st_failing_host failing;
            st_context *context = NULL;
            st_failing_host_open(&failing, at);
            const st_context_options options = {.struct_size = sizeof options, .threads = 2, .host = &failing.host};
            const st_status status = st_context_create(&options, &context);
            assert_int_equal(status, failing.failures > 0 ? ST_E_MEMORY : ST_OK);
            refused += status != ST_OK;
            st_context_destroy(context);
            assert_true(st_failing_host_close(&failing));
            if (status == ST_OK) break;
        }
    }
    assert_true(refused > 20);
}

/* One call of a context whose n-th allocation fails: 0 a plan, 1 an explanation, 2 a reload. */
static st_status one_call(st_context *context, int what, const st_rank_request *request, st_plan *plan) {
    uint64_t length = 0;
    if (what == 0) return st_plan_request(context, request, NULL, NULL, plan);
    if (what == 1) return st_plan_explain(context, request, NULL, NULL, 0, NULL, 0, &length);
    return st_context_reload(context);
}

static void test_failing_while_planning(void **state) {
    (void)state;
    int64_t refused[2][3] = {{0}};
    const int turns = strstr(st_features(), "jansson: no") == NULL ? 2 : 1;
    for (int turn = 0; turn < turns; turn++) {
        /* Rules, for which the context keeps memory; then a table alone. */
        st_set_variable("SPIRAL_HEUR_K", turn == 0 ? soft_program : NULL);
        if (turn == 1)
            st_install_table_text("[{\"rows\":8,\"cols_min\":1,\"cols_max\":100000,\"k_max\":100,\"sg\":false,\"mk\":1,\"ctile\":256},"
                                  "{\"rows\":8,\"cols_min\":1,\"cols_max\":100000,\"k_max\":100,\"sg\":true,\"mk\":1,\"ctile\":256}]", 1);
        for (int what = 0; what < 3 - turn; what++) /* a table that there is no memory for is gone without when it is loaded */
            for (int64_t at = 1;; at++) {
                st_failing_host failing;
                st_context *context = NULL;
                st_plan plan, untouched;
                st_failing_host_open(&failing, 0);
                const st_context_options options = {.struct_size = sizeof options, .threads = 2, .host = &failing.host};
                assert_int_equal(st_context_create(&options, &context), ST_OK);
                const st_rank_request request = st_request_for(ST_TOPK, 8, 60000, 40);
                memset(&plan, 0x5a, sizeof plan);
                untouched = plan;
                const int64_t live = failing.live_blocks;
                failing.fail_at = failing.events + at;
                const st_status status = one_call(context, what, &request, &plan);
                assert_int_equal(status, failing.failures > 0 ? ST_E_MEMORY : ST_OK);
                assert_int_equal(failing.live_blocks, live);
                if (status != ST_OK) assert_memory_equal(&plan, &untouched, sizeof plan);
                refused[turn][what] += status != ST_OK;
                /* All is as it was: the next plan is made, by the same rules. */
                failing.fail_at = 0;
                assert_int_equal(st_plan_request(context, &request, NULL, NULL, &plan), ST_OK);
                assert_int_equal(plan.source, turn == 0 ? ST_SOURCE_DSL : ST_SOURCE_TABLE);
                assert_int_equal(plan.choice.ctile, 256);
                st_context_destroy(context);
                assert_true(st_failing_host_close(&failing));
                if (status == ST_OK) break;
            }
    }
    assert_true(refused[0][0] == 0 && refused[0][1] == 0 && refused[0][2] > 3);
    if (turns == 2) assert_true(refused[1][0] == 1 && refused[1][1] == 1);
}

/* A hard statement of so many operators, and another. */
static char *long_program(int operators) {
    char *text = malloc(2 * (size_t)operators + 32);
    assert_non_null(text);
    size_t length = (size_t)sprintf(text, "kl: ");
    for (int i = 0; i < operators; i++) length += (size_t)sprintf(text + length, "c-");
    sprintf(text + length, "c\nch: 7");
    return text;
}

/* Programs share the work of a plan: those of more authority are heard first, and what is not heard is named. */
static void test_work_is_shared(void **state) {
    (void)state;
    st_test_warnings warnings;
    char *text = long_program(30000); /* six tenths of it */
    const st_rank_request request = st_request_for(ST_MIDK, 8, 60000, 40);
    static const char *const names[] = {"SPIRAL_HEUR_K", "SPIRAL_HEUR_K_LAB", "SPIRAL_HEUR_MIDK"};
    for (int alone = 0; alone < 3; alone++) {
        for (int i = 0; i < 3; i++) st_set_variable(names[i], i >= alone ? text : NULL);
        st_context *context = st_context_with_warnings(&warnings);
        const char *explanation = st_explanation(context, &request, NULL);
        for (int i = 0; i < 3; i++) {
            char note[80], mark[80];
            snprintf(note, sizeof note, "rules not heard: %s: the program takes too long for a plan", names[i]);
            snprintf(mark, sizeof mark, "by %s:1, %s:2", names[i], names[i]);
            assert_int_equal(strstr(explanation, note) != NULL, i >= alone && i < 2);
            assert_int_equal(strstr(explanation, mark) != NULL, i == 2);
        }
        assert_int_equal(warnings.count, 0);
        st_context_destroy(context);
    }
    free(text);
    /* One that no plan could hear is refused when it is read. */
    text = long_program(60000);
    for (int i = 0; i < 3; i++) st_set_variable(names[i], i == 1 ? text : NULL);
    st_context *without = st_context_with_warnings(&warnings);
    assert_int_equal(warnings.count, 1);
    assert_non_null(strstr(warnings.text, "rules not heard: SPIRAL_HEUR_K_LAB:1:1: with this statement the program has more"));
    assert_non_null(strstr(st_explanation(without, &request, NULL), "rules not heard: SPIRAL_HEUR_K_LAB:1:1: with this statement"));
    st_context_destroy(without);
    free(text);
    /* Rules that can all hold, and are more than can be scored. */
    text = malloc(ST_SPIRALK_BYTES);
    assert_non_null(text);
    size_t length = 0;
    for (int i = 0; i < 2500; i++) length += (size_t)sprintf(text + length, "penalty_if(wg * kl + ch > tile - ctile * %d, 1)\n", i);
    st_set_variable(names[0], NULL);
    st_set_variable(names[1], NULL);
    st_set_variable(names[2], text);
    st_context *context = st_context_with_warnings(&warnings);
    const char *explanation = st_explanation(context, &request, NULL);
    assert_non_null(strstr(explanation, "soft rules not heard: all together, they take too long for a plan"));
    assert_null(strstr(explanation, "softlogic"));
    st_context_destroy(context);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_hard_fields_win_one_by_one, st_forget_heuristics),
        cmocka_unit_test_setup(test_programs_add_up, st_forget_heuristics),
        cmocka_unit_test_setup(test_state_file_stands_in, st_forget_heuristics),
        cmocka_unit_test_setup(test_state_file_that_is_wrong, st_forget_heuristics),
        cmocka_unit_test_setup(test_every_wrong_program_is_named, st_forget_heuristics),
        cmocka_unit_test_setup(test_settings_that_are_wrong, st_forget_heuristics),
        cmocka_unit_test_setup(test_device_key, st_forget_heuristics),
        cmocka_unit_test_setup(test_seed_programs, st_forget_heuristics),
        cmocka_unit_test_setup(test_workers_of_a_split_row, st_forget_heuristics),
        cmocka_unit_test_setup(test_hard_values_are_normalised, st_forget_heuristics),
        cmocka_unit_test_setup(test_reload, st_forget_heuristics),
        cmocka_unit_test_setup(test_failing_while_rules_load, st_forget_heuristics),
        cmocka_unit_test_setup(test_failing_while_planning, st_forget_heuristics),
        cmocka_unit_test_setup(test_work_is_shared, st_forget_heuristics),
    };
    return cmocka_run_group_tests(tests, st_open_state_folder, st_close_state_folder);
}
