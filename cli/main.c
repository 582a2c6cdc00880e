/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* main.c - the program spiraltorch: signals, the choice of a command, and the last word on standard output. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "interrupt.h"
#include "options.h"

static int output_cause;

void st_cli_output_failed(int cause) {
    if (!output_cause) {
        output_cause = cause;
    }
}

static void set_signals(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
    st_interrupt_handle();
}

/*
 * A descriptor that was closed before the start would be given to the first file that is opened, and messages would be
 * written into it. Each is taken by one that refuses what the real one would do, so that the loss is still noticed.
 */
static void hold_standard_descriptors(void) {
    for (int descriptor = 0; descriptor <= 2; descriptor++) {
        if (fcntl(descriptor, F_GETFD) == -1 && errno == EBADF) {
            (void)open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY);
        }
    }
}

typedef struct entry {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *about;
} entry;

static const entry entries[] = {
    {"topk", st_cli_rank, "the k largest of every row, with their positions"},
    {"bottomk", st_cli_rank, "the k smallest"},
    {"midk", st_cli_rank, "the k in the middle of the order; -k 1 is the lower median"},
    {"window", st_cli_rank, "any range of ranks, ascending or descending"},
    {"compact", st_cli_compact, "the elements between two bounds, in their own order"},
    {"devices", st_cli_devices, "what this machine can run on"},
    {"plan", st_cli_plan, "how a request would be run, and why"},
    {"kdsl", st_cli_kdsl, "rule programs: checked, evaluated, laid out"},
    {"bench", st_cli_bench, "times on this machine, beside other ways to do the same"},
    {"tune", st_cli_tune, "which plans are fastest on this machine, measured into a table"},
    {"table", st_cli_table, "measured tables: looked over, installed, as a C header"},
    {"version", st_cli_version, "the version, and the features built in"},
};

enum { ENTRIES = sizeof entries / sizeof entries[0] };

static void print_help(void) {
    fputs("usage: spiraltorch COMMAND [options]\n\n"
          "SpiralTorch finds the largest, smallest or middle elements of rows of numbers: exactly, ties by lowest\n"
          "position, the same bits on every run. It reads .npy files, raw binary and text, from files or pipes,\n"
          "and needs little memory however long they are.\n\n"
          "commands:\n",
          stdout);
    for (size_t i = 0; i < ENTRIES; i++) {
        printf("  %-9s %s\n", entries[i].name, entries[i].about);
    }
    fputs("\nEach command explains itself: spiraltorch topk --help\n\n"
          "examples:\n"
          "  seq 1000 | spiraltorch topk -k 3 -                       the 3 largest numbers of a list\n"
          "  spiraltorch topk -k 10 --column size --show name list.csv  the 10 largest rows of a table, by name\n"
          "  spiraltorch topk -k 5 scores.npy -o best                 best.values.npy and best.indices.npy\n"
          "  spiraltorch midk -k 1 --axis 0 samples.npy               the median of every column\n"
          "  spiraltorch plan --kind topk --rows 8 --cols 65536 -k 64 --explain\n\n"
          "exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted\n",
          stdout);
}

static int run_command(int argc, char **argv) {
    if (argc < 2) {
        return st_cli_usage(NULL, "a command is missing; see spiraltorch --help");
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        if (argc > 2 && strcmp(argv[1], "help") == 0) {
            for (size_t i = 0; i < ENTRIES; i++) {
                if (strcmp(argv[2], entries[i].name) == 0) {
                    char help[] = "--help";
                    char *arguments[] = {argv[2], help, NULL};
                    return entries[i].run(2, arguments);
                }
            }
        }
        print_help();
        return ST_CLI_DONE;
    }
    const char *name = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
    const char *names[ENTRIES + 1] = {NULL};
    for (size_t i = 0; i < ENTRIES; i++) {
        if (strcmp(name, entries[i].name) == 0) {
            return entries[i].run(argc - 1, argv + 1);
        }
        names[i] = entries[i].name;
    }
    const char *nearest = st_options_nearest(name, names);
    if (nearest) {
        return st_cli_usage(NULL, "'%s': no such command; did you mean '%s'?", name, nearest);
    }
    return st_cli_usage(NULL, "'%s': no such command; see spiraltorch --help", name);
}

int main(int argc, char **argv) {
    static char buffer[1 << 16];
    hold_standard_descriptors();
    set_signals();
    if (!isatty(STDOUT_FILENO)) {
        setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    }
    errno = 0;
    int status = run_command(argc, argv);
    int failed = ferror(stdout);
    if (failed) {
        st_cli_output_failed(errno);
    }
    if (fflush(stdout) != 0) {
        st_cli_output_failed(errno);
        failed = 1;
    }
    if (status == ST_CLI_INTERRUPTED) {
        st_interrupt_pass_on();
    }
    if (failed && output_cause != EPIPE && status != ST_CLI_INTERRUPTED) {
        return st_cli_fail(argc > 1 ? argv[1] : NULL, "standard output: %s; nothing more could be written to it",
                           strerror(output_cause));
    }
    return status;
}
