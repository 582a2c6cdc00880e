/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* decision.c - contexts with rules and tables of a test's own, and the decisions they lead to. */
#define _GNU_SOURCE /* setenv */
#include "decision.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/planning.h"
#include "temporary_file.h"

static char folder[256];

void st_set_variable(const char *name, const char *value) {
    assert_int_equal(value == NULL ? unsetenv(name) : setenv(name, value, 1), 0);
}

int st_forget_heuristics(void **state) {
    static const char *const names[] = {
        "SPIRAL_HEUR_K",               "SPIRAL_HEUR_K_LAB",          "SPIRAL_HEUR_MIDK",
        "SPIRAL_HEUR_BOTTOMK",         "SPIRAL_HEUR_SOFT",           "SPIRAL_HEUR_MODE",
        "SPIRAL_HEUR_GEN_WEIGHT",      "SPIRAL_HEUR_GEN_WEIGHT_CPU", "SPIRAL_HEUR_GEN_WEIGHT_WGPU",
        "SPIRAL_HEUR_GEN_WEIGHT_CUDA", "SPIRAL_HEUR_GEN_WEIGHT_HIP", "SPIRAL_HEUR_GEN_WEIGHT_MPS"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) st_set_variable(names[i], NULL);
    st_remove_folder(folder);
    st_temporary_folder(folder);
    return setenv("SPIRALTORCH_HOME", folder, 1);
}

int st_open_state_folder(void **state) {
    st_temporary_folder(folder);
    return st_forget_heuristics(state);
}

int st_close_state_folder(void **state) {
    (void)state;
    st_remove_folder(folder);
    return unsetenv("SPIRALTORCH_HOME");
}

const char *st_state_file(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

void st_put_state_file(const char *name, const char *text) { st_put_file(st_state_file(name), text, strlen(text)); }

void st_install_table_text(const char *text, int32_t trust) {
    st_table *table = NULL;
    if (st_table_read_text(NULL, text, strlen(text), "text", &table, NULL) != ST_OK) fail_msg("%s", st_last_message());
    assert_int_equal(st_table_install(table, trust), ST_OK);
    st_table_close(table);
}

static void take_warning(void *user, const char *text) {
    st_test_warnings *warnings = user;
    const size_t used = strlen(warnings->text);
    warnings->count++;
    snprintf(warnings->text + used, sizeof warnings->text - used, "%s\n", text);
}

st_context *st_context_with_warnings(st_test_warnings *warnings) {
    const st_host host = {.struct_size = sizeof host, .user = warnings, .warn = take_warning};
    const st_context_options options = {.struct_size = sizeof options, .threads = 2, .host = &host};
    st_context *context = NULL;
    memset(warnings, 0, sizeof *warnings);
    if (st_context_create(&options, &context) != ST_OK) fail_msg("%s", st_last_message());
    return context;
}

st_rank_request st_request_for(int32_t kind, int64_t rows, int64_t cols, int64_t k) {
    st_rank_request request;
    st_rank_request_init(&request, kind, rows, cols, k);
    return request;
}

st_decision st_decide_for(st_context *context, const st_rank_request *request, const st_device_caps *caps, st_plan *plan) {
    st_target target;
    st_decision decision;
    if (st_target_find(context, request, caps == NULL ? "cpu" : NULL, caps, &target) != ST_OK) fail_msg("%s", st_last_message());
    const st_sources sources = st_sources_of(context, target.position);
    if (st_decide(&context->registry.items[target.position], &target.caps, &target.request, &sources, NULL, plan, &decision) != ST_OK)
        fail_msg("%s", st_last_message());
    return decision;
}

const st_proposal *st_proposal_of(const st_decision *decision, int32_t source) {
    for (int32_t i = 0; i < decision->proposal_count; i++)
        if (decision->proposals[i].source == source) return &decision->proposals[i];
    return NULL;
}

const char *st_explanation(st_context *context, const st_rank_request *request, const st_device_caps *caps) {
    static char text[16384];
    uint64_t length;
    if (st_plan_explain(context, request, caps == NULL ? "cpu" : NULL, caps, 0, text, sizeof text, &length) != ST_OK)
        fail_msg("%s", st_last_message());
    return text;
}
