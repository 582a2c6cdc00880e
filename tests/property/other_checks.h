/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* other_checks.h - random band, stream, counting-pass and merge configurations against the reference. */
#ifndef OTHER_CHECKS_H
#define OTHER_CHECKS_H

#include "spiraltorch/spiraltorch.h"

/* Draws and checks one of each, the band on a device; returns the failures, each printed with the seed that makes it. */
int check_others(st_context *context, const char *device, const char *isa, uint64_t seed);

#endif
