# SPDX-License-Identifier: AGPL-3.0-or-later
"""Runs test programs under a time limit, keeps count in a file, and prints the tally that test.sh ends with.

    tally.py run KIND --part P [--name N] [--timeout S] -- COMMAND...      one command
    tally.py programs KIND --part P [--timeout S] [--jobs N] [--prefix "COMMAND..."] PROGRAM...
    tally.py skip --part P --name N REASON
    tally.py part --part P --budget S --used S
    tally.py report

KIND says how results are counted: cmocka (its cases), pytest (its cases), plain (a last line "N passed, N failed,
N skipped", else the exit status as one test) or build (counts only when it fails). What a failing command printed is
shown in full. The file of counts is named by ST_TALLY.
"""
import argparse
import concurrent.futures
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

LONGEST_OUTPUT = 2_000_000
TALLY_LINE = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")


def run_limited(command, timeout):
    """Runs a command in a process group of its own; returns (exit status or None on timeout, output, seconds)."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                       start_new_session=True)
        except OSError as error:
            return 127, f"{command[0]}: {error}", 0.0
        try:
            status = process.wait(timeout=timeout)
        except subprocess.TimeoutExpired:
            status = None
        try:  # whatever the command left running goes with it
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        process.wait()
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    if len(text) > LONGEST_OUTPUT:
        half = LONGEST_OUTPUT // 2
        text = text[:half] + f"\n... {len(text) - 2 * half} characters left out ...\n" + text[-half:]
    return status, text, time.monotonic() - started


def cmocka_reasons(text):
    """For each skipped case, what it printed between its start and its end."""
    reasons, said = [], []
    for line in text.splitlines():
        if line.startswith("[ RUN      ] "):
            said = []
        elif line.startswith("["):  # an outcome, or the list at the end of a group
            match = re.match(r"\[  SKIPPED \] ([A-Za-z_]\w*)$", line)
            if match and said is not None:
                reasons.append(f"{match.group(1)}: {' '.join(said) or 'it gives no reason'}")
            said = None
        elif said is not None:
            said.append(line.strip())
    return reasons


def count_cmocka(status, text):
    ran = len(re.findall(r"^\[ RUN      \] ", text, re.M))
    passed = len(re.findall(r"^\[       OK \] ", text, re.M))
    skipped = sum(int(n) for n in re.findall(r"^\[  SKIPPED \] (\d+) test\(s\), listed below", text, re.M))
    failed = max(ran - passed - skipped, 0)
    if ran == 0 or (status != 0 and failed == 0):
        failed += 1
    return passed, failed, skipped, cmocka_reasons(text) if skipped else []


def count_pytest(status, report_path):
    passed = failed = skipped = 0
    reasons = []
    try:
        cases = list(ElementTree.parse(report_path).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return 0, 1, 0, []
    for case in cases:
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif skip is not None:
            skipped += 1
            reasons.append(f"{case.get('name')}: {skip.get('message')}")
        else:
            passed += 1
    if status != 0 and failed == 0:
        failed += 1
    return passed, failed, skipped, reasons


def count_plain(status, text):
    lines = text.strip().splitlines()
    match = TALLY_LINE.match(lines[-1]) if lines else None
    passed, failed, skipped = (int(n) for n in match.groups()) if match else (int(status == 0), int(status != 0), 0)
    if status != 0 and failed == 0:
        failed = 1
    reasons = [line.strip() for line in lines[:-1] if re.search("skip", line, re.I)] if skipped else []
    return passed, failed, skipped, reasons


def record(entry):
    with open(os.environ["ST_TALLY"], "a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def run_one(kind, part, name, timeout, command):
    report_path = None
    if kind == "pytest":
        handle, report_path = tempfile.mkstemp(suffix=".xml")
        os.close(handle)
        command = command + ["-p", "no:cacheprovider", "--junitxml", report_path]
    status, text, seconds = run_limited(command, timeout)
    if kind == "cmocka":
        passed, failed, skipped, reasons = count_cmocka(status, text)
    elif kind == "pytest":
        passed, failed, skipped, reasons = count_pytest(status, report_path)
        os.unlink(report_path)
    else:
        passed, failed, skipped, reasons = count_plain(status, text)
        if kind == "build":
            passed = skipped = 0
    record({"part": part, "name": name, "passed": passed, "failed": failed, "skipped": skipped, "seconds": seconds,
            "reasons": reasons})
    ended = "ran out of time" if status is None else f"exit status {status}"
    if failed:
        print(f"FAILED {name}: {ended} after {seconds:.0f} s of at most {timeout}: {shlex.join(command)}\n"
              f"{text.rstrip()}\n---- end of the output of {name}", flush=True)
    elif kind == "build":
        print(f"  {name}: done in {seconds:.0f} s", flush=True)
    else:
        seeds = "".join(sorted({", " + seed for seed in re.findall(r"\bseed[ :=]+\d+", text, re.I)})[:3])
        print(f"  {name}: {passed} passed" + (f", {skipped} skipped" if skipped else "") + f" in {seconds:.1f} s{seeds}",
              flush=True)
    return failed == 0


def report():
    try:
        with open(os.environ["ST_TALLY"], encoding="utf-8") as file:
            entries = [json.loads(line) for line in file]
    except FileNotFoundError:
        entries = []
    results = [entry for entry in entries if "passed" in entry]
    for entry in results:
        for reason in entry["reasons"]:
            print(f"skipped: {entry['part']}: {entry['name']}: {reason}")
    for entry in results:
        if entry["failed"]:
            print(f"failed: {entry['part']}: {entry['name']} ({entry['failed']}); its output is above")
    print(f"\n{'part':<28}{'budget':>8}{'used':>8}{'passed':>8}{'failed':>8}{'skipped':>8}")
    parts = [entry for entry in entries if "budget" in entry]
    for part in parts:
        mine = [entry for entry in results if entry["part"] == part["part"]]
        counts = [sum(entry[key] for entry in mine) for key in ("passed", "failed", "skipped")]
        numbers = "".join(f"{count:>8}" for count in counts)
        print(f"{part['part']:<28}{part['budget']:>6} s{part['used']:>6} s{numbers}")
    print(f"{'all':<28}{sum(part['budget'] for part in parts):>6} s{sum(part['used'] for part in parts):>6} s")
    passed, failed, skipped = (sum(entry[key] for entry in results) for key in ("passed", "failed", "skipped"))
    if passed + failed + skipped == 0:
        failed = 1  # nothing ran: that is no success
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed == 0


def main():
    # A shell starts what it runs in the background with interrupts ignored, and tests interrupt programs.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["run", "programs", "skip", "part", "report"])
    parser.add_argument("kind", nargs="?", default="plain")
    parser.add_argument("--part", default="tests")
    parser.add_argument("--name")
    parser.add_argument("--timeout", type=int, default=120)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--prefix", default="")
    parser.add_argument("--budget", type=int)
    parser.add_argument("--used", type=int)
    own, rest = sys.argv[1:], []
    if "--" in own:
        own, rest = own[:own.index("--")], own[own.index("--") + 1:]
    arguments = parser.parse_args(own)
    if arguments.action == "report":
        return report()
    if arguments.action == "part":
        record({"part": arguments.part, "budget": arguments.budget, "used": arguments.used})
        return True
    if arguments.action == "skip":
        record({"part": arguments.part, "name": arguments.name, "passed": 0, "failed": 0, "skipped": 1, "seconds": 0,
                "reasons": [" ".join(rest)]})
        print(f"  skipped {arguments.name}: {' '.join(rest)}")
        return True
    if arguments.action == "run":
        name = arguments.name or os.path.basename(rest[0])
        return run_one(arguments.kind, arguments.part, name, arguments.timeout, rest)
    prefix = shlex.split(arguments.prefix)
    if not rest:
        print("FAILED: there are no programs to run")
        record({"part": arguments.part, "name": "no programs", "passed": 0, "failed": 1, "skipped": 0, "seconds": 0,
                "reasons": []})
        return False
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        waiting = [pool.submit(run_one, arguments.kind, arguments.part, os.path.basename(program), arguments.timeout,
                               prefix + [program]) for program in rest]
        return all([each.result() for each in waiting])


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
