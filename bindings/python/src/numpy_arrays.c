/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * numpy_arrays.c - NumPy's arrays, read and made without its headers and without importing it.
 *
 * NumPy has kept the layout of an array's head since 1.0, and hands out a table of functions whose places are fixed within the
 * versions that the table's first entry names. Both are tried on an array, and compared with what the buffer protocol says
 * of it, before they are used; a NumPy that fails this is read like any other library, by DLPack and buffers.
 */
#include <string.h>

#include "arrays.h"

/* The head of a dtype, and of an array. */
struct descr {
    PyObject head;
    PyTypeObject *scalar;
    char kind, letter, byteorder, flags;
    int number;
};

struct ndarray {
    PyObject head;
    char *data;
    int dims;
    Py_ssize_t *shape, *strides; /* strides in bytes */
    PyObject *base;
    struct descr *descr;
    int flags;
};

enum { WRITEABLE = 0x0400 };

/* Places in the table, and the versions in which they are these. */
enum { GET_VERSION = 0, ARRAY_TYPE = 2, DESCR_FROM_TYPE = 45, NEW_FROM_DESCR = 94 };
static const unsigned known_versions[] = {0x01000009u, 0x02000000u};

/* Numbers of dtypes: those of C's types, in C's order, signed before unsigned. */
enum { BYTE = 1, UBYTE = 2, SHORT = 3, USHORT = 4, INT = 5, UINT = 6, LONG = 7, ULONG = 8, LONGLONG = 9, ULONGLONG = 10, FLOAT = 11, DOUBLE = 12, HALF = 23 };

static st_dtype integer(size_t size, int is_unsigned) {
    const int step = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3;
    return ST_I8 + 2 * step + is_unsigned;
}

static st_dtype dtype_of(int number) {
    static const size_t sizes[] = {sizeof(char), sizeof(short), sizeof(int), sizeof(long), sizeof(long long)};
    if (number == FLOAT) return ST_F32;
    if (number == DOUBLE) return ST_F64;
    if (number == HALF) return ST_F16;
    return number >= BYTE && number <= ULONGLONG ? integer(sizes[(number - BYTE) / 2], (number - BYTE) % 2) : 0;
}

static int number_of(st_dtype dtype) {
    static const int floats[] = {FLOAT, DOUBLE, HALF};
    if (dtype <= ST_F16) return floats[dtype - ST_F32];
    if (dtype < ST_I32) return BYTE + (dtype - ST_I8);
    if (dtype < ST_I64) return INT + (dtype - ST_I32);
    return (sizeof(long) == 8 ? LONG : LONGLONG) + (dtype - ST_I64);
}

/* ---- getting to know it -------------------------------------------------------------------------------------------------- */

static void *const *table_of(void) {
    static const char *const modules[] = {"numpy._core._multiarray_umath", "numpy.core._multiarray_umath"};
    void *const *table = NULL;
    for (int i = 0; i < 2 && table == NULL; i++) {
        PyObject *name = PyUnicode_FromString(modules[i]);
        PyObject *module = name == NULL ? NULL : PyImport_GetModule(name);
        PyObject *capsule = module == NULL ? NULL : PyObject_GetAttrString(module, "_ARRAY_API");
        if (capsule != NULL && PyCapsule_CheckExact(capsule)) table = PyCapsule_GetPointer(capsule, NULL);
        Py_XDECREF(capsule);
        Py_XDECREF(module);
        Py_XDECREF(name);
        PyErr_Clear();
    }
    return table;
}

/* Whether an array of 2 x 3 is, in our eyes, what the buffer protocol says. */
static int agrees(const st_py_numpy *numpy) {
    const Py_ssize_t shape[] = {2, 3};
    PyObject *descr = numpy->descr_from_type(SHORT);
    PyObject *made = descr == NULL ? NULL : numpy->new_from_descr(numpy->type, descr, 2, shape, NULL, NULL, 0, NULL);
    Py_buffer view;
    if (made == NULL || Py_TYPE(made) != numpy->type || PyObject_GetBuffer(made, &view, PyBUF_FULL) < 0) {
        Py_XDECREF(made);
        PyErr_Clear();
        return 0;
    }
    const struct ndarray *array = (const struct ndarray *)made;
    const int same = array->data == view.buf && array->dims == view.ndim && memcmp(array->shape, view.shape, sizeof shape) == 0 &&
                     memcmp(array->strides, view.strides, sizeof shape) == 0 && (array->flags & WRITEABLE) != 0 &&
                     array->descr->number == SHORT && strcmp(view.format, "h") == 0;
    PyBuffer_Release(&view);
    Py_DECREF(made);
    return same;
}

/*
 * Functions are handed out as data pointers, which POSIX lets be cast, and ISO C does not; hence by way of their bytes.
 * Learns NumPy where the caller has it; 1 where it is known then.
 */
static int learn(st_py_state *state) {
    unsigned (*get_version)(void);
    st_py_numpy numpy;
    void *const *table = table_of();
    if (table == NULL) return 0;
    memcpy(&get_version, &table[GET_VERSION], sizeof get_version);
    const unsigned version = get_version();
    if (version != known_versions[0] && version != known_versions[1]) return 0;
    numpy.type = table[ARRAY_TYPE];
    memcpy(&numpy.descr_from_type, &table[DESCR_FROM_TYPE], sizeof numpy.descr_from_type);
    memcpy(&numpy.new_from_descr, &table[NEW_FROM_DESCR], sizeof numpy.new_from_descr);
    if (!agrees(&numpy)) return 0;
    state->numpy = numpy;
    return 1;
}

/* ---- looking at an array ------------------------------------------------------------------------------------------------- */

/* bfloat16 is no dtype of NumPy's own; packages that add it, such as ml_dtypes, give it this name. */
static int is_bfloat16(const st_py_state *state, const struct descr *descr) {
    PyObject *name = PyObject_GetAttr((PyObject *)descr, ST_PY_INTERNED(state, name));
    const int same = name != NULL && PyUnicode_Check(name) && PyUnicode_CompareWithASCIIString(name, "bfloat16") == 0;
    Py_XDECREF(name);
    PyErr_Clear();
    return same;
}

static int find_dtype(const st_py_state *state, const struct descr *descr, const char *name, st_dtype *dtype) {
    const uint16_t one = 1;
    const char foreign = *(const char *)&one == 1 ? '>' : '<';
    *dtype = dtype_of(descr->number);
    if (*dtype == 0 && is_bfloat16(state, descr)) *dtype = ST_BF16;
    if (*dtype == 0) return st_py_refuse_dtype(name, (PyObject *)descr);
    if (descr->byteorder != foreign) return 0;
    PyErr_Format(PyExc_ValueError, "%s: has the byte order of another machine; give %s.astype(%s.dtype.newbyteorder('='))", name, name, name);
    return -1;
}

int st_py_numpy_import(st_py_state *state, PyObject *object, const char *name, int writable, st_py_array *array) {
    if (state->numpy.type == NULL && !learn(state)) return 0;
    if (Py_TYPE(object) != state->numpy.type) {
        if (!PyType_IsSubtype(Py_TYPE(object), state->numpy.type)) return 0;
        if (PyObject_HasAttr((PyObject *)Py_TYPE(object), ST_PY_INTERNED(state, mask))) {
            PyErr_Format(PyExc_TypeError, "%s: is a masked array, whose mask would be passed over; give %s.filled(...)", name, name);
            return -1;
        }
    }
    const struct ndarray *given = (const struct ndarray *)object;
    if (find_dtype(state, given->descr, name, &array->dtype) < 0) return -1;
    array->library = ST_PY_NUMPY;
    array->data = given->data;
    array->writable = (given->flags & WRITEABLE) != 0;
    if (writable && !array->writable) {
        PyErr_Format(PyExc_ValueError, "%s: is read-only", name);
        return -1;
    }
    array->dims = given->dims;
    if (given->dims > ST_PY_MOST_DIMS) {
        PyErr_Format(PyExc_ValueError, "%s: has %d axes; at most %d are ranked", name, given->dims, ST_PY_MOST_DIMS);
        return -1;
    }
    const Py_ssize_t size = (Py_ssize_t)st_dtype_size(array->dtype);
    for (int i = 0; i < given->dims; i++) {
        array->shape[i] = given->shape[i];
        array->strides[i] = given->strides[i] / size;
        if (given->strides[i] % size != 0 && given->shape[i] > 1) {
            PyErr_Format(PyExc_ValueError, "%s: strides of %zd bytes are no multiple of its elements of %zd; give %s.copy()", name,
                         given->strides[i], size, name);
            return -1;
        }
    }
    return 1;
}

/* ---- making one ---------------------------------------------------------------------------------------------------------- */

PyObject *st_py_numpy_make(st_py_state *state, const st_py_array *like, st_dtype dtype, int32_t dims, const int64_t *shape, char **data) {
    Py_ssize_t sizes[ST_PY_MOST_DIMS + 1];
    PyObject *descr;
    for (int32_t i = 0; i < dims; i++) sizes[i] = (Py_ssize_t)shape[i];
    if (dtype == like->dtype) {
        descr = (PyObject *)((const struct ndarray *)like->object)->descr;
        Py_INCREF(descr);
    } else {
        descr = state->numpy.descr_from_type(number_of(dtype));
    }
    PyObject *made = descr == NULL ? NULL : state->numpy.new_from_descr(state->numpy.type, descr, dims, sizes, NULL, NULL, 0, NULL);
    if (made != NULL) *data = ((struct ndarray *)made)->data;
    return made;
}
