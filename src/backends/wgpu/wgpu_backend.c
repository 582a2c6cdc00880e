/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* wgpu_backend.c - the backend interface, filled in for WebGPU. */
#include "backends/wgpu/wgpu_backend.h"

#include "backends/wgpu/wgpu_kernels.h"
#include "backends/wgpu/wgpu_run.h"
#include "base/fail.h"
#include "base/memory.h"
#include "device/gpu_model.h"
#include "device/gpu_rules.h"

static st_status wgpu_device(void *self, st_device_info *info) {
    const st_wgpu_self *wgpu = self;
    if (wgpu->device == NULL) return st_fail(ST_E_DEVICE, "there is no such device here");
#ifdef ST_WGPU
    st_wgpu_device_info(wgpu->device, info);
#else
    (void)info;
#endif
    return ST_OK;
}

static int32_t wgpu_legal(void *self, int32_t kind, int32_t mk, int32_t mkd) {
    (void)self;
    return st_gpu_legal(kind, mk, mkd);
}

static void wgpu_describe(void *self, const st_rank_request *request, const st_choice *choice, const st_device_caps *caps, char name[64]) {
    (void)self;
    st_gpu_describe(request, choice, caps, name);
}

static double wgpu_estimate(void *self, const st_rank_request *request, const st_choice *choice, const st_device_caps *caps) {
    (void)self;
    return st_gpu_estimate(request, choice, caps);
}

static int32_t wgpu_candidates(void *self, const st_rank_request *request, const st_device_caps *caps, st_choice *choices, int32_t capacity) {
    (void)self;
    return st_gpu_candidates(request, caps, choices, capacity);
}

static uint64_t wgpu_kernel_hash(void *self) {
    (void)self;
    return st_wgsl_hash;
}

static void wgpu_normalise(void *self, const st_rank_request *request, const st_device_caps *caps, st_choice *choice) {
    (void)self;
    st_gpu_normalise(request, caps, choice, NULL);
}

static uint64_t wgpu_workspace(void *self, const st_plan *plan, const st_backend_services *services) {
    (void)self;
    (void)plan;
    (void)services;
    return sizeof(st_wgpu_workspace);
}

static void wgpu_close(void *self) {
    st_wgpu_self *wgpu = self;
    const st_host host = wgpu->host;
#ifdef ST_WGPU
    st_wgpu_device_close(wgpu->device);
#endif
    st_release(&host, wgpu, sizeof *wgpu);
}

#ifdef ST_WGPU

static st_status wgpu_run(void *self, const st_plan *plan, const st_rank_buffers *buffers, const st_backend_services *services) {
    st_wgpu_self *wgpu = self;
    (void)services;
    if (wgpu->device == NULL) return st_fail(ST_E_DEVICE, "%.31s: there is no such device here", plan->device);
    return st_wgpu_run(wgpu, plan, buffers);
}

static st_status wgpu_band(void *self, const st_band_request *request, const st_band_buffers *buffers, const st_backend_services *services) {
    (void)services;
    return st_wgpu_band(self, request, buffers);
}

#else

static st_status wgpu_run(void *self, const st_plan *plan, const st_rank_buffers *buffers, const st_backend_services *services) {
    (void)self;
    (void)buffers;
    (void)services;
    return st_fail(ST_E_DEVICE, "%.31s: this build has no wgpu backend", plan->device);
}

#endif

st_status st_wgpu_backend_open(const st_host *host, st_wgpu_device *device, st_backend *backend) {
    st_wgpu_self *self = st_allocate_zeroed(host, sizeof *self);
    if (self == NULL) return st_fail(ST_E_MEMORY, "no memory for the wgpu backend");
    self->host = *host;
    self->device = device;
    *backend = (st_backend){.struct_size = sizeof *backend,
                            .name = "wgpu",
                            .self = self,
                            .device = wgpu_device,
                            .legal = wgpu_legal,
                            .describe = wgpu_describe,
                            .estimate = wgpu_estimate,
                            .candidates = wgpu_candidates,
                            .kernel_hash = wgpu_kernel_hash,
                            .normalise = wgpu_normalise,
                            .workspace = wgpu_workspace,
                            .run = wgpu_run,
                            .close = wgpu_close};
#ifdef ST_WGPU
    if (device != NULL) {
        backend->band = wgpu_band;
        backend->memory = &st_wgpu_memory_calls;
    }
#endif
    return ST_OK;
}

#ifdef ST_WGPU

st_status st_wgpu_backend_wrap(const st_backend *backend, void *buffer, void **memory, uint64_t *bytes) {
    return st_wgpu_wrap(backend->self, buffer, memory, bytes);
}

st_status st_wgpu_backend_record(const st_backend *backend, const st_plan *plan, const st_backend_buffers *buffers, void *encoder,
                                 void **recording) {
    return st_wgpu_record_resident(backend->self, plan, buffers, encoder, recording);
}

st_status st_wgpu_backend_recorded(const st_backend *backend, void *recording, uint64_t timeout_ns, int32_t *done) {
    return st_wgpu_recorded(backend->self, recording, timeout_ns, done);
}

void st_wgpu_backend_forget(const st_backend *backend, void *recording) { st_wgpu_forget(backend->self, recording); }

#else

static st_status no_wgpu(void) { return st_fail(ST_E_UNSUPPORTED, "this build has no wgpu backend"); }

st_status st_wgpu_backend_adopt(const st_host *host, const st_wgpu_settings *settings, void *instance, void *device, st_backend *backend) {
    (void)host;
    (void)settings;
    (void)instance;
    (void)device;
    (void)backend;
    return no_wgpu();
}

st_status st_wgpu_backend_wrap(const st_backend *backend, void *buffer, void **memory, uint64_t *bytes) {
    (void)backend;
    (void)buffer;
    (void)memory;
    (void)bytes;
    return no_wgpu();
}

st_status st_wgpu_backend_record(const st_backend *backend, const st_plan *plan, const st_backend_buffers *buffers, void *encoder,
                                 void **recording) {
    (void)backend;
    (void)plan;
    (void)buffers;
    (void)encoder;
    (void)recording;
    return no_wgpu();
}

/* There is no recording, so nobody has one to ask for or to forget. */
st_status st_wgpu_backend_recorded(const st_backend *backend, void *recording, uint64_t timeout_ns, int32_t *done) {
    (void)backend;
    (void)recording;
    (void)timeout_ns;
    (void)done;
    return no_wgpu();
}

void st_wgpu_backend_forget(const st_backend *backend, void *recording) {
    (void)backend;
    (void)recording;
}

#endif
