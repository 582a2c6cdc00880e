/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* planning.c - plans with their explanations, and the list of devices, as dicts for the Python files. */
#include "planning.h"

#include <stdlib.h>
#include <string.h>

#include "arguments.h"

static const char *const backends[] = {"cpu", "wgpu", "cuda", "hip", "mps", NULL};

/* ---- caps ---------------------------------------------------------------------------------------------------------------- */

/* An optional entry of a dict, as an integer in [least, most]. */
static int read_entry(PyObject *given, const char *key, int64_t least, int64_t most, int64_t *number) {
    PyObject *value = PyDict_GetItemString(given, key);
    if (value == NULL) return 0;
    if (st_py_read_integer(value, key, number) < 0) return -1;
    if (*number >= least && *number <= most) return 0;
    PyErr_Format(PyExc_ValueError, "caps: %s is %lld, not in %lld to %lld", key, (long long)*number, (long long)least, (long long)most);
    return -1;
}

static int check_keys(PyObject *given) {
    static const char *const known[] = {"backend", "lanes", "subgroup", "max_workgroup", "shared_mem", NULL};
    PyObject *key, *value;
    Py_ssize_t position = 0;
    int32_t found;
    while (PyDict_Next(given, &position, &key, &value))
        if (st_py_read_word(key, "caps", known, &found) < 0) return -1;
    return 0;
}

int st_py_read_caps(PyObject *given, st_device_caps *caps) {
    int64_t lanes = 32, subgroup = 1, workgroup = 256, memory = 0;
    int32_t backend;
    if (!PyDict_Check(given)) {
        PyErr_Format(PyExc_TypeError, "caps: expected a dict with backend, lanes, subgroup, max_workgroup and shared_mem, got %R", Py_TYPE(given));
        return -1;
    }
    PyObject *name = PyDict_GetItemString(given, "backend");
    if (name == NULL) {
        PyErr_SetString(PyExc_ValueError, "caps: has no backend; give 'cpu', 'wgpu', 'cuda', 'hip' or 'mps'");
        return -1;
    }
    if (check_keys(given) < 0 || st_py_read_word(name, "caps: backend", backends, &backend) < 0 ||
        read_entry(given, "lanes", 1, 1 << 10, &lanes) < 0 || read_entry(given, "subgroup", 0, 1, &subgroup) < 0 ||
        read_entry(given, "max_workgroup", 1, 1 << 20, &workgroup) < 0 || read_entry(given, "shared_mem", 0, (int64_t)1 << 40, &memory) < 0)
        return -1;
    switch (backend + ST_BACKEND_CPU) {
    case ST_BACKEND_CPU: *caps = st_caps_with_max_workgroup(st_caps_cpu(), (int32_t)workgroup); break;
    case ST_BACKEND_WGPU: *caps = st_caps_wgpu((int32_t)lanes, (int32_t)subgroup, (int32_t)workgroup); break;
    case ST_BACKEND_CUDA: *caps = st_caps_cuda((int32_t)lanes, (int32_t)workgroup); break;
    case ST_BACKEND_HIP: *caps = st_caps_hip((int32_t)lanes, (int32_t)workgroup); break;
    default: *caps = st_caps_mps((int32_t)lanes, (int32_t)workgroup);
    }
    *caps = st_caps_with_subgroup(*caps, (int32_t)subgroup);
    if (memory > 0) *caps = st_caps_with_shared_mem(*caps, memory);
    return 0;
}

/* ---- plans --------------------------------------------------------------------------------------------------------------- */

PyObject *st_py_choice_dict(const st_choice *choice) {
    PyObject *dict = PyDict_New();
    for (int32_t i = 0; dict != NULL && i < st_choice_field_count(); i++) {
        const st_choice_field *field = st_choice_field_at(i);
        int32_t value;
        memcpy(&value, (const char *)choice + field->offset, sizeof value);
        PyObject *number = PyLong_FromLong(value);
        if (number == NULL || PyDict_SetItemString(dict, field->name, number) < 0) Py_CLEAR(dict);
        Py_XDECREF(number);
    }
    return dict;
}

/* The explanation, as text or JSON. NULL with an exception. */
static PyObject *explain(const st_py_state *state, st_context *engine, const st_rank_request *request, const char *device,
                         const st_device_caps *caps, int32_t json) {
    uint64_t length = 0;
    char *text = NULL;
    st_status status = st_plan_explain(engine, request, device, caps, json, NULL, 0, &length);
    for (int tries = 0; tries < 3 && status == ST_OK && text == NULL; tries++) { /* devices may say more the next time */
        const uint64_t capacity = length + 256;
        if ((text = malloc((size_t)capacity)) == NULL) return PyErr_NoMemory();
        status = st_plan_explain(engine, request, device, caps, json, text, capacity, &length);
        if (status != ST_E_CAPACITY) continue;
        free(text);
        text = NULL;
        status = ST_OK;
    }
    PyObject *result = status != ST_OK ? st_py_raise(state, status) : text == NULL ? PyErr_NoMemory() : PyUnicode_DecodeUTF8(text, (Py_ssize_t)length, "replace");
    free(text);
    return result;
}

static PyObject *plan_dict(const st_py_state *state, st_context *engine, const st_rank_request *request, const char *device,
                           const st_device_caps *caps) {
    static const char *const sources[] = {"fallback", "table", "softlogic", "dsl", "caller"};
    st_plan plan;
    const st_status status = st_plan_request(engine, request, device, caps, &plan);
    if (status != ST_OK) return st_py_raise(state, status);
    PyObject *choice = st_py_choice_dict(&plan.choice), *text = NULL, *json = NULL, *dict = NULL;
    if (choice != NULL) text = explain(state, engine, request, device, caps, 0);
    if (text != NULL) json = explain(state, engine, request, device, caps, 1);
    if (json != NULL)
        dict = Py_BuildValue("{s:s,s:s,s:s,s:d,s:O,s:O,s:O}", "device", plan.device, "kernel", plan.kernel, "source", sources[plan.source],
                             "predicted_ns", plan.predicted_ns, "choice", choice, "text", text, "json", json);
    Py_XDECREF(json);
    Py_XDECREF(text);
    Py_XDECREF(choice);
    return dict;
}

PyObject *st_py_plan(PyObject *module, PyObject *arguments, PyObject *words) {
    static char *names[] = {"kind", "rows", "cols", "k", "lo", "hi", "descending", "dtype", "sorted", "nan", "device", "caps", NULL};
    st_py_state *state = st_py_state_of(module);
    PyObject *kind, *nan, *device, *given;
    long long rows, cols, k, lo, hi;
    int descending, is_sorted;
    const char *dtype;
    int32_t word;
    st_rank_request request;
    st_device_caps caps;
    const char *id;
    if (!PyArg_ParseTupleAndKeywords(arguments, words, "OLLLLLpspOOO:plan", names, &kind, &rows, &cols, &k, &lo, &hi, &descending, &dtype,
                                     &is_sorted, &nan, &device, &given))
        return NULL;
    if (st_py_read_word(kind, "kind", st_py_kind_words, &word) < 0) return NULL;
    st_rank_request_init(&request, word + ST_TOPK, rows, cols, k);
    request.lo = lo;
    request.hi = hi;
    request.descending = request.kind == ST_WINDOW ? descending : 0;
    request.order = is_sorted ? ST_SORTED : ST_UNSORTED;
    if (st_py_read_dtype(dtype, &request.dtype) < 0 || st_py_read_word(nan, "nan", st_py_nan_words, &request.nan_rule) < 0 ||
        st_py_read_device(device, &id) < 0 || (given != Py_None && st_py_read_caps(given, &caps) < 0))
        return NULL;
    st_py_context *context = st_py_context_enter(state);
    if (context == NULL) return NULL;
    PyObject *dict = plan_dict(state, st_py_context_engine(context), &request, given == Py_None ? id : NULL, given == Py_None ? NULL : &caps);
    if (st_py_context_leave(context) < 0) Py_CLEAR(dict);
    return dict;
}

/* ---- devices ------------------------------------------------------------------------------------------------------------- */

static PyObject *device_dict(const st_device_info *info) {
    const st_device_caps *caps = &info->caps;
    return Py_BuildValue("{s:s,s:s,s:s,s:s,s:N,s:N,s:s,s:{s:i,s:N,s:i,s:i,s:L,s:L,s:L,s:d}}", "id", info->id, "backend", info->backend,
                         "name", info->name, "driver", info->driver, "available", PyBool_FromLong(info->available), "software",
                         PyBool_FromLong(info->software), "reason", info->reason, "caps", "lanes", caps->lanes, "subgroup",
                         PyBool_FromLong(caps->subgroup), "max_workgroup", caps->max_workgroup, "compute_units", caps->compute_units,
                         "shared_mem", (long long)caps->shared_mem, "l2_cache", (long long)caps->l2_cache, "l3_cache",
                         (long long)caps->l3_cache, "bandwidth", caps->bandwidth);
}

PyObject *st_py_devices(PyObject *module, PyObject *unused) {
    (void)unused;
    st_py_state *state = st_py_state_of(module);
    st_py_context *context = st_py_context_enter(state);
    if (context == NULL) return NULL;
    st_context *engine = st_py_context_engine(context);
    PyObject *list = PyList_New(0);
    for (int32_t i = 0; list != NULL && i < st_device_count(engine); i++) {
        st_device_info info = {.struct_size = sizeof info};
        const st_status status = st_device_at(engine, i, &info);
        PyObject *dict = status == ST_OK ? device_dict(&info) : st_py_raise(state, status);
        if (dict == NULL || PyList_Append(list, dict) < 0) Py_CLEAR(list);
        Py_XDECREF(dict);
    }
    if (st_py_context_leave(context) < 0) Py_CLEAR(list);
    return list;
}
