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

/* The screen that it is to fit on, whatever the rules, notes and names: at most 45 lines of 130 columns. */
enum { COLUMNS = 130, INDENT = 13, MOST_CHANGES = 7, MOST_NOTES = 3 };

/* Bytes of a text that go on a line of `room`: up to a blank where there is one, and never through a character. */
static size_t fitting(const char *text, size_t room) {
    if (strlen(text) <= room) return strlen(text);
    size_t end = room;
    while (end > 0 && text[end] != ' ') end--;
    if (end > 0) return end;
    for (end = room; end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80;) end--;
    return end > 0 ? end : room;
}

/* A text behind a label, on at most `most` lines; where that is not enough it ends in "...". */
static void put_text(struct page *page, const char *label, const char *text, int most) {
    for (int line = 1; line == 1 || *text != '\0'; line++) {
        const int is_last = line == most, is_cut = is_last && strlen(text) > COLUMNS - INDENT;
        const size_t bytes = fitting(text, is_cut ? COLUMNS - INDENT - 4 : COLUMNS - INDENT);
        put(page, "%-*s%.*s%s\n", INDENT, line == 1 ? label : "", (int)bytes, text, is_cut ? " ..." : "");
        if (is_last) return;
        text += bytes;
        text += strspn(text, " ");
    }
}

static void add(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void add(char *text, size_t size, const char *format, ...) {
    const size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
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

static void put_proposal(struct page *page, const st_proposal *proposal, int is_winner) {
    char label[16], text[512], score[32];
    format_score(proposal->score, score);
    snprintf(label, sizeof label, "%s %s", is_winner ? "*" : " ", st_source_name(proposal->source));
    snprintf(text, sizeof text, "score %s: mk %s, mkd %s", score, st_mk_name(proposal->choice.mk), st_mkd_name(proposal->choice.mkd));
    for (int32_t field = ST_FIELD_USE_2CE; field < ST_FIELDS; field++) {
        const int32_t value = st_choice_get(&proposal->choice, field);
        if (value != 0) add(text, sizeof text, ", %s %d", st_choice_field_at(field)->name, value);
    }
    put_text(page, label, text, 2);
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

/* The rules or the entry that a proposal rests on, as many as a line has room for: "by rules.kdsl:3, rules.kdsl:7 and 4 more". */
static void put_marks(struct page *page, const st_proposal *proposal) {
    enum { ROOM = COLUMNS - INDENT - 20, SHOWN = ROOM - 8 };
    char text[512] = "by ";
    int32_t shown = 0;
    for (; shown < proposal->mark_count && shown < ST_MARKS; shown++) {
        char mark[ST_MARK_BYTES];
        st_mark_text(&proposal->marks[shown], mark);
        const size_t length = strlen(mark);
        if (shown > 0 && strlen(text) + 2 + length > ROOM) break;
        const char *end = mark + (length > SHOWN ? length - SHOWN : 0); /* of a path that is too long the end says more */
        while (((unsigned char)*end & 0xc0) == 0x80) end++;
        add(text, sizeof text, "%s%s%s", shown > 0 ? ", " : "", end > mark ? "..." : "", end);
    }
    if (shown == 0) return;
    if (proposal->mark_count > shown) add(text, sizeof text, " and %d more", proposal->mark_count - shown);
    put_text(page, "", text, 1);
}

static void put_changes(struct page *page, const st_changes *changes) {
    char text[256];
    for (int32_t i = 0; i < changes->count && i < MOST_CHANGES; i++) {
        const st_change *change = &changes->items[i];
        snprintf(text, sizeof text, "%s %d -> %d: %s", st_choice_field_at(change->field)->name, change->from, change->to, change->why);
        put_text(page, i == 0 ? "  normalised" : "", text, 1);
    }
    if (changes->count == 0) put_text(page, "  normalised", "nothing", 1);
    if (changes->count > MOST_CHANGES) {
        snprintf(text, sizeof text, "and %d changes more", changes->count - MOST_CHANGES);
        put_text(page, "", text, 1);
    }
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
    char line[256];
    snprintf(line, sizeof line, "%s%s%s%s", plan->device, device->info.available ? "" : " (cannot run here)",
             device->info.name[0] == '\0' ? "" : ", ", device->info.name);
    put_text(&page, "  device", line, 1);
    put_caps(&page, &plan->caps);
    format_time(plan->predicted_ns, text);
    put(&page, "%-*s%s, predicted %s, source %s\n", INDENT, "  kernel", plan->kernel, text, st_source_name(plan->source));
    for (int32_t i = 0; i < decision->proposal_count; i++) {
        put_proposal(&page, &decision->proposals[i], i == decision->winner);
        put_marks(&page, &decision->proposals[i]);
    }
    for (int32_t i = 0; i < decision->note_count && i < MOST_NOTES; i++) put_text(&page, "  note", decision->notes[i], 2);
    put_changes(&page, &decision->changes);
    put_effects(&page, plan);
    return page.refused ? st_fail(ST_E_IO, "the text was not taken") : ST_OK;
}
