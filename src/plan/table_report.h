/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* table_report.h - what there is to say of a table: devices, gaps, overlaps. */
#ifndef ST_PLAN_TABLE_REPORT_H
#define ST_PLAN_TABLE_REPORT_H

#include "plan/table.h"

/* As st_table_report, with the devices that can run here. */
st_status st_table_look_over(const st_table *table, const st_device_identity *here, int32_t here_count, st_table_finding *findings,
                             int64_t capacity, int64_t *count);

#endif
