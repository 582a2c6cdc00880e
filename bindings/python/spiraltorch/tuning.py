# SPDX-License-Identifier: AGPL-3.0-or-later
"""Measuring which plans are fastest on this machine; docs/tuning.md has the method."""
from __future__ import annotations

import os
import sys
import time

from . import _engine

TYPE_CHECKING = False  # typing's own would have it imported
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal, NamedTuple

    class Tuning(NamedTuple):
        out: str
        entries: int
        cells: int
        coarse: int
        changed: int
        wrong: int
        gain: float
        seconds: float
        finished: bool
        installed: bool

else:
    from collections import namedtuple

    Tuning = namedtuple("Tuning", "out entries cells coarse changed wrong gain seconds finished installed", module="spiraltorch")
    Tuning.__doc__ = """What tune() answers.

    out, entries: the table, and its entries. cells, coarse: what was measured, and what the coarse grid has. changed: cells
    where another plan than the engine's was faster; gain: the factor over all cells. wrong: candidates whose answer was not
    the engine's; none is in the table. finished: nothing finer is left to measure.
    """

KEEP_SECONDS = 20


class Bar:
    """One line on standard error, where that is a terminal: how far it is, and what was measured last."""

    def __init__(self, wanted: bool | None) -> None:
        self.shown = sys.stderr.isatty() if wanted is None else bool(wanted)
        self.drawn = 0.0

    def draw(self, part: float, text: str) -> None:
        now = time.monotonic()
        if not self.shown or now - self.drawn < 0.1:
            return
        self.drawn = now
        full = int(30 * min(part, 1))
        print(f"\rtuning {100 * min(part, 1):3.0f}% [{'#' * full}{'.' * (30 - full)}] {text[:35]}\033[K", end="", file=sys.stderr, flush=True)

    def hide(self) -> None:
        if self.shown and self.drawn:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def tune(shapes: Sequence[Sequence[int]] | None = None, k: Sequence[int] | None = None, *,
         kinds: Sequence[Literal["topk", "midk", "bottomk"]] = ("topk", "midk", "bottomk"),
         dtypes: Sequence[str] = ("float32", "float64", "float16", "uint8"), threads: Sequence[int] | None = None,
         device: str | None = "auto", budget: float = 600.0, out: str | os.PathLike[str] = "tuner.json", install: bool = False,
         resume: bool = False, seed: int = 1, progress: bool | None = None) -> Tuning:
    """Measures which plans are fastest here, and writes a table that says so.

    shapes: pairs of rows and columns; k: how many are kept of a row; None is a grid that begins coarse, and grows finer where
        neighbours chose differently. kinds, dtypes: what is measured (float32 stands for all dtypes of its width, and so on).
    threads: of one call; None is 1 and all, and on a GPU they do not matter. budget: seconds.
    out: the table's file. install=True: contexts choose by it from now on, those of this process included. resume=True:
        goes on from what an earlier call kept in out + ".state", with the same lists, device and kernels.
    progress: True or False; None shows a bar on a terminal.

    Returns a Tuning. Ctrl-C raises KeyboardInterrupt, and what was measured is kept for resume. ValueError and TypeError name
    the argument; Error: the device, a file, or nothing could be measured. Measure on a quiet machine.

    >>> import os, spiraltorch, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> found = spiraltorch.tune([(4, 512)], [8], kinds=["topk"], dtypes=["float32"], threads=[1], budget=5,
    ...                          out=os.path.join(folder, "tuner.json"))
    >>> found.cells, found.wrong, os.path.exists(found.out)
    (1, 0, True)
    """
    start = kept = time.monotonic()
    budget = float(budget)
    if not budget > 0:
        raise ValueError("budget: give seconds above 0")
    survey = _engine.Survey(list(kinds), list(dtypes), None if threads is None else list(threads),
                            None if shapes is None else list(shapes), None if k is None else list(k), device, budget, seed)
    signature = "|".join([_engine.__version__, *survey.device, repr((kinds, dtypes, threads, shapes, k))]).replace("\n", " ")
    table = os.fspath(out)
    state = table + ".state"
    if resume:
        survey.load(state, signature)
    bar = Bar(progress)
    finished = False
    try:
        while not finished and time.monotonic() - start < budget:
            cell = survey.step()
            finished = cell is None
            if cell is not None:
                bar.draw(_part(survey, start, budget, shapes, k), "{kind} {dtype} {rows}x{cols} k {k}".format(**cell))
            if time.monotonic() - kept > KEEP_SECONDS:
                kept = time.monotonic()
                survey.save(state, signature)
    except KeyboardInterrupt:
        survey.save(state, signature)
        raise
    finally:
        bar.hide()
    found = survey.counts()
    if found["cells"] == 0:
        raise _nothing_measured()
    entries = survey.table(table)
    if finished:
        if os.path.exists(state):
            os.remove(state)
    else:
        survey.save(state, signature)
    installed = bool(install) and found["wrong"] == 0
    if installed:
        _engine.install_table(table)
        _engine.reload()
    return Tuning(out=table, entries=entries, seconds=time.monotonic() - start, finished=finished, installed=installed, **found)


def _nothing_measured() -> _engine.Error:
    message = "nothing could be measured in this budget; no table was written"
    error = _engine.Error(f"ST_E_STATE: {message}")
    error.status, error.message = "ST_E_STATE", message
    return error


def _part(survey: _engine.Survey, start: float, budget: float, shapes: Sequence[Sequence[int]] | None,
          k: Sequence[int] | None) -> float:
    """How much is done: of the budget, or of the cells where their number is known."""
    part = (time.monotonic() - start) / budget
    if shapes is not None and k is not None:
        counts = survey.counts()
        part = max(part, counts["cells"] / max(counts["coarse"], 1))
    return part
