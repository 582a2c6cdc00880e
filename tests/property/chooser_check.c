/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * chooser_check.c - whatever rules, tables and caps say, a plan is legal and within the device's limits, says where it came from,
 * and takes a bounded time. Random programs, tables, caps and requests; times are measured and told, and decide nothing.
 */
#define _GNU_SOURCE /* setenv, clock_gettime */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "chooser_case.h"
#include "device/caps.h"
#include "device/choice_fields.h"
#include "device/gpu_rules.h"
#include "engine/context_state.h"
#include "plan/consensus.h"
#include "plan/explain.h"
#include "plan/text_page.h"
#include "rank/request.h"
#include "spiralk/softlogic.h"

enum { THREADS = 4, SCREEN_BYTES = 1 << 15, MOST_LINES = 45, MOST_COLUMNS = 130 };

/* One case, and what has been seen of all. */
struct check {
    uint64_t seed;
    int64_t number;
    int failed;
    st_context *context;
    st_host host;
    chooser_text programs[ST_RULE_TEXTS], table;
    st_rule_book book;
    st_table *read;
    st_table_view view;
    int64_t heard, refused, sources[ST_SOURCE_CALLER], hints, screens, doors;
    double total_ns, worst_ns;
    int64_t worst_number;
    char screen[SCREEN_BYTES];
};

static void fail(struct check *check, const char *what) {
    if (check->failed) return;
    check->failed = 1;
    printf("FAILED: %s\n  replay: chooser_check --seed %" PRIu64 " --case %" PRId64 "\n", what, check->seed, check->number);
    for (int i = 0; i < ST_RULE_TEXTS; i++)
        if (check->programs[i].length > 0 && check->programs[i].length < 4000)
            printf("  program %d:\n%s\n", i + 1, check->programs[i].bytes);
    printf("  last message: %s\n", st_last_message());
}

#define EXPECT(check, condition) \
    do { \
        if (!(condition)) fail(check, #condition); \
    } while (0)

static double seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* ---- what a Choice must be --------------------------------------------------------------------------------------- */

static int is_tile(int32_t tile, int32_t most) { return tile >= 64 && tile <= most && (tile & (tile - 1)) == 0; }

static void check_limits(struct check *check, const st_registered *device, const st_plan *plan) {
    const st_choice *choice = &plan->choice;
    const st_device_caps *caps = &plan->caps;
    const int is_gpu = st_is_gpu(caps->backend);
    st_choice again = *choice;
    EXPECT(check, st_choice_check(choice) == ST_OK);
    EXPECT(check, device->backend.legal(device->backend.self, plan->request.kind, choice->mk, choice->mkd));
    EXPECT(check, choice->wg >= 1 && choice->wg <= caps->max_workgroup);
    EXPECT(check, choice->kl >= 1 && choice->kl <= 32);
    EXPECT(check, is_tile(choice->tile, is_gpu ? 65536 : 1 << 20) && is_tile(choice->ctile, 65536));
    EXPECT(check, choice->radix == 0 || choice->radix == 2 || choice->radix == 4);
    EXPECT(check, choice->use_2ce == st_two_passes(&plan->request, choice));
    if (is_gpu) {
        const int64_t need = st_gpu_shared_need(&plan->request, caps, choice);
        EXPECT(check, caps->lanes > caps->max_workgroup || choice->wg % caps->lanes == 0);
        EXPECT(check, choice->ch == 0 || choice->ch < plan->request.cols);
        EXPECT(check, choice->mk == ST_MK_BITONIC && !choice->use_2ce ? need == 0 : need <= st_caps_shared_budget(caps) || choice->mk == ST_MK_RADIX);
        EXPECT(check, choice->mk != ST_MK_WARP || (caps->subgroup && (int64_t)choice->kl * caps->lanes >= st_gpu_kept(&plan->request)));
    }
    st_choice_normalise(&device->backend, &plan->request, caps, &again, NULL);
    EXPECT(check, memcmp(&again, choice, sizeof again) == 0);
    EXPECT(check, memchr(plan->kernel, '\0', sizeof plan->kernel) != NULL && plan->kernel[0] != '\0');
    EXPECT(check, isfinite(plan->predicted_ns) && plan->predicted_ns >= 0);
}

/* A hard value stands, or what was made of it is on record, step by step. */
static void check_hard_fields(struct check *check, const st_plan *plan, const st_decision *decision, const st_spiralk_hard *hard) {
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        if (hard[field].line == 0) continue;
        double value = hard[field].given >= INT32_MAX ? INT32_MAX : hard[field].given <= INT32_MIN ? INT32_MIN : hard[field].given;
        for (int32_t i = 0; i < decision->changes.count; i++) {
            const st_change *change = &decision->changes.items[i];
            if (change->field != field) continue;
            EXPECT(check, change->from == value);
            EXPECT(check, change->why[0] != '\0');
            value = change->to;
        }
        EXPECT(check, value == st_choice_get(&plan->choice, field));
        EXPECT(check, plan->source == ST_SOURCE_DSL);
    }
}

static void check_decision(struct check *check, const st_plan *plan, const st_decision *decision) {
    const st_proposal *winner = &decision->proposals[decision->winner], *rules = NULL, *table = NULL;
    EXPECT(check, decision->proposal_count >= 1 && decision->proposal_count <= ST_PROPOSALS);
    EXPECT(check, decision->proposals[0].source == ST_SOURCE_FALLBACK && decision->proposals[0].score == 0);
    EXPECT(check, winner->source == plan->source && memcmp(&winner->choice, &plan->choice, sizeof plan->choice) == 0);
    for (int32_t i = 1; i < decision->proposal_count; i++) {
        const st_proposal *proposal = &decision->proposals[i];
        EXPECT(check, isfinite(proposal->score) && proposal->mark_count > 0 && st_choice_check(&proposal->choice) == ST_OK);
        if (proposal->source == ST_SOURCE_SOFTLOGIC) rules = proposal;
        if (proposal->source == ST_SOURCE_TABLE) table = proposal;
    }
    /* With no rule behind it, what was measured elsewhere must look no slower than the fallback. */
    if (rules != NULL && rules->mark_count == 1 && rules->marks[0].is_entry && rules->score < 0) rules = NULL;
    const st_proposal *best = table == NULL || (rules != NULL && rules->score >= table->score) ? rules : table;
    if (plan->source != ST_SOURCE_DSL) EXPECT(check, best == NULL ? plan->source == ST_SOURCE_FALLBACK : best == winner);
    if (plan->source == ST_SOURCE_DSL && best != NULL)
        EXPECT(check, winner->score == best->score && memcmp(&winner->choice, &best->choice, sizeof best->choice) == 0);
}

static void check_screen(struct check *check, const st_registered *device, const st_plan *plan, const st_decision *decision) {
    st_text_page page;
    uint64_t length = 0;
    int lines = 0;
    st_text_page_start(&page, check->screen, SCREEN_BYTES, &length);
    EXPECT(check, st_explain_text(device, plan, decision, st_text_page_append, &page) == ST_OK);
    EXPECT(check, st_text_page_finish(&page, &length) == ST_OK);
    for (const char *line = check->screen; *line != '\0'; lines++) {
        const size_t columns = strcspn(line, "\n");
        if (columns > MOST_COLUMNS || line[columns] != '\n') fail(check, "a line of the explanation is too long");
        line += columns + (line[columns] == '\n');
    }
    if (lines > MOST_LINES) fail(check, "the explanation has too many lines");
    st_text_page_start(&page, check->screen, SCREEN_BYTES, &length);
    EXPECT(check, st_explain_json(plan, decision, st_text_page_append, &page) == ST_OK);
    EXPECT(check, st_text_page_finish(&page, &length) == ST_OK && check->screen[0] == '{' && check->screen[length - 1] == '}');
    check->screens++;
}

/* ---- one case ---------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint32_t kinds;
} places[ST_RULE_TEXTS] = {{"SPIRAL_HEUR_K", 1 << ST_TOPK | 1 << ST_MIDK | 1 << ST_BOTTOMK | 1 << ST_WINDOW},
                           {"SPIRAL_HEUR_K_LAB", 1 << ST_TOPK | 1 << ST_MIDK | 1 << ST_BOTTOMK | 1 << ST_WINDOW},
                           {"SPIRAL_HEUR_MIDK", 1 << ST_MIDK},
                           {"SPIRAL_HEUR_BOTTOMK", 1 << ST_BOTTOMK}};

static void draw_book(struct check *check, st_random *random) {
    st_rule_book_clear(&check->book);
    check->book.soft = !st_random_chance(random, 1, 10);
    check->book.mode = (int32_t)st_random_below(random, 4);
    for (int i = 0; i < ST_RULE_TEXTS; i++) {
        check->programs[i].length = 0;
        if (i > 0 && !st_random_chance(random, 1, 3)) continue;
        const int is_right = chooser_program(random, &check->programs[i]);
        const st_status status = st_rule_book_add(&check->host, &check->book, places[i].name, places[i].kinds, check->programs[i].bytes,
                                                  check->programs[i].length);
        EXPECT(check, status == ST_OK || (status == ST_E_FORMAT && !is_right) || status == ST_E_CAPACITY);
        if (status == ST_OK) check->heard++;
        else check->refused++;
    }
    if (check->book.count > 0)
        EXPECT(check, st_rule_book_keep_memory(&check->host, &check->book, st_consensus_bytes(&check->book)) == ST_OK);
}

static void draw_table(struct check *check, st_random *random, const st_device_identity *here) {
    st_table_view_close(&check->view);
    st_table_close(check->read);
    check->read = NULL;
    if (st_random_chance(random, 1, 2)) {
        chooser_table(random, here, &check->table);
        const st_status status =
            st_table_parse(&check->host, check->table.bytes, check->table.length, "table", (int)st_random_below(random, 2), &check->read, NULL);
        EXPECT(check, status == ST_OK || status == ST_E_FORMAT || status == ST_E_UNSUPPORTED);
    }
    EXPECT(check, st_table_view_open(check->read, here, &check->view) == ST_OK);
}

/* What the programs of the book decide, the last of them first: it is heard before the others where their work is too much. */
static void decide_by_hand(struct check *check, const st_plan *plan, const st_device_info *info, st_spiralk_hard hard[ST_FIELDS]) {
    st_prepared prepared;
    st_spiralk_facts facts = {.struct_size = sizeof facts};
    char key[256];
    int64_t work = 0;
    EXPECT(check, st_spiralk_identity(info, key) == ST_OK);
    memset(hard, 0, ST_FIELDS * sizeof *hard);
    EXPECT(check, st_spiralk_facts_of(&plan->request, &plan->caps, st_same_hardware(&plan->caps, &info->caps) ? key : info->backend, &facts) == ST_OK);
    for (int32_t i = check->book.count - 1; i >= 0; i--) {
        if (!(check->book.texts[i].kinds >> plan->request.kind & 1)) continue;
        const st_spiralk *program = check->book.texts[i].program;
        const size_t bytes = st_prepare_bytes(program);
        void *workspace = malloc(bytes);
        if (workspace == NULL) abort();
        if (st_prepare(program, &facts, workspace, bytes, &work, &prepared) == ST_OK)
            for (int32_t field = 0; field < ST_FIELDS; field++)
                if (prepared.hard[field].line != 0 && hard[field].line == 0) hard[field] = prepared.hard[field];
        free(workspace);
    }
}

/* The same programs through the environment: loaded by the context, planned twice, the second time from its cache. */
static void check_front_door(struct check *check, const st_rank_request *request, const st_device_caps *caps) {
    st_plan plans[2];
    for (int i = 0; i < ST_RULE_TEXTS; i++) {
        const int fits = check->programs[i].length > 0 && strlen(check->programs[i].bytes) == check->programs[i].length;
        if (fits) setenv(places[i].name, check->programs[i].bytes, 1);
        else unsetenv(places[i].name);
    }
    EXPECT(check, st_context_reload(check->context) == ST_OK);
    for (int turn = 0; turn < 2; turn++) {
        EXPECT(check, st_plan_request(check->context, request, NULL, caps, &plans[turn]) == ST_OK);
        if (check->failed) return;
        check_limits(check, &check->context->registry.items[caps->backend - 1], &plans[turn]);
    }
    EXPECT(check, memcmp(&plans[0].choice, &plans[1].choice, sizeof plans[0].choice) == 0 && plans[0].source == plans[1].source);
    EXPECT(check, strcmp(plans[0].kernel, plans[1].kernel) == 0 && plans[0].predicted_ns == plans[1].predicted_ns);
    check->doors++;
}

static double seconds_of(struct check *check, const st_registered *device, const st_device_caps *caps, const st_rank_request *resolved,
                         const st_sources *sources, st_plan *plan) {
    const double start = seconds();
    EXPECT(check, st_decide(device, caps, resolved, sources, NULL, plan, NULL) == ST_OK);
    return seconds() - start;
}

static void check_case(struct check *check) {
    st_random random;
    st_random_seed(&random, check->seed + (uint64_t)check->number * 0x632be59bd9b4e019u);
    const st_device_caps caps = chooser_caps(&random, &check->context->registry.items[0].info.caps);
    const st_registered *device = &check->context->registry.items[caps.backend - 1];
    const st_device_identity here = st_identity_of(device);
    const st_rank_request request = chooser_request(&random);
    st_rank_request resolved;
    st_plan plan, quiet;
    st_decision decision;
    st_spiralk_hard hard[ST_FIELDS];
    draw_book(check, &random);
    draw_table(check, &random, &here);
    EXPECT(check, st_request_check(&request, THREADS, &resolved) == ST_OK && st_caps_check(&caps) == ST_OK);
    const st_sources sources = {.host = &check->host, .rules = &check->book, .table = &check->view,
                                .table_weight = (double)st_random_between(&random, -2, 10) * 0.1};
    double ns = seconds_of(check, device, &caps, &resolved, &sources, &quiet) * 1e9;
    /* A plan that looks like the slowest is made again: what interrupts it does so once. */
    for (int again = 0; again < 2 && ns > check->worst_ns; again++)
        ns = fmin(ns, seconds_of(check, device, &caps, &resolved, &sources, &quiet) * 1e9);
    EXPECT(check, st_decide(device, &caps, &resolved, &sources, NULL, &plan, &decision) == ST_OK);
    if (check->failed) return;
    EXPECT(check, memcmp(&plan.choice, &quiet.choice, sizeof plan.choice) == 0 && plan.source == quiet.source);
    check->total_ns += ns;
    if (ns > check->worst_ns) {
        check->worst_ns = ns;
        check->worst_number = check->number;
    }
    check_limits(check, device, &plan);
    check_decision(check, &plan, &decision);
    decide_by_hand(check, &plan, &device->info, hard);
    check_hard_fields(check, &plan, &decision, hard);
    check->sources[plan.source]++;
    check->hints += decision.note_count > 0 && strstr(decision.notes[0], "hint") != NULL;
    if (check->number % 8 == 0 || check->failed) check_screen(check, device, &plan, &decision);
    if (check->number % 64 == 0) check_front_door(check, &request, &caps);
}

/* ---- */

static void say_nothing(void *user, const char *text) {
    (void)user;
    (void)text;
}

static int usage(void) {
    fprintf(stderr, "usage: chooser_check [--seed S] [--configs N] [--case I]\n"
                    "Plans with random rule programs, tables, caps and requests, and checks every plan.\n");
    return 2;
}

int main(int argc, char **argv) {
    static struct check check;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    check.seed = (uint64_t)now.tv_sec * 1000003u ^ (uint64_t)now.tv_nsec;
    int64_t configs = 3000, only = -1, done = 0, failures = 0;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc) return usage();
        if (strcmp(argv[i], "--seed") == 0) check.seed = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--configs") == 0) configs = strtoll(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--case") == 0) only = strtoll(argv[i + 1], NULL, 10);
        else return usage();
    }
    setenv("SPIRALTORCH_HOME", "/dev/null", 1); /* no file there can be */
    const st_host host = {.struct_size = sizeof host, .warn = say_nothing};
    const st_context_options options = {.struct_size = sizeof options, .threads = THREADS, .host = &host};
    if (st_host_resolve(&host, &check.host) != ST_OK || st_context_create(&options, &check.context) != ST_OK) {
        fprintf(stderr, "chooser_check: %s\n", st_last_message());
        return 2;
    }
    printf("seed %" PRIu64 ", %" PRId64 " configurations%s\n", check.seed, only < 0 ? configs : 1,
           strstr(st_features(), "jansson: no") != NULL ? ", without tables: this build reads none" : "");
    for (check.number = only < 0 ? 0 : only; check.number < (only < 0 ? configs : only + 1); check.number++) {
        check.failed = 0;
        check_case(&check);
        done++;
        failures += check.failed;
        if (failures > 5) break;
    }
    st_rule_book_clear(&check.book);
    st_table_view_close(&check.view);
    st_table_close(check.read);
    for (int i = 0; i < ST_RULE_TEXTS; i++) free(check.programs[i].bytes);
    free(check.table.bytes);
    st_context_destroy(check.context);
    printf("programs heard %" PRId64 ", refused %" PRId64 "; plans by fallback %" PRId64 ", table %" PRId64 ", softlogic %" PRId64
           ", dsl %" PRId64 "; hints %" PRId64 ", screens %" PRId64 ", through a context %" PRId64 "\n",
           check.heard, check.refused, check.sources[ST_SOURCE_FALLBACK], check.sources[ST_SOURCE_TABLE],
           check.sources[ST_SOURCE_SOFTLOGIC], check.sources[ST_SOURCE_DSL], check.hints, check.screens, check.doors);
    printf("a new plan: %.1f us on average, %.1f us at worst (case %" PRId64 ")\n", check.total_ns / (double)(done > 0 ? done : 1) * 1e-3,
           check.worst_ns * 1e-3, check.worst_number);
    printf("%" PRId64 " configurations, %" PRId64 " failures\n", done, failures);
    return failures > 0;
}
