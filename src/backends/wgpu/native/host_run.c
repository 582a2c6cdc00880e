/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * host_run.c - a plan on host memory: rows go up in chunks, and while the device works on one, the next one is packed and
 * sent, and the one before it comes back.
 */
#include <string.h>

#include "backends/wgpu/native/fit.h"
#include "backends/wgpu/native/upload_rows.h"
#include "base/fail.h"
#include "rank/request.h"

enum { IN_FLIGHT = 2 };

/* A chunk that was submitted: what comes back is values, then indices, then the state. */
struct flight {
    int64_t first, count;
    st_wgpu_ticket ticket;
    st_wgpu_buffer *readback; /* NULL: nothing in flight */
    uint64_t values_bytes, indices_bytes;
};

struct run {
    st_wgpu_self *self;
    st_wgpu_device *device;
    const st_wgpu_opened *opened;
    const st_rank_request *request;
    const st_rank_buffers *buffers;
    st_rank_request packed; /* the request for rows that lie packed */
    st_choice choice;
    st_wgpu_workspace *workspace;
    int64_t size, index_size, width, chunk;
    struct flight flights[IN_FLIGHT];
    uint32_t avoided, met; /* ST_WGPU_FLAG_*: what the Choice avoids, and what a flight came back with all the same */
};

/* What a chunk takes on the device until it is submitted. */
struct cargo {
    st_wgpu_buffer *input, *lengths, *values, *indices, *scratch, *state, *numbers;
};

/* Rows that fill a chunk, of what goes in and of what comes out; one at least. */
static int64_t rows_of_chunk(const struct run *run) {
    const uint64_t binding = run->opened->limits.binding_bytes, most = binding < ST_WGPU_CHUNK_BYTES ? binding : ST_WGPU_CHUNK_BYTES;
    const uint64_t in = (uint64_t)(run->request->cols * run->size), out = (uint64_t)(run->width * (run->index_size > run->size ? run->index_size : run->size));
    const uint64_t rows = most / (in > out ? in : out);
    return rows < 1 ? 1 : rows > INT32_MAX ? INT32_MAX : (int64_t)rows;
}

static st_status upload_lengths(const struct run *run, const st_wgpu_rows *rows, int64_t count, WGPUBuffer buffer) {
    enum { SPAN = ST_WGPU_PACK_BYTES / 4 };
    for (int64_t from = 0; from < count; from += SPAN) {
        const st_wgpu_rows some = {rows->request, rows->buffers, rows->first + from};
        const int64_t lengths = count - from < SPAN ? count - from : SPAN;
        st_wgpu_rows_lengths(&some, lengths, (uint32_t *)(void *)run->workspace->pack);
        const st_status status = st_wgpu_upload(run->device, buffer, (uint64_t)from * 4, run->workspace->pack, (uint64_t)lengths * 4);
        if (status != ST_OK) return status;
    }
    return ST_OK;
}

static st_status take(const struct run *run, int wanted, uint64_t bytes, st_wgpu_buffer **buffer) {
    return wanted && bytes > 0 ? st_wgpu_buffer_take(run->device, ST_WGPU_USE_STORAGE, st_wgpu_words(bytes), buffer) : ST_OK;
}

static st_wgpu_span span_of(const st_wgpu_buffer *buffer, uint64_t bytes) {
    return buffer == NULL ? (st_wgpu_span){0} : (st_wgpu_span){buffer->handle, 0, st_wgpu_words(bytes)};
}

/* Takes the chunk's buffers, and fills those that the device reads. */
static st_status load(const struct run *run, const st_wgpu_rows *rows, const struct flight *flight, struct cargo *cargo) {
    const int has_lengths = run->buffers->lengths != NULL;
    st_status status;
    if ((status = take(run, 1, (uint64_t)(flight->count * run->request->cols * run->size), &cargo->input)) != ST_OK) return status;
    if ((status = take(run, has_lengths, (uint64_t)flight->count * 4, &cargo->lengths)) != ST_OK) return status;
    if ((status = take(run, 1, flight->values_bytes, &cargo->values)) != ST_OK) return status;
    if ((status = take(run, 1, flight->indices_bytes, &cargo->indices)) != ST_OK) return status;
    if ((status = take(run, 1, run->workspace->program.scratch_bytes, &cargo->scratch)) != ST_OK) return status;
    if ((status = st_wgpu_state_take(run->device, &cargo->state)) != ST_OK) return status;
    if ((status = st_wgpu_upload_rows(run->device, rows, flight->count, run->workspace->pack, cargo->input->handle)) != ST_OK) return status;
    return has_lengths ? upload_lengths(run, rows, flight->count, cargo->lengths->handle) : ST_OK;
}

/* Copies what comes back into the readback. */
static st_status record_return(const struct run *run, const struct flight *flight, const struct cargo *cargo, WGPUCommandEncoder encoder) {
    const st_wgpu_table *call = run->opened->call;
    const WGPUBuffer back = flight->readback->handle;
    st_wgpu_scope_enter(run->device);
    if (cargo->values != NULL)
        call->CommandEncoderCopyBufferToBuffer(encoder, cargo->values->handle, 0, back, 0, flight->values_bytes);
    if (cargo->indices != NULL)
        call->CommandEncoderCopyBufferToBuffer(encoder, cargo->indices->handle, 0, back, flight->values_bytes, flight->indices_bytes);
    call->CommandEncoderCopyBufferToBuffer(encoder, cargo->state->handle, 0, back, flight->values_bytes + flight->indices_bytes,
                                           ST_WGPU_STATE_WORDS * 4);
    return st_wgpu_scope_leave(run->device, "download");
}

static st_status submit(const struct run *run, struct flight *flight, struct cargo *cargo) {
    const uint64_t back = flight->values_bytes + flight->indices_bytes + ST_WGPU_STATE_WORDS * 4;
    const st_wgpu_bindings bindings = {
        .span = {[ST_WGPU_INPUT] = span_of(cargo->input, (uint64_t)(flight->count * run->request->cols * run->size)),
                 [ST_WGPU_LISTS] = span_of(cargo->lengths, (uint64_t)flight->count * 4),
                 [ST_WGPU_VALUES] = span_of(cargo->values, flight->values_bytes),
                 [ST_WGPU_INDICES] = span_of(cargo->indices, flight->indices_bytes),
                 [ST_WGPU_SCRATCH] = span_of(cargo->scratch, run->workspace->program.scratch_bytes),
                 [ST_WGPU_STATE] = span_of(cargo->state, ST_WGPU_STATE_WORDS * 4)}};
    WGPUCommandEncoder encoder = NULL;
    st_status status = st_wgpu_buffer_take(run->device, ST_WGPU_USE_READBACK, back, &flight->readback);
    if (status != ST_OK) return status;
    if ((status = st_wgpu_encoder(run->device, &encoder)) != ST_OK) return status;
    status = st_wgpu_record(run->device, &run->workspace->program, &bindings, st_wgpu_source, encoder, &cargo->numbers);
    if (status == ST_OK) status = record_return(run, flight, cargo, encoder);
    if (status == ST_OK) return st_wgpu_submit(run->device, encoder, "a run", &flight->ticket);
    st_wgpu_encoder_drop(run->device, encoder);
    return status;
}

/* Sends a chunk, of as many rows from `first` on as the device takes; flight->count says how many. */
static st_status send(struct run *run, int64_t first, struct flight *flight) {
    const int64_t rest = run->buffers->row_list_count - first, count = rest < run->chunk ? rest : run->chunk;
    st_wgpu_layout layout = {.row_stride = run->request->cols,
                             .col_stride = 1,
                             .values_stride = (uint64_t)run->width,
                             .indices_stride = (uint64_t)run->width,
                             .output_rows = (uint64_t)count,
                             .has_lengths = run->buffers->lengths != NULL};
    st_status status = st_wgpu_compose_some(&run->packed, &run->choice, run->opened, 1, &layout, &run->workspace->program);
    if (status != ST_OK) return status;
    if ((int64_t)layout.output_rows < count) run->chunk = (int64_t)layout.output_rows;
    *flight = (struct flight){.first = first,
                              .count = (int64_t)layout.output_rows,
                              .values_bytes = layout.values_bytes,
                              .indices_bytes = layout.indices_bytes};
    const st_wgpu_rows rows = {run->request, run->buffers, first};
    struct cargo cargo = {0};
    status = load(run, &rows, flight, &cargo);
    if (status == ST_OK) status = submit(run, flight, &cargo);
    st_wgpu_buffer *const held[] = {cargo.input, cargo.lengths, cargo.values, cargo.indices, cargo.scratch, cargo.state, cargo.numbers};
    for (size_t i = 0; i < sizeof held / sizeof held[0]; i++) st_wgpu_buffer_give(run->device, held[i]);
    if (status != ST_OK) {
        st_wgpu_buffer_give(run->device, flight->readback);
        flight->readback = NULL;
    }
    return status;
}

static st_status unpack(struct run *run, const struct flight *flight, const char *back) {
    uint32_t state[ST_WGPU_STATE_WORDS];
    int64_t row, column;
    memcpy(state, back + flight->values_bytes + flight->indices_bytes, sizeof state);
    const uint32_t flags = state[ST_WGPU_STATE_FLAGS];
    if (flags != 0) {
        run->met |= flags & ~run->avoided;
        return run->met != 0 ? ST_OK : st_wgpu_cut_loop();
    }
    /* Chunks, and rows within one, come in the order of the list; the lowest row of all may be another. */
    if (run->request->nan_rule == ST_NAN_ERROR && state[ST_WGPU_STATE_NAN_ROW] != UINT32_MAX &&
        st_wgpu_rows_find_nan(run->request, run->buffers, &row, &column))
        return st_fail(ST_E_NAN, "row %lld, column %lld is NaN, and the rule is error", (long long)row, (long long)column);
    const st_wgpu_rows rows = {run->request, run->buffers, flight->first};
    if (flight->values_bytes > 0) st_wgpu_rows_put_values(&rows, 0, flight->count * run->width, back);
    if (flight->indices_bytes > 0) st_wgpu_rows_put_indices(&rows, 0, flight->count * run->width, back + flight->values_bytes);
    return ST_OK;
}

/* Waits for a chunk, and puts its outputs where they belong, unless the run has failed already. */
static st_status receive(struct run *run, struct flight *flight, st_status so_far) {
    const void *back = NULL;
    if (flight->readback == NULL) return so_far;
    st_status status = so_far;
    if (status == ST_OK) {
        status = st_wgpu_finish(run->device, flight->ticket, "a run");
        if (status == ST_OK)
            status = st_wgpu_readback_map(run->device, flight->readback,
                                          flight->values_bytes + flight->indices_bytes + ST_WGPU_STATE_WORDS * 4, &back);
        if (status == ST_OK) {
            status = unpack(run, flight, back);
            st_wgpu_readback_unmap(run->device, flight->readback);
        }
    }
    st_wgpu_buffer_give(run->device, flight->readback);
    flight->readback = NULL;
    return status;
}

static st_status run_chunks(struct run *run) {
    st_status status = ST_OK;
    int64_t first = 0;
    int turn = 0;
    while (first < run->buffers->row_list_count && status == ST_OK && run->met == 0) {
        struct flight *flight = &run->flights[turn];
        status = receive(run, flight, status);
        if (status == ST_OK && run->met == 0) status = send(run, first, flight);
        if (status == ST_OK) first += flight->count;
        turn = (turn + 1) % IN_FLIGHT;
    }
    for (int i = 0; i < IN_FLIGHT; i++) status = receive(run, &run->flights[(turn + i) % IN_FLIGHT], status);
    return status;
}

st_status st_wgpu_run(st_wgpu_self *self, const st_plan *plan, const st_rank_buffers *buffers) {
    struct run run = {.self = self, .device = self->device, .request = &plan->request, .buffers = buffers,
                      .workspace = buffers->workspace};
    st_status status = st_wgpu_device_open(self->device, &run.opened);
    if (status != ST_OK) return status;
    run.size = st_dtype_size(plan->request.dtype);
    run.index_size = plan->request.index_dtype == ST_I32 ? 4 : 8;
    run.width = st_request_width(&plan->request);
    run.packed = plan->request;
    run.packed.row_stride = plan->request.cols;
    run.packed.col_stride = 1;
    run.chunk = rows_of_chunk(&run);
    if ((uint64_t)(plan->request.cols * run.size) > run.opened->buffer_bytes)
        return st_fail(ST_E_UNSUPPORTED, "%.31s: a row of %lld bytes is more than the device's largest buffer, %llu bytes", plan->device,
                       (long long)(plan->request.cols * run.size), (unsigned long long)run.opened->buffer_bytes);
    do {
        run.met = 0;
        run.choice = st_wgpu_fit(self, run.opened, plan, &run.avoided);
        status = run_chunks(&run);
        atomic_fetch_or(&self->met, run.met);
    } while (status == ST_OK && run.met != 0);
    return status;
}
