/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* buffers.c - the pool of a device's buffers, and copies between them and host memory. */
#include "backends/wgpu/native/buffers.h"

#include <string.h>

#include "backends/wgpu/native/device_state.h"
#include "base/fail.h"
#include "base/memory.h"

static const uint64_t MOST_IDLE = (uint64_t)512 << 20;
static const uint64_t PIECE = (uint64_t)64 << 20; /* of a copy: what wgpu-native holds of it in host memory */

enum { LEAST_BYTES = 256 };

st_status st_wgpu_buffer_make(st_wgpu_device *device, WGPUBufferUsage usage, uint64_t bytes, WGPUBuffer *buffer) {
    const st_wgpu_opened *opened = &device->opened;
    *buffer = NULL;
    if (bytes > opened->buffer_bytes)
        return st_fail(ST_E_CAPACITY, "a buffer of %llu bytes: device %s has none larger than %llu", (unsigned long long)bytes,
                       device->info.id, (unsigned long long)opened->buffer_bytes);
    st_status status = st_wgpu_device_check(device);
    if (status != ST_OK) return status;
    const WGPUBufferDescriptor descriptor = {.usage = usage, .size = bytes};
    st_wgpu_scope_enter(device);
    *buffer = opened->call->DeviceCreateBuffer(opened->device, &descriptor);
    status = st_wgpu_scope_leave(device, "a buffer");
    if (status != ST_OK && *buffer != NULL) {
        opened->call->BufferRelease(*buffer);
        *buffer = NULL;
    }
    return status;
}

void st_wgpu_buffer_free(st_wgpu_device *device, WGPUBuffer buffer) {
    if (buffer != NULL) device->opened.call->BufferRelease(buffer);
}

/* ---- the pool ------------------------------------------------------------------------------------------------------ */

/* The next of 1, 1.25, 1.5 and 1.75 times a power of two, so that sizes that differ little share buffers. */
static uint64_t rounded(uint64_t bytes, uint64_t most) {
    uint64_t power = LEAST_BYTES;
    while (power <= bytes / 2) power *= 2;
    const uint64_t step = power / 4, size = bytes <= LEAST_BYTES ? LEAST_BYTES : (bytes + step - 1) / step * step;
    return size <= most ? size : bytes;
}

static void dispose(st_wgpu_device *device, st_wgpu_buffer *buffer) {
    device->opened.call->BufferRelease(buffer->handle);
    st_release(&device->host, buffer, sizeof *buffer);
}

static void dispose_all(st_wgpu_device *device, st_wgpu_buffer *list) {
    while (list != NULL) {
        st_wgpu_buffer *next = list->next;
        dispose(device, list);
        list = next;
    }
}

/* Takes all idle buffers of all uses out of the pool. */
static void empty_shelves(st_wgpu_device *device) {
    st_wgpu_buffer *lists[ST_WGPU_USES];
    pthread_mutex_lock(&device->shelves);
    memcpy(lists, device->idle, sizeof lists);
    memset(device->idle, 0, sizeof device->idle);
    memset(device->idle_bytes, 0, sizeof device->idle_bytes);
    pthread_mutex_unlock(&device->shelves);
    for (int use = 0; use < ST_WGPU_USES; use++) dispose_all(device, lists[use]);
}

void st_wgpu_buffers_close(st_wgpu_device *device) { empty_shelves(device); }

/* The smallest idle buffer that is large enough, and not more than twice what is needed. */
static st_wgpu_buffer *find_idle(st_wgpu_device *device, int32_t use, uint64_t bytes) {
    st_wgpu_buffer **best = NULL, *found = NULL;
    pthread_mutex_lock(&device->shelves);
    for (st_wgpu_buffer **at = &device->idle[use]; *at != NULL; at = &(*at)->next)
        if ((*at)->bytes >= bytes && (*at)->bytes / 2 <= bytes && (best == NULL || (*at)->bytes < (*best)->bytes)) best = at;
    if (best != NULL) {
        found = *best;
        *best = found->next;
        device->idle_bytes[use] -= found->bytes;
    }
    pthread_mutex_unlock(&device->shelves);
    return found;
}

st_status st_wgpu_buffer_take(st_wgpu_device *device, int32_t use, uint64_t bytes, st_wgpu_buffer **out) {
    static const WGPUBufferUsage usages[ST_WGPU_USES] = {
        [ST_WGPU_USE_STORAGE] = WGPUBufferUsage_Storage | WGPUBufferUsage_CopySrc | WGPUBufferUsage_CopyDst,
        [ST_WGPU_USE_UNIFORM] = WGPUBufferUsage_Uniform | WGPUBufferUsage_CopyDst,
        [ST_WGPU_USE_READBACK] = WGPUBufferUsage_MapRead | WGPUBufferUsage_CopyDst};
    const uint64_t size = rounded(bytes, device->opened.buffer_bytes);
    *out = find_idle(device, use, size);
    if (*out != NULL) return ST_OK;
    st_wgpu_buffer *made = st_allocate_zeroed(&device->host, sizeof *made);
    if (made == NULL) return st_fail(ST_E_MEMORY, "no memory to keep track of a buffer");
    made->bytes = size;
    made->use = use;
    st_status status = st_wgpu_buffer_make(device, usages[use], size, &made->handle);
    if (status == ST_E_MEMORY) {
        empty_shelves(device);
        status = st_wgpu_buffer_make(device, usages[use], size, &made->handle);
    }
    if (status == ST_OK)
        *out = made;
    else
        st_release(&device->host, made, sizeof *made);
    return status;
}

void st_wgpu_buffer_give(st_wgpu_device *device, st_wgpu_buffer *buffer) {
    st_wgpu_buffer *gone = NULL;
    if (buffer == NULL) return;
    pthread_mutex_lock(&device->shelves);
    buffer->next = device->idle[buffer->use];
    device->idle[buffer->use] = buffer;
    device->idle_bytes[buffer->use] += buffer->bytes;
    /* Those given first go first: they stand at the end. */
    if (device->idle_bytes[buffer->use] > MOST_IDLE) {
        uint64_t kept = 0;
        st_wgpu_buffer **at = &device->idle[buffer->use];
        while (*at != NULL && kept + (*at)->bytes <= MOST_IDLE) {
            kept += (*at)->bytes;
            at = &(*at)->next;
        }
        gone = *at;
        *at = NULL;
        device->idle_bytes[buffer->use] = kept;
    }
    pthread_mutex_unlock(&device->shelves);
    dispose_all(device, gone);
}

/* ---- copies -------------------------------------------------------------------------------------------------------- */

static st_status write_piece(st_wgpu_device *device, WGPUBuffer buffer, uint64_t offset, const void *memory, uint64_t bytes) {
    const st_status status = st_wgpu_device_check(device);
    if (status != ST_OK) return status;
    st_wgpu_scope_enter(device);
    device->opened.call->QueueWriteBuffer(device->opened.queue, buffer, offset, memory, bytes);
    return st_wgpu_scope_leave(device, "upload");
}

st_status st_wgpu_upload(st_wgpu_device *device, WGPUBuffer buffer, uint64_t offset, const void *memory, uint64_t bytes) {
    const char *from = memory;
    st_wgpu_ticket before = 0;
    while (bytes > PIECE) {
        WGPUCommandEncoder encoder;
        st_wgpu_ticket ticket;
        /* An empty submission sends the piece on its way. */
        st_status status = write_piece(device, buffer, offset, from, PIECE);
        if (status == ST_OK) status = st_wgpu_encoder(device, &encoder);
        if (status == ST_OK) status = st_wgpu_submit(device, encoder, "upload", &ticket);
        if (status == ST_OK) status = st_wgpu_finish(device, before, "upload");
        if (status != ST_OK) return status;
        before = ticket;
        offset += PIECE;
        from += PIECE;
        bytes -= PIECE;
    }
    return bytes == 0 ? ST_OK : write_piece(device, buffer, offset, from, bytes);
}

static st_status read_piece(st_wgpu_device *device, WGPUBuffer buffer, uint64_t offset, st_wgpu_buffer *readback, void *memory,
                            uint64_t bytes) {
    WGPUCommandEncoder encoder;
    st_wgpu_ticket ticket = 0;
    const void *mapped;
    st_status status = st_wgpu_encoder(device, &encoder);
    if (status != ST_OK) return status;
    st_wgpu_scope_enter(device);
    device->opened.call->CommandEncoderCopyBufferToBuffer(encoder, buffer, offset, readback->handle, 0, bytes);
    status = st_wgpu_scope_leave(device, "download");
    if (status != ST_OK) {
        st_wgpu_encoder_drop(device, encoder);
        return status;
    }
    status = st_wgpu_submit(device, encoder, "download", &ticket);
    if (status == ST_OK) status = st_wgpu_finish(device, ticket, "download");
    if (status == ST_OK) status = st_wgpu_readback_map(device, readback, bytes, &mapped);
    if (status != ST_OK) return status;
    memcpy(memory, mapped, bytes);
    st_wgpu_readback_unmap(device, readback);
    return ST_OK;
}

st_status st_wgpu_download(st_wgpu_device *device, WGPUBuffer buffer, uint64_t offset, void *memory, uint64_t bytes) {
    st_wgpu_buffer *readback;
    char *to = memory;
    st_status status = st_wgpu_buffer_take(device, ST_WGPU_USE_READBACK, bytes < PIECE ? bytes : PIECE, &readback);
    while (status == ST_OK && bytes > 0) {
        const uint64_t piece = bytes < PIECE ? bytes : PIECE;
        status = read_piece(device, buffer, offset, readback, to, piece);
        offset += piece;
        to += piece;
        bytes -= piece;
    }
    st_wgpu_buffer_give(device, readback);
    return status;
}

/* ---- mapping ------------------------------------------------------------------------------------------------------- */

static const char UNANSWERED[] = "it does not map its memory";

enum { MAP_ASKED = 0, MAP_THERE = 1, MAP_REFUSED = 2 };

static void hear_map(WGPUMapAsyncStatus status, WGPUStringView message, void *self, void *owner) {
    (void)message;
    st_wgpu_buffer *readback = self;
    st_wgpu_device *device = owner;
    atomic_store_explicit(&readback->mapping, status == WGPUMapAsyncStatus_Success ? MAP_THERE : MAP_REFUSED, memory_order_release);
    atomic_fetch_add(&device->answered, 1);
}

st_status st_wgpu_readback_map(st_wgpu_device *device, st_wgpu_buffer *readback, uint64_t bytes, const void **memory) {
    const st_wgpu_table *call = device->opened.call;
    *memory = NULL;
    st_status status = st_wgpu_device_check(device);
    if (status != ST_OK) return status;
    atomic_store(&readback->mapping, MAP_ASKED);
    st_wgpu_scope_enter(device);
    device->asked++;
    call->BufferMapAsync(readback->handle, WGPUMapMode_Read, 0, bytes,
                         (WGPUBufferMapCallbackInfo){.mode = WGPUCallbackMode_AllowSpontaneous,
                                                     .callback = hear_map,
                                                     .userdata1 = readback,
                                                     .userdata2 = device});
    status = st_wgpu_scope_leave(device, "reading back");
    if (status == ST_OK && !st_wgpu_await(device, &readback->mapping, MAP_THERE, device->timeout, 0))
        st_wgpu_device_lose(device, UNANSWERED, sizeof UNANSWERED);
    if (status != ST_OK) return status;
    /* No device is destroyed while one of its mappings is read. */
    pthread_mutex_lock(&device->calls);
    if (atomic_load(&device->lost) == 0) *memory = call->BufferGetConstMappedRange(readback->handle, 0, bytes);
    device->mapped += *memory != NULL;
    pthread_mutex_unlock(&device->calls);
    if (*memory != NULL) return ST_OK;
    st_wgpu_device_lose(device, UNANSWERED, sizeof UNANSWERED);
    return st_wgpu_device_check(device);
}

void st_wgpu_readback_unmap(st_wgpu_device *device, st_wgpu_buffer *readback) {
    pthread_mutex_lock(&device->calls);
    device->opened.call->BufferUnmap(readback->handle);
    if (--device->mapped == 0) pthread_cond_broadcast(&device->unmapped);
    pthread_mutex_unlock(&device->calls);
}
