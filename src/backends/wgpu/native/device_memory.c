/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* device_memory.c - buffers as memory: made, shared, and copied to and from at any offset. */
#include "backends/wgpu/native/device_memory.h"

#include <string.h>

#include "base/fail.h"
#include "base/memory.h"

void st_wgpu_memory_hold(st_wgpu_memory *memory) { atomic_fetch_add(&memory->users, 1); }

void st_wgpu_memory_drop(st_wgpu_self *self, st_wgpu_memory *memory) {
    const st_wgpu_opened *opened;
    if (atomic_fetch_sub(&memory->users, 1) > 1) return;
    if (!memory->wrapped)
        st_wgpu_buffer_free(self->device, memory->buffer);
    else if (st_wgpu_device_open(self->device, &opened) == ST_OK)
        opened->call->BufferRelease(memory->buffer);
    st_release(&self->host, memory, sizeof *memory);
}

st_status st_wgpu_memory_keep(st_wgpu_self *self, st_wgpu_memory made, void **memory) {
    st_wgpu_memory *kept = st_allocate(&self->host, sizeof *kept);
    if (kept == NULL) return st_fail(ST_E_MEMORY, "no memory to keep track of device memory");
    *kept = made;
    *memory = kept;
    return ST_OK;
}

st_status st_wgpu_memory_create(void *argument, uint64_t bytes, void **memory) {
    st_wgpu_self *self = argument;
    st_wgpu_memory made = {.users = 1, .bytes = st_wgpu_words(bytes),
                           .usage = WGPUBufferUsage_Storage | WGPUBufferUsage_CopySrc | WGPUBufferUsage_CopyDst};
    char reason[ST_MESSAGE_BYTES];
    st_status status = st_wgpu_device_open(self->device, NULL);
    if (status == ST_OK) status = st_wgpu_buffer_make(self->device, made.usage, made.bytes, &made.buffer);
    if (status == ST_E_CAPACITY) {
        st_message_copy(reason);
        return st_fail(ST_E_MEMORY, "%s", reason);
    }
    if (status != ST_OK) return status;
    if ((status = st_wgpu_memory_keep(self, made, memory)) != ST_OK) st_wgpu_buffer_free(self->device, made.buffer);
    return status;
}

void st_wgpu_memory_destroy(void *self, void *memory) { st_wgpu_memory_drop(self, memory); }

st_status st_wgpu_memory_needs(const st_wgpu_memory *memory, WGPUBufferUsage usage, const char *flag, const char *use) {
    if (memory->usage & usage) return ST_OK;
    return st_fail(ST_E_UNSUPPORTED, "%s: the buffer was made without WGPUBufferUsage_%s", use, flag);
}

/* Bytes of one word, whose others must stay as they are. */
static st_status patch(st_wgpu_self *self, const st_wgpu_memory *memory, uint64_t offset, const void *source, uint64_t bytes) {
    char word[4];
    st_status status = st_wgpu_memory_needs(memory, WGPUBufferUsage_CopySrc, "CopySrc", "an upload that is no multiple of 4");
    if (status == ST_OK) status = st_wgpu_download(self->device, memory->buffer, offset / 4 * 4, word, sizeof word);
    if (status != ST_OK) return status;
    memcpy(word + offset % 4, source, (size_t)bytes);
    return st_wgpu_upload(self->device, memory->buffer, offset / 4 * 4, word, sizeof word);
}

/* A range as the bytes before the first whole word, whole words, and the rest. */
struct parts {
    uint64_t head, middle, tail;
};

static struct parts parts_of(uint64_t offset, uint64_t bytes) {
    const uint64_t before = (4 - offset % 4) % 4, head = before < bytes ? before : bytes;
    return (struct parts){head, (bytes - head) / 4 * 4, (bytes - head) % 4};
}

st_status st_wgpu_memory_upload(void *argument, void *target, uint64_t offset, const void *source, uint64_t bytes) {
    st_wgpu_self *self = argument;
    const st_wgpu_memory *memory = target;
    const struct parts parts = parts_of(offset, bytes);
    const char *from = source;
    st_status status = st_wgpu_memory_needs(memory, WGPUBufferUsage_CopyDst, "CopyDst", "an upload");
    if (status == ST_OK && parts.head > 0) status = patch(self, memory, offset, from, parts.head);
    if (status == ST_OK && parts.middle > 0)
        status = st_wgpu_upload(self->device, memory->buffer, offset + parts.head, from + parts.head, parts.middle);
    if (status == ST_OK && parts.tail > 0)
        status = patch(self, memory, offset + parts.head + parts.middle, from + parts.head + parts.middle, parts.tail);
    return status;
}

/* Bytes of one word. */
static st_status pick(st_wgpu_self *self, const st_wgpu_memory *memory, uint64_t offset, void *target, uint64_t bytes) {
    char word[4];
    const st_status status = st_wgpu_download(self->device, memory->buffer, offset / 4 * 4, word, sizeof word);
    if (status == ST_OK) memcpy(target, word + offset % 4, (size_t)bytes);
    return status;
}

st_status st_wgpu_memory_download(void *argument, void *source, uint64_t offset, void *target, uint64_t bytes) {
    st_wgpu_self *self = argument;
    const st_wgpu_memory *memory = source;
    const struct parts parts = parts_of(offset, bytes);
    char *to = target;
    st_status status = st_wgpu_memory_needs(memory, WGPUBufferUsage_CopySrc, "CopySrc", "a download");
    if (status == ST_OK && parts.head > 0) status = pick(self, memory, offset, to, parts.head);
    if (status == ST_OK && parts.middle > 0)
        status = st_wgpu_download(self->device, memory->buffer, offset + parts.head, to + parts.head, parts.middle);
    if (status == ST_OK && parts.tail > 0)
        status = pick(self, memory, offset + parts.head + parts.middle, to + parts.head + parts.middle, parts.tail);
    return status;
}
