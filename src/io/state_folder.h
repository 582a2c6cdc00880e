/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* state_folder.h - where the program keeps what it learns about this machine: $SPIRALTORCH_HOME, or ~/.spiraltorch. */
#ifndef ST_IO_STATE_FOLDER_H
#define ST_IO_STATE_FOLDER_H

#include "spiraltorch/status.h"

enum { ST_STATE_PATH_BYTES = 4096 };

/*
 * The path of a file in the state folder, as the environment names it now; nothing need be there. ST_E_STATE: neither
 * SPIRALTORCH_HOME nor HOME is set; ST_E_ARGUMENT: the path is too long.
 */
st_status st_state_path(const char *file, char path[ST_STATE_PATH_BYTES]);

/* Makes the state folder where it is missing, for this user alone. ST_E_IO, and as st_state_path. */
st_status st_state_folder_make(void);

#endif
