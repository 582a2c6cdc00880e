/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_spiralk.c - programs are read as the language says, and evaluated right. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device/choice_fields.h"
#include "random_elements.h"
#include "spiraltorch/spiralk.h"

enum { MOST_RULES = 4096 };

static st_spiralk_hard hard[ST_FIELDS];
static st_spiralk_soft soft[MOST_RULES];
static int32_t rules;

static st_spiralk *compile(const char *text) {
    st_spiralk *program = NULL;
    if (st_spiralk_compile(NULL, text, strlen(text), &program, NULL) != ST_OK)
        fail_msg("\"%s\": %s", text, st_last_message());
    return program;
}

static st_spiralk_facts facts_of(int64_t rows, int64_t cols, int64_t k, int32_t subgroup) {
    const st_device_caps caps = st_caps_wgpu(32, subgroup, 256);
    st_rank_request request;
    st_spiralk_facts facts = {.struct_size = sizeof facts};
    st_rank_request_init(&request, ST_TOPK, rows, cols, k);
    assert_int_equal(st_spiralk_facts_of(&request, &caps, "wgpu:test", &facts), ST_OK);
    return facts;
}

static void run(const st_spiralk *program, const st_spiralk_facts *facts) {
    const uint64_t bytes = st_spiralk_workspace(program);
    /* A place without alignment, that ends with its allocation. */
    char *block = malloc(bytes + 1);
    assert_non_null(block);
    if (st_spiralk_evaluate(program, facts, block + 1, bytes, hard, soft, MOST_RULES, &rules) != ST_OK)
        fail_msg("%s", st_last_message());
    free(block);
}

static void evaluate(const char *text, const st_spiralk_facts *facts) {
    st_spiralk *program = compile(text);
    run(program, facts);
    st_spiralk_free(program);
}

/* The value of an expression, through a soft rule's weight, which nothing rounds. */
static double value_of(const char *expression, const st_spiralk_facts *facts) {
    char text[8192 + 32];
    snprintf(text, sizeof text, "soft(mk, 0, %s, 1)", expression);
    evaluate(text, facts);
    assert_int_equal(rules, 1);
    return soft[0].weight;
}

/* ---- the programs that the language was asked for with ---- */

static const char *const first_seed =
    "\n"
    "  # mk: 0=bitonic, 1=shared, 2=warp (subgroup path on WGPU)\n"
    "  mk:   sel(sg && (k<=128), 2, sel(k<=2048, 1, 0));\n"
    "  # mkd: sub-strategy (auto/heap/kway/bitonic/warp_heap/warp_bitonic)\n"
    "  mkd:  sel(mk==2,4, sel(mk==1,1,3));\n"
    "  # TopK sweeping tile\n"
    "  tile: sel(log2(c)>15.0, 2048,\n"
    "        sel(log2(c)>13.0, 1024,\n"
    "        sel(log2(c)>12.0,  512, 256)));\n"
    "  # Mid/Bottom compaction tile\n"
    "  ctile: sel(tile>=1024, tile/2, tile);\n"
    "\n"
    "  # Soft hints (gently bias the solver)\n"
    "  soft(mk,   2, 0.25, sg && (k<=128));\n"
    "  soft(mk,   1, 0.20, (k>128)&&(k<=2048));\n"
    "  soft(tile, 2048, 0.20, log2(c)>15.0);\n"
    "  soft(tile, 1024, 0.15, (log2(c)>13.0)&&(log2(c)<=15.0));\n";

static void test_first_seed(void **state) {
    (void)state;
    static const int64_t columns[] = {100, 4096, 4097, 8192, 8193, 32768, 32769, 1 << 20};
    static const int64_t widths[] = {1, 128, 129, 2048, 2049, 5000};
    st_spiralk *program = compile(first_seed);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        for (size_t j = 0; j < sizeof widths / sizeof widths[0]; j++)
            for (int32_t sg = 0; sg < 2; sg++) {
                const int64_t c = columns[i], k = widths[j];
                const st_spiralk_facts facts = facts_of(8, c, k, sg);
                run(program, &facts);
                const int32_t mk = sg && k <= 128 ? 2 : k <= 2048 ? 1 : 0;
                const int32_t tile = c > 32768 ? 2048 : c > 8192 ? 1024 : c > 4096 ? 512 : 256;
                assert_int_equal(hard[ST_FIELD_MK].value, mk);
                assert_int_equal(hard[ST_FIELD_MKD].value, mk == 2 ? 4 : mk == 1 ? 1 : 3);
                assert_int_equal(hard[ST_FIELD_TILE].value, tile);
                assert_int_equal(hard[ST_FIELD_CTILE].value, tile >= 1024 ? tile / 2 : tile);
                assert_int_equal(hard[ST_FIELD_CTILE].line, 11);
                assert_int_equal(hard[ST_FIELD_WG].line, 0);
                int32_t expected = 0;
                if (sg && k <= 128) {
                    assert_true(soft[expected].field == ST_FIELD_MK && soft[expected].value == 2 && soft[expected].weight == 0.25);
                    assert_int_equal(soft[expected++].line, 14);
                }
                if (k > 128 && k <= 2048) assert_true(soft[expected++].weight == 0.20);
                if (c > 32768) assert_true(soft[expected].value == 2048 && soft[expected++].field == ST_FIELD_TILE);
                if (c > 8192 && c <= 32768) assert_true(soft[expected].value == 1024 && soft[expected++].weight == 0.15);
                assert_int_equal(rules, expected);
                for (int32_t rule = 0; rule < rules; rule++) assert_int_equal(soft[rule].conditional, 0);
            }
    st_spiralk_free(program);
}

static void test_second_seeds(void **state) {
    (void)state;
    st_spiralk_facts facts = facts_of(1, 32769, 128, 0);
    evaluate("u2:(c>32768)||(k>128); ch:sel(c>16384,8192,0)", &facts);
    assert_int_equal(hard[ST_FIELD_USE_2CE].value, 1);
    assert_int_equal(hard[ST_FIELD_CH].value, 8192);
    facts = facts_of(1, 16384, 128, 0);
    evaluate("u2:(c>32768)||(k>128); ch:sel(c>16384,8192,0)", &facts);
    assert_true(hard[ST_FIELD_USE_2CE].value == 0 && hard[ST_FIELD_USE_2CE].line == 1);
    assert_true(hard[ST_FIELD_CH].value == 0 && hard[ST_FIELD_CH].line == 1);
    evaluate("wg:sel(c>32768,256,128); tile:sel(c>65536,4096,2048)", &facts);
    assert_int_equal(hard[ST_FIELD_WG].value, 128);
    assert_int_equal(hard[ST_FIELD_TILE].value, 2048);
    evaluate("kl: 4; algo: 3", &facts);
    assert_int_equal(hard[ST_FIELD_KL].value, 4);
}

static void test_the_older_algorithm(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int32_t mk, mkd; /* -1: not decided */
    } cases[] = {
        {"algo: 0", -1, -1},          {"algo: 1", 1, 1},           {"algo: 2", 0, 3},
        {"algo: 3", 1, 2},            {"algo: 1; mk: 2", 2, 4},    {"mk: 2; algo: 2", 2, 5},
        {"mk: 0; algo: 1", 0, -1},    {"mkd: 4; algo: 1", 2, 4},   {"mk: 2; mkd: 5; algo: 1", 2, 5},
        {"mkd: 0; algo: 3", 1, 0},    {"mk: 3; algo: 3", 3, -1},   {"algo: 7", -1, -1},
        {"algo: 1; algo: 2.9", 0, 3}, {"algo: 2; mk: algo", 2, 5}, {"algo: -1", -1, -1},
    };
    const st_spiralk_facts facts = facts_of(1, 100, 10, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        evaluate(cases[i].text, &facts);
        if ((hard[ST_FIELD_MK].line ? hard[ST_FIELD_MK].value : -1) != cases[i].mk ||
            (hard[ST_FIELD_MKD].line ? hard[ST_FIELD_MKD].value : -1) != cases[i].mkd)
            fail_msg("%s: mk %d, mkd %d", cases[i].text, hard[ST_FIELD_MK].value, hard[ST_FIELD_MKD].value);
    }
}

/* ---- values ---- */

static void test_operators_and_functions(void **state) {
    (void)state;
    const struct {
        const char *text;
        double value;
    } cases[] = {
        {"1 + 2 * 3", 7}, {"(1 + 2) * 3", 9}, {"10 - 4 - 3", 3}, {"100 / 10 / 5", 2}, {"2 * 3 % 4", 2}, {"7 % 4 * 2", 6},
        {"-2 * -3", 6}, {"- - 2", 2}, {"!0", 1}, {"!5", 0}, {"!!5", 1}, {"!0 + 1", 2}, {"-1 < 0", 1}, {"1 + 1 == 2", 1},
        {"1 < 2 == 1", 1}, {"3 > 2 > 1", 0}, {"1 != 1", 0}, {"2 <= 2", 1}, {"2 >= 3", 0}, {"0 || 0", 0}, {"0.5 || 0", 1},
        {"1 || 0 && 0", 1}, {"2 && 3", 1}, {"2 && 0", 0}, {"1 && 1 == 2", 0}, {"sel(2, 5, 6)", 5}, {"sel(0, 5, 6)", 6},
        {"log2(8)", 3}, {"log2(0)", 0}, {"log2(-4)", 0}, {"min(3, 2)", 2}, {"max(3, 2)", 3}, {"clamp(5, 1, 3)", 3},
        {"clamp(-5, 1, 3)", 1}, {"clamp(2, 1, 3)", 2}, {"clamp(2, 3, 1)", 1}, {"floor(-1.5)", -2}, {"ceil(-1.5)", -1},
        {"band(1, 1, 2)", 1}, {"band(2, 1, 2)", 1}, {"band(2.1, 1, 2)", 0}, {"1 / 0", 0}, {"1 % 0", 0}, {"0 / 0", 0},
        {"7.5 % 2", 1.5}, {"-7 % 4", -3}, {"7 % -4", 3}, {"1e300 * 1e300", DBL_MAX}, {"-1e300 * 1e300", -DBL_MAX},
        {"1e308 + 1e308", DBL_MAX}, {"1e308 * 10 - 1e308 * 10", 0}, {"1 / 1e-309", DBL_MAX}, {"1e300 % 7", fmod(1e300, 7)},
        {".5 + 5.", 5.5}, {"1e2", 100}, {"1E+2", 100}, {"5e-1", 0.5}, {"1e-999", 0},
    };
    const st_spiralk_facts facts = facts_of(1, 100, 10, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const double value = value_of(cases[i].text, &facts);
        const double expected = cases[i].value;
        if (value != expected) fail_msg("%s is %.17g, not %.17g", cases[i].text, value, expected);
        /* What the compiler folds and what a plan computes are the same. */
        char with_facts[256];
        snprintf(with_facts, sizeof with_facts, "sel(r == 1, %s, 0)", cases[i].text);
        assert_true(value_of(with_facts, &facts) == expected);
    }
}

static void test_facts(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double value;
    } expected[] = {{"r", 3}, {"c", 70000}, {"k", 200}, {"sg", 1}, {"sgc", 4}, {"kc", 2}, {"lanes", 64}, {"wgmax", 256},
                    {"smem", 49152}, {"cu", 0}, {"eb", 2}, {"threads", 1}, {"cpu", 0}, {"wgpu", 0}, {"cuda", 1}, {"hip", 0},
                    {"mps", 0}, {"topk", 0}, {"midk_kind", 1}, {"bottomk_kind", 0}, {"float", 1}, {"int", 0},
                    {"device(\"cuda:Gee\")", 1}, {"device(\"\")", 1}, {"device(\"Gee\")", 0}, {"device(\"cuda:GeeXY\")", 0}};
    const st_device_caps caps = st_caps_cuda(64, 256);
    st_rank_request request;
    st_spiralk_facts facts = {.struct_size = sizeof facts};
    st_rank_request_init(&request, ST_MIDK, 3, 70000, 200);
    request.dtype = ST_BF16;
    assert_int_equal(st_spiralk_facts_of(&request, &caps, "cuda:GeeX", &facts), ST_OK);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        if (value_of(expected[i].name, &facts) != expected[i].value) fail_msg("%s", expected[i].name);

    const st_device_caps cpu = st_caps_with_subgroup(st_caps_with_max_workgroup(st_caps_cpu(), 6), 0);
    st_rank_request_init(&request, ST_WINDOW, 1, 9, 0);
    request.dtype = ST_I64;
    request.lo = 2;
    request.hi = 5;
    assert_int_equal(st_spiralk_facts_of(&request, &cpu, NULL, &facts), ST_OK);
    assert_true(facts.k == 3 && facts.kc == 1 && facts.sgc == 0 && facts.cpu == 1 && facts.is_int == 1 && facts.threads == 6);
    assert_true(facts.topk == 0 && facts.midk_kind == 0 && facts.bottomk_kind == 0 && facts.eb == 8);
    assert_true(value_of("device(\"\")", &facts) == 1 && value_of("device(\"c\")", &facts) == 0);
    request.threads = 2;
    assert_int_equal(st_spiralk_facts_of(&request, &cpu, NULL, &facts), ST_OK);
    assert_true(facts.threads == 2);

    facts.c = (double)INFINITY;
    facts.k = (double)NAN;
    assert_true(value_of("c", &facts) == DBL_MAX && value_of("k", &facts) == 0);
    request.dtype = 99;
    assert_int_equal(st_spiralk_facts_of(&request, &cpu, NULL, &facts), ST_E_ARGUMENT);
    request.dtype = ST_F32;
    request.kind = 0;
    assert_int_equal(st_spiralk_facts_of(&request, &cpu, NULL, &facts), ST_E_ARGUMENT);
    assert_int_equal(st_spiralk_facts_of(NULL, &cpu, NULL, &facts), ST_E_ARGUMENT);
}

static void test_identities(void **state) {
    (void)state;
    static const struct {
        int32_t backend;
        const char *word, *name, *driver, *identity;
    } cases[] = {
        {ST_BACKEND_CPU, "cpu", "AMD EPYC (avx512)", "", "cpu AMD EPYC avx512"},
        {ST_BACKEND_CPU, "cpu", "Intel(R) Xeon(R) CPU", "", "cpu Intel(R) Xeon(R) CPU"},
        {ST_BACKEND_CUDA, "cuda", "NVIDIA H200 (x)", "550.54", "cuda NVIDIA H200 (x) 550.54"},
        {ST_BACKEND_WGPU, "wgpu", "", "", "wgpu"},
    };
    char text[256];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        st_device_info info = {.struct_size = sizeof info, .caps = {.backend = cases[i].backend}};
        snprintf(info.backend, sizeof info.backend, "%s", cases[i].word);
        snprintf(info.name, sizeof info.name, "%s", cases[i].name);
        snprintf(info.driver, sizeof info.driver, "%s", cases[i].driver);
        assert_int_equal(st_spiralk_identity(&info, text), ST_OK);
        assert_string_equal(text, cases[i].identity);
        info.struct_size = 0;
        assert_int_equal(st_spiralk_identity(&info, text), ST_E_ARGUMENT);
    }
    assert_int_equal(st_spiralk_identity(NULL, text), ST_E_ARGUMENT);
}

static void test_hard_values_are_rounded_down_and_held(void **state) {
    (void)state;
    const st_spiralk_facts facts = facts_of(1, 100, 10, 1);
    evaluate("tile: 100.9; ctile: -3.2; wg: 5000; ch: wg * 2; mk: 1; mk: mk + 1.5; kl: 0 - 0.0\nradix: 1e300", &facts);
    assert_true(hard[ST_FIELD_TILE].given == 100 && hard[ST_FIELD_TILE].value == 100);
    assert_true(hard[ST_FIELD_CTILE].given == -4 && hard[ST_FIELD_CTILE].value == 0);
    assert_true(hard[ST_FIELD_WG].given == 5000 && hard[ST_FIELD_WG].value == 4096);
    assert_true(hard[ST_FIELD_CH].given == 10000); /* of the value as given */
    assert_true(hard[ST_FIELD_MK].given == 2 && hard[ST_FIELD_MK].line == 1);
    assert_true(!signbit(hard[ST_FIELD_KL].given));
    assert_true(hard[ST_FIELD_RADIX].given == 1e300 && hard[ST_FIELD_RADIX].value == 4 && hard[ST_FIELD_RADIX].line == 2);
    evaluate("soft(wg, 4096.5 * 2, -1.5, tile > 3 || sg)\nsoft(wg, 1, 1, tile > 3 && !sg)\npenalty_if(mk == 2, 0.5)", &facts);
    assert_int_equal(rules, 2);
    assert_true(soft[0].given == 8193 && soft[0].value == 4096 && soft[0].weight == -1.5 && !soft[0].conditional);
    assert_true(soft[1].field == -1 && soft[1].weight == 0.5 && soft[1].conditional && soft[1].line == 3);
}

/* ---- random expressions against a second evaluation of their tree ---- */

static st_random rng;

static double held(double x) { return isnan(x) ? 0 : isinf(x) ? (x > 0 ? DBL_MAX : -DBL_MAX) : x; }

struct sentence {
    char text[8192];
    size_t length;
};

static void say(struct sentence *sentence, const char *words) {
    const size_t bytes = strlen(words);
    assert_true(sentence->length + bytes < sizeof sentence->text);
    memcpy(sentence->text + sentence->length, words, bytes + 1);
    sentence->length += bytes;
}

/* Says a random expression, in parentheses where it is no operand, and returns its value. */
static double make_expression(struct sentence *sentence, const st_spiralk_facts *facts, int depth) {
    static const char *const binary[] = {"||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%"};
    static const double numbers[] = {0, 1, 2, 0.5, 3, 1e308, 1e-300, 65536, 7};
    const uint64_t form = depth == 0 ? st_random_below(&rng, 3) : st_random_below(&rng, 12);
    if (form == 0) {
        say(sentence, "c");
        return facts->c;
    }
    if (form == 1) {
        say(sentence, "sg");
        return facts->sg;
    }
    if (form == 2) {
        char text[32];
        const double value = numbers[st_random_below(&rng, 9)];
        snprintf(text, sizeof text, "%.17g", value);
        say(sentence, text);
        return value;
    }
    if (form == 3) {
        const int negates = st_random_chance(&rng, 1, 2);
        say(sentence, negates ? "-" : "!");
        say(sentence, "(");
        const double a = make_expression(sentence, facts, depth - 1);
        say(sentence, ")");
        return negates ? -a : a == 0;
    }
    if (form == 4) {
        static const char *const functions[] = {"log2(", "floor(", "ceil("};
        const uint64_t which = st_random_below(&rng, 3);
        say(sentence, functions[which]);
        const double a = make_expression(sentence, facts, depth - 1);
        say(sentence, ")");
        return which == 0 ? (a > 0 ? log2(a) : 0) : which == 1 ? floor(a) : ceil(a);
    }
    if (form == 5) {
        static const char *const functions[] = {"sel(", "clamp(", "band("};
        const uint64_t which = st_random_below(&rng, 3);
        say(sentence, functions[which]);
        const double a = make_expression(sentence, facts, depth - 1);
        say(sentence, ", ");
        const double b = make_expression(sentence, facts, depth - 1);
        say(sentence, ",");
        const double c = make_expression(sentence, facts, depth - 1);
        say(sentence, ")");
        return which == 0 ? (a != 0 ? b : c) : which == 1 ? fmin(fmax(a, b), c) : (double)(a >= b && a <= c);
    }
    if (form == 6) {
        const int least = st_random_chance(&rng, 1, 2);
        say(sentence, least ? "min(" : "max(");
        const double a = make_expression(sentence, facts, depth - 1);
        say(sentence, "\n,");
        const double b = make_expression(sentence, facts, depth - 1);
        say(sentence, ")");
        return least ? fmin(a, b) : fmax(a, b);
    }
    const uint64_t which = st_random_below(&rng, 13);
    say(sentence, "(");
    const double a = make_expression(sentence, facts, depth - 1);
    say(sentence, binary[which]);
    const double b = make_expression(sentence, facts, depth - 1);
    say(sentence, ")");
    switch (which) {
        case 0: return a != 0 || b != 0;
        case 1: return a != 0 && b != 0;
        case 2: return a == b;
        case 3: return a != b;
        case 4: return a < b;
        case 5: return a <= b;
        case 6: return a > b;
        case 7: return a >= b;
        case 8: return held(a + b);
        case 9: return held(a - b);
        case 10: return held(a * b);
        case 11: return b == 0 ? 0 : held(a / b);
        default: return b == 0 ? 0 : fmod(a, b);
    }
}

static void test_random_expressions(void **state) {
    (void)state;
    st_random_seed(&rng, 20261121);
    for (int i = 0; i < 20000; i++) {
        const st_spiralk_facts facts = facts_of(1, (int64_t)st_random_below(&rng, 200000) + 20, 20, (int32_t)st_random_below(&rng, 2));
        struct sentence sentence = {.length = 0};
        const double expected = make_expression(&sentence, &facts, 5), value = value_of(sentence.text, &facts);
        if (value != expected) fail_msg("%s is %.17g, not %.17g, for c %.0f, sg %.0f", sentence.text, value, expected, facts.c, facts.sg);
    }
}

static void test_newlines_comments_and_empty_statements(void **state) {
    (void)state;
    const st_spiralk_facts facts = facts_of(1, 100, 10, 1);
    evaluate("", &facts);
    assert_int_equal(rules, 0);
    evaluate(" ;;\r\n\t;# only a comment", &facts);
    evaluate("mk: 1 # to the end; tile: 3\r\nkl: (2 # not yet; still not\n + 1\n\n); wg: max(\n1\n,\n2\n)", &facts);
    assert_true(hard[ST_FIELD_MK].line == 1 && hard[ST_FIELD_TILE].line == 0);
    assert_true(hard[ST_FIELD_KL].value == 3 && hard[ST_FIELD_KL].line == 2 && hard[ST_FIELD_WG].value == 2);
    assert_int_equal(hard[ST_FIELD_WG].line, 5);
}

/* ---- the edges of the interface ---- */

static void test_arguments(void **state) {
    (void)state;
    const st_spiralk_facts facts = facts_of(1, 100, 10, 1);
    st_spiralk_facts strange = facts;
    st_spiralk_error error = {.struct_size = 1};
    st_spiralk_counts counts = {.struct_size = sizeof counts};
    st_spiralk *program = NULL;
    char block[4096];
    int32_t count = -1;
    strange.struct_size = 3;
    assert_int_equal(st_spiralk_compile(NULL, "mk: 1", 5, NULL, NULL), ST_E_ARGUMENT);
    assert_int_equal(st_spiralk_compile(NULL, NULL, 5, &program, NULL), ST_E_ARGUMENT);
    assert_int_equal(st_spiralk_compile(NULL, "mk: 1", 5, &program, &error), ST_E_ARGUMENT);
    assert_int_equal(st_spiralk_compile(NULL, NULL, 0, &program, NULL), ST_OK);
    st_spiralk_free(program);
    st_spiralk_free(NULL);
    assert_true(st_spiralk_workspace(NULL) == 0);

    program = compile("mk: 1; soft(mk, 1, 1, 1); soft(mk, 2, 1, 1); penalty_if(1, 1)");
    assert_int_equal(st_spiralk_count(program, &counts), ST_OK);
    assert_true(counts.hard == 1 && counts.soft == 2 && counts.penalties == 1);
    assert_int_equal(st_spiralk_count(NULL, &counts), ST_E_ARGUMENT);
    counts.struct_size = 0;
    assert_int_equal(st_spiralk_count(program, &counts), ST_E_ARGUMENT);
    const uint64_t bytes = st_spiralk_workspace(program);
    assert_true(bytes > 0 && bytes <= sizeof block);
    assert_int_equal(st_spiralk_evaluate(NULL, &facts, block, bytes, hard, NULL, 0, &count), ST_E_ARGUMENT);
    assert_int_equal(st_spiralk_evaluate(program, NULL, block, bytes, hard, NULL, 0, &count), ST_E_ARGUMENT);
    assert_int_equal(st_spiralk_evaluate(program, &strange, block, bytes, hard, NULL, 0, &count), ST_E_ARGUMENT);
    assert_int_equal(st_spiralk_evaluate(program, &facts, NULL, bytes, hard, NULL, 0, &count), ST_E_ARGUMENT);
    assert_int_equal(st_spiralk_evaluate(program, &facts, block, bytes, NULL, NULL, 0, &count), ST_E_ARGUMENT);
    assert_int_equal(st_spiralk_evaluate(program, &facts, block, bytes, hard, NULL, 0, NULL), ST_E_ARGUMENT);
    assert_int_equal(st_spiralk_evaluate(program, &facts, block, bytes, hard, NULL, 2, &count), ST_E_ARGUMENT);
    assert_int_equal(st_spiralk_evaluate(program, &facts, block, bytes, hard, soft, -1, &count), ST_E_ARGUMENT);
    assert_int_equal(st_spiralk_evaluate(program, &facts, block, bytes - 1, hard, NULL, 0, &count), ST_E_CAPACITY);
    assert_int_equal(st_spiralk_evaluate(program, &facts, block, bytes, hard, NULL, 0, &count), ST_OK);
    assert_int_equal(count, 3);
    soft[2].line = -7;
    assert_int_equal(st_spiralk_evaluate(program, &facts, block, bytes, hard, soft, 2, &count), ST_E_CAPACITY);
    assert_true(count == 3 && soft[1].value == 2 && soft[2].line == -7);
    st_spiralk_free(program);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_seed),
        cmocka_unit_test(test_second_seeds),
        cmocka_unit_test(test_the_older_algorithm),
        cmocka_unit_test(test_operators_and_functions),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_identities),
        cmocka_unit_test(test_hard_values_are_rounded_down_and_held),
        cmocka_unit_test(test_random_expressions),
        cmocka_unit_test(test_newlines_comments_and_empty_statements),
        cmocka_unit_test(test_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
