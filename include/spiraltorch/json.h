/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * json.h - writing JSON: one value, piece by piece, to a callback. Commas, quotes and escapes are the writer's business.
 */
#ifndef SPIRALTORCH_JSON_H
#define SPIRALTORCH_JSON_H

#include <stdint.h>

#include "dtype.h"
#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A writer, on the caller's stack; start it with st_json_start. sink(user, text, bytes) takes the text as it comes and
 * returns 0, or anything else to stop. The first mistake (a key outside an object, a value without a key, depth over 64)
 * or a refusing sink is kept, what follows is ignored, and st_json_finish reports it.
 */
typedef struct st_json_writer {
    uint32_t struct_size;
    int32_t depth;
    int32_t failed;
    int32_t state;
    uint8_t kinds[64];
    int32_t (*sink)(void *user, const char *text, uint64_t bytes);
    void *user;
} st_json_writer;

/*
 * Start, containers and keys. writer is filled by st_json_start; key is UTF-8 and is copied out at once, as is all text.
 * Mistakes are kept for st_json_finish. Nothing is allocated; a writer is used by one thread at a time.
 */
ST_API void st_json_start(st_json_writer *writer, int32_t (*sink)(void *user, const char *text, uint64_t bytes), void *user);
ST_API void st_json_begin_object(st_json_writer *writer);
ST_API void st_json_end_object(st_json_writer *writer);
ST_API void st_json_begin_array(st_json_writer *writer);
ST_API void st_json_end_array(st_json_writer *writer);
ST_API void st_json_key(st_json_writer *writer, const char *key);
/* UTF-8; bytes that are not valid UTF-8 come out as U+FFFD. NULL writes null. */
ST_API void st_json_string(st_json_writer *writer, const char *text);
ST_API void st_json_integer(st_json_writer *writer, int64_t value);
ST_API void st_json_boolean(st_json_writer *writer, int32_t value);
/* Shortest round trip, negative zero as -0.0; nan and infinities become the strings "nan", "inf", "-inf". */
ST_API void st_json_number(st_json_writer *writer, double value);
/* A member of an object: a key and its value, as above. */
ST_API void st_json_member_string(st_json_writer *writer, const char *key, const char *text);
ST_API void st_json_member_integer(st_json_writer *writer, const char *key, int64_t value);
ST_API void st_json_member_boolean(st_json_writer *writer, const char *key, int32_t value);
ST_API void st_json_member_number(st_json_writer *writer, const char *key, double value);
/* One element of a dtype, as st_json_number; 64-bit integers in full. */
ST_API void st_json_element(st_json_writer *writer, st_dtype dtype, const void *element);

/* ST_OK where exactly one whole value was written; ST_E_STATE: it was not; ST_E_IO: the sink refused. */
ST_API st_status st_json_finish(st_json_writer *writer);

#ifdef __cplusplus
}
#endif

#endif
