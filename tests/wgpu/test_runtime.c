/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_runtime.c - programs on a WebGPU device: recorded, submitted, waited for; what goes wrong, and what is left. */
#define _GNU_SOURCE /* nanosleep under -std=c17 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wgpu_devices.h"

#ifdef ST_WGPU
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "backends/wgpu/native/record.h"
#include "base/fail.h"
#include "base/memory.h"
#include "failing_host.h"

enum { WORDS = 4096, THREADS = 8 };

/* Each word of the values becomes that of the input, plus numbers.k and what `bits` says (the kernel has no use for it). */
static const char adding[] = "@group(0) @binding(0) var<storage, read> input: array<u32>;\n"
                             "@group(0) @binding(1) var<uniform> numbers: array<vec4<u32>, 4>;\n"
                             "@group(0) @binding(3) var<storage, read_write> values: array<atomic<u32>>;\n"
                             "@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {\n"
                             "    if (id.x < arrayLength(&input)) { atomicStore(&values[id.x], input[id.x] + numbers[0].x + BITSu); }\n"
                             "}\n";

/* Runs for numbers.rows turns, doing what no compiler can foresee. */
static const char looping[] = "@group(0) @binding(1) var<uniform> numbers: array<vec4<u32>, 4>;\n"
                              "@group(0) @binding(3) var<storage, read_write> values: array<atomic<u32>>;\n"
                              "@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {\n"
                              "    for (var i = 0u; i < numbers[0].x; i++) { atomicAdd(&values[(id.x * 7u + i) % 1024u], i); }\n"
                              "}\n";

static const char refused[] = "@compute @workgroup_size(64) fn main() { let x: u32 = 1.5; }\n";

enum { ADDING = 9001, LOOPING = 9002, REFUSED = 9003 };

static st_status write_text(const st_wgpu_variant *variant, char *text, size_t capacity, size_t *length) {
    char whole[1024];
    const char *kernel = variant->kernel == ADDING ? adding : variant->kernel == LOOPING ? looping : refused;
    const char *mark = strstr(kernel, "BITS");
    if (mark == NULL)
        snprintf(whole, sizeof whole, "%s", kernel);
    else
        snprintf(whole, sizeof whole, "%.*s%u%s", (int)(mark - kernel), kernel, variant->bits, mark + 4);
    *length = strlen(whole);
    if (capacity <= *length) return ST_E_CAPACITY;
    memcpy(text, whole, *length + 1);
    return ST_OK;
}

static void assert_fine(st_status status) {
    if (status != ST_OK) print_error("%s: %s\n", st_status_name(status), st_last_message());
    assert_int_equal(status, ST_OK);
}

static st_wgpu_device *opened_device(const st_wgpu_opened **opened) {
    st_wgpu_device *device = st_test_wgpu_device();
    if (device == NULL) skip();
    assert_fine(st_wgpu_device_open(device, opened));
    return device;
}

/* A program of one step. numbers.rows is the first word of the uniform block. */
static st_wgpu_program *program_of(uint32_t kernel, uint32_t bits, uint32_t first, uint32_t groups, uint64_t input_bytes,
                                   uint64_t values_bytes) {
    st_wgpu_program *program = calloc(1, sizeof *program);
    assert_non_null(program);
    program->count = 1;
    program->steps[0].variant = (st_wgpu_variant){.kernel = kernel, .bits = bits};
    program->steps[0].groups[0] = groups;
    program->steps[0].groups[1] = 1;
    program->steps[0].input.bytes = input_bytes;
    program->steps[0].values.bytes = values_bytes;
    program->steps[0].numbers.rows = first;
    return program;
}

static st_status begin(st_wgpu_device *device, const st_wgpu_program *program, const st_wgpu_bindings *bindings, st_wgpu_ticket *ticket) {
    WGPUCommandEncoder encoder;
    st_wgpu_buffer *numbers;
    *ticket = 0;
    st_status status = st_wgpu_encoder(device, &encoder);
    if (status != ST_OK) return status;
    status = st_wgpu_record(device, program, bindings, write_text, encoder, &numbers);
    if (status != ST_OK) {
        st_wgpu_encoder_drop(device, encoder);
        return status;
    }
    status = st_wgpu_submit(device, encoder, "a test", ticket);
    st_wgpu_buffer_give(device, numbers);
    return status;
}

/* Adds `addend` to words on the device, and compares. */
static st_status add(st_wgpu_device *device, uint32_t bits, uint32_t addend, int *right) {
    uint32_t words[WORDS], after[WORDS];
    st_wgpu_buffer *input = NULL, *values = NULL;
    st_wgpu_ticket ticket;
    for (uint32_t i = 0; i < WORDS; i++) words[i] = i * 2654435761u + addend;
    st_status status = st_wgpu_buffer_take(device, ST_WGPU_USE_STORAGE, sizeof words, &input);
    if (status == ST_OK) status = st_wgpu_buffer_take(device, ST_WGPU_USE_STORAGE, sizeof words, &values);
    if (status == ST_OK) status = st_wgpu_upload(device, input->handle, 0, words, sizeof words);
    if (status == ST_OK) {
        const st_wgpu_bindings bindings = {
            .span = {[ST_WGPU_INPUT] = {input->handle, 0, sizeof words}, [ST_WGPU_VALUES] = {values->handle, 0, sizeof words}}};
        st_wgpu_program *program = program_of(ADDING, bits, addend, WORDS / 64, sizeof words, sizeof words);
        status = begin(device, program, &bindings, &ticket);
        free(program);
    }
    if (status == ST_OK) status = st_wgpu_finish(device, ticket, "a test");
    if (status == ST_OK) status = st_wgpu_download(device, values->handle, 0, after, sizeof after);
    *right = status == ST_OK;
    for (uint32_t i = 0; *right && i < WORDS; i++) *right = after[i] == words[i] + addend + bits;
    st_wgpu_buffer_give(device, input);
    st_wgpu_buffer_give(device, values);
    return status;
}

static void test_a_program_runs(void **state) {
    (void)state;
    const st_wgpu_opened *opened;
    st_wgpu_device *device = opened_device(&opened);
    int right;
    assert_true(opened->limits.invocations >= 256);
    assert_true(opened->limits.shared_bytes >= 16384);
    assert_true(opened->limits.binding_bytes >= 128 << 20);
    assert_true(opened->limits.groups >= 65535);
    st_device_info info;
    st_wgpu_device_info(device, &info);
    assert_int_equal(info.caps.max_workgroup, opened->limits.invocations);
    assert_int_equal(info.caps.shared_mem, opened->limits.shared_bytes);
    assert_int_equal(info.caps.subgroup, opened->limits.lanes != 0);
    if (info.caps.subgroup) assert_int_equal(info.caps.lanes, opened->limits.lanes);
    for (uint32_t bits = 0; bits < 3; bits++)
        for (uint32_t addend = 0; addend < 4; addend++) {
            assert_fine(add(device, bits, addend, &right));
            assert_true(right);
        }
    assert_int_equal(st_wgpu_pipelines_compiled(device), 3 + (info.caps.subgroup != 0)); /* one asks for the lanes */
    st_wgpu_device_close(device);
}

/* More kernels than the cache holds: all run, whichever had to go. */
static void test_the_cache_is_bounded(void **state) {
    (void)state;
    st_wgpu_device *device = opened_device(NULL);
    st_wgpu_counts counts;
    int right;
    for (uint32_t bits = 0; bits < ST_WGPU_MOST_PIPELINES + 40; bits++) {
        assert_fine(add(device, bits, 1, &right));
        assert_true(right);
    }
    st_wgpu_device_counts(device, &counts);
    assert_in_range(counts.pipelines, ST_WGPU_MOST_PIPELINES / 4, ST_WGPU_MOST_PIPELINES);
    st_wgpu_device_close(device);
}

static void test_a_refused_kernel_is_named(void **state) {
    (void)state;
    st_wgpu_device *device = opened_device(NULL);
    st_wgpu_program *program = program_of(REFUSED, 16, 0, 1, 0, 0);
    const st_wgpu_bindings nothing = {.span = {{NULL, 0, 0}}};
    st_wgpu_ticket ticket;
    int right;
    for (int again = 0; again < 2; again++) {
        assert_int_equal(begin(device, program, &nothing, &ticket), ST_E_UNSUPPORTED);
        assert_non_null(strstr(st_last_message(), "WGSL kernel 9003 (16 bits"));
        assert_non_null(strstr(st_last_message(), "AbstractFloat"));
    }
    free(program);
    assert_fine(add(device, 1, 1, &right)); /* the device is none the worse */
    assert_true(right);
    st_wgpu_device_close(device);
}

static void test_what_cannot_be_recorded(void **state) {
    (void)state;
    const st_wgpu_opened *opened;
    st_wgpu_device *device = opened_device(&opened);
    st_wgpu_buffer *buffer;
    st_wgpu_ticket ticket;
    int right;
    assert_fine(st_wgpu_buffer_take(device, ST_WGPU_USE_STORAGE, 4096, &buffer));
    /* One buffer read and written: WebGPU refuses it. */
    const st_wgpu_bindings both = {.span = {[ST_WGPU_INPUT] = {buffer->handle, 0, 4096}, [ST_WGPU_VALUES] = {buffer->handle, 0, 4096}}};
    st_wgpu_program *program = program_of(ADDING, 1, 1, 1, 4096, 4096);
    assert_int_equal(begin(device, program, &both, &ticket), ST_E_UNSUPPORTED);
    /* A slice beyond the buffer's end. */
    const st_wgpu_bindings short_one = {.span = {[ST_WGPU_INPUT] = {buffer->handle, 0, 4096}}};
    program->steps[0].input.bytes = 1 << 20;
    assert_int_equal(begin(device, program, &short_one, &ticket), ST_E_UNSUPPORTED);
    /* Too many workgroups. */
    program->steps[0].input.bytes = 4096;
    program->steps[0].groups[0] = opened->limits.groups + 1;
    assert_int_equal(begin(device, program, &short_one, &ticket), ST_E_UNSUPPORTED);
    free(program);
    st_wgpu_buffer_give(device, buffer);
    assert_fine(add(device, 1, 1, &right));
    assert_true(right);
    st_wgpu_device_close(device);
}

/* Sanitizers take more address space than any limit that could be set here. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define BOUNDED_MEMORY
/* Bytes of address space that this process takes. */
static rlim_t address_space(void) {
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu", &pages), 1);
    fclose(file);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}
#endif

static void test_memory_runs_out(void **state) {
    (void)state;
    const st_wgpu_opened *opened;
    st_wgpu_device *device = opened_device(&opened);
    WGPUBuffer buffer, held[16];
    int count = 0, right;
    assert_int_equal(st_wgpu_buffer_make(device, WGPUBufferUsage_Storage, opened->buffer_bytes + 4, &buffer), ST_E_CAPACITY);
#ifdef BOUNDED_MEMORY
    st_device_info info;
    st_wgpu_device_info(device, &info);
    if (info.software) {
        struct rlimit before, tight;
        assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
        tight = before;
        tight.rlim_cur = address_space() + ((rlim_t)1 << 30);
        assert_int_equal(setrlimit(RLIMIT_AS, &tight), 0);
        st_status status = ST_OK;
        while (status == ST_OK && count < 16) {
            status = st_wgpu_buffer_make(device, WGPUBufferUsage_Storage, (uint64_t)200 << 20, &held[count]);
            count += status == ST_OK;
        }
        assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
        assert_int_equal(status, ST_E_MEMORY);
        assert_non_null(strstr(st_last_message(), "not enough memory"));
    }
#endif
    while (count > 0) st_wgpu_buffer_free(device, held[--count]);
    assert_fine(add(device, 1, 1, &right));
    assert_true(right);
    st_wgpu_device_close(device);
}

struct worker {
    st_wgpu_device *device;
    uint32_t number;
    int rounds, right;
    st_status status;
};

static void *work(void *argument) {
    struct worker *worker = argument;
    worker->right = 1;
    for (int i = 0; i < worker->rounds && worker->right; i++)
        worker->status = add(worker->device, (uint32_t)i % 5, worker->number * 1000 + (uint32_t)i, &worker->right);
    return NULL;
}

static void run_workers(st_wgpu_device *device, struct worker workers[THREADS], pthread_t threads[THREADS], int rounds) {
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.device = device, .number = i, .rounds = rounds};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
}

static void *open_it(void *argument) {
    struct worker *worker = argument;
    worker->status = st_wgpu_device_open(worker->device, NULL);
    return work(argument);
}

static void test_eight_threads(void **state) {
    (void)state;
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    st_wgpu_device *device = st_test_wgpu_device();
    if (device == NULL) skip();
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.device = device, .number = i, .rounds = 40};
        assert_int_equal(pthread_create(&threads[i], NULL, open_it, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].status, ST_OK);
        assert_true(workers[i].right);
    }
    st_device_info info;
    st_wgpu_device_info(device, &info);
    assert_int_equal(st_wgpu_pipelines_compiled(device), 5 + (info.caps.subgroup != 0)); /* each compiled once */
    st_wgpu_device_close(device);
}

static void pause_for(long milliseconds) {
    const struct timespec time = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* Begins a kernel that takes some tenths of a second at least on a software adapter. */
static st_status begin_long(st_wgpu_device *device, st_wgpu_buffer *values, uint32_t turns, uint32_t groups, st_wgpu_ticket *ticket) {
    const st_wgpu_bindings bindings = {.span = {[ST_WGPU_VALUES] = {values->handle, 0, 4096}}};
    st_wgpu_program *program = program_of(LOOPING, 0, turns, groups, 0, 4096);
    const st_status status = begin(device, program, &bindings, ticket);
    free(program);
    return status;
}

static void test_waits_are_bounded(void **state) {
    (void)state;
    st_wgpu_device *device = opened_device(NULL);
    st_wgpu_buffer *values;
    st_wgpu_ticket ticket;
    int done;
    assert_fine(st_wgpu_buffer_take(device, ST_WGPU_USE_STORAGE, 4096, &values));
    assert_fine(begin_long(device, values, 20000, 32, &ticket));
    assert_fine(st_wgpu_wait(device, ticket, 0, &done));
    assert_int_equal(done, 0);
    assert_fine(st_wgpu_wait(device, ticket, 0.001, &done));
    assert_int_equal(done, 0);
    assert_fine(st_wgpu_finish(device, ticket, "a test"));
    assert_fine(st_wgpu_wait(device, ticket, 0, &done));
    assert_int_equal(done, 1);
    assert_fine(st_wgpu_wait(device, 0, 0, &done));
    assert_int_equal(done, 1);
    st_wgpu_buffer_give(device, values);
    st_wgpu_device_close(device);
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* A device that takes too long is given up at its timeout, and stays so when it comes to its end after all. */
static void test_a_slow_device_is_given_up(void **state) {
    (void)state;
    char text[32];
    double taken = 0;
    for (int slow = 0; slow < 2; slow++) {
        if (slow) {
            snprintf(text, sizeof text, "%.6f", taken / 20);
            setenv("ST_WGPU_TIMEOUT", text, 1);
        }
        st_wgpu_device *device = opened_device(NULL);
        st_wgpu_buffer *values;
        st_wgpu_ticket ticket;
        int right;
        assert_fine(st_wgpu_buffer_take(device, ST_WGPU_USE_STORAGE, 4096, &values));
        assert_fine(begin_long(device, values, 1, 1, &ticket)); /* compiles it */
        assert_fine(st_wgpu_finish(device, ticket, "a test"));
        const double start = seconds_now();
        assert_fine(begin_long(device, values, 20000, 32, &ticket));
        if (!slow) {
            assert_fine(st_wgpu_finish(device, ticket, "a test"));
            taken = seconds_now() - start;
        } else {
            assert_int_equal(st_wgpu_finish(device, ticket, "a test"), ST_E_DEVICE);
            assert_non_null(strstr(st_last_message(), "a test: device wgpu:0 did not finish within"));
            assert_int_equal(add(device, 1, 1, &right), ST_E_DEVICE);
            assert_non_null(strstr(st_last_message(), "ST_WGPU_TIMEOUT"));
            pause_for((long)(taken * 3000) + 1000);
        }
        st_wgpu_buffer_give(device, values);
        st_wgpu_device_close(device);
    }
    unsetenv("ST_WGPU_TIMEOUT");
}

/* Every call after it says so, none hangs, and all that was taken can still be given back. */
static void test_a_device_is_lost_while_it_works(void **state) {
    (void)state;
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    st_wgpu_device *device = opened_device(NULL);
    st_wgpu_buffer *values, *another;
    st_wgpu_ticket ticket;
    WGPUCommandEncoder encoder;
    uint32_t words[64];
    int done, right, lost = 0;
    assert_fine(st_wgpu_buffer_take(device, ST_WGPU_USE_STORAGE, 4096, &values));
    run_workers(device, workers, threads, 1000000);
    pause_for(100);
    assert_fine(begin_long(device, values, 20000, 64, &ticket));
    st_wgpu_device_kill(device, "a test destroyed it");
    assert_int_equal(st_wgpu_finish(device, ticket, "a test"), ST_E_DEVICE);
    assert_non_null(strstr(st_last_message(), "a test destroyed it"));
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        lost += workers[i].status == ST_E_DEVICE;
    }
    assert_int_equal(lost, THREADS);
    assert_int_equal(add(device, 1, 1, &right), ST_E_DEVICE);
    assert_int_equal(st_wgpu_device_open(device, NULL), ST_E_DEVICE);
    assert_int_equal(st_wgpu_encoder(device, &encoder), ST_E_DEVICE);
    assert_int_equal(st_wgpu_wait(device, ticket, 0, &done), ST_E_DEVICE);
    assert_int_equal(st_wgpu_upload(device, values->handle, 0, words, sizeof words), ST_E_DEVICE);
    assert_int_equal(st_wgpu_download(device, values->handle, 0, words, sizeof words), ST_E_DEVICE);
    assert_int_equal(st_wgpu_buffer_take(device, ST_WGPU_USE_STORAGE, 1 << 20, &another), ST_E_DEVICE);
    st_wgpu_buffer_give(device, values);
    st_wgpu_device_close(device);
}

static void test_large_copies(void **state) {
    (void)state;
    st_wgpu_device *device = opened_device(NULL);
    const uint64_t bytes = ((uint64_t)130 << 20) + 4;
    WGPUBuffer buffer;
    assert_fine(st_wgpu_buffer_make(device, WGPUBufferUsage_CopySrc | WGPUBufferUsage_CopyDst, bytes, &buffer));
    uint32_t *words = malloc(bytes), *after = malloc(bytes);
    assert_non_null(words);
    assert_non_null(after);
    for (uint64_t i = 0; i < bytes / 4; i++) words[i] = (uint32_t)i * 2654435761u;
    memset(after, 0, bytes);
    assert_fine(st_wgpu_upload(device, buffer, 0, words, bytes));
    assert_fine(st_wgpu_download(device, buffer, 0, after, bytes));
    assert_memory_equal(words, after, bytes);
    assert_fine(st_wgpu_download(device, buffer, 400, after, 4000));
    assert_memory_equal(words + 100, after, 4000);
    free(words);
    free(after);
    st_wgpu_buffer_free(device, buffer);
    st_wgpu_device_close(device);
}

static void test_nothing_is_left(void **state) {
    (void)state;
    st_wgpu_device *device = opened_device(NULL);
    st_wgpu_counts before, after;
    int right;
    for (int i = 0; i < 200; i++) assert_fine(add(device, 0, (uint32_t)i, &right));
    st_wgpu_device_counts(device, &before);
    assert_int_equal(before.devices, 1);
    for (int i = 0; i < 10000; i++) {
        assert_fine(add(device, 0, (uint32_t)i, &right));
        assert_true(right);
    }
    st_wgpu_device_counts(device, &after);
    assert_in_range(after.buffers, 0, before.buffers + 4);
    assert_in_range(after.bind_groups, 0, before.bind_groups + 4);
    assert_in_range(after.command_buffers, 0, before.command_buffers + 4);
    assert_int_equal(after.pipelines, before.pipelines);
    assert_int_equal(after.shader_modules, 0);
    st_wgpu_device_close(device);
}

static void test_a_device_of_the_program(void **state) {
    (void)state;
    const st_wgpu_opened *opened;
    st_wgpu_device *device = opened_device(&opened), *adopted;
    const st_wgpu_settings settings = {.library = getenv("ST_WGPU_LIBRARY")};
    st_host host;
    int right;
    assert_int_equal(st_host_resolve(NULL, &host), ST_OK);
    assert_fine(st_wgpu_device_adopt(&host, &settings, opened->instance, opened->device, &adopted));
    assert_fine(add(adopted, 1, 7, &right));
    assert_true(right);
    assert_fine(add(device, 1, 7, &right));
    assert_true(right);
    st_wgpu_device_close(adopted);
    assert_fine(add(device, 1, 8, &right));
    assert_true(right);
    st_wgpu_device_close(device);
}

/* With each allocation refused in turn, what was begun is undone. */
static void test_no_memory_of_the_host(void **state) {
    (void)state;
    st_wgpu_device *there = st_test_wgpu_device();
    if (there == NULL) skip();
    st_wgpu_device_close(there);
    const st_wgpu_settings settings = {.library = getenv("ST_WGPU_LIBRARY")};
    int64_t failed = 0;
    for (int64_t fail_at = 1; failed == fail_at - 1; fail_at++) {
        st_failing_host failing;
        st_wgpu_device *devices[ST_WGPU_MOST_ADAPTERS];
        st_host host;
        int32_t count = 0;
        int right = 0;
        assert_in_range(fail_at, 1, 100);
        st_failing_host_open(&failing, fail_at);
        assert_int_equal(st_host_resolve(&failing.host, &host), ST_OK);
        st_status status = st_wgpu_adapters_find(&host, &settings, devices, &count);
        if (status == ST_OK) status = st_wgpu_device_open(devices[0], NULL);
        if (status == ST_OK) status = add(devices[0], 1, 1, &right);
        if (failing.failures > 0) {
            failed++;
            assert_int_equal(status, ST_E_MEMORY);
        } else {
            assert_int_equal(status, ST_OK);
            assert_true(right);
        }
        for (int32_t i = 0; i < count; i++) st_wgpu_device_close(devices[i]);
        assert_true(st_failing_host_close(&failing));
    }
    assert_true(failed >= 5);
}

static void test_libraries_that_are_none(void **state) {
    (void)state;
    static const struct {
        const char *library, *reason;
    } cases[] = {{"none", "wgpu_library (ST_WGPU_LIBRARY) is none"},
                 {"/nowhere/libwgpu_native.so", "/nowhere/libwgpu_native.so"},
                 {"libm.so.6", "not wgpu-native"}};
    st_host host;
    st_wgpu_device *devices[ST_WGPU_MOST_ADAPTERS];
    int32_t count = 1;
    assert_int_equal(st_host_resolve(NULL, &host), ST_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const st_wgpu_settings settings = {.library = cases[i].library};
        assert_int_equal(st_wgpu_adapters_find(&host, &settings, devices, &count), ST_E_DEVICE);
        assert_non_null(strstr(st_last_message(), cases[i].reason));
        assert_int_equal(count, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_libraries_that_are_none),
                                       cmocka_unit_test(test_a_program_runs),
                                       cmocka_unit_test(test_the_cache_is_bounded),
                                       cmocka_unit_test(test_a_refused_kernel_is_named),
                                       cmocka_unit_test(test_what_cannot_be_recorded),
                                       cmocka_unit_test(test_memory_runs_out),
                                       cmocka_unit_test(test_eight_threads),
                                       cmocka_unit_test(test_waits_are_bounded),
                                       cmocka_unit_test(test_a_slow_device_is_given_up),
                                       cmocka_unit_test(test_no_memory_of_the_host),
                                       cmocka_unit_test(test_a_device_is_lost_while_it_works),
                                       cmocka_unit_test(test_large_copies),
                                       cmocka_unit_test(test_nothing_is_left),
                                       cmocka_unit_test(test_a_device_of_the_program)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
static void test_the_runtime(void **state) {
    (void)state;
    assert_null(st_test_wgpu_device());
    skip();
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_runtime)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
