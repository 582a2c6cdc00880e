# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where wgpu-native is: in the PyPI package wgpu, if that is installed. The package is found, not imported."""
from __future__ import annotations

import importlib.util
import os

_NAMES = ("libwgpu_native-release.so", "libwgpu_native-release.dylib", "wgpu_native-release.dll")


def path() -> bytes | None:
    """The library's path as bytes; None where there is none, or where ST_WGPU_LIBRARY says which is meant."""
    if os.environ.get("ST_WGPU_LIBRARY"):
        return None
    found = importlib.util.find_spec("wgpu")
    for folder in (found.submodule_search_locations or ()) if found is not None else ():
        for name in _NAMES:
            library = os.path.join(folder, "resources", name)
            if os.path.isfile(library):
                return os.fsencode(library)
    return None
