# SPDX-License-Identifier: AGPL-3.0-or-later
"""SpiralK, the rule language in which one says which choice suits which request; docs/spiralk.md has the grammar.

A program that is refused raises spiraltorch.Error with status "ST_E_FORMAT" and, as attributes, line, column (from 1),
expected, suggestion and excerpt.
"""
from __future__ import annotations

from . import _engine

TYPE_CHECKING = False  # typing's own would have it imported
if TYPE_CHECKING:
    from typing import Any, Literal, NamedTuple

    class Counts(NamedTuple):
        hard: int
        soft: int
        penalties: int

    class Rule(NamedTuple):
        field: str | None
        value: int | None
        weight: float
        line: int
        conditional: bool

    class Verdict(NamedTuple):
        hard: dict[str, int]
        soft: list[Rule]

else:
    from collections import namedtuple

    Counts = namedtuple("Counts", "hard soft penalties")
    Counts.__doc__ = "How many statements of each kind a program has."
    Verdict = namedtuple("Verdict", "hard soft")
    Verdict.__doc__ = "What a program says: fields that it sets, a dict; and the rules that can hold for the request, a list of Rule."
    Rule = namedtuple("Rule", "field value weight line conditional")
    Rule.__doc__ = "A soft rule; field and value are None for penalty_if. conditional: it depends on other fields."


def check(text: str) -> Counts:
    """Counts what is in a program, a string.

    Returns Counts. Error: it is none; see above.

    >>> from spiraltorch import kdsl
    >>> kdsl.check("mk: sel(sg && k <= 128, 2, 1); soft(tile, 2048, 0.2, c > 10000)")
    Counts(hard=1, soft=1, penalties=0)
    """
    return Counts(*_engine.kdsl_check(text))


def format(text: str) -> str:
    """Lays a program out: a statement a line, even spacing, comments kept. It means the same afterwards.

    Returns a string. Error: it is no program; see above.

    >>> from spiraltorch import kdsl
    >>> kdsl.format("u2:(c>32768)||(k>128)")
    'u2: (c > 32768) || (k > 128);\\n'
    """
    return _engine.kdsl_format(text)


def eval(text: str, rows: int, cols: int, k: int, *, kind: Literal["topk", "midk", "bottomk", "window"] = "topk",
         dtype: str = "float32", threads: int = 0, device: str | None = "cpu", caps: dict[str, Any] | None = None) -> Verdict:
    """What a program says of a request.

    rows, cols, k, kind, dtype: the request, as in spiraltorch.plan. threads: most of the call; 0: the device's. device: an
        id of devices(), or caps: a dict as in spiraltorch.plan.

    Returns Verdict(hard, soft). Error: it is no program; ValueError: an argument.

    >>> from spiraltorch import kdsl
    >>> kdsl.eval("tile: sel(c > 32768, 2048, 512); soft(mk, 2, 0.25, k <= 128)", 8, 65536, 64)
    Verdict(hard={'tile': 2048}, soft=[Rule(field='mk', value=2, weight=0.25, line=1, conditional=False)])
    """
    hard, soft = _engine.kdsl_eval(text, rows, cols, k, kind, dtype, threads, device, caps)
    return Verdict(hard, [Rule(**rule) for rule in soft])
