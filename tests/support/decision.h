/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* decision.h - contexts with rules and tables of a test's own, and the decisions they lead to. Needs cmocka. */
#ifndef ST_TEST_DECISION_H
#define ST_TEST_DECISION_H

#include "plan/decide.h"
#include "spiraltorch/spiraltorch.h"

/* Warnings that a host got: how many, and all of them, a line each. */
typedef struct st_test_warnings {
    int32_t count;
    char text[2048];
} st_test_warnings;

/* A new state folder of this process's own, with no variable set that a plan depends on; and the end of it. */
int st_open_state_folder(void **state);
int st_close_state_folder(void **state);

/* Unsets the variables that a plan depends on and empties the state folder: what each test starts with. */
int st_forget_heuristics(void **state);

/* Sets a variable; value NULL unsets it. */
void st_set_variable(const char *name, const char *value);

/* Writes a file of the state folder; the path of one. */
void st_put_state_file(const char *name, const char *text);
const char *st_state_file(const char *name);

/* Installs a table from its text. */
void st_install_table_text(const char *text, int32_t trust);

/* A context with two threads; its warnings go to *warnings. */
st_context *st_context_with_warnings(st_test_warnings *warnings);

/* The request that a test means: contiguous f32 rows. */
st_rank_request st_request_for(int32_t kind, int64_t rows, int64_t cols, int64_t k);

/* How a request is decided for caps (NULL: the CPU here), and the plan that comes of it. Fails the test where it cannot be. */
st_decision st_decide_for(st_context *context, const st_rank_request *request, const st_device_caps *caps, st_plan *plan);

/* The proposal of a source; NULL where there is none. */
const st_proposal *st_proposal_of(const st_decision *decision, int32_t source);

/* The explanation as text, in memory that the next call uses again. */
const char *st_explanation(st_context *context, const st_rank_request *request, const st_device_caps *caps);

#endif
