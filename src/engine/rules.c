/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* rules.c - finds the rule programs, and says what is wrong with them. */
#define _GNU_SOURCE /* access under -std=c17 */
#include "engine/rules.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "io/source.h"
#include "io/state_folder.h"
#include "plan/consensus.h"

enum { EVERY_KIND = 1 << ST_TOPK | 1 << ST_MIDK | 1 << ST_BOTTOMK | 1 << ST_WINDOW };

/* What a program's failure leaves behind: it is told, and kept for explanations. ST_E_MEMORY stays an error. */
static st_status go_on_without(const st_host *host, st_status status, st_rules *rules) {
    if (status == ST_OK || status == ST_E_MEMORY) return status;
    char *note = rules->notes[rules->note_count++];
    snprintf(note, ST_NOTE_BYTES, "rules not heard: %.490s", st_last_message());
    host->warn(host->user, note);
    return ST_OK;
}

static st_status read_state_file(const st_host *host, st_rules *rules) {
    char path[ST_STATE_PATH_BYTES];
    st_source source;
    void *text = NULL;
    size_t size = 0, count = 0;
    st_status status = st_state_path("heur.kdsl", path);
    if (status == ST_E_STATE) return ST_OK; /* nowhere for one to be */
    if (status != ST_OK) return status;
    if (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) return ST_OK;
    if ((status = st_source_open(path, &source)) != ST_OK) return status;
    status = st_source_read_up_to(host, &source, ST_SPIRALK_BYTES + 1, &text, &size, &count); /* one more is refused as too long */
    if (status == ST_OK) status = st_rule_book_add(host, &rules->book, path, EVERY_KIND, text, count);
    st_release(host, text, size);
    st_source_close(&source);
    return status;
}

st_status st_rules_load(const st_host *host, const st_settings *settings, st_rules *rules) {
    /* In rising authority: what speaks of one kind alone is over what speaks of all. */
    const struct {
        const char *name, *text;
        uint32_t kinds;
    } programs[] = {{"SPIRAL_HEUR_K", settings->rules_all, EVERY_KIND},
                    {"SPIRAL_HEUR_K_LAB", settings->rules_over_all, EVERY_KIND},
                    {"SPIRAL_HEUR_MIDK", settings->rules_midk, 1 << ST_MIDK},
                    {"SPIRAL_HEUR_BOTTOMK", settings->rules_bottomk, 1 << ST_BOTTOMK}};
    st_status status = ST_OK;
    int named = 0;
    memset(rules, 0, sizeof *rules);
    rules->book.soft = settings->soft_rules;
    rules->book.mode = settings->soft_mode;
    for (size_t i = 0; status == ST_OK && i < sizeof programs / sizeof programs[0]; i++) {
        if (programs[i].text == NULL) continue;
        named = 1;
        status = st_rule_book_add(host, &rules->book, programs[i].name, programs[i].kinds, programs[i].text, strlen(programs[i].text));
        status = go_on_without(host, status, rules);
    }
    if (status == ST_OK && !named) status = go_on_without(host, read_state_file(host, rules), rules);
    if (status == ST_OK && rules->book.count > 0)
        status = st_rule_book_keep_memory(host, &rules->book, st_consensus_bytes(&rules->book));
    if (status != ST_OK) st_rule_book_clear(&rules->book);
    return status;
}
