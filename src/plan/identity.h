/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* identity.h - what a measurement belongs to: a device, its driver and the kernels that ran on it. */
#ifndef ST_PLAN_IDENTITY_H
#define ST_PLAN_IDENTITY_H

#include "device/registry.h"
#include "spiraltorch/table.h"

/* Sizes are those of st_table_entry. caps are the device's own. */
typedef struct st_device_identity {
    char id[32]; /* "cpu", "cuda:0": its place here, no part of the comparison */
    char backend[16];
    char device[128];
    char driver[64];
    char isa[16]; /* on a CPU alone */
    char kernel_hash[20];
    st_device_caps caps;
} st_device_identity;

st_device_identity st_identity_of(const st_registered *device);

/*
 * Whether caps describe the same hardware: those that a caller gives may be another machine's. Workers and workgroups do not
 * count; they are left to normalisation.
 */
int st_same_hardware(const st_device_caps *a, const st_device_caps *b);

/* The five identity fields of an entry to those of a device; trusted 1: the table was installed with trust. */
int32_t st_standing_of(const st_table_entry *entry, const st_device_identity *identity);

/* 1 where a standing makes an entry a measurement, not a hint. */
int st_standing_counts(int32_t standing);

/* A standing in words: "measured with driver 535.1, which is 550.2 here". identity NULL: no device here is of its backend. */
void st_standing_text(int32_t standing, const st_table_entry *entry, const st_device_identity *identity, char why[192]);

#endif
