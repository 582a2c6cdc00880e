/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * host_band.c - a band on host memory: rows go up in chunks, and what is found in each comes back behind what was found before.
 * Where all of that may not fit, and there are several chunks, they are counted before any is written.
 */
#include <string.h>

#include "backends/wgpu/band_program.h"
#include "backends/wgpu/native/fit.h"
#include "backends/wgpu/native/upload_rows.h"
#include "base/fail.h"
#include "base/memory.h"
#include "spiraltorch/device.h"

/* Rows, or columns of a row that is longer than a chunk. */
struct chunk {
    int64_t row, rows, column, cols;
};

struct sweep {
    st_wgpu_device *device;
    const st_wgpu_opened *opened;
    const st_band_request *request;
    const st_band_buffers *buffers;
    st_wgpu_workspace *workspace;
    st_device_caps caps;
    int64_t size, index_size;
    int32_t sure;   /* all that can be found has room */
    int32_t writes; /* 0: counts alone */
    int32_t passes; /* as in the request */
    int64_t most;   /* elements of a chunk */
    int64_t found;  /* in the chunks so far */
};

/* What a chunk takes on the device. */
struct cargo {
    st_wgpu_buffer *input, *values, *indices, *scratch, *state, *numbers;
    int64_t capacity; /* elements that values and indices have room for */
};

/* Elements that fill a chunk, of what goes in and of what comes out. */
static int64_t elements_of_chunk(const struct sweep *sweep) {
    const uint64_t binding = sweep->opened->limits.binding_bytes, most = binding < ST_WGPU_CHUNK_BYTES ? binding : ST_WGPU_CHUNK_BYTES;
    const int wide = sweep->writes && sweep->buffers->indices != NULL && sweep->index_size > sweep->size;
    return (int64_t)(most / (uint64_t)(wide ? sweep->index_size : sweep->size));
}

/* As much as a chunk may hold, from a place on. */
static void cut(const struct sweep *sweep, struct chunk *chunk) {
    const int64_t rows = sweep->request->rows - chunk->row, cols = sweep->request->cols - chunk->column;
    chunk->rows = 1;
    chunk->cols = cols < sweep->most ? cols : sweep->most;
    if (chunk->column == 0 && chunk->cols == cols) chunk->rows = sweep->most / cols < rows ? sweep->most / cols : rows;
}

static void advance(const struct sweep *sweep, struct chunk *chunk) {
    chunk->column += chunk->cols;
    if (chunk->column < sweep->request->cols) return;
    chunk->column = 0;
    chunk->row += chunk->rows;
}

static st_status compose(const struct sweep *sweep, const struct chunk *chunk, int64_t capacity) {
    st_band_request request = *sweep->request;
    const uint64_t room = sweep->writes ? (uint64_t)capacity : 0;
    request.rows = chunk->rows;
    request.cols = chunk->cols;
    const st_wgpu_layout layout = {
        .input_bytes = st_wgpu_words((uint64_t)(chunk->rows * chunk->cols * sweep->size)),
        .values_bytes = sweep->buffers->values != NULL ? st_wgpu_words(room * (uint64_t)sweep->size) : 0,
        .indices_bytes = sweep->buffers->indices != NULL ? room * (uint64_t)sweep->index_size : 0,
        .row_stride = chunk->cols,
        .col_stride = 1,
        .output_rows = (uint64_t)chunk->rows,
    };
    const int two_passes =
        sweep->passes == 0 ? st_caps_prefers_two_stage(&sweep->caps, chunk->rows, chunk->cols, 1) : sweep->passes == 2;
    return st_wgpu_compose_band(&request, two_passes, &sweep->opened->limits, &layout, room, &sweep->workspace->program);
}

/* Cuts a chunk that the device takes, and makes its program. */
static st_status compose_some(struct sweep *sweep, struct chunk *chunk, int64_t *capacity) {
    char reason[ST_MESSAGE_BYTES];
    for (;;) {
        cut(sweep, chunk);
        const int64_t elements = chunk->rows * chunk->cols, left = sweep->buffers->capacity - sweep->found;
        *capacity = !sweep->writes || left < 0 ? 0 : left < elements ? left : elements;
        const st_status status = compose(sweep, chunk, *capacity);
        if (status != ST_E_CAPACITY) return status;
        if (elements == 1) break;
        sweep->most = elements / 2;
    }
    st_message_copy(reason);
    return st_fail(ST_E_UNSUPPORTED, "%s", reason);
}

static st_status take(const struct sweep *sweep, int wanted, uint64_t bytes, st_wgpu_buffer **buffer) {
    return wanted && bytes > 0 ? st_wgpu_buffer_take(sweep->device, ST_WGPU_USE_STORAGE, st_wgpu_words(bytes), buffer) : ST_OK;
}

static st_status load(const struct sweep *sweep, const struct chunk *chunk, struct cargo *cargo) {
    const st_band_request *request = sweep->request;
    const int64_t first = chunk->row * request->row_stride + chunk->column * request->col_stride;
    const st_rank_request lie = {.dtype = request->dtype, .rows = chunk->rows, .cols = chunk->cols, .row_stride = request->row_stride,
                                 .col_stride = request->col_stride};
    const st_rank_buffers from = {.input = (const char *)sweep->buffers->input + first * sweep->size, .row_list_count = chunk->rows};
    const st_wgpu_rows rows = {&lie, &from, 0};
    const uint64_t room = (uint64_t)cargo->capacity;
    st_status status = take(sweep, 1, (uint64_t)(chunk->rows * chunk->cols * sweep->size), &cargo->input);
    if (status == ST_OK) status = take(sweep, sweep->buffers->values != NULL, room * (uint64_t)sweep->size, &cargo->values);
    if (status == ST_OK) status = take(sweep, sweep->buffers->indices != NULL, room * (uint64_t)sweep->index_size, &cargo->indices);
    if (status == ST_OK) status = take(sweep, 1, sweep->workspace->program.scratch_bytes, &cargo->scratch);
    if (status == ST_OK) status = st_wgpu_state_take(sweep->device, &cargo->state);
    if (status != ST_OK) return status;
    return st_wgpu_upload_rows(sweep->device, &rows, chunk->rows, sweep->workspace->pack, cargo->input->handle);
}

static st_wgpu_span span_of(const st_wgpu_buffer *buffer, uint64_t bytes) {
    return buffer == NULL ? (st_wgpu_span){0} : (st_wgpu_span){buffer->handle, 0, st_wgpu_words(bytes)};
}

static st_status submit(const struct sweep *sweep, const struct chunk *chunk, struct cargo *cargo) {
    const uint64_t room = (uint64_t)cargo->capacity;
    const st_wgpu_bindings bindings = {
        .span = {[ST_WGPU_INPUT] = span_of(cargo->input, (uint64_t)(chunk->rows * chunk->cols * sweep->size)),
                 [ST_WGPU_VALUES] = span_of(cargo->values, room * (uint64_t)sweep->size),
                 [ST_WGPU_INDICES] = span_of(cargo->indices, room * (uint64_t)sweep->index_size),
                 [ST_WGPU_SCRATCH] = span_of(cargo->scratch, sweep->workspace->program.scratch_bytes),
                 [ST_WGPU_STATE] = span_of(cargo->state, ST_WGPU_STATE_WORDS * 4)}};
    WGPUCommandEncoder encoder = NULL;
    st_status status = st_wgpu_encoder(sweep->device, &encoder);
    if (status != ST_OK) return status;
    status = st_wgpu_record(sweep->device, &sweep->workspace->program, &bindings, st_wgpu_source, encoder, &cargo->numbers);
    if (status == ST_OK) return st_wgpu_submit(sweep->device, encoder, "a band", NULL);
    st_wgpu_encoder_drop(sweep->device, encoder);
    return status;
}

/* Adds what each row has to its count; *total is what the chunk has. */
static st_status fetch_counts(const struct sweep *sweep, const struct chunk *chunk, const struct cargo *cargo, int64_t *total) {
    enum { SPAN = ST_WGPU_PACK_BYTES / 4 };
    uint32_t *starts = (uint32_t *)(void *)sweep->workspace->pack, start = 0;
    int64_t *counts = sweep->buffers->counts + chunk->row;
    if (chunk->column == 0) memset(counts, 0, (size_t)chunk->rows * sizeof *counts);
    for (int64_t from = 0; from <= chunk->rows; from += SPAN) {
        const int64_t some = chunk->rows + 1 - from < SPAN ? chunk->rows + 1 - from : SPAN;
        const st_status status = st_wgpu_download(sweep->device, cargo->scratch->handle, (uint64_t)from * 4, starts, (uint64_t)some * 4);
        if (status != ST_OK) return status;
        for (int64_t i = from == 0; i < some; i++) counts[from + i - 1] += starts[i] - (i == 0 ? start : starts[i - 1]);
        start = starts[some - 1];
    }
    *total = start;
    return ST_OK;
}

static st_status fetch(const struct sweep *sweep, const st_wgpu_buffer *buffer, uint64_t bytes, char *target) {
    const uint64_t whole = bytes / 4 * 4;
    char last[4];
    st_status status = whole > 0 ? st_wgpu_download(sweep->device, buffer->handle, 0, target, whole) : ST_OK;
    if (status != ST_OK || whole == bytes) return status;
    status = st_wgpu_download(sweep->device, buffer->handle, whole, last, sizeof last);
    if (status == ST_OK) memcpy(target + whole, last, (size_t)(bytes - whole));
    return status;
}

/* Columns of a chunk are counted from its first. */
static void shift_indices(const struct sweep *sweep, int64_t column, char *indices, int64_t count) {
    if (sweep->index_size == 4)
        for (int64_t i = 0; i < count; i++) ((int32_t *)(void *)indices)[i] += (int32_t)column;
    else
        for (int64_t i = 0; i < count; i++) ((int64_t *)(void *)indices)[i] += column;
}

static st_status fetch_found(const struct sweep *sweep, const struct chunk *chunk, const struct cargo *cargo, int64_t count) {
    st_status status = ST_OK;
    if (cargo->values != NULL)
        status = fetch(sweep, cargo->values, (uint64_t)(count * sweep->size), (char *)sweep->buffers->values + sweep->found * sweep->size);
    if (status != ST_OK || cargo->indices == NULL) return status;
    char *indices = (char *)sweep->buffers->indices + sweep->found * sweep->index_size;
    status = fetch(sweep, cargo->indices, (uint64_t)(count * sweep->index_size), indices);
    if (status == ST_OK && chunk->column > 0) shift_indices(sweep, chunk->column, indices, count);
    return status;
}

/*
 * Where a driver ended loops before their time: two passes have shorter ones, and so have smaller chunks. 0: there is no way
 * left.
 */
static int shorten_loops(struct sweep *sweep, const struct chunk *chunk) {
    enum { LEAST_ELEMENTS = 4096 };
    const int64_t elements = chunk->rows * chunk->cols;
    if (sweep->passes == 2) {
        if (elements <= LEAST_ELEMENTS) return 0;
        sweep->most = elements / 4;
    }
    sweep->passes = 2;
    return 1;
}

/* *done is 0 where the chunk is to be cut again. */
static st_status receive(struct sweep *sweep, const struct chunk *chunk, const struct cargo *cargo, int *done) {
    uint32_t state[ST_WGPU_STATE_WORDS];
    int64_t count = 0;
    st_status status = st_wgpu_download(sweep->device, cargo->state->handle, 0, state, sizeof state);
    if (status != ST_OK) return status;
    *done = state[ST_WGPU_STATE_FLAGS] == 0;
    if (!*done) return shorten_loops(sweep, chunk) ? ST_OK : st_wgpu_cut_loop();
    status = fetch_counts(sweep, chunk, cargo, &count);
    if (status == ST_OK && count > 0 && count <= cargo->capacity) status = fetch_found(sweep, chunk, cargo, count);
    sweep->found += count;
    return status;
}

static st_status serve(struct sweep *sweep, struct chunk *chunk, int *done) {
    struct cargo cargo = {0};
    st_status status = compose_some(sweep, chunk, &cargo.capacity);
    /* A program writes nothing where there is no room for all that it finds; of several, each would have to know of the others. */
    if (status == ST_OK && sweep->writes && !sweep->sure && chunk->rows * chunk->cols < sweep->request->rows * sweep->request->cols) {
        sweep->writes = 0;
        status = compose_some(sweep, chunk, &cargo.capacity);
    }
    if (status == ST_OK) status = load(sweep, chunk, &cargo);
    if (status == ST_OK) status = submit(sweep, chunk, &cargo);
    if (status == ST_OK) status = receive(sweep, chunk, &cargo, done);
    st_wgpu_buffer *const held[] = {cargo.input, cargo.values, cargo.indices, cargo.scratch, cargo.state, cargo.numbers};
    for (size_t i = 0; i < sizeof held / sizeof held[0]; i++) st_wgpu_buffer_give(sweep->device, held[i]);
    return status;
}

static st_status run(struct sweep *sweep, int32_t writes) {
    struct chunk chunk = {0};
    st_status status = ST_OK;
    sweep->writes = writes;
    sweep->found = 0;
    sweep->most = elements_of_chunk(sweep);
    while (chunk.row < sweep->request->rows && status == ST_OK) {
        int done = 0;
        status = serve(sweep, &chunk, &done);
        if (done) advance(sweep, &chunk);
    }
    return status;
}

static st_status count_and_write(struct sweep *sweep) {
    const st_band_buffers *buffers = sweep->buffers;
    if (buffers->values == NULL && buffers->indices == NULL) return run(sweep, 0);
    sweep->sure = buffers->capacity >= sweep->request->rows * sweep->request->cols;
    st_status status = run(sweep, 1);
    if (status == ST_OK && !sweep->writes && sweep->found <= buffers->capacity) {
        sweep->sure = 1;
        status = run(sweep, 1);
    }
    if (status == ST_OK && sweep->found > buffers->capacity)
        status = st_fail(ST_E_CAPACITY, "capacity is %lld; the band holds %lld elements", (long long)buffers->capacity, (long long)sweep->found);
    return status;
}

st_status st_wgpu_band(st_wgpu_self *self, const st_band_request *request, const st_band_buffers *buffers) {
    struct sweep sweep = {.device = self->device, .request = request, .buffers = buffers, .passes = request->passes};
    st_device_info info = {.struct_size = sizeof info};
    st_status status = st_wgpu_device_open(self->device, &sweep.opened);
    if (status != ST_OK) return status;
    st_wgpu_device_info(self->device, &info);
    sweep.caps = info.caps;
    sweep.size = st_dtype_size(request->dtype);
    sweep.index_size = request->index_dtype == ST_I32 ? 4 : 8;
    sweep.workspace = st_allocate(&self->host, sizeof *sweep.workspace);
    if (sweep.workspace == NULL) return st_fail(ST_E_MEMORY, "no memory for a band's program");
    status = count_and_write(&sweep);
    st_release(&self->host, sweep.workspace, sizeof *sweep.workspace);
    return status;
}
