/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gpus.h - the GPUs of a context. */
#ifndef ST_ENGINE_GPUS_H
#define ST_ENGINE_GPUS_H

#include "device/registry.h"
#include "engine/settings.h"

/*
 * Puts the GPUs that are here into the list. A backend without any keeps its line there with the reason, and plans for it
 * are made all the same. ST_E_MEMORY.
 */
st_status st_gpus_place(const st_host *host, const st_settings *settings, st_registry *registry);

#endif
