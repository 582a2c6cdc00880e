/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* npy_writer.c - .npy files, written whole or not at all. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/checked.h"
#include "base/fail.h"
#include "base/memory.h"
#include "io/npy_header.h"
#include "io/whole_file.h"
#include "spiraltorch/io.h"

/* Rows of a few elements are appended by the million: a call to the system each would cost more than the ranking. */
enum { BUFFER_BYTES = 256 << 10 };

struct st_npy_writer {
    st_host host;
    st_whole_file whole;
    int64_t element_bytes;
    int64_t header_bytes;
    int64_t elements;
    int64_t appended; /* elements, those in the buffer included */
    int64_t placed;   /* elements that st_npy_write_at wrote */
    size_t buffered;  /* bytes in the buffer: the last ones appended */
    st_status failed; /* the first failure, which every later call repeats */
    char message[ST_MESSAGE_BYTES];
    char buffer[BUFFER_BYTES];
};

static st_status check_shape(st_dtype dtype, int32_t dims, const int64_t *shape, int64_t *elements) {
    const int64_t size = st_dtype_size(dtype);
    if (size == 0) return st_fail(ST_E_ARGUMENT, "dtype: %d is none; use ST_F32 to ST_U64", dtype);
    if (dims < 1 || dims > 8) return st_fail(ST_E_ARGUMENT, "dims: %d; a shape has 1 to 8 axes", dims);
    if (shape == NULL) return st_fail(ST_E_ARGUMENT, "shape: is NULL");
    int64_t product = 1, bytes;
    *elements = 1;
    for (int32_t i = 0; i < dims; i++) {
        if (shape[i] < 0)
            return st_fail(ST_E_ARGUMENT, "shape: axis %d is %lld; an axis is 0 or more", i, (long long)shape[i]);
        *elements = shape[i] == 0 ? 0 : *elements;
        if (shape[i] > (int64_t)1 << 62 || (shape[i] > 0 && !st_multiply_i64(product, shape[i], &product)) ||
            product > (int64_t)1 << 62 || !st_multiply_i64(product, size, &bytes) ||
            !st_add_i64(bytes, ST_NPY_WRITTEN_LIMIT, &bytes))
            return st_fail(ST_E_ARGUMENT, "shape: has over 2^62 elements or 2^63 bytes");
    }
    if (*elements != 0) *elements = product;
    return ST_OK;
}

st_status st_npy_create(const st_host *host, const char *path, st_dtype dtype, int32_t dims, const int64_t *shape,
                        st_npy_writer **out) {
    st_host resolved;
    int64_t elements = 0;
    if (out == NULL) return st_fail(ST_E_ARGUMENT, "writer: is NULL; give the address of a st_npy_writer *");
    *out = NULL;
    st_status status = st_host_resolve(host, &resolved);
    if (status == ST_OK) status = check_shape(dtype, dims, shape, &elements);
    if (status != ST_OK) return status;
    st_npy_writer *writer = st_allocate(&resolved, sizeof *writer);
    if (writer == NULL) return st_fail(ST_E_MEMORY, "no memory for a .npy writer");
    memset(writer, 0, offsetof(st_npy_writer, buffer));
    writer->host = resolved;
    writer->element_bytes = st_dtype_size(dtype);
    writer->elements = elements;
    status = st_whole_file_create(&writer->host, path, 1, &writer->whole);
    if (status != ST_OK) {
        st_release(&resolved, writer, sizeof *writer);
        return status;
    }
    char header[ST_NPY_WRITTEN_LIMIT];
    writer->header_bytes = (int64_t)st_npy_print(dtype, dims, shape, header);
    status = st_whole_file_write(&writer->whole, 0, header, (size_t)writer->header_bytes);
    if (status != ST_OK) {
        st_npy_discard(writer);
        return status;
    }
    *out = writer;
    return ST_OK;
}

static st_status keep_failure(st_npy_writer *writer, st_status status) {
    if (status != ST_OK) {
        writer->failed = status;
        st_message_copy(writer->message);
    }
    return status;
}

static st_status flush_buffer(st_npy_writer *writer) {
    const size_t bytes = writer->buffered;
    const int64_t at = writer->header_bytes + writer->appended * writer->element_bytes - (int64_t)bytes;
    writer->buffered = 0;
    return bytes == 0 ? ST_OK : st_whole_file_write(&writer->whole, at, writer->buffer, bytes);
}

/* What both ways of writing check; the message names where the elements would go. */
static st_status check_write(st_npy_writer *writer, int64_t first, const void *elements, int64_t count) {
    if (writer == NULL) return st_fail(ST_E_ARGUMENT, "writer: is NULL");
    if (writer->failed != ST_OK) return st_message_set(writer->failed, writer->message);
    if (first < 0 || count < 0 || first > writer->elements || count > writer->elements - first)
        return st_fail(ST_E_ARGUMENT, "count: %lld elements from %lld on do not fit in %s's shape of %lld",
                       (long long)count, (long long)first, writer->whole.name, (long long)writer->elements);
    if (count > 0 && elements == NULL) return st_fail(ST_E_ARGUMENT, "elements: is NULL");
    return ST_OK;
}

st_status st_npy_append(st_npy_writer *writer, const void *elements, int64_t count) {
    st_status status = check_write(writer, writer != NULL ? writer->appended : 0, elements, count);
    if (status != ST_OK || count == 0) return status;
    const size_t bytes = (size_t)(count * writer->element_bytes);
    if (bytes > BUFFER_BYTES - writer->buffered) status = flush_buffer(writer);
    if (status == ST_OK && bytes > BUFFER_BYTES)
        status = st_whole_file_write(&writer->whole, writer->header_bytes + writer->appended * writer->element_bytes,
                                     elements, bytes);
    else if (status == ST_OK) {
        memcpy(writer->buffer + writer->buffered, elements, bytes);
        writer->buffered += bytes;
    }
    if (status == ST_OK) writer->appended += count;
    return keep_failure(writer, status);
}

st_status st_npy_write_at(st_npy_writer *writer, int64_t first, const void *elements, int64_t count) {
    st_status status = check_write(writer, first, elements, count);
    if (status != ST_OK || count == 0) return status;
    /* What was appended before comes first on the disk too: where both wrote, the later call stands. */
    status = flush_buffer(writer);
    if (status == ST_OK)
        status = st_whole_file_write(&writer->whole, writer->header_bytes + first * writer->element_bytes, elements,
                                     (size_t)(count * writer->element_bytes));
    /* Places written again and again: a count of at least all elements is enough. */
    if (status == ST_OK) writer->placed = count < INT64_MAX - writer->placed ? writer->placed + count : INT64_MAX;
    return keep_failure(writer, status);
}

st_status st_npy_commit(st_npy_writer *writer) {
    if (writer == NULL) return st_fail(ST_E_ARGUMENT, "writer: is NULL");
    st_status status = writer->failed;
    if (status != ST_OK)
        st_message_set(status, writer->message);
    else if (writer->placed < writer->elements - writer->appended)
        status = st_fail(ST_E_STATE, "%s: %lld of %lld elements were written; write the rest before st_npy_commit",
                         writer->whole.name, (long long)(writer->appended + writer->placed),
                         (long long)writer->elements);
    else
        status = flush_buffer(writer);
    if (status == ST_OK)
        status = st_whole_file_commit(&writer->host, &writer->whole,
                                      writer->header_bytes + writer->elements * writer->element_bytes);
    st_npy_discard(writer);
    return status;
}

void st_npy_discard(st_npy_writer *writer) {
    if (writer == NULL) return;
    const st_host host = writer->host;
    st_whole_file_discard(&host, &writer->whole);
    st_release(&host, writer, sizeof *writer);
}
