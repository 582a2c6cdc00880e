/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* decide.c - the Choice that the sources agree on, or a caller's own, becomes the plan. */
#include "plan/decide.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "device/choice_fields.h"
#include "plan/consensus.h"
#include "plan/fallback.h"

const char *st_source_name(int32_t source) {
    static const char *const names[] = {"fallback", "table", "softlogic", "dsl", "caller"};
    return source >= ST_SOURCE_FALLBACK && source <= ST_SOURCE_CALLER ? names[source] : "?";
}

const char *st_kind_name(int32_t kind) {
    static const char *const names[] = {"?", "topk", "midk", "bottomk", "window"};
    return kind >= ST_TOPK && kind <= ST_WINDOW ? names[kind] : "?";
}

void st_mark_text(const st_mark *mark, char text[ST_MARK_BYTES]) {
    snprintf(text, ST_MARK_BYTES, mark->is_entry ? "%s entry %d" : "%s:%d", mark->place, mark->number);
}

void st_note(st_decision *decision, const char *format, ...) {
    if (decision == NULL || decision->note_count == ST_NOTES) return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(decision->notes[decision->note_count++], ST_NOTE_BYTES, format, arguments);
    va_end(arguments);
}

st_status st_choice_legal(const st_registered *device, int32_t kind, const st_choice *choice) {
    if (device->backend.legal(device->backend.self, kind, choice->mk, choice->mkd)) return ST_OK;
    return st_fail(ST_E_ARGUMENT, "choice: mk %d (%s) with mkd %d (%s) is not legal for %s on %s; st_rank_candidates gives some that are",
                   choice->mk, st_mk_name(choice->mk), choice->mkd, st_mkd_name(choice->mkd), st_kind_name(kind), device->info.backend);
}

double st_predict(const st_registered *device, const st_device_caps *caps, const st_rank_request *resolved, const st_choice *choice) {
    const double ns = device->backend.estimate(device->backend.self, resolved, choice, caps);
    return isfinite(ns) && ns > 0 ? ns : 0;
}

double st_model_score(double fallback_ns, double predicted_ns) {
    return fallback_ns > 0 && predicted_ns > 0 ? log(fallback_ns / predicted_ns) : 0;
}

/* A caller's Choice, beside what the fallback would have been. */
static void propose_callers(const st_registered *device, const st_device_caps *caps, const st_rank_request *resolved,
                            const st_choice *choice, st_decision *decision) {
    st_choice fallback;
    st_fallback_choice(device, caps, resolved, &fallback);
    st_choice_normalise(&device->backend, resolved, caps, &fallback, NULL);
    const double fallback_ns = st_predict(device, caps, resolved, &fallback);
    decision->proposals[0] = (st_proposal){.source = ST_SOURCE_FALLBACK, .choice = fallback};
    decision->proposals[1] = (st_proposal){.source = ST_SOURCE_CALLER,
                                           .choice = *choice,
                                           .score = st_model_score(fallback_ns, st_predict(device, caps, resolved, choice))};
    decision->proposal_count = 2;
    decision->winner = 1;
}

st_status st_decide(const st_registered *device, const st_device_caps *caps, const st_rank_request *resolved,
                    const st_sources *sources, const st_choice *chosen, st_plan *plan, st_decision *decision) {
    st_choice choice;
    st_status status;
    int32_t source = ST_SOURCE_CALLER;
    if (decision != NULL) memset(decision, 0, sizeof *decision);
    if (chosen != NULL) {
        if ((status = st_choice_legal(device, resolved->kind, chosen)) != ST_OK) return status;
        choice = *chosen;
        st_choice_normalise(&device->backend, resolved, caps, &choice, decision == NULL ? NULL : &decision->changes);
        if (decision != NULL) propose_callers(device, caps, resolved, &choice, decision);
    } else if ((status = st_consensus(device, caps, resolved, sources, &choice, &source, decision)) != ST_OK) {
        return status;
    }
    if (!device->backend.legal(device->backend.self, resolved->kind, choice.mk, choice.mkd))
        return st_fail(ST_E_UNSUPPORTED, "device %s has no kernel for %s; use another", device->info.id, st_kind_name(resolved->kind));

    memset(plan, 0, sizeof *plan);
    plan->struct_size = sizeof *plan;
    plan->source = source;
    plan->request = *resolved;
    plan->choice = choice;
    plan->caps = *caps;
    memcpy(plan->device, device->info.id, sizeof plan->device);
    device->backend.describe(device->backend.self, resolved, &choice, caps, plan->kernel);
    plan->kernel[sizeof plan->kernel - 1] = '\0';
    plan->predicted_ns = st_predict(device, caps, resolved, &choice);
    return ST_OK;
}
