# SPDX-License-Identifier: AGPL-3.0-or-later
"""Plans, devices, rule programs and tuning, as Python shows them."""
import json
import os
import subprocess
import sys

import pytest

import spiraltorch as st
from spiraltorch import kdsl

PACKAGES = os.path.dirname(os.path.dirname(st.__file__))


def run(code, **environment):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "PYTHONPATH": PACKAGES, **environment})


def test_a_plan_explains_itself():
    plan = st.plan(8, 65536, 64, device="cpu")
    assert isinstance(plan, st.Plan) and plan.device == "cpu" and plan.kernel.startswith("cpu/") and plan.predicted_ns > 0
    assert plan.source in ("fallback", "table", "softlogic", "dsl") and len(plan.choice) == 13 and plan.choice["mk"] in range(4)
    assert plan.kernel in repr(plan) and "topk of 8 x 65536" in repr(plan)
    assert plan.as_dict()["kernel"] == plan.kernel and plan.as_dict()["choice"]["mk"] == plan.choice["mk"]


def test_plans_of_all_kinds():
    for words in ({"k": 5, "kind": "midk"}, {"k": 5, "kind": "bottomk", "dtype": "bfloat16"}, {"kind": "window", "lo": 2, "hi": 9, "descending": True},
                  {"k": 5, "nan": "last", "sorted": False}, {"k": 5, "dtype": "uint8"}):
        assert st.plan(3, 100, device="cpu", **words).kernel
    caps = {"backend": "cuda", "lanes": 32, "max_workgroup": 1024, "shared_mem": 49152}
    assert st.plan(4, 4096, 16, caps=caps).kernel.startswith("cuda") and st.plan(4, 4096, 16, caps={"backend": "cpu"}).kernel.startswith("cpu")


@pytest.mark.parametrize("words, error, match", [
    ({"k": 101}, ValueError, "k is 101"), ({}, ValueError, "k: "), ({"k": 5, "kind": "best"}, ValueError, "kind: 'best'"),
    ({"kind": "window", "lo": 1}, ValueError, "lo, hi"), ({"k": 5, "dtype": "complex64"}, ValueError, "dtype: 'complex64'"),
    ({"k": 5, "caps": {"backend": "tpu"}}, ValueError, "caps: backend: 'tpu'"), ({"k": 5, "caps": {}}, ValueError, "caps: has no backend"),
    ({"k": 5, "caps": {"backend": "cpu", "lane": 3}}, ValueError, "caps: 'lane'"), ({"k": 5, "caps": 7}, TypeError, "caps: "),
    ({"k": 5, "caps": {"backend": "cpu"}, "device": "cpu"}, ValueError, "caps: "), ({"k": 5, "device": "cuda:9"}, st.Error, "cuda:9"),
    ({"k": 5, "caps": {"backend": "wgpu", "lanes": 0}}, ValueError, "lanes is 0"), ({"k": 5, "nan": "no"}, ValueError, "nan: 'no'"),
])
def test_plans_refused(words, error, match):
    with pytest.raises(error, match=match):
        st.plan(3, 100, **words)


def test_devices():
    devices = st.devices()
    assert {"cpu", "wgpu", "cuda", "hip", "mps"} <= {device.backend for device in devices}
    cpu = next(device for device in devices if device.id == "cpu")
    assert cpu.available and not cpu.software and cpu.caps["lanes"] >= 1 and cpu.caps["subgroup"] in (True, False)
    assert all(device.available or device.reason for device in devices)


def test_rules_decide_after_a_reload():
    code = ("import os, spiraltorch as st; before = st.plan(8, 65536, 64, device='cpu').source\n"
            "os.environ['SPIRAL_HEUR_K'] = 'mk: 3'; st.reload(); plan = st.plan(8, 65536, 64, device='cpu')\n"
            "print(before, plan.source, plan.choice['mk'])\n")
    assert run(code).stdout.split() == ["fallback", "dsl", "3"]


def test_warnings_of_the_engine_are_pythons():
    code = "import array, spiraltorch as st; st.topk(array.array('d', [1, 2]), 1)"
    done = run(code, SPIRAL_HEUR_K="mk: tile +")
    assert done.returncode == 0 and "RuntimeWarning" in done.stderr and "SPIRAL_HEUR_K" in done.stderr
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": PACKAGES, "SPIRAL_HEUR_K": "mk: tile +"})
    assert done.returncode == 1 and "RuntimeWarning" in done.stderr


def test_settings_that_are_refused():
    done = run("import spiraltorch as st; st.get_num_threads()", ST_NUM_THREADS="many")
    assert done.returncode == 1 and "ValueError" in done.stderr and "ST_NUM_THREADS" in done.stderr
    assert run("import spiraltorch as st; print(st.get_num_threads())", ST_NUM_THREADS="3").stdout.strip() == "3"


# ---- rule programs ------------------------------------------------------------------------------------------------------


def test_programs():
    text = "mk: sel(sg && k <= 128, 2, 1); soft(tile, 2048, 0.2, c > 10); penalty_if(tile > 1024, 0.5)"
    assert kdsl.check(text) == (1, 1, 1)
    found = kdsl.eval(text, 8, 65536, 64)
    assert found.hard["mk"] in (1, 2) and found.soft[0]._asdict() == {
        "field": "tile", "value": 2048, "weight": 0.2, "line": 1, "conditional": False}
    assert found.soft[1].field is None and found.soft[1].conditional is True
    assert kdsl.eval("mk: sel(cuda, 1, 0)", 1, 2, 1, caps={"backend": "cuda"}).hard == {"mk": 1}
    assert kdsl.eval("mk: sel(threads == 3, 1, 0)", 1, 2, 1, threads=3, kind="bottomk", dtype="int8").hard == {"mk": 1}
    assert kdsl.format(kdsl.format(text)) == kdsl.format(text)


def test_programs_refused():
    with pytest.raises(st.Error, match="2:7: expected") as caught:
        kdsl.check("mk: 1\ntile: ")
    error = caught.value
    assert error.status == "ST_E_FORMAT" and (error.line, error.column) == (2, 7)
    assert error.expected and isinstance(error.excerpt, str)
    with pytest.raises(st.Error) as caught:
        kdsl.format("tiel: 3")
    assert caught.value.suggestion == "tile"
    for call, kind in ((lambda: kdsl.check(b"mk: 1"), TypeError), (lambda: kdsl.eval("mk: 1", 1, 2, 1, device="cuda:5"), ValueError),
                       (lambda: kdsl.eval("mk: 1", 1, 2, 1, dtype="?"), ValueError), (lambda: kdsl.eval("mk:", 1, 2, 1), st.Error)):
        with pytest.raises(kind):
            call()


# ---- tuning -------------------------------------------------------------------------------------------------------------

SMALL = {"kinds": ["topk"], "dtypes": ["float32"], "threads": [1]}


def test_tuning_writes_a_table(tmp_path, capsys):
    out = tmp_path / "tuner.json"
    found = st.tune([(4, 512), (16, 64)], [8], **SMALL, budget=60, out=out, progress=True)
    assert found.cells == 2 and found.finished and found.wrong == 0 and found.entries >= 1 and not found.installed
    table = json.loads(out.read_text())
    assert len(table) == found.entries and not os.path.exists(f"{out}.state")
    assert "tuning" in capsys.readouterr().err


def test_tuning_goes_on_where_it_stopped(tmp_path):
    out = str(tmp_path / "tuner.json")
    shapes = [(4, 512), (8, 512), (16, 64)]
    with pytest.raises(st.Error, match="nothing could be measured") as caught:
        st.tune(shapes, [8], **SMALL, budget=1e-9, out=out)
    assert caught.value.status == "ST_E_STATE"
    code = ("import signal, threading, os, spiraltorch as st\n"
            "threading.Timer(0.4, lambda: os.kill(os.getpid(), signal.SIGINT)).start()\n"
            f"try: st.tune(budget=60, out={out!r}, kinds=['topk'], dtypes=['float32'], threads=[1])\n"
            "except KeyboardInterrupt: print('kept')\n")
    done = run(code)
    assert done.stdout.strip() == "kept" and os.path.exists(out + ".state") and not os.path.exists(out), done.stderr
    found = st.tune(**SMALL, budget=0.5, out=out, resume=True)
    assert found.cells >= 1 and os.path.exists(out)
    with pytest.raises(st.Error):
        st.tune([(4, 512)], [8], **SMALL, budget=1, out=out, resume=True)


def test_tuning_installs(tmp_path):
    if "jansson: no" in st._engine.features():
        pytest.skip("this build has no jansson, and cannot read a table")
    code = ("import spiraltorch as st\n"
            f"found = st.tune([(64, 4096)], [32], kinds=['topk'], dtypes=['float32'], threads=[1], budget=60, out={str(tmp_path / 't.json')!r}, install=True)\n"
            "st.set_num_threads(1)\n"
            "print(found.installed, *(source['name'] for source in st.plan(64, 4096, 32, device='cpu').as_dict()['sources']))\n")
    done = run(code, SPIRALTORCH_HOME=str(tmp_path / "state"))
    assert done.stdout.split()[0] == "True" and "table" in done.stdout and (tmp_path / "state" / "tuner.json").exists(), done.stderr


@pytest.mark.parametrize("words, error, match", [
    ({"budget": 0}, ValueError, "budget"), ({"kinds": ["window"]}, ValueError, "kinds: 'window'"), ({"kinds": []}, ValueError, "kind"),
    ({"dtypes": ["f99"]}, ValueError, "dtype: 'f99'"), ({"dtypes": [3]}, TypeError, "dtypes"), ({"threads": [0]}, ValueError, "threads: 0"),
    ({"shapes": [(1, 2, 3)]}, ValueError, "shapes: expected pairs"), ({"k": ["a"]}, TypeError, "k: "), ({"device": "cuda:9"}, st.Error, "cuda:9"),
    ({"shapes": [(1, 1)] * 65}, ValueError, "shapes: 65"), ({"resume": True}, st.Error, "state"),
])
def test_tuning_refused(words, error, match, tmp_path):
    with pytest.raises(error, match=match):
        st.tune(**{**SMALL, "budget": 1, "out": tmp_path / "t.json", **words})
