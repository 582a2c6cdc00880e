/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* wgpu_source.c - a variant's WGSL: constants, then the texts that its kernel is made of. */
#include <stdio.h>
#include <string.h>

#include "backends/wgpu/wgpu_kernels.h"
#include "backends/wgpu/wgpu_program.h"
#include "base/fail.h"

enum { MOST_TEXTS = 5 };

/* How a kernel's results leave it. */
enum way { WAY_OWN, WAY_OUTPUTS, WAY_BUFFER, WAY_COLLECT, WAY_QUEUE };

/* Kernels, with the texts that no other part of a variant asks for. Texts may use each other in any order. */
static const struct {
    const char *name;
    enum way way;
    const char *texts[MOST_TEXTS];
} kernels[ST_WGPU_KERNELS] = {
    [ST_WGPU_KERNEL_FILTER] = {"filter", WAY_BUFFER, {st_wgsl_visits, st_wgsl_sweep, st_wgsl_filter, st_wgsl_entry}},
    [ST_WGPU_KERNEL_BITONIC] = {"bitonic", WAY_BUFFER, {st_wgsl_visits, st_wgsl_sweep, st_wgsl_bitonic, st_wgsl_entry}},
    [ST_WGPU_KERNEL_ROOM_BITONIC] = {"room_bitonic", WAY_OUTPUTS,
                                     {st_wgsl_histogram, st_wgsl_buffer, st_wgsl_sort, st_wgsl_room_bitonic, st_wgsl_entry}},
    [ST_WGPU_KERNEL_RADIX] = {"radix", WAY_COLLECT, {st_wgsl_digits, st_wgsl_radix, st_wgsl_entry}},
    [ST_WGPU_KERNEL_WIDE_DIGITS] = {"wide_digits", WAY_OWN,
                                    {st_wgsl_histogram, st_wgsl_digits, st_wgsl_wide, st_wgsl_wide_digits, st_wgsl_entry}},
    [ST_WGPU_KERNEL_WIDE_NARROW] = {"wide_narrow", WAY_OWN,
                                    {st_wgsl_histogram, st_wgsl_digits, st_wgsl_wide, st_wgsl_wide_narrow, st_wgsl_entry}},
    [ST_WGPU_KERNEL_WIDE_COUNT] = {"wide_count", WAY_OWN,
                                    {st_wgsl_histogram, st_wgsl_digits, st_wgsl_wide, st_wgsl_wide_count, st_wgsl_entry}},
    [ST_WGPU_KERNEL_WIDE_COLLECT] = {"wide_collect", WAY_COLLECT, {st_wgsl_digits, st_wgsl_wide, st_wgsl_wide_collect, st_wgsl_entry}},
    [ST_WGPU_KERNEL_ROOM_SORT] = {"room_sort", WAY_OUTPUTS, {st_wgsl_histogram, st_wgsl_room_sort, st_wgsl_entry}},
    [ST_WGPU_KERNEL_PICK] = {"pick", WAY_OWN, {st_wgsl_pick, st_wgsl_entry}},
    [ST_WGPU_KERNEL_QUEUE_HEAP] = {"queue_heap", WAY_QUEUE, {st_wgsl_visits, st_wgsl_queue, st_wgsl_queue_heap, st_wgsl_queue_sweep}},
    [ST_WGPU_KERNEL_QUEUE_BITONIC] = {"queue_bitonic", WAY_QUEUE, {st_wgsl_visits, st_wgsl_queue, st_wgsl_queue_bitonic, st_wgsl_queue_sweep}},
    [ST_WGPU_KERNEL_HEAP] = {"heap", WAY_BUFFER, {st_wgsl_visits, st_wgsl_heap, st_wgsl_entry}},
    [ST_WGPU_KERNEL_KWAY] = {"kway", WAY_BUFFER, {st_wgsl_visits, st_wgsl_kway, st_wgsl_entry}},
    [ST_WGPU_KERNEL_NAN_ROW] = {"nan_row", WAY_OWN, {st_wgsl_nan, st_wgsl_nan_row, st_wgsl_entry}},
    [ST_WGPU_KERNEL_NAN_COLUMN] = {"nan_column", WAY_OWN, {st_wgsl_nan, st_wgsl_nan_column, st_wgsl_entry}},
    [ST_WGPU_KERNEL_BAND_COUNT] = {"band_count", WAY_OWN, {st_wgsl_band, st_wgsl_band_count, st_wgsl_entry}},
    [ST_WGPU_KERNEL_BAND_WRITE] = {"band_write", WAY_OWN,
                                   {st_wgsl_band, st_wgsl_band_sweep, st_wgsl_band_outputs, st_wgsl_band_write, st_wgsl_entry}},
    [ST_WGPU_KERNEL_BAND_ROOM] = {"band_room", WAY_OWN, {st_wgsl_band, st_wgsl_band_sweep, st_wgsl_band_room, st_wgsl_entry}},
    [ST_WGPU_KERNEL_BAND_MOVE] = {"band_move", WAY_OWN, {st_wgsl_band_outputs, st_wgsl_band_move, st_wgsl_entry}},
    [ST_WGPU_KERNEL_BAND_SCAN] = {"band_scan", WAY_OWN, {st_wgsl_band_scan}},
    [ST_WGPU_KERNEL_VIEW] = {"view", WAY_OWN, {st_wgsl_view}},
};

const char *st_wgpu_kernel_name(uint32_t kernel) { return kernels[kernel].name; }

struct writer {
    char *text;
    size_t capacity, length;
};

static void put(struct writer *writer, const char *bytes, size_t count) {
    if (writer->length + count < writer->capacity) memcpy(writer->text + writer->length, bytes, count);
    writer->length += count;
}

static void put_constant(struct writer *writer, const char *name, uint32_t value) {
    char line[64];
    const int length = snprintf(line, sizeof line, "const %s = %uu;\n", name, value);
    put(writer, line, (size_t)length);
}

/* A line with its every $ replaced by a number. */
static void put_numbered(struct writer *writer, const char *line, size_t length, uint32_t number) {
    char digits[16];
    const size_t count = (size_t)snprintf(digits, sizeof digits, "%u", number);
    for (size_t i = 0; i < length; i++)
        if (line[i] == '$')
            put(writer, digits, count);
        else
            put(writer, line + i, 1);
}

/*
 * A text line by line; a line behind "@each " is written once for each element that a thread reads in a step of a sweep, behind
 * "@compact " in a step of a compaction, behind "@queue " for each entry of a lane's queue, behind "@each 4 " four times. WGSL
 * has no way to ask for loads side by side, or for arrays in registers, but to write them so.
 */
static void put_text(struct writer *writer, const st_wgpu_variant *variant, const char *text) {
    static const char each[] = "@each ", four[] = "@each 4 ", compact[] = "@compact ", queue[] = "@queue ";
    while (*text != '\0') {
        const char *end = strchr(text, '\n');
        const size_t length = end == NULL ? strlen(text) : (size_t)(end - text) + 1, indent = strspn(text, " ");
        const char *line = text + indent;
        uint32_t times = 1;
        if (strncmp(line, four, sizeof four - 1) == 0) {
            times = 4;
            line += sizeof four - 1;
        } else if (strncmp(line, each, sizeof each - 1) == 0) {
            times = variant->unroll;
            line += sizeof each - 1;
        } else if (strncmp(line, compact, sizeof compact - 1) == 0) {
            times = variant->compact;
            line += sizeof compact - 1;
        } else if (strncmp(line, queue, sizeof queue - 1) == 0) {
            times = variant->queue;
            line += sizeof queue - 1;
        }
        for (uint32_t i = 0; i < times; i++) {
            put(writer, text, indent);
            put_numbered(writer, line, (size_t)(text + length - line), i);
        }
        text += length;
    }
}

/* What takes a kernel's results to where the variant's sink is. */
static void put_sink(struct writer *writer, const st_wgpu_variant *variant) {
    const enum way way = kernels[variant->kernel].way;
    const int outputs = variant->sink == ST_WGPU_SINK_OUTPUTS, buffer = way == WAY_BUFFER || (way == WAY_COLLECT && outputs);
    if (way != WAY_OWN && (outputs || variant->sink == ST_WGPU_SINK_INDEXED)) put_text(writer, variant, st_wgsl_outputs);
    if (way == WAY_BUFFER || way == WAY_COLLECT) put_text(writer, variant, st_wgsl_histogram);
    if (buffer) {
        put_text(writer, variant, st_wgsl_buffer);
        put_text(writer, variant, st_wgsl_sort);
        put_text(writer, variant, outputs ? st_wgsl_sink_outputs : st_wgsl_sink_entries);
    }
    if (way == WAY_QUEUE) put_text(writer, variant, outputs ? st_wgsl_queue_outputs : st_wgsl_queue_entries);
    if (way == WAY_COLLECT) {
        static const char *const collectors[] = {[ST_WGPU_SINK_OUTPUTS] = st_wgsl_collect_buffer,
                                                 [ST_WGPU_SINK_ENTRIES] = st_wgsl_collect_entries,
                                                 [ST_WGPU_SINK_INDEXED] = st_wgsl_collect_outputs,
                                                 [ST_WGPU_SINK_ROOM] = st_wgsl_collect_room};
        put_text(writer, variant, st_wgsl_collect);
        put_text(writer, variant, collectors[variant->sink]);
    }
}

st_status st_wgpu_source(const st_wgpu_variant *variant, char *text, size_t capacity, size_t *length) {
    struct writer writer = {text, capacity, 0};
    put_constant(&writer, "WG", variant->workgroup);
    put_constant(&writer, "BITS", variant->bits);
    put_constant(&writer, "CAPACITY", variant->capacity);
    put_constant(&writer, "UNROLL", variant->unroll);
    put_constant(&writer, "STEP", variant->unroll * variant->workgroup);
    put_constant(&writer, "COMPACT", variant->compact);
    put_constant(&writer, "LANES", variant->lanes);
    put_constant(&writer, "QUEUE", variant->queue);
    put_constant(&writer, "PARTS", variant->parts);
    const char *counts = variant->count_reads ? "const COUNT_READS = true;\n" : "const COUNT_READS = false;\n";
    put(&writer, counts, strlen(counts));
    put_text(&writer, variant, st_wgsl_numbers);
    put_text(&writer, variant, variant->bits == 64 ? st_wgsl_keys_two : st_wgsl_keys_one);
    put_text(&writer, variant, st_wgsl_parts);
    put_text(&writer, variant, variant->source == ST_WGPU_SOURCE_ENTRIES ? st_wgsl_source_entries : st_wgsl_source_rows);
    put_sink(&writer, variant);
    for (int i = 0; i < MOST_TEXTS && kernels[variant->kernel].texts[i] != NULL; i++)
        put_text(&writer, variant, kernels[variant->kernel].texts[i]);
    *length = writer.length;
    if (writer.length >= capacity)
        return st_fail(ST_E_CAPACITY, "the kernel's text has %zu bytes, the buffer %zu", writer.length, capacity);
    text[writer.length] = '\0';
    return ST_OK;
}
