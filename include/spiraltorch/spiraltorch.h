/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* spiraltorch.h - the stable public headers in one. */
#ifndef SPIRALTORCH_SPIRALTORCH_H
#define SPIRALTORCH_SPIRALTORCH_H

#include "backend.h"
#include "band.h"
#include "choice.h"
#include "context.h"
#include "device.h"
#include "dtype.h"
#include "host.h"
#include "io.h"
#include "json.h"
#include "measure.h"
#include "memory.h"
#include "number.h"
#include "passes.h"
#include "rank.h"
#include "spiralk.h"
#include "status.h"
#include "stream.h"
#include "table.h"
#include "tune.h"
#include "wgpu.h"

#endif
