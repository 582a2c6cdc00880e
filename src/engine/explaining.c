/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* explaining.c - the explanation of a plan, into the caller's memory. */
#include "engine/planning.h"
#include "plan/explain.h"
#include "plan/text_page.h"

st_status st_plan_explain(st_context *context, const st_rank_request *request, const char *device, const st_device_caps *caps,
                          int32_t json, char *text, uint64_t capacity, uint64_t *length) {
    st_target target;
    st_plan plan;
    st_decision decision;
    st_status status;
    st_text_page page;
    if ((status = st_text_page_start(&page, text, capacity, length)) != ST_OK) return status;
    if ((status = st_target_find(context, request, device, caps, &target)) != ST_OK) return status;
    const st_registered *registered = &context->registry.items[target.position];
    const st_sources sources = st_sources_of(context, target.position);
    if ((status = st_decide(registered, &target.caps, &target.request, &sources, NULL, &plan, &decision)) != ST_OK) return status;
    for (int32_t i = 0; i < context->rules.note_count; i++) st_note(&decision, "%s", context->rules.notes[i]);
    if (context->tables.note[0] != '\0') st_note(&decision, "%s", context->tables.note);
    status = json ? st_explain_json(&plan, &decision, st_text_page_append, &page)
                  : st_explain_text(registered, &plan, &decision, st_text_page_append, &page);
    return status == ST_OK ? st_text_page_finish(&page, length) : status;
}
