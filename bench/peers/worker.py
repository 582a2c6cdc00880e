#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The process in which `spiraltorch bench --worker` times what is no C: one line in, one line out, until `quit`.

Fields are separated by tabs; times are whole picoseconds. bench/README.md describes the lines. Input and outputs lie in
memory that the program shares by path; a peer's call and, just before it, the read limit over the same bytes are timed
here, in this process.
"""
import argparse
import gc
import os
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from case import DTYPE_SIZES, Cannot, Case, Missing  # noqa: E402 (the folder must be known first)
from faiss_peer import Faiss  # noqa: E402
from jax_peer import Jax  # noqa: E402
from native_peers import Native  # noqa: E402
from numpy_peer import NumPy  # noqa: E402
from quiet import quiet  # noqa: E402
from torch_peer import Torch  # noqa: E402

PROTOCOL = 1
LIBRARY = "libspiraltorch_bench_peers.so"
MOST_WORDS = 1500  # characters of an error; the program takes lines of 2047


def plain(text, most=200):
    """One line without tabs, not longer than the program takes."""
    return " ".join(str(text).split())[:most] or "no reason given"


class Worker:
    def __init__(self, native, lines):
        self.native, self.lines = native, lines
        self.peers = {peer.name: peer for peer in [*native.peers(), NumPy(), Torch(), Faiss(), Jax()]}
        self.ready = set()
        self.case = None
        self.chosen = {}  # the way of each peer for this case, found by `check`

    def say(self, *fields):
        self.lines.write("\t".join(map(str, fields)) + "\n")
        self.lines.flush()

    def hello(self, version):
        if int(version) != PROTOCOL:
            raise ValueError(f"this worker speaks protocol {PROTOCOL}, and the program {version}; take both from one version")
        self.say("hello", PROTOCOL, *self.peers)

    def probe(self, name, threads):
        try:
            with quiet():
                version = self.peers[name].load(int(threads))
        except Missing as missing:
            self.say("missing", plain(missing))
            return
        self.ready.add(name)
        self.say("ready", plain(version, 90))

    def set_case(self, kind, dtype, rows, cols, k, threads, input_path, output_path, index_offset):
        self.case, self.chosen = None, {}
        gc.collect()  # the mappings of the case before go with their last view
        if dtype not in DTYPE_SIZES:
            raise ValueError(f"no dtype {dtype} is known here")
        self.case = Case(kind, dtype, int(rows), int(cols), int(k), int(threads), input_path, output_path,
                         int(index_offset))
        self.say("ok")

    @staticmethod
    def run(way, repeats):
        """Nanoseconds of one call, and what the last returned."""
        if way.timed:
            return way.timed(repeats), None
        way.prepare()
        answer = None
        start = time.perf_counter_ns()
        for _ in range(repeats):
            answer = way.call()
        return (time.perf_counter_ns() - start) / repeats, answer

    def best_way(self, name, limit):
        """The fastest of the peer's ways; a way is tried twice where that takes no longer than the limit."""
        best, least, first = None, None, None
        try:
            ways = self.peers[name].ways(self.case)
        except Cannot:
            raise
        except Exception as error:
            raise Cannot(f"{type(error).__name__}: {error}") from error
        for way in ways:
            try:
                nanoseconds, _ = self.run(way, 1)
                if nanoseconds <= limit:
                    nanoseconds = min(nanoseconds, self.run(way, 1)[0])
            except Exception as error:  # whatever it is, the peer's other ways may do
                first = first or (error if isinstance(error, Cannot) else f"{type(error).__name__}: {error}")
                continue
            if least is None or nanoseconds < least:
                best, least = way, nanoseconds
            if nanoseconds > 4 * limit:
                break  # the others may take as long
        if best is None:
            raise Cannot(first or "no way of it takes this case")
        return best, least

    def check(self, name, limit):
        if name not in self.ready or self.case is None:
            raise ValueError(f"check {name} before its probe or before a case")
        try:
            with quiet():
                way, nanoseconds = self.best_way(name, int(limit) / 1000)
                if nanoseconds <= int(limit) / 1000:
                    nanoseconds, answer = self.run(way, 1)  # the one whose answer is looked at
                    if way.store:
                        way.store(answer)
        except Cannot as reason:
            self.say("cannot", plain(reason))
            return
        self.chosen[name] = way
        count = self.case.rows * self.case.k
        self.say("checked", round(nanoseconds * 1000), count, count, way.index_dtype, way.threads, plain(way.how, 90))

    def time(self, name, repeats, reads):
        way = self.chosen[name]
        gc.disable()
        try:
            self.native.read(self.case, 1)  # brings the input to where every contender finds it
            read = self.native.read(self.case, int(reads))
            if way.threads > 1 and not way.timed:
                self.run(way, 1)  # its own threads sleep by now; it shall not pay for waking them
            nanoseconds, _ = self.run(way, int(repeats))
        finally:
            gc.enable()
        self.say("timed", round(nanoseconds * 1000), round(read * 1000))

    def serve(self, source):
        commands = {"hello": self.hello, "probe": self.probe, "case": self.set_case, "check": self.check,
                    "time": self.time}
        for line in source:
            name, *arguments = line.rstrip("\n").split("\t")
            if name == "quit":
                return
            try:
                commands[name](*arguments)
            except Exception as error:  # the program decides what an error means, not this process
                self.say("failed", plain(f"{type(error).__name__}: {error}", MOST_WORDS))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--native", default=os.environ.get("ST_BENCH_NATIVE") or HERE.parents[1] / "build/release" / LIBRARY,
                        help="the native library, which the build makes with ST_BUILD_BENCH_PEERS=ON (default: "
                             "$ST_BENCH_NATIVE, else build/release/" + LIBRARY + ")")
    options = parser.parse_args()
    # What a library prints must not be taken for an answer.
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    os.dup2(2, 1)
    try:
        native = Native(str(options.native))
    except (OSError, AttributeError) as error:
        lines.write("failed\t" + plain(f"--native: {error}; configure with -DST_BUILD_BENCH_PEERS=ON, build, and name "
                                       f"{LIBRARY}", MOST_WORDS) + "\n")
        lines.flush()
        return 1
    Worker(native, lines).serve(sys.stdin)
    return 0


if __name__ == "__main__":
    sys.exit(main())
