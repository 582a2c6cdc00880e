/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* kdsl.c - rule programs: checked, laid out, and asked what they say of a request. */
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "planning.h"

/* A refused program, with where and why as attributes of the exception. */
static PyObject *raise_program(const st_py_state *state, st_status status, const st_spiralk_error *error) {
    if (status != ST_E_FORMAT) return st_py_raise(state, status);
    PyObject *fields = Py_BuildValue("{s:i,s:i,s:s,s:s,s:s}", "line", error->line, "column", error->column, "expected", error->expected,
                                     "suggestion", error->suggestion, "excerpt", error->excerpt);
    PyObject *text = fields == NULL ? NULL : PyUnicode_FromFormat("%d:%d: %s", error->line, error->column, error->message);
    const char *message = text == NULL ? NULL : PyUnicode_AsUTF8AndSize(text, NULL);
    if (message != NULL) st_py_raise_error(state, status, message, fields);
    Py_XDECREF(text);
    Py_XDECREF(fields);
    return NULL;
}

static const char *text_of(PyObject *text, Py_ssize_t *length) {
    if (PyUnicode_Check(text)) return PyUnicode_AsUTF8AndSize(text, length);
    PyErr_Format(PyExc_TypeError, "text: expected a string, got %R", Py_TYPE(text));
    return NULL;
}

/* NULL with an exception. */
static st_spiralk *compile(const st_py_state *state, PyObject *text) {
    Py_ssize_t length;
    st_spiralk *program = NULL;
    st_spiralk_error error = {.struct_size = sizeof error};
    const char *bytes = text_of(text, &length);
    if (bytes == NULL) return NULL;
    const st_status status = st_spiralk_compile(NULL, bytes, (uint64_t)length, &program, &error);
    if (status != ST_OK) raise_program(state, status, &error);
    return program;
}

PyObject *st_py_kdsl_check(PyObject *module, PyObject *text) {
    st_spiralk_counts counts = {.struct_size = sizeof counts};
    st_spiralk *program = compile(st_py_state_of(module), text);
    if (program == NULL) return NULL;
    const st_status status = st_spiralk_count(program, &counts);
    st_spiralk_free(program);
    if (status != ST_OK) return st_py_raise(st_py_state_of(module), status);
    return Py_BuildValue("(iii)", counts.hard, counts.soft, counts.penalties);
}

PyObject *st_py_kdsl_format(PyObject *module, PyObject *text) {
    Py_ssize_t length;
    uint64_t needed = 0;
    st_spiralk_error error = {.struct_size = sizeof error};
    const char *bytes = text_of(text, &length);
    if (bytes == NULL) return NULL;
    char *out = malloc(ST_SPIRALK_BYTES);
    if (out == NULL) return PyErr_NoMemory();
    const st_status status = st_spiralk_format(NULL, bytes, (uint64_t)length, out, ST_SPIRALK_BYTES, &needed, &error);
    PyObject *result = status == ST_OK ? PyUnicode_DecodeUTF8(out, (Py_ssize_t)needed, "strict") : raise_program(st_py_state_of(module), status, &error);
    free(out);
    return result;
}

/* ---- eval ---------------------------------------------------------------------------------------------------------------- */

static PyObject *hard_dict(const st_spiralk_hard *hard) {
    PyObject *dict = PyDict_New();
    for (int32_t i = 0; dict != NULL && i < st_choice_field_count(); i++) {
        if (hard[i].line == 0) continue;
        PyObject *value = PyLong_FromDouble(hard[i].given);
        if (value == NULL || PyDict_SetItemString(dict, st_choice_field_at(i)->name, value) < 0) Py_CLEAR(dict);
        Py_XDECREF(value);
    }
    return dict;
}

/* The rules in the order of the program; a penalty_if has no field, and no value. */
static PyObject *soft_list(const st_spiralk_soft *soft, int32_t count) {
    PyObject *list = PyList_New(0);
    for (int32_t i = 0; list != NULL && i < count; i++) {
        const int is_rule = soft[i].field >= 0;
        PyObject *value = is_rule ? PyLong_FromDouble(soft[i].given) : NULL;
        if (!is_rule) {
            value = Py_None;
            Py_INCREF(value);
        }
        PyObject *rule = value == NULL ? NULL
                                       : Py_BuildValue("{s:z,s:N,s:d,s:i,s:N}", "field", is_rule ? st_choice_field_at(soft[i].field)->name : NULL,
                                                       "value", value, "weight", soft[i].weight, "line", soft[i].line, "conditional",
                                                       PyBool_FromLong(soft[i].conditional));
        if (rule == NULL || PyList_Append(list, rule) < 0) Py_CLEAR(list);
        Py_XDECREF(rule);
    }
    return list;
}

static PyObject *evaluate(const st_py_state *state, const st_spiralk *program, const st_spiralk_facts *facts) {
    int32_t count = 0;
    const uint64_t bytes = st_spiralk_workspace(program);
    void *workspace = malloc((size_t)bytes + 1);
    st_spiralk_hard *hard = calloc((size_t)st_choice_field_count(), sizeof *hard);
    st_spiralk_soft *soft = calloc(ST_SPIRALK_STATEMENTS, sizeof *soft);
    PyObject *result = NULL, *decided = NULL, *rules = NULL;
    if (workspace == NULL || hard == NULL || soft == NULL) {
        PyErr_NoMemory();
    } else {
        const st_status status = st_spiralk_evaluate(program, facts, workspace, bytes, hard, soft, ST_SPIRALK_STATEMENTS, &count);
        if (status != ST_OK) st_py_raise(state, status);
        else if ((decided = hard_dict(hard)) != NULL && (rules = soft_list(soft, count)) != NULL) result = PyTuple_Pack(2, decided, rules);
    }
    Py_XDECREF(rules);
    Py_XDECREF(decided);
    free(soft);
    free(hard);
    free(workspace);
    return result;
}

/* The caps and the identity of a device of the list; "auto" is the CPU's, which is always there. */
static int find_device(st_py_state *state, const char *id, st_device_caps *caps, char identity[256]) {
    st_py_context *context = st_py_context_enter(state);
    if (context == NULL) return -1;
    st_context *engine = st_py_context_engine(context);
    const char *wanted = id == NULL || strcmp(id, "auto") == 0 ? "cpu" : id;
    int found = 0;
    for (int32_t i = 0; i < st_device_count(engine) && !found; i++) {
        st_device_info info = {.struct_size = sizeof info};
        if (st_device_at(engine, i, &info) != ST_OK || strcmp(info.id, wanted) != 0) continue;
        found = st_spiralk_identity(&info, identity) == ST_OK;
        *caps = info.caps;
    }
    if (!found) PyErr_Format(PyExc_ValueError, "device: '%s' is not in devices()", wanted);
    return st_py_context_leave(context) < 0 || !found ? -1 : 0;
}

PyObject *st_py_kdsl_eval(PyObject *module, PyObject *arguments, PyObject *words) {
    static char *names[] = {"text", "rows", "cols", "k", "kind", "dtype", "threads", "device", "caps", NULL};
    st_py_state *state = st_py_state_of(module);
    PyObject *text, *kind, *device, *given;
    long long rows, cols, k;
    int threads;
    const char *dtype, *id;
    char identity[256] = "";
    int32_t word;
    st_rank_request request;
    st_device_caps caps;
    st_spiralk_facts facts = {.struct_size = sizeof facts};
    if (!PyArg_ParseTupleAndKeywords(arguments, words, "OLLLOsiOO:eval", names, &text, &rows, &cols, &k, &kind, &dtype, &threads, &device, &given))
        return NULL;
    if (st_py_read_word(kind, "kind", st_py_kind_words, &word) < 0 || st_py_read_device(device, &id) < 0) return NULL;
    st_rank_request_init(&request, word + ST_TOPK, rows, cols, k);
    request.threads = threads;
    if (st_py_read_dtype(dtype, &request.dtype) < 0) return NULL;
    if (given != Py_None ? st_py_read_caps(given, &caps) < 0 : find_device(state, id, &caps, identity) < 0) return NULL;
    const st_status status = st_spiralk_facts_of(&request, &caps, identity, &facts);
    if (status != ST_OK) return st_py_raise(state, status);
    st_spiralk *program = compile(state, text);
    PyObject *result = program == NULL ? NULL : evaluate(state, program, &facts);
    st_spiralk_free(program);
    return result;
}
