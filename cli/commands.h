/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* commands.h - the commands' entry points, and what main.c does for all of them. */
#ifndef ST_CLI_COMMANDS_H
#define ST_CLI_COMMANDS_H

/* Each takes the arguments from its own name on, argv[0], and returns the exit status: 0, 1, 2 or 130. */
int st_cli_devices(int argc, char **argv);
int st_cli_plan(int argc, char **argv);
int st_cli_kdsl(int argc, char **argv);
int st_cli_rank(int argc, char **argv); /* topk, midk, bottomk and window, told apart by argv[0] */
int st_cli_compact(int argc, char **argv);
int st_cli_bench(int argc, char **argv);
int st_cli_tune(int argc, char **argv);
int st_cli_table(int argc, char **argv);
int st_cli_version(int argc, char **argv);

/* 1 once the person has pressed Ctrl-C; loops look at it and clean up. A second Ctrl-C ends the program at once. */
int st_cli_interrupted(void);

/* Keeps the errno with which standard output first refused a write, until main.c reports it. */
void st_cli_output_failed(int cause);

#endif
