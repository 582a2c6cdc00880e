/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_consensus_scores.c - rules against the measured table: who is there, what each scores, and who wins. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decision.h"
#include "device/choice_fields.h"
#include "engine/context_state.h"
#include "plan/consensus.h"

/* What differs from this device in an entry; NULL: nothing, "": not said. */
struct stranger {
    const char *device, *driver, *isa, *kernel_hash;
};

static void need_tables(void) {
    if (strstr(st_features(), "jansson: no") == NULL) return;
    print_message("skipped: this build has no jansson, and reads no tables\n");
    skip();
}

static const char *or_own(const char *given, const char *own) { return given != NULL ? given : own; }

/* An entry for 1 to 100000 columns and k up to 100, with the fields of `choice`, as measured by a stranger, or here. */
static void write_entry(char *text, size_t size, const struct stranger *stranger, const char *choice) {
    st_test_warnings warnings;
    st_context *context = st_context_with_warnings(&warnings);
    const st_device_identity own = context->tables.views[0].identity;
    st_context_destroy(context);
    const size_t used = strlen(text);
    snprintf(text + used, size - used,
             "{\"rows\":8,\"cols_min\":1,\"cols_max\":100000,\"k_max\":100,\"sg\":%d,%s,\"backend\":\"cpu\",\"device\":\"%s\","
             "\"driver\":\"%s\",\"isa\":\"%s\",\"kernel_hash\":\"%s\"}",
             own.caps.subgroup, choice, or_own(stranger->device, own.device), or_own(stranger->driver, own.driver),
             or_own(stranger->isa, own.isa), or_own(stranger->kernel_hash, own.kernel_hash));
}

static void install(const struct stranger *stranger, const char *choice, int32_t trust) {
    char text[2048] = "[";
    write_entry(text, sizeof text, stranger, choice);
    strcat(text, "]");
    st_install_table_text(text, trust);
}

static const struct stranger here = {NULL, NULL, NULL, NULL};

/* The score that the contract gives a Choice: ln(fallback / predicted) + bonus, with the times of plans that are told what to do. */
static double score_by_hand(st_context *context, const st_rank_request *request, const st_choice *fallback, const st_choice *choice,
                            double bonus) {
    st_plan slow, quick;
    assert_int_equal(st_plan_with_choice(context, request, "cpu", fallback, &slow), ST_OK);
    assert_int_equal(st_plan_with_choice(context, request, "cpu", choice, &quick), ST_OK);
    return log(slow.predicted_ns / quick.predicted_ns) + bonus;
}

static void assert_near(double a, double b) {
    if (!(fabs(a - b) <= 1e-12 * (1 + fabs(b)))) fail_msg("%.17g is not %.17g", a, b);
}

/* Nobody speaks: the fallback, whatever of rules and tables does not apply. */
static void test_nobody_speaks(void **state) {
    (void)state;
    st_test_warnings warnings;
    static const struct {
        const char *name, *value, *program;
    } cases[] = {{"SPIRAL_HEUR_SOFT", NULL, NULL},
                 {"SPIRAL_HEUR_SOFT", NULL, "soft(kl, 7, 5, c < 100); penalty_if(cuda, 3)"},
                 {"SPIRAL_HEUR_SOFT", NULL, "penalty_if(mk == 9, 3); soft(kl, 7, -1, 1)"},
                 {"SPIRAL_HEUR_SOFT", "0", "soft(kl, 7, 5, 1)"},
                 {"SPIRAL_HEUR_MODE", "prob", "# nothing"}};
    st_choice fallback = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        st_plan plan;
        st_set_variable(cases[i].name, cases[i].value);
        st_set_variable("SPIRAL_HEUR_K", cases[i].program);
        st_context *context = st_context_with_warnings(&warnings);
        const st_rank_request request = st_request_for(ST_TOPK, 8, 60000, 40);
        const st_decision decision = st_decide_for(context, &request, NULL, &plan);
        assert_int_equal(plan.source, ST_SOURCE_FALLBACK);
        assert_int_equal(decision.proposal_count, 1);
        if (i == 0) fallback = plan.choice;
        assert_memory_equal(&plan.choice, &fallback, sizeof fallback);
        st_context_destroy(context);
        st_set_variable(cases[i].name, NULL);
    }
}

/* With soft rules off, hard statements are heard as ever. */
static void test_soft_rules_off(void **state) {
    (void)state;
    st_test_warnings warnings;
    st_plan plan;
    st_set_variable("SPIRAL_HEUR_SOFT", "0");
    st_set_variable("SPIRAL_HEUR_K", "kl: 3; soft(ctile, 256, 5, 1)");
    st_context *context = st_context_with_warnings(&warnings);
    const st_rank_request request = st_request_for(ST_TOPK, 8, 60000, 40);
    const st_decision decision = st_decide_for(context, &request, NULL, &plan);
    assert_int_equal(plan.source, ST_SOURCE_DSL);
    assert_int_equal(plan.choice.kl, 3);
    assert_int_not_equal(plan.choice.ctile, 256);
    assert_null(st_proposal_of(&decision, ST_SOURCE_SOFTLOGIC));
    st_context_destroy(context);
}

static void test_modes(void **state) {
    (void)state;
    st_test_warnings warnings;
    static const char first[] = "soft(kl, 2, 3, 1); soft(kl, 3, 2, 1); soft(kl, 3, 2, 1)";
    static const char second[] = "soft(kl, 2, 0.7, 1); soft(kl, 3, 0.4, 1); soft(kl, 3, 0.4, 1)";
    const struct {
        const char *mode, *program;
        int32_t kl;
        double rules; /* the rule score of the winner */
    } cases[] = {{NULL, first, 3, 4},           {"sum", first, 3, 4},
                 {"normalize", first, 3, 4.0 / 7}, {"softmax", first, 2, exp(3) / (exp(3) + 2 * exp(2))},
                 {"prob", second, 2, 0.7},      {"sum", second, 3, 0.8},
                 {"normalize", second, 3, 0.8 / 1.5}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        st_plan plan;
        st_set_variable("SPIRAL_HEUR_MODE", cases[i].mode);
        st_set_variable("SPIRAL_HEUR_K", cases[i].program);
        st_context *context = st_context_with_warnings(&warnings);
        const st_rank_request request = st_request_for(ST_TOPK, 8, 60000, 40);
        const st_decision decision = st_decide_for(context, &request, NULL, &plan);
        const st_proposal *proposal = &decision.proposals[decision.winner];
        assert_int_equal(plan.source, ST_SOURCE_SOFTLOGIC);
        assert_int_equal(plan.choice.kl, cases[i].kl);
        assert_near(proposal->score, score_by_hand(context, &request, &decision.proposals[0].choice, &plan.choice, cases[i].rules));
        st_context_destroy(context);
    }
}

/* What only keeps clear of something is a proposal too, and rests on the penalties it avoids. */
static void test_penalties_alone(void **state) {
    (void)state;
    st_test_warnings warnings;
    st_plan plan;
    const st_rank_request request = st_request_for(ST_TOPK, 8, 60000, 40);
    st_context *context = st_context_with_warnings(&warnings);
    st_decide_for(context, &request, NULL, &plan);
    const int32_t mk = plan.choice.mk;
    st_context_destroy(context);
    char program[64];
    snprintf(program, sizeof program, "\npenalty_if(mk == %d, 0.5)", mk);
    st_set_variable("SPIRAL_HEUR_K", program);
    context = st_context_with_warnings(&warnings);
    const st_decision decision = st_decide_for(context, &request, NULL, &plan);
    assert_int_equal(plan.source, ST_SOURCE_SOFTLOGIC);
    assert_int_not_equal(plan.choice.mk, mk);
    const st_proposal *proposal = &decision.proposals[decision.winner];
    assert_int_equal(proposal->mark_count, 1);
    assert_int_equal(proposal->marks[0].number, 2);
    assert_near(proposal->score, score_by_hand(context, &request, &decision.proposals[0].choice, &plan.choice, 0));
    st_context_destroy(context);
}

/* A against C, over weights that let either win; the backend's own weight goes before the common one. */
static void test_scores(void **state) {
    (void)state;
    need_tables();
    st_test_warnings warnings;
    int wins[2] = {0};
    install(&here, "\"mk\":0,\"mkd\":3", 0);
    for (int common = 0; common < 2; common++)
        for (int step = -4; step <= 12; step++)
            for (double weight = 0.01; weight < 8; weight = weight * 3 + 0.01) {
                char program[128], prior[32];
                st_plan plan;
                snprintf(program, sizeof program, "soft(mk, 3, %.9g, 1)", weight);
                snprintf(prior, sizeof prior, "%.9g", step * 0.25);
                st_set_variable("SPIRAL_HEUR_K", program);
                st_set_variable("SPIRAL_HEUR_GEN_WEIGHT", common ? prior : "99");
                st_set_variable("SPIRAL_HEUR_GEN_WEIGHT_CPU", common ? NULL : prior);
                st_set_variable("SPIRAL_HEUR_GEN_WEIGHT_CUDA", "77");
                st_context *context = st_context_with_warnings(&warnings);
                const st_rank_request request = st_request_for(ST_TOPK, 8, 60000, 40);
                const st_decision decision = st_decide_for(context, &request, NULL, &plan);
                const st_proposal *a = st_proposal_of(&decision, ST_SOURCE_SOFTLOGIC), *c = st_proposal_of(&decision, ST_SOURCE_TABLE);
                assert_true(a != NULL && c != NULL && decision.proposal_count == 3);
                assert_int_equal(a->choice.mk, 3);
                assert_int_equal(c->choice.mk, 0);
                const st_choice *fallback = &decision.proposals[0].choice;
                assert_near(a->score, score_by_hand(context, &request, fallback, &a->choice, atof(program + 12)));
                assert_near(c->score, score_by_hand(context, &request, fallback, &c->choice, step * 0.25));
                assert_int_equal(plan.source, a->score >= c->score ? ST_SOURCE_SOFTLOGIC : ST_SOURCE_TABLE);
                assert_memory_equal(&plan.choice, a->score >= c->score ? &a->choice : &c->choice, sizeof plan.choice);
                wins[a->score >= c->score]++;
                st_context_destroy(context);
            }
    assert_true(wins[0] > 10 && wins[1] > 10);
}

static void test_a_tie_goes_to_the_rules(void **state) {
    (void)state;
    need_tables();
    st_test_warnings warnings;
    install(&here, "\"mk\":0,\"mkd\":3", 0);
    st_set_variable("SPIRAL_HEUR_K", "soft(mk, 0, 0.25, 1); soft(mkd, 3, 0.25, 1)");
    for (int turn = 0; turn < 2; turn++) {
        st_plan plan;
        st_set_variable("SPIRAL_HEUR_GEN_WEIGHT", turn == 0 ? "0.5" : "0.50000000001");
        st_context *context = st_context_with_warnings(&warnings);
        const st_rank_request request = st_request_for(ST_TOPK, 8, 60000, 40);
        const st_decision decision = st_decide_for(context, &request, NULL, &plan);
        const st_proposal *a = st_proposal_of(&decision, ST_SOURCE_SOFTLOGIC), *c = st_proposal_of(&decision, ST_SOURCE_TABLE);
        assert_memory_equal(&a->choice, &c->choice, sizeof a->choice);
        assert_int_equal(a->score == c->score, turn == 0);
        assert_int_equal(plan.source, turn == 0 ? ST_SOURCE_SOFTLOGIC : ST_SOURCE_TABLE);
        st_context_destroy(context);
    }
}

/* The weight that nothing sets, and hard fields over the table's. */
static void test_table_alone(void **state) {
    (void)state;
    need_tables();
    st_test_warnings warnings;
    st_plan plan;
    install(&here, "\"mk\":0,\"mkd\":3,\"ctile\":1024", 0);
    const st_rank_request request = st_request_for(ST_TOPK, 8, 60000, 40);
    st_context *context = st_context_with_warnings(&warnings);
    st_decision decision = st_decide_for(context, &request, NULL, &plan);
    assert_int_equal(plan.source, ST_SOURCE_TABLE);
    assert_int_equal(plan.choice.mk, 0);
    assert_int_equal(plan.choice.ctile, 1024);
    assert_near(decision.proposals[1].score, score_by_hand(context, &request, &decision.proposals[0].choice, &plan.choice, 0.1));
    assert_non_null(strstr(st_explanation(context, &request, NULL), "tuner.json entry 1"));
    /* Not for the columns that the entry is not for. */
    const st_rank_request longer = st_request_for(ST_TOPK, 8, 100001, 40);
    st_decide_for(context, &longer, NULL, &plan);
    assert_int_equal(plan.source, ST_SOURCE_FALLBACK);
    st_context_destroy(context);
    st_set_variable("SPIRAL_HEUR_K", "ctile: 2048");
    context = st_context_with_warnings(&warnings);
    decision = st_decide_for(context, &request, NULL, &plan);
    assert_int_equal(plan.source, ST_SOURCE_DSL);
    assert_int_equal(plan.choice.mk, 0);
    assert_int_equal(plan.choice.ctile, 2048);
    assert_int_equal(st_proposal_of(&decision, ST_SOURCE_TABLE)->choice.ctile, 2048);
    st_context_destroy(context);
}

/* Measured elsewhere, the same entry is a hint: soft rules of little weight, and the explanation says what differs. */
static void test_a_stale_table_is_a_hint(void **state) {
    (void)state;
    need_tables();
    static const struct {
        struct stranger stranger;
        const char *said;
    } cases[] = {{{.device = "Another CPU"}, "measured with device Another CPU, which is "},
                 {{.driver = "1.0"}, "measured with driver 1.0, which is not named here"},
                 {{.isa = "other"}, "measured with instruction set other, which is "},
                 {{.kernel_hash = "1"}, "measured with kernel hash 0000000000000001, which is "},
                 {{.device = ""}, "does not say which device"}};
    const st_rank_request request = st_request_for(ST_TOPK, 8, 60000, 40);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        /* As it is, with a rule beside it, with soft rules off, installed with trust, and one that the model does not mind. */
        for (int turn = 0; turn < 5; turn++) {
            st_test_warnings warnings;
            st_plan plan;
            install(&cases[i].stranger, turn == 4 ? "\"mk\":2,\"mkd\":4,\"ctile\":8192" : "\"mk\":0,\"mkd\":3,\"ctile\":1024", turn == 3);
            st_set_variable("SPIRAL_HEUR_K", turn == 1 ? "soft(ctile, 2048, 0.06, 1)" : NULL);
            st_set_variable("SPIRAL_HEUR_SOFT", turn == 2 ? "0" : NULL);
            st_context *context = st_context_with_warnings(&warnings);
            const st_decision decision = st_decide_for(context, &request, NULL, &plan);
            const char *text = st_explanation(context, &request, NULL);
            if (turn == 3) {
                assert_int_equal(plan.source, ST_SOURCE_TABLE);
                assert_int_equal(decision.note_count, 0);
            } else {
                assert_null(st_proposal_of(&decision, ST_SOURCE_TABLE));
                assert_int_equal(decision.note_count, 1);
                if (strstr(decision.notes[0], cases[i].said) == NULL) fail_msg("\"%s\" is not in: %s", cases[i].said, decision.notes[0]);
                assert_non_null(strstr(text, turn == 2 ? "not heard" : "a hint alone"));
            }
            if (turn == 2) {
                assert_int_equal(plan.source, ST_SOURCE_FALLBACK);
            } else if (turn != 3) {
                const st_proposal *hint = st_proposal_of(&decision, ST_SOURCE_SOFTLOGIC);
                const st_choice *choice = &hint->choice;
                assert_int_equal(plan.source, turn == 0 ? ST_SOURCE_FALLBACK : ST_SOURCE_SOFTLOGIC); /* alone it must not look slower */
                assert_int_equal(choice->mk == ST_MK_BITONIC, turn != 4);
                assert_int_equal(choice->ctile, turn == 0 ? 1024 : turn == 1 ? 2048 : 8192);
                const double bonus = turn == 0 ? 3 * ST_HINT_WEIGHT : turn == 1 ? 2 * ST_HINT_WEIGHT + 0.06 : 3 * ST_HINT_WEIGHT;
                assert_near(hint->score, score_by_hand(context, &request, &decision.proposals[0].choice, choice, bonus));
                assert_int_equal(hint->score < 0, turn != 4);
                assert_int_equal(hint->mark_count, turn == 1 ? 2 : 1);
            }
            st_context_destroy(context);
        }
}

/* In one table what was measured here is C, and what was measured elsewhere is not heard beside it, however much it says. */
static void test_measured_here_beats_hints(void **state) {
    (void)state;
    need_tables();
    static const struct stranger elsewhere = {.device = "Another CPU"};
    st_test_warnings warnings;
    st_plan plan;
    for (int order = 0; order < 2; order++) {
        char text[4096] = "[";
        write_entry(text, sizeof text, order ? &here : &elsewhere, order ? "\"mk\":0,\"mkd\":3" : "\"mk\":3,\"mkd\":0,\"kl\":2,\"ctile\":512");
        strcat(text, ",");
        write_entry(text, sizeof text, order ? &elsewhere : &here, order ? "\"mk\":3,\"mkd\":0,\"kl\":2,\"ctile\":512" : "\"mk\":0,\"mkd\":3");
        strcat(text, "]");
        st_install_table_text(text, 0);
        st_context *context = st_context_with_warnings(&warnings);
        const st_rank_request request = st_request_for(ST_TOPK, 8, 60000, 40);
        const st_decision decision = st_decide_for(context, &request, NULL, &plan);
        assert_int_equal(plan.source, ST_SOURCE_TABLE);
        assert_int_equal(plan.choice.mk, 0);
        assert_int_equal(decision.note_count, 0);
        assert_int_equal(decision.proposal_count, 2);
        /* For other caps than the device's, the same entry is a hint, and one that the model holds for slow. */
        st_device_caps caps = context->registry.items[0].info.caps;
        caps.l2_cache += 4096;
        const st_decision other = st_decide_for(context, &request, &caps, &plan);
        assert_int_equal(plan.source, ST_SOURCE_FALLBACK);
        assert_true(st_proposal_of(&other, ST_SOURCE_SOFTLOGIC)->score < 0);
        assert_int_equal(other.note_count, 1);
        assert_non_null(strstr(other.notes[0], "the plan is for other caps"));
        st_context_destroy(context);
    }
}

/* A context hears what its options say, also when it is told to look again. */
static void test_what_a_context_hears(void **state) {
    (void)state;
    need_tables();
    static const struct {
        int32_t heuristics, source;
    } cases[] = {{ST_HEURISTICS_ALL, ST_SOURCE_DSL}, {ST_HEURISTICS_TABLE, ST_SOURCE_TABLE}, {ST_HEURISTICS_NONE, ST_SOURCE_FALLBACK}};
    const st_rank_request request = st_request_for(ST_TOPK, 8, 60000, 40);
    install(&here, "\"mk\":0,\"mkd\":3", 0);
    st_set_variable("SPIRAL_HEUR_K", "mk: 3");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const st_context_options options = {.struct_size = sizeof options, .threads = 1, .heuristics = cases[i].heuristics};
        st_context *context = NULL;
        assert_int_equal(st_context_create(&options, &context), ST_OK);
        for (int again = 0; again < 2; again++) {
            st_plan plan;
            assert_int_equal(st_plan_request(context, &request, "cpu", NULL, &plan), ST_OK);
            assert_int_equal(plan.source, cases[i].source);
            assert_int_equal(st_context_reload(context), ST_OK);
        }
        st_context_destroy(context);
    }
    for (int32_t wrong = -1; wrong <= 3; wrong += 4) {
        const st_context_options options = {.struct_size = sizeof options, .heuristics = wrong};
        st_context *context = NULL;
        assert_int_equal(st_context_create(&options, &context), ST_E_ARGUMENT);
        assert_non_null(strstr(st_last_message(), "options.heuristics"));
    }
}

/* A table that comes, goes, and cannot be read, as the context is told to look again. */
static void test_reload_of_the_table(void **state) {
    (void)state;
    need_tables();
    st_test_warnings warnings;
    st_plan plan;
    const st_rank_request request = st_request_for(ST_TOPK, 8, 60000, 40);
    st_context *context = st_context_with_warnings(&warnings);
    static const int32_t sources[] = {ST_SOURCE_FALLBACK, ST_SOURCE_TABLE, ST_SOURCE_TABLE, ST_SOURCE_FALLBACK, ST_SOURCE_FALLBACK};
    for (int turn = 0; turn < 5; turn++) {
        if (turn == 1) install(&here, "\"mk\":0,\"mkd\":3", 0);
        if (turn == 2) install(&here, "\"mk\":3,\"mkd\":0", 0);
        if (turn == 3) st_put_state_file("tuner.json", "[{]");
        if (turn == 4) assert_int_equal(st_table_remove_installed(), ST_OK);
        assert_int_equal(st_context_reload(context), ST_OK);
        assert_int_equal(st_plan_request(context, &request, "cpu", NULL, &plan), ST_OK);
        assert_int_equal(plan.source, sources[turn]);
        if (turn == 1 || turn == 2) assert_int_equal(plan.choice.mk, turn == 1 ? 0 : 3);
        assert_int_equal(warnings.count, turn >= 3);
        assert_int_equal(strstr(st_explanation(context, &request, NULL), "table is not used") != NULL, turn == 3);
    }
    st_context_destroy(context);
}

/* ---- a registered backend ---- */

static st_status odd_device(void *self, st_device_info *info) {
    (void)self;
    snprintf(info->id, sizeof info->id, "odd");
    snprintf(info->name, sizeof info->name, "Odd device");
    info->available = 1;
    info->caps = st_caps_wgpu(32, 1, 256);
    return ST_OK;
}
static int32_t odd_legal(void *self, int32_t kind, int32_t mk, int32_t mkd) {
    (void)self;
    return kind != ST_WINDOW && mk == ST_MK_SHARED && mkd <= ST_MKD_HEAP;
}
static void odd_describe(void *self, const st_rank_request *request, const st_choice *choice, const st_device_caps *caps, char name[64]) {
    (void)self, (void)request, (void)choice, (void)caps;
    snprintf(name, 64, "odd/kernel");
}
static double odd_estimate(void *self, const st_rank_request *request, const st_choice *choice, const st_device_caps *caps) {
    (void)self, (void)request, (void)caps;
    return choice->mkd == ST_MKD_HEAP ? NAN : 100;
}
static int32_t odd_candidates(void *self, const st_rank_request *request, const st_device_caps *caps, st_choice *choices, int32_t capacity) {
    (void)self, (void)request, (void)caps;
    if (capacity > 0) choices[0] = (st_choice){.mk = ST_MK_SHARED, .wg = 64, .kl = 1, .tile = 64, .ctile = 64};
    return 1;
}
static uint64_t odd_hash(void *self) { return self == NULL; }
static void odd_normalise(void *self, const st_rank_request *request, const st_device_caps *caps, st_choice *choice) {
    (void)self, (void)request, (void)caps, (void)choice;
}
static uint64_t odd_workspace(void *self, const st_plan *plan, const st_backend_services *services) {
    (void)self, (void)plan, (void)services;
    return 0;
}
static st_status odd_run(void *self, const st_plan *plan, const st_rank_buffers *buffers, const st_backend_services *services) {
    (void)self, (void)plan, (void)buffers, (void)services;
    return ST_OK;
}

/* Rules reach a registered backend too, and cannot leave it with a pair that it has no kernel for. */
static void test_registered_backend(void **state) {
    (void)state;
    st_test_warnings warnings;
    st_plan plan;
    const st_backend odd = {.struct_size = sizeof odd, .name = "odd", .device = odd_device, .legal = odd_legal, .describe = odd_describe,
                            .estimate = odd_estimate, .candidates = odd_candidates, .kernel_hash = odd_hash, .normalise = odd_normalise,
                            .workspace = odd_workspace, .run = odd_run};
    static const struct {
        const char *program;
        int32_t source, mkd, kl;
    } cases[] = {{NULL, ST_SOURCE_FALLBACK, 0, 1},
                 {"kl: 5; mkd: sel(device(\"odd Odd\"), 1, 6)", ST_SOURCE_DSL, 1, 5},
                 {"kl: 5; mk: 3", ST_SOURCE_FALLBACK, 0, 1},
                 {"soft(mkd, 1, 1, 1)", ST_SOURCE_SOFTLOGIC, 1, 1},
                 {"soft(mk, 2, 1, 1)", ST_SOURCE_FALLBACK, 0, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        st_set_variable("SPIRAL_HEUR_K", cases[i].program);
        st_context *context = st_context_with_warnings(&warnings);
        assert_int_equal(st_register_backend(context, &odd), ST_OK);
        st_rank_request request = st_request_for(ST_TOPK, 8, 60000, 40);
        assert_int_equal(st_plan_request(context, &request, "odd", NULL, &plan), ST_OK);
        assert_int_equal(plan.source, cases[i].source);
        assert_int_equal(plan.choice.mk, ST_MK_SHARED);
        assert_int_equal(plan.choice.mkd, cases[i].mkd);
        assert_int_equal(plan.choice.kl, cases[i].kl);
        char text[8192];
        uint64_t length;
        assert_int_equal(st_plan_explain(context, &request, "odd", NULL, 0, text, sizeof text, &length), ST_OK);
        const int is_refused = cases[i].program != NULL && cases[i].source == ST_SOURCE_FALLBACK;
        assert_int_equal(strstr(text, "odd has no kernel for mk") != NULL, is_refused);
        request = st_request_for(ST_WINDOW, 8, 60000, 40);
        assert_int_equal(st_plan_request(context, &request, "odd", NULL, &plan), ST_E_UNSUPPORTED);
        st_context_destroy(context);
    }
}

/* More candidates than a plan looks at: 300, of which candidate i has ctile 64 + i / 4 and kl 1 + i / 256. */
static int32_t many_candidates(void *self, const st_rank_request *request, const st_device_caps *caps, st_choice *choices, int32_t capacity) {
    (void)self, (void)request, (void)caps;
    for (int32_t i = 0; i < 300 && i < capacity; i++)
        choices[i] = (st_choice){.mk = ST_MK_SHARED, .wg = 64, .kl = 1 + i / 256, .tile = 64, .ctile = 64 + i / 4};
    return 300;
}

static void test_many_candidates(void **state) {
    (void)state;
    st_test_warnings warnings;
    st_plan plan;
    char text[8192];
    uint64_t length;
    const st_backend odd = {.struct_size = sizeof odd, .name = "odd", .device = odd_device, .legal = odd_legal, .describe = odd_describe,
                            .estimate = odd_estimate, .candidates = many_candidates, .kernel_hash = odd_hash,
                            .normalise = odd_normalise, .workspace = odd_workspace, .run = odd_run};
    static const struct {
        const char *program;
        int32_t ctile, kl;
    } cases[] = {{"penalty_if(ctile < 100, 1)", 100, 1},   /* of candidate 144 */
                 {"penalty_if(ctile < 127, 1)", 127, 1},   /* of candidates 252 to 255, the 64th value */
                 {"penalty_if(ctile < 128, 1)", 64, 1},    /* the first that is not looked at */
                 {"penalty_if(kl < 2, 1)", 64, 1},
                 {"soft(kl, 2, 1, ctile < 70)", 64, 2}};   /* a rule's own value is always among them */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        st_set_variable("SPIRAL_HEUR_K", cases[i].program);
        st_context *context = st_context_with_warnings(&warnings);
        assert_int_equal(st_register_backend(context, &odd), ST_OK);
        const st_rank_request request = st_request_for(ST_TOPK, 8, 60000, 40);
        assert_int_equal(st_plan_request(context, &request, "odd", NULL, &plan), ST_OK);
        assert_int_equal(plan.choice.ctile, cases[i].ctile);
        assert_int_equal(plan.choice.kl, cases[i].kl);
        assert_int_equal(st_plan_explain(context, &request, "odd", NULL, 0, text, sizeof text, &length), ST_OK);
        assert_non_null(strstr(text, "rules choose among the values of odd's first 256 candidates; it has 300"));
        st_context_destroy(context);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nobody_speaks, st_forget_heuristics),
        cmocka_unit_test_setup(test_soft_rules_off, st_forget_heuristics),
        cmocka_unit_test_setup(test_modes, st_forget_heuristics),
        cmocka_unit_test_setup(test_penalties_alone, st_forget_heuristics),
        cmocka_unit_test_setup(test_scores, st_forget_heuristics),
        cmocka_unit_test_setup(test_a_tie_goes_to_the_rules, st_forget_heuristics),
        cmocka_unit_test_setup(test_table_alone, st_forget_heuristics),
        cmocka_unit_test_setup(test_a_stale_table_is_a_hint, st_forget_heuristics),
        cmocka_unit_test_setup(test_measured_here_beats_hints, st_forget_heuristics),
        cmocka_unit_test_setup(test_what_a_context_hears, st_forget_heuristics),
        cmocka_unit_test_setup(test_reload_of_the_table, st_forget_heuristics),
        cmocka_unit_test_setup(test_registered_backend, st_forget_heuristics),
        cmocka_unit_test_setup(test_many_candidates, st_forget_heuristics),
    };
    return cmocka_run_group_tests(tests, st_open_state_folder, st_close_state_folder);
}
