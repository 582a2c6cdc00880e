# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every public function is called by the Python extension, or listed here with the reason why it is not."""
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# What Python has other ways for, or no use: a pattern of names, and why.
NOT_BOUND = {
    r"st_(topk|midk|bottomk|rank|plan_rank)": "short forms of st_plan_request and st_execute_rank, which are called",
    r"st_context_reload": "needs all other calls to rest; the extension makes a new context in its place",
    r"st_(array|text|npy)_\w+|st_file_write": "files: Python has numpy.load, and mmap for the buffer protocol",
    r"st_json_\w+|st_(format|parse)_element": "text: Python's own",
    r"st_dtype_name": "short names of dtypes; Python has NumPy's",
    r"st_stream_ready": "a stream that is asked for more than it has is refused by st_stream_pushed",
    r"st_passes_\w+": "a row that is read several times: numpy.memmap ranks a file in place",
    r"st_rank_merge": "merging partial selections: one call over arrays in memory does without",
    r"st_(memory|fence)_\w+|st_execute_rank_on": "memory on a device: arrays there are refused by name until a backend can run on them",
    r"st_wgpu_\w+": "a program's own WebGPU device, which Python has no handle of",
    r"st_register_backend": "an executor of one's own is written in C",
    r"st_table_(read_text|count|at|unknown|report|json|header|read_installed|remove_installed|installed_path)|st_choose(_midk)?":
        "looking at tables: the program's work; tune() writes and installs them",
    r"st_race|st_race_most_measurements": "st_tuner_measure runs the race of a cell",
    r"st_rank_candidates|st_plan_with_choice": "trying other plans: st_tuner_measure does",
    r"st_rank_workspace": "the engine allocates what a call needs",
    r"st_trial_\w+|st_unit_\w+": "for benchmarks of one's own, which Python has other means for",
    r"st_caps_(recommended|preferred|prefers)_\w+": "hints for those who write backends",
}
FUNCTION = re.compile(r"^ST_API\b[^;]*?\b(st_\w+)\s*\(", re.M)


def declared():
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "include/spiraltorch").glob("*.h")))
    return set(FUNCTION.findall(re.sub(r"/\*.*?\*/", "", text, flags=re.S)))


def called():
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "bindings/python/src").glob("*.c")))
    return set(re.findall(r"\b(st_\w+)\b", re.sub(r"/\*.*?\*/|\"(?:[^\"\\]|\\.)*\"", "", text, flags=re.S)))


def reasons(name):
    return [pattern for pattern in NOT_BOUND if re.fullmatch(pattern, name)]


def complaints(functions, used):
    found = [f"{name} is neither called nor listed" for name in functions - used if not reasons(name)]
    found += [f"{name} is called, and listed as not" for name in functions & used if reasons(name)]
    return found + [f"{pattern} lists nothing" for pattern in NOT_BOUND if not any(re.fullmatch(pattern, name) for name in functions)]


def test_every_function_is_bound_or_listed():
    functions = declared()
    assert len(functions) > 100
    assert complaints(functions, called()) == []


def test_a_function_that_was_forgotten_is_found():
    functions = declared()
    assert len(complaints(functions | {"st_forgotten"}, called())) == 1
    assert len(complaints(functions, called() | {"st_rank_merge"})) == 1
    assert len(complaints(functions - {"st_rank_merge"}, called())) == 1
