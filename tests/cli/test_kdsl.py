# SPDX-License-Identifier: AGPL-3.0-or-later
"""kdsl: programs are checked, evaluated and laid out, from files and pipes."""
import json
import os
import pathlib
import re
import stat

import pytest

from cli_program import answer, run

CAPS = ["--caps", "wgpu:32,sg,256,smem=32768"]
FIRST = """
  # mk: 0=bitonic, 1=shared, 2=warp (subgroup path on WGPU)
  mk:   sel(sg && (k<=128), 2, sel(k<=2048, 1, 0));
  # mkd: sub-strategy (auto/heap/kway/bitonic/warp_heap/warp_bitonic)
  mkd:  sel(mk==2,4, sel(mk==1,1,3));
  # TopK sweeping tile
  tile: sel(log2(c)>15.0, 2048,
        sel(log2(c)>13.0, 1024,
        sel(log2(c)>12.0,  512, 256)));
  # Mid/Bottom compaction tile
  ctile: sel(tile>=1024, tile/2, tile);

  # Soft hints (gently bias the solver)
  soft(mk,   2, 0.25, sg && (k<=128));
  soft(mk,   1, 0.20, (k>128)&&(k<=2048));
  soft(tile, 2048, 0.20, log2(c)>15.0);
  soft(tile, 1024, 0.15, (log2(c)>13.0)&&(log2(c)<=15.0));
"""


def shape(rows=8, cols=65536, k=64):
    return ["--rows", rows, "--cols", cols, "-k", k]


def evaluate(program, *options, **sizes):
    return answer("kdsl", "eval", *shape(**sizes), *options, "-", input=program)


def test_eval_of_the_first_program(tmp_path):
    path = tmp_path / "first.kdsl"
    path.write_text(FIRST)
    found = answer("kdsl", "eval", *shape(), "--sg", path)
    assert found == {"hard": {"mk": 2, "mkd": 4, "tile": 2048, "ctile": 1024},
                     "soft": [{"field": "mk", "value": 2, "weight": 0.25},
                              {"field": "tile", "value": 2048, "weight": 0.2}]}
    assert evaluate(FIRST)["hard"] == {"mk": 1, "mkd": 1, "tile": 2048, "ctile": 1024}
    assert evaluate(FIRST, cols=5000, k=3000) == {"hard": {"mk": 0, "mkd": 3, "tile": 512, "ctile": 512}, "soft": []}
    assert evaluate(FIRST, "--sg", k=129)["soft"][0] == {"field": "mk", "value": 1, "weight": 0.2}


def test_eval_of_the_older_spellings():
    assert evaluate("u2:(c>32768)||(k>128); ch:sel(c>16384,8192,0)") == {"hard": {"use_2ce": 1, "ch": 8192}, "soft": []}
    assert evaluate("wg:sel(c>32768,256,128); tile:sel(c>65536,4096,2048)", "--kind", "midk") == {
        "hard": {"wg": 256, "tile": 2048}, "soft": []}
    assert evaluate("algo: 1; kl: 3")["hard"] == {"mk": 1, "mkd": 1, "kl": 3}


def test_eval_gives_what_the_program_gives():
    found = evaluate("tile: 5e9 + 0.5; wg: -1.5; soft(wg, 9000.5, -0.5, 1); soft(mk, 1, 1, tile == 3 && !sg);"
                     "soft(mk, 1, 2, tile == 3); soft(mk, 2, 3, 0); penalty_if(tile > 3, 1)", "--sg")
    assert found["hard"] == {"wg": -2, "tile": 5000000000}
    assert found["soft"] == [{"field": "wg", "value": 9000, "weight": -0.5}, {"field": "mk", "value": 1, "weight": 2}]


@pytest.mark.parametrize("options, facts", [
    ([], {"topk": 1, "midk_kind": 0, "float": 1, "eb": 4}),
    (["--kind", "midk", "--dtype", "i64"], {"topk": 0, "midk_kind": 1, "int": 1, "eb": 8}),
    (["--kind", "bottomk", "--dtype", "bf16"], {"bottomk_kind": 1, "float": 1, "eb": 2}),
    (["--kind", "window"], {"topk": 0, "midk_kind": 0, "bottomk_kind": 0}),
    (["--threads", "3"], {"threads": 3}),
    (["--sg"], {"sg": 1}), ([], {"sg": 0, "sgc": 0}),
    (CAPS, {"sg": 1, "sgc": 8, "lanes": 32, "wgmax": 256, "smem": 32768, "wgpu": 1, "cpu": 0, "device(\"wgpu\")": 1}),
    (["--caps", "hip:64,1024"], {"hip": 1, "smem": 65536, "cu": 0}), (["--caps", "mps:32,512"], {"mps": 1}),
    (["--caps", "cuda:32,512"], {"cuda": 1}), (["--device", "cpu"], {"cpu": 1, "device(\"cpu \")": 1}),
    (["--identity", "mine v2"], {"device(\"mine\")": 1, "device(\"cpu\")": 0}),
])
def test_eval_knows_the_request_and_the_device(options, facts):
    program = "\n".join(f"soft(tile, 1, {name}, 1)" for name in {**facts, "r": 8, "c": 65536, "k": 64})
    found = evaluate(program, *options)
    assert [rule["weight"] for rule in found["soft"]] == [*facts.values(), 8, 65536, 64]


def test_plans_and_eval_agree_on_the_identity():
    device = next(found for found in answer("devices") if found["id"] == "cpu")
    identity = "cpu " + re.sub(r" \((\w+)\)$", r" \1", device["name"])
    for key, expected in ((identity, 5), (identity[:-1], 5), (identity + "x", 3)):
        program = f'kl: sel(device("{key}"), 5, 3)'
        assert evaluate(program, "--device", "cpu")["hard"] == {"kl": expected}
        plan = answer("plan", "--kind", "topk", *shape(), "--device", "cpu", env={"SPIRAL_HEUR_K": program})
        assert plan["source"] == "dsl" and plan["choice"]["kl"] == expected


def test_eval_as_a_table():
    done = run("kdsl", "eval", *shape(), *CAPS, "-", check=0,
               input="mk: 2; tile: 1e9\nsoft(kl, 4, 0.5, c > 5)\npenalty_if(mk == 2, 0.25)")
    assert done.out == ("hard  mk        2  (line 1)\n"
                        "      tile      1048576  (line 1, for 1000000000, which is outside tile's bounds)\n"
                        "soft  kl        4  weight 0.5  (line 2)\n"
                        "      penalty   weight 0.25  (line 3, where other fields agree)\n")
    assert run("kdsl", "eval", *shape(), *CAPS, "-", check=0, input="").out == "hard  nothing\nsoft  nothing\n"


def test_check_counts(tmp_path):
    path = tmp_path / "first.kdsl"
    path.write_text(FIRST)
    assert run("kdsl", "check", path, check=0).out == f"{path}: 4 hard statements, 4 soft rules, 0 penalties\n"
    assert answer("kdsl", "check", path) == {"valid": True, "hard": 4, "soft": 4, "penalties": 0}
    assert run("kdsl", "check", "-", input="mk: 1; soft(mk, 1, 1, 1); penalty_if(1, 1)", check=0).out == (
        "standard input: 1 hard statement, 1 soft rule, 1 penalty\n")


@pytest.mark.parametrize("part", [["check"], ["eval", *shape()], ["fmt"], ["fmt", "-i"]])
def test_a_wrong_program_is_shown_with_a_caret(part, tmp_path):
    path = tmp_path / "wrong.kdsl"
    path.write_text("mk: 1\n  ctile: sel(tle > 3, 1, 2)  # \x1b[31m\n")
    done = run("kdsl", *part, path, check=1)
    assert done.out == ""
    assert done.err == (f"spiraltorch kdsl {part[0]}: {path}:2:14: there is no name 'tle'; did you mean 'tile'?\n"
                        "    ctile: sel(tle > 3, 1, 2)  #  [31m\n"
                        "               ^\n")
    assert path.read_text().startswith("mk: 1\n  ctile")


def test_a_wrong_program_as_json():
    done = run("kdsl", "check", "--json", "-", input="mk: \u00e9", check=1)
    assert done.err == ""
    found = json.loads(done.out)
    assert (found["valid"], found["line"], found["column"]) == (False, 1, 5)
    assert "has no meaning" in found["message"] and "a number" in found["expected"] and found["suggestion"] == ""
    assert json.loads(run("kdsl", "check", "--json", "-", input="mk: tle", check=1).out)["suggestion"] == "tile"


def test_limits():
    assert "at most 262144 bytes" in run("kdsl", "check", "-", input="#" * 262145, check=1).err
    run("kdsl", "check", "-", input="#" * 262144, check=0)
    assert "at most 262144 bytes" in run("kdsl", "check", "-", input=b"mk: 1\n" * 1_700_000, check=1).err
    assert "4096 statements" in run("kdsl", "check", "-", input="mk:1;" * 4097, check=1).err
    assert "64 deep" in run("kdsl", "check", "-", input="mk: " + "(" * 10000, check=1).err
    err = run("kdsl", "check", "-", input="tile: 2\nmk: c" + "-c" * 60000, check=1).err
    assert "standard input:2:1: with this statement" in err and "more operations than any plan may wait for" in err
    dense = "mk:" + "1+" * 80000 + "1"
    assert "at most 262144" in run("kdsl", "fmt", "-", input=dense, check=1).err


def test_fmt(tmp_path):
    text = "u2:(c>32768)||(k>128);ch:sel(c>16384,8192,0)#both\n\n\n#end"
    laid_out = "u2: (c > 32768) || (k > 128);\nch: sel(c > 16384, 8192, 0);  #both\n\n#end\n"
    assert run("kdsl", "fmt", "-", input=text, check=0).out == laid_out
    path = tmp_path / "a.kdsl"
    path.write_text(text)
    assert run("kdsl", "fmt", path, check=0).out == laid_out and path.read_text() == text
    path.chmod(0o640)
    (tmp_path / "link").symlink_to(path)
    assert run("kdsl", "fmt", "--in-place", tmp_path / "link", check=0).out == ""
    assert path.read_text() == laid_out and stat.S_IMODE(path.stat().st_mode) == 0o640
    assert (tmp_path / "link").is_symlink()
    os.utime(path, (1, 1))
    run("kdsl", "fmt", "-i", path, check=0)
    assert path.stat().st_mtime == 1  # nothing to do
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.kdsl", "link"]
    assert answer("kdsl", "eval", *shape(), "-", input=text) == answer("kdsl", "eval", *shape(), path)


def test_fmt_of_the_first_program_means_the_same():
    once = run("kdsl", "fmt", "-", input=FIRST, check=0).out
    assert run("kdsl", "fmt", "-", input=once, check=0).out == once
    assert once.count("#") == FIRST.count("#")
    for cols in (100, 5000, 20000, 70000):
        for k in (1, 100):
            assert evaluate(once, "--sg", cols=cols, k=k) == evaluate(FIRST, "--sg", cols=cols, k=k)


def test_files_that_cannot_be_had(tmp_path):
    for part in (["check"], ["eval", *shape()], ["fmt"], ["fmt", "-i"]):
        assert "none.kdsl: cannot open" in run("kdsl", *part, tmp_path / "none.kdsl", check=1).err
        assert "cannot read" in run("kdsl", *part, tmp_path, check=1).err
    if os.geteuid() != 0:
        folder = tmp_path / "closed"
        folder.mkdir()
        (folder / "a.kdsl").write_text("mk:1")
        folder.chmod(0o500)
        assert "cannot" in run("kdsl", "fmt", "-i", folder / "a.kdsl", check=1).err
        assert pathlib.Path(folder / "a.kdsl").read_text() == "mk:1"
        folder.chmod(0o700)


def test_a_decimal_comma_changes_nothing():
    assert evaluate("soft(mk, 1, 0.5, 1)")["soft"][0]["weight"] == 0.5
    assert answer("kdsl", "eval", *shape(), "-", input="soft(mk, 1, 0.5, 1)",
                  env={"LC_ALL": "de_DE.UTF-8"})["soft"][0]["weight"] == 0.5
