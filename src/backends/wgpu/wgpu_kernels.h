/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* wgpu_kernels.h - the kernels of kernels/wgsl: their numbers, their texts, and what each takes and leaves. */
#ifndef ST_BACKENDS_WGPU_WGPU_KERNELS_H
#define ST_BACKENDS_WGPU_WGPU_KERNELS_H

#include <stdint.h>

/* st_wgpu_variant.kernel: what a dispatch does. */
enum {
    ST_WGPU_KERNEL_FILTER = 1,   /* one sweep; what beats a bound goes to a buffer in workgroup memory */
    ST_WGPU_KERNEL_BITONIC,      /* tiles are sorted and merged into the best, in workgroup memory */
    ST_WGPU_KERNEL_ROOM_BITONIC, /* a row is sorted in scratch by one workgroup */
    ST_WGPU_KERNEL_RADIX,        /* a workgroup finds the keys of two ranks digit by digit, and collects what lies between */
    ST_WGPU_KERNEL_WIDE_DIGITS,  /* the same by many workgroups: histograms of one digit, */
    ST_WGPU_KERNEL_WIDE_NARROW,  /* the keys' next digit, */
    ST_WGPU_KERNEL_WIDE_COUNT,   /* how much each piece collects, */
    ST_WGPU_KERNEL_WIDE_COLLECT, /* and collecting it */
    ST_WGPU_KERNEL_ROOM_SORT,    /* what was collected for a row is sorted in scratch by one workgroup */
    ST_WGPU_KERNEL_PICK,         /* values of outputs whose row is cut into ranges */
    ST_WGPU_KERNEL_QUEUE_HEAP,   /* one sweep; what beats a bound goes to a queue in a subgroup's registers, one by one */
    ST_WGPU_KERNEL_QUEUE_BITONIC, /* the same, sorted first */
    ST_WGPU_KERNEL_HEAP,         /* one sweep; a heap for so many threads in workgroup memory */
    ST_WGPU_KERNEL_KWAY,         /* one sweep; sorted runs in workgroup memory, merged k ways */
    ST_WGPU_KERNEL_NAN_ROW,      /* the lowest row with a NaN, */
    ST_WGPU_KERNEL_NAN_COLUMN,   /* and its column */
    ST_WGPU_KERNEL_BAND_COUNT,   /* a band: how many each piece has, */
    ST_WGPU_KERNEL_BAND_WRITE,   /* writing them; or */
    ST_WGPU_KERNEL_BAND_ROOM,    /* collecting each row's in scratch, */
    ST_WGPU_KERNEL_BAND_MOVE,    /* and moving them from there; between the two, */
    ST_WGPU_KERNEL_BAND_SCAN,    /* where pieces and rows start */
    ST_WGPU_KERNEL_VIEW,         /* elements and segments of a strided view's positions */
    ST_WGPU_KERNELS
};

/* st_wgpu_variant.source: what it reads. */
enum {
    ST_WGPU_SOURCE_ROWS = 0,   /* a row of the input, or a piece of one */
    ST_WGPU_SOURCE_ENTRIES = 1 /* the entries that a row's pieces left in scratch */
};

/* st_wgpu_variant.sink: what it leaves. */
enum {
    ST_WGPU_SINK_OUTPUTS = 0, /* the row's outputs */
    ST_WGPU_SINK_ENTRIES = 1, /* the entries that the row or piece keeps, in scratch */
    ST_WGPU_SINK_INDEXED = 2, /* the row's outputs in the order of indices, as they are collected */
    ST_WGPU_SINK_ROOM = 3     /* the window's entries in the row's room in scratch, in the order of indices */
};

/* A kernel's name, for messages: a static string. */
const char *st_wgpu_kernel_name(uint32_t kernel);

/* Bytes of an entry in workgroup memory: its key and its index. */
static inline uint32_t st_wgpu_entry_bytes(uint32_t bits) { return bits == 64 ? 12 : 8; }

/* The texts of kernels/wgsl; NUL-terminated. */
extern const char st_wgsl_numbers[], st_wgsl_keys_one[], st_wgsl_keys_two[], st_wgsl_parts[];
extern const char st_wgsl_source_rows[], st_wgsl_source_entries[], st_wgsl_outputs[], st_wgsl_sink_outputs[], st_wgsl_sink_entries[];
extern const char st_wgsl_histogram[], st_wgsl_buffer[], st_wgsl_sort[], st_wgsl_sweep[], st_wgsl_filter[], st_wgsl_bitonic[];
extern const char st_wgsl_digits[], st_wgsl_collect[], st_wgsl_collect_buffer[], st_wgsl_collect_entries[], st_wgsl_collect_outputs[];
extern const char st_wgsl_collect_room[], st_wgsl_radix[], st_wgsl_wide[], st_wgsl_wide_digits[], st_wgsl_wide_narrow[];
extern const char st_wgsl_wide_count[], st_wgsl_wide_collect[], st_wgsl_room_sort[], st_wgsl_room_bitonic[], st_wgsl_pick[], st_wgsl_entry[];
extern const char st_wgsl_visits[], st_wgsl_heap[], st_wgsl_kway[], st_wgsl_queue[], st_wgsl_queue_heap[], st_wgsl_queue_bitonic[];
extern const char st_wgsl_queue_sweep[], st_wgsl_queue_outputs[], st_wgsl_queue_entries[], st_wgsl_nan[], st_wgsl_nan_row[];
extern const char st_wgsl_nan_column[], st_wgsl_band[], st_wgsl_band_sweep[], st_wgsl_band_outputs[], st_wgsl_band_count[];
extern const char st_wgsl_band_write[], st_wgsl_band_room[], st_wgsl_band_move[], st_wgsl_band_scan[], st_wgsl_view[];

/* Changes when a text does, or what makes programs of them. */
extern const uint64_t st_wgsl_hash;

#endif
