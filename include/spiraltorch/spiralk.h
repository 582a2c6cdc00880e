/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * spiralk.h - SpiralK, the rule language in which a person or a tuner says which Choice suits which request.
 * docs/spiralk.md has the grammar and worked examples.
 *
 * A program is untrusted text. It is compiled once; evaluating it allocates nothing, and every value in it is a finite
 * double: a result too large for one becomes the largest there is, and x / 0, x % 0 and log2(x <= 0) are 0.
 */
#ifndef SPIRALTORCH_SPIRALK_H
#define SPIRALTORCH_SPIRALK_H

#include <stdint.h>

#include "device.h"
#include "export.h"
#include "host.h"
#include "rank.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A compiled program. It never changes, so any number of threads may use it at once. */
typedef struct st_spiralk st_spiralk;

/* The longest program in bytes, the most statements of one, and how deep parentheses, calls and signs may be nested. */
enum { ST_SPIRALK_BYTES = 262144, ST_SPIRALK_STATEMENTS = 4096, ST_SPIRALK_DEPTH = 64 };

/* Where and why a program was refused. Strings are NUL-terminated, and fit for a terminal. */
typedef struct st_spiralk_error {
    uint32_t struct_size; /* sizeof(st_spiralk_error), set by the caller */
    int32_t line, column; /* from 1; the column in characters */
    int32_t caret;        /* characters of excerpt before the place */
    char message[256];    /* what is wrong, and what was expected */
    char expected[96];    /* what was expected, alone; "" where that says nothing */
    char suggestion[16];  /* the name that was probably meant; "" where none is near */
    char excerpt[160];    /* the line, or the part of it around the place */
} st_spiralk_error;

/*
 * Compiles `bytes` bytes of UTF-8 text, which need not end in NUL. host NULL means libc. error may be NULL.
 * On success *program is the caller's, for st_spiralk_free. ST_E_FORMAT: the program is refused, and *error says where and
 * why (as does st_last_message); ST_E_ARGUMENT; ST_E_MEMORY.
 */
ST_API st_status st_spiralk_compile(const st_host *host, const char *text, uint64_t bytes, st_spiralk **program,
                                    st_spiralk_error *error);

/* Frees a program. NULL is allowed. */
ST_API void st_spiralk_free(st_spiralk *program);

/* What a program consists of. */
typedef struct st_spiralk_counts {
    uint32_t struct_size; /* sizeof(st_spiralk_counts), set by the caller */
    int32_t hard, soft, penalties;
} st_spiralk_counts;

/* Counts a program's statements. ST_E_ARGUMENT: a NULL, or an unknown struct_size. */
ST_API st_status st_spiralk_count(const st_spiralk *program, st_spiralk_counts *counts);

/*
 * What a program can read: a request and the device it is for. Members have the names of the language, but for is_float
 * and is_int, which it calls float and int. Infinities count as the largest double, NaN as 0.
 */
typedef struct st_spiralk_facts {
    uint32_t struct_size; /* sizeof(st_spiralk_facts) */
    const char *device;   /* the device's identity, which device("key") is compared with; NULL: "" */
    double r, c, k;       /* rows, columns, elements kept of a row */
    double sg;            /* 1 where lanes can exchange registers */
    double sgc;           /* subgroups of the largest workgroup, wgmax / lanes; 0 without sg */
    double kc;            /* class of k: 1 up to 128, 2 up to 2048, else 3 */
    double lanes, wgmax;  /* lanes of a subgroup, threads of the largest workgroup (on a CPU: workers) */
    double smem;          /* bytes of shared memory per workgroup that a plan may count on */
    double cu;            /* compute units; 0 where they are not known */
    double eb;            /* bytes of an element */
    double threads;       /* most threads of the call */
    double cpu, wgpu, cuda, hip, mps;       /* 1 for the backend of the device */
    double topk, midk_kind, bottomk_kind;   /* 1 for the kind of the request; a window is none of them */
    double is_float, is_int;                /* 1 for the class of the dtype */
} st_spiralk_facts;

/*
 * Fills *facts from a request and the caps of a device; device (NULL: "") is kept as a pointer. request->threads 0 counts
 * as caps->max_workgroup on a CPU, else as 1. ST_E_ARGUMENT: a NULL, an unknown struct_size, or a dtype or kind that is none.
 */
ST_API st_status st_spiralk_facts_of(const st_rank_request *request, const st_device_caps *caps, const char *device,
                                     st_spiralk_facts *facts);

/*
 * Writes the identity of a device, which device("key") is compared with in plans: its backend, its name, the instruction set of
 * a CPU and the driver, as far as they are known, with blanks between them: "cpu AMD EPYC avx512", "cuda NVIDIA H200 550.54".
 * The text ends in NUL. ST_E_ARGUMENT: a NULL, or an unknown struct_size. Thread-safe.
 */
ST_API st_status st_spiralk_identity(const st_device_info *info, char text[256]);

/* What a program's hard statements say of one field of st_choice. */
typedef struct st_spiralk_hard {
    int32_t line;  /* of the statement that decided, from 1; 0: the program does not decide this field */
    int32_t value; /* given, brought into the field's bounds */
    double given;  /* the value as the program gives it, rounded down */
} st_spiralk_hard;

/* A soft rule or penalty that can hold for the request. */
typedef struct st_spiralk_soft {
    int32_t line;        /* of its statement, from 1 */
    int32_t field;       /* the position of the field (st_choice_field_at); -1 for penalty_if */
    int32_t value;       /* given, brought into the field's bounds; 0 for penalty_if */
    int32_t conditional; /* 1: whether it holds depends on other fields of the Choice */
    double given;        /* the value as the program gives it, rounded down */
    double weight;       /* as written: what a penalty_if takes away is positive */
} st_spiralk_soft;

/* Bytes of workspace that evaluating a program needs, whatever the facts; 0 for NULL. */
ST_API uint64_t st_spiralk_workspace(const st_spiralk *program);

/*
 * Evaluates a program for a request. hard has st_choice_field_count() entries, all of which are written. The rules whose
 * condition holds, or can hold, for the request go to soft in the order of the program: the first `capacity` of them (NULL
 * with capacity 0 to count), and their number to *count. workspace needs no alignment. Nothing is allocated.
 * ST_E_ARGUMENT names the argument; ST_E_CAPACITY: capacity is over 0 and too small (what fits is written), the workspace is
 * too small, or the program takes longer than a plan may: its work is over 500,000, where an operation counts for 10 (a number
 * for 5, a division 12, a remainder 16, of huge numbers up to 3200, log2 20), and a rule that can hold for 70 more.
 * Thread-safe, with a workspace for each thread.
 */
ST_API st_status st_spiralk_evaluate(const st_spiralk *program, const st_spiralk_facts *facts, void *workspace,
                                     uint64_t workspace_size, st_spiralk_hard *hard, st_spiralk_soft *soft, int32_t capacity,
                                     int32_t *count);

/*
 * Lays out a program: a statement a line, even spacing, comments and line breaks within parentheses kept. The result means
 * the same, and laying it out again changes nothing. Writes at most capacity bytes, without a NUL, and the full length to
 * *length; ST_E_CAPACITY where it did not fit (nothing is written then), or where the result would be longer than a program
 * may be; errors of the program as st_spiralk_compile. out NULL with capacity 0 only asks for the length.
 */
ST_API st_status st_spiralk_format(const st_host *host, const char *text, uint64_t bytes, char *out, uint64_t capacity,
                                   uint64_t *length, st_spiralk_error *error);

#ifdef __cplusplus
}
#endif

#endif
