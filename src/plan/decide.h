/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* decide.h - from a checked request and a device to a plan, with a report of how it came about. */
#ifndef ST_PLAN_DECIDE_H
#define ST_PLAN_DECIDE_H

#include "device/normalise.h"
#include "device/registry.h"
#include "plan/rule_book.h"
#include "plan/table.h"

/* What a plan may draw on beside the fallback. */
typedef struct st_sources {
    const st_host *host;
    const st_rule_book *rules;
    const st_table_view *table; /* of the device that is planned for */
    double table_weight;        /* what the table's entry is given before it is scored */
} st_sources;

/* A statement of a rule program by its line, or an entry of a table by its number. */
typedef struct st_mark {
    const char *place; /* a name of the sources, which lives as long as they */
    int32_t number;
    int32_t is_entry;
} st_mark;

enum { ST_MARKS = 24, ST_PROPOSALS = 4, ST_NOTES = 8, ST_NOTE_BYTES = 512 };

/* What one source proposes, already normalised, and how well the device model and the rules like it. */
typedef struct st_proposal {
    int32_t source; /* ST_SOURCE_* */
    st_choice choice;
    double score; /* consensus.h's; 0 for the fallback itself */
    int32_t mark_count; /* what it rests on; the first ST_MARKS are there */
    st_mark marks[ST_MARKS];
} st_proposal;

/* How a plan came about. proposals[winner] is the plan's. */
typedef struct st_decision {
    int32_t proposal_count, winner;
    st_proposal proposals[ST_PROPOSALS];
    st_changes changes; /* what normalisation changed in the winner's Choice */
    int32_t note_count;
    char notes[ST_NOTES][ST_NOTE_BYTES]; /* what was not heard as it stands: rules, the table's entry; and why */
} st_decision;

/* Adds a note; none where decision is NULL, and none beyond ST_NOTES. */
void st_note(st_decision *decision, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "heur.kdsl:12" for a line of a program, "tuner.json entry 3" for a table's. */
enum { ST_MARK_BYTES = ST_SHOWN_PATH_BYTES + 24 };
void st_mark_text(const st_mark *mark, char text[ST_MARK_BYTES]);

/* "topk", "midk", "bottomk", "window". */
const char *st_kind_name(int32_t kind);

/* "fallback", "table", "softlogic", "dsl", "caller". */
const char *st_source_name(int32_t source);

/*
 * Plans a resolved request for a device with its caps. chosen NULL: the sources propose; else that Choice is taken, whose
 * (mk, mkd) must be legal (ST_E_ARGUMENT). ST_E_UNSUPPORTED: the device has no kernel for the kind; ST_E_MEMORY, where there are
 * rules or an entry. decision may be NULL, which saves time. Reads no file and no environment.
 */
st_status st_decide(const st_registered *device, const st_device_caps *caps, const st_rank_request *resolved,
                    const st_sources *sources, const st_choice *chosen, st_plan *plan, st_decision *decision);

/* ST_E_ARGUMENT where (mk, mkd) of a Choice is not legal for a kind on a device. */
st_status st_choice_legal(const st_registered *device, int32_t kind, const st_choice *choice);

/* The nanoseconds that the backend's model gives a Choice; 0 where it gives no number. */
double st_predict(const st_registered *device, const st_device_caps *caps, const st_rank_request *resolved, const st_choice *choice);

/* ln(fallback_ns / predicted_ns); 0 where one is not known. */
double st_model_score(double fallback_ns, double predicted_ns);

#endif
