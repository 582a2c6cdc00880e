#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The Python module against PyTorch, NumPy, JAX and Faiss, as Python calls them: one run, all of them in turns."""
import argparse
import contextlib
import gc
import json
import math
import mmap
import os
import pathlib
import platform
import random
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "peers")]
sys.dont_write_bytecode = True

from case import Cannot, Case, Missing, Way  # noqa: E402 (the folders must be known first)
from faiss_peer import Faiss  # noqa: E402
from jax_peer import Jax  # noqa: E402
from numpy_peer import NumPy, Selection  # noqa: E402
from quiet import quiet  # noqa: E402
from torch_peer import Torch  # noqa: E402

ABOUT = """\
Every library holds the float32 data as an array of its own, in the same memory but for JAX; sorted values and their indices
are wanted. Each is measured as people call it (`plain`: st.topk(x, k), torch.topk(x, k), jax.lax.top_k, faiss.kmax, and
numpy.top_k or, where NumPy has none, argpartition and argsort) and in the fastest of the ways that bench/README.md lists
(`best`; spiraltorch's are with and without out=). Answers are checked first. All take turns, in a fresh random order in each
repetition; numbers are medians. `noise` is spiraltorch's best way timed twice under two names, the longer over the shorter.
A gain is a library's time over spiraltorch's, best way against best way, plain call against plain call. What takes seconds
for one call is sampled less often, at least three times. All of it takes some ten minutes.

--out takes python.json, python.txt and, where matplotlib is, python-k.png and python-cols.png.
"""
OURS, AGAIN = "spiraltorch", "spiraltorch again"
GRID = {(1, 1048576): (1, 8, 64, 1024), (8, 65536): (1, 8, 64, 1024, 16384), (1024, 4096): (1, 8, 64, 1024),
        (100000, 128): (1, 8, 32, 64), (1024, 65536): (1, 8, 64, 1024, 16384)}
QUICK_GRID = {(8, 8192): (1, 64), (512, 128): (8,)}
SWEEP_ELEMENTS, SWEEP_K = 1 << 20, 64
LEAST_SAMPLE = 2e6  # nanoseconds; quicker calls are repeated within a sample
SETTLE = 0.002  # seconds in which the threads of the contender before go to sleep
LONG = 2e8  # nanoseconds; a call that takes longer is not tried twice, nor made once more to wake its threads
LEAST_SAMPLES, MOST_SAMPLING = 3, 1e10  # of one contender; nanoseconds, from which on the least will do
SMALL, SMALL_K = 8, 2


class Memory(Case):
    """A case in this process's own memory."""

    def __init__(self, numpy, rows, cols, k, threads):
        self.kind, self.dtype, self.descending = "topk", "f32", True
        self.rows, self.cols, self.k, self.threads = rows, cols, k, threads
        self.index_offset = rows * k * 4 + -(rows * k * 4) % 8
        self.input = mmap.mmap(-1, rows * cols * 4)
        self.output = mmap.mmap(-1, self.index_offset + rows * k * 8)
        x = numpy.frombuffer(self.input, "f4").reshape(rows, cols)
        numpy.random.default_rng(rows * 31 + cols).standard_normal(out=x, dtype="f4")


def copy_out(numpy, case):
    values, indices = case.numpy_outputs(numpy)

    def store(answer):
        numpy.copyto(values, answer[0])
        numpy.copyto(indices, answer[1])
    return store


class SpiralTorch:
    """Ours, in the shape of the peers."""

    name = OURS

    def load(self, threads):
        import numpy
        import spiraltorch
        self.numpy, self.module = numpy, spiraltorch
        spiraltorch.set_num_threads(threads)
        return f"SpiralTorch {spiraltorch.__version__}"

    def plain(self, numpy, case):
        x, k, topk = case.numpy_input(numpy), case.k, self.module.topk
        return Way("topk", lambda: topk(x, k), copy_out(numpy, case), threads=case.threads)

    def ways(self, case):
        x, k, topk = case.numpy_input(self.numpy), case.k, self.module.topk
        out = case.numpy_outputs(self.numpy)
        return [self.plain(self.numpy, case), Way("topk, out", lambda: topk(x, k, out=out), threads=case.threads)]


def plain_torch(peer, numpy, case):
    torch = peer.torch
    x = torch.frombuffer(case.input, dtype=torch.float32).reshape(case.rows, case.cols)
    values = torch.frombuffer(case.output, dtype=torch.float32, count=case.rows * case.k).reshape(case.rows, case.k)
    indices = torch.frombuffer(case.output, dtype=torch.int64, count=case.rows * case.k,
                               offset=case.index_offset).reshape(case.rows, case.k)

    def store(answer):
        values.copy_(answer[0])
        indices.copy_(answer[1])
    return Way("torch.topk", lambda: torch.topk(x, case.k), store, threads=case.threads,
               prepare=lambda: torch.set_num_threads(case.threads))


def plain_numpy(peer, numpy, case):
    x = case.numpy_input(numpy)
    if hasattr(numpy, "top_k"):
        return Way("numpy.top_k", lambda: numpy.top_k(x, case.k), copy_out(numpy, case))
    if case.k == case.cols:
        return Way("argsort", Selection(numpy, x, case.k, True).by_argsort, copy_out(numpy, case))
    return Way("argpartition, argsort", Selection(numpy, x, case.k, True).by_argpartition, copy_out(numpy, case))


def plain_jax(peer, numpy, case):
    return next(way for way in peer.ways(case) if way.how == "lax.top_k")


def plain_faiss(peer, numpy, case):
    x, faiss = case.numpy_input(numpy), peer.faiss
    return Way("faiss.kmax", lambda: faiss.kmax(x, case.k), copy_out(numpy, case), threads=case.threads,
               prepare=lambda: faiss.omp_set_num_threads(case.threads))


PEERS = {"torch": (Torch, plain_torch), "numpy": (NumPy, plain_numpy), "jax": (Jax, plain_jax), "faiss": (Faiss, plain_faiss)}


class Contender:
    """A library and a way of it, which may be both its `plain` call and its `best`."""

    def __init__(self, library, way, roles, took):
        self.library, self.way, self.roles, self.took = library, way, roles, took
        self.repeats = max(1, min(1000, round(LEAST_SAMPLE / took)))
        self.samples = []

    @property
    def is_done(self):
        return len(self.samples) >= LEAST_SAMPLES and sum(self.samples) * self.repeats > MOST_SAMPLING

    @property
    def ns(self):
        return statistics.median(self.samples)


def timed(way, repeats=1):
    """Nanoseconds of one call, and what the last returned."""
    way.prepare()
    answer = None
    started = time.perf_counter_ns()
    for _ in range(repeats):
        answer = None  # the arrays of the call before are free again, as in any loop
        answer = way.call()
    return (time.perf_counter_ns() - started) / repeats, answer


def fault_of(numpy, case, expected, way):
    """What is wrong with a way's answer, or None."""
    values, indices = case.numpy_outputs(numpy)
    values[:], indices[:] = 0, -1
    _, answer = timed(way)
    if way.store:
        way.store(answer)
    if not numpy.array_equal(values, expected):
        return "its values are not the largest in order"
    if indices.min() < 0 or indices.max() >= case.cols or \
            not numpy.array_equal(numpy.take_along_axis(case.numpy_input(numpy), indices, 1), values):
        return "its indices are not those of its values"
    ordered = numpy.sort(indices, axis=1)
    if (ordered[:, 1:] == ordered[:, :-1]).any():
        return "it has an index twice"
    return None


def tried(ways):
    """[(nanoseconds, way)], quickest first. A way is tried twice, or once where that is long."""
    found = []
    for way in ways:
        try:
            took = timed(way)[0]
            if took < LONG:
                took = min(took, timed(way)[0])
        except Cannot:  # its other ways may do
            continue
        found.append((took, way))
    return sorted(found, key=lambda pair: pair[0])


def contenders_of(case, numpy, ours, peers, give_up, left_out):
    """All that take part in a case, checked. Ours must be right; a peer that is not stays away, and left_out says why."""
    x, at = case.numpy_input(numpy), case.cols - case.k
    expected = numpy.sort(numpy.partition(x, at, axis=1)[:, at:], axis=1)[:, ::-1]
    found = []
    for library, peer, plain_of in [(OURS, ours, SpiralTorch.plain), *peers]:
        try:
            with quiet():
                plain = plain_of(peer, numpy, case)
                order = tried([plain, *(way for way in peer.ways(case) if way.how != plain.how)])
            if not order:
                raise Cannot("no way of it takes this case")
            best = order[0][1]
            for took, way in order:
                roles = [role for role, chosen in (("best", best), ("plain", plain)) if way is chosen]
                if not roles:
                    continue
                fault = f"{took / 1e9:.1f} s for one call" if took > give_up else fault_of(numpy, case, expected, way)
                if fault:
                    raise Cannot(f"{way.how}: {fault}")
                found.append(Contender(library, way, roles, took))
                if library == OURS and way is best:
                    found.append(Contender(AGAIN, way, ["noise"], took))
        except Cannot as reason:
            if library == OURS:
                sys.exit(f"{case.rows}x{case.cols} k {case.k}: {reason}")
            left_out.append(f"{library} at {case.rows}x{case.cols} k {case.k}: {reason}")
    return found


def measure(case, contenders, reps, shuffler):
    """Fills each contender's samples, all in turns."""
    gc.collect()
    gc.disable()
    try:
        for _ in range(reps):
            for contender in shuffler.sample(contenders, len(contenders)):
                if contender.is_done:
                    continue
                time.sleep(SETTLE)
                if contender.took < LONG:
                    timed(contender.way)  # wakes its threads, and brings the input to where every contender finds it
                contender.samples.append(timed(contender.way, contender.repeats)[0])
    finally:
        gc.enable()


def records_of(case, contenders, versions, group):
    first, second = (next(c.ns for c in contenders if c.library == name and set(c.roles) & {"best", "noise"})
                     for name in (OURS, AGAIN))
    return [{"group": group, "rows": case.rows, "cols": case.cols, "k": case.k, "threads": case.threads,
             "library": c.library, "version": versions[c.library], "how": c.way.how, "roles": c.roles,
             "threads_used": c.way.threads, "ns": c.ns, "samples": c.samples, "noise": max(first, second) / min(first, second)}
            for c in contenders if c.library != AGAIN]


def call_overhead(numpy, ours, peers, reps, shuffler):
    """Median nanoseconds of topk of 8 numbers, k 2: ours on a NumPy array and on a tensor, torch.topk, and NumPy's way."""
    x = numpy.array([3, 1, 4, 1, 5, 9, 2, 6], "f4")[:SMALL]
    topk, calls = ours.module.topk, {}
    calls["spiraltorch, NumPy array"] = lambda: topk(x, SMALL_K)
    calls["numpy, argpartition and argsort"] = Selection(numpy, x[None], SMALL_K, True).by_argpartition
    torch = next((peer.torch for library, peer, _ in peers if library == "torch"), None)
    if torch:
        tensor = torch.tensor(x.tolist())
        calls["spiraltorch, tensor"] = lambda: topk(tensor, SMALL_K)
        calls["torch.topk"] = lambda: torch.topk(tensor, SMALL_K)
    samples = {name: [] for name in calls}
    for _ in range(3 * reps):
        for name in shuffler.sample(list(calls), len(calls)):
            samples[name].append(timed(Way(name, calls[name]), 2000)[0])
    return {name: statistics.median(times) for name, times in samples.items()}


def geometric_mean(numbers):
    return math.exp(statistics.fmean(map(math.log, numbers))) if numbers else None


def by_cell(records, group):
    cells = {}
    for record in records:
        if record["group"] == group:
            for role in record["roles"]:
                cells.setdefault((record["rows"], record["cols"], record["k"]), {})[record["library"], role] = record
    return cells


def gains_of(cells, role):
    """{library: [its time over ours, a cell each]}, and the same of the fastest library of each cell."""
    gains = {}
    for cell in cells.values():
        mine = cell[OURS, role]["ns"]
        others = {library: record["ns"] / mine for (library, its), record in cell.items() if its == role and library != OURS}
        for library, gain in others.items():
            gains.setdefault(library, []).append(gain)
        if others:
            gains.setdefault("the fastest of them", []).append(min(others.values()))
    return gains


def number(value):
    return "-" if value is None else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def table_of(cells, libraries):
    """Lines of text: a cell each, with gains over each library, best way (plain call)."""
    lines = [["shape", "k", "us", "plain us", "noise", "fastest", *libraries]]
    for (rows, cols, k), cell in cells.items():
        best, plain = cell[OURS, "best"], cell[OURS, "plain"]
        gains = {(library, role): record["ns"] / cell[OURS, role]["ns"] for (library, role), record in cell.items()
                 if library != OURS}
        least = min(((gain, library) for (library, role), gain in gains.items() if role == "best"), default=(None, ""))
        lines.append([f"{rows}x{cols}", str(k), f"{best['ns'] / 1e3:.1f}", f"{plain['ns'] / 1e3:.1f}", number(best["noise"]),
                      f"{least[1]} {number(least[0])}",
                      *(f"{number(gains.get((library, 'best')))} ({number(gains.get((library, 'plain')))})"
                        for library in libraries)])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]


def summary_of(cells, overhead):
    lines = []
    for role in ("best", "plain"):
        for library, gains in gains_of(cells, role).items():
            lines.append(f"geometric mean of the gain over {library}, {role}: {number(geometric_mean(gains))} "
                         f"({len(gains)} cells, least {number(min(gains))})")
    slower = [f"{rows}x{cols} k {k}: {library} {record['how']} {number(record['ns'] / cell[OURS, 'best']['ns'])}"
              for (rows, cols, k), cell in cells.items() for (library, role), record in cell.items()
              if role == "best" and library != OURS and record["ns"] * cell[OURS, "best"]["noise"] < cell[OURS, "best"]["ns"]]
    lines.append("cells where a library is faster beyond the noise: " + ("; ".join(slower) or "none"))
    lines.append(f"topk of {SMALL} float32, k {SMALL_K}, nanoseconds a call: "
                 + ", ".join(f"{name} {took:.0f}" for name, took in overhead.items()))
    if "torch.topk" in overhead:
        lines.append("of torch.topk's time, a NumPy array takes "
                     f"{overhead['spiraltorch, NumPy array'] / overhead['torch.topk']:.2f}, a tensor "
                     f"{overhead['spiraltorch, tensor'] / overhead['torch.topk']:.2f}")
    return lines


def machine():
    model = "unknown processor"
    with contextlib.suppress(OSError):
        text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
        model = next((line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")), model)
    return f"{model}, {len(os.sched_getaffinity(0))} CPUs, {platform.system()}, Python {platform.python_version()}"


def sweep_grid(least, most):
    return {(SWEEP_ELEMENTS >> power, 1 << power): (SWEEP_K,) for power in range(least, most + 1)}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, epilog=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few small cases, a few seconds: to see that it works")
    parser.add_argument("--threads", type=int, default=1, help="threads for every library that can have them (1)")
    parser.add_argument("--reps", type=int, help="samples of each contender (9; with --quick 3)")
    parser.add_argument("--against", default=",".join(PEERS), metavar="NAME,...", help="libraries (%(default)s)")
    parser.add_argument("--give-up", type=float, default=20, metavar="SECONDS", help="leave out what takes longer (20)")
    parser.add_argument("--out", metavar="FOLDER", help="where JSON, table and pictures go")
    options = parser.parse_args()
    options.against = [name for name in options.against.split(",") if name]
    unknown = [name for name in options.against if name not in PEERS]
    if unknown:
        parser.error(f"--against: no {unknown[0]} here; there are {', '.join(PEERS)}")
    if options.threads < 1:
        parser.error("--threads: give 1 or more")
    if options.out and not pathlib.Path(options.out).is_dir():
        parser.error(f"--out: {options.out} is no folder; make it, or name another")
    options.reps = options.reps or (3 if options.quick else 9)
    return options


def main():
    options = arguments()
    ours, peers, versions = SpiralTorch(), [], {}
    # Before any other library starts threads: JAX takes their number from the environment.
    for library in sorted(options.against, key=lambda name: name != "jax"):
        peer_class, plain_of = PEERS[library]
        peer = peer_class()
        try:
            with quiet():
                versions[library] = peer.load(options.threads)
        except Missing as reason:
            print(f"{library} is missing: {reason}")
            continue
        peers.append((library, peer, plain_of))
    versions[OURS] = ours.load(options.threads)
    versions["numpy of the arrays"] = f"NumPy {ours.numpy.__version__}"
    lines = [machine(), f"{options.threads} threads; " + "; ".join(sorted(set(versions.values())))]
    print("\n".join(lines))
    numpy, shuffler, records, left_out = ours.numpy, random.Random(1), [], []
    if options.quick:
        groups = {"grid": QUICK_GRID, "sweep": sweep_grid(10, 11)}
    else:
        groups = {"grid": GRID, "sweep": sweep_grid(7, 20)}
    for group, grid in groups.items():
        for (rows, cols), ks in grid.items():
            for k in ks:
                case = Memory(numpy, rows, cols, k, options.threads)
                contenders = contenders_of(case, numpy, ours, peers, options.give_up * 1e9, left_out)
                measure(case, contenders, options.reps, shuffler)
                records += records_of(case, contenders, versions, group)
                if sys.stderr.isatty():
                    print(f"{group} {rows}x{cols} k {k}\033[K", end="\r", file=sys.stderr, flush=True)
                del contenders
    overhead = call_overhead(numpy, ours, peers, options.reps, shuffler)
    libraries = [library for library, _, _ in peers]
    cells = by_cell(records, "grid")
    lines += ["", "gains of best ways (of plain calls)", *table_of(cells, libraries), "", *summary_of(cells, overhead),
              *left_out]
    print("\n".join(lines[2:]))
    if options.out:
        folder = pathlib.Path(options.out)
        (folder / "python.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "python.json").write_text(json.dumps({"machine": lines[0], "versions": versions, "left_out": left_out,
                                                        "overhead_ns": overhead, "cells": records}, indent=1) + "\n",
                                            encoding="utf-8")
        import python_plot
        python_plot.draw(records, folder)


if __name__ == "__main__":
    main()
