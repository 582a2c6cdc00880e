/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* number.h - one element as text, and back. */
#ifndef SPIRALTORCH_NUMBER_H
#define SPIRALTORCH_NUMBER_H

#include <stdint.h>

#include "dtype.h"
#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Writes one element in the fewest digits that read back to the same bits ("0.1", "1e-05", "nan", "-inf", "-0"), in the C
 * locale, as a NUL-terminated string of at most 32 bytes. Returns its length; 0 for an unknown dtype.
 */
ST_API int32_t st_format_element(st_dtype dtype, const void *element, char text[32]);

/*
 * Reads one element, rounded to nearest, from a NUL-terminated string in the C locale. ST_E_ARGUMENT: not a number, or not
 * one of this dtype (integers: no fraction, in range).
 */
ST_API st_status st_parse_element(const char *text, st_dtype dtype, void *element);

#ifdef __cplusplus
}
#endif

#endif
