/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bench_remote.c - the lines that a worker is asked, and what counts as an answer; bench/README.md describes both. */
#include "bench_remote.h"

#include <stdio.h>
#include <string.h>

enum { PROTOCOL = 1 };

/* A time above this is no time: a thousand hours. */
static const int64_t MOST_PICOSECONDS = INT64_C(3600000000000000000);

static int is(const st_bench_reply *reply, const char *word, int32_t fields) {
    return reply->count == fields && strcmp(reply->fields[0], word) == 0;
}

/* "failed REASON" answers anything. */
static int failed(st_bench_worker *worker, const st_bench_reply *reply) {
    if (is(reply, "failed", 2)) {
        return st_bench_worker_fail(worker, "--worker: it says: %s", reply->fields[1]);
    }
    return st_bench_worker_nonsense(worker, "is not one that the protocol has");
}

static void copy(char *text, size_t capacity, const char *field) { snprintf(text, capacity, "%s", field); }

/* Small letters, digits, dash and underscore: it becomes a name in --against. */
static int is_name(const char *text) {
    const size_t bytes = strlen(text);
    return bytes > 0 && bytes < sizeof((st_bench_remote *)0)->name &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_") == bytes;
}

static int is_taken(const st_bench_roster *roster, const char *name) {
    static const char *const own[] = {"all", "none", "spiraltorch"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (strcmp(own[i], name) == 0) {
            return 1;
        }
    }
    for (int32_t i = 0; st_bench_peer_at(i); i++) {
        if (strcmp(st_bench_peer_at(i)->name, name) == 0) {
            return 1;
        }
    }
    for (int32_t i = 0; i < roster->count; i++) {
        if (strcmp(roster->peers[i].name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

int st_bench_remote_meet(st_bench_worker *worker) {
    st_bench_roster *roster = st_bench_worker_roster(worker);
    st_bench_reply reply;
    const int status = st_bench_worker_ask(worker, &reply, "hello\t%d", (int)PROTOCOL);
    int64_t version = 0;
    if (status != 0) {
        return status;
    }
    if (reply.count < 3 || strcmp(reply.fields[0], "hello") != 0) {
        return failed(worker, &reply);
    }
    if (!st_options_number(reply.fields[1], PROTOCOL, PROTOCOL, &version)) {
        return st_bench_worker_nonsense(worker, "names another protocol");
    }
    if (reply.count > ST_BENCH_FIELDS) {
        return st_bench_worker_nonsense(worker, "names more peers than the 22 that there is room for");
    }
    for (int32_t i = 2; i < reply.count; i++) {
        if (!is_name(reply.fields[i]) || is_taken(roster, reply.fields[i])) {
            return st_bench_worker_nonsense(worker, "names a peer that cannot be one");
        }
        copy(roster->peers[roster->count++].name, sizeof roster->peers[0].name, reply.fields[i]);
    }
    return 0;
}

const st_bench_remote *st_bench_remote_at(const st_bench_worker *worker, int32_t position) {
    if (!worker) {
        return NULL;
    }
    const st_bench_roster *roster = st_bench_worker_roster((st_bench_worker *)worker);
    return position >= 0 && position < roster->count ? &roster->peers[position] : NULL;
}

static int is_named(const st_bench_against *against, const char *name) {
    for (int32_t i = 0; i < against->count; i++) {
        if (strcmp(against->names[i], name) == 0) {
            return 1;
        }
    }
    return 0;
}

int st_bench_remote_load(st_bench_worker *worker, const st_bench_against *against, int32_t threads) {
    st_bench_roster *roster = st_bench_worker_roster(worker);
    for (int32_t i = 0; i < roster->count; i++) {
        st_bench_remote *peer = &roster->peers[i];
        const int named = is_named(against, peer->name);
        st_bench_reply reply;
        if (!named && !against->all) {
            continue;
        }
        const int status = st_bench_worker_ask(worker, &reply, "probe\t%s\t%d", peer->name, (int)threads);
        if (status != 0) {
            return status;
        }
        if (is(&reply, "ready", 2)) {
            peer->ready = 1;
            copy(peer->version, sizeof peer->version, reply.fields[1]);
        } else if (is(&reply, "missing", 2)) {
            copy(peer->reason, sizeof peer->reason, reply.fields[1]);
            if (named) {
                return st_bench_worker_fail(worker, "--against: %s is missing: %s; install it for the worker, or leave it out",
                                            peer->name, reply.fields[1]);
            }
        } else {
            return failed(worker, &reply);
        }
    }
    return 0;
}

int st_bench_remote_case(st_bench_worker *worker, const st_bench_case *point, const st_bench_shared *input,
                         const st_bench_shared *outputs, uint64_t index_offset) {
    st_bench_reply reply;
    const int status = st_bench_worker_ask(
        worker, &reply, "case\t%s\t%s\t%lld\t%lld\t%lld\t%d\t%s\t%s\t%llu", st_bench_kind_name(point->kind),
        st_dtype_name(point->dtype), (long long)point->rows, (long long)point->cols, (long long)point->k, (int)point->threads,
        input->path, outputs->path, (unsigned long long)index_offset);
    if (status != 0) {
        return status;
    }
    return is(&reply, "ok", 1) ? 0 : failed(worker, &reply);
}

int st_bench_remote_check(st_bench_worker *worker, const st_bench_remote *remote, const st_bench_case *point,
                          double give_up_ns, double *ns, st_bench_finding *finding) {
    const int64_t outputs = point->rows * point->k;
    int64_t picoseconds = 0, values = 0, indices = 0, threads = 0;
    st_bench_reply reply;
    const int status =
        st_bench_worker_ask(worker, &reply, "check\t%s\t%lld", remote->name, (long long)(give_up_ns * 1000));
    *ns = 0;
    if (status != 0) {
        return status;
    }
    if (is(&reply, "cannot", 2)) {
        finding->left_out = 1;
        copy(finding->note, sizeof finding->note, reply.fields[1]);
        return 0;
    }
    if (!is(&reply, "checked", 7)) {
        return failed(worker, &reply);
    }
    if (!st_options_number(reply.fields[1], 1, MOST_PICOSECONDS, &picoseconds)) {
        return st_bench_worker_nonsense(worker, "has a time that cannot be");
    }
    if (!st_options_number(reply.fields[2], outputs, outputs, &values) ||
        !st_options_number(reply.fields[3], outputs, outputs, &indices)) {
        return st_bench_worker_nonsense(worker, "tells of more or fewer results than were wanted");
    }
    if (!st_options_number(reply.fields[5], 1, 4096, &threads)) {
        return st_bench_worker_nonsense(worker, "has a number of threads that cannot be");
    }
    copy(finding->index_dtype, sizeof finding->index_dtype, reply.fields[4]);
    copy(finding->how, sizeof finding->how, reply.fields[6]);
    finding->threads = (int32_t)threads;
    *ns = (double)picoseconds / 1000;
    return 0;
}

int st_bench_remote_time(st_bench_worker *worker, const st_bench_remote *remote, int64_t repeats, int64_t reads, double *ns,
                         double *read_ns) {
    int64_t picoseconds = 0, read_picoseconds = 0;
    st_bench_reply reply;
    const int status = st_bench_worker_ask(worker, &reply, "time\t%s\t%lld\t%lld", remote->name, (long long)repeats,
                                           (long long)reads);
    if (status != 0) {
        return status;
    }
    if (!is(&reply, "timed", 3)) {
        return failed(worker, &reply);
    }
    if (!st_options_number(reply.fields[1], 1, MOST_PICOSECONDS, &picoseconds) ||
        !st_options_number(reply.fields[2], 1, MOST_PICOSECONDS, &read_picoseconds)) {
        return st_bench_worker_nonsense(worker, "has a time that cannot be");
    }
    *ns = (double)picoseconds / 1000;
    *read_ns = (double)read_picoseconds / 1000;
    return 0;
}
