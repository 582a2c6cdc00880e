/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * consensus.h - what rules, the measured table and the fallback agree on.
 *
 * Hard statements decide their fields. For the others, A, the Choice that the soft rules like best, and C, the table's entry,
 * are scored by the device model: ln(fallback's time / predicted time), plus the rules' score for A, plus the prior weight of
 * the table for C. The higher holds, A where they are equal. A is there where a rule is true for it, or is why it is not the
 * fallback; where neither is there, the fallback holds. Where the table has nothing that was measured on this very device, the
 * entry it has from elsewhere is heard with the soft rules: a wish of weight ST_HINT_WEIGHT for each field that it gives. With
 * no rule behind them such wishes do not stand against the fallback, whose score is 0, with a lower one.
 */
#ifndef ST_PLAN_CONSENSUS_H
#define ST_PLAN_CONSENSUS_H

#include "plan/decide.h"

#define ST_HINT_WEIGHT 0.05

/* Bytes that evaluating a book's rules takes: those of the block that st_consensus takes from it. */
size_t st_consensus_bytes(const st_rule_book *book);

/*
 * The Choice to plan with, normalised, and whose it is (ST_SOURCE_*). decision may be NULL. Allocates where there are rules or an
 * entry, and the book keeps no memory for them or another plan has it; ST_E_MEMORY.
 */
st_status st_consensus(const st_registered *device, const st_device_caps *caps, const st_rank_request *resolved,
                       const st_sources *sources, st_choice *choice, int32_t *source, st_decision *decision);

#endif
