/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* submit.c - encoders, the queue, and tickets for what is on it. */
#include <stdint.h>

#include "backends/wgpu/native/device_state.h"
#include "base/fail.h"

st_status st_wgpu_encoder(st_wgpu_device *device, WGPUCommandEncoder *encoder) {
    *encoder = NULL;
    st_status status = st_wgpu_device_check(device);
    if (status != ST_OK) return status;
    st_wgpu_scope_enter(device);
    *encoder = device->opened.call->DeviceCreateCommandEncoder(device->opened.device, NULL);
    status = st_wgpu_scope_leave(device, "an encoder");
    if (status == ST_OK) return ST_OK;
    st_wgpu_encoder_drop(device, *encoder);
    *encoder = NULL;
    return status;
}

void st_wgpu_encoder_drop(st_wgpu_device *device, WGPUCommandEncoder encoder) {
    if (encoder != NULL) device->opened.call->CommandEncoderRelease(encoder);
}

/* The tickets of a device are numbers that rise, and so does what is done. */
static void hear_done(WGPUQueueWorkDoneStatus status, WGPUStringView message, void *self, void *ticket) {
    (void)status;
    (void)message;
    st_wgpu_device *device = self;
    const uint64_t done = (uint64_t)(uintptr_t)ticket;
    uint64_t completed = atomic_load(&device->completed);
    while (completed < done && !atomic_compare_exchange_weak(&device->completed, &completed, done)) continue;
    atomic_fetch_add(&device->answered, 1);
}

/* Under the lock of calls. */
static st_wgpu_ticket mark(st_wgpu_device *device) {
    const st_wgpu_ticket ticket = ++device->submitted;
    device->asked++;
    device->opened.call->QueueOnSubmittedWorkDone(device->opened.queue,
                                                  (WGPUQueueWorkDoneCallbackInfo){.mode = WGPUCallbackMode_AllowSpontaneous,
                                                                                  .callback = hear_done,
                                                                                  .userdata1 = device,
                                                                                  .userdata2 = (void *)(uintptr_t)ticket});
    return ticket;
}

/*
 * wgpu-native ends the process when commands are submitted that it refuses, or whose device is lost. So they are finished in a
 * scope first, which says both, and submitted only if all is well; nothing else of ours can come in between.
 */
st_status st_wgpu_submit(st_wgpu_device *device, WGPUCommandEncoder encoder, const char *what, st_wgpu_ticket *ticket) {
    const st_wgpu_table *call = device->opened.call;
    if (ticket != NULL) *ticket = 0;
    st_status status = st_wgpu_device_check(device);
    if (status != ST_OK) {
        st_wgpu_encoder_drop(device, encoder);
        return status;
    }
    st_wgpu_scope_enter(device);
    WGPUCommandBuffer commands = call->CommandEncoderFinish(encoder, NULL);
    status = st_wgpu_scope_leave(device, what);
    call->CommandEncoderRelease(encoder);
    if (status == ST_OK) {
        pthread_mutex_lock(&device->calls);
        status = st_wgpu_device_check(device);
        if (status == ST_OK) {
            call->QueueSubmit(device->opened.queue, 1, &commands);
            const st_wgpu_ticket made = mark(device);
            if (ticket != NULL) *ticket = made;
        }
        pthread_mutex_unlock(&device->calls);
    }
    if (commands != NULL) call->CommandBufferRelease(commands);
    return status;
}

st_status st_wgpu_mark(st_wgpu_device *device, st_wgpu_ticket *ticket) {
    *ticket = 0;
    pthread_mutex_lock(&device->calls);
    const st_status status = st_wgpu_device_check(device);
    if (status == ST_OK) *ticket = mark(device);
    pthread_mutex_unlock(&device->calls);
    return status;
}

st_status st_wgpu_wait(st_wgpu_device *device, st_wgpu_ticket ticket, double seconds, int *done) {
    *done = st_wgpu_await(device, &device->completed, ticket, seconds, 0);
    return st_wgpu_device_check(device);
}

st_status st_wgpu_finish(st_wgpu_device *device, st_wgpu_ticket ticket, const char *what) {
    static const char late[] = "it did not answer within its timeout (ST_WGPU_TIMEOUT)";
    int done;
    const st_status status = st_wgpu_wait(device, ticket, device->timeout, &done);
    if (status != ST_OK || done) return status;
    st_wgpu_device_lose(device, late, sizeof late);
    return st_fail(ST_E_DEVICE, "%s: device %s did not finish within %g s; it is given up", what, device->info.id, device->timeout);
}
