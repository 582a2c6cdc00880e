/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* outside.c - a user's program: the two largest and the smallest of a row, and what an error says. */
#include <stdio.h>

#include <spiraltorch/spiraltorch.h>

int main(void) {
    static const float row[] = {3.0f, -1.0f, 4.0f, 1.0f, 5.0f, 4.0f};
    float values[2];
    int64_t indices[2];
    st_context *context = NULL;
    if (st_context_create(NULL, &context) != ST_OK) goto failed;
    if (st_topk(context, ST_F32, row, 1, 6, 2, values, indices) != ST_OK) goto failed;
    printf("largest: %g at %lld, %g at %lld\n", (double)values[0], (long long)indices[0], (double)values[1],
           (long long)indices[1]);
    if (st_bottomk(context, ST_F32, row, 1, 6, 1, values, indices) != ST_OK) goto failed;
    printf("smallest: %g at %lld\n", (double)values[0], (long long)indices[0]);
    if (st_topk(context, ST_F32, row, 1, 6, 7, values, indices) != ST_E_ARGUMENT) goto failed;
    printf("version %s\n", st_version());
    st_context_destroy(context);
    return 0;
failed:
    fprintf(stderr, "outside: %s\n", st_last_message());
    st_context_destroy(context);
    return 1;
}
