/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* rules.h - the rule programs of the environment, or of the state folder. */
#ifndef ST_ENGINE_RULES_H
#define ST_ENGINE_RULES_H

#include "engine/settings.h"
#include "plan/decide.h"

/* A context's rules, and what was wrong with those that it goes without. */
typedef struct st_rules {
    st_rule_book book;
    int32_t note_count;
    char notes[ST_RULE_TEXTS][ST_NOTE_BYTES];
} st_rules;

/*
 * Compiles the programs that the settings name; where they name none, heur.kdsl in the state folder, if it is there. One that
 * cannot be read or is refused is left out, and the host is told so once. ST_E_MEMORY; rules are then empty.
 */
st_status st_rules_load(const st_host *host, const st_settings *settings, st_rules *rules);

#endif
