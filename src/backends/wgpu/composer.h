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
    uint64_t binding;                     /* most bytes of a binding */
    uint32_t rows, cols, bits;            /* output rows here; columns of a row; of an element */
    uint32_t range_cols;                  /* columns that one binding of the input holds; cols where the row fits */
    st_wgpu_slice input, values, indices; /* what steps that see whole rows are bound to */
    st_wgpu_numbers numbers;              /* what all steps are told: one piece a row, kept from the nearer end */
} st_wgpu_composer;

/* Sets, from request, Choice, limits and layout, everything but where the outputs are. ST_E_CAPACITY as for st_wgpu_compose. */
st_status st_wgpu_begin(st_wgpu_composer *composer);

/* Sets what holds `rows` rows of the layout's outputs of so many elements. ST_E_CAPACITY: a binding does not. */
st_status st_wgpu_set_outputs(st_wgpu_composer *composer, uint64_t first_row, uint64_t rows, uint64_t width);

/* Takes room in scratch; *base is its first word. ST_E_CAPACITY where a binding cannot hold it. */
st_status st_wgpu_take(st_wgpu_composer *composer, uint64_t words, uint32_t *base);

/* Takes the room of all of a program's entries, before any other: sets numbers.plane, in whose first words their bases are. */
st_status st_wgpu_take_entries(st_wgpu_composer *composer, uint64_t count);

/* Sets in numbers the order of keys, from the row's first rank on or, reversed, from its last, and what is kept of it. */
void st_wgpu_set_order(st_wgpu_composer *composer, int reversed);

/* The variant of a kernel for this request and the Choice's workgroup; rows to outputs, until that is changed. */
st_wgpu_variant st_wgpu_variant_of(const st_wgpu_composer *composer, uint32_t kernel);

/* The least power of two that is not below value; 2^31 at most. */
uint32_t st_wgpu_power_from(uint32_t value);

/* Elements of a step of so many columns for each thread, from 1 to `most`. */
uint32_t st_wgpu_unroll(const st_wgpu_composer *composer, int32_t step, uint32_t most);
enum { ST_WGPU_MOST_UNROLL = 16 };

/*
 * 1 where a row is served by several workgroups: the Choice says so, or no binding holds it. Sets the pieces in numbers: enough
 * to keep a large device busy, at most `most` and at least 2, of at least `least` columns and of the Choice's ch.
 */
int st_wgpu_cut_row(st_wgpu_composer *composer, uint32_t most, uint32_t least, st_wgpu_numbers *numbers);

/*
 * Adds a dispatch of rows * pieces groups, bound to what whole rows need. *step, where not NULL, is where to change what is
 * different. ST_E_CAPACITY: too many groups or steps.
 */
st_status st_wgpu_add(st_wgpu_composer *composer, const st_wgpu_variant *variant, const st_wgpu_numbers *numbers, st_wgpu_step **step);

/* Adds a dispatch of the pieces of every row for each range of columns that one binding holds: one, where the row fits. */
st_status st_wgpu_add_ranges(st_wgpu_composer *composer, const st_wgpu_variant *variant, const st_wgpu_numbers *numbers);

/* Adds the dispatch that writes the outputs from scratch or whole rows, and where the row has ranges, those that pick values. */
st_status st_wgpu_add_last(st_wgpu_composer *composer, const st_wgpu_variant *variant, const st_wgpu_numbers *numbers);

/*
 * Adds the dispatches of a kernel that keeps the first ranks of what it reads: one, or one over pieces of rows, and the same
 * over the entries that they kept.
 */
st_status st_wgpu_add_passes(st_wgpu_composer *composer, st_wgpu_variant variant);

/* Bytes of workgroup memory beside the entries: histograms, sums and counters of kernels/wgsl. */
enum { ST_WGPU_BUFFER_OVERHEAD = 2304 };

/* Queues in subgroups, heaps, and runs merged k ways; what does not fit workgroup memory is served as buffers are. */
st_status st_wgpu_compose_queues(st_wgpu_composer *composer);

/* Families that keep a row's first ranks in workgroup memory, in one or two passes; what does not fit is sorted in scratch. */
st_status st_wgpu_compose_buffer(st_wgpu_composer *composer);

/* Radix selection: a workgroup a row, or many. */
st_status st_wgpu_compose_radix(st_wgpu_composer *composer);

#endif
