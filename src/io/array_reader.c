/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* array_reader.c - arrays from .npy and raw binary files and pipes. */
#define _GNU_SOURCE /* posix_fadvise under -std=c17 */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include "base/checked.h"
#include "base/fail.h"
#include "base/memory.h"
#include "io/npy_header.h"
#include "io/read_ahead.h"
#include "io/source.h"
#include "io/swap_bytes.h"
#include "spiraltorch/io.h"

/* Measured: a block from the page cache takes some 50 us, ten times what handing it over does; the ring is 4 MiB. */
enum { BLOCK_BYTES = 1 << 20, HEADER_PIECE = 64 << 10 };

struct st_array_reader {
    st_host host;
    st_source source;
    st_array_info info;
    int64_t element_bytes;
    int64_t row_bytes;   /* raw data: a file is whole rows */
    int64_t data_offset; /* of element 0, from the source's base; pipes: bytes read when it was opened */
    int64_t data_bytes;  /* -1: not known */
    int swapped;

    /* Bytes of a pipe that were read to see whether it is .npy, and were not. */
    char prefix[ST_NPY_MAGIC_BYTES];
    size_t prefix_bytes;

    st_read_ahead *ahead; /* st_array_next; a pipe's prefix and position belong to its thread */
    int64_t position;     /* bytes of a pipe's data so far */
};

static st_status check_options(const st_array_options *options) {
    if (options->struct_size != sizeof *options)
        return st_fail(ST_E_ARGUMENT, "options.struct_size is %u; set it to sizeof(st_array_options)",
                       options->struct_size);
    if (options->format < ST_FORMAT_AUTO || options->format > ST_FORMAT_RAW)
        return st_fail(ST_E_ARGUMENT, "options.format: %d is none; use ST_FORMAT_AUTO, ST_FORMAT_NPY or ST_FORMAT_RAW",
                       options->format);
    if (options->dtype != 0 && st_dtype_size(options->dtype) == 0)
        return st_fail(ST_E_ARGUMENT, "options.dtype: %d is none; use 0, or ST_F32 to ST_U64", options->dtype);
    return ST_OK;
}

/* ---- .npy ---- */

/* Reads exactly `bytes` more of a header. */
static st_status read_header(st_array_reader *reader, void *buffer, size_t bytes) {
    size_t got = 0;
    const st_status status = st_source_read(&reader->source, reader->data_offset, buffer, bytes, -1, &got);
    if (status != ST_OK) return status;
    reader->data_offset += (int64_t)got;
    if (got == bytes) return ST_OK;
    return st_fail(ST_E_FORMAT, "%s: ends inside the .npy header, after %lld bytes; the file is cut short",
                   reader->source.name, (long long)reader->data_offset);
}

/* Reads the length that follows the magic, and then the dict, in pieces: a lying length costs no more than the file
 * has. */
static st_status read_dict(st_array_reader *reader, void **text, size_t *room, size_t *length) {
    unsigned char fixed[6];
    const char *name = reader->source.name;
    st_status status = read_header(reader, fixed, 2);
    if (status != ST_OK) return status;
    const unsigned version = fixed[0];
    if (version < 1 || version > 3)
        return st_fail(ST_E_FORMAT, "%s: .npy version %u.%u is not known; save it with version 1.0, 2.0 or 3.0", name,
                       version, fixed[1]);
    const size_t length_bytes = version == 1 ? 2 : 4;
    status = read_header(reader, fixed + 2, length_bytes);
    if (status != ST_OK) return status;
    *length = 0;
    for (size_t i = length_bytes; i > 0; i--) *length = *length << 8 | fixed[1 + i];
    if (*length > ST_NPY_HEADER_LIMIT)
        return st_fail(
            ST_E_FORMAT,
            "%s: a .npy header of %zu bytes; at most %d are read, and NumPy writes under 200 for a plain array", name,
            *length, ST_NPY_HEADER_LIMIT);
    for (size_t have = 0; have < *length && status == ST_OK;) {
        const size_t piece = *length - have < HEADER_PIECE ? *length - have : HEADER_PIECE;
        status = st_grow(&reader->host, text, room, have + piece);
        if (status == ST_OK) status = read_header(reader, (char *)*text + have, piece);
        have += piece;
    }
    return status;
}

static st_status settle_dtype(st_array_reader *reader, const st_npy_header *header, st_dtype wanted) {
    const char *name = reader->source.name;
    st_dtype dtype = header->dtype;
    if (wanted == ST_BF16 && (header->is_void || dtype == ST_U16)) dtype = ST_BF16;
    if (dtype == 0)
        return st_fail(ST_E_FORMAT,
                       "%s: dtype 'V2' is 2 bytes of no stated meaning; give dtype bf16 if they are bfloat16", name);
    if (wanted != 0 && wanted != dtype)
        return st_fail(ST_E_ARGUMENT,
                       "options.dtype: %s holds %s, not %s; leave the dtype out, or convert the file with array.astype",
                       name, st_dtype_name(dtype), st_dtype_name(wanted));
    reader->info.dtype = dtype;
    return ST_OK;
}

static st_status open_npy(st_array_reader *reader, st_dtype wanted) {
    void *text = NULL;
    size_t room = 0, length = 0;
    st_npy_header header;
    st_status status = read_dict(reader, &text, &room, &length);
    if (status == ST_OK) status = st_npy_parse(reader->source.name, text != NULL ? text : "", length, &header);
    st_release(&reader->host, text, room);
    if (status == ST_OK) status = settle_dtype(reader, &header, wanted);
    if (status != ST_OK) return status;
    reader->info.dims = header.dims;
    memcpy(reader->info.shape, header.shape, sizeof header.shape);
    reader->info.elements = header.elements;
    reader->element_bytes = reader->row_bytes = st_dtype_size(reader->info.dtype);
    reader->data_bytes = header.bytes;
    reader->swapped = header.swapped;
    const int64_t there = reader->source.size - reader->data_offset;
    if (reader->source.seekable && there < header.bytes)
        return st_fail(ST_E_FORMAT, "%s: the header says %lld bytes of data, the file has %lld; it is cut short",
                       reader->source.name, (long long)header.bytes, (long long)(there > 0 ? there : 0));
    return ST_OK;
}

/* ---- raw ---- */

static st_status fail_partial_row(const st_array_reader *reader, int64_t bytes) {
    return st_fail(
        ST_E_FORMAT,
        "%s: %lld bytes are not whole rows of %lld bytes (%lld %s): %lld are left over; check dtype and cols",
        reader->source.name, (long long)bytes, (long long)reader->row_bytes, (long long)reader->info.shape[1],
        st_dtype_name(reader->info.dtype), (long long)(bytes % reader->row_bytes));
}

static st_status open_raw(st_array_reader *reader, const st_array_options *options) {
    const char *name = reader->source.name;
    if (options->dtype == 0)
        return st_fail(ST_E_ARGUMENT, "options.dtype: %s is no .npy file; raw data needs a dtype and cols", name);
    if (options->cols < 1)
        return st_fail(ST_E_ARGUMENT, "options.cols: %lld; raw data needs the elements of a row, at least 1",
                       (long long)options->cols);
    reader->info.dtype = options->dtype;
    reader->element_bytes = st_dtype_size(options->dtype);
    if (options->cols > (int64_t)1 << 62 || !st_multiply_i64(options->cols, reader->element_bytes, &reader->row_bytes))
        return st_fail(ST_E_ARGUMENT, "options.cols: %lld elements are over 2^62 or 2^63 bytes",
                       (long long)options->cols);
    reader->info.dims = 2;
    reader->info.shape[0] = -1;
    reader->info.shape[1] = options->cols;
    reader->info.elements = -1;
    reader->data_bytes = -1;
    if (!reader->source.seekable) return ST_OK;
    reader->data_offset = 0;
    reader->prefix_bytes = 0;
    const int64_t size = reader->source.size;
    if (size % reader->row_bytes != 0) return fail_partial_row(reader, size);
    reader->info.shape[0] = size / reader->row_bytes;
    reader->info.elements = size / reader->element_bytes;
    reader->data_bytes = size;
    return ST_OK;
}

/* ---- opening ---- */

static st_status open_format(st_array_reader *reader, const st_array_options *options) {
    if (options->format != ST_FORMAT_RAW) {
        const st_status status =
            st_source_read(&reader->source, 0, reader->prefix, ST_NPY_MAGIC_BYTES, -1, &reader->prefix_bytes);
        if (status != ST_OK) return status;
        reader->data_offset = (int64_t)reader->prefix_bytes;
        if (reader->prefix_bytes == ST_NPY_MAGIC_BYTES &&
            memcmp(reader->prefix, st_npy_magic, ST_NPY_MAGIC_BYTES) == 0) {
            reader->prefix_bytes = 0;
            return open_npy(reader, options->dtype);
        }
        if (options->format == ST_FORMAT_NPY)
            return st_fail(ST_E_FORMAT, "%s: is no .npy file (it does not begin with its magic)", reader->source.name);
    }
    return open_raw(reader, options);
}

st_status st_array_open(const st_host *host, const char *path, const st_array_options *options, st_array_reader **out) {
    st_host resolved;
    const st_array_options defaults = {.struct_size = sizeof defaults};
    if (out == NULL) return st_fail(ST_E_ARGUMENT, "reader: is NULL; give the address of a st_array_reader *");
    *out = NULL;
    if (options == NULL) options = &defaults;
    st_status status = st_host_resolve(host, &resolved);
    if (status == ST_OK) status = check_options(options);
    if (status != ST_OK) return status;
    st_array_reader *reader = st_allocate_zeroed(&resolved, sizeof *reader);
    if (reader == NULL) return st_fail(ST_E_MEMORY, "no memory for an array reader");
    reader->host = resolved;
    reader->source.file = -1;
    reader->info.struct_size = sizeof reader->info;
    status = st_source_open(path, &reader->source);
    if (status == ST_OK) status = open_format(reader, options);
    if (status != ST_OK) {
        st_array_close(reader);
        return status;
    }
    reader->info.seekable = reader->source.seekable;
    *out = reader;
    return ST_OK;
}

st_status st_array_get_info(const st_array_reader *reader, st_array_info *info) {
    if (reader == NULL || info == NULL)
        return st_fail(ST_E_ARGUMENT, "%s: is NULL", reader == NULL ? "reader" : "info");
    if (info->struct_size != sizeof *info)
        return st_fail(ST_E_ARGUMENT, "info.struct_size is %u; set it to sizeof(st_array_info)", info->struct_size);
    *info = reader->info;
    return ST_OK;
}

/* ---- reading ---- */

static st_status fail_short(const st_array_reader *reader, int64_t have, int64_t wanted) {
    return st_fail(ST_E_FORMAT, "%s: ended after %lld bytes of data where there should be %lld; it was cut short",
                   reader->source.name, (long long)have, (long long)wanted);
}

st_status st_array_read_at(st_array_reader *reader, int64_t first, int64_t count, void *elements) {
    if (reader == NULL) return st_fail(ST_E_ARGUMENT, "reader: is NULL");
    if (!reader->source.seekable)
        return st_fail(ST_E_STATE, "%s: is a pipe, which only reads on; use st_array_next, or a file",
                       reader->source.name);
    if (first < 0 || count < 0 || first > reader->info.elements || count > reader->info.elements - first)
        return st_fail(ST_E_ARGUMENT, "first, count: elements %lld to %lld + %lld are not all within the array's %lld",
                       (long long)first, (long long)first, (long long)count, (long long)reader->info.elements);
    if (count > 0 && elements == NULL) return st_fail(ST_E_ARGUMENT, "elements: is NULL");
    /* No overflow: the whole array's bytes were checked. A swap goes block by block, out of the cache. */
    const int64_t end = (first + count) * reader->element_bytes;
    const int64_t step = reader->swapped ? BLOCK_BYTES : INT64_MAX;
    char *at = elements;
    for (int64_t from = first * reader->element_bytes; from < end;) {
        const size_t bytes = (size_t)(end - from < step ? end - from : step);
        size_t got = 0;
        const st_status status = st_source_read(&reader->source, reader->data_offset + from, at, bytes, -1, &got);
        if (status != ST_OK) return status;
        if (got < bytes) return fail_short(reader, from + (int64_t)got, reader->data_bytes);
        if (reader->swapped) st_swap_bytes(at, bytes, (size_t)reader->element_bytes);
        from += (int64_t)bytes;
        at += bytes;
    }
    return ST_OK;
}

/* Block `number` of a file: any thread, in any order. */
static st_status fill_from_file(void *argument, uint64_t number, int stop_file, void *block, size_t bytes,
                                size_t *got) {
    const st_array_reader *reader = argument;
    const int64_t from = (int64_t)number * BLOCK_BYTES; /* numbers end at the first block beyond the data */
    const int64_t left = reader->data_bytes - from;
    *got = 0;
    if (left <= 0) return ST_OK;
    if ((int64_t)bytes > left) bytes = (size_t)left;
    const st_status status = st_source_read(&reader->source, reader->data_offset + from, block, bytes, stop_file, got);
    if (status != ST_OK) return status;
    if (*got < bytes) return fail_short(reader, from + (int64_t)*got, reader->data_bytes);
    if (reader->swapped) st_swap_bytes(block, bytes, (size_t)reader->element_bytes);
    return ST_OK;
}

/* The next block of a pipe: one thread, in order. */
static st_status fill_from_pipe(void *argument, uint64_t number, int stop_file, void *block, size_t bytes,
                                size_t *got) {
    (void)number;
    st_array_reader *reader = argument;
    const int64_t left = reader->data_bytes < 0 ? INT64_MAX : reader->data_bytes - reader->position;
    *got = 0;
    if (left == 0) return ST_OK;
    if ((int64_t)bytes > left) bytes = (size_t)left;
    const size_t prefix = reader->prefix_bytes < bytes ? reader->prefix_bytes : bytes;
    memcpy(block, reader->prefix, prefix);
    reader->prefix_bytes -= prefix;
    const st_status status = st_source_read(&reader->source, 0, (char *)block + prefix, bytes - prefix, stop_file, got);
    if (status != ST_OK) return status;
    *got += prefix;
    reader->position += (int64_t)*got;
    if (*got < bytes && reader->data_bytes >= 0) return fail_short(reader, reader->position, reader->data_bytes);
    if (*got < bytes && reader->position % reader->row_bytes != 0) return fail_partial_row(reader, reader->position);
    if (reader->swapped) st_swap_bytes(block, *got, (size_t)reader->element_bytes);
    return ST_OK;
}

static st_status start_reading(st_array_reader *reader) {
#if defined(POSIX_FADV_SEQUENTIAL)
    /* Advice alone: where it is not taken the reads are right all the same. */
    if (reader->source.seekable) (void)posix_fadvise(reader->source.file, 0, 0, POSIX_FADV_SEQUENTIAL);
#endif
    /* What one block holds is read before a thread would have started. */
    const int is_small = reader->data_bytes >= 0 && reader->data_bytes <= BLOCK_BYTES;
    const int manner = is_small ? ST_FILL_ALONE : reader->source.seekable ? ST_FILL_ANYWHERE : ST_FILL_IN_ORDER;
    return st_read_ahead_open(&reader->host, BLOCK_BYTES, manner,
                              reader->source.seekable ? fill_from_file : fill_from_pipe, reader, &reader->ahead);
}

st_status st_array_next(st_array_reader *reader, const void **elements, int64_t *count) {
    if (reader == NULL || elements == NULL || count == NULL)
        return st_fail(ST_E_ARGUMENT, "%s: is NULL",
                       reader == NULL     ? "reader"
                       : elements == NULL ? "elements"
                                          : "count");
    *elements = NULL;
    *count = 0;
    if (reader->ahead == NULL) {
        const st_status status = start_reading(reader);
        if (status != ST_OK) return status;
    }
    size_t bytes = 0;
    const st_status status = st_read_ahead_next(reader->ahead, elements, &bytes);
    *count = (int64_t)bytes / reader->element_bytes;
    return status;
}

void st_array_close(st_array_reader *reader) {
    if (reader == NULL) return;
    st_read_ahead_close(reader->ahead);
    st_source_close(&reader->source);
    const st_host host = reader->host;
    st_release(&host, reader, sizeof *reader);
}
