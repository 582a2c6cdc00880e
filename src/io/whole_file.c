/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* whole_file.c - a file that appears under its name whole or not at all. */
#define _GNU_SOURCE /* O_TMPFILE, openat and linkat under -std=c17 */
#include "io/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "io/system_error.h"

enum { NAME_TRIES = 64 };

/* Not secret, only unlikely to be taken: what makes a name ours is O_EXCL, or linkat's refusal to replace. */
static void choose_name(st_whole_file *whole, int attempt) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t mixed =
        (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec + ((uint64_t)getpid() << 40) + (uint64_t)attempt;
    mixed ^= (uint64_t)(uintptr_t)whole << 16;
    mixed = (mixed ^ (mixed >> 31)) * 0x9e3779b97f4a7c15u;
    snprintf(whole->temporary_name, sizeof whole->temporary_name, ".spiraltorch-%016llx.tmp",
             (unsigned long long)mixed);
}

/* Follows a symbolic link, and refuses what cannot be replaced by a file. */
static st_status resolve_target(st_whole_file *whole, const char *path, char resolved[PATH_MAX],
                                const char **target) {
    struct stat about;
    *target = path;
    if (lstat(path, &about) != 0)
        return errno == ENOENT ? ST_OK : st_fail_system(errno, "%s: cannot write there", whole->name);
    if (S_ISLNK(about.st_mode)) {
        if (stat(path, &about) != 0 || realpath(path, resolved) == NULL)
            return st_fail_system(errno, "%s: is a symbolic link that leads nowhere", whole->name);
        *target = resolved;
    }
    if (S_ISDIR(about.st_mode)) return st_fail(ST_E_IO, "%s: is a folder; name a file in it", whole->name);
    if (!S_ISREG(about.st_mode))
        return st_fail(ST_E_IO, "%s: is a device or pipe, where a file cannot be put whole or not at all; name a file",
                       whole->name);
    /* Not set-user-ID and its like: the new file's owner may be another. */
    whole->mode = (int)(about.st_mode & 0777);
    return ST_OK;
}

/* Splits off the last name, and opens the folder it is in. */
static st_status open_folder(const st_host *host, st_whole_file *whole, const char *target) {
    const char *slash = strrchr(target, '/');
    const char *last = slash != NULL ? slash + 1 : target;
    if (last[0] == '\0' || strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
        return st_fail(ST_E_ARGUMENT, "path: %s ends in a folder; name a file in it", whole->name);
    /* "/name" is in "/", so the slash stays; "name" is in ".". */
    size_t length = slash != NULL ? (size_t)(slash - target) : 0;
    if (slash == target) length = 1;
    const size_t bytes = length + 2;
    char *folder = st_allocate(host, bytes);
    whole->final_bytes = strlen(last) + 1;
    whole->final_name = st_allocate(host, whole->final_bytes);
    st_status status = ST_OK;
    if (folder == NULL || whole->final_name == NULL) {
        status = st_fail(ST_E_MEMORY, "no memory for the name of %s", whole->name);
    } else {
        memcpy(whole->final_name, last, whole->final_bytes);
        memcpy(folder, slash != NULL ? target : ".", slash != NULL ? length : 1);
        folder[slash != NULL ? length : 1] = '\0';
        do {
            whole->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        } while (whole->folder < 0 && errno == EINTR);
        if (whole->folder < 0) status = st_fail_system(errno, "%s: cannot open its folder", whole->name);
    }
    st_release(host, folder, bytes);
    return status;
}

#if defined(O_TMPFILE)
static void descriptor_path(int file, char path[32]) { snprintf(path, 32, "/proc/self/fd/%d", file); }

/* A file without a name gets one through /proc alone: without it, it would have no way back. */
static int open_anonymous(st_whole_file *whole) {
    whole->file = openat(whole->folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    if (whole->file < 0) return 0;
    char path[32];
    descriptor_path(whole->file, path);
    if (access(path, F_OK) == 0) return 1;
    close(whole->file);
    whole->file = -1;
    return 0;
}

static int link_anonymous(st_whole_file *whole) {
    char path[32];
    descriptor_path(whole->file, path);
    for (int attempt = 0; attempt < NAME_TRIES; attempt++) {
        choose_name(whole, attempt);
        if (linkat(AT_FDCWD, path, whole->folder, whole->temporary_name, AT_SYMLINK_FOLLOW) == 0)
            return whole->named = 1;
        if (errno != EEXIST) return 0;
    }
    return 0;
}
#else
static int open_anonymous(st_whole_file *whole) {
    (void)whole;
    return 0;
}

static int link_anonymous(st_whole_file *whole) {
    (void)whole;
    return 0;
}
#endif

static int open_named(st_whole_file *whole) {
    for (int attempt = 0; attempt < NAME_TRIES; attempt++) {
        choose_name(whole, attempt);
        whole->file = openat(whole->folder, whole->temporary_name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
        if (whole->file >= 0) return whole->named = 1;
        if (errno != EEXIST && errno != EINTR) return 0;
    }
    return 0;
}

st_status st_whole_file_create(const st_host *host, const char *path, int anonymous, st_whole_file *whole) {
    char resolved[PATH_MAX];
    const char *target = NULL;
    memset(whole, 0, sizeof *whole);
    whole->file = whole->folder = whole->mode = -1;
    if (path == NULL || path[0] == '\0')
        return st_fail(ST_E_ARGUMENT, "path: is %s; name a file", path == NULL ? "NULL" : "empty");
    st_show_path(whole->name, path);
    st_status status = resolve_target(whole, path, resolved, &target);
    if (status == ST_OK) status = open_folder(host, whole, target);
    if (status == ST_OK && !(anonymous && open_anonymous(whole)) && !open_named(whole))
        status = st_fail_system(errno, "%s: cannot make a file in its folder", whole->name);
    /* Before a byte is in it: nobody reads in the meantime what the old file kept from them. */
    if (status == ST_OK && whole->mode >= 0 && fchmod(whole->file, (mode_t)whole->mode) != 0)
        status = st_fail_system(errno, "%s: cannot keep the permissions of the file that is there", whole->name);
    if (status != ST_OK) st_whole_file_discard(host, whole);
    return status;
}

st_status st_whole_file_write(const st_whole_file *whole, int64_t offset, const void *bytes, size_t count) {
    const size_t most = (size_t)1 << 30;
    for (size_t done = 0; done < count;) {
        const size_t wanted = count - done < most ? count - done : most;
        const ssize_t wrote = pwrite(whole->file, (const char *)bytes + done, wanted, (off_t)(offset + (int64_t)done));
        if (wrote > 0)
            done += (size_t)wrote;
        else if (wrote == 0 || errno != EINTR)
            return st_fail_system(wrote == 0 ? ENOSPC : errno, "%s: cannot write at byte %lld", whole->name,
                                  (long long)(offset + (int64_t)done));
    }
    return ST_OK;
}

static st_status fail_commit(const st_whole_file *whole, const char *what) {
    return st_fail_system(errno, "%s: cannot %s; what was there still stands", whole->name, what);
}

static st_status name_file(st_whole_file *whole, int64_t size) {
    /* What was never written reads as zero, the end included. */
    if (ftruncate(whole->file, (off_t)size) != 0) return fail_commit(whole, "set its size");
    /* Before the name: else a crash could leave the name with nothing behind it. */
    if (fsync(whole->file) != 0) return fail_commit(whole, "bring it to the disk");
    if (!whole->named && !link_anonymous(whole)) return fail_commit(whole, "name the temporary file");
    if (renameat(whole->folder, whole->temporary_name, whole->folder, whole->final_name) != 0)
        return fail_commit(whole, "put it in place");
    whole->named = 0;
    /* The file is whole by now; a folder that cannot be synced only decides under which name a crash leaves it. */
    (void)fsync(whole->folder);
    return ST_OK;
}

st_status st_whole_file_commit(const st_host *host, st_whole_file *whole, int64_t size) {
    const st_status status = name_file(whole, size);
    st_whole_file_discard(host, whole);
    return status;
}

void st_whole_file_discard(const st_host *host, st_whole_file *whole) {
    if (whole->named) (void)unlinkat(whole->folder, whole->temporary_name, 0);
    if (whole->file >= 0) close(whole->file);
    if (whole->folder >= 0) close(whole->folder);
    st_release(host, whole->final_name, whole->final_bytes);
    whole->final_name = NULL;
    whole->named = 0;
    whole->file = whole->folder = -1;
}
