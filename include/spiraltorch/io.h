/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * io.h - reading arrays and numbers from files and pipes, and writing files whole or not at all.
 *
 * Files are untrusted: every reader bounds its memory by what it has really read, and names the file and the byte or line
 * of what it refuses. Nothing here needs a context. Every function takes the host's services as `host`; NULL means libc.
 */
#ifndef SPIRALTORCH_IO_H
#define SPIRALTORCH_IO_H

#include <stdint.h>

#include "dtype.h"
#include "export.h"
#include "host.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- arrays: .npy and raw binary ---------------------------------------------------------------------------------- */

typedef struct st_array_reader st_array_reader;

enum { ST_FORMAT_AUTO = 0, ST_FORMAT_NPY = 1, ST_FORMAT_RAW = 2 };

typedef struct st_array_options {
    uint32_t struct_size; /* sizeof(st_array_options) */
    int32_t format;       /* ST_FORMAT_*; AUTO: .npy where the file begins with its magic, else raw */
    st_dtype dtype;       /* raw: required. .npy: 0, or ST_BF16 to read a 2-byte void or uint16 array as bf16 */
    int64_t cols;         /* raw: the last axis, at least 1; the file's size must be a multiple of a row */
} st_array_options;

/* The shape of an array: C order, 1 to 8 axes. */
typedef struct st_array_info {
    uint32_t struct_size;
    st_dtype dtype;
    int32_t dims;
    int32_t seekable;  /* 0: a pipe, which st_array_read_at refuses */
    int64_t shape[8];
    int64_t elements;  /* the product of shape; -1 for raw data on a pipe, where shape[0] is -1 too */
} st_array_info;

/*
 * Opens a file; "-" is standard input. .npy: versions 1 to 3, all twelve dtypes (bf16 by option), either byte order.
 * ST_E_ARGUMENT: an option; ST_E_IO: cannot open or read; ST_E_FORMAT: Fortran order, an object, structured, complex
 * or string dtype, a shape of 0 or over 8 axes or 2^62 elements, a file shorter than its header says; ST_E_MEMORY.
 * *reader is the caller's, for st_array_close.
 */
ST_API st_status st_array_open(const st_host *host, const char *path, const st_array_options *options, st_array_reader **reader);

/* The array's dtype and shape. ST_E_ARGUMENT: a NULL, or an unknown struct_size. */
ST_API st_status st_array_get_info(const st_array_reader *reader, st_array_info *info);

/*
 * Reads `count` elements that start at element `first`, in the machine's byte order. ST_E_IO: a read failed; ST_E_FORMAT:
 * the file ended early (it was truncated after it was opened); ST_E_STATE on a pipe. Not mixed with st_array_next.
 */
ST_API st_status st_array_read_at(st_array_reader *reader, int64_t first, int64_t count, void *elements);

/*
 * The next block of the array in order, read ahead by a thread of its own (or without one where none can be had).
 * *elements stays valid until the next call; *count is 0 at the end. Errors as st_array_read_at.
 */
ST_API st_status st_array_next(st_array_reader *reader, const void **elements, int64_t *count);

/* Closes at any point. NULL is allowed. */
ST_API void st_array_close(st_array_reader *reader);

/* ---- text: one number a line, or CSV / TSV ------------------------------------------------------------------------ */

typedef struct st_text_reader st_text_reader;

typedef struct st_text_options {
    uint32_t struct_size; /* sizeof(st_text_options) */
    const char *column;   /* the field that holds the number: a name from the header, or a position from 1; NULL: 1 */
    const char *show;     /* a field to hand out as the label of each number, as column; NULL: none */
    int64_t line_limit;   /* longest line in bytes; 0: 1 MiB */
} st_text_options;

/* A block of numbers. Pointers stay valid until the next call on the reader. */
typedef struct st_text_block {
    uint32_t struct_size;
    int64_t count;
    const double *values;
    const char *const *labels; /* count NUL-terminated strings where show was given, else NULL */
} st_text_block;

/*
 * Opens text; "-" is standard input. Fields are separated by commas, or by tabs where the first line has one; quotes as in
 * RFC 4180, quoted line breaks included; LF or CRLF. A header is there where column or show is a name, or where the first
 * line's field is no number. Numbers are read in the C locale: decimal, or nan, inf and infinity in any case and sign.
 * ST_E_IO; ST_E_ARGUMENT: the header has no such column (the message lists those it has); ST_E_FORMAT: the first line, as
 * st_text_next; ST_E_MEMORY.
 */
ST_API st_status st_text_open(const st_host *host, const char *path, const st_text_options *options, st_text_reader **reader);

/*
 * The next block, of at most 65,536 numbers; count 0 at the end. Empty lines are skipped. ST_E_FORMAT names the file, the
 * line and the field: no number, too few fields, a NUL byte, a line over the limit, a quote that never closes.
 */
ST_API st_status st_text_next(st_text_reader *reader, st_text_block *block);

/* Closes at any point. NULL is allowed. */
ST_API void st_text_close(st_text_reader *reader);

/* ---- writing ------------------------------------------------------------------------------------------------------- */

/*
 * Writes `count` bytes as the file `path`, on the disk when this returns ST_OK: what was there is replaced as a whole, or
 * stands. A symbolic link's target is what is replaced, and permissions stay. ST_E_ARGUMENT, ST_E_IO, ST_E_MEMORY.
 * Thread-safe.
 */
ST_API st_status st_file_write(const st_host *host, const char *path, const void *bytes, uint64_t count);

typedef struct st_npy_writer st_npy_writer;

/*
 * Starts a .npy file of a shape (C order, 1 to 8 axes): it is written beside `path` under a temporary name, and takes the
 * name `path` in st_npy_commit alone. bf16 is written as '<V2' (NumPy's void of 2 bytes), which st_array_open reads back.
 * ST_E_ARGUMENT, ST_E_IO, ST_E_MEMORY. *writer is the caller's, for st_npy_commit or st_npy_discard.
 */
ST_API st_status st_npy_create(const st_host *host, const char *path, st_dtype dtype, int32_t dims, const int64_t *shape,
                               st_npy_writer **writer);

/* Appends elements. ST_E_IO (out of space names the file); ST_E_ARGUMENT: more than the shape holds. */
ST_API st_status st_npy_append(st_npy_writer *writer, const void *elements, int64_t count);

/*
 * Writes elements at a position of the array, in any order; where two calls meet, the later one stands. It does not move the
 * place where st_npy_append goes on. Errors as st_npy_append.
 */
ST_API st_status st_npy_write_at(st_npy_writer *writer, int64_t first, const void *elements, int64_t count);

/*
 * Syncs the file and gives it its name, replacing what was there; frees the writer whatever the answer. On failure the
 * old file stands and the temporary one is removed. ST_E_IO; ST_E_STATE: st_npy_append and
 * st_npy_write_at wrote fewer elements in all than the shape has (an element that is written twice counts twice).
 */
ST_API st_status st_npy_commit(st_npy_writer *writer);

/* Removes the temporary file and frees the writer. NULL is allowed. */
ST_API void st_npy_discard(st_npy_writer *writer);

#ifdef __cplusplus
}
#endif

#endif
