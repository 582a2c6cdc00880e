# SPDX-License-Identifier: AGPL-3.0-or-later
# What the extension module has, for type checkers. tests/python/test_documents.py compares it with the docstrings.
from collections.abc import Iterable, Sequence
from os import PathLike
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar, final, overload

from typing_extensions import Buffer

class _Exporter(Protocol):
    def __dlpack__(self, *, stream: Any = ...) -> Any: ...
    def __dlpack_device__(self) -> tuple[Any, Any]: ...

_Buffer = Buffer
_V = TypeVar("_V", covariant=True)
_X = TypeVar("_X", bound=_Exporter)
_NanRule = Literal["greatest", "least", "last", "error"]
_NanUse = Literal["propagate", "omit", "error"]
_Method = Literal[
    "linear", "lower", "higher", "midpoint", "nearest", "inverted_cdf", "averaged_inverted_cdf", "closest_observation",
    "interpolated_inverted_cdf", "hazen", "weibull", "median_unbiased", "normal_unbiased",
]

__version__: str

class Error(RuntimeError):
    status: str
    message: str

@final
class Array:
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> str: ...
    def tolist(self) -> Any: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Any: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __dlpack__(
        self, *, stream: None = None, max_version: tuple[int, int] | None = None, dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...

class TopK(NamedTuple, Generic[_V]):
    values: _V
    indices: Any

class Band(NamedTuple, Generic[_V]):
    values: _V
    indices: Any
    counts: Any

@overload
def topk(
    x: _X, k: int, dim: int | None = -1, largest: bool = True, sorted: bool = True, *, nan: _NanRule = "greatest",
    lengths: _Exporter | _Buffer | Sequence[int] | None = None, device: str | None = "auto", out: Sequence[Any] | None = None,
) -> TopK[_X]: ...
@overload
def topk(
    x: _Buffer, k: int, dim: int | None = -1, largest: bool = True, sorted: bool = True, *, nan: _NanRule = "greatest",
    lengths: _Exporter | _Buffer | Sequence[int] | None = None, device: str | None = "auto", out: Sequence[Any] | None = None,
) -> TopK[Array]: ...
@overload
def top_k(x: _X, k: int, /, *, axis: int | None = -1, mode: Literal["largest", "smallest"] = "largest") -> TopK[_X]: ...
@overload
def top_k(x: _Buffer, k: int, /, *, axis: int | None = -1, mode: Literal["largest", "smallest"] = "largest") -> TopK[Array]: ...
@overload
def topk2d(
    x: _X, k: int, *, sorted: bool = True, nan: _NanRule = "greatest", lengths: _Exporter | _Buffer | Sequence[int] | None = None,
    device: str | None = "auto", out: Sequence[Any] | None = None,
) -> TopK[_X]: ...
@overload
def topk2d(
    x: _Buffer, k: int, *, sorted: bool = True, nan: _NanRule = "greatest",
    lengths: _Exporter | _Buffer | Sequence[int] | None = None, device: str | None = "auto", out: Sequence[Any] | None = None,
) -> TopK[Array]: ...
@overload
def midk2d(
    x: _X, k: int, *, sorted: bool = True, nan: _NanRule = "greatest", lengths: _Exporter | _Buffer | Sequence[int] | None = None,
    device: str | None = "auto", out: Sequence[Any] | None = None,
) -> TopK[_X]: ...
@overload
def midk2d(
    x: _Buffer, k: int, *, sorted: bool = True, nan: _NanRule = "greatest",
    lengths: _Exporter | _Buffer | Sequence[int] | None = None, device: str | None = "auto", out: Sequence[Any] | None = None,
) -> TopK[Array]: ...
@overload
def bottomk2d(
    x: _X, k: int, *, sorted: bool = True, nan: _NanRule = "greatest", lengths: _Exporter | _Buffer | Sequence[int] | None = None,
    device: str | None = "auto", out: Sequence[Any] | None = None,
) -> TopK[_X]: ...
@overload
def bottomk2d(
    x: _Buffer, k: int, *, sorted: bool = True, nan: _NanRule = "greatest",
    lengths: _Exporter | _Buffer | Sequence[int] | None = None, device: str | None = "auto", out: Sequence[Any] | None = None,
) -> TopK[Array]: ...
@overload
def rank_window(
    x: _X, lo: int, hi: int, dim: int | None = -1, descending: bool = False, sorted: bool = True, *, nan: _NanRule = "greatest",
    lengths: _Exporter | _Buffer | Sequence[int] | None = None, device: str | None = "auto", out: Sequence[Any] | None = None,
) -> TopK[_X]: ...
@overload
def rank_window(
    x: _Buffer, lo: int, hi: int, dim: int | None = -1, descending: bool = False, sorted: bool = True, *,
    nan: _NanRule = "greatest", lengths: _Exporter | _Buffer | Sequence[int] | None = None, device: str | None = "auto",
    out: Sequence[Any] | None = None,
) -> TopK[Array]: ...
@overload
def band_compact(x: _X, lower: float, upper: float, dim: int | None = -1, *, device: str | None = "auto") -> Band[_X]: ...
@overload
def band_compact(x: _Buffer, lower: float, upper: float, dim: int | None = -1, *, device: str | None = "auto") -> Band[Array]: ...
@overload
def stream_topk(
    chunks: Iterable[_X], k: int, largest: bool = True, sorted: bool = True, *, nan: _NanRule = "greatest"
) -> TopK[_X]: ...
@overload
def stream_topk(
    chunks: Iterable[_Buffer], k: int, largest: bool = True, sorted: bool = True, *, nan: _NanRule = "greatest"
) -> TopK[Array]: ...
def quantile(
    x: _Exporter | _Buffer, q: Any, dim: int | None = None, *, method: _Method = "linear", keepdim: bool = False,
    nan: _NanUse = "propagate", device: str | None = "auto",
) -> Any: ...
def trimmed_mean(
    x: _Exporter | _Buffer, proportiontocut: float, dim: int | None = None, *, keepdim: bool = False, nan: _NanUse = "propagate",
    device: str | None = "auto",
) -> Any: ...
def set_num_threads(threads: int, /) -> None: ...
def get_num_threads() -> int: ...
def reload() -> None: ...
def features() -> str: ...
def plan(
    kind: str, rows: int, cols: int, k: int, lo: int, hi: int, descending: bool, dtype: str, sorted: bool, nan: str,
    device: str | None, caps: dict[str, Any] | None,
) -> dict[str, Any]: ...
def devices() -> list[dict[str, Any]]: ...
def kdsl_check(text: str, /) -> tuple[int, int, int]: ...
def kdsl_format(text: str, /) -> str: ...
def kdsl_eval(
    text: str, rows: int, cols: int, k: int, kind: str, dtype: str, threads: int, device: str | None, caps: dict[str, Any] | None
) -> tuple[dict[str, int], list[dict[str, Any]]]: ...
def install_table(path: str | PathLike[str], /) -> None: ...
def _after_fork() -> None: ...

@final
class Survey:
    def __new__(
        cls, kinds: Sequence[str], dtypes: Sequence[str], threads: Sequence[int] | None, shapes: Sequence[Sequence[int]] | None,
        k: Sequence[int] | None, device: str | None, budget: float, seed: int,
    ) -> Survey: ...
    @property
    def device(self) -> tuple[str, str, str, str, str]: ...
    def step(self) -> dict[str, Any] | None: ...
    def counts(self) -> dict[str, Any]: ...
    def save(self, path: str | PathLike[str], signature: str, /) -> None: ...
    def load(self, path: str | PathLike[str], signature: str, /) -> None: ...
    def table(self, path: str | PathLike[str], /) -> int: ...
