# SPDX-License-Identifier: AGPL-3.0-or-later
"""Exporters of DLPack, honest and lying, built with ctypes around an array of NumPy's; they count what is given and freed."""
import ctypes


class Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32), ("ndim", ctypes.c_int32),
                ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
                ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)), ("byte_offset", ctypes.c_uint64)]


class Plain(ctypes.Structure):
    _fields_ = [("tensor", Tensor), ("manager", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]


class Versioned(ctypes.Structure):
    _fields_ = [("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("manager", ctypes.c_void_p), ("deleter", ctypes.c_void_p),
                ("flags", ctypes.c_uint64), ("tensor", Tensor)]


DELETER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
new_capsule = ctypes.pythonapi.PyCapsule_New
new_capsule.restype = ctypes.py_object
new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
CODES = {"i": 0, "u": 1, "f": 2}


class Exporter:
    """An array as another library would show it. fields replace those of the struct, as a liar's would."""

    def __init__(self, array, versioned, code=None, flags=0, device=(1, 0), major=1, name=None, deleter=True, **fields):
        self.array, self.versioned, self.device = array, versioned, device
        self.code = CODES[array.dtype.kind] if code is None else code
        self.flags, self.major, self.name, self.fields, self.has_deleter = flags, major, name, fields, deleter
        self.given = self.freed = 0
        self.kept = []

    def __dlpack_device__(self):
        return self.device

    def __dlpack__(self, *, stream=None, max_version=None, **words):
        array = self.array
        numbers = ctypes.c_int64 * max(array.ndim, 1)
        shape, strides = numbers(*array.shape), numbers(*(step // array.itemsize for step in array.strides))
        struct = Versioned() if self.versioned else Plain()
        struct.tensor = Tensor(array.ctypes.data, *self.device, array.ndim, self.code, 8 * array.itemsize, 1, shape, strides, 0)
        for field, value in self.fields.items():
            setattr(struct.tensor, field, value)
        if self.versioned:
            struct.major, struct.flags = self.major, self.flags

        def free(_):
            self.freed += 1

        deleter = DELETER(free)
        struct.deleter = ctypes.cast(deleter, ctypes.c_void_p) if self.has_deleter else None
        self.kept.append((shape, strides, struct, deleter, array))
        self.given += 1
        self.capsule_name = ctypes.create_string_buffer(self.name or (b"dltensor_versioned" if self.versioned else b"dltensor"))
        return new_capsule(ctypes.addressof(struct), ctypes.cast(self.capsule_name, ctypes.c_char_p), None)
