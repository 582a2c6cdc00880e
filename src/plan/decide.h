/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* decide.h - from a checked request and a device to a plan, with a report of how it came about. */
#ifndef ST_PLAN_DECIDE_H
#define ST_PLAN_DECIDE_H

#include "device/normalise.h"
#include "device/registry.h"

/* What one source proposes, already normalised, and how well the device model and the rules like it. */
typedef struct st_proposal {
    int32_t source; /* ST_SOURCE_* */
    st_choice choice;
    double score; /* ln(fallback_ns / predicted_ns); 0 for the fallback itself */
} st_proposal;

/* How a plan came about. proposals[winner] is the plan's. */
typedef struct st_decision {
    int32_t proposal_count, winner;
    st_proposal proposals[2];
    st_changes changes; /* what normalisation changed in the winner's Choice */
} st_decision;

/* "topk", "midk", "bottomk", "window". */
const char *st_kind_name(int32_t kind);

/* "fallback", "table", "softlogic", "dsl", "caller". */
const char *st_source_name(int32_t source);

/*
 * Plans a resolved request for a device with its caps. chosen NULL: the sources propose; else that Choice is taken, whose
 * (mk, mkd) must be legal (ST_E_ARGUMENT). ST_E_UNSUPPORTED: the device has no kernel for the kind. decision may be NULL,
 * which saves time. Allocates nothing, reads no file.
 */
st_status st_decide(const st_registered *device, const st_device_caps *caps, const st_rank_request *resolved,
                    const st_choice *chosen, st_plan *plan, st_decision *decision);

/* ST_E_ARGUMENT where (mk, mkd) of a Choice is not legal for a kind on a device. */
st_status st_choice_legal(const st_registered *device, int32_t kind, const st_choice *choice);

/* The nanoseconds that the backend's model gives a Choice; 0 where it gives no number. */
double st_predict(const st_registered *device, const st_device_caps *caps, const st_rank_request *resolved, const st_choice *choice);

#endif
