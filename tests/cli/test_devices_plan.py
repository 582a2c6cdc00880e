# SPDX-License-Identifier: AGPL-3.0-or-later
"""devices, plan and version: what they print, as text and as JSON."""
import json
import re

import pytest

from cli_program import DTYPES, answer, error, run

FIELDS = ["mk", "mkd", "use_2ce", "wg", "kl", "ch", "tile", "ctile", "midk", "bottomk", "tile_cols", "radix",
          "segments"]


def shape(kind="topk", rows=8, cols=65536, k=64):
    window = ["--lo", k, "--hi", 2 * k, "--descending"] if kind == "window" else ["-k", k]
    return ["--kind", kind, "--rows", rows, "--cols", cols, *window]


def test_devices_json():
    devices = answer("devices")
    assert {"cpu", "wgpu", "cuda", "hip", "mps"} <= {device["backend"] for device in devices}
    for device in devices:
        assert {"id", "backend", "name", "available", "software", "reason", "caps"} <= set(device)
        assert {"lanes", "subgroup", "max_workgroup", "shared_mem"} <= set(device["caps"])
        assert isinstance(device["available"], bool) and isinstance(device["software"], bool)
        assert isinstance(device["caps"]["subgroup"], bool)
        assert device["available"] or device["reason"]
    cpu = [device for device in devices if device["id"] == "cpu"]
    assert len(cpu) == 1 and cpu[0]["available"] and cpu[0]["name"] and cpu[0]["caps"]["lanes"] >= 1


def test_devices_table():
    lines = run("devices", check=0).out.splitlines()
    assert lines[0].split() == ["id", "name", "available", "lanes", "workgroup", "shared", "memory", "note"]
    assert [line.split()[0] for line in lines[1:]] == [device["id"] for device in answer("devices")]
    place = lines[0].index("available")
    assert all(line[place:].split()[0] in ("yes", "no") for line in lines[1:])


def test_settings_that_are_wrong_are_named():
    assert "ST_NUM_THREADS" in error("devices", env={"ST_NUM_THREADS": "many"}, status=2)
    assert "sse9" in error("devices", env={"ST_CPU_DISABLE": "sse9"}, status=2)
    for name, values in (("ST_WGPU_LIMITS", ("ceiling",)), ("ST_WGPU_SUBGROUPS", ("2", "no")), ("ST_WGPU_TIMEOUT", ("0", "-1", "soon"))):
        for value in values:
            assert f'{name} is "{value}"' in error("devices", env={name: value}, status=2)


@pytest.mark.parametrize("kind", ["topk", "midk", "bottomk", "window"])
def test_plan_json(kind):
    plan = answer("plan", *shape(kind))
    assert {"kind", "rows", "cols", "k", "dtype", "device", "choice", "kernel", "predicted_ns", "source", "sources",
            "normalised"} <= set(plan)
    assert (plan["kind"], plan["rows"], plan["cols"], plan["k"], plan["dtype"], plan["device"]) == (
        kind, 8, 65536, 64, "f32", "cpu")
    assert list(plan["choice"]) == FIELDS and all(isinstance(value, int) for value in plan["choice"].values())
    assert plan["kernel"].startswith("cpu/") and plan["predicted_ns"] > 0
    assert plan["source"] in ("dsl", "softlogic", "table", "fallback")
    for source in plan["sources"]:
        assert {"name", "choice", "score", "rules"} <= set(source)
    assert answer("plan", *shape(kind), "--explain") == plan


def test_plan_line_and_explanation_agree_with_json():
    plan = answer("plan", *shape())
    line = run("plan", *shape(), check=0).out
    assert line.count("\n") == 1
    assert line.split()[0] == plan["kernel"]
    assert {name: int(value) for name, value in re.findall(r"(\w+)=(-?\d+)", line)} == plan["choice"]
    assert f"from {plan['source']}" in line
    text = run("plan", *shape(), "--explain", check=0).out
    assert plan["kernel"] in text and plan["source"] in text and len(text.splitlines()) <= 40


@pytest.mark.parametrize("dtype", DTYPES)
def test_plan_of_every_dtype(dtype):
    assert answer("plan", *shape(), "--dtype", dtype)["dtype"] == dtype


@pytest.mark.parametrize("caps, backend", [
    ("wgpu:32,sg,256", "wgpu"), ("wgpu:32,256,smem=16384", "wgpu"), ("cuda:32,1024", "cuda"), ("mps:32,sg,1024", "mps"),
    ("hip:64,sg,1024,smem=65536", "hip"), ("cpu", "cpu"), ("cpu:8,4", "cpu")])
def test_plans_for_hardware_that_is_elsewhere(caps, backend):
    plan = answer("plan", *shape(), "--caps", caps)
    assert plan["kernel"].startswith(backend) and list(plan["choice"]) == FIELDS
    if backend != "cpu":
        lanes = int(re.search(r":(\d+)", caps)[1])
        assert plan["choice"]["wg"] % lanes == 0
    assert run("plan", *shape(), "--caps", caps, check=0).out.startswith(plan["kernel"])


def test_a_set_that_is_switched_off_is_not_planned():
    plan = answer("plan", *shape(), env={"ST_CPU_DISABLE": "avx512,avx2,neon"})
    assert plan["kernel"].startswith("cpu/portable/")


def test_threads_are_the_option_or_the_environment():
    cases = [(["--threads", "1"], {}, 1), ([], {"ST_NUM_THREADS": "1"}, 1),
             (["--threads", "2"], {"ST_NUM_THREADS": "1"}, 2)]
    for arguments, environment, threads in cases:
        assert answer("plan", *shape(), *arguments, env=environment)["threads"] == threads


def test_version():
    text = run("version", check=0).out
    found = answer("version")
    assert re.fullmatch(r"\d+\.\d+\.\d+", found["version"])
    assert text.splitlines()[0] == f"spiraltorch {found['version']}"
    assert text.splitlines()[1:] == [f"{name}: {value}" for name, value in found["features"].items()]
    assert run("--version", check=0).out == text
    json.dumps(found)
