/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bench_shared.c - memory without a name in any folder, for two processes; its size cannot change under either. */
#if defined(__linux__)
#define _GNU_SOURCE /* memfd_create and seals */
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench_worker.h"

#if defined(F_ADD_SEALS) && defined(MFD_ALLOW_SEALING)

#if !defined(F_SEAL_FUTURE_WRITE)
#define F_SEAL_FUTURE_WRITE 0x0010 /* Linux 5.1; C libraries learnt it later */
#endif

int st_bench_share(st_bench_shared *shared, uint64_t bytes, int read_only) {
    memset(shared, 0, sizeof *shared);
    if (bytes == 0 || bytes > SIZE_MAX || bytes > INT64_MAX) {
        return EINVAL;
    }
    const int descriptor = memfd_create("spiraltorch-bench", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0) {
        return errno;
    }
    /* Without these a process that cuts the file short would kill the one that reads it. */
    const int seals = F_SEAL_GROW | F_SEAL_SHRINK | (read_only ? F_SEAL_FUTURE_WRITE : 0);
    void *memory = MAP_FAILED;
    if (ftruncate(descriptor, (off_t)bytes) == 0) {
        memory = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    }
    if (memory == MAP_FAILED || fcntl(descriptor, F_ADD_SEALS, seals) != 0) {
        const int cause = errno;
        if (memory != MAP_FAILED) {
            munmap(memory, (size_t)bytes);
        }
        close(descriptor);
        return cause;
    }
    shared->memory = memory;
    shared->bytes = bytes;
    shared->descriptor = descriptor;
    snprintf(shared->path, sizeof shared->path, "/proc/%lld/fd/%d", (long long)getpid(), descriptor);
    return 0;
}

#else

int st_bench_share(st_bench_shared *shared, uint64_t bytes, int read_only) {
    (void)bytes;
    (void)read_only;
    memset(shared, 0, sizeof *shared);
    return ENOSYS;
}

#endif

void st_bench_unshare(st_bench_shared *shared) {
    if (shared->memory) {
        munmap(shared->memory, (size_t)shared->bytes);
        close(shared->descriptor);
    }
    memset(shared, 0, sizeof *shared);
}
