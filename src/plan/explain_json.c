/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* explain_json.c - a decision as one JSON object. */
#include "device/choice_fields.h"
#include "plan/effects.h"
#include "plan/explain.h"
#include "rank/request.h"
#include "spiraltorch/json.h"

static void write_choice(st_json_writer *json, const st_choice *choice) {
    st_json_begin_object(json);
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        st_json_key(json, st_choice_field_at(field)->name);
        st_json_integer(json, st_choice_get(choice, field));
    }
    st_json_end_object(json);
}

static void write_proposals(st_json_writer *json, const st_decision *decision) {
    st_json_begin_array(json);
    for (int32_t i = 0; i < decision->proposal_count; i++) {
        const st_proposal *proposal = &decision->proposals[i];
        st_json_begin_object(json);
        st_json_key(json, "name");
        st_json_string(json, st_source_name(proposal->source));
        st_json_key(json, "choice");
        write_choice(json, &proposal->choice);
        st_json_key(json, "score");
        st_json_number(json, proposal->score);
        st_json_key(json, "rules");
        st_json_begin_array(json);
        for (int32_t m = 0; m < proposal->mark_count && m < ST_MARKS; m++) {
            char text[ST_MARK_BYTES];
            st_mark_text(&proposal->marks[m], text);
            st_json_string(json, text);
        }
        st_json_end_array(json);
        st_json_end_object(json);
    }
    st_json_end_array(json);
}

static void write_changes(st_json_writer *json, const st_changes *changes) {
    st_json_begin_array(json);
    for (int32_t i = 0; i < changes->count; i++) {
        const st_change *change = &changes->items[i];
        st_json_begin_object(json);
        st_json_key(json, "field");
        st_json_string(json, st_choice_field_at(change->field)->name);
        st_json_key(json, "from");
        st_json_integer(json, change->from);
        st_json_key(json, "to");
        st_json_integer(json, change->to);
        st_json_key(json, "why");
        st_json_string(json, change->why);
        st_json_end_object(json);
    }
    st_json_end_array(json);
}

static void write_effects(st_json_writer *json, const st_plan *plan) {
    st_json_begin_object(json);
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        char line[96];
        int32_t active;
        st_choice_effect(plan, field, line, &active);
        st_json_key(json, st_choice_field_at(field)->name);
        st_json_string(json, line);
    }
    st_json_end_object(json);
}

static void write_caps(st_json_writer *json, const st_device_caps *caps) {
    st_json_begin_object(json);
    st_json_key(json, "lanes");
    st_json_integer(json, caps->lanes);
    st_json_key(json, "subgroup");
    st_json_boolean(json, caps->subgroup);
    st_json_key(json, "max_workgroup");
    st_json_integer(json, caps->max_workgroup);
    st_json_key(json, "shared_mem");
    st_json_integer(json, caps->shared_mem);
    st_json_end_object(json);
}

st_status st_explain_json(const st_plan *plan, const st_decision *decision, st_text_sink sink, void *user) {
    const st_rank_request *request = &plan->request;
    st_json_writer json;
    st_json_start(&json, sink, user);
    st_json_begin_object(&json);
    st_json_key(&json, "kind");
    st_json_string(&json, st_kind_name(request->kind));
    st_json_key(&json, "rows");
    st_json_integer(&json, request->rows);
    st_json_key(&json, "cols");
    st_json_integer(&json, request->cols);
    st_json_key(&json, "k");
    st_json_integer(&json, st_request_width(request));
    if (request->kind == ST_WINDOW) {
        st_json_key(&json, "lo");
        st_json_integer(&json, request->lo);
        st_json_key(&json, "hi");
        st_json_integer(&json, request->hi);
        st_json_key(&json, "descending");
        st_json_boolean(&json, request->descending);
    }
    st_json_key(&json, "dtype");
    st_json_string(&json, st_dtype_name(request->dtype));
    st_json_key(&json, "threads");
    st_json_integer(&json, request->threads);
    st_json_key(&json, "device");
    st_json_string(&json, plan->device);
    st_json_key(&json, "caps");
    write_caps(&json, &plan->caps);
    st_json_key(&json, "choice");
    write_choice(&json, &plan->choice);
    st_json_key(&json, "kernel");
    st_json_string(&json, plan->kernel);
    st_json_key(&json, "predicted_ns");
    st_json_number(&json, plan->predicted_ns);
    st_json_key(&json, "source");
    st_json_string(&json, st_source_name(plan->source));
    st_json_key(&json, "sources");
    write_proposals(&json, decision);
    st_json_key(&json, "notes");
    st_json_begin_array(&json);
    for (int32_t i = 0; i < decision->note_count; i++) st_json_string(&json, decision->notes[i]);
    st_json_end_array(&json);
    st_json_key(&json, "normalised");
    write_changes(&json, &decision->changes);
    st_json_key(&json, "effects");
    write_effects(&json, plan);
    st_json_end_object(&json);
    return st_json_finish(&json);
}
