# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which kernel a request would run on, and why; and what it could run on."""
from __future__ import annotations

from . import _engine

TYPE_CHECKING = False  # typing's own would have it imported
if TYPE_CHECKING:
    from typing import Any, Literal, NamedTuple

    from ._engine import _NanRule

    class Device(NamedTuple):
        id: str
        backend: str
        name: str
        driver: str
        available: bool
        software: bool
        reason: str
        caps: dict[str, Any]

else:
    from collections import namedtuple

    Device = namedtuple("Device", "id backend name driver available software reason caps", module="spiraltorch")
    Device.__doc__ = "One line of devices(): reason says why it is not available, or why auto passes it by; caps is a dict."


class Plan:
    """What plan() answers. Its repr is the explanation: what each source proposed, what was adjusted, and what won.

    device, kernel: where it runs, and on what. source: "dsl", "softlogic", "table" or "fallback". predicted_ns: the device
    model's time. choice: the fields of the Choice, a dict.
    """

    __slots__ = ("choice", "device", "kernel", "predicted_ns", "source", "_json", "_text")
    __module__ = "spiraltorch"

    choice: dict[str, int]
    device: str
    kernel: str
    predicted_ns: float
    source: str
    _json: str
    _text: str

    def __init__(self, found: dict[str, Any]) -> None:
        self.choice = found["choice"]
        self.device = found["device"]
        self.kernel = found["kernel"]
        self.predicted_ns = found["predicted_ns"]
        self.source = found["source"]
        self._json = found["json"]
        self._text = found["text"]

    def __repr__(self) -> str:
        return self._text.rstrip("\n")

    def as_dict(self) -> dict[str, Any]:
        """The explanation as data: sources, rules and scores, what was normalised."""
        import json

        found: dict[str, Any] = json.loads(self._json)
        return found


def plan(rows: int, cols: int, k: int | None = None, *, kind: Literal["topk", "midk", "bottomk", "window"] = "topk",
         lo: int | None = None, hi: int | None = None, descending: bool = False, dtype: str = "float32", sorted: bool = True,
         nan: _NanRule = "greatest", device: str | None = "auto", caps: dict[str, Any] | None = None) -> Plan:
    """How a request would be run, without running it; print the answer to see why.

    rows, cols: the shape of the input. kind: "topk", "midk" or "bottomk", with k; or "window", with lo, hi and descending.
    dtype: a name such as "float32". device: "auto", or an id of devices(). caps: hardware that need not be here, in place
        of a device: a dict with backend and, as far as they are known, lanes, subgroup, max_workgroup and shared_mem.

    Returns a Plan. ValueError and TypeError name the argument; Error: no such device.

    >>> import spiraltorch
    >>> plan = spiraltorch.plan(8, 65536, 64, device="cpu")
    >>> plan.device, plan.choice["mk"] in (0, 1, 2, 3)
    ('cpu', True)
    >>> spiraltorch.plan(8, 65536, 64, caps={"backend": "wgpu", "lanes": 32, "max_workgroup": 256}).kernel[:4]
    'wgpu'
    """
    if kind == "window":
        if k is not None or lo is None or hi is None:
            raise ValueError("lo, hi: a window needs both, and no k")
    elif k is None or lo is not None or hi is not None:
        raise ValueError(f"k: {kind} needs k, and neither lo nor hi")
    if caps is not None and device != "auto":
        raise ValueError("caps: describes hardware, and device names one that is here; leave one of them out")
    return Plan(_engine.plan(kind, rows, cols, k or 0, lo or 0, hi or 0, descending, dtype, sorted, nan, device, caps))


def devices() -> list[Device]:
    """The devices of this machine: all five backends are always listed, with the reason where one cannot run.

    Returns a list of Device.

    >>> import spiraltorch
    >>> [device.available for device in spiraltorch.devices() if device.id == "cpu"]
    [True]
    """
    return [Device(**found) for found in _engine.devices()]
