#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""One long row from a file: spiraltorch topk against a loop that only reads the same file."""
import argparse
import os
import pathlib
import random
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

BLOCK = 1 << 20
# Without this bit a float32 is finite and below 2 in magnitude, whatever the others are.
FINITE = int.from_bytes(struct.pack("<I", 0xFFFFFFFF ^ (1 << 30)) * (BLOCK // 4), "little")

ABOUT = """\
Ranks one row of float32 that is a whole file, and reads the same file with nothing but pread, in turns and in one
run, so that both meet the same machine and the same cache. Two files are made and removed: random numbers, and a
sparse file of zeros that takes no room on the disk.

  loop    os.preadv into one buffer of 1 MiB, from the first byte to the last; nothing is done with the bytes
  ours    spiraltorch topk -k K --dtype f32 --cols N FILE, its start and its output included
  ratio   median loop time / median time of ours: 1 is the speed of one reading thread; above 1, reading ahead and
          several threads gain more than ranking costs
  peak    the most memory that the program held (VmHWM), from one more run that is not timed

Every answer is checked: the random file has K known winners at random places, and among zeros the first K win.
A file that fits in memory is read from the cache; --cache cold asks the system to drop it before every measurement,
which file systems may ignore.
"""
EXAMPLES = """\
examples:
  bench/long_row.py --program build/release/spiraltorch
  bench/long_row.py --gigabytes 20 --folder /data --cache cold
"""


def arguments():
    parser = argparse.ArgumentParser(description=ABOUT, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=os.environ.get("SPIRALTORCH", "spiraltorch"),
                        help="the program to measure (default: $SPIRALTORCH, else spiraltorch on the PATH)")
    parser.add_argument("--gigabytes", type=float, default=1, metavar="N",
                        help="size of each file in units of 10^9 bytes (default: 1)")
    parser.add_argument("--folder", default=None, help="where the files are made (default: the temporary folder)")
    parser.add_argument("--rounds", type=int, default=5, metavar="R", help="measurements of each kind (default: 5)")
    parser.add_argument("-k", type=int, default=100, metavar="K", help="elements to keep (default: 100)")
    parser.add_argument("--cache", choices=["warm", "cold"], default="warm",
                        help="warm: the file is read once before the first round (default)")
    options = parser.parse_args()
    options.bytes = int(options.gigabytes * 1e9) // 4 * 4
    if options.rounds < 1 or options.k < 1 or options.bytes < 4 * options.k:
        parser.error("--rounds and -k are at least 1, and the file must hold K elements")
    if options.folder is not None and not os.path.isdir(options.folder):
        parser.error(f"--folder: {options.folder} is no folder; name one that is there")
    if shutil.which(options.program) is None:
        parser.error(f"--program: {options.program} cannot be run; build SpiralTorch first and name its spiraltorch")
    return options


def make_random(path, size, k):
    """Finite numbers below 2, but for k winners; returns these as (index, value), best first."""
    generator = random.Random(1)
    with open(path, "wb") as file:
        for _ in range(0, size, BLOCK):
            number = int.from_bytes(generator.randbytes(BLOCK), "little") & FINITE
            file.write(number.to_bytes(BLOCK, "little"))
        file.truncate(size)
        places = generator.sample(range(size // 4), k)
        winners = [(place, float(k + 3 - rank)) for rank, place in enumerate(places)]
        for place, value in winners:
            file.seek(4 * place)
            file.write(struct.pack("<f", value))
        file.flush()
        os.fsync(file.fileno())
    return winners


def make_sparse(path, size, k):
    with open(path, "wb") as file:
        file.truncate(size)
    return [(index, 0.0) for index in range(k)]


def forget(path):
    descriptor = os.open(path, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def read_loop(path):
    """Seconds to read the file."""
    buffer = [bytearray(BLOCK)]
    start = time.perf_counter()
    descriptor = os.open(path, os.O_RDONLY)
    at = 0
    while True:
        count = os.preadv(descriptor, buffer, at)
        if count == 0:
            break
        at += count
    os.close(descriptor)
    return time.perf_counter() - start


def peak_of(process):
    """Bytes: VmHWM until the process ends. Its ru_maxrss would begin at the size of this Python."""
    peak = 0
    while process.poll() is None:
        for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                peak = max(peak, int(line.split()[1]) * 1024)
        time.sleep(0.002)
    return peak


def rank(options, path, winners, with_peak=False):
    """Seconds; or bytes of memory."""
    command = [options.program, "topk", "-k", str(options.k), "--dtype", "f32", "--cols", str(options.bytes // 4), path]
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out)
        result = peak_of(child) if with_peak else None
        child.wait()
        seconds = time.perf_counter() - start
        if child.returncode != 0:
            sys.exit(f"{options.program} ended with {child.returncode}")
        out.seek(0)
        fields = [line.split("\t") for line in out.read().decode().splitlines()]
    if [(int(field[2]), float(field[3])) for field in fields] != winners:
        sys.exit(f"{options.program} gave a wrong answer for {path}")
    return result if with_peak else seconds


def measure(options, name, path, winners):
    if options.cache == "warm":
        read_loop(path)
    peak = rank(options, path, winners, with_peak=True)
    loop, ours = [], []
    for turn in range(options.rounds):
        for kind in ("loop", "ours") if turn % 2 == 0 else ("ours", "loop"):
            if options.cache == "cold":
                forget(path)
            if kind == "loop":
                loop.append(read_loop(path))
            else:
                ours.append(rank(options, path, winners))
    read, ranked = statistics.median(loop), statistics.median(ours)
    print(f"{name:8} {read:9.3f} s {options.bytes / read / 1e9:7.2f} GB/s {ranked:9.3f} s "
          f"{options.bytes / ranked / 1e9:7.2f} GB/s {read / ranked:7.3f} {peak / 2**20:8.1f} MiB", flush=True)


def main():
    options = arguments()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="long_row-", dir=options.folder))
    try:
        if shutil.disk_usage(folder).free < options.bytes:
            sys.exit(f"--folder: {folder.parent} has less than {options.gigabytes:g} GB free; name another")
        print(f"topk -k {options.k} of one row of {options.bytes // 4} f32 ({options.bytes / 1e9:g} GB), "
              f"{options.cache} cache, medians of {options.rounds} rounds, {os.cpu_count()} CPUs")
        print(f"{'data':8} {'loop':>11} {'':12} {'ours':>11} {'':12} {'ratio':>7} {'peak':>12}")
        for name, make in (("random", make_random), ("zeros", make_sparse)):
            path = folder / f"{name}.bin"
            winners = make(path, options.bytes, options.k)
            measure(options, name, path, winners)
            path.unlink()
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
