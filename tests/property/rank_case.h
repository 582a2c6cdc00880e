/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* rank_case.h - one random Rank-K configuration: request, input and buffers, all from a seed. */
#ifndef RANK_CASE_H
#define RANK_CASE_H

#include <stddef.h>

#include "spiraltorch/spiraltorch.h"

/* A small generator (splitmix64, Steele et al. 2014): the same numbers on every machine. */
typedef struct random_state {
    uint64_t state;
} random_state;

uint64_t random_next(random_state *random);
/* Uniform enough in [0, bound); bound at least 1. */
uint64_t random_below(random_state *random, uint64_t bound);
/* True one time in `in`. */
int random_one(random_state *random, uint64_t in);

/* Fills count elements with one of the data shapes, few-valued ones more often than not. */
void random_elements(random_state *random, st_dtype dtype, void *elements, int64_t count);

typedef struct rank_case {
    st_rank_request request;
    int64_t *row_list, row_list_count, *lengths;
    char *input_block; /* exactly the bytes that the strides reach, and some before */
    size_t input_bytes;
    const void *input;
    int64_t values_stride, indices_stride, output_rows;
} rank_case;

/*
 * Makes the configuration of a seed: any, or (like not NULL) one for whose answer a device needs the same kernels, given the same
 * Choice. rank_case_free releases it. Memory is malloc's; the program ends where there is none.
 */
void rank_case_make(uint64_t seed, const rank_case *like, rank_case *made);
void rank_case_free(rank_case *made);

/* A legal Choice with random fields, for requests on the CPU. */
st_choice random_choice(random_state *random);

/*
 * The same for a kind on a GPU. Kernels are compiled for sizes, which takes longer than many runs, so a run of configurations
 * keeps to some that its seed draws first.
 */
enum { GPU_SIZES = 3 };
void random_gpu_sizes(random_state *random, st_choice sizes[GPU_SIZES]);
st_choice random_gpu_choice(random_state *random, int32_t kind, const st_choice sizes[GPU_SIZES]);

/* malloc that ends the program where there is no memory. */
void *need(size_t bytes);

#endif
