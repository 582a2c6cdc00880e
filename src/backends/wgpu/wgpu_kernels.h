/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* wgpu_kernels.h - the kernels of kernels/wgsl: their numbers, their texts, and what each takes and leaves. */
#ifndef ST_BACKENDS_WGPU_WGPU_KERNELS_H
#define ST_BACKENDS_WGPU_WGPU_KERNELS_H

#include <stdint.h>

/* st_wgpu_variant.kernel: what a dispatch does. */
enum {
    ST_WGPU_KERNEL_FILTER = 1, /* one sweep; what beats a bound goes to a buffer in workgroup memory */
    ST_WGPU_KERNELS
};

/* st_wgpu_variant.source: what it reads. */
enum {
    ST_WGPU_SOURCE_ROWS = 1,   /* a row of the input, or a piece of one */
    ST_WGPU_SOURCE_ENTRIES = 2 /* the entries that a row's pieces left in scratch */
};

/* st_wgpu_variant.sink: what it leaves. */
enum {
    ST_WGPU_SINK_OUTPUTS = 1, /* the row's outputs */
    ST_WGPU_SINK_ENTRIES = 2  /* the entries that the row or piece keeps, in scratch */
};

/* A kernel's name, for messages: a static string. */
const char *st_wgpu_kernel_name(uint32_t kernel);

/* Bytes of an entry in workgroup memory: its key and its index. */
static inline uint32_t st_wgpu_entry_bytes(uint32_t bits) { return bits == 64 ? 12 : 8; }

/* The texts of kernels/wgsl; NUL-terminated. */
extern const char st_wgsl_numbers[], st_wgsl_keys_one[], st_wgsl_keys_two[], st_wgsl_parts[];
extern const char st_wgsl_source_rows[], st_wgsl_source_entries[], st_wgsl_sink_outputs[], st_wgsl_sink_entries[];
extern const char st_wgsl_buffer[], st_wgsl_sort[], st_wgsl_filter[];

/* Changes when a text does, or what makes programs of them. */
extern const uint64_t st_wgsl_hash;

#endif
