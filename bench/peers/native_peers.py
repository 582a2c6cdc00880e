# SPDX-License-Identifier: AGPL-3.0-or-later
"""native.cpp through ctypes: the peers that are C++, and the read limit, timed by the library's own clock."""
import ctypes

from case import Cannot, Missing, Way


class Native:
    """The shared library; OSError where it cannot be loaded."""

    def __init__(self, path):
        library = ctypes.CDLL(path)
        self.read_call = library.st_peers_read
        self.read_call.restype = ctypes.c_double
        self.read_call.argtypes = [ctypes.c_int32, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int64]
        self.run = library.st_peers_run
        self.run.restype = ctypes.c_double
        self.run.argtypes = [ctypes.c_int32, ctypes.c_int32, ctypes.c_int32, ctypes.c_char_p, ctypes.c_int64,
                             ctypes.c_int64, ctypes.c_int64, ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p,
                             ctypes.c_void_p, ctypes.c_int64]
        self.threads = library.st_peers_threads
        self.threads.restype = ctypes.c_int32
        self.threads.argtypes = [ctypes.c_int64, ctypes.c_int32]
        for name, arguments in (("st_peers_name", 1), ("st_peers_version", 1), ("st_peers_way", 2)):
            call = getattr(library, name)
            call.restype = ctypes.c_char_p
            call.argtypes = [ctypes.c_int32] * arguments
            setattr(self, name.removeprefix("st_peers_"), call)

    def read(self, case, repeats):
        """Nanoseconds of one pass that only reads the case's input."""
        nanoseconds = self.read_call(case.threads, case.input_address(), case.input_bytes, repeats)
        if nanoseconds < 0:
            raise Cannot(f"{case.threads} threads cannot be started for the read limit")
        return nanoseconds

    def peers(self):
        found = []
        while self.name(len(found)):
            found.append(NativePeer(self, len(found)))
        return found


class NativePeer:
    def __init__(self, native, number):
        self.native, self.number = native, number
        self.name = native.name(number).decode()

    def load(self, threads):
        version = self.native.version(self.number)
        if version is None:
            raise Missing("the native library was built without it: install libhwy-dev and configure again")
        return version.decode()

    def ways(self, case):
        case.only_top_and_bottom()
        arguments = [case.descending, case.dtype.encode(), case.rows, case.cols, case.k, case.threads,
                     case.input_address(), case.values_address(), case.indices_address()]
        found, way = [], 0
        while how := self.native.way(self.number, way):
            found.append(Way(how.decode(), None, timed=self._timed(way, arguments),
                             threads=self.native.threads(case.rows, case.threads)))
            way += 1
        return found

    def _timed(self, way, arguments):
        def run(repeats):
            nanoseconds = self.native.run(self.number, way, *arguments, repeats)
            if nanoseconds < 0:
                raise Cannot("not enough memory or threads" if nanoseconds == -1 else "this way does not take the case")
            return nanoseconds
        return run
