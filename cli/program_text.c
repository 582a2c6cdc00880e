/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* program_text.c - reading a rule program from a file or a pipe. */
#include "program_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "options.h"
#include "spiraltorch/spiralk.h"

enum { LIMIT = ST_SPIRALK_BYTES + 1 };

/* Until the end or the limit. Signals end a waiting read. */
static int read_all(const char *command, int file, st_program_text *text) {
    while (text->length < LIMIT) {
        ssize_t got = read(file, text->bytes + text->length, LIMIT - text->length);
        if (st_cli_interrupted()) {
            return ST_CLI_INTERRUPTED;
        }
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return st_cli_fail(command, "%s: cannot read: %s", text->name, strerror(errno));
        }
        if (got == 0) {
            break;
        }
        text->length += (size_t)got;
    }
    return ST_CLI_GO;
}

int st_program_text_read(const char *command, const char *path, st_program_text *text) {
    int is_pipe = strcmp(path, "-") == 0;
    *text = (st_program_text){.name = is_pipe ? "standard input" : path, .bytes = malloc(LIMIT)};
    if (!text->bytes) {
        return st_cli_fail(command, "out of memory");
    }
    int file = STDIN_FILENO;
    int status = ST_CLI_GO;
    if (!is_pipe) {
        do {
            file = open(path, O_RDONLY | O_CLOEXEC);
        } while (file < 0 && errno == EINTR && !st_cli_interrupted());
    }
    if (st_cli_interrupted()) {
        status = ST_CLI_INTERRUPTED;
    } else if (file < 0) {
        status = st_cli_fail(command, "%s: cannot open: %s", path, strerror(errno));
    } else {
        status = read_all(command, file, text);
    }
    if (!is_pipe && file >= 0) {
        close(file);
    }
    if (status != ST_CLI_GO) {
        free(text->bytes);
        text->bytes = NULL;
    }
    return status;
}
