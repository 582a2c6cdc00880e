/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* module.c - the module spiraltorch._engine: its functions, its types, and what it holds. */
#include <string.h>

#include "arrays.h"
#include "banding.h"
#include "documents.h"
#include "planning.h"
#include "ranking.h"
#include "statistics.h"
#include "tuning.h"

static struct PyModuleDef definition;

st_py_state *st_py_state_of(PyObject *module) { return PyModule_GetState(module); }

st_py_state *st_py_state_of_type(PyTypeObject *type) { return PyType_GetModuleState(type); }

/* ---- what Python code sees of it ----------------------------------------------------------------------------------------- */

static PyObject *named_tuple_type(const char *name, const char *fields, const char *document) {
    PyObject *collections = PyImport_ImportModule("collections");
    PyObject *type = collections == NULL ? NULL : PyObject_CallMethod(collections, "namedtuple", "ss", name, fields);
    PyObject *text = type == NULL ? NULL : PyUnicode_FromString(document), *home = text == NULL ? NULL : PyUnicode_FromString("spiraltorch");
    if (home == NULL || PyObject_SetAttrString(type, "__doc__", text) < 0 || PyObject_SetAttrString(type, "__module__", home) < 0)
        Py_CLEAR(type);
    Py_XDECREF(home);
    Py_XDECREF(text);
    Py_XDECREF(collections);
    return type;
}

static int make_names(st_py_state *state) {
    static const char *const names[] = {
#define TEXT(name) #name,
        ST_PY_NAMES(TEXT)
#undef TEXT
    };
    for (int i = 0; i < ST_PY_NAME_COUNT; i++)
        if ((state->names[i] = PyUnicode_InternFromString(names[i])) == NULL) return -1;
    return 0;
}

static int add(PyObject *module, const char *name, PyObject *object) {
    return object == NULL ? -1 : PyModule_AddObjectRef(module, name, object);
}

static int execute(PyObject *module) {
    st_py_state *state = st_py_state_of(module);
    memset(state, 0, sizeof *state);
    if (make_names(state) < 0) return -1;
    state->error = PyErr_NewExceptionWithDoc(
        "spiraltorch.Error", "What the engine could not do: status is the name of its answer, such as 'ST_E_DEVICE', and message says why.",
        PyExc_RuntimeError, NULL);
    state->topk = named_tuple_type("TopK", "values indices", "Elements and their places along the axis.");
    state->band = named_tuple_type("Band", "values indices counts",
                                   "Elements, their places along the axis, and how many are of each row, rows one after the other.");
    state->array = st_py_own_type(module);
    state->survey = st_py_survey_type(module);
    if (add(module, "Error", state->error) < 0 || add(module, "TopK", state->topk) < 0 || add(module, "Band", state->band) < 0 ||
        add(module, "Array", (PyObject *)state->array) < 0 || add(module, "Survey", (PyObject *)state->survey) < 0)
        return -1;
    return PyModule_AddStringConstant(module, "__version__", st_version());
}

static PyObject *features(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return PyUnicode_FromString(st_features());
}

/* ---- what it holds ------------------------------------------------------------------------------------------------------- */

static int traverse(PyObject *module, visitproc visit, void *arg) {
    st_py_state *state = st_py_state_of(module);
    if (state == NULL) return 0;
    Py_VISIT(state->error);
    Py_VISIT(state->topk);
    Py_VISIT(state->band);
    Py_VISIT(state->array);
    Py_VISIT(state->survey);
    Py_VISIT(state->torch.type);
    Py_VISIT(state->torch.is_grad_enabled);
    for (int i = 0; i <= ST_U64; i++) Py_VISIT(state->torch.dtypes[i]);
    return 0;
}

static int clear(PyObject *module) {
    st_py_state *state = st_py_state_of(module);
    if (state == NULL) return 0;
    Py_CLEAR(state->error);
    Py_CLEAR(state->topk);
    Py_CLEAR(state->band);
    Py_CLEAR(state->array);
    Py_CLEAR(state->survey);
    Py_CLEAR(state->torch.type);
    Py_CLEAR(state->torch.is_grad_enabled);
    for (int i = 0; i <= ST_U64; i++) Py_CLEAR(state->torch.dtypes[i]);
    for (int i = 0; i < ST_PY_NAME_COUNT; i++) Py_CLEAR(state->names[i]);
    return 0;
}

static void release(void *module) {
    (void)clear(module);
    st_py_state *state = st_py_state_of(module);
    if (state != NULL) st_py_context_close(state);
}

/* ---- the module ---------------------------------------------------------------------------------------------------------- */

#define FAST(function) ((PyCFunction)(void (*)(void))(function))

static PyMethodDef functions[] = {
    {"topk", FAST(st_py_topk), METH_FASTCALL | METH_KEYWORDS, ST_PY_DOC_TOPK},
    {"top_k", FAST(st_py_top_k), METH_FASTCALL | METH_KEYWORDS, ST_PY_DOC_TOP_K},
    {"topk2d", FAST(st_py_topk2d), METH_FASTCALL | METH_KEYWORDS, ST_PY_DOC_TOPK2D},
    {"midk2d", FAST(st_py_midk2d), METH_FASTCALL | METH_KEYWORDS, ST_PY_DOC_MIDK2D},
    {"bottomk2d", FAST(st_py_bottomk2d), METH_FASTCALL | METH_KEYWORDS, ST_PY_DOC_BOTTOMK2D},
    {"rank_window", FAST(st_py_rank_window), METH_FASTCALL | METH_KEYWORDS, ST_PY_DOC_RANK_WINDOW},
    {"band_compact", FAST(st_py_band_compact), METH_VARARGS | METH_KEYWORDS, ST_PY_DOC_BAND_COMPACT},
    {"stream_topk", FAST(st_py_stream_topk), METH_VARARGS | METH_KEYWORDS, ST_PY_DOC_STREAM_TOPK},
    {"quantile", FAST(st_py_quantile), METH_VARARGS | METH_KEYWORDS, ST_PY_DOC_QUANTILE},
    {"trimmed_mean", FAST(st_py_trimmed_mean), METH_VARARGS | METH_KEYWORDS, ST_PY_DOC_TRIMMED_MEAN},
    {"set_num_threads", st_py_set_num_threads, METH_O, ST_PY_DOC_SET_NUM_THREADS},
    {"get_num_threads", st_py_get_num_threads, METH_NOARGS, ST_PY_DOC_GET_NUM_THREADS},
    {"reload", st_py_reload, METH_NOARGS, ST_PY_DOC_RELOAD},
    {"features", features, METH_NOARGS, "features()\n--\n\nA line for each optional feature of the library."},
    {"plan", FAST(st_py_plan), METH_VARARGS | METH_KEYWORDS, "What spiraltorch.plan shows, a dict."},
    {"devices", st_py_devices, METH_NOARGS, "What spiraltorch.devices shows, a list of dicts."},
    {"kdsl_check", st_py_kdsl_check, METH_O, "Counts the statements of a program."},
    {"kdsl_format", st_py_kdsl_format, METH_O, "Lays out a program."},
    {"kdsl_eval", FAST(st_py_kdsl_eval), METH_VARARGS | METH_KEYWORDS, "What a program says of a request: a dict and a list."},
    {"install_table", st_py_install_table, METH_O, "Installs the table of a file for contexts made from now on."},
    {"_after_fork", st_py_after_fork, METH_NOARGS, "_after_fork()\n--\n\nForgets the threads that a forked child does not have."},
    {NULL, NULL, 0, NULL}};

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)execute}, {0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "spiraltorch._engine",
    .m_doc = "The engine: what spiraltorch/__init__.py shows of it has the documentation.",
    .m_size = sizeof(st_py_state),
    .m_methods = functions,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
    .m_free = release,
};

PyMODINIT_FUNC PyInit__engine(void) { return PyModuleDef_Init(&definition); }
