/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* memories.c - device memory: handles of backends, kept together with their context. */
#include "engine/memories.h"

#include "base/fail.h"
#include "base/memory.h"

static const st_backend *backend_at(const st_context *context, int32_t position) { return &context->registry.items[position].backend; }

st_status st_memory_open(st_context *context, int32_t position, void *handle, uint64_t bytes, st_memory **memory) {
    st_memory *made = st_allocate(&context->host, sizeof *made);
    if (made == NULL) return st_fail(ST_E_MEMORY, "no memory to keep track of device memory");
    *made = (st_memory){.context = context, .position = position, .handle = handle, .bytes = bytes};
    st_context_hold(context);
    *memory = made;
    return ST_OK;
}

st_status st_memory_create(st_context *context, const char *device, uint64_t bytes, st_memory **memory) {
    int32_t position;
    void *handle = NULL;
    if (memory == NULL) return st_fail(ST_E_ARGUMENT, "memory is NULL; give the address of a pointer");
    *memory = NULL;
    if (context == NULL) return st_fail(ST_E_ARGUMENT, "context is NULL");
    if (bytes == 0) return st_fail(ST_E_ARGUMENT, "bytes is 0; it must be at least 1");
    if (bytes > INT64_MAX) return st_fail(ST_E_MEMORY, "bytes is more than any device has");
    st_status status = st_device_find(context, device, &position);
    if (status != ST_OK) return status;
    const st_backend *backend = backend_at(context, position);
    if (backend->memory == NULL)
        return st_fail(ST_E_UNSUPPORTED, "device %s has no memory of its own; plans on it run on the host's",
                       context->registry.items[position].info.id);
    if ((status = backend->memory->create(backend->self, bytes, &handle)) != ST_OK) return status;
    status = st_memory_open(context, position, handle, bytes, memory);
    if (status != ST_OK) backend->memory->destroy(backend->self, handle);
    return status;
}

void st_memory_destroy(st_memory *memory) {
    if (memory == NULL) return;
    st_context *context = memory->context;
    const st_backend *backend = backend_at(context, memory->position);
    backend->memory->destroy(backend->self, memory->handle);
    st_release(&context->host, memory, sizeof *memory);
    st_context_drop(context);
}

uint64_t st_memory_bytes(const st_memory *memory) { return memory == NULL ? 0 : memory->bytes; }

static st_status check_copy(const st_memory *memory, uint64_t offset, const char *name, const void *host, uint64_t bytes) {
    if (memory == NULL) return st_fail(ST_E_ARGUMENT, "memory is NULL");
    if (offset > memory->bytes || bytes > memory->bytes - offset)
        return st_fail(ST_E_ARGUMENT, "offset is %llu and bytes is %llu; the memory ends at %llu", (unsigned long long)offset,
                       (unsigned long long)bytes, (unsigned long long)memory->bytes);
    if (host == NULL && bytes > 0) return st_fail(ST_E_ARGUMENT, "%s is NULL", name);
    return ST_OK;
}

st_status st_memory_upload(st_memory *memory, uint64_t offset, const void *source, uint64_t bytes) {
    const st_status status = check_copy(memory, offset, "source", source, bytes);
    if (status != ST_OK || bytes == 0) return status;
    const st_backend *backend = backend_at(memory->context, memory->position);
    return backend->memory->upload(backend->self, memory->handle, offset, source, bytes);
}

st_status st_memory_download(const st_memory *memory, uint64_t offset, void *target, uint64_t bytes) {
    const st_status status = check_copy(memory, offset, "target", target, bytes);
    if (status != ST_OK || bytes == 0) return status;
    const st_backend *backend = backend_at(memory->context, memory->position);
    return backend->memory->download(backend->self, memory->handle, offset, target, bytes);
}

st_status st_fence_wait(st_fence *fence, uint64_t timeout_ns, int32_t *done) {
    if (fence == NULL) return st_fail(ST_E_ARGUMENT, "fence is NULL");
    if (done == NULL) return st_fail(ST_E_ARGUMENT, "done is NULL");
    const st_backend *backend = backend_at(fence->context, fence->position);
    *done = fence->handle == NULL;
    return *done ? ST_OK : backend->memory->wait(backend->self, fence->handle, timeout_ns, done);
}

void st_fence_destroy(st_fence *fence) {
    if (fence == NULL) return;
    st_context *context = fence->context;
    const st_backend *backend = backend_at(context, fence->position);
    if (fence->handle != NULL) backend->memory->release(backend->self, fence->handle);
    st_release(&context->host, fence, sizeof *fence);
    st_context_drop(context);
}
