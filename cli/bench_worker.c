/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* bench_worker.c - the worker as a process and a pair of pipes: started, asked a line, heard, ended whatever it does. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench_remote.h"
#include "bench_worker.h"

extern char **environ; /* POSIX: no header declares it */

enum { LINE_BYTES = 2048, SLICE_MS = 200, GRACE_MS = 2000 };

struct st_bench_worker {
    st_bench_roster roster;
    st_progress *progress;
    const char *command;
    pid_t process;
    int to, from;
    int64_t seconds;
    int32_t broken;          /* answers no more */
    char asked[LINE_BYTES];  /* tabs as spaces, for messages */
    char answer[LINE_BYTES]; /* the last line, cut into fields */
    char heard[LINE_BYTES];  /* bytes that came after it */
    size_t held;
};

st_bench_roster *st_bench_worker_roster(st_bench_worker *worker) { return &worker->roster; }

static int pipe_of(int ends[2]) {
    if (pipe(ends) != 0) {
        return errno;
    }
    /* The worker must not hold its own other ends, or neither side would see the end of the other. */
    if (fcntl(ends[0], F_SETFD, FD_CLOEXEC) != 0 || fcntl(ends[1], F_SETFD, FD_CLOEXEC) != 0) {
        const int cause = errno;
        close(ends[0]);
        close(ends[1]);
        return cause;
    }
    return 0;
}

/* In a process group of its own: Ctrl-C is this program's to handle, and what the command starts can be ended with it. */
static int spawn(st_bench_worker *worker, int in, int out) {
    char *arguments[] = {(char *)"sh", (char *)"-c", (char *)worker->command, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    int cause = posix_spawn_file_actions_init(&actions);
    if (cause != 0) {
        return cause;
    }
    cause = posix_spawnattr_init(&attributes);
    if (cause != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return cause;
    }
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE); /* this program ignores it */
    sigaddset(&defaults, SIGXFSZ);
    cause = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    cause = cause != 0 ? cause : posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    cause = cause != 0 ? cause : posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    cause = cause != 0 ? cause : posix_spawnattr_setpgroup(&attributes, 0);
    cause = cause != 0 ? cause : posix_spawnattr_setsigdefault(&attributes, &defaults);
    cause = cause != 0 ? cause : posix_spawn(&worker->process, "/bin/sh", &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return cause;
}

int st_bench_worker_start(const char *command, int64_t seconds, st_progress *progress, st_bench_worker **worker) {
    int in[2], out[2];
    *worker = NULL;
    st_bench_worker *fresh = calloc(1, sizeof *fresh);
    if (!fresh) {
        return st_cli_fail("bench", "--worker: not enough memory");
    }
    fresh->command = command;
    fresh->seconds = seconds;
    fresh->progress = progress;
    int cause = pipe_of(in);
    if (cause == 0) {
        cause = pipe_of(out);
        if (cause == 0) {
            fresh->to = in[1];
            fresh->from = out[0];
            cause = spawn(fresh, in[0], out[1]);
            close(out[1]);
            if (cause != 0) {
                close(out[0]);
            }
        }
        close(in[0]);
        if (cause != 0) {
            close(in[1]);
        }
    }
    if (cause != 0) {
        free(fresh);
        return st_cli_fail("bench", "--worker: '%s' cannot be started: %s", command, strerror(cause));
    }
    *worker = fresh;
    return 0;
}

static void sleep_ms(long ms) {
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

/* 1 once the process has ended; it is not waited for yet, so that its group still has its number. */
static int has_ended(const st_bench_worker *worker, siginfo_t *how) {
    memset(how, 0, sizeof *how);
    return waitid(P_PID, (id_t)worker->process, how, WEXITED | WNOHANG | WNOWAIT) == 0 && how->si_pid == worker->process;
}

void st_bench_worker_stop(st_bench_worker *worker) {
    siginfo_t how;
    if (!worker) {
        return;
    }
    if (!worker->broken) {
        (void)!write(worker->to, "quit\n", 5);
    }
    close(worker->to);
    for (int waited = 0; !worker->broken && waited < GRACE_MS && !has_ended(worker, &how); waited += 10) {
        sleep_ms(10);
    }
    kill(-worker->process, SIGKILL); /* and whatever it left behind */
    while (waitpid(worker->process, NULL, 0) < 0 && errno == EINTR) {
    }
    close(worker->from);
    free(worker);
}

int st_bench_worker_fail(st_bench_worker *worker, const char *format, ...) {
    char text[2 * LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    worker->broken = 1;
    st_progress_hide(worker->progress);
    return st_cli_fail("bench", "%s", text);
}

int st_bench_worker_nonsense(st_bench_worker *worker, const char *what) {
    return st_bench_worker_fail(worker, "--worker: its answer to '%s' %s; this is no worker of this version: %s", worker->asked,
                                what, worker->command);
}

/* It closed its output: how it ended tells more than that. */
static int gone(st_bench_worker *worker) {
    siginfo_t how;
    for (int waited = 0; waited < GRACE_MS && !has_ended(worker, &how); waited += 10) {
        sleep_ms(10);
    }
    char end[64] = "closed its output";
    if (has_ended(worker, &how)) {
        snprintf(end, sizeof end, how.si_code == CLD_EXITED ? "ended with exit status %d" : "was ended by signal %d",
                 how.si_status);
    }
    return st_bench_worker_fail(worker, "--worker: it %s when it was asked '%s'; run it by itself to see why: %s", end,
                                worker->asked, worker->command);
}

/* Takes the bytes up to the next line's end out of `heard`; 0 where there is none yet. */
static int take_line(st_bench_worker *worker) {
    char *end = memchr(worker->heard, '\n', worker->held);
    if (!end) {
        return 0;
    }
    const size_t bytes = (size_t)(end - worker->heard);
    memcpy(worker->answer, worker->heard, bytes);
    worker->answer[bytes] = '\0';
    worker->held -= bytes + 1;
    memmove(worker->heard, end + 1, worker->held);
    /* Lengths first: a NUL within the line would hide the rest of it. */
    for (size_t i = 0; i < bytes; i++) {
        const unsigned char byte = (unsigned char)worker->answer[i];
        if ((byte < ' ' && byte != '\t') || byte > '~') {
            worker->answer[i] = '?'; /* it goes to a terminal, and into JSON */
        }
    }
    return 1;
}

static int listen_for(st_bench_worker *worker) {
    const double until = st_bench_now() + 1e9 * (double)worker->seconds;
    while (!take_line(worker)) {
        if (worker->held == sizeof worker->heard) {
            return st_bench_worker_nonsense(worker, "is a line without an end");
        }
        struct pollfd pipe = {.fd = worker->from, .events = POLLIN};
        const int ready = poll(&pipe, 1, SLICE_MS); /* in slices: a signal may come just before */
        if (st_cli_interrupted()) {
            worker->broken = 1;
            return 130;
        }
        if (ready <= 0) {
            if (ready == 0 && st_bench_now() > until) {
                return st_bench_worker_fail(worker, "--worker: no answer to '%s' within %lld seconds; give it more with "
                                                    "--worker-timeout, or run it by itself to see why: %s",
                                            worker->asked, (long long)worker->seconds, worker->command);
            }
            continue;
        }
        const ssize_t got = read(worker->from, worker->heard + worker->held, sizeof worker->heard - worker->held);
        if (got == 0) {
            return gone(worker);
        }
        if (got < 0 && errno != EINTR) {
            return st_bench_worker_fail(worker, "--worker: cannot read from it: %s", strerror(errno));
        }
        worker->held += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

static void cut(char *line, st_bench_reply *reply) {
    reply->count = 0;
    for (char *at = line; at && reply->count <= ST_BENCH_FIELDS;) {
        if (reply->count < ST_BENCH_FIELDS) {
            reply->fields[reply->count] = at;
        }
        reply->count++;
        at = strchr(at, '\t');
        if (at) {
            *at++ = '\0';
        }
    }
}

int st_bench_worker_ask(st_bench_worker *worker, st_bench_reply *reply, const char *format, ...) {
    char line[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    const int written = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (worker->broken || written < 0 || (size_t)written >= sizeof line - 1) {
        return st_bench_worker_fail(worker, "--worker: it cannot be asked any more");
    }
    const size_t bytes = (size_t)written + 1;
    for (size_t i = 0; i < bytes; i++) {
        worker->asked[i] = line[i] == '\t' ? ' ' : line[i];
    }
    if (worker->held > 0) {
        return st_bench_worker_nonsense(worker, "came before it was asked");
    }
    line[bytes - 1] = '\n';
    /* A line is shorter than what a pipe takes at once, and the worker reads each before it answers: no short writes. */
    if (write(worker->to, line, bytes) != (ssize_t)bytes) {
        return gone(worker);
    }
    const int result = listen_for(worker);
    if (result == 0) {
        cut(worker->answer, reply);
    }
    return result;
}
