/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* tuner_table.c - a survey's bands as a table in a file. */
#include <stdio.h>

#include "base/fail.h"
#include "base/memory.h"
#include "device/choice_fields.h"
#include "learn/tuner_survey.h"
#include "plan/table_text.h"

static void fill_entry(const st_survey *survey, const st_survey_band *band, const st_survey_device *device, st_table_entry *entry) {
    const st_series *series = &survey->series[band->series];
    *entry = (st_table_entry){.rows = band->rows,
                              .cols_min = band->cols_min,
                              .cols_max = band->cols_max,
                              .k_min = band->k_min,
                              .k_max = band->k_max,
                              .sg = device->sg,
                              .kind = series->kind,
                              .dtype = series->dtype,
                              .bits = (int32_t)st_dtype_size(series->dtype) * 8,
                              .threads = series->threads,
                              .decided = (1u << ST_FIELDS) - 1,
                              .choice = band->choice,
                              .n = band->n};
    snprintf(entry->backend, sizeof entry->backend, "%s", device->backend);
    snprintf(entry->device, sizeof entry->device, "%s", device->device);
    snprintf(entry->driver, sizeof entry->driver, "%s", device->driver);
    snprintf(entry->isa, sizeof entry->isa, "%s", device->isa);
    snprintf(entry->kernel_hash, sizeof entry->kernel_hash, "%s", device->kernel_hash);
    if (band->n == 0) return; /* filled in from neighbours: there are no measurements to tell of */
    entry->mean_log_ns = band->mean_log_ns;
    entry->var_log_ns = band->var_log_ns;
    entry->gain = band->gain;
    entry->gain_error = band->gain_error;
}

static st_status write_bands(const st_survey *survey, const st_survey_band *bands, int64_t count, const st_survey_device *device,
                             const char *path) {
    const size_t bytes = (size_t)count * sizeof(st_table_entry); /* of bands, which are no more than a table may have */
    st_table *table = NULL;
    st_table_entry *entries = st_allocate(&survey->host, bytes);
    if (entries == NULL) return st_fail(ST_E_MEMORY, "no memory for %lld entries", (long long)count);
    for (int64_t i = 0; i < count; i++) fill_entry(survey, &bands[i], device, &entries[i]);
    st_status status = st_table_build(&survey->host, entries, (int32_t)count, "tuned", &table);
    if (status == ST_OK) status = st_table_save(table, 0, path);
    st_table_close(table);
    st_release(&survey->host, entries, bytes);
    return status;
}

st_status st_survey_table(const st_survey *survey, const st_survey_device *device, const st_survey_model *model, const char *path,
                          int64_t *entries) {
    if (survey == NULL || device == NULL || entries == NULL)
        return st_fail(ST_E_ARGUMENT, "%s is NULL", survey == NULL ? "survey" : device == NULL ? "device" : "entries");
    if (device->struct_size != sizeof *device)
        return st_fail(ST_E_ARGUMENT, "device.struct_size is %u; set it to sizeof(st_survey_device)", device->struct_size);
    if (model != NULL && (model->struct_size != sizeof *model || model->predict == NULL))
        return st_fail(ST_E_ARGUMENT, "model.struct_size is %u, or model.predict is NULL", model->struct_size);
    if (survey->count == 0) return st_fail(ST_E_STATE, "nothing was measured, so there is no table to write");
    st_survey_band *bands = NULL;
    int64_t count = 0;
    size_t bytes = 0;
    st_status status = st_survey_bands(survey, model, &bands, &count, &bytes);
    if (status != ST_OK) return status;
    status = write_bands(survey, bands, count, device, path);
    st_release(&survey->host, bands, bytes);
    if (status == ST_OK) *entries = count;
    return status;
}
