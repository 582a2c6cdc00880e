/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* device.c - opening, losing and closing a device, and what wgpu-native says of the calls in between. */
#define _GNU_SOURCE /* nanosleep and clock_gettime under -std=c17 */
#include "backends/wgpu/native/device.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backends/wgpu/native/device_state.h"
#include "base/fail.h"
#include "base/memory.h"
#include "spiraltorch/device.h"

enum { USUAL_TIMEOUT = 60 }; /* seconds */

/* ---- being lost ---------------------------------------------------------------------------------------------------- */

/* One line of a text of several, as far as it fits. */
static void flatten(const char *text, size_t length, char *line, size_t size) {
    size_t used = 0;
    int gap = 0;
    for (size_t i = 0; i < length && text[i] != '\0' && used + 1 < size; i++) {
        const int space = text[i] == ' ' || text[i] == '\n' || text[i] == '\r' || text[i] == '\t';
        if (!space && gap && used > 0 && used + 2 < size) line[used++] = ' ';
        gap = space;
        if (!space) line[used++] = text[i];
    }
    line[used] = '\0';
}

void st_wgpu_device_lose(st_wgpu_device *device, const char *why, size_t length) {
    int32_t not_yet = 0;
    if (!atomic_compare_exchange_strong(&device->lost, &not_yet, 1)) return;
    flatten(why, length, device->why, sizeof device->why);
    atomic_store_explicit(&device->lost, 2, memory_order_release);
}

st_status st_wgpu_device_check(const st_wgpu_device *device) {
    const int32_t lost = atomic_load_explicit(&device->lost, memory_order_acquire);
    if (lost == 0) return ST_OK;
    return st_fail(ST_E_DEVICE, "device %s was lost: %s", device->info.id, lost == 2 ? device->why : "this is just happening");
}

static void hear_loss(WGPUDevice const *device, WGPUDeviceLostReason reason, WGPUStringView message, void *self, void *unused) {
    (void)device;
    (void)unused;
    if (reason == WGPUDeviceLostReason_CallbackCancelled) return;
    st_wgpu_device_lose(self, message.data == NULL ? "no reason given" : message.data, message.data == NULL ? 15 : message.length);
}

void st_wgpu_device_kill(st_wgpu_device *device, const char *reason) {
    pthread_mutex_lock(&device->calls);
    st_wgpu_device_lose(device, reason, strlen(reason));
    while (device->mapped > 0) pthread_cond_wait(&device->unmapped, &device->calls);
    if (device->opened.device != NULL) device->opened.call->DeviceDestroy(device->opened.device);
    pthread_mutex_unlock(&device->calls);
}

/* ---- scopes -------------------------------------------------------------------------------------------------------- */

/* Keeps the first error of a scope. */
static void note_error(st_wgpu_device *device, WGPUErrorType type, WGPUStringView message) {
    if (device->heard != WGPUErrorType_NoError) return;
    device->heard = type;
    flatten(message.data == NULL ? "" : message.data, message.data == NULL ? 0 : message.length, device->error, sizeof device->error);
}

/*
 * What no scope takes: internal errors, for which wgpu-native 29 has no scope, and those of calls that stand in none. It calls
 * this from within the call that fails; without it, it would end the process.
 */
static void hear_error(WGPUDevice const *theirs, WGPUErrorType type, WGPUStringView message, void *self, void *unused) {
    (void)theirs;
    (void)unused;
    note_error(self, type, message);
}

/* wgpu-native calls this before PopErrorScope returns. */
static void hear_scope(WGPUPopErrorScopeStatus status, WGPUErrorType type, WGPUStringView message, void *self, void *unused) {
    (void)unused;
    if (status == WGPUPopErrorScopeStatus_Success && type != WGPUErrorType_NoError) note_error(self, type, message);
}

static const WGPUErrorFilter filters[] = {WGPUErrorFilter_OutOfMemory, WGPUErrorFilter_Validation};
enum { FILTERS = sizeof filters / sizeof filters[0] };

void st_wgpu_scope_enter(st_wgpu_device *device) {
    pthread_mutex_lock(&device->calls);
    device->heard = WGPUErrorType_NoError;
    for (int i = 0; i < FILTERS; i++) device->opened.call->DevicePushErrorScope(device->opened.device, filters[i]);
}

st_status st_wgpu_scope_leave(st_wgpu_device *device, const char *what) {
    const WGPUPopErrorScopeCallbackInfo hear = {
        .mode = WGPUCallbackMode_AllowSpontaneous, .callback = hear_scope, .userdata1 = device};
    char error[sizeof device->error];
    for (int i = 0; i < FILTERS; i++) device->opened.call->DevicePopErrorScope(device->opened.device, hear);
    const WGPUErrorType heard = device->heard;
    memcpy(error, device->error, sizeof error);
    pthread_mutex_unlock(&device->calls);
    if (heard == WGPUErrorType_NoError) return st_wgpu_device_check(device);
    /* wgpu-native 29 calls every error one of validation; the text tells them apart. */
    if (strstr(error, "evice is lost") != NULL) st_wgpu_device_lose(device, error, sizeof error);
    if (atomic_load(&device->lost) != 0) return st_wgpu_device_check(device);
    if (heard == WGPUErrorType_OutOfMemory || strstr(error, "Not enough memory") != NULL)
        return st_fail(ST_E_MEMORY, "%s: device %s has not enough memory: %s", what, device->info.id, error);
    return st_fail(ST_E_UNSUPPORTED, "%s: device %s refuses it: %s", what, device->info.id, error);
}

/* ---- waiting ------------------------------------------------------------------------------------------------------- */

void st_wgpu_poll(st_wgpu_device *device) {
    pthread_mutex_lock(&device->calls);
    device->opened.call->DevicePoll(device->opened.device, 0, NULL);
    pthread_mutex_unlock(&device->calls);
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/*
 * wgpu-native's own wait has no timeout, so this looks again and again: at once for the time that short kernels take, then
 * after sleeps of an eighth of the time waited so far, which is the most that is lost.
 */
static const double WATCH = 200e-6, LONGEST_SLEEP = 2e-3;

int st_wgpu_await(st_wgpu_device *device, _Atomic uint64_t *answer, uint64_t least, double seconds, int even_lost) {
    const double start = seconds_now();
    for (;;) {
        if (atomic_load_explicit(answer, memory_order_acquire) >= least) return 1;
        if (!even_lost && atomic_load(&device->lost) != 0) return 0;
        st_wgpu_poll(device);
        if (atomic_load_explicit(answer, memory_order_acquire) >= least) return 1;
        const double waited = seconds_now() - start;
        if (waited >= seconds) return 0;
        if (waited < WATCH) {
            sched_yield();
            continue;
        }
        double sleep = waited / 8 < LONGEST_SLEEP ? waited / 8 : LONGEST_SLEEP;
        if (sleep > seconds - waited) sleep = seconds - waited;
        const struct timespec time = {.tv_nsec = (long)(sleep * 1e9)};
        nanosleep(&time, NULL);
    }
}

/* ---- opening and closing ------------------------------------------------------------------------------------------- */

st_status st_wgpu_device_new(const st_host *host, st_wgpu_connection *connection, const st_wgpu_settings *settings,
                             st_wgpu_device **out) {
    st_wgpu_device *device = st_allocate_zeroed(host, sizeof *device);
    if (device == NULL) return st_fail(ST_E_MEMORY, "no memory for a WebGPU device");
    device->host = *host;
    device->connection = connection;
    atomic_fetch_add(&connection->users, 1);
    device->timeout = settings->timeout > 0 ? settings->timeout : USUAL_TIMEOUT;
    device->info.struct_size = sizeof device->info;
    pthread_mutex_init(&device->opening, NULL);
    pthread_mutex_init(&device->calls, NULL);
    pthread_mutex_init(&device->shelves, NULL);
    pthread_mutex_init(&device->cache, NULL);
    pthread_cond_init(&device->compiled, NULL);
    pthread_cond_init(&device->unmapped, NULL);
    *out = device;
    return ST_OK;
}

void st_wgpu_device_info(const st_wgpu_device *device, st_device_info *info) { *info = device->info; }

double st_wgpu_device_timeout(const st_wgpu_device *device) { return device->timeout; }

struct requested {
    WGPUDevice device;
    char text[300];
};

/* wgpu-native calls this before AdapterRequestDevice returns. */
static void hear_device(WGPURequestDeviceStatus status, WGPUDevice device, WGPUStringView message, void *self, void *unused) {
    (void)unused;
    struct requested *requested = self;
    if (status == WGPURequestDeviceStatus_Success) requested->device = device;
    flatten(message.data == NULL ? "" : message.data, message.data == NULL ? 0 : message.length, requested->text, sizeof requested->text);
}

static st_status request(st_wgpu_device *device) {
    const WGPUFeatureName subgroups = (WGPUFeatureName)WGPUNativeFeature_Subgroup;
    struct requested requested = {.device = NULL};
    const WGPUDeviceDescriptor descriptor = {
        .requiredFeatureCount = device->subgroups ? 1 : 0,
        .requiredFeatures = &subgroups,
        .requiredLimits = &device->wanted,
        .deviceLostCallbackInfo = {.mode = WGPUCallbackMode_AllowSpontaneous, .callback = hear_loss, .userdata1 = device},
        .uncapturedErrorCallbackInfo = {.callback = hear_error, .userdata1 = device}};
    const WGPURequestDeviceCallbackInfo hear = {
        .mode = WGPUCallbackMode_AllowSpontaneous, .callback = hear_device, .userdata1 = &requested};
    device->opened.call->AdapterRequestDevice(device->adapter, &descriptor, hear);
    device->opened.device = requested.device;
    if (requested.device != NULL) return ST_OK;
    return st_fail(ST_E_DEVICE, "device %s cannot be opened: %s", device->info.id, requested.text);
}

static void note_limits(st_wgpu_device *device) {
    st_wgpu_opened *opened = &device->opened;
    WGPULimits has = WGPU_LIMITS_INIT;
    opened->call->DeviceGetLimits(opened->device, &has);
    opened->buffer_bytes = has.maxBufferSize & ~(uint64_t)3;
    opened->uniform_alignment = has.minUniformBufferOffsetAlignment;
    const uint64_t binding = has.maxStorageBufferBindingSize < has.maxBufferSize ? has.maxStorageBufferBindingSize : has.maxBufferSize;
    opened->limits = (st_wgpu_limits){.binding_bytes = binding & ~(uint64_t)3,
                                      .invocations = has.maxComputeInvocationsPerWorkgroup,
                                      .shared_bytes = has.maxComputeWorkgroupStorageSize,
                                      .groups = has.maxComputeWorkgroupsPerDimension,
                                      .offset_alignment = has.minStorageBufferOffsetAlignment};
}

/* With the WGPUDevice there: all that follows from it. */
static st_status furnish(st_wgpu_device *device) {
    st_wgpu_opened *opened = &device->opened;
    opened->queue = opened->call->DeviceGetQueue(opened->device);
    note_limits(device);
    st_status status = st_wgpu_pipelines_open(device);
    if (status != ST_OK || !device->subgroups) return status;
    status = st_wgpu_lanes_measure(device, &opened->limits.lanes);
    /* A device that cannot say is one without subgroups. */
    return status == ST_E_UNSUPPORTED ? ST_OK : status;
}

st_status st_wgpu_device_open(st_wgpu_device *device, const st_wgpu_opened **out) {
    if (out != NULL) *out = &device->opened;
    if (atomic_load_explicit(&device->state, memory_order_acquire) == ST_WGPU_OPEN) return st_wgpu_device_check(device);
    st_status status = ST_OK;
    pthread_mutex_lock(&device->opening);
    if (atomic_load(&device->state) == ST_WGPU_CLOSED) {
        device->opened.call = &device->connection->library.call;
        device->opened.instance = device->connection->instance;
        status = request(device);
        if (status == ST_OK) status = furnish(device);
        if (status != ST_OK) st_wgpu_device_lose(device, st_last_message(), ST_MESSAGE_BYTES);
        atomic_store_explicit(&device->state, status == ST_OK ? ST_WGPU_OPEN : ST_WGPU_BROKEN, memory_order_release);
    }
    pthread_mutex_unlock(&device->opening);
    return status == ST_OK ? st_wgpu_device_check(device) : status;
}

st_status st_wgpu_device_adopt(const st_host *host, const st_wgpu_settings *settings, WGPUInstance instance, WGPUDevice theirs,
                               st_wgpu_device **adopted) {
    st_wgpu_connection *connection;
    st_wgpu_device *device;
    *adopted = NULL;
    st_status status = st_wgpu_connection_open(host, settings->library, &connection);
    if (status != ST_OK) return status;
    const st_wgpu_table *call = &connection->library.call;
    call->InstanceAddRef(instance);
    connection->instance = instance;
    status = st_wgpu_device_new(host, connection, settings, &device);
    st_wgpu_connection_drop(connection);
    if (status != ST_OK) return status;
    snprintf(device->info.id, sizeof device->info.id, "wgpu");
    snprintf(device->info.backend, sizeof device->info.backend, "wgpu");
    snprintf(device->info.name, sizeof device->info.name, "a device of the program's own");
    call->DeviceAddRef(theirs);
    device->opened.call = call;
    device->opened.instance = instance;
    device->opened.device = theirs;
    device->subgroups = !settings->no_subgroups && call->DeviceHasFeature(theirs, (WGPUFeatureName)WGPUNativeFeature_Subgroup);
    status = furnish(device);
    if (status != ST_OK) {
        st_wgpu_device_close(device);
        return status;
    }
    device->info.available = 1;
    device->info.caps = st_caps_wgpu((int32_t)device->opened.limits.lanes, device->opened.limits.lanes != 0,
                                     (int32_t)device->opened.limits.invocations);
    device->info.caps.shared_mem = device->opened.limits.shared_bytes;
    atomic_store(&device->state, ST_WGPU_OPEN);
    *adopted = device;
    return ST_OK;
}

void st_wgpu_device_close(st_wgpu_device *device) {
    if (device == NULL) return;
    const st_host host = device->host;
    st_wgpu_connection *connection = device->connection;
    const st_wgpu_table *call = &connection->library.call;
    if (device->opened.device != NULL) {
        /* Callbacks that are still to come write into the device: where they do not come, it must stay. */
        if (!st_wgpu_await(device, &device->answered, device->asked, device->timeout, 1)) return;
        st_wgpu_pipelines_close(device);
        st_wgpu_buffers_close(device);
        if (device->opened.queue != NULL) call->QueueRelease(device->opened.queue);
        call->DeviceRelease(device->opened.device);
    }
    if (device->adapter != NULL) call->AdapterRelease(device->adapter);
    pthread_mutex_destroy(&device->opening);
    pthread_mutex_destroy(&device->calls);
    pthread_mutex_destroy(&device->shelves);
    pthread_mutex_destroy(&device->cache);
    pthread_cond_destroy(&device->compiled);
    pthread_cond_destroy(&device->unmapped);
    st_release(&host, device, sizeof *device);
    st_wgpu_connection_drop(connection);
}

void st_wgpu_device_counts(const st_wgpu_device *device, st_wgpu_counts *counts) {
    WGPUGlobalReport report;
    device->connection->library.call.GenerateReport(device->connection->instance, &report);
    counts->devices = report.hub.devices.numAllocated;
    counts->buffers = report.hub.buffers.numAllocated;
    counts->bind_groups = report.hub.bindGroups.numAllocated;
    counts->shader_modules = report.hub.shaderModules.numAllocated;
    counts->pipelines = report.hub.computePipelines.numAllocated;
    counts->command_buffers = report.hub.commandBuffers.numAllocated;
}
