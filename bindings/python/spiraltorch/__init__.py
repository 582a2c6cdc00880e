# SPDX-License-Identifier: AGPL-3.0-or-later
"""SpiralTorch: exact, deterministic top-k, medians, quantiles and rank windows for arrays of NumPy, torch and others.

Arrays go in as they are, of NumPy, torch, any library with DLPack, or the buffer protocol; results are arrays of the same
library. No other package is needed, and none is imported. Equal values come lowest index first, on every device and for
every number of threads; NaN, -0 and ties have a defined place. Twelve dtypes, up to 8 axes, any strides.

>>> import numpy, spiraltorch as st
>>> values, indices = st.topk(numpy.array([3.0, 1.0, 4.0, 1.0, 5.0]), 2)
>>> values.tolist(), indices.tolist()
([5.0, 4.0], [4, 2])
"""
from __future__ import annotations

import os as _os

from . import _engine, kdsl
from ._engine import (
    Array,
    Band,
    Error,
    TopK,
    __version__,
    band_compact,
    bottomk2d,
    get_num_threads,
    midk2d,
    quantile,
    rank_window,
    reload,
    set_num_threads,
    stream_topk,
    top_k,
    topk,
    topk2d,
    trimmed_mean,
)
from .planning import Device, Plan, devices, plan
from .statistics import median
from .tuning import Tuning, tune

TYPE_CHECKING = False  # typing's own would have it imported
if TYPE_CHECKING:
    from . import torch as torch
del TYPE_CHECKING

# A child has none of its parent's threads, and makes its own at its first call.
if hasattr(_os, "register_at_fork"):
    _os.register_at_fork(after_in_child=_engine._after_fork)


def __getattr__(name: str) -> object:
    """spiraltorch.torch, which imports torch, is loaded when it is asked for."""
    if name == "torch":
        import importlib

        return importlib.import_module(".torch", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Array",
    "Band",
    "Device",
    "Error",
    "Plan",
    "TopK",
    "Tuning",
    "__version__",
    "band_compact",
    "bottomk2d",
    "devices",
    "get_num_threads",
    "kdsl",
    "median",
    "midk2d",
    "plan",
    "quantile",
    "rank_window",
    "reload",
    "set_num_threads",
    "stream_topk",
    "top_k",
    "topk",
    "topk2d",
    "trimmed_mean",
    "tune",
]
