/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* explaining.c - the explanation of a plan, into the caller's memory. */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "engine/planning.h"
#include "plan/explain.h"

/* Text so far; only what fits is kept, all is counted. */
struct page {
    char *text;
    uint64_t capacity, length;
};

static int32_t append(void *user, const char *text, uint64_t bytes) {
    struct page *page = user;
    if (page->length < page->capacity) {
        const uint64_t room = page->capacity - page->length;
        memcpy(page->text + page->length, text, (size_t)(bytes < room ? bytes : room));
    }
    page->length += bytes;
    return 0;
}

st_status st_plan_explain(st_context *context, const st_rank_request *request, const char *device, const st_device_caps *caps,
                          int32_t json, char *text, uint64_t capacity, uint64_t *length) {
    st_target target;
    st_plan plan;
    st_decision decision;
    st_status status;
    if (length == NULL) return st_fail(ST_E_ARGUMENT, "length is NULL");
    if (text == NULL && capacity > 0) return st_fail(ST_E_ARGUMENT, "text is NULL; use capacity 0 to ask for the length");
    if ((status = st_target_find(context, request, device, caps, &target)) != ST_OK) return status;
    const st_registered *registered = &context->registry.items[target.position];
    const st_sources sources = st_sources_of(context, target.position);
    if ((status = st_decide(registered, &target.caps, &target.request, &sources, NULL, &plan, &decision)) != ST_OK) return status;
    if (decision.note[0] == '\0') memcpy(decision.note, context->rules.note, sizeof decision.note);
    if (decision.note[0] == '\0') snprintf(decision.note, sizeof decision.note, "%.250s", context->tables.note);
    struct page page = {.text = text, .capacity = capacity};
    status = json ? st_explain_json(&plan, &decision, append, &page)
                  : st_explain_text(registered, &plan, &decision, append, &page);
    if (status != ST_OK) return status;
    *length = page.length;
    if (page.length < capacity) {
        text[page.length] = '\0';
        return ST_OK;
    }
    if (capacity == 0) return ST_OK;
    text[capacity - 1] = '\0';
    return st_fail(ST_E_CAPACITY, "capacity is %llu; the text needs %llu bytes", (unsigned long long)capacity,
                   (unsigned long long)page.length + 1);
}
