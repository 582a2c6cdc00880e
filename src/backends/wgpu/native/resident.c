/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * resident.c - plans on data that lies on the device: recorded, submitted or left to the caller to submit, and asked how it went.
 */
#include <pthread.h>
#include <string.h>

#include "backends/wgpu/native/device_memory.h"
#include "base/fail.h"
#include "base/memory.h"
#include "rank/request.h"

/* Flags of a state that no device has written yet. */
#define NOT_RUN UINT32_MAX

/* What one of the programs works with. */
struct piece {
    struct piece *next;
    st_wgpu_buffer *scratch, *numbers;
};

/* An execution: a fence's, or a recording's. */
struct execution {
    st_plan plan;
    st_backend_buffers buffers;
    st_wgpu_memory *held[5]; /* what the places name */
    st_wgpu_buffer *lists, *state, *readback;
    struct piece *pieces;
    pthread_mutex_t lock;
    uint32_t avoided;    /* ST_WGPU_FLAG_* that its Choice avoids */
    int recorded;        /* the caller submits */
    int marked;          /* recorded: the ticket is of a submission that may be the caller's */
    int ended;           /* status and message are the answer */
    st_wgpu_ticket ticket;
    st_status status;
    char message[ST_MESSAGE_BYTES];
};

static void give(st_wgpu_self *self, st_wgpu_buffer **buffer) {
    st_wgpu_buffer_give(self->device, *buffer);
    *buffer = NULL;
}

/* What the commands alone need goes back to the pool: when they are on the queue, or, recorded, when they are done. */
static void give_commands_buffers(st_wgpu_self *self, struct execution *execution) {
    while (execution->pieces != NULL) {
        struct piece *piece = execution->pieces;
        give(self, &piece->scratch);
        give(self, &piece->numbers);
        execution->pieces = piece->next;
        st_release(&self->host, piece, sizeof *piece);
    }
    give(self, &execution->lists);
    give(self, &execution->state);
}

static void drop_memories(st_wgpu_self *self, struct execution *execution) {
    for (int i = 0; i < 5; i++) {
        if (execution->held[i] != NULL) st_wgpu_memory_drop(self, execution->held[i]);
        execution->held[i] = NULL;
    }
}

static void free_execution(st_wgpu_self *self, struct execution *execution) {
    give_commands_buffers(self, execution);
    give(self, &execution->readback);
    drop_memories(self, execution);
    pthread_mutex_destroy(&execution->lock);
    st_release(&self->host, execution, sizeof *execution);
}

static st_status make_execution(st_wgpu_self *self, const st_plan *plan, const st_backend_buffers *buffers, struct execution **made) {
    struct execution *execution = st_allocate_zeroed(&self->host, sizeof *execution);
    if (execution == NULL) return st_fail(ST_E_MEMORY, "no memory for an execution");
    if (pthread_mutex_init(&execution->lock, NULL) != 0) {
        st_release(&self->host, execution, sizeof *execution);
        return st_fail(ST_E_MEMORY, "no memory for an execution's lock");
    }
    execution->plan = *plan;
    execution->buffers = *buffers;
    const st_backend_place *const places[] = {&buffers->input, &buffers->row_list, &buffers->lengths, &buffers->values, &buffers->indices};
    for (int i = 0; i < 5; i++) {
        execution->held[i] = places[i]->memory;
        if (execution->held[i] != NULL) st_wgpu_memory_hold(execution->held[i]);
    }
    *made = execution;
    return ST_OK;
}

static uint64_t bytes_of(const st_backend_place *place) { return place->memory == NULL ? 0 : ((const st_wgpu_memory *)place->memory)->bytes; }

static st_wgpu_span span_of(const st_backend_place *place) {
    const st_wgpu_memory *memory = place->memory;
    return memory == NULL ? (st_wgpu_span){0} : (st_wgpu_span){memory->buffer, 0, memory->bytes};
}

static st_wgpu_layout layout_of(const struct execution *execution) {
    const st_rank_request *request = &execution->plan.request;
    const st_backend_buffers *buffers = &execution->buffers;
    const uint64_t size = (uint64_t)st_dtype_size(request->dtype), index_size = request->index_dtype == ST_I32 ? 4 : 8;
    const int listed = buffers->row_list.memory != NULL;
    return (st_wgpu_layout){.input_bytes = bytes_of(&buffers->input),
                            .values_bytes = bytes_of(&buffers->values),
                            .indices_bytes = bytes_of(&buffers->indices),
                            .input_base = buffers->input.offset / size,
                            .row_stride = request->row_stride,
                            .col_stride = request->col_stride,
                            .values_base = buffers->values.offset / size,
                            .values_stride = (uint64_t)buffers->values_stride,
                            .indices_base = buffers->indices.offset / index_size,
                            .indices_stride = (uint64_t)buffers->indices_stride,
                            .lengths_base = listed ? (uint64_t)buffers->output_rows : 0,
                            .has_list = listed,
                            .has_lengths = buffers->lengths.memory != NULL};
}

/* The row list and the lengths, in one buffer. */
static st_status record_lists(st_wgpu_self *self, const st_wgpu_opened *opened, struct execution *execution, WGPUCommandEncoder encoder,
                              uint64_t *bytes) {
    const st_backend_place *list = &execution->buffers.row_list, *lengths = &execution->buffers.lengths;
    const uint64_t list_bytes = list->memory == NULL ? 0 : (uint64_t)execution->buffers.output_rows * 4;
    const uint64_t length_bytes = lengths->memory == NULL ? 0 : (uint64_t)execution->plan.request.rows * 4;
    *bytes = list_bytes + length_bytes;
    if (*bytes == 0) return ST_OK;
    if (*bytes > opened->limits.binding_bytes)
        return st_fail(ST_E_UNSUPPORTED, "row_list and lengths have %llu bytes; the device binds %llu", (unsigned long long)*bytes,
                       (unsigned long long)opened->limits.binding_bytes);
    const st_status status = st_wgpu_buffer_take(self->device, ST_WGPU_USE_STORAGE, *bytes, &execution->lists);
    if (status != ST_OK) return status;
    const WGPUBuffer target = execution->lists->handle;
    st_wgpu_scope_enter(self->device);
    if (list_bytes > 0)
        opened->call->CommandEncoderCopyBufferToBuffer(encoder, span_of(list).buffer, list->offset, target, 0, list_bytes);
    if (length_bytes > 0)
        opened->call->CommandEncoderCopyBufferToBuffer(encoder, span_of(lengths).buffer, lengths->offset, target, list_bytes, length_bytes);
    return st_wgpu_scope_leave(self->device, "row_list and lengths");
}

static st_status record_state(st_wgpu_self *self, const st_wgpu_opened *opened, const struct execution *execution, WGPUCommandEncoder encoder) {
    st_wgpu_scope_enter(self->device);
    opened->call->CommandEncoderCopyBufferToBuffer(encoder, execution->state->handle, 0, execution->readback->handle, 0,
                                                   ST_WGPU_STATE_WORDS * 4);
    return st_wgpu_scope_leave(self->device, "state");
}

/* Appends a program for the layout's rows, or for as many of them as fit. */
static st_status record_piece(st_wgpu_self *self, const st_wgpu_opened *opened, struct execution *execution, const st_choice *choice,
                              st_wgpu_bindings *bindings, st_wgpu_layout *layout, WGPUCommandEncoder encoder) {
    st_wgpu_program program;
    st_status status = st_wgpu_compose_some(&execution->plan.request, choice, opened, 0, layout, &program);
    if (status != ST_OK) return status;
    struct piece *piece = st_allocate_zeroed(&self->host, sizeof *piece);
    if (piece == NULL) return st_fail(ST_E_MEMORY, "no memory for an execution");
    piece->next = execution->pieces;
    execution->pieces = piece;
    if (program.scratch_bytes > 0) {
        status = st_wgpu_buffer_take(self->device, ST_WGPU_USE_STORAGE, program.scratch_bytes, &piece->scratch);
        if (status != ST_OK) return status;
        bindings->span[ST_WGPU_SCRATCH] = (st_wgpu_span){piece->scratch->handle, 0, program.scratch_bytes};
    }
    return st_wgpu_record(self->device, &program, bindings, st_wgpu_source, encoder, &piece->numbers);
}

/* Marks the readback as never written; an empty submission sends the mark on its way, before the caller's commands. */
static st_status mark_not_run(st_wgpu_self *self, const struct execution *execution) {
    static const uint32_t not_run[ST_WGPU_STATE_WORDS] = {NOT_RUN};
    WGPUCommandEncoder encoder;
    st_status status = st_wgpu_upload(self->device, execution->readback->handle, 0, not_run, sizeof not_run);
    if (status == ST_OK) status = st_wgpu_encoder(self->device, &encoder);
    return status == ST_OK ? st_wgpu_submit(self->device, encoder, "recording", NULL) : status;
}

static st_status take_state(st_wgpu_self *self, struct execution *execution) {
    st_status status = st_wgpu_state_take(self->device, &execution->state);
    if (status == ST_OK) status = st_wgpu_buffer_take(self->device, ST_WGPU_USE_READBACK, ST_WGPU_STATE_WORDS * 4, &execution->readback);
    return status == ST_OK && execution->recorded ? mark_not_run(self, execution) : status;
}

/* Appends the whole plan to an encoder, in as many programs as it takes. */
static st_status record(st_wgpu_self *self, const st_wgpu_opened *opened, struct execution *execution, WGPUCommandEncoder encoder) {
    const st_choice choice = st_wgpu_fit(self, opened, &execution->plan, &execution->avoided);
    const uint64_t rows = (uint64_t)execution->buffers.output_rows;
    uint64_t list_bytes = 0;
    st_status status = take_state(self, execution);
    if (status == ST_OK) status = record_lists(self, opened, execution, encoder, &list_bytes);
    if (status != ST_OK) return status;
    st_wgpu_bindings bindings = {.span = {[ST_WGPU_INPUT] = span_of(&execution->buffers.input),
                                          [ST_WGPU_VALUES] = span_of(&execution->buffers.values),
                                          [ST_WGPU_INDICES] = span_of(&execution->buffers.indices),
                                          [ST_WGPU_STATE] = {execution->state->handle, 0, ST_WGPU_STATE_WORDS * 4}}};
    if (list_bytes > 0) bindings.span[ST_WGPU_LISTS] = (st_wgpu_span){execution->lists->handle, 0, list_bytes};
    st_wgpu_layout layout = layout_of(execution);
    while (layout.first_row < rows) {
        layout.output_rows = rows - layout.first_row;
        status = record_piece(self, opened, execution, &choice, &bindings, &layout, encoder);
        if (status != ST_OK) return status;
        layout.first_row += layout.output_rows;
    }
    return record_state(self, opened, execution, encoder);
}

static st_status record_and_submit(st_wgpu_self *self, const st_wgpu_opened *opened, struct execution *execution) {
    WGPUCommandEncoder encoder;
    st_status status = st_wgpu_encoder(self->device, &encoder);
    if (status != ST_OK) return status;
    if ((status = record(self, opened, execution, encoder)) != ST_OK) {
        st_wgpu_encoder_drop(self->device, encoder);
        return status;
    }
    status = st_wgpu_submit(self->device, encoder, "a run", &execution->ticket);
    if (status == ST_OK) give_commands_buffers(self, execution);
    return status;
}

static st_status check_lists(const st_backend_buffers *buffers) {
    st_status status = ST_OK;
    if (buffers->row_list.memory != NULL) status = st_wgpu_memory_needs(buffers->row_list.memory, WGPUBufferUsage_CopySrc, "CopySrc", "row_list");
    if (status == ST_OK && buffers->lengths.memory != NULL)
        status = st_wgpu_memory_needs(buffers->lengths.memory, WGPUBufferUsage_CopySrc, "CopySrc", "lengths");
    return status;
}

static st_status begin(st_wgpu_self *self, const st_plan *plan, const st_backend_buffers *buffers, WGPUCommandEncoder encoder, void **fence) {
    const st_wgpu_opened *opened;
    struct execution *execution = NULL;
    st_status status = st_wgpu_device_open(self->device, &opened);
    if (status == ST_OK) status = check_lists(buffers);
    if (status == ST_OK) status = make_execution(self, plan, buffers, &execution);
    if (status != ST_OK) return status;
    execution->recorded = encoder != NULL;
    status = encoder != NULL ? record(self, opened, execution, encoder) : record_and_submit(self, opened, execution);
    if (status == ST_OK)
        *fence = execution;
    else
        free_execution(self, execution);
    return status;
}

static st_status read_state(st_wgpu_self *self, const struct execution *execution, uint32_t state[ST_WGPU_STATE_WORDS]) {
    const void *back;
    const st_status status = st_wgpu_readback_map(self->device, execution->readback, ST_WGPU_STATE_WORDS * 4, &back);
    if (status != ST_OK) return status;
    memcpy(state, back, ST_WGPU_STATE_WORDS * 4);
    st_wgpu_readback_unmap(self->device, execution->readback);
    return ST_OK;
}

static st_status end(st_wgpu_self *self, struct execution *execution, st_status status) {
    execution->ended = 1;
    execution->status = status;
    if (status != ST_OK) st_message_copy(execution->message);
    if (!execution->recorded) drop_memories(self, execution);
    return status;
}

/* Once more, without what was met. */
static st_status run_again(st_wgpu_self *self, struct execution *execution) {
    const st_wgpu_opened *opened;
    give(self, &execution->readback);
    const st_status status = st_wgpu_device_open(self->device, &opened);
    return status == ST_OK ? record_and_submit(self, opened, execution) : status;
}

/* The ticket's commands have ended. */
static st_status judge(st_wgpu_self *self, struct execution *execution) {
    uint32_t state[ST_WGPU_STATE_WORDS];
    st_status status = read_state(self, execution, state);
    if (status != ST_OK) return end(self, execution, status);
    if (execution->recorded && state[ST_WGPU_STATE_FLAGS] == NOT_RUN) {
        execution->marked = 0;
        return st_fail(ST_E_STATE, "the recorded commands were not submitted yet");
    }
    const uint32_t flags = state[ST_WGPU_STATE_FLAGS], met = flags & ~execution->avoided;
    atomic_fetch_or(&self->met, met);
    if (flags != 0 && met == 0) return end(self, execution, st_wgpu_cut_loop());
    if (met != 0 && execution->recorded)
        return end(self, execution, st_fail(ST_E_UNSUPPORTED, "the device does not run kernels as it said it would; record the plan again"));
    if (met != 0) {
        status = run_again(self, execution);
        return status == ST_OK ? ST_OK : end(self, execution, status);
    }
    if (execution->plan.request.nan_rule == ST_NAN_ERROR && state[ST_WGPU_STATE_NAN_ROW] != UINT32_MAX)
        status = st_fail(ST_E_NAN, "row %u, column %u is NaN, and the rule is error", state[ST_WGPU_STATE_NAN_ROW],
                         state[ST_WGPU_STATE_NAN_COLUMN]);
    return end(self, execution, status);
}

static st_status wait(st_wgpu_self *self, struct execution *execution, uint64_t timeout_ns) {
    const double seconds = (double)timeout_ns * 1e-9;
    int over = 0;
    st_status status = ST_OK;
    if (execution->recorded && !execution->marked) {
        if ((status = st_wgpu_mark(self->device, &execution->ticket)) != ST_OK) return end(self, execution, status);
        execution->marked = 1;
    }
    if (seconds >= st_wgpu_device_timeout(self->device)) {
        status = st_wgpu_finish(self->device, execution->ticket, "a run");
        over = status == ST_OK;
    } else {
        status = st_wgpu_wait(self->device, execution->ticket, seconds, &over);
    }
    if (status != ST_OK) return end(self, execution, status);
    return over ? judge(self, execution) : ST_OK;
}

static st_status wait_locked(void *argument, void *fence, uint64_t timeout_ns, int32_t *done) {
    struct execution *execution = fence;
    pthread_mutex_lock(&execution->lock);
    st_status status = execution->status;
    if (!execution->ended)
        status = wait(argument, execution, timeout_ns);
    else if (status != ST_OK)
        st_message_set(status, execution->message);
    *done = execution->ended;
    pthread_mutex_unlock(&execution->lock);
    return status;
}

static st_status begin_run(void *self, const st_plan *plan, const st_backend_buffers *buffers, void **fence) {
    return begin(self, plan, buffers, NULL, fence);
}

static void release(void *self, void *fence) { free_execution(self, fence); }

const st_backend_memory st_wgpu_memory_calls = {.struct_size = sizeof(st_backend_memory),
                                                .create = st_wgpu_memory_create,
                                                .destroy = st_wgpu_memory_destroy,
                                                .upload = st_wgpu_memory_upload,
                                                .download = st_wgpu_memory_download,
                                                .run = begin_run,
                                                .wait = wait_locked,
                                                .release = release};

st_status st_wgpu_record_resident(st_wgpu_self *self, const st_plan *plan, const st_backend_buffers *buffers, void *encoder,
                                  void **recording) {
    return begin(self, plan, buffers, encoder, recording);
}

st_status st_wgpu_recorded(st_wgpu_self *self, void *recording, uint64_t timeout_ns, int32_t *done) {
    return wait_locked(self, recording, timeout_ns, done);
}

void st_wgpu_forget(st_wgpu_self *self, void *recording) { free_execution(self, recording); }
