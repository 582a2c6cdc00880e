# SPDX-License-Identifier: AGPL-3.0-or-later
"""Selections that train: topk, midk and rank_window of PyTorch tensors, with gradients.

>>> import torch
>>> import spiraltorch as st
>>> x = torch.tensor([[1.0, 4.0, 2.0], [6.0, 5.0, 3.0]], requires_grad=True)
>>> values, indices = st.torch.topk(x, 2)
>>> indices.tolist()
[[1, 2], [0, 1]]
>>> (values * torch.tensor([1.0, 10.0])).sum().backward()
>>> x.grad.tolist()
[[0.0, 1.0, 10.0], [1.0, 10.0, 0.0]]

The gradient of an element that was selected is that of its place in the output; of all others it is 0. Higher
derivatives follow. From PyTorch 2.4 on the selection is an operator of torch.library, ``spiraltorch::select``, so that
``torch.compile(fullgraph=True)`` keeps it in its graph; in older ones it is a plain ``torch.autograd.Function``.
"""
import typing

import torch

import spiraltorch as st

if typing.TYPE_CHECKING:
    from ._engine import _NanRule

__all__ = ["midk", "rank_window", "topk"]


def topk(x: torch.Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *, nan: "_NanRule" = "greatest",
         lengths: typing.Optional[torch.Tensor] = None) -> "st.TopK[torch.Tensor]":
    """As ``spiraltorch.topk``, with a gradient. Places beyond a short row's elements have index -1, value 0 and no gradient."""
    return st.TopK(*_select(x, 0, k, dim, largest, sorted, nan, lengths))


def midk(x: torch.Tensor, k: int, dim: int = -1, *, sorted: bool = True, nan: "_NanRule" = "greatest") -> "st.TopK[torch.Tensor]":
    """The k middle elements of each row, smallest first: ranks [(n - k) // 2, (n - k) // 2 + k). k 1 is the lower median."""
    first = (x.shape[dim] - k) // 2
    return st.TopK(*_select(x, first, first + k, dim, False, sorted, nan, None))


def rank_window(x: torch.Tensor, lo: int, hi: int, dim: int = -1, descending: bool = False, *, sorted: bool = True,
                nan: "_NanRule" = "greatest", lengths: typing.Optional[torch.Tensor] = None) -> "st.TopK[torch.Tensor]":
    """As ``spiraltorch.rank_window``, with a gradient: the elements of ranks [lo, hi) of each row."""
    return st.TopK(*_select(x, lo, hi, dim, descending, sorted, nan, lengths))


# From PyTorch's view nan is any string: its schemas have no other words for it.
def _forward(x: torch.Tensor, lo: int, hi: int, dim: int, descending: bool, sorted: bool, nan: str,
             lengths: typing.Optional[torch.Tensor]) -> typing.Tuple[torch.Tensor, torch.Tensor]:
    x = x.detach().resolve_neg()  # a view that negates lazily has no memory to read
    if lo == 0:  # TopK and BottomK have kernels of their own
        values, indices = st.topk(x, hi, dim, descending, sorted, nan=typing.cast("_NanRule", nan), lengths=lengths)
    else:
        values, indices = st.rank_window(x, lo, hi, dim, descending, sorted=sorted, nan=typing.cast("_NanRule", nan),
                                         lengths=lengths)
    return values, indices


def _remember(ctx: typing.Any, x: torch.Tensor, dim: int, indices: torch.Tensor, lengths: typing.Optional[torch.Tensor]) -> None:
    ctx.save_for_backward(indices)
    ctx.shape, ctx.dim, ctx.short_rows = x.shape, dim, lengths is not None


def _backward(ctx: typing.Any, gradient: torch.Tensor, _: typing.Any) -> typing.Tuple[typing.Optional[torch.Tensor], ...]:
    indices, = ctx.saved_tensors
    if ctx.short_rows:
        gradient = torch.where(indices >= 0, gradient, torch.zeros_like(gradient))
        indices = indices.clamp(min=0)
    # Of operators that have gradients themselves, so that this one's has, too.
    return gradient.new_zeros(ctx.shape).scatter_add(ctx.dim, indices, gradient), *[None] * 7


if hasattr(torch.library, "custom_op"):
    _select = torch.library.custom_op("spiraltorch::select", _forward, mutates_args=())

    @_select.register_fake
    def _fake(x: torch.Tensor, lo: int, hi: int, dim: int, *_: typing.Any) -> typing.Tuple[torch.Tensor, torch.Tensor]:
        shape = list(x.shape)
        shape[dim] = hi - lo
        return x.new_empty(shape), x.new_empty(shape, dtype=torch.int64)

    def _setup_context(ctx: typing.Any, inputs: typing.Tuple[typing.Any, ...], output: typing.Tuple[typing.Any, ...]) -> None:
        x, _, _, dim, _, _, _, lengths = inputs
        _remember(ctx, x, dim, output[1], lengths)

    _select.register_autograd(_backward, setup_context=_setup_context)
else:
    class _Select(torch.autograd.Function):
        @staticmethod
        def forward(ctx: typing.Any, x: torch.Tensor, lo: int, hi: int, dim: int, descending: bool, sorted: bool, nan: str,
                    lengths: typing.Optional[torch.Tensor]) -> typing.Tuple[torch.Tensor, torch.Tensor]:
            values, indices = _forward(x, lo, hi, dim, descending, sorted, nan, lengths)
            _remember(ctx, x, dim, indices, lengths)
            ctx.mark_non_differentiable(indices)
            return values, indices

        @staticmethod
        def backward(ctx: typing.Any, *gradients: typing.Any) -> typing.Any:
            return _backward(ctx, *gradients)

    _select = _Select.apply
