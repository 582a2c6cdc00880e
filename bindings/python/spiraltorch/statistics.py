# SPDX-License-Identifier: AGPL-3.0-or-later
"""The median, the quantile that has a name of its own."""
from __future__ import annotations

from ._engine import quantile

TYPE_CHECKING = False  # typing's own would have it imported
if TYPE_CHECKING:
    from typing import Any

    from ._engine import _Buffer, _Exporter, _Method, _NanUse


def median(x: _Exporter | _Buffer, dim: int | None = None, *, method: _Method = "lower", keepdim: bool = False,
           nan: _NanUse = "propagate", device: str | None = "auto") -> Any:
    """The median along an axis, by selection in place of a sort.

    x: as in topk. dim: the axis; None, as in NumPy and torch, takes all elements. keepdim=True leaves 1 in place of the
        axis.
    method: of an even number of elements the lower of the two in the middle, as torch has it; "linear", as in NumPy, is
        half-way between the two; and all other methods of quantile.
    nan: a row with NaN gives NaN ("propagate"), is ranked without them ("omit"), or is an "error".

    Returns an array of x's library: of x's dtype, or float64 where x has integers and the method can lie between two.
    Raises what topk raises. midk2d and rank_window say where the median is.

    >>> import numpy, spiraltorch
    >>> x = numpy.array([[4, 1, 3, 2], [9, 7, 8, 6]])
    >>> spiraltorch.median(x, dim=1).tolist()
    [2, 7]
    >>> spiraltorch.median(x, dim=1, method="linear").tolist()
    [2.5, 7.5]
    """
    return quantile(x, 0.5, dim, method=method, keepdim=keepdim, nan=nan, device=device)
