/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_softlogic.c - SoftLogic against trying everything, in every mode; its order among equals; its bounds. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "random_elements.h"
#include "spiralk/softlogic.h"

static st_random rng;

/* ---- one program, prepared, and solved in blocks of exactly the bytes that are asked for ---- */

struct rules {
    st_spiralk *program;
    char *workspace;
    st_prepared prepared;
};

static void open_rules(struct rules *rules, const char *text) {
    const st_device_caps caps = st_caps_wgpu(32, 1, 256);
    st_rank_request request;
    st_spiralk_facts facts = {.struct_size = sizeof facts};
    st_rank_request_init(&request, ST_TOPK, 8, 65536, 64);
    assert_int_equal(st_spiralk_facts_of(&request, &caps, "test", &facts), ST_OK);
    if (st_spiralk_compile(NULL, text, strlen(text), &rules->program, NULL) != ST_OK) fail_msg("\"%s\": %s", text, st_last_message());
    const size_t bytes = st_prepare_bytes(rules->program);
    int64_t work = 0;
    rules->workspace = malloc(bytes + 1);
    assert_non_null(rules->workspace);
    assert_int_equal(st_prepare(rules->program, &facts, rules->workspace + 1, bytes, &work, &rules->prepared), ST_OK);
}

static void close_rules(struct rules *rules) {
    free(rules->workspace);
    st_spiralk_free(rules->program);
}

static st_soft_answer solve(const st_soft_problem *problem) {
    st_soft_answer answer;
    const size_t bytes = st_soft_bytes(problem);
    char *workspace = malloc(bytes + 1);
    assert_non_null(workspace);
    memset(workspace, 0xa5, bytes + 1);
    assert_int_equal(st_soft_solve(problem, workspace + 1, bytes, &answer), ST_OK);
    free(workspace);
    return answer;
}

static st_soft_problem problem_of(const st_prepared *const *prepared, int32_t mode) {
    return (st_soft_problem){.prepared = prepared, .prepared_count = 1, .mode = mode, .width = ST_SOFT_WIDTH, .work = ST_RULE_WORK};
}

static st_soft_answer solve_text(const char *text, const st_choice *incumbent, int32_t mode) {
    struct rules rules;
    open_rules(&rules, text);
    const st_prepared *prepared = &rules.prepared;
    st_soft_problem problem = problem_of(&prepared, mode);
    if (incumbent != NULL) problem.incumbent = *incumbent;
    const st_soft_answer answer = solve(&problem);
    close_rules(&rules);
    return answer;
}

/* ---- by hand ---- */

static void test_formulas(void **state) {
    (void)state;
    static const char text[] = "soft(mk, 2, 0.5, 1); soft(tile, 64, 0.25, mk == 2); penalty_if(mk == 2 && tile == 64, 0.125);"
                               "soft(wg, 0, -1, 1); soft(kl, 3, 9, 0)";
    st_soft_answer answer = solve_text(text, NULL, ST_SOFT_SUM);
    assert_true(answer.choice.mk == 2 && answer.choice.tile == 64 && answer.exact);
    assert_true(answer.choice.wg == 0 && answer.choice.kl == 0); /* there is no other wg */
    assert_true(answer.score == 0.5 + 0.25 - 0.125 - 1);
    answer = solve_text(text, NULL, ST_SOFT_NORMALIZE);
    assert_true(fabs(answer.score - (0.5 + 0.25 - 0.125 - 1) / 1.875) < 1e-15);
    answer = solve_text(text, NULL, ST_SOFT_SOFTMAX);
    const double sum = exp(0.5) + exp(0.25) + exp(0.125) + exp(1);
    assert_true(fabs(answer.score - (exp(0.5) + exp(0.25) - exp(0.125) - exp(1)) / sum) < 1e-15);
    answer = solve_text(text, NULL, ST_SOFT_PROB);
    assert_true(fabs(answer.score - ((1 - 0.5 * 0.75) - (1 - 0.875 * 0))) < 1e-15);

    /* No rule at all: the incumbent. */
    const st_choice incumbent = {.mk = 1, .tile = 512, .radix = 4};
    for (int32_t mode = ST_SOFT_SUM; mode <= ST_SOFT_PROB; mode++) {
        answer = solve_text("", &incumbent, mode);
        assert_true(memcmp(&answer.choice, &incumbent, sizeof incumbent) == 0 && answer.score == 0 && answer.exact);
        answer = solve_text("soft(mk, 2, 0, 1)", &incumbent, mode);
        assert_true(answer.choice.mk == 1 && answer.score == 0);
    }
    assert_true(solve_text("soft(mk, 2, 1e300, 1); penalty_if(mk == 2, 1e300)", NULL, ST_SOFT_SUM).score == 0);
    assert_true(solve_text("soft(mk, 2, 1e300, 1)", NULL, ST_SOFT_SUM).score == 1e6);
    assert_true(solve_text("soft(mk, 2, 1e300, 1)", NULL, ST_SOFT_SOFTMAX).score == 1);
}

static void test_values_join_the_domain(void **state) {
    (void)state;
    struct rules rules;
    open_rules(&rules, "soft(tile, 1e9, 1, 1); soft(wg, 7.9, 1, 1); penalty_if(ctile < 100, 1); penalty_if(ctile > 300, 1)");
    const st_prepared *prepared = &rules.prepared;
    const int32_t ctiles[] = {512, 64, 128, 256, 128};
    const st_soft_wish wishes[] = {{ST_FIELD_KL, 5, 0.5}, {ST_FIELD_KL, 6, 0.25}};
    st_soft_problem problem = problem_of(&prepared, ST_SOFT_SUM);
    problem.wishes = wishes;
    problem.wish_count = 2;
    problem.values[ST_FIELD_CTILE] = ctiles;
    problem.value_counts[ST_FIELD_CTILE] = 5;
    st_soft_answer answer = solve(&problem);
    assert_true(answer.choice.tile == 1 << 20 && answer.choice.wg == 7 && answer.choice.ctile == 128 && answer.choice.kl == 5);
    assert_true(answer.score == 2.5);
    /* Among equals the incumbent's value wins, and else the lower. */
    problem.incumbent.ctile = 256;
    answer = solve(&problem);
    assert_int_equal(answer.choice.ctile, 256);
    /* A fixed field keeps its value, and rules see it. */
    problem.fixed = 1u << ST_FIELD_CTILE | 1u << ST_FIELD_WG;
    problem.incumbent.ctile = 512;
    answer = solve(&problem);
    assert_true(answer.choice.ctile == 512 && answer.choice.wg == 0 && answer.score == 0.5);
    close_rules(&rules);
}

static void test_modes_have_names(void **state) {
    (void)state;
    assert_int_equal(st_soft_mode_of("sum"), ST_SOFT_SUM);
    assert_int_equal(st_soft_mode_of("normalize"), ST_SOFT_NORMALIZE);
    assert_int_equal(st_soft_mode_of("softmax"), ST_SOFT_SOFTMAX);
    assert_int_equal(st_soft_mode_of("prob"), ST_SOFT_PROB);
    assert_int_equal(st_soft_mode_of("Sum"), -1);
    assert_int_equal(st_soft_mode_of(""), -1);
}

/* ---- against trying everything ---- */

enum { FIELDS = 5, MOST_VALUES = 5, MOST_RANDOM = 14 };

static const int32_t tested[FIELDS] = {ST_FIELD_MK, ST_FIELD_MKD, ST_FIELD_KL, ST_FIELD_TILE, ST_FIELD_CTILE};
static const char *const names[FIELDS] = {"mk", "mkd", "kl", "tile", "ctile"};

/* A rule as the test understands it: field -1 is a penalty; the condition compares tested fields a and b with numbers. */
struct random_rule {
    int field, a, b, form;
    int32_t value, x, y;
    double weight;
};

struct trial {
    struct random_rule rules[MOST_RANDOM];
    int count;
    int32_t values[FIELDS][MOST_VALUES + 1 + MOST_RANDOM];
    int counts[FIELDS];
    int32_t incumbent[FIELDS];
    int32_t mode;
};

static int condition_of(const struct random_rule *rule, const int32_t *fields) {
    const int32_t a = fields[rule->a], b = fields[rule->b];
    switch (rule->form) {
        case 0: return 1;
        case 1: return a == rule->x;
        case 2: return a > rule->x && b < rule->y;
        case 3: return a + b > rule->x;
        case 4: return a != 0 && b % (a > 0 ? a : 1) == 0;
        default: return !(a < rule->x) || b == rule->y;
    }
}

static void say_condition(const struct random_rule *rule, char *text, size_t bytes) {
    const char *a = names[rule->a], *b = names[rule->b];
    switch (rule->form) {
        case 0: snprintf(text, bytes, "r == 8"); return;
        case 1: snprintf(text, bytes, "%s == %d", a, rule->x); return;
        case 2: snprintf(text, bytes, "wgpu && %s > %d && %s < %d", a, rule->x, b, rule->y); return;
        case 3: snprintf(text, bytes, "sel(cpu, tile, %s + %s) > %d", a, b, rule->x); return;
        case 4: snprintf(text, bytes, "%s != 0 && %s %% max(%s, 1) == 0 || int", a, b, a); return;
        default: snprintf(text, bytes, "!(%s < %d) || %s == %d", a, rule->x, b, rule->y); return;
    }
}

static double score_in(const struct trial *trial, const int32_t *fields) {
    double up = 0, reward = 1, penalty = 1, sizes = 0, powers = 0;
    for (int i = 0; i < trial->count; i++) {
        sizes += fabs(trial->rules[i].weight);
        powers += exp(fabs(trial->rules[i].weight));
    }
    for (int i = 0; i < trial->count; i++) {
        const struct random_rule *rule = &trial->rules[i];
        if ((rule->field >= 0 && fields[rule->field] != rule->value) || !condition_of(rule, fields)) continue;
        const double u = rule->field >= 0 ? rule->weight : -rule->weight;
        if (trial->mode == ST_SOFT_SUM) up += u;
        if (trial->mode == ST_SOFT_NORMALIZE && sizes > 0) up += u / sizes;
        if (trial->mode == ST_SOFT_SOFTMAX) up += (u > 0 ? 1 : u < 0 ? -1 : 0) * exp(fabs(u)) / powers;
        if (u > 0) reward *= 1 - fmin(u, 1);
        if (u < 0) penalty *= 1 - fmin(-u, 1);
    }
    return trial->mode == ST_SOFT_PROB ? (1 - reward) - (1 - penalty) : up;
}

static int32_t random_value(int field) {
    static const int32_t most[FIELDS] = {3, 6, 9, 12, 12};
    return (int32_t)st_random_below(&rng, (uint64_t)most[field] + 1);
}

/* The field's values: the incumbent's first, the others ascending. */
static void add_value(struct trial *trial, int field, int32_t value) {
    int at = trial->counts[field];
    for (int i = 0; i < at; i++)
        if (trial->values[field][i] == value) return;
    for (; at > 1 && trial->values[field][at - 1] > value; at--) trial->values[field][at] = trial->values[field][at - 1];
    trial->values[field][at] = value;
    trial->counts[field]++;
}

/* Goes through all Choices in the order in which equals are preferred. */
static double try_all(const struct trial *trial, int field, int32_t *fields, int32_t *best, double best_score) {
    if (field == FIELDS) {
        const double score = score_in(trial, fields);
        if (!(score > best_score)) return best_score;
        memcpy(best, fields, FIELDS * sizeof *fields);
        return score;
    }
    for (int i = 0; i < trial->counts[field]; i++) {
        fields[field] = trial->values[field][i];
        best_score = try_all(trial, field + 1, fields, best, best_score);
    }
    return best_score;
}

static void random_trial(struct trial *trial, struct rules *rules, st_soft_problem *problem, int32_t given[FIELDS][MOST_VALUES],
                         const st_prepared **prepared) {
    char text[8192];
    size_t length = 0;
    memset(trial, 0, sizeof *trial);
    trial->mode = (int32_t)st_random_below(&rng, 4);
    trial->count = (int)st_random_below(&rng, MOST_RANDOM + 1);
    text[0] = '\0';
    *prepared = &rules->prepared;
    *problem = problem_of(prepared, trial->mode);
    for (int field = 0; field < FIELDS; field++) {
        trial->incumbent[field] = random_value(field);
        st_choice_set(&problem->incumbent, tested[field], trial->incumbent[field]);
        add_value(trial, field, trial->incumbent[field]);
        const int count = (int)st_random_below(&rng, MOST_VALUES + 1);
        for (int i = 0; i < count; i++) {
            given[field][i] = random_value(field);
            add_value(trial, field, given[field][i]);
        }
        problem->values[tested[field]] = given[field];
        problem->value_counts[tested[field]] = count;
    }
    for (int i = 0; i < trial->count; i++) {
        struct random_rule *rule = &trial->rules[i];
        char condition[256];
        rule->field = (int)st_random_below(&rng, FIELDS + 2) - 2;
        if (rule->field < 0) rule->field = -1;
        rule->a = (int)st_random_below(&rng, FIELDS);
        rule->b = (int)st_random_below(&rng, FIELDS);
        rule->form = (int)st_random_below(&rng, 6);
        rule->x = random_value(rule->a);
        rule->y = random_value(rule->b);
        rule->weight = (double)st_random_between(&rng, -6, 8) / 8; /* sums of eighths are exact */
        say_condition(rule, condition, sizeof condition);
        if (rule->field >= 0) {
            rule->value = random_value(rule->field);
            add_value(trial, rule->field, rule->value);
            length += (size_t)snprintf(text + length, sizeof text - length, "soft(%s, %d, %g, %s)\n", names[rule->field],
                                       rule->value, rule->weight, condition);
        } else {
            length += (size_t)snprintf(text + length, sizeof text - length, "penalty_if(%s, %g)\n", condition, rule->weight);
        }
        assert_true(length < sizeof text);
    }
    open_rules(rules, text);
}

static void fields_of(const st_choice *choice, int32_t fields[FIELDS]) {
    for (int field = 0; field < FIELDS; field++) fields[field] = st_choice_get(choice, tested[field]);
}

static void test_against_trying_everything(void **state) {
    (void)state;
    st_random_seed(&rng, 20261123);
    int exact_when_narrow = 0, cut = 0;
    for (int i = 0; i < 3000; i++) {
        struct trial trial;
        struct rules rules;
        st_soft_problem problem;
        const st_prepared *prepared;
        int32_t given[FIELDS][MOST_VALUES], fields[FIELDS], best[FIELDS], found[FIELDS];
        random_trial(&trial, &rules, &problem, given, &prepared);
        const double highest = try_all(&trial, 0, fields, best, -INFINITY);
        const double incumbent = score_in(&trial, trial.incumbent);

        st_soft_answer answer = solve(&problem);
        fields_of(&answer.choice, found);
        if (fabs(answer.score - score_in(&trial, found)) > 1e-12) fail_msg("trial %d: the score is not that of the choice", i);
        if (answer.score > highest + 1e-12) fail_msg("trial %d: the score exceeds the highest", i);
        if (answer.exact && answer.score < highest - 1e-12)
            fail_msg("trial %d, mode %d: %g is called exact, but %g can be had", i, trial.mode, answer.score, highest);
        if (answer.exact && trial.mode == ST_SOFT_SUM && memcmp(found, best, sizeof best) != 0)
            fail_msg("trial %d: of equals, another is preferred", i);
        assert_true(answer.work <= ST_RULE_WORK);
        int64_t product = 1;
        for (int field = 0; field < FIELDS; field++) product *= trial.counts[field];
        if (trial.mode != ST_SOFT_PROB && product <= 256) assert_true(answer.exact);

        for (int32_t width = 1; width <= 16; width *= 4) {
            problem.width = width;
            answer = solve(&problem);
            fields_of(&answer.choice, found);
            assert_true(fabs(answer.score - score_in(&trial, found)) <= 1e-12);
            assert_true(answer.score <= highest + 1e-12 && answer.score >= incumbent - 1e-12);
            if (answer.exact) assert_true(answer.score >= highest - 1e-12);
            exact_when_narrow += answer.exact;
            cut += !answer.exact;
            const st_soft_answer again = solve(&problem);
            assert_memory_equal(&again.choice, &answer.choice, sizeof again.choice);
        }
        close_rules(&rules);
    }
    assert_true(exact_when_narrow > 500 && cut > 500); /* both were met often */
}

/* Neighbours alone are coupled, so that few partial Choices differ in what is still to be read, however many there are. */
static void test_chains_are_exact(void **state) {
    (void)state;
    static const char *const chain[] = {"wg", "kl", "ch", "tile", "ctile"};
    char text[8192];
    size_t length = 0;
    for (int i = 0; i < 4; i++)
        for (int value = 0; value < 20; value++)
            length += (size_t)snprintf(text + length, sizeof text - length, "soft(%s, %d, %g, %s == %d)\n", chain[i], value,
                                       (value * 7 % 20) / 8.0, chain[i + 1], value * (i + 3) % 20);
    assert_true(length < sizeof text);
    const st_soft_answer answer = solve_text(text, NULL, ST_SOFT_SUM);
    /* The sum of four weights, each of one value that the next must follow. */
    double highest = 0;
    for (int32_t i = 0; i < 20 * 20 * 20 * 20; i++) {
        const int32_t v[5] = {i % 20, i / 20 % 20, i / 400 % 20, i / 8000, 0}; /* no rule gives ctile another value */
        double score = 0;
        for (int at = 0; at < 4; at++)
            if (v[at + 1] == v[at] * (at + 3) % 20) score += (v[at] * 7 % 20) / 8.0;
        if (score > highest) highest = score;
    }
    assert_true(answer.exact && answer.score == highest);
}

/* ---- bounds ---- */

static double solve_seconds(const char *text, const st_soft_problem *like, st_soft_answer *answer) {
    struct rules rules;
    struct timespec begin, end;
    open_rules(&rules, text);
    const st_prepared *prepared = &rules.prepared;
    st_soft_problem problem = *like;
    problem.prepared = &prepared;
    problem.prepared_count = 1;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    *answer = solve(&problem);
    clock_gettime(CLOCK_MONOTONIC, &end);
    close_rules(&rules);
    return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) * 1e-9;
}

/* Programs that would take long if they could. What they take is printed, and bounded by counted work. */
static void test_work_is_bounded(void **state) {
    (void)state;
    static const char *const pieces[] = {
        "soft(tile, 64*%d, 0.5, ctile > %d && wg < 3 && kl > 1)\n",
        "soft(tile, %d, 0.5, 1); soft(ctile, %d, 0.25, 1)\n",
        "penalty_if(tile > %d && ctile < %d + wg && ch > 1 && mk + mkd > 2, 0.25)\n",
        "penalty_if(log2(tile) > %d %% 7 + log2(ctile) + log2(wg) + log2(ch) + log2(kl), 0.0%d)\n",
        "penalty_if(tile %% 1e-300 + ctile %% 1e-301 + wg %% 1e-302 > %d, 0.0%d)\n",
        "soft(mk, %d %% 4, 0.125, mkd + use_2ce + wg + kl + ch + tile + ctile + midk + bottomk + radix > %d)\n",
    };
    static int32_t many[ST_SOFT_VALUES];
    for (int i = 0; i < ST_SOFT_VALUES; i++) many[i] = i * 3;
    for (int32_t mode = ST_SOFT_SUM; mode <= ST_SOFT_PROB; mode++)
        for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
            char *text = malloc(ST_SPIRALK_BYTES + 256);
            size_t length = 0;
            assert_non_null(text);
            for (int n = 1; n <= 800; n++) {
                char piece[256];
                const int bytes = snprintf(piece, sizeof piece, pieces[i], n, n);
                if (length + (size_t)bytes >= ST_SPIRALK_BYTES) break;
                memcpy(text + length, piece, (size_t)bytes + 1);
                length += (size_t)bytes;
            }
            st_soft_problem problem = {.mode = mode, .width = ST_SOFT_WIDTH, .work = ST_RULE_WORK};
            for (int32_t field = 0; field < ST_FIELDS; field++) {
                problem.values[field] = many;
                problem.value_counts[field] = field < 2 ? 4 : ST_SOFT_VALUES;
            }
            st_soft_answer answer;
            const double seconds = solve_seconds(text, &problem, &answer);
            print_message("mode %d, program %zu: %.0f us, work %lld, %s\n", mode, i, seconds * 1e6, (long long)answer.work,
                          answer.exact ? "exact" : "not exact");
            assert_true(answer.work < ST_RULE_WORK + 5000);
            assert_int_equal(answer.left_out, 0);
            free(text);
        }
}

/* However little work there is, and wherever it runs out, the answer is a legal one, and never below the incumbent. */
static void test_work_runs_out(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t most, step;
    } cases[] = {/* What long remainders take is known when they have been computed. */
                 {"soft(mk, 2, 1, tile % 1e-300 >= 0 && wg > 1); soft(wg, 64, 0.5, 1); penalty_if(tile % 1e-300 > 0, 0.5);"
                  "penalty_if(wg * 1e300 % 0.3 + ctile > kl, 0.25); soft(kl, 4, 0.25, wg == 64)",
                  ST_RULE_WORK, 499},
                 {"soft(mk, 2, 1, tile >= 300 && wg > 1); soft(wg, 64, 0.5, 1); penalty_if(tile > 600, 0.5);"
                  "penalty_if(wg + ctile > kl * 100, 0.25); soft(kl, 4, 0.25, wg == 64)",
                  4000, 3}};
    const int32_t tiles[] = {256, 512, 1024};
    int gave_up = 0, narrowed = 0, exact = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rules rules;
        open_rules(&rules, cases[i].text);
        const st_prepared *prepared = &rules.prepared;
        for (int32_t mode = ST_SOFT_SUM; mode <= ST_SOFT_PROB; mode++) {
            st_soft_problem problem = problem_of(&prepared, mode);
            problem.incumbent = (st_choice){.mk = 1, .wg = 32, .kl = 1, .tile = 777, .ctile = 64};
            problem.values[ST_FIELD_TILE] = problem.values[ST_FIELD_CTILE] = tiles;
            problem.value_counts[ST_FIELD_TILE] = problem.value_counts[ST_FIELD_CTILE] = 3;
            const st_soft_answer best = solve(&problem);
            assert_true(best.exact);
            double before = -INFINITY;
            for (problem.work = -10; problem.work < cases[i].most; problem.work += cases[i].step) {
                const st_soft_answer answer = solve(&problem);
                gave_up += answer.gave_up;
                narrowed += !answer.gave_up && !answer.exact;
                exact += answer.exact;
                assert_true(answer.gave_up ? memcmp(&answer.choice, &problem.incumbent, sizeof answer.choice) == 0 && answer.score == 0
                                           : answer.work <= problem.work && answer.score <= best.score);
                if (answer.exact) assert_true(answer.score == best.score);
                if (!answer.gave_up && before == -INFINITY) before = answer.score; /* the incumbent's, at least */
                if (!answer.gave_up) assert_true(answer.score >= before);
            }
        }
        close_rules(&rules);
    }
    assert_true(gave_up > 100 && narrowed > 100 && exact > 100);
}

static void test_too_many_rules(void **state) {
    (void)state;
    static st_soft_wish wishes[ST_SOFT_RULES + 10];
    for (int i = 0; i < ST_SOFT_RULES + 10; i++) wishes[i] = (st_soft_wish){ST_FIELD_TILE, i, i};
    const st_soft_problem problem = {.wishes = wishes, .wish_count = ST_SOFT_RULES + 10, .mode = ST_SOFT_SUM, .width = 1,
                                     .work = ST_RULE_WORK};
    const st_soft_answer answer = solve(&problem);
    assert_true(answer.left_out == 10 && answer.choice.tile == ST_SOFT_RULES - 1);
}

static void test_arguments(void **state) {
    (void)state;
    st_soft_problem problem = {.mode = ST_SOFT_SUM, .width = 8};
    st_soft_answer answer;
    char block[16384];
    assert_true(st_soft_bytes(&problem) <= sizeof block);
    assert_int_equal(st_soft_solve(&problem, block, st_soft_bytes(&problem) - 1, &answer), ST_E_CAPACITY);
    problem.mode = 4;
    assert_int_equal(st_soft_solve(&problem, block, sizeof block, &answer), ST_E_ARGUMENT);
    problem.mode = ST_SOFT_PROB;
    problem.width = 0;
    assert_int_equal(st_soft_solve(&problem, block, sizeof block, &answer), ST_E_ARGUMENT);
    problem.width = 2;
    problem.value_counts[3] = ST_SOFT_VALUES + 1;
    assert_int_equal(st_soft_solve(&problem, block, sizeof block, &answer), ST_E_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formulas),
        cmocka_unit_test(test_values_join_the_domain),
        cmocka_unit_test(test_modes_have_names),
        cmocka_unit_test(test_against_trying_everything),
        cmocka_unit_test(test_chains_are_exact),
        cmocka_unit_test(test_work_is_bounded),
        cmocka_unit_test(test_work_runs_out),
        cmocka_unit_test(test_too_many_rules),
        cmocka_unit_test(test_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
