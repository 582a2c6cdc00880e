# SPDX-License-Identifier: AGPL-3.0-or-later
"""plan --explain and --json with rules and tables: who proposed what, by which rules, with what score, and what came of it."""
import json
import os
import re

import pytest

from cli_program import answer, error, run

SHAPE = ["--kind", "topk", "--rows", 8, "--cols", 60000, "-k", 40]
needs_tables = pytest.mark.skipif(answer("version")["features"]["jansson"] == "no",
                                  reason="this build has no jansson, and cannot read a table")


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith("SPIRAL_HEUR_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "state"
    folder.mkdir()
    monkeypatch.setenv("SPIRALTORCH_HOME", str(folder))
    return folder


def plan(*arguments, **environment):
    return answer("plan", *SHAPE, *arguments, env=environment)


def source(found, name):
    return next((each for each in found["sources"] if each["name"] == name), None)


def screen(*arguments, **environment):
    """The explanation, which fits on a screen, as lines."""
    text = run("plan", *SHAPE, *arguments, "--explain", check=0, env=environment).out
    assert text.endswith("\n")
    lines = text.splitlines()
    assert len(lines) <= 45 and max(map(len, lines)) <= 130, text
    return lines


def agrees(lines, found):
    """The screen says what the JSON says."""
    text = "\n".join(lines)
    kernel = next(line for line in lines if line.startswith("  kernel "))
    assert f" {found['kernel']}, predicted " in kernel and kernel.endswith(f"source {found['source']}")
    shown = re.findall(r"^([* ]) (fallback|table|softlogic|dsl) +score (-?\d+\.\d{3}): mk ", text, re.M)
    assert [name for _, name, _ in shown] == [each["name"] for each in found["sources"]]
    assert [name for star, name, _ in shown if star == "*"] == [found["source"]]
    for (_, _, score), each in zip(shown, found["sources"]):
        assert abs(float(score) - each["score"]) <= 0.00051
        for rule in each["rules"][:2]:
            assert rule in text
    for change in found["normalised"][:5]:
        assert f"{change['field']} {change['from']} -> {change['to']}: {change['why']}" in text
    for name, value in found["choice"].items():
        assert re.search(rf"^    {name} +{value}  ", text, re.M)
    for name, effect in found["effects"].items():
        assert re.search(rf"^    {name} +\d+  {re.escape(effect)}$", text, re.M)


def test_nothing_but_the_fallback():
    found = plan()
    assert found["source"] == "fallback" and [each["name"] for each in found["sources"]] == ["fallback"]
    assert found["notes"] == [] and found["normalised"] == [] and source(found, "fallback")["rules"] == []
    agrees(screen(), found)


def test_rules_are_named_by_line():
    program = "mk: 1; mkd: 6\n\nkl: 3.7  # floored\nsoft(ctile, 512, 0.25, 1)\nsoft(ctile, 64, 0.1, 1); penalty_if(tile > 0, 0.05)"
    found = plan(SPIRAL_HEUR_K=program)
    assert found["source"] == "dsl" and [each["name"] for each in found["sources"]] == ["fallback", "softlogic", "dsl"]
    assert sorted(source(found, "dsl")["rules"]) == ["SPIRAL_HEUR_K:1", "SPIRAL_HEUR_K:3"]
    assert source(found, "softlogic")["rules"] == ["SPIRAL_HEUR_K:4", "SPIRAL_HEUR_K:5"]
    assert source(found, "dsl")["choice"] == found["choice"]
    assert {"mk": 1, "mkd": 6, "kl": 3, "ctile": 512}.items() <= found["choice"].items()
    agrees(screen(SPIRAL_HEUR_K=program), found)


def test_what_normalisation_changed():
    environment = {"SPIRAL_HEUR_K": "mk: 2; wg: 100; tile: 1000; radix: 3"}
    found = plan("--caps", "wgpu:32,256", **environment)
    assert found["caps"] == {"lanes": 32, "subgroup": False, "max_workgroup": 256, "shared_mem": 0}
    changes = {change["field"]: (change["from"], change["to"]) for change in found["normalised"]}
    assert changes == {"mk": (2, 1), "mkd": changes.get("mkd"), "wg": (100, 96), "tile": (1000, 512), "radix": (3, 2)}
    assert all(change["why"] for change in found["normalised"])
    lines = screen("--caps", "wgpu:32,256", **environment)
    agrees(lines, found)
    assert any("32 lanes, subgroups no, workgroups up to 256, shared memory not known" in line for line in lines)


def test_the_state_file_stands_in_for_the_environment(state):
    (state / "heur.kdsl").write_text("# learned\nkl: 7\n", encoding="utf-8")
    found = plan()
    assert found["choice"]["kl"] == 7 and source(found, "dsl")["rules"] == [f"{state}/heur.kdsl:2"]
    agrees(screen(), found)
    assert plan(SPIRAL_HEUR_MIDK="kl: 5")["choice"]["kl"] != 7
    assert plan(SPIRALTORCH_HOME=str(state / "none"))["source"] == "fallback"


def test_a_wrong_program_is_said_and_passed_over():
    environment = {"SPIRAL_HEUR_K": "mk: 1\nmid: 2", "SPIRAL_HEUR_K_LAB": "kl: 3", "SPIRAL_HEUR_MIDK": "mk = 1"}
    found = plan(**environment)
    assert found["choice"]["kl"] == 3 and len(found["notes"]) == 2
    assert found["notes"][0].startswith("rules not heard: SPIRAL_HEUR_K:2:1: ") and "did you mean" in found["notes"][0]
    assert found["notes"][1].startswith("rules not heard: SPIRAL_HEUR_MIDK:1:4: ")
    lines = screen(**environment)
    assert sum(line.startswith("  note ") for line in lines) == 2
    # The line has no room for it: standard error, once each.
    done = run("plan", *SHAPE, check=0, env=environment)
    assert done.out.count("\n") == 1 and [line.split(": ")[1] for line in done.err.splitlines()] == ["rules not heard"] * 2


def test_settings_that_are_wrong_are_named():
    for name, value in [("SPIRAL_HEUR_MODE", "best"), ("SPIRAL_HEUR_GEN_WEIGHT_CPU", "much")]:
        assert name in error("plan", *SHAPE, env={name: value}, status=2)


def test_much_to_say_fits_on_a_screen(state, tmp_path):
    long_home = tmp_path / ("a long name " * 12) / "and another" / ("x" * 60)
    long_home.mkdir(parents=True)
    rules = "".join(f"soft(kl, {i % 9}, 0.{i}, 1)\n" for i in range(1, 99))
    hard = "mk: 1e9; mkd: -5; wg: 9999; kl: 999; ch: 1e300; tile: 3; ctile: -7; radix: 3; segments: 1e9; tile_cols: 1e9\n"
    (long_home / "heur.kdsl").write_text(rules + hard, encoding="utf-8")
    (long_home / "tuner.json").write_text("[{" * 500, encoding="utf-8")
    for kind in [["--caps", "wgpu:32,sg,256"], []]:
        screen(*kind, SPIRALTORCH_HOME=str(long_home))
    wrong = "x" * 3000
    screen(SPIRAL_HEUR_K=wrong, SPIRAL_HEUR_K_LAB=wrong, SPIRAL_HEUR_MIDK=wrong, SPIRAL_HEUR_BOTTOMK=wrong, SPIRALTORCH_HOME=str(long_home))


# ---- tables ----------------------------------------------------------------------------------------------------------

def install(tmp_path, trust=False, **fields):
    """Installs a table of one entry, measured on this CPU but for what the fields say."""
    name = next(device["name"] for device in answer("devices") if device["id"] == "cpu")
    match = re.fullmatch(r"(.*) \((\w+)\)", name)
    entry = {"rows": 8, "cols_min": 1, "cols_max": 100000, "k_max": 100, "sg": plan()["caps"]["subgroup"], "mk": 0, "mkd": 3,
             "backend": "cpu", "device": match[1], "isa": match[2], "kernel_hash": "1", **fields}
    path = tmp_path / "tuner.json"
    path.write_text(json.dumps([entry]), encoding="utf-8")
    run("table", path, "--install", *(["--trust"] if trust else []), check=0)


def kernel_hash(tmp_path):
    """The hash of the kernels here, as the refusal of another names it."""
    install(tmp_path)
    return re.search(r"measured with kernel hash 0000000000000001, which is ([0-9a-f]{16}) here", "".join(plan()["notes"]))[1]


@needs_tables
def test_a_table_from_here_is_a_source(tmp_path, state):
    install(tmp_path, kernel_hash=kernel_hash(tmp_path))
    found = plan()
    assert found["source"] == "table" and found["choice"]["mk"] == 0 and found["notes"] == []
    assert source(found, "table")["rules"] == [f"{state}/tuner.json entry 1"]
    agrees(screen(), found)
    # Another weight adds to its score alone, and rules that say more win.
    heavier = plan(SPIRAL_HEUR_GEN_WEIGHT="1.1")
    assert source(heavier, "table")["score"] == pytest.approx(source(found, "table")["score"] + 1, abs=1e-9)
    rules = {"SPIRAL_HEUR_K": "soft(mk, 3, 9, 1); soft(mkd, 0, 9, 1)"}
    found = plan(**rules)
    assert found["source"] == "softlogic" and [each["name"] for each in found["sources"]] == ["fallback", "table", "softlogic"]
    assert source(found, "softlogic")["score"] > source(found, "table")["score"]
    agrees(screen(**rules), found)
    assert plan(SPIRAL_HEUR_GEN_WEIGHT_CPU="99", **rules)["source"] == "table"
    assert plan(SPIRAL_HEUR_SOFT="0", **rules)["source"] == "table"


@needs_tables
@pytest.mark.parametrize("fields, why", [({"device": "Another CPU"}, "measured with device Another CPU, which is "),
                                         ({"driver": "1.2"}, "measured with driver 1.2, which is not named here"),
                                         ({"isa": "other"}, "measured with instruction set other, which is "),
                                         ({}, "measured with kernel hash 0000000000000001, which is ")])
def test_a_stale_table_is_a_hint_and_said_to_be(tmp_path, fields, why):
    install(tmp_path, **fields)
    found = plan()
    assert source(found, "table") is None and source(found, "softlogic")["score"] < 0  # bitonic, for these long rows
    assert found["source"] == "fallback" and len(found["notes"]) == 1
    assert found["notes"][0].startswith("entry 1 of the table is a hint alone: " + why)
    assert why in "\n".join(screen())
    assert plan(SPIRAL_HEUR_SOFT="0")["source"] == "fallback"
    install(tmp_path, trust=True, **fields)
    found = plan()
    assert found["source"] == "table" and found["notes"] == []
