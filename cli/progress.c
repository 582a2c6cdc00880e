/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* progress.c - draws one line: percentage, bar, rate and time left; or amount and rate where the size is not known. */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void format_amount(double amount, const char *unit, char text[32]) {
    static const char *const prefixes[] = {"", "k", "M", "G", "T", "P"};
    int binary = strcmp(unit, "B") == 0;
    double base = binary ? 1024 : 1000;
    size_t prefix = 0;
    while (amount >= base && prefix < 5) {
        amount /= base;
        prefix++;
    }
    snprintf(text, 32, prefix ? "%.1f %s%s%s" : "%.0f %s%s%s", amount, prefixes[prefix], binary && prefix ? "i" : "",
             unit);
}

static void format_time(double seconds, char text[32]) {
    if (seconds >= 3600) {
        snprintf(text, 32, "%.0f h %02.0f min", seconds / 3600,
                 (seconds / 60) - 60 * (double)(int64_t)(seconds / 3600));
    } else {
        snprintf(text, 32, "%d:%02d", (int)(seconds / 60), (int)seconds % 60);
    }
}

void st_progress_start(st_progress *progress, int quiet, const char *what, const char *unit, int64_t total) {
    st_progress_hide(progress);
    progress->active = !quiet && isatty(STDERR_FILENO);
    snprintf(progress->what, sizeof progress->what, "%s", what);
    progress->unit = unit;
    progress->total = total;
    progress->done = 0;
    progress->start = now();
    progress->drawn = 0;
}

static void draw(st_progress *progress, double time) {
    struct winsize size;
    int width = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
    double elapsed = time - progress->start;
    double rate = (double)progress->done / elapsed;
    char amount[32] = "", speed[40] = "", left[32];
    if (progress->unit) {
        format_amount((double)progress->done, progress->unit, amount);
        format_amount(rate, progress->unit, speed);
        strcat(speed, "/s, ");
    }
    char line[256];
    if (progress->total > 0) {
        double part = (double)progress->done / (double)progress->total;
        part = part > 1 ? 1 : part;
        format_time(rate > 0 ? (double)(progress->total - progress->done) / rate : 0, left);
        char tail[128];
        int length = snprintf(tail, sizeof tail, " %s%s left", speed, left);
        int room = width - length - (int)strlen(progress->what) - 10;
        room = room > 40 ? 40 : room;
        char bar[64] = "";
        if (room > 4) {
            int full = (int)(part * room);
            bar[0] = '[';
            memset(bar + 1, '#', (size_t)full);
            memset(bar + 1 + full, '.', (size_t)(room - full));
            memcpy(bar + 1 + room, "]", 2);
        }
        snprintf(line, sizeof line, "%s %3.0f%% %s%s", progress->what, part * 100, bar, tail);
    } else {
        snprintf(line, sizeof line, "%s %s, %.*s", progress->what, amount, (int)strlen(speed) - 2, speed);
    }
    fprintf(stderr, "\r%.*s\033[K", width - 1, line);
    fflush(stderr);
    progress->shown = 1;
    progress->drawn = time;
}

void st_progress_add(st_progress *progress, int64_t amount) {
    progress->done += amount;
    if (!progress->active) {
        return;
    }
    double time = now();
    if (time - progress->start > 0.5 && time - progress->drawn > 0.1) {
        draw(progress, time);
    }
}

void st_progress_hide(st_progress *progress) {
    if (progress->shown) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        progress->shown = 0;
    }
}
