# SPDX-License-Identifier: AGPL-3.0-or-later
"""What `spiraltorch bench --json` wrote, read back: one record for each contender in each case."""
import collections
import json
import sys

OURS = "spiraltorch"
APART = "spiraltorch:apart"
CASE_FIELDS = ("kind", "dtype", "data", "threads", "rows", "cols", "k")
Case = collections.namedtuple("Case", CASE_FIELDS)


def load(paths):
    """{Case: {impl: record}}, in the order of the files. A file that is no such JSON ends the program."""
    cases = {}
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                records = json.load(file)
            for record in records:
                case = Case(*(record[field] for field in CASE_FIELDS))
                cases.setdefault(case, {})[record["impl"]] = record
        except (OSError, ValueError, KeyError, TypeError) as error:
            sys.exit(f"{path}: not what `spiraltorch bench --json` writes: {type(error).__name__}: {error}")
    return cases


def ratio(record):
    """The time over the read limit; None where there is no time."""
    return record["ratio"] if record and record.get("ratio") is not None else None


def is_family(impl):
    return impl.startswith(OURS + ":") and impl != APART


def is_peer(impl):
    return not impl.startswith(OURS)


def best(records, accept):
    """The name and ratio of the fastest that accept(name) takes; (None, None) where none has a time."""
    found = [(ratio(record), impl) for impl, record in records.items() if accept(impl) and ratio(record) is not None]
    return min(found)[::-1] if found else (None, None)
