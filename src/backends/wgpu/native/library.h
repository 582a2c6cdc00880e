/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * library.h - wgpu-native, opened at run time: a table of the functions that are used.
 *
 * Every function here is one that wgpu-native implements; some that webgpu.h declares end the process when they are called.
 */
#ifndef ST_BACKENDS_WGPU_NATIVE_LIBRARY_H
#define ST_BACKENDS_WGPU_NATIVE_LIBRARY_H

#include <wgpu.h>

#include "spiraltorch/status.h"

/* Names without "wgpu", in the order of webgpu.h, then those of wgpu.h. */
#define ST_WGPU_FUNCTIONS(FUNCTION)                                                                                          \
    FUNCTION(CreateInstance)                                                                                                 \
    FUNCTION(AdapterGetInfo)                                                                                                 \
    FUNCTION(AdapterGetLimits)                                                                                               \
    FUNCTION(AdapterHasFeature)                                                                                              \
    FUNCTION(AdapterRequestDevice)                                                                                           \
    FUNCTION(AdapterRelease)                                                                                                 \
    FUNCTION(AdapterInfoFreeMembers)                                                                                         \
    FUNCTION(BindGroupRelease)                                                                                               \
    FUNCTION(BindGroupLayoutRelease)                                                                                         \
    FUNCTION(BufferAddRef)                                                                                                   \
    FUNCTION(BufferGetConstMappedRange)                                                                                      \
    FUNCTION(BufferGetSize)                                                                                                  \
    FUNCTION(BufferGetUsage)                                                                                                 \
    FUNCTION(BufferMapAsync)                                                                                                 \
    FUNCTION(BufferRelease)                                                                                                  \
    FUNCTION(BufferUnmap)                                                                                                    \
    FUNCTION(CommandBufferRelease)                                                                                           \
    FUNCTION(CommandEncoderBeginComputePass)                                                                                 \
    FUNCTION(CommandEncoderCopyBufferToBuffer)                                                                               \
    FUNCTION(CommandEncoderFinish)                                                                                           \
    FUNCTION(CommandEncoderRelease)                                                                                          \
    FUNCTION(ComputePassEncoderDispatchWorkgroups)                                                                           \
    FUNCTION(ComputePassEncoderEnd)                                                                                          \
    FUNCTION(ComputePassEncoderRelease)                                                                                      \
    FUNCTION(ComputePassEncoderSetBindGroup)                                                                                 \
    FUNCTION(ComputePassEncoderSetPipeline)                                                                                  \
    FUNCTION(ComputePipelineAddRef)                                                                                          \
    FUNCTION(ComputePipelineRelease)                                                                                         \
    FUNCTION(DeviceAddRef)                                                                                                   \
    FUNCTION(DeviceCreateBindGroup)                                                                                          \
    FUNCTION(DeviceCreateBindGroupLayout)                                                                                    \
    FUNCTION(DeviceCreateBuffer)                                                                                             \
    FUNCTION(DeviceCreateCommandEncoder)                                                                                     \
    FUNCTION(DeviceCreateComputePipeline)                                                                                    \
    FUNCTION(DeviceCreatePipelineLayout)                                                                                     \
    FUNCTION(DeviceDestroy)                                                                                                  \
    FUNCTION(DeviceGetLimits)                                                                                                \
    FUNCTION(DeviceGetQueue)                                                                                                 \
    FUNCTION(DeviceHasFeature)                                                                                               \
    FUNCTION(DevicePopErrorScope)                                                                                            \
    FUNCTION(DevicePushErrorScope)                                                                                           \
    FUNCTION(DeviceRelease)                                                                                                  \
    FUNCTION(InstanceAddRef)                                                                                                 \
    FUNCTION(InstanceRelease)                                                                                                \
    FUNCTION(PipelineLayoutRelease)                                                                                          \
    FUNCTION(QueueOnSubmittedWorkDone)                                                                                       \
    FUNCTION(QueueRelease)                                                                                                   \
    FUNCTION(QueueSubmit)                                                                                                    \
    FUNCTION(QueueWriteBuffer)                                                                                               \
    FUNCTION(ShaderModuleRelease)                                                                                            \
    FUNCTION(DeviceCreateShaderModuleTrusted)                                                                                \
    FUNCTION(DevicePoll)                                                                                                     \
    FUNCTION(GenerateReport)                                                                                                 \
    FUNCTION(GetVersion)                                                                                                     \
    FUNCTION(InstanceEnumerateAdapters)

#define ST_WGPU_MEMBER(name) __typeof__(&wgpu##name) name;
typedef struct st_wgpu_table {
    ST_WGPU_FUNCTIONS(ST_WGPU_MEMBER)
} st_wgpu_table;
#undef ST_WGPU_MEMBER

typedef struct st_wgpu_library {
    void *handle; /* NULL where the process itself is linked with it */
    st_wgpu_table call;
} st_wgpu_library;

/*
 * Opens the library that path names; where path is NULL, the one that the process is linked with, or else one of the usual
 * names, wherever the system looks for libraries. "none" opens none.
 * ST_E_DEVICE says what is missing: the library, a function of it, or the version that this build knows.
 */
st_status st_wgpu_library_open(const char *path, st_wgpu_library *library);

/* What was opened stays mapped, for the sake of the threads that have been in it. */
void st_wgpu_library_close(st_wgpu_library *library);

#endif
