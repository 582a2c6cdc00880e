/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* interrupt.h - Ctrl-C while the program waits for a pipe: temporary files go, and the program ends with 130. */
#ifndef ST_CLI_INTERRUPT_H
#define ST_CLI_INTERRUPT_H

/* The handler for commands that only look at st_cli_interrupted; main.c sets it for all. */
void st_interrupt_handle(void);

/*
 * From here on a thread of its own waits for SIGINT and SIGTERM. A signal sets the flag behind st_cli_interrupted;
 * where the main thread is between st_interrupt_wait_begin and _end, and so may wait for ever, the watcher calls
 * clean(argument) and ends the program. Call before any other thread is started; without threads to be had, nothing
 * changes.
 */
void st_interrupt_watch(void);

/* What to clean up; NULL: nothing. Called by the main thread outside of a wait. */
void st_interrupt_clean(void (*clean)(void *argument), void *argument);

void st_interrupt_wait_begin(void);
void st_interrupt_wait_end(void);

/* The last step of main after a command gave 130: a program ended by SIGTERM says so to its parent. */
void st_interrupt_pass_on(void);

#endif
