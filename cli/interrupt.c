/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* interrupt.c - the flag, its handler, and the watcher for calls that wait. */
#include "interrupt.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "options.h"

enum { WORKING, WAITING, ABANDONED };

/* Signals reach a program through nothing but globals. */
static atomic_int caught; /* lock-free, so a handler may set it */
static atomic_int state;
static void (*clean_call)(void *argument);
static void *clean_argument;
static sigset_t watched;

static void on_signal(int number) {
    if (caught) {
        signal(number, SIG_DFL);
        raise(number);
    }
    caught = number;
}

int st_cli_interrupted(void) { return caught != 0; }

void st_interrupt_handle(void) {
    static const int numbers[] = {SIGINT, SIGTERM};
    sigemptyset(&watched);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction action, before;
        memset(&action, 0, sizeof action);
        sigemptyset(&action.sa_mask);
        action.sa_handler = on_signal; /* without SA_RESTART: a waiting read returns */
        /* A shell that starts a job in the background has it ignore SIGINT; so be it. */
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            sigaction(numbers[i], &action, NULL);
            sigaddset(&watched, numbers[i]);
        }
    }
}

static void end_at_once(int number) {
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, number);
    signal(number, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
    raise(number);
    _exit(ST_CLI_FAILED);
}

static void end_by(int number) {
    if (number == SIGINT) {
        _exit(ST_CLI_INTERRUPTED);
    }
    end_at_once(number);
}

static void *watch(void *argument) {
    (void)argument;
    int number = 0;
    while (sigwait(&watched, &number) != 0) {
    }
    caught = number;
    for (;;) {
        int expected = WAITING;
        if (atomic_compare_exchange_strong(&state, &expected, ABANDONED)) {
            if (clean_call) {
                clean_call(clean_argument);
            }
            end_by(number);
        }
        /* The main thread may be on its way into a wait, past its look at the flag. */
        struct timespec pause = {0, 10 * 1000 * 1000};
        nanosleep(&pause, NULL);
        sigset_t pending;
        if (sigpending(&pending) == 0 && sigismember(&pending, number)) {
            end_at_once(number);
        }
    }
    return NULL;
}

void st_interrupt_watch(void) {
    pthread_t thread;
    pthread_sigmask(SIG_BLOCK, &watched, NULL);
    if (pthread_create(&thread, NULL, watch, NULL) != 0) {
        pthread_sigmask(SIG_UNBLOCK, &watched, NULL);
        return;
    }
    pthread_detach(thread);
}

void st_interrupt_clean(void (*clean)(void *argument), void *argument) {
    clean_call = clean;
    clean_argument = argument;
}

void st_interrupt_wait_begin(void) { atomic_store(&state, WAITING); }

void st_interrupt_wait_end(void) {
    int expected = WAITING;
    if (!atomic_compare_exchange_strong(&state, &expected, WORKING)) {
        for (;;) {
            pause(); /* the watcher has taken over, and is about to end the program */
        }
    }
}

void st_interrupt_pass_on(void) {
    if (caught && caught != SIGINT) {
        end_by(caught);
    }
}
