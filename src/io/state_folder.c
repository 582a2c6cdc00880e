/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* state_folder.c - the state folder's place, from the environment. A variable that is set but empty counts as not set. */
#define _GNU_SOURCE /* mkdir under -std=c17 */
#include "io/state_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fail.h"
#include "base/show_text.h"
#include "io/system_error.h"

static st_status join(const char *file, char path[ST_STATE_PATH_BYTES]) {
    const char *state = getenv("SPIRALTORCH_HOME"), *home = getenv("HOME");
    int length;
    if (state != NULL && state[0] != '\0')
        length = snprintf(path, ST_STATE_PATH_BYTES, "%s%s", state, file);
    else if (home != NULL && home[0] != '\0')
        length = snprintf(path, ST_STATE_PATH_BYTES, "%s/.spiraltorch%s", home, file);
    else
        return st_fail(ST_E_STATE, "the state folder has no place: neither SPIRALTORCH_HOME nor HOME is set; set one");
    if (length < 0 || length >= ST_STATE_PATH_BYTES)
        return st_fail(ST_E_ARGUMENT, "the state folder's path has %d bytes or more; set SPIRALTORCH_HOME to a shorter one",
                       ST_STATE_PATH_BYTES);
    return ST_OK;
}

st_status st_state_path(const char *file, char path[ST_STATE_PATH_BYTES]) {
    char tail[64];
    snprintf(tail, sizeof tail, "/%s", file);
    return join(tail, path);
}

st_status st_state_folder_make(void) {
    char path[ST_STATE_PATH_BYTES], shown[ST_SHOWN_PATH_BYTES];
    const st_status status = join("", path);
    if (status != ST_OK) return status;
    if (mkdir(path, 0700) == 0 || errno == EEXIST) return ST_OK;
    return st_fail_system(errno, "%s: cannot make the state folder", st_show_path(shown, path));
}
