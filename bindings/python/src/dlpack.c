/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* dlpack.c - arrays of others, by their __dlpack__: what the capsule says is checked before it is believed. */
#include "dlpack.h"

#include <string.h>

#include "arrays.h"

/*
 * A capsule that was taken has another name, so that its own destructor leaves the memory alone; whoever took it calls the
 * deleter, and here that is the destructor of a capsule that stands for "taken".
 */
static const char plain_name[] = "dltensor", used_plain_name[] = "used_dltensor";
static const char versioned_name[] = "dltensor_versioned", used_versioned_name[] = "used_dltensor_versioned";

static void give_back(PyObject *holder) {
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace); /* a deleter may run code of the exporter's */
    void *managed = PyCapsule_GetPointer(holder, PyCapsule_GetName(holder));
    if (PyCapsule_GetName(holder) == used_versioned_name) {
        st_dl_versioned *tensor = managed;
        if (tensor != NULL && tensor->deleter != NULL) tensor->deleter(tensor);
    } else {
        st_dl_managed *tensor = managed;
        if (tensor != NULL && tensor->deleter != NULL) tensor->deleter(tensor);
    }
    PyErr_Restore(type, value, trace);
}

static int refuse_capsule(const char *name, const char *what) {
    PyErr_Format(PyExc_ValueError, "%s: its __dlpack__ %s", name, what);
    return -1;
}

/* Takes a capsule's memory over: a holder that gives it back when it goes. The capsule itself is done with. */
static PyObject *take_over(PyObject *capsule, const char *name) {
    const int is_versioned = PyCapsule_IsValid(capsule, versioned_name);
    if (!is_versioned && !PyCapsule_IsValid(capsule, plain_name)) {
        refuse_capsule(name, PyCapsule_CheckExact(capsule) ? "gave a capsule that was used before, or of another kind" : "gave no capsule");
        return NULL;
    }
    void *managed = PyCapsule_GetPointer(capsule, is_versioned ? versioned_name : plain_name);
    PyObject *holder = PyCapsule_New(managed, is_versioned ? used_versioned_name : used_plain_name, NULL);
    if (holder == NULL) return NULL;
    if (PyCapsule_SetName(capsule, is_versioned ? used_versioned_name : used_plain_name) < 0 || PyCapsule_SetDestructor(holder, give_back) < 0)
        Py_CLEAR(holder);
    return holder;
}

static st_dtype dtype_of(const st_dl_tensor *tensor) {
    const int bits = tensor->dtype.bits, code = tensor->dtype.code;
    const int step = bits == 8 ? 0 : bits == 16 ? 1 : bits == 32 ? 2 : bits == 64 ? 3 : -1;
    if (tensor->dtype.lanes != 1 || step < 0) return 0;
    if (code == ST_DL_INT || code == ST_DL_UINT) return ST_I8 + 2 * step + (code == ST_DL_UINT);
    if (code == ST_DL_BFLOAT) return bits == 16 ? ST_BF16 : 0;
    if (code != ST_DL_FLOAT) return 0;
    return bits == 64 ? ST_F64 : bits == 32 ? ST_F32 : bits == 16 ? ST_F16 : 0;
}

static int refuse_element(const char *name, const st_dl_tensor *tensor) {
    PyObject *text = PyUnicode_FromFormat("DLPack code %d of %d bits, %d lanes", tensor->dtype.code, tensor->dtype.bits, tensor->dtype.lanes);
    if (text != NULL) st_py_refuse_dtype(name, text);
    Py_XDECREF(text);
    return -1;
}

/* ---- where it lies ------------------------------------------------------------------------------------------------------- */

static int is_host(int64_t type) { return type == ST_DL_CPU || type == ST_DL_CUDA_HOST || type == ST_DL_ROCM_HOST; }

static int refuse_place(const st_py_state *state, const char *name, int64_t type, int64_t id) {
    static const struct {
        int32_t type;
        const char *name;
    } places[] = {{ST_DL_CUDA, "cuda"}, {4, "opencl"}, {7, "vulkan"}, {8, "mps"}, {9, "vpi"}, {10, "hip"}, {13, "cuda (managed)"},
                  {14, "oneapi"}, {15, "wgpu"}, {16, "hexagon"}};
    const char *place = "device";
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (places[i].type == type) place = places[i].name;
    PyObject *text = PyUnicode_FromFormat("%s:%lld", place, (long long)id);
    const char *device = text == NULL ? NULL : PyUnicode_AsUTF8AndSize(text, NULL);
    if (device != NULL) st_py_refuse_device(state, name, device, "give a copy on the host, such as x.cpu() of torch or cupy.asnumpy(x)");
    Py_XDECREF(text);
    return -1;
}

/* Asked before any capsule is made, because making one on a device may wait for its streams. */
static int check_device(const st_py_state *state, PyObject *object, const char *name) {
    PyObject *pair = PyObject_CallMethodObjArgs(object, ST_PY_INTERNED(state, __dlpack_device__), NULL);
    if (pair == NULL) return -1;
    long long numbers[2] = {0, 0};
    int failed = !PyTuple_Check(pair) || PyTuple_Size(pair) != 2;
    for (int i = 0; i < 2 && !failed; i++) {
        PyObject *index = PyNumber_Index(PyTuple_GetItem(pair, i)); /* an IntEnum, as a rule */
        numbers[i] = index == NULL ? -1 : PyLong_AsLongLong(index);
        failed = PyErr_Occurred() != NULL;
        Py_XDECREF(index);
    }
    Py_DECREF(pair);
    if (failed) {
        PyErr_Clear();
        PyErr_Format(PyExc_ValueError, "%s: its __dlpack_device__ does not give a pair of integers", name);
        return -1;
    }
    return is_host(numbers[0]) ? 0 : refuse_place(state, name, numbers[0], numbers[1]);
}

/* ---- the array ----------------------------------------------------------------------------------------------------------- */

static int fill(const st_py_state *state, const st_dl_tensor *tensor, uint64_t flags, const char *name, int writable, st_py_array *array) {
    if (!is_host(tensor->device.type)) return refuse_place(state, name, tensor->device.type, tensor->device.id);
    array->dtype = dtype_of(tensor);
    if (array->dtype == 0) return refuse_element(name, tensor);
    if (tensor->dims < 0 || tensor->dims > ST_PY_MOST_DIMS) {
        PyErr_Format(PyExc_ValueError, "%s: has %d axes; at most %d are ranked", name, tensor->dims, ST_PY_MOST_DIMS);
        return -1;
    }
    if (tensor->dims > 0 && tensor->shape == NULL) return refuse_capsule(name, "gave no shape");
    array->dims = tensor->dims;
    for (int i = 0; i < tensor->dims; i++) array->shape[i] = tensor->shape[i];
    st_py_packed_strides(array->dims, array->shape, array->strides);
    for (int i = 0; i < tensor->dims && tensor->strides != NULL; i++) array->strides[i] = tensor->strides[i];
    array->data = tensor->data == NULL ? NULL : (char *)tensor->data + tensor->byte_offset;
    array->writable = (flags & ST_DL_READ_ONLY) == 0;
    if (!writable || array->writable) return 0;
    PyErr_Format(PyExc_ValueError, "%s: is read-only", name);
    return -1;
}

int st_py_dlpack_take(const st_py_state *state, PyObject *capsule, const char *name, int writable, st_py_array *array) {
    array->capsule = take_over(capsule, name);
    Py_DECREF(capsule);
    if (array->capsule == NULL) return -1;
    if (PyCapsule_GetName(array->capsule) != used_versioned_name) {
        const st_dl_managed *managed = PyCapsule_GetPointer(array->capsule, used_plain_name);
        return fill(state, &managed->tensor, 0, name, writable, array);
    }
    const st_dl_versioned *managed = PyCapsule_GetPointer(array->capsule, used_versioned_name);
    if (managed->version.major != 1) return refuse_capsule(name, "gave a struct of a version that is not known here; 1 is");
    return fill(state, &managed->tensor, managed->flags, name, writable, array);
}

/* Exporters from before DLPack 1 take no max_version. */
static PyObject *capsule_of(const st_py_state *state, PyObject *object) {
    PyObject *make = PyObject_GetAttr(object, ST_PY_INTERNED(state, __dlpack__));
    PyObject *none = PyTuple_New(0), *words = Py_BuildValue("{s:(ii)}", "max_version", 1, 0);
    PyObject *capsule = make == NULL || none == NULL || words == NULL ? NULL : PyObject_Call(make, none, words);
    if (capsule == NULL && make != NULL && PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Clear();
        capsule = PyObject_CallObject(make, NULL);
    }
    Py_XDECREF(words);
    Py_XDECREF(none);
    Py_XDECREF(make);
    return capsule;
}

int st_py_dlpack_import(const st_py_state *state, PyObject *object, const char *name, int writable, st_py_array *array) {
    PyObject *type = (PyObject *)Py_TYPE(object); /* asking it runs none of the object's own code */
    if (!PyObject_HasAttr(type, ST_PY_INTERNED(state, __dlpack__)) || !PyObject_HasAttr(type, ST_PY_INTERNED(state, __dlpack_device__)))
        return 0;
    if (check_device(state, object, name) < 0) return -1;
    PyObject *capsule = capsule_of(state, object);
    if (capsule == NULL) return -1;
    array->library = ST_PY_DLPACK;
    return st_py_dlpack_take(state, capsule, name, writable, array) < 0 ? -1 : 1;
}
