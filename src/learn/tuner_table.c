/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* tuner_table.c - a survey's bands as the entries of a table, in JSON, whole or not at all. */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "device/choice_fields.h"
#include "io/whole_file.h"
#include "learn/tuner_survey.h"
#include "spiraltorch/json.h"
#include "spiraltorch/rank.h"

/* Entries of a table are an object on a line each: what the writer gives is gathered here on its way to the file. */
struct sink {
    const st_whole_file *file;
    int64_t size;
    st_status status;
    size_t used;
    char buffer[1 << 14];
};

static void flush(struct sink *sink) {
    if (sink->status == ST_OK) sink->status = st_whole_file_write(sink->file, sink->size, sink->buffer, sink->used);
    sink->size += (int64_t)sink->used;
    sink->used = 0;
}

static int32_t put(void *user, const char *text, uint64_t bytes) {
    struct sink *sink = user;
    for (uint64_t i = 0; i < bytes; i++) {
        if (sink->used == sizeof sink->buffer) flush(sink);
        sink->buffer[sink->used++] = text[i];
    }
    return sink->status != ST_OK;
}

static void write_integer(st_json_writer *writer, const char *key, int64_t value) {
    st_json_key(writer, key);
    st_json_integer(writer, value);
}

static void write_number(st_json_writer *writer, const char *key, double value) {
    st_json_key(writer, key);
    st_json_number(writer, value);
}

static void write_text(st_json_writer *writer, const char *key, const char *text) {
    if (text[0] == '\0') return;
    st_json_key(writer, key);
    st_json_string(writer, text);
}

static const char *kind_name(int32_t kind) { return kind == ST_TOPK ? "topk" : kind == ST_MIDK ? "midk" : "bottomk"; }

static void write_band(st_json_writer *writer, const st_survey *survey, const st_survey_band *band, const st_survey_device *device) {
    const st_series *series = &survey->series[band->series];
    st_json_begin_object(writer);
    write_integer(writer, "schema", 1);
    write_integer(writer, "rows", band->rows);
    write_integer(writer, "cols_min", band->cols_min);
    write_integer(writer, "cols_max", band->cols_max);
    write_integer(writer, "k_min", band->k_min);
    write_integer(writer, "k_max", band->k_max);
    write_integer(writer, "sg", device->sg);
    write_text(writer, "kind", kind_name(series->kind));
    write_text(writer, "dtype", st_dtype_name(series->dtype));
    write_integer(writer, "threads", series->threads);
    write_text(writer, "backend", device->backend);
    write_text(writer, "device", device->device);
    write_text(writer, "driver", device->driver);
    write_text(writer, "isa", device->isa);
    write_text(writer, "kernel_hash", device->kernel_hash);
    for (int32_t field = 0; field < st_choice_field_count(); field++)
        write_integer(writer, st_choice_field_at(field)->name, st_choice_get(&band->choice, field));
    if (band->n > 0) {
        write_integer(writer, "n", band->n);
        write_number(writer, "mean_log_ns", band->mean_log_ns);
        write_number(writer, "var_log_ns", band->var_log_ns);
        write_number(writer, "gain", band->gain);
        write_number(writer, "gain_error", band->gain_error);
    }
    st_json_end_object(writer);
}

/* An array of entries, each on a line of its own, so that tables can be compared line by line. */
static st_status write_bands(const st_survey *survey, const st_survey_band *bands, int64_t count, const st_survey_device *device,
                             struct sink *sink) {
    put(sink, "[\n", 2);
    for (int64_t i = 0; i < count; i++) {
        st_json_writer writer;
        st_json_start(&writer, put, sink);
        write_band(&writer, survey, &bands[i], device);
        const st_status status = st_json_finish(&writer);
        if (status != ST_OK) return sink->status != ST_OK ? sink->status : status;
        put(sink, i + 1 < count ? ",\n" : "\n", i + 1 < count ? 2 : 1);
    }
    put(sink, "]\n", 2);
    flush(sink);
    return sink->status;
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
    st_whole_file file;
    st_status status = st_survey_bands(survey, model, &bands, &count, &bytes);
    if (status != ST_OK) return status;
    struct sink *sink = st_allocate(&survey->host, sizeof *sink);
    status = sink == NULL ? st_fail(ST_E_MEMORY, "no memory to write the table") : st_whole_file_create(&survey->host, path, 1, &file);
    if (status == ST_OK) {
        sink->file = &file;
        sink->size = 0;
        sink->status = ST_OK;
        sink->used = 0;
        status = write_bands(survey, bands, count, device, sink);
        if (status == ST_OK)
            status = st_whole_file_commit(&survey->host, &file, sink->size);
        else
            st_whole_file_discard(&survey->host, &file);
    }
    st_release(&survey->host, sink, sizeof *sink);
    st_release(&survey->host, bands, bytes);
    if (status == ST_OK) *entries = count;
    return status;
}
