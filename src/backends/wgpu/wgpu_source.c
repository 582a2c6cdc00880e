/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* wgpu_source.c - a variant's WGSL: constants, then the texts that its kernel is made of. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "backends/wgpu/wgpu_kernels.h"
#include "backends/wgpu/wgpu_program.h"
#include "base/fail.h"

enum { MOST_TEXTS = 4 };

/* Kernels, with their texts behind those of keys, parts of rows, source and sink; each text sees those before it. */
static const struct {
    const char *name;
    const char *texts[MOST_TEXTS];
} kernels[ST_WGPU_KERNELS] = {
    [ST_WGPU_KERNEL_FILTER] = {"filter", {st_wgsl_buffer, st_wgsl_sort, st_wgsl_filter}},
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
 * A text line by line; a line behind "@each " is written once for each element that a thread reads in a step, behind "@each 4 "
 * four times. WGSL has no way to ask for loads side by side but to write them so.
 */
static void put_text(struct writer *writer, const char *text, uint32_t unroll) {
    static const char each[] = "@each ";
    while (*text != '\0') {
        const char *end = strchr(text, '\n');
        const size_t length = end == NULL ? strlen(text) : (size_t)(end - text) + 1;
        const size_t indent = strspn(text, " ");
        if (strncmp(text + indent, each, sizeof each - 1) == 0) {
            size_t skipped = indent + sizeof each - 1;
            uint32_t times = unroll;
            if (text[skipped] >= '1' && text[skipped] <= '9') {
                times = (uint32_t)(text[skipped] - '0');
                skipped += 2;
            }
            for (uint32_t i = 0; i < times; i++) {
                put(writer, text, indent);
                put_numbered(writer, text + skipped, length - skipped, i);
            }
        } else {
            put(writer, text, length);
        }
        text += length;
    }
}

st_status st_wgpu_source(const st_wgpu_variant *variant, char *text, size_t capacity, size_t *length) {
    struct writer writer = {text, capacity, 0};
    put_constant(&writer, "WG", variant->workgroup);
    put_constant(&writer, "BITS", variant->bits);
    put_constant(&writer, "CAPACITY", variant->capacity);
    put_constant(&writer, "UNROLL", variant->unroll);
    put_constant(&writer, "LANES", variant->lanes);
    put_constant(&writer, "QUEUE", variant->queue);
    const char *counts = variant->count_reads ? "const COUNT_READS = true;\n" : "const COUNT_READS = false;\n";
    put(&writer, counts, strlen(counts));
    put_text(&writer, st_wgsl_numbers, 0);
    put_text(&writer, variant->bits == 64 ? st_wgsl_keys_two : st_wgsl_keys_one, 0);
    put_text(&writer, st_wgsl_parts, 0);
    put_text(&writer, variant->source == ST_WGPU_SOURCE_ENTRIES ? st_wgsl_source_entries : st_wgsl_source_rows, 0);
    put_text(&writer, variant->sink == ST_WGPU_SINK_ENTRIES ? st_wgsl_sink_entries : st_wgsl_sink_outputs, 0);
    for (int i = 0; i < MOST_TEXTS && kernels[variant->kernel].texts[i] != NULL; i++)
        put_text(&writer, kernels[variant->kernel].texts[i], variant->unroll);
    *length = writer.length;
    if (writer.length >= capacity)
        return st_fail(ST_E_CAPACITY, "the kernel's text has %zu bytes, the buffer %zu", writer.length, capacity);
    text[writer.length] = '\0';
    return ST_OK;
}
