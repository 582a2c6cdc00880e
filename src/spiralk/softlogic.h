/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * softlogic.h - SoftLogic: among small domains of values for each field, the Choice that the rules like best.
 *
 * Every rule that can hold for the request has a signed weight u: w for soft(field, value, w, condition), which is true for
 * a Choice with that value where the condition holds, and -w for penalty_if(condition, w), which is true where the condition
 * holds. Weights beyond 1e6 count as 1e6. The score of a Choice is over the rules that are true for it:
 *
 *   SUM        sum of u
 *   NORMALIZE  sum of u / (sum of |u| over all rules that can hold)
 *   SOFTMAX    sum of sign(u) e^|u| / (sum of e^|u| over all rules that can hold)
 *   PROB       (1 - product over u > 0 of (1 - clamp(u, 0, 1))) - (1 - product over u < 0 of (1 - clamp(-u, 0, 1)))
 *
 * So softmax takes the sizes of the weights and keeps their signs: a strong aversion outweighs a weak one.
 *
 * Fields that no rule reads together are decided one by one. Where rules read several, partial Choices are extended field
 * by field; of those that agree in all fields which rules still to come read, the best is kept, and of these the best `width`.
 * The answer is exact where none beyond that was dropped: always where the product of the domains of coupled fields, without
 * the last of them, is at most the width, and the work allows that width (in PROB, where the products of all fields are). The
 * work, in the unit of prepare.h, is estimated before the search: where it would be more than the problem allows, the width is
 * halved, and at last fields of large domains keep the incumbent's value. Where remainders of huge numbers, which the estimate
 * does not know, or the mere scoring of the incumbent pass it, the search gives up. What a rule takes whatever its condition,
 * st_prepare has counted.
 * In PROB all parts of the score are multiplied, so what is kept between groups of coupled fields are the partial Choices
 * that no other equals or betters in both products.
 *
 * Of equal scores, the Choice that keeps the incumbent's value in the first field where they differ is taken, else the one
 * with the lower value there (PROB: of those that none betters in a product). The answer never scores below the incumbent.
 */
#ifndef ST_SPIRALK_SOFTLOGIC_H
#define ST_SPIRALK_SOFTLOGIC_H

#include "spiralk/prepare.h"
#include "spiraltorch/choice.h"

enum { ST_SOFT_SUM, ST_SOFT_NORMALIZE, ST_SOFT_SOFTMAX, ST_SOFT_PROB };

enum {
    ST_SOFT_VALUES = 64,  /* most values that a caller gives for a field */
    ST_SOFT_RULES = 4096, /* rules that count, the first ones */
    ST_SOFT_WIDTH = 1024  /* the width for planning */
};

/* A rule without a condition, from elsewhere than a program. */
typedef struct st_soft_wish {
    int32_t field, value;
    double weight;
} st_soft_wish;

typedef struct st_soft_problem {
    const st_prepared *const *prepared; /* programs prepared for the same request */
    int32_t prepared_count;
    const st_soft_wish *wishes;
    int32_t wish_count;
    const int32_t *values[ST_FIELDS]; /* of each field, in any order; the incumbent's and the rules' values join them */
    int32_t value_counts[ST_FIELDS];
    uint32_t fixed; /* bit 1 << field: it keeps the incumbent's value, whatever the rules say */
    st_choice incumbent;
    int32_t mode;  /* ST_SOFT_* */
    int32_t width; /* partial Choices that are kept, 1 to ST_SOFT_WIDTH */
    int64_t work;  /* the most that it may take */
} st_soft_problem;

typedef struct st_soft_answer {
    st_choice choice;
    double score;
    int32_t exact;    /* 1: no Choice of these domains scores higher */
    int32_t left_out; /* rules beyond ST_SOFT_RULES */
    int32_t gave_up;  /* 1: the work ran out; the incumbent, and no rule is known to be true */
    int64_t work;
    int32_t count;    /* rules that count, the programs' in their order, then the wishes */
    const uint8_t *is_true, *was_true; /* of each of them, for the answer and for the incumbent; in the workspace */
} st_soft_answer;

/* Bytes that st_soft_solve needs, of any alignment. */
size_t st_soft_bytes(const st_soft_problem *problem);

/* The most that a problem with so many rules and wishes can need. */
size_t st_soft_most_bytes(int64_t rules);

/* Solves; allocates nothing. The workspace stays the caller's. ST_E_ARGUMENT; ST_E_CAPACITY: the workspace is too small. */
st_status st_soft_solve(const st_soft_problem *problem, void *workspace, size_t bytes, st_soft_answer *answer);

/* The mode of a word: "sum", "normalize", "softmax", "prob"; -1 for another. */
int32_t st_soft_mode_of(const char *word);

#endif
