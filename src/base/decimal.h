/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* decimal.h - decimal numerals of any length, read with one rounding and whatever the program's locale. */
#ifndef ST_BASE_DECIMAL_H
#define ST_BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

#include "spiraltorch/dtype.h"

/*
 * Reads the double that text[0, length) says, rounded to nearest: decimal, or nan, inf, infinity in any case; a sign;
 * white space around. Returns 1, or 0 where text is no number; *value is then unchanged. text need not end in NUL.
 */
int st_read_double(const char *text, size_t length, double *value);

/* The same for a float of any dtype, rounded once at its own width; 0 also for an integer dtype. */
int st_read_float(const char *text, size_t length, st_dtype dtype, void *element);

#endif
