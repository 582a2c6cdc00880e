/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* explain.c - a decision as one screen of text. Numbers are put together from integers, so that no locale changes them. */
#include "plan/explain.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "device/choice_fields.h"
#include "plan/effects.h"
#include "rank/request.h"

/* A sink, and whether it has refused. */
struct page {
    st_text_sink sink;
    void *user;
    int refused;
};

static void put(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct page *page, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length <= 0 || page->refused) return;
    const size_t bytes = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    page->refused = page->sink(page->user, text, bytes) != 0;
}

/* "843 ns", "12.5 us", "3.2 ms", "1.7 s". */
static void format_time(double ns, char text[32]) {
    static const char *const units[] = {"us", "ms", "s"};
    if (ns < 1000) {
        snprintf(text, 32, "%lld ns", (long long)ns);
        return;
    }
    int unit = 0;
    for (ns /= 1000; ns >= 1000 && unit < 2; unit++) ns /= 1000;
    const long long tenths = ns < 1e15 ? llround(ns * 10) : 0;
    snprintf(text, 32, "%lld.%lld %s", tenths / 10, tenths % 10, units[unit]);
}

/* "48 KiB", "1 MiB", "96 MiB"; "not known" for 0. */
static void format_bytes(int64_t bytes, char text[32]) {
    if (bytes <= 0)
        snprintf(text, 32, "not known");
    else if (bytes % (1 << 20) == 0)
        snprintf(text, 32, "%lld MiB", (long long)(bytes >> 20));
    else if (bytes % (1 << 10) == 0)
        snprintf(text, 32, "%lld KiB", (long long)(bytes >> 10));
    else
        snprintf(text, 32, "%lld bytes", (long long)bytes);
}

static void format_score(double score, char text[32]) {
    const long long thousandths = llround(score * 1000), size = thousandths < 0 ? -thousandths : thousandths;
    snprintf(text, 32, "%s%lld.%03lld", thousandths < 0 ? "-" : "", size / 1000, size % 1000);
}

static void put_caps(struct page *page, const st_device_caps *caps) {
    char shared[32], l2[32], l3[32];
    format_bytes(caps->shared_mem, shared);
    format_bytes(caps->l2_cache, l2);
    format_bytes(caps->l3_cache, l3);
    if (caps->backend == ST_BACKEND_CPU)
        put(page, "  caps       %d lanes, %d workers, L1 %s, L2 %s, L3 %s\n", caps->lanes, caps->max_workgroup, shared, l2, l3);
    else
        put(page, "  caps       %d lanes, subgroups %s, workgroups up to %d, shared memory %s\n", caps->lanes,
            caps->subgroup ? "yes" : "no", caps->max_workgroup, shared);
}

static void put_choice_line(struct page *page, const st_choice *choice) {
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        const int32_t value = st_choice_get(choice, field);
        if (field == ST_FIELD_MK)
            put(page, " mk %s", st_mk_name(value));
        else if (field == ST_FIELD_MKD)
            put(page, ", mkd %s", st_mkd_name(value));
        else if (value != 0)
            put(page, ", %s %d", st_choice_field_at(field)->name, value);
    }
}

static void put_effects(struct page *page, const st_plan *plan) {
    put(page, "  choice\n");
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        char line[96];
        int32_t active;
        st_choice_effect(plan, field, line, &active);
        put(page, "    %-10s%6d  %s\n", st_choice_field_at(field)->name, st_choice_get(&plan->choice, field), line);
    }
}

/* The rules or the entry that a proposal rests on: "rules  heur.kdsl:3, heur.kdsl:7 and 4 more". */
static void put_marks(struct page *page, const st_proposal *proposal) {
    const int32_t shown = proposal->mark_count < 8 ? proposal->mark_count : 8;
    for (int32_t m = 0; m < shown; m++) {
        char text[ST_MARK_BYTES];
        st_mark_text(&proposal->marks[m], text);
        put(page, m == 0 ? "               by %s" : ", %s", text);
    }
    if (proposal->mark_count > shown) put(page, " and %d more", proposal->mark_count - shown);
    if (shown > 0) put(page, "\n");
}

st_status st_explain_text(const st_registered *device, const st_plan *plan, const st_decision *decision, st_text_sink sink, void *user) {
    struct page page = {.sink = sink, .user = user};
    const st_rank_request *request = &plan->request;
    char text[32];
    put(&page, "%s of %lld x %lld %s, ", st_kind_name(request->kind), (long long)request->rows, (long long)request->cols,
        st_dtype_name(request->dtype));
    if (request->kind == ST_WINDOW)
        put(&page, "ranks [%lld, %lld) %s", (long long)request->lo, (long long)request->hi,
            request->descending ? "descending" : "ascending");
    else
        put(&page, "k %lld", (long long)st_request_width(request));
    put(&page, ", %d thread%s\n", request->threads, request->threads == 1 ? "" : "s");
    put(&page, "  device     %s%s%s%s\n", plan->device, device->info.name[0] == '\0' ? "" : ", ", device->info.name,
        device->info.available ? "" : " (cannot run here)");
    put_caps(&page, &plan->caps);
    format_time(plan->predicted_ns, text);
    put(&page, "  kernel     %s, predicted %s, source %s\n", plan->kernel, text, st_source_name(plan->source));
    for (int32_t i = 0; i < decision->proposal_count; i++) {
        const st_proposal *proposal = &decision->proposals[i];
        format_score(proposal->score, text);
        put(&page, "%s %-9s  score %s:", i == decision->winner ? "* " : "  ", st_source_name(proposal->source), text);
        put_choice_line(&page, &proposal->choice);
        put(&page, "\n");
        put_marks(&page, proposal);
    }
    if (decision->note[0] != '\0') put(&page, "  note       %s\n", decision->note);
    for (int32_t i = 0; i < decision->changes.count; i++) {
        const st_change *change = &decision->changes.items[i];
        put(&page, "  normalised %s %d -> %d: %s\n", st_choice_field_at(change->field)->name, change->from, change->to, change->why);
    }
    if (decision->changes.count == 0) put(&page, "  normalised nothing\n");
    put_effects(&page, plan);
    return page.refused ? st_fail(ST_E_IO, "the text was not taken") : ST_OK;
}
