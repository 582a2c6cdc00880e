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
        st_json_member_integer(json, st_choice_field_at(field)->name, st_choice_get(choice, field));
    }
    st_json_end_object(json);
}

static void write_proposals(st_json_writer *json, const st_decision *decision) {
    st_json_begin_array(json);
    for (int32_t i = 0; i < decision->proposal_count; i++) {
        const st_proposal *proposal = &decision->proposals[i];
        st_json_begin_object(json);
        st_json_member_string(json, "name", st_source_name(proposal->source));
        st_json_key(json, "choice");
        write_choice(json, &proposal->choice);
        st_json_member_number(json, "score", proposal->score);
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
        st_json_member_string(json, "field", st_choice_field_at(change->field)->name);
        st_json_member_integer(json, "from", change->from);
        st_json_member_integer(json, "to", change->to);
        st_json_member_string(json, "why", change->why);
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
        st_json_member_string(json, st_choice_field_at(field)->name, line);
    }
    st_json_end_object(json);
}

static void write_caps(st_json_writer *json, const st_device_caps *caps) {
    st_json_begin_object(json);
    st_json_member_integer(json, "lanes", caps->lanes);
    st_json_member_boolean(json, "subgroup", caps->subgroup);
    st_json_member_integer(json, "max_workgroup", caps->max_workgroup);
    st_json_member_integer(json, "shared_mem", caps->shared_mem);
    st_json_end_object(json);
}

st_status st_explain_json(const st_plan *plan, const st_decision *decision, st_text_sink sink, void *user) {
    const st_rank_request *request = &plan->request;
    st_json_writer json;
    st_json_start(&json, sink, user);
    st_json_begin_object(&json);
    st_json_member_string(&json, "kind", st_kind_name(request->kind));
    st_json_member_integer(&json, "rows", request->rows);
    st_json_member_integer(&json, "cols", request->cols);
    st_json_member_integer(&json, "k", st_request_width(request));
    if (request->kind == ST_WINDOW) {
        st_json_member_integer(&json, "lo", request->lo);
        st_json_member_integer(&json, "hi", request->hi);
        st_json_member_boolean(&json, "descending", request->descending);
    }
    st_json_member_string(&json, "dtype", st_dtype_name(request->dtype));
    st_json_member_integer(&json, "threads", request->threads);
    st_json_member_string(&json, "device", plan->device);
    st_json_key(&json, "caps");
    write_caps(&json, &plan->caps);
    st_json_key(&json, "choice");
    write_choice(&json, &plan->choice);
    st_json_member_string(&json, "kernel", plan->kernel);
    st_json_member_number(&json, "predicted_ns", plan->predicted_ns);
    st_json_member_string(&json, "source", st_source_name(plan->source));
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
