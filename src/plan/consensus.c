/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* consensus.c - rules are evaluated, the table is looked up, and what they propose is scored. */
#include "plan/consensus.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "device/choice_fields.h"
#include "plan/fallback.h"
#include "plan/identity.h"
#include "spiralk/softlogic.h"


/* What deciding one request takes; the workspaces of the programs and of SoftLogic follow it in the same block. */
struct scene {
    const st_registered *device;
    const st_device_caps *caps;
    const st_rank_request *request;
    const st_sources *sources;
    const st_rule_text *texts[ST_RULE_TEXTS]; /* those that speak of the kind */
    st_prepared prepared[ST_RULE_TEXTS];
    int32_t text_count;
    int64_t work; /* of folding them */
    char *rest;   /* of the block, behind the programs' workspaces */
    st_table_result found;
    st_choice fallback;
    double fallback_ns;
    uint32_t hard_fields; /* bit 1 << field */
    int32_t hard_text[ST_FIELDS];
    st_choice candidates[ST_BACKEND_CANDIDATES];
    int32_t values[ST_FIELDS][ST_SOFT_VALUES];
    st_soft_wish wishes[ST_FIELDS];
};

/*
 * What device("key") is compared with. Caps that are not the device's own describe hardware of which the backend is all that is
 * known.
 */
static st_status write_key(const struct scene *scene, char key[256]) {
    const st_device_info *info = &scene->device->info;
    if (st_same_hardware(scene->caps, &info->caps)) return st_spiralk_identity(info, key);
    snprintf(key, 256, "%s", info->backend);
    return ST_OK;
}

static void mark(st_proposal *proposal, const char *place, int32_t number, int32_t is_entry) {
    for (int32_t i = 0; i < proposal->mark_count && i < ST_MARKS; i++)
        if (proposal->marks[i].place == place && proposal->marks[i].number == number) return;
    if (proposal->mark_count < ST_MARKS) proposal->marks[proposal->mark_count] = (st_mark){place, number, is_entry};
    proposal->mark_count++;
}

static void mark_entry(const struct scene *scene, const st_table_entry *entry, st_proposal *proposal) {
    mark(proposal, scene->sources->table->table->name, entry->number, 1);
}

/* A program's value as a field can hold it; normalisation brings it into the bounds, and reports that. */
static int32_t held_value(double given) {
    return given >= INT32_MAX ? INT32_MAX : given <= INT32_MIN ? INT32_MIN : (int32_t)given;
}

size_t st_consensus_bytes(const st_rule_book *book) {
    size_t bytes = sizeof(struct scene);
    int64_t rules = ST_FIELDS; /* the wishes */
    for (int32_t i = 0; i < book->count; i++) {
        const st_spiralk *program = book->texts[i].program;
        bytes += st_prepare_bytes(program);
        rules += program->of_kind[ST_STATEMENT_SOFT] + program->of_kind[ST_STATEMENT_PENALTY];
    }
    return bytes + st_soft_most_bytes(rules);
}

/*
 * Folds the programs for the request, those of the highest authority first, as they share a plan's work. One that takes too long is
 * left out, and said to be.
 */
static st_status prepare(struct scene *scene, st_decision *decision) {
    st_spiralk_facts facts = {.struct_size = sizeof facts};
    char key[256];
    st_status status = write_key(scene, key);
    if (status == ST_OK) status = st_spiralk_facts_of(scene->request, scene->caps, key, &facts);
    if (status != ST_OK) return status;
    int32_t first = scene->text_count;
    for (int32_t i = scene->text_count - 1; i >= 0; i--) {
        const st_rule_text *text = scene->texts[i];
        const size_t bytes = st_prepare_bytes(text->program);
        if (st_prepare(text->program, &facts, scene->rest, bytes, &scene->work, &scene->prepared[first - 1]) == ST_OK)
            scene->texts[--first] = text;
        else
            st_note(decision, "rules not heard: %s: %s", text->name, st_last_message());
        scene->rest += bytes;
    }
    const int32_t kept = scene->text_count - first;
    memmove(scene->texts, scene->texts + first, (size_t)kept * sizeof scene->texts[0]);
    memmove(scene->prepared, scene->prepared + first, (size_t)kept * sizeof scene->prepared[0]);
    scene->text_count = kept;
    for (int32_t field = 0; field < ST_FIELDS; field++)
        for (int32_t i = 0; i < kept; i++)
            if (scene->prepared[i].hard[field].line != 0) {
                scene->hard_fields |= 1u << field;
                scene->hard_text[field] = i;
            }
    return ST_OK;
}

/*
 * Hard statements over a Choice of which `decided` are the fields that its source speaks of. Who wants a row split or whole on a
 * CPU, and does not say over how many workers, leaves that to normalisation.
 */
static void decide_hard_fields(const struct scene *scene, uint32_t decided, st_choice *choice) {
    for (int32_t field = 0; field < ST_FIELDS; field++)
        if (scene->hard_fields >> field & 1)
            st_choice_set(choice, field, held_value(scene->prepared[scene->hard_text[field]].hard[field].given));
    if (scene->caps->backend != ST_BACKEND_CPU || ((decided | scene->hard_fields) >> ST_FIELD_WG & 1)) return;
    if (st_two_passes(scene->request, choice) != scene->fallback.use_2ce) choice->wg = 0;
}

/* Adds a proposal from a Choice as its source gave it: hard statements over it, normalised, scored with a bonus. */
static double propose(const struct scene *scene, uint32_t decided, st_choice *choice, double bonus) {
    decide_hard_fields(scene, decided, choice);
    st_choice_normalise(&scene->device->backend, scene->request, scene->caps, choice, NULL);
    return st_model_score(scene->fallback_ns, st_predict(scene->device, scene->caps, scene->request, choice)) + bonus;
}

/*
 * Fields of which the candidates' values can be better than the fallback's and those that rules speak for: conditions read them,
 * or a rule speaks against a value. The others are not worth asking the backend for, which takes longer than all the rest.
 */
static uint32_t fields_to_vary(const struct scene *scene) {
    uint32_t fields = 0;
    for (int32_t i = 0; i < scene->text_count; i++)
        for (int32_t r = 0; r < scene->prepared[i].rule_count; r++) {
            const st_rule *rule = &scene->prepared[i].rules[r];
            fields |= rule->reads | (rule->field >= 0 && rule->weight < 0 ? 1u << rule->field : 0);
        }
    return fields & ~scene->hard_fields;
}

/* The values that the backend's candidates have of those fields; of more than there is room for the first, which is said. */
static void gather_values(struct scene *scene, st_soft_problem *problem, st_decision *decision) {
    const st_backend *backend = &scene->device->backend;
    const uint32_t fields = fields_to_vary(scene);
    if (fields == 0) return;
    int32_t count = backend->candidates(backend->self, scene->request, scene->caps, scene->candidates, ST_BACKEND_CANDIDATES);
    if (count > ST_BACKEND_CANDIDATES) {
        st_note(decision, "rules choose among the values of %s's first %d candidates; it has %d", scene->device->info.backend,
                ST_BACKEND_CANDIDATES, count);
        count = ST_BACKEND_CANDIDATES;
    }
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        int32_t *values = scene->values[field], distinct = 0;
        if (!(fields >> field & 1)) continue;
        for (int32_t i = 0; i < count; i++) {
            const int32_t value = st_choice_get(&scene->candidates[i], field);
            int known = 0;
            for (int32_t j = 0; j < distinct; j++) known |= values[j] == value;
            if (known) continue;
            if (distinct == ST_SOFT_VALUES) {
                st_note(decision, "rules choose among the first %d values of %s that %s's candidates have", distinct,
                        st_choice_field_at(field)->name, scene->device->info.backend);
                break;
            }
            values[distinct++] = value;
        }
        problem->values[field] = values;
        problem->value_counts[field] = distinct;
    }
}

/* Marks the rules that are true. Returns the fields that they speak of, as bits. */
static uint32_t mark_rules(const struct scene *scene, const st_soft_problem *problem, const st_soft_answer *answer,
                           const uint8_t *is_true, st_proposal *proposal) {
    uint32_t decided = 0;
    int32_t at = 0;
    for (int32_t i = 0; i < problem->prepared_count; i++)
        for (int32_t r = 0; r < scene->prepared[i].rule_count && at < answer->count; r++, at++) {
            const st_rule *rule = &scene->prepared[i].rules[r];
            if (!is_true[at]) continue;
            mark(proposal, scene->texts[i]->name, rule->line, 0);
            decided |= rule->reads | (rule->field >= 0 ? 1u << rule->field : 0);
        }
    for (int32_t i = 0; i < problem->wish_count && at < answer->count; i++, at++) {
        if (!is_true[at]) continue;
        mark_entry(scene, scene->found.hint, proposal);
        decided |= 1u << problem->wishes[i].field;
    }
    return decided;
}

/* What one source says: its proposal, and its Choice before hard statements and normalisation, with the fields it speaks of. */
struct voice {
    st_proposal proposal;
    st_choice raw;
    uint32_t decided;
};

/* A: what the soft rules like best, hard fields kept. Where none of them has a part in it nothing is marked: there is no A. */
static st_status ask_rules(struct scene *scene, struct voice *voice, st_decision *decision) {
    const st_rule_book *book = scene->sources->rules;
    const st_prepared *prepared[ST_RULE_TEXTS];
    st_soft_problem problem = {.prepared = prepared, .wishes = scene->wishes, .fixed = scene->hard_fields, .mode = book->mode,
                               .width = ST_SOFT_WIDTH, .work = ST_RULE_WORK - scene->work};
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
    gather_values(scene, &problem, decision);
    st_soft_answer answer;
    const st_status status = st_soft_solve(&problem, scene->rest, st_soft_bytes(&problem), &answer);
    if (status == ST_OK) {
        if (answer.left_out > 0) st_note(decision, "rules not heard: %d beyond the first %d", answer.left_out, ST_SOFT_RULES);
        if (answer.gave_up)
            st_note(decision, "soft rules not heard: all together, they take too long for a plan");
        else if (!answer.exact)
            st_note(decision, "the rules allow more Choices than a plan may look at; a better one may be among the others");
        voice->decided = mark_rules(scene, &problem, &answer, answer.is_true, &voice->proposal);
        for (int32_t field = 0; field < ST_FIELDS; field++)
            if (st_choice_get(&answer.choice, field) != st_choice_get(&problem.incumbent, field)) voice->decided |= 1u << field;
        /* A Choice that only keeps clear of penalties rests on those. */
        if (voice->proposal.mark_count == 0 && voice->decided != 0)
            mark_rules(scene, &problem, &answer, answer.was_true, &voice->proposal);
        voice->raw = voice->proposal.choice = answer.choice;
        voice->proposal.score = propose(scene, voice->decided, &voice->proposal.choice, answer.score);
    }
    return status;
}

/* C: the entry that was measured here; what it does not give is the fallback's. */
static void ask_table(const struct scene *scene, struct voice *voice) {
    const st_table_entry *entry = scene->found.measured;
    if (entry == NULL) return;
    voice->raw = scene->fallback;
    voice->decided = entry->decided;
    for (int32_t field = 0; field < ST_FIELDS; field++)
        if (entry->decided >> field & 1) st_choice_set(&voice->raw, field, st_choice_get(&entry->choice, field));
    voice->proposal.choice = voice->raw;
    voice->proposal.score = propose(scene, voice->decided, &voice->proposal.choice, scene->sources->table_weight);
    mark_entry(scene, entry, &voice->proposal);
}

static void add_proposal(st_decision *decision, const st_proposal *proposal) {
    if (decision != NULL && proposal->mark_count > 0) decision->proposals[decision->proposal_count++] = *proposal;
}

/* B: the hard statements, which stand on what the best of the others says of the fields that they leave open. */
static void propose_hard(const struct scene *scene, const st_choice *choice, double score, st_decision *decision) {
    st_proposal hard = {.source = ST_SOURCE_DSL, .choice = *choice, .score = score};
    for (int32_t field = 0; field < ST_FIELDS; field++)
        if (scene->hard_fields >> field & 1) {
            const int32_t text = scene->hard_text[field];
            mark(&hard, scene->texts[text]->name, scene->prepared[text].hard[field].line, 0);
        }
    add_proposal(decision, &hard);
}

static st_status agree(struct scene *scene, st_choice *choice, int32_t *source, st_decision *decision) {
    const st_backend *backend = &scene->device->backend;
    struct voice rules = {.proposal.source = ST_SOURCE_SOFTLOGIC}, table = {.proposal.source = ST_SOURCE_TABLE};
    struct voice best = {.proposal.source = ST_SOURCE_FALLBACK, .raw = scene->fallback};
    const st_status status = ask_rules(scene, &rules, decision);
    if (status != ST_OK) return status;
    ask_table(scene, &table);
    add_proposal(decision, &table.proposal);
    add_proposal(decision, &rules.proposal);
    if (table.proposal.mark_count > 0) best = table;
    /* What was measured elsewhere, with no rule behind it, is not taken where the model holds the fallback for faster. */
    const int hearsay = rules.proposal.mark_count == 1 && rules.proposal.marks[0].is_entry;
    const int stands = rules.proposal.mark_count > 0 && !(hearsay && rules.proposal.score < 0);
    if (stands && (best.proposal.mark_count == 0 || rules.proposal.score >= table.proposal.score)) best = rules;
    decide_hard_fields(scene, best.decided, &best.raw);
    st_choice_normalise(backend, scene->request, scene->caps, &best.raw, decision == NULL ? NULL : &decision->changes);
    if (!backend->legal(backend->self, scene->request->kind, best.raw.mk, best.raw.mkd)) {
        /* A registered backend may leave a pair as it is that it has no kernel for; its own candidate stands. */
        if (decision != NULL) decision->changes.count = 0;
        st_note(decision, "%s has no kernel for mk %s with mkd %s, which rules or the table ask for", scene->device->info.id,
                st_mk_name(best.raw.mk), st_mkd_name(best.raw.mkd));
        return ST_OK;
    }
    if (scene->hard_fields != 0) {
        const double score = best.proposal.mark_count > 0 ? best.proposal.score
                                                          : st_model_score(scene->fallback_ns, st_predict(scene->device, scene->caps,
                                                                                                          scene->request, &best.raw));
        propose_hard(scene, &best.raw, score, decision);
    }
    *choice = best.raw;
    *source = scene->hard_fields != 0 ? ST_SOURCE_DSL : best.proposal.source;
    for (int32_t i = 0; decision != NULL && i < decision->proposal_count; i++)
        if (decision->proposals[i].source == *source) decision->winner = i;
    return ST_OK;
}

st_status st_consensus(const st_registered *device, const st_device_caps *caps, const st_rank_request *resolved,
                       const st_sources *sources, st_choice *choice, int32_t *source, st_decision *decision) {
    st_choice fallback;
    st_table_result found;
    const st_rule_text *texts[ST_RULE_TEXTS] = {NULL};
    int32_t text_count = 0;
    st_fallback_choice(device, caps, resolved, &fallback);
    st_table_find(sources->table, resolved, caps, &found);
    if (found.measured != NULL) found.hint = NULL; /* what was measured here says more than what was measured elsewhere */
    for (int32_t i = 0; i < sources->rules->count; i++)
        if (sources->rules->texts[i].kinds >> resolved->kind & 1) texts[text_count++] = &sources->rules->texts[i];
    const int alone = text_count == 0 && found.measured == NULL && found.hint == NULL;
    st_choice_normalise(&device->backend, resolved, caps, &fallback, alone && decision != NULL ? &decision->changes : NULL);
    *choice = fallback;
    *source = ST_SOURCE_FALLBACK;
    if (decision != NULL) {
        decision->proposals[0] = (st_proposal){.source = ST_SOURCE_FALLBACK, .choice = fallback};
        decision->proposal_count = 1;
    }
    if (alone) return ST_OK;
    const size_t bytes = st_consensus_bytes(sources->rules);
    struct scene *scene = st_rule_memory_take(sources->rules, sources->host, bytes);
    if (scene == NULL) return st_fail(ST_E_MEMORY, "no memory to evaluate the rules");
    memset(scene, 0, offsetof(struct scene, candidates));
    scene->device = device;
    scene->caps = caps;
    scene->request = resolved;
    scene->sources = sources;
    scene->found = found;
    scene->fallback = fallback;
    scene->fallback_ns = st_predict(device, caps, resolved, &fallback);
    memcpy(scene->texts, texts, sizeof texts);
    scene->text_count = text_count;
    scene->rest = (char *)(scene + 1);
    if (decision != NULL && found.hint != NULL) {
        char why[192];
        st_standing_text(found.hint_standing, found.hint, &sources->table->identity, why);
        st_note(decision, "entry %d of the table is %s: %s", found.hint->number,
                sources->rules->soft ? "a hint alone" : "not heard, as soft rules are off", why);
    }
    st_status status = prepare(scene, decision);
    if (status == ST_OK) status = agree(scene, choice, source, decision);
    st_rule_memory_give(sources->rules, sources->host, scene, bytes);
    return status;
}
