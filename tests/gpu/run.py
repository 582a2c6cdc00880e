#!/usr/bin/env python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Builds, checks and times the GPU backends on a machine with a GPU, in one go, and prints a short table.

    python3 tests/gpu/run.py [--device wgpu:0] [--build build/gpu] [--out FOLDER] [--quick] [--all]

It builds the library, runs the random configurations strictly on the device (never a fallback), times TopK of data that
lies on the device beside torch.topk (CUDA) on the same data, and measures the copy bandwidth in the same run: a copy counts
bytes read and written, ours the bytes read. Needs a C compiler, CMake, and for wgpu the library and headers that
tools/get_wgpu.sh fetches (or ST_WGPU_INCLUDE and ST_WGPU_LIBRARY); torch and numpy where they are.
Everything is also written to FOLDER/gpu.json.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# rows, cols, k; and the least that is asked for: share of the copy bandwidth, times as fast as torch.topk.
CASES = [
    (1024, 65536, 8, 0.6, 2), (1024, 65536, 64, 0.6, 2), (1024, 65536, 1024, 0.6, 2),
    (64, 1000000, 8, 0.6, 2), (64, 1000000, 64, 0.6, 2), (64, 1000000, 1024, 0.6, 2),
    (100000, 128, 8, None, 1), (1, 64 << 20, 64, 0.5, None),
]
QUICK = [(64, 4096, 8, None, None), (1000, 128, 8, None, None), (1, 1 << 20, 64, None, None)]


def build(folder):
    options = ["-DCMAKE_BUILD_TYPE=Release", "-DST_WARNINGS_AS_ERRORS=ON"]
    if os.environ.get("ST_WGPU_INCLUDE"):
        options.append(f"-DST_WGPU_INCLUDE={os.environ['ST_WGPU_INCLUDE']}")
    subprocess.run(["cmake", "-S", ROOT, "-B", folder, *options], check=True, stdout=subprocess.DEVNULL)
    jobs = str(os.cpu_count() or 1)
    subprocess.run(["cmake", "--build", folder, "-j", jobs], check=True, stdout=subprocess.DEVNULL)


def check(folder, device, configs):
    """Random configurations against the scalar reference, bit for bit; the process's own last words where it fails."""
    command = [folder / "tests/property/rank_check", "--backend", device, "--configs", str(configs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr.strip())
    return done.returncode == 0


def make_data(rows, cols, path):
    import numpy
    generator = numpy.random.default_rng(rows * 31 + cols)
    with open(path, "wb") as file:
        left = rows * cols
        while left > 0:
            some = min(left, 1 << 24)
            generator.standard_normal(some, dtype=numpy.float32).tofile(file)
            left -= some


def resident(folder, device, cases, every):
    """resident.c's answers to cases [(rows, cols, k, file)]."""
    lines = "".join(f"f32 {rows} {cols} {k} {file}\n" for rows, cols, k, file in cases)
    command = [folder / "tests/gpu/resident", device] + (["--all"] if every else [])
    done = subprocess.run(command, input=lines, stdout=subprocess.PIPE, text=True, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode == 0


class Torch:
    """torch.topk on CUDA, and the copy bandwidth; None in every figure where there is no CUDA."""

    def __init__(self):
        try:
            import torch
            self.torch = torch if torch.cuda.is_available() else None
        except ImportError:
            self.torch = None
        if self.torch:
            print(f"torch {self.torch.__version__}, {self.torch.cuda.get_device_name(0)}")

    def time_ns(self, call):
        torch = self.torch
        times = []
        for _ in range(3):
            call()
        for _ in range(9):
            begun, ended = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            count = 10
            begun.record()
            for _ in range(count):
                call()
            ended.record()
            ended.synchronize()
            times.append(begun.elapsed_time(ended) * 1e6 / count)
        return statistics.median(times)

    def copy_bandwidth(self):
        """Bytes read and written per nanosecond."""
        if not self.torch:
            return None
        source = self.torch.randn(1 << 29, device="cuda")
        target = self.torch.empty_like(source)
        return 2 * source.nbytes / self.time_ns(lambda: target.copy_(source))

    def topk_ns(self, rows, cols, k, file):
        if not self.torch:
            return None
        host = self.torch.from_file(str(file), shared=False, size=rows * cols, dtype=self.torch.float32)
        x = host.reshape(rows, cols).cuda()
        return self.time_ns(lambda: self.torch.topk(x, k, dim=1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="wgpu:0")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/gpu")
    parser.add_argument("--out", type=pathlib.Path, default=None)
    parser.add_argument("--quick", action="store_true", help="small cases and few configurations: to try the script itself")
    parser.add_argument("--all", action="store_true", help="time every candidate, not the plan alone")
    given = parser.parse_args()
    folder = given.build.resolve()
    build(folder)
    environment = subprocess.run([folder / "spiraltorch", "devices"], capture_output=True, text=True, check=True)
    print(environment.stdout)
    passed = check(folder, given.device, 20 if given.quick else 4000)

    peer = Torch()
    bandwidth = peer.copy_bandwidth()
    if bandwidth:
        print(f"copy bandwidth, read and written: {bandwidth:.0f} GB/s")
    records = []
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder_of_data:
        files = {}
        asked = QUICK if given.quick else CASES
        for rows, cols, *_ in asked:
            if (rows, cols) not in files:
                files[rows, cols] = pathlib.Path(folder_of_data) / f"{rows}x{cols}"
                make_data(rows, cols, files[rows, cols])
        print(f"\n{'rows x cols':>16} {'k':>5} {'us':>9} {'of copy':>8} {'torch':>7}  kernel")
        for rows, cols, k, share, times in asked:
            peer_ns = peer.topk_ns(rows, cols, k, files[rows, cols])
            found, ran = resident(folder, given.device, [(rows, cols, k, files[rows, cols])], given.all)
            passed &= ran and all(record["right"] for record in found)
            for record in found:
                record["torch_ns"] = peer_ns
                record["copy_gb_s"] = bandwidth
                record["of_copy"] = rows * cols * 4 / record["ns"] / bandwidth if bandwidth and record["ns"] else None
                record["over_torch"] = peer_ns / record["ns"] if peer_ns and record["ns"] else None
                record["asked"] = {"of_copy": share, "over_torch": times}
                records.append(record)
                below = any(value is not None and least is not None and value < least
                            for value, least in ((record["of_copy"], share), (record["over_torch"], times)))
                print(f"{f'{rows} x {cols}':>16} {k:>5} {record['ns'] / 1e3:>9.1f} "
                      f"{record['of_copy'] or float('nan'):>8.2f} {record['over_torch'] or float('nan'):>6.1f}x  "
                      f"{record['impl'].removeprefix('spiraltorch:') if ':' in record['impl'] else record['kernel']}"
                      f"{'' if record['right'] else '  WRONG'}{'  below what is asked' if below and ':' not in record['impl'] else ''}")
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "gpu.json").write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    print("all answers right" if passed else "NOT all answers right")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
