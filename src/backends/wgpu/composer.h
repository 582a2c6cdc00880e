/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* composer.h - what the files that compose programs share: the request's constants, room in scratch, and adding steps. */
#ifndef ST_BACKENDS_WGPU_COMPOSER_H
#define ST_BACKENDS_WGPU_COMPOSER_H

#include "backends/wgpu/wgpu_kernels.h"
#include "backends/wgpu/wgpu_program.h"

typedef struct st_wgpu_composer {
    const st_rank_request *request;
    const st_choice *choice;
    const st_wgpu_limits *limits;
    const st_wgpu_layout *layout;
    st_wgpu_program *program;
    uint64_t binding;                   /* most bytes of a binding */
    uint64_t scratch_words;             /* taken so far */
    uint32_t rows, cols, kept;          /* output rows here; of the whole row; st_gpu_kept */
    uint32_t bits, entry_words;         /* of an element; words of an entry in scratch */
    uint32_t range_cols;                /* columns that one binding of the input holds; cols where the row fits */
    st_wgpu_slice input, values, indices; /* the slices of steps that see whole rows */
    st_wgpu_numbers numbers;            /* what all steps are told: one piece a row */
} st_wgpu_composer;

/* Takes room in scratch; *base is its first word. ST_E_CAPACITY where a binding cannot hold it. */
st_status st_wgpu_take(st_wgpu_composer *composer, uint64_t words, uint32_t *base);

/*
 * Adds a dispatch of rows * pieces groups, bound to the slices of whole rows. *step is where to change what is different.
 * ST_E_CAPACITY: too many groups or steps.
 */
st_status st_wgpu_add(st_wgpu_composer *composer, const st_wgpu_variant *variant, const st_wgpu_numbers *numbers, st_wgpu_step **step);

/*
 * Adds a dispatch of the pieces of every row for each range of columns that one binding holds: one, where the row fits.
 * numbers says all_pieces and piece_cols; with several ranges, piece_cols divides range_cols.
 */
st_status st_wgpu_add_ranges(st_wgpu_composer *composer, const st_wgpu_variant *variant, const st_wgpu_numbers *numbers);

/* The variant of a kernel for this request: sweeps of `step` columns by the Choice's workgroup, `capacity` entries. */
st_wgpu_variant st_wgpu_variant_of(const st_wgpu_composer *composer, uint32_t kernel, int32_t step, uint32_t capacity);

/* 1 where a row is served by several workgroups: the Choice says so, or no binding holds it. Sets the pieces in numbers. */
int st_wgpu_cut_row(st_wgpu_composer *composer, st_wgpu_numbers *numbers);

/* Families that keep a row's first ranks in workgroup memory, in one or two passes. */
st_status st_wgpu_compose_buffer(st_wgpu_composer *composer);

#endif
