/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * table.h - measured tables: which Choice was fastest, by rows, columns and k, on which device. docs/tables.md has the
 * format, and how an entry is found.
 *
 * A table is read from JSON, checked, and never changes afterwards. Tables are untrusted: nothing is half loaded, and
 * what is refused is named by entry and field. Installed in the state folder ($SPIRALTORCH_HOME, or ~/.spiraltorch), a
 * table is read by every context made from then on.
 */
#ifndef SPIRALTORCH_TABLE_H
#define SPIRALTORCH_TABLE_H

#include <stdint.h>

#include "choice.h"
#include "context.h"
#include "export.h"
#include "host.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct st_table st_table;

/* One entry: the Choice for a band of columns and k, measured at a number of rows. Strings are NUL-terminated. */
typedef struct st_table_entry {
    uint32_t struct_size; /* sizeof(st_table_entry) */
    int32_t number;       /* its place in the table, from 1 */
    int64_t rows;         /* rows that were measured, 1 to 2^31; a request takes the nearest, by ratio */
    int64_t cols_min, cols_max; /* columns that it is for, both included */
    int64_t k_min, k_max;       /* elements kept of a row that it is for, both included */
    int32_t sg;           /* 1: for devices whose lanes exchange registers; 0: for others */
    int32_t kind;         /* ST_TOPK to ST_WINDOW; 0: any */
    int32_t dtype;        /* the dtype that was measured; 0: none in particular */
    int32_t bits;         /* 8, 16, 32 or 64: it is for all dtypes of this width; 0: for all */
    int32_t threads;      /* threads of the call; 0: any */
    uint32_t decided;     /* bit 1 << position for each field of st_choice_field_at that the entry gives */
    st_choice choice;     /* 0 in the fields that it does not give */
    char backend[16];     /* where it was measured: "cpu", "cuda"; "" in these five: not said */
    char device[128];     /* the device's own name */
    char driver[64];
    char isa[16];         /* on a CPU, the instruction set */
    char kernel_hash[20]; /* 16 hexadecimal digits */
    int64_t n;            /* measurements; 0: not said, the next four then have no meaning */
    double mean_log_ns, var_log_ns; /* mean and variance of ln(time in ns) */
    double gain, gain_error;        /* mean of ln(time of what was chosen before / time of this), and its standard error */
    int32_t trusted;      /* 1: installed with trust, and read from there */
} st_table_entry;

/* Where a table was refused. */
typedef struct st_table_problem {
    uint32_t struct_size;  /* sizeof(st_table_problem), set by the caller */
    int32_t entry;         /* from 1; 0: the text as a whole */
    int32_t line, column;  /* from 1; 0: the text is JSON, and an entry's content is wrong */
    char field[32];        /* the entry's field; "": none in particular */
} st_table_problem;

/* The most that a table may have. */
enum { ST_TABLE_MOST_ENTRIES = 16384, ST_TABLE_MOST_BYTES = 8 << 20 };

/*
 * Reads a table from JSON text of `bytes` bytes, or from a file ("-" is standard input). name is what messages call the
 * text. host NULL: libc. problem may be NULL; it is filled where the answer is ST_E_FORMAT.
 * ST_E_ARGUMENT: a NULL, a struct_size; ST_E_IO; ST_E_FORMAT: not JSON, too large, or an entry that is wrong;
 * ST_E_UNSUPPORTED: this build has no JSON library; ST_E_MEMORY. *table is the caller's, for st_table_close.
 */
ST_API st_status st_table_read_text(const st_host *host, const char *text, uint64_t bytes, const char *name, st_table **table,
                                    st_table_problem *problem);
ST_API st_status st_table_read_file(const st_host *host, const char *path, st_table **table, st_table_problem *problem);

/* Frees a table. NULL is allowed. */
ST_API void st_table_close(st_table *table);

/*
 * The number of entries (0 for NULL), and the entry at a position from 0. st_table_unknown: how many fields of all entries
 * are none that this version knows, and the first one's name (cut; "" where there is none; name may be NULL).
 * ST_E_ARGUMENT: a NULL, a position out of range, or an unknown struct_size. Thread-safe.
 */
ST_API int32_t st_table_count(const st_table *table);
ST_API st_status st_table_at(const st_table *table, int32_t position, st_table_entry *entry);
ST_API int64_t st_table_unknown(const st_table *table, char name[32]);

/*
 * How an entry stands to a device. MEASURED: on this very device, with these kernels. TRUSTED: installed with trust, and
 * for this backend or none in particular. All others are hints of little weight: UNNAMED, the entry does not say all of
 * backend, device and kernels; or the first that differs: backend, device, instruction set, driver, kernels; or the plan is
 * for other caps than the device has.
 */
enum {
    ST_STANDING_MEASURED = 1,
    ST_STANDING_TRUSTED = 2,
    ST_STANDING_UNNAMED = 3,
    ST_STANDING_BACKEND = 4,
    ST_STANDING_DEVICE = 5,
    ST_STANDING_ISA = 6,
    ST_STANDING_DRIVER = 7,
    ST_STANDING_KERNELS = 8,
    ST_STANDING_CAPS = 9
};

/* What a table's report finds. */
enum { ST_FINDING_GAP = 1, ST_FINDING_OVERLAP = 2, ST_FINDING_DEVICE = 3 };

/*
 * GAP: columns and k between those of entries, that no entry is for. OVERLAP: an area that two entries are for, where
 * `other`, the later one, holds. DEVICE: a device that entries name, `entry` being the first, and how they stand here.
 */
typedef struct st_table_finding {
    uint32_t struct_size;
    int32_t what;               /* ST_FINDING_* */
    int32_t entry, other;       /* numbers from 1; 0: none */
    int32_t entries;            /* DEVICE: how many name it */
    int32_t standing;           /* DEVICE: ST_STANDING_*, towards the device here that is nearest to it */
    int32_t kind, dtype, bits, sg, threads; /* GAP, OVERLAP: as in st_table_entry */
    int64_t rows;
    int64_t cols_min, cols_max, k_min, k_max; /* GAP, OVERLAP: the area, ends included */
    char id[32];                /* DEVICE: the device here that it was compared with; "": none */
    char why[192];              /* DEVICE: the standing, in words */
} st_table_finding;

/*
 * Looks a table over: devices first, in the order of their first entries, then gaps and overlaps by kind, dtype, sg, threads
 * and rows. Writes the first `capacity` to findings (NULL with capacity 0 to count) and their number to *count.
 * ST_E_CAPACITY where count > capacity > 0; ST_E_ARGUMENT; ST_E_MEMORY.
 */
ST_API st_status st_table_report(const st_context *context, const st_table *table, st_table_finding *findings, int64_t capacity,
                                 int64_t *count);

/*
 * The table as JSON that st_table_read_text reads back, an entry a line. Writes at most capacity bytes, NUL included, and
 * the full length (without NUL) to *length; ST_E_CAPACITY where it did not fit (the text is cut). text NULL with capacity 0
 * only asks for the length.
 */
ST_API st_status st_table_json(const st_table *table, char *text, uint64_t capacity, uint64_t *length);

/*
 * The table as a C header that needs no library: PREFIX_choose(rows, cols, k, sg, choice) and PREFIX_choose_midk, chains of
 * comparisons that give what the table has for TopK and MidK of f32, whatever the threads: the number of the entry, or 0.
 * prefix NULL: "st_table"; else a C identifier of at most 40 characters. Memory as st_table_json. ST_E_ARGUMENT: the prefix,
 * or entries of several devices; ST_E_UNSUPPORTED: overlaps that would make more than 2^17 lines; ST_E_MEMORY.
 */
ST_API st_status st_table_header(const st_table *table, const char *prefix, char *text, uint64_t capacity, uint64_t *length);

/*
 * Installs a table for contexts made from now on, as tuner.json in the state folder, whole or not at all; what was
 * installed before is replaced. trust 1: its entries count as measured on every device of the backend that they name, or,
 * where they name none, on every device. ST_E_STATE: the state folder has no place; ST_E_IO; ST_E_MEMORY.
 */
ST_API st_status st_table_install(const st_table *table, int32_t trust);

/*
 * Reads the installed table; *table is NULL where none is. Errors as st_table_read_file, and ST_E_STATE. Removing where none is
 * installed is ST_OK. st_table_installed_path writes where it is, or would be.
 */
ST_API st_status st_table_read_installed(const st_host *host, st_table **table, st_table_problem *problem);
ST_API st_status st_table_remove_installed(void);
ST_API st_status st_table_installed_path(char path[4096]);

/*
 * A Choice for TopK, or MidK, of f32 on a device of which only sg is known (32 lanes, workgroups of 256): from the table that
 * the library was built with (CMake's ST_TABLE_HEADER) where it has an entry, else the conservative one; normalised.
 * ST_E_ARGUMENT names the argument: rows, cols or k negative, k over cols, sg neither 0 nor 1, choice NULL. Thread-safe.
 */
ST_API st_status st_choose(int64_t rows, int64_t cols, int64_t k, int32_t sg, st_choice *choice);
ST_API st_status st_choose_midk(int64_t rows, int64_t cols, int64_t k, int32_t sg, st_choice *choice);

#ifdef __cplusplus
}
#endif

#endif
