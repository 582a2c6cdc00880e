#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Prints results of `spiraltorch bench --json` as tables: a line for each shape and k, a column for each contender."""
import argparse
import sys

import results

# Beyond these a case is worth another run: read limits that differ by as much, or a time so far below them.
MOST_SPREAD, LEAST_RATIO = 1.5, 0.8
ABOUT = """\
Each number is time / read limit: 1 is as fast as memory can be read. `gain` is the best peer's ratio over ours: above
1 the library is faster. `noise` is the library's plan timed twice, the longer over the shorter: a difference below it
means nothing. `reads` is the largest read limit of the case over the smallest: far above 1, or with a ratio far below
1, something else was using the memory; such cases are listed below the tables, and worth another run. `family` is the fastest forced plan. With several threads, `apart` is that many one-thread runs side by
side on shares of the case: ours over it is what sharing the work out costs. Results of the library alone are left to
bench/plot.py.
"""


def short(number):
    return "-" if number is None else f"{number:.2f}" if number < 100 else f"{number:.0f}"


def reads_of(records):
    times = [record["read_ns"] for record in records.values() if record.get("read_ns")]
    return max(times) / min(times) if times else None


def line_of(case, records, peers, several):
    ours = results.ratio(records.get(results.OURS))
    peer, peer_ratio = results.best(records, results.is_peer)
    family, family_ratio = results.best(records, results.is_family)
    cells = [f"{case.rows}x{case.cols}", str(case.k), short(ours), short(records[results.OURS]["noise"]),
             short(reads_of(records)),
             f"{peer} {short(peer_ratio)}" if peer else "-",
             short(peer_ratio / ours) if peer and ours else "-",
             f"{family.split(':')[1]} {short(family_ratio)}" if family else "-"]
    if several:
        cells.append(short(results.ratio(records.get(results.APART))))
    return cells + [short(results.ratio(records.get(name))) for name in peers]


def print_aligned(lines):
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths)).rstrip())


def footnotes(cases):
    """How each peer was called, and who was left out, each with the cases it is true of."""
    notes = {}
    for case, records in cases.items():
        where = f"{case.rows}x{case.cols} k {case.k} {case.dtype} {case.data}"
        for impl, record in records.items():
            if record.get("left_out"):
                notes.setdefault(f"{impl} left out: {record['left_out']}", []).append(where)
            elif results.is_peer(impl):
                used = record["threads_used"]
                notes.setdefault(f"{impl}: {record['version']}; {record['how']}; indices {record['index_dtype']}, "
                                 f"{used} thread{'' if used == 1 else 's'}", []).append(where)
    for note in sorted(notes):
        seen = notes[note]
        print(f"{note} ({len(seen)} cases)" if len(seen) > 1 else f"{note} ({seen[0]})")


def disturbed(cases):
    """The cases in which the read limit itself cannot be trusted."""
    for case, records in cases.items():
        where = f"{case.kind} {case.rows}x{case.cols} k {case.k} {case.dtype} {case.data}, threads {case.threads}"
        least = results.best(records, lambda impl: True)
        if (reads_of(records) or 1) > MOST_SPREAD:
            print(f"disturbed: {where}: the largest read limit is {reads_of(records):.2f} times the smallest")
        elif least[1] is not None and least[1] < LEAST_RATIO:
            print(f"disturbed: {where}: {least[0]} is at {least[1]:.2f}, faster than reading")


def old_torch(cases):
    """Said once, since a reader takes "torch" for today's."""
    versions = {record["version"] for records in cases.values() for impl, record in records.items()
                if impl == "torch" and record.get("version")}
    for version in sorted(versions):
        if version.startswith("PyTorch 1."):
            print(f"torch is {version}, of 2022 or before: newer ones may be faster; bench/compare.sh --newest-torch takes one")


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog=ABOUT,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE", help="JSON of `spiraltorch bench --json`")
    cases = {case: records for case, records in results.load(parser.parse_args().files).items()
             if results.OURS in records and any(map(results.is_peer, records))}
    if not cases:
        sys.exit("none of the files has a case with a peer; measure with --against all and a worker")
    sections = {}
    for case in cases:
        sections.setdefault((case.kind, case.dtype, case.data, case.threads), []).append(case)
    for (kind, dtype, data, threads), members in sections.items():
        several = threads > 1
        names = {impl: None for case in members for impl in cases[case] if results.is_peer(impl)}
        peers = [name for name in names if any(results.ratio(cases[case].get(name)) is not None for case in members)]
        print(f"{kind} {dtype}, data {data}, {threads} thread{'s' if several else ''}: time / read limit")
        heads = ["shape", "k", "ours", "noise", "reads", "best peer", "gain", "family"] + ["apart"] * several + peers
        print_aligned([heads] + [line_of(case, cases[case], peers, several) for case in members])
        print()
    footnotes(cases)
    old_torch(cases)
    disturbed(cases)


if __name__ == "__main__":
    main()
