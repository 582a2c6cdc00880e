/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* caps_option.h - --caps: hardware that need not be here, as text. */
#ifndef ST_CLI_CAPS_OPTION_H
#define ST_CLI_CAPS_OPTION_H

#include "spiraltorch/device.h"

/* Reads "wgpu:32,sg,256,smem=N". Prints what is wrong; returns ST_CLI_GO or the exit status. */
int st_caps_option(const char *command, const char *text, st_device_caps *caps);

#endif
