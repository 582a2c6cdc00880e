/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * backend.h - an executor of one's own: register a backend, and plans run on it like on the library's. The library's own
 * backends implement this same interface.
 */
#ifndef SPIRALTORCH_BACKEND_H
#define SPIRALTORCH_BACKEND_H

#include <stdint.h>

#include "band.h"
#include "choice.h"
#include "context.h"
#include "device.h"
#include "export.h"
#include "rank.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Services that a backend may use while it runs. */
typedef struct st_backend_services {
    uint32_t struct_size;
    const st_host *host;   /* the context's, every callback filled in */
    void *pool;            /* the context's worker threads; opaque outside the library */
    int32_t threads;       /* most threads for this call, already resolved: at least 1 */
} st_backend_services;

/* A place in a device's memory: the backend's own handle, and bytes from its start. memory NULL: none. */
typedef struct st_backend_place {
    void *memory;
    uint64_t offset;
} st_backend_place;

/*
 * st_memory_buffers, checked: every place lies inside its memory and is aligned to its element, strides are resolved,
 * outputs that the request does not ask for are NULL.
 */
typedef struct st_backend_buffers {
    uint32_t struct_size;
    st_backend_place input, row_list, lengths, values, indices;
    int64_t output_rows, values_stride, indices_stride;
} st_backend_buffers;

/*
 * Memory on a backend's device, for memory.h, whose functions these calls serve. All are needed.
 *   create, destroy: a memory of so many bytes; what is running on a memory that is destroyed must still come to its end.
 *   upload, download: copies after all that was begun before; ranges are checked already.
 *   run: begins a plan; *fence is for wait and release. It keeps what it needs of memories that are destroyed meanwhile.
 *   wait, release: st_fence_wait and st_fence_destroy.
 */
typedef struct st_backend_memory {
    uint32_t struct_size; /* sizeof(st_backend_memory) */
    st_status (*create)(void *self, uint64_t bytes, void **memory);
    void (*destroy)(void *self, void *memory);
    st_status (*upload)(void *self, void *memory, uint64_t offset, const void *source, uint64_t bytes);
    st_status (*download)(void *self, void *memory, uint64_t offset, void *target, uint64_t bytes);
    st_status (*run)(void *self, const st_plan *plan, const st_backend_buffers *buffers, void **fence);
    st_status (*wait)(void *self, void *fence, uint64_t timeout_ns, int32_t *done);
    void (*release)(void *self, void *fence);
} st_backend_memory;

/* Candidates of a backend that rules choose among. */
enum { ST_BACKEND_CANDIDATES = 256 };

/*
 * A backend. `self` is the first argument of every call. All calls are made from any thread; requests and buffers that
 * arrive are already validated, their defaults and strides resolved. Positions in st_rank_buffers follow rank.h.
 *
 * device: fills *info (id is name plus ":N" for a device number, or the name alone), once, at registration.
 * The four pure calls need no device, and must answer for any caps of this backend:
 *   legal(kind, mk, mkd): 1 where that pair is legal.
 *   describe: writes the kernel's name, such as "cpu/avx512/filter", for a plan's Choice.
 *   estimate: the predicted nanoseconds of one execution.
 *   candidates: the Choices worth measuring, the best first; writes at most capacity of them, returns their full number. Where
 *     conditions of rules read fields, the values to choose from are those of the first ST_BACKEND_CANDIDATES, and of each field
 *     the first 64; where there are more, explanations say so.
 *   kernel_hash: a number that changes when any kernel's code changes.
 * normalise: turns a Choice into one that runs on these caps.
 * workspace: scratch bytes for one execution. run: does it; where that is over 0, buffers->workspace is that large and
 *   aligned to 64 bytes. Under ST_NAN_ERROR it is run that looks for NaN, and names the lowest row, then column. A failure
 *   leaves its message with st_backend_fail.
 * band: st_band_compact for a checked request of at least one row and column; NULL where there are no kernels for it.
 * close: called once when the context is destroyed, and its last memory and fence after it; may be NULL.
 * memory: the device's memory; NULL where it has none that a caller could fill.
 */
typedef struct st_backend {
    uint32_t struct_size; /* sizeof(st_backend) */
    const char *name;     /* lower-case letters and digits, at most 15 bytes, not one of the library's own */
    void *self;
    st_status (*device)(void *self, st_device_info *info);
    int32_t (*legal)(void *self, int32_t kind, int32_t mk, int32_t mkd);
    void (*describe)(void *self, const st_rank_request *request, const st_choice *choice, const st_device_caps *caps, char name[64]);
    double (*estimate)(void *self, const st_rank_request *request, const st_choice *choice, const st_device_caps *caps);
    int32_t (*candidates)(void *self, const st_rank_request *request, const st_device_caps *caps, st_choice *choices, int32_t capacity);
    uint64_t (*kernel_hash)(void *self);
    void (*normalise)(void *self, const st_rank_request *request, const st_device_caps *caps, st_choice *choice);
    uint64_t (*workspace)(void *self, const st_plan *plan, const st_backend_services *services);
    st_status (*run)(void *self, const st_plan *plan, const st_rank_buffers *buffers, const st_backend_services *services);
    st_status (*band)(void *self, const st_band_request *request, const st_band_buffers *buffers, const st_backend_services *services);
    void (*close)(void *self);
    const st_backend_memory *memory;
} st_backend;

/*
 * Adds a backend to a context; the struct is copied, what it points to stays the caller's and must outlive the context.
 * Its device then appears in the list, can be named in st_plan_request, and is never picked by auto.
 * ST_E_ARGUMENT: a missing call, a bad or taken name; ST_E_CAPACITY: 16 are registered already. Not while other calls run.
 */
ST_API st_status st_register_backend(st_context *context, const st_backend *backend);

/* Leaves a message for st_last_message and returns status: how a backend's calls report a failure. Thread-safe. */
ST_API st_status st_backend_fail(st_status status, const char *message);

#ifdef __cplusplus
}
#endif

#endif
