/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* consensus.c - rules are evaluated, the table is looked up, and what they propose is scored. */
#include "plan/consensus.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "device/choice_fields.h"
#include "plan/fallback.h"
#include "plan/identity.h"
#include "spiralk/softlogic.h"

/* Candidates of which the fields' values are taken: more than any backend has now. */
enum { MOST_CANDIDATES = 256 };

/* What deciding one request takes; rules' own workspaces follow it in the same block. */
struct scene {
    const st_registered *device;
    const st_device_caps *caps;
    const st_rank_request *request;
    const st_sources *sources;
    const st_rule_text *texts[ST_RULE_TEXTS]; /* those that speak of the kind */
    st_prepared prepared[ST_RULE_TEXTS];
    int32_t text_count;
    st_table_result found;
    st_choice fallback;
    double fallback_ns;
    uint32_t hard_fields; /* bit 1 << field */
    int32_t hard_text[ST_FIELDS];
    st_choice candidates[MOST_CANDIDATES];
    int32_t values[ST_FIELDS][ST_SOFT_VALUES];
    st_soft_wish wishes[ST_FIELDS];
};

/* A device in one line, which device("key") is compared with: "cpu AMD EPYC avx512", "cuda NVIDIA H200 550.54". */
enum { IDENTITY_BYTES = 256 };

static void write_identity(const st_device_identity *identity, char text[IDENTITY_BYTES]) {
    const char *const parts[] = {identity->backend, identity->device, identity->isa, identity->driver};
    size_t used = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i][0] != '\0') used += (size_t)snprintf(text + used, IDENTITY_BYTES - used, "%s%s", used > 0 ? " " : "", parts[i]);
    if (used == 0) text[0] = '\0';
}

static void note(st_decision *decision, const char *text) {
    if (decision != NULL && decision->note[0] == '\0') snprintf(decision->note, sizeof decision->note, "%s", text);
}

static void mark(st_proposal *proposal, const char *place, int32_t number) {
    for (int32_t i = 0; i < proposal->mark_count && i < ST_MARKS; i++)
        if (proposal->marks[i].place == place && proposal->marks[i].number == number) return;
    if (proposal->mark_count < ST_MARKS) proposal->marks[proposal->mark_count] = (st_mark){place, number};
    proposal->mark_count++;
}

/* A program's value as a field can hold it; normalisation brings it into the bounds, and reports that. */
static int32_t held_value(double given) {
    return given >= INT32_MAX ? INT32_MAX : given <= INT32_MIN ? INT32_MIN : (int32_t)given;
}

/* Folds the programs for the request. One that takes too long is left out, and said to be. */
static void prepare(struct scene *scene, char *workspace, st_decision *decision) {
    st_spiralk_facts facts = {.struct_size = sizeof facts};
    char key[IDENTITY_BYTES];
    write_identity(&scene->sources->table->identity, key);
    if (st_spiralk_facts_of(scene->request, scene->caps, key, &facts) != ST_OK) scene->text_count = 0;
    int32_t kept = 0;
    for (int32_t i = 0; i < scene->text_count; i++) {
        const st_spiralk *program = scene->texts[i]->program;
        const size_t bytes = st_prepare_bytes(program);
        if (st_prepare(program, &facts, workspace, bytes, &scene->prepared[kept]) == ST_OK)
            scene->texts[kept++] = scene->texts[i];
        else
            note(decision, st_last_message());
        workspace += bytes;
    }
    scene->text_count = kept;
    for (int32_t field = 0; field < ST_FIELDS; field++)
        for (int32_t i = 0; i < kept; i++)
            if (scene->prepared[i].hard[field].line != 0) {
                scene->hard_fields |= 1u << field;
                scene->hard_text[field] = i;
            }
}

/*
 * Hard statements over a Choice of which `decided` are fields that its source has an opinion of. Who wants a row split or whole
 * on a CPU, and does not say over how many workers, leaves that to normalisation.
 */
static void decide_hard_fields(const struct scene *scene, uint32_t decided, st_choice *choice) {
    for (int32_t field = 0; field < ST_FIELDS; field++)
        if (scene->hard_fields >> field & 1)
            st_choice_set(choice, field, held_value(scene->prepared[scene->hard_text[field]].hard[field].given));
    const int says = ((decided | scene->hard_fields) >> ST_FIELD_WG & 1) || choice->wg != scene->fallback.wg;
    if (!says && choice->use_2ce != scene->fallback.use_2ce && scene->caps->backend == ST_BACKEND_CPU) choice->wg = 0;
}

/* The Choice of an entry: what it does not give is the fallback's. */
static st_choice choice_of_entry(const struct scene *scene, const st_table_entry *entry) {
    st_choice choice = scene->fallback;
    for (int32_t field = 0; field < ST_FIELDS; field++)
        if (entry->decided >> field & 1) st_choice_set(&choice, field, st_choice_get(&entry->choice, field));
    return choice;
}

/* Adds a proposal from a Choice as its source gave it: hard statements over it, normalised, scored with a bonus. */
static double propose(const struct scene *scene, uint32_t decided, st_choice *choice, double bonus) {
    decide_hard_fields(scene, decided, choice);
    st_choice_normalise(&scene->device->backend, scene->request, scene->caps, choice, NULL);
    return st_model_score(scene->fallback_ns, st_predict(scene->device, scene->caps, scene->request, choice)) + bonus;
}

/* The values that the backend's candidates have of each field. */
static void gather_values(struct scene *scene, st_soft_problem *problem) {
    const st_backend *backend = &scene->device->backend;
    int32_t count = backend->candidates(backend->self, scene->request, scene->caps, scene->candidates, MOST_CANDIDATES);
    if (count > MOST_CANDIDATES) count = MOST_CANDIDATES;
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        int32_t *values = scene->values[field], distinct = 0;
        for (int32_t i = 0; i < count && distinct < ST_SOFT_VALUES; i++) {
            const int32_t value = st_choice_get(&scene->candidates[i], field);
            int known = 0;
            for (int32_t j = 0; j < distinct; j++) known |= values[j] == value;
            if (!known) values[distinct++] = value;
        }
        problem->values[field] = values;
        problem->value_counts[field] = distinct;
    }
}

/* Marks the rules that are true for a Choice. */
static void mark_rules(const struct scene *scene, const st_soft_problem *problem, const st_choice *choice, st_proposal *proposal) {
    double fields[ST_FIELDS];
    int64_t work = 0;
    for (int32_t field = 0; field < ST_FIELDS; field++) fields[field] = st_choice_get(choice, field);
    for (int32_t i = 0; i < problem->prepared_count; i++)
        for (int32_t r = 0; r < scene->prepared[i].rule_count; r++) {
            const st_rule *rule = &scene->prepared[i].rules[r];
            if (rule->field >= 0 && st_choice_get(choice, rule->field) != rule->value) continue;
            if (st_rule_holds(&scene->prepared[i], rule, fields, &work, ST_SOFT_LIMIT)) mark(proposal, scene->texts[i]->name, rule->line);
        }
    int agrees = 0;
    for (int32_t i = 0; i < problem->wish_count; i++) agrees |= st_choice_get(choice, problem->wishes[i].field) == problem->wishes[i].value;
    if (agrees) mark(proposal, scene->sources->table->table->name, scene->found.hint->number);
}

/*
 * A: what the soft rules like best, hard fields kept. Where none of them is true for it there is no such proposal, and
 * proposal->mark_count stays 0.
 */
static st_status ask_rules(struct scene *scene, st_proposal *proposal, st_choice *raw) {
    const st_rule_book *book = scene->sources->rules;
    const st_prepared *prepared[ST_RULE_TEXTS];
    st_soft_problem problem = {.prepared = prepared, .wishes = scene->wishes, .fixed = scene->hard_fields, .mode = book->mode,
                               .width = ST_SOFT_WIDTH};
    int32_t rules = 0;
    for (int32_t i = 0; i < scene->text_count; i++) {
        prepared[i] = &scene->prepared[i];
        rules += scene->prepared[i].rule_count;
    }
    if (!book->soft) return ST_OK;
    problem.prepared_count = scene->text_count;
    for (int32_t field = 0; field < ST_FIELDS && scene->found.hint != NULL; field++)
        if (scene->found.hint->decided >> field & 1)
            scene->wishes[problem.wish_count++] =
                (st_soft_wish){field, st_choice_get(&scene->found.hint->choice, field), ST_HINT_WEIGHT};
    if (rules == 0 && problem.wish_count == 0) return ST_OK;
    problem.incumbent = scene->fallback;
    for (int32_t field = 0; field < ST_FIELDS; field++) /* within their bounds, unlike what normalisation is given */
        if (scene->hard_fields >> field & 1)
            st_choice_set(&problem.incumbent, field, scene->prepared[scene->hard_text[field]].hard[field].value);
    gather_values(scene, &problem);
    const st_host *host = scene->sources->host;
    const size_t bytes = st_soft_bytes(&problem);
    void *workspace = st_allocate(host, bytes);
    if (workspace == NULL) return st_fail(ST_E_MEMORY, "no memory to evaluate %d rules", rules);
    st_soft_answer answer;
    const st_status status = st_soft_solve(&problem, workspace, bytes, &answer);
    if (status == ST_OK) {
        mark_rules(scene, &problem, &answer.choice, proposal);
        *raw = proposal->choice = answer.choice;
        proposal->score = propose(scene, 0, &proposal->choice, answer.score);
    }
    st_release(host, workspace, bytes);
    return status;
}

static st_status agree(struct scene *scene, st_choice *choice, int32_t *source, st_decision *decision) {
    st_proposal rules = {.source = ST_SOURCE_SOFTLOGIC}, table = {.source = ST_SOURCE_TABLE}, hard = {.source = ST_SOURCE_DSL};
    st_choice raw = scene->fallback, raw_rules;
    const st_status status = ask_rules(scene, &rules, &raw_rules);
    if (status != ST_OK) return status;
    uint32_t decided = 0;
    *source = ST_SOURCE_FALLBACK;
    if (scene->found.measured != NULL) {
        raw = table.choice = choice_of_entry(scene, scene->found.measured);
        decided = scene->found.measured->decided;
        table.score = propose(scene, decided, &table.choice, scene->sources->table_weight);
        mark(&table, scene->sources->table->table->name, scene->found.measured->number);
        *source = ST_SOURCE_TABLE;
    }
    if (rules.mark_count > 0 && (*source == ST_SOURCE_FALLBACK || rules.score >= table.score)) {
        raw = raw_rules;
        decided = 0;
        *source = ST_SOURCE_SOFTLOGIC;
    }
    const int32_t best = *source;
    if (scene->hard_fields != 0) *source = ST_SOURCE_DSL;
    decide_hard_fields(scene, decided, &raw);
    st_choice_normalise(&scene->device->backend, scene->request, scene->caps, &raw, decision == NULL ? NULL : &decision->changes);
    *choice = raw;
    if (decision == NULL) return ST_OK;

    if (scene->found.measured != NULL) decision->proposals[decision->proposal_count++] = table;
    if (rules.mark_count > 0) decision->proposals[decision->proposal_count++] = rules;
    if (scene->hard_fields != 0) {
        for (int32_t field = 0; field < ST_FIELDS; field++)
            if (scene->hard_fields >> field & 1) {
                const int32_t text = scene->hard_text[field];
                mark(&hard, scene->texts[text]->name, scene->prepared[text].hard[field].line);
            }
        hard.choice = raw;
        const double bonus = best == ST_SOURCE_TABLE ? scene->sources->table_weight : 0;
        hard.score = st_model_score(scene->fallback_ns, st_predict(scene->device, scene->caps, scene->request, &raw)) + bonus;
        if (best == ST_SOURCE_SOFTLOGIC) hard.score = rules.score;
        decision->proposals[decision->proposal_count++] = hard;
    }
    for (int32_t i = 0; i < decision->proposal_count; i++)
        if (decision->proposals[i].source == *source) decision->winner = i;
    return ST_OK;
}

st_status st_consensus(const st_registered *device, const st_device_caps *caps, const st_rank_request *resolved,
                       const st_sources *sources, st_choice *choice, int32_t *source, st_decision *decision) {
    st_choice fallback;
    st_table_result found;
    const st_rule_text *texts[ST_RULE_TEXTS] = {NULL};
    int32_t text_count = 0;
    size_t bytes = sizeof(struct scene);
    st_fallback_choice(device, caps, resolved, &fallback);
    st_table_find(sources->table, resolved, caps, &found);
    for (int32_t i = 0; i < sources->rules->count; i++)
        if (sources->rules->texts[i].kinds >> resolved->kind & 1) {
            texts[text_count++] = &sources->rules->texts[i];
            bytes += st_prepare_bytes(sources->rules->texts[i].program);
        }
    const int alone = text_count == 0 && found.measured == NULL && found.hint == NULL;
    st_choice_normalise(&device->backend, resolved, caps, &fallback, alone && decision != NULL ? &decision->changes : NULL);
    *choice = fallback;
    *source = ST_SOURCE_FALLBACK;
    if (decision != NULL) {
        decision->proposals[0] = (st_proposal){.source = ST_SOURCE_FALLBACK, .choice = fallback};
        decision->proposal_count = 1;
    }
    if (alone) return ST_OK;
    struct scene *scene = st_allocate_zeroed(sources->host, bytes);
    if (scene == NULL) return st_fail(ST_E_MEMORY, "no memory to evaluate the rules");
    scene->device = device;
    scene->caps = caps;
    scene->request = resolved;
    scene->sources = sources;
    scene->found = found;
    scene->fallback = fallback;
    scene->fallback_ns = st_predict(device, caps, resolved, &fallback);
    memcpy(scene->texts, texts, sizeof texts);
    scene->text_count = text_count;
    if (decision != NULL && found.hint != NULL && found.measured == NULL) {
        char why[192];
        st_standing_text(found.hint_standing, found.hint, &sources->table->identity, why);
        snprintf(decision->note, sizeof decision->note, "entry %d of the table is a hint alone: %.190s", found.hint->number, why);
    }
    prepare(scene, (char *)(scene + 1), decision);
    const st_status status = agree(scene, choice, source, decision);
    st_release(sources->host, scene, bytes);
    return status;
}
