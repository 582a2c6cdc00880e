/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * record.h - programs into commands, commands into the queue, and waiting for them.
 *
 * An execution: st_wgpu_device_open, buffers, st_wgpu_encoder, st_wgpu_record (and copies, by opened->call inside a scope),
 * st_wgpu_submit, st_wgpu_finish. From any thread, outside a scope; one encoder belongs to one thread at a time.
 */
#ifndef ST_BACKENDS_WGPU_NATIVE_RECORD_H
#define ST_BACKENDS_WGPU_NATIVE_RECORD_H

#include "backends/wgpu/native/buffers.h"
#include "backends/wgpu/native/pipelines.h"

/* Part of a buffer; a NULL buffer stands for memory that no kernel of the program uses. */
typedef struct st_wgpu_span {
    WGPUBuffer buffer;
    uint64_t offset, bytes; /* offset a multiple of limits.offset_alignment, bytes of 4 */
} st_wgpu_span;

/*
 * By binding number, wgpu_program.h's ST_WGPU_*; NUMBERS is record's own. Of input, values and indices each step binds
 * its slice, counted from the span's offset; of the others, the span. A buffer that
 * is written here (values, indices, scratch, state) must not be another binding's as well: WebGPU refuses that for the
 * whole buffer when the other is read-only, for overlapping parts otherwise.
 */
typedef struct st_wgpu_bindings {
    st_wgpu_span span[ST_WGPU_BINDINGS];
} st_wgpu_bindings;

/* A command encoder of one's own, for st_wgpu_submit or st_wgpu_encoder_drop. */
st_status st_wgpu_encoder(st_wgpu_device *device, WGPUCommandEncoder *encoder);
void st_wgpu_encoder_drop(st_wgpu_device *device, WGPUCommandEncoder encoder);

/*
 * Appends a program's dispatches to an encoder, one's own or a caller's, in one compute pass: each step sees what the steps
 * before it wrote. Nothing is submitted. *numbers is the buffer of the steps' numbers, the caller's to give back with
 * st_wgpu_buffer_give: after st_wgpu_submit of an own encoder; with a caller's encoder, when its commands will not run again.
 * On failure *numbers is NULL and the encoder is to be dropped. Kernels that are new to the device are compiled from what
 * text writes (st_wgpu_source).
 */
st_status st_wgpu_record(st_wgpu_device *device, const st_wgpu_program *program, const st_wgpu_bindings *bindings, st_wgpu_text text,
                         WGPUCommandEncoder encoder, st_wgpu_buffer **numbers);

/* Names a submission; 0 names none and counts as done. Nothing is to be freed. */
typedef uint64_t st_wgpu_ticket;

/*
 * Finishes an encoder and submits it; the encoder is gone in any case. *ticket may be NULL. Submissions of one device run
 * in order. ST_E_UNSUPPORTED: what was recorded is refused; the message begins with what.
 */
st_status st_wgpu_submit(st_wgpu_device *device, WGPUCommandEncoder encoder, const char *what, st_wgpu_ticket *ticket);

/*
 * A ticket for all that is on the queue now, a caller's own submissions included. Submits nothing.
 */
st_status st_wgpu_mark(st_wgpu_device *device, st_wgpu_ticket *ticket);

/*
 * Waits up to `seconds` (0: only looks). *done is 1 where the submission is done, 0 where the time is over first, with ST_OK.
 * Sleeps rather than spins, but for the first microseconds.
 */
st_status st_wgpu_wait(st_wgpu_device *device, st_wgpu_ticket ticket, double seconds, int *done);

/* Waits for a submission. One that takes longer than the device's timeout counts as a lost device: ST_E_DEVICE, beginning with what. */
st_status st_wgpu_finish(st_wgpu_device *device, st_wgpu_ticket ticket, const char *what);

#endif
