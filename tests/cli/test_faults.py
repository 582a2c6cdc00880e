# SPDX-License-Identifier: AGPL-3.0-or-later
"""Full disks, signals, closed pipes and terminals: nothing half-written, and an exit status that says why."""
import fcntl
import glob
import os
import pathlib
import pty
import random
import resource
import signal
import struct
import subprocess
import termios
import threading
import time

import numpy as np
import pytest

from cli_program import PROGRAM, SANITIZER, run

TOPK = ["topk", "-k", "3"]
RULES = str(pathlib.Path(__file__).parents[1] / "fuzz" / "corpus" / "fuzz_spiralk" / "first_seed")


def start(*arguments, **options):
    return subprocess.Popen([PROGRAM, *map(str, arguments)], **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE,
                                                               "stderr": subprocess.PIPE, **options})


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """Results of 24 MB: 2 million rows of 2, of which 1 is kept."""
    path = tmp_path_factory.mktemp("wide") / "in.npy"
    np.save(path, np.random.default_rng(1).integers(0, 99, (2_000_000, 2)).astype("f4"))
    return path


# ---- no room ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [
    ["topk", "-k", "2", "-"], ["topk", "-k", "2", "--json", "-"], ["compact", "--lower", "0", "-"], ["devices"],
    ["devices", "--json"], ["version"], ["version", "--json"], ["--help"], ["topk", "--help"],
    ["plan", "--kind", "topk", "--rows", "1", "--cols", "9", "-k", "1"], ["kdsl", "--help"],
    ["kdsl", "check", os.devnull], ["kdsl", "check", "--json", os.devnull], ["kdsl", "fmt", RULES],
    ["kdsl", "eval", "--rows", "1", "--cols", "9", "-k", "1", os.devnull],
    ["kdsl", "eval", "--rows", "1", "--cols", "9", "-k", "1", "--json", os.devnull]])
def test_a_full_device(arguments):
    with open("/dev/full", "w") as full:
        done = start(*arguments, stdout=full)
        _, err = done.communicate(b"1\n2\n3\n")
    assert done.returncode == 1
    assert b"standard output" in err and b"No space left" in err and err.count(b"\n") == 1


def test_a_full_device_while_much_is_printed(wide):
    with open("/dev/full", "w") as full:
        done = start("topk", "-k", 1, wide, stdout=full)
        _, err = done.communicate()
    assert done.returncode == 1 and b"No space left" in err


def limit_files(size):
    def set_limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return set_limit


@pytest.mark.parametrize("limit", [0, 100, 1 << 20, 9 << 20])
def test_a_file_size_limit(tmp_path, wide, limit):
    if SANITIZER == "tsan" and limit == 0:
        pytest.skip("the thread sanitizer writes a file of its own at the start")
    (tmp_path / "out.values.npy").write_bytes(b"before")
    done = run("topk", "-k", 1, wide, "-o", tmp_path / "out", preexec_fn=limit_files(limit), check=1)
    assert "out." in done.err and done.err.count("\n") == 1
    names = {path.name for path in tmp_path.iterdir()}
    if limit < 9 << 20:  # the values need 8 MB, the indices 16
        assert (tmp_path / "out.values.npy").read_bytes() == b"before"
    assert names == {"out.values.npy"}


def test_a_file_size_limit_for_what_waits(tmp_path):
    done = run("compact", "--lower", 0, "--dtype", "u8", "--cols", 1 << 20, "-", "-o", tmp_path / "out",
               input=bytes(4 << 20),
               preexec_fn=limit_files(1 << 21), check=1)
    assert str(tmp_path) in done.err and done.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_full_file_system(tmp_path, wide):
    if os.geteuid() != 0:
        pytest.skip("a small file system can be mounted by root alone")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", tmp_path],
                      capture_output=True).returncode != 0:
        pytest.skip("mounting a small tmpfs is not allowed here")
    try:
        done = run("topk", "-k", 1, wide, "-o", tmp_path / "out", check=1)
        assert "no space left" in done.err.lower() and "out." in done.err
        assert not list(tmp_path.iterdir())
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_folder_that_takes_no_files(tmp_path):
    done = run(*TOPK, "-", "-o", tmp_path / "none" / "out", input="1\n2\n3\n", check=1)
    assert str(tmp_path / "none" / "out") in done.err


def test_closed_standard_descriptors(tmp_path):
    (tmp_path / "in.txt").write_text("1\n2\n3\n")
    program = [PROGRAM, *TOPK]
    shell = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *program, tmp_path / "in.txt"], capture_output=True)
    assert shell.returncode == 1 and b"standard output" in shell.stderr
    shell = subprocess.run(["sh", "-c", '"$@" <&-', "sh", *program, "-"], capture_output=True)
    assert shell.returncode == 1 and shell.stderr
    shell = subprocess.run(["sh", "-c", '"$@" 2>&-', "sh", *program, "-o", tmp_path / "out", tmp_path / "in.txt"],
                           capture_output=True)
    assert shell.returncode == 0
    assert np.load(tmp_path / "out.values.npy").tolist() == [3, 2, 1]


# ---- closed pipes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["topk", "-k", 1], ["topk", "-k", 1, "--json"], ["compact", "--lower", 0]])
def test_a_closed_pipe_ends_quietly(wide, arguments):
    done = start(*arguments, wide)
    done.stdout.read(10)
    done.stdout.close()
    assert done.stderr.read() == b""
    assert done.wait(timeout=60) == 0


def test_a_pipe_that_nobody_reads():
    for arguments in (["--help"], ["devices"], ["version", "--json"]):
        ends = os.pipe()
        os.close(ends[0])
        done = start(*arguments, stdout=ends[1])
        os.close(ends[1])
        _, err = done.communicate()
        assert done.returncode == 0 and err == b""


# ---- signals ---------------------------------------------------------------------------------------------------------


def check_whole(path, shape):
    """A file under its final name is whole."""
    if path.exists():
        array = np.load(path)  # raises where it is cut short
        assert array.shape == shape
        return array
    return None


def test_killed_while_writing(tmp_path, wide):
    started = time.monotonic()
    run("topk", "-k", 1, wide, "-o", tmp_path / "whole", check=0)
    usual = time.monotonic() - started
    values = np.load(tmp_path / "whole.values.npy")
    indices = np.load(tmp_path / "whole.indices.npy")
    seed = int(os.environ.get("ST_TEST_SEED", random.randrange(2 ** 32)))
    print(f"ST_TEST_SEED={seed}")
    moments = random.Random(seed)
    killed = 0
    for attempt in range(12):
        prefix = tmp_path / f"out{attempt}"
        done = start("topk", "-k", 1, wide, "-o", prefix)
        try:
            done.wait(timeout=moments.uniform(0, usual))
        except subprocess.TimeoutExpired:
            done.kill()
            killed += 1
        done.communicate()
        found = check_whole(prefix.with_suffix(".values.npy"), values.shape)
        assert found is None or (found == values).all()
        found = check_whole(prefix.with_suffix(".indices.npy"), indices.shape)
        assert found is None or (found == indices).all()
    assert killed > 0


def wait_until_taken(file):
    """Until the program has read all that was written to its pipe."""
    left = 1
    while left:
        time.sleep(0.01)
        left = struct.unpack("i", fcntl.ioctl(file, termios.FIONREAD, bytes(4)))[0]


def hold_back(done, content):
    """Feeds content, then keeps the pipe open, as someone at a keyboard does."""
    done.stdin.write(content)
    done.stdin.flush()
    wait_until_taken(done.stdin)
    while len(os.listdir(f"/proc/{done.pid}/task")) < 2:  # it has set up what watches for signals
        time.sleep(0.01)
    time.sleep(0.1)


@pytest.mark.parametrize("arguments, content", [
    (["topk", "-k", 1], b"1\n2\n"),
    (["midk", "-k", 1], b""),
    (["compact", "--lower", 0, "--dtype", "u8", "--cols", 1000], bytes(300_500)),
    (["topk", "-k", 1, "--dtype", "u8", "--cols", 1000], bytes(300_500)),
], ids=["text", "nothing yet", "compact", "rows"])
def test_interrupted_while_a_pipe_is_waited_for(tmp_path, arguments, content):
    done = start(*arguments, "-", "-o", tmp_path / "out")
    hold_back(done, content)
    done.send_signal(signal.SIGINT)
    assert done.wait(timeout=20) == 130
    assert done.stderr.read() == b""
    assert not list(tmp_path.iterdir())
    done.stdin.close()


def test_interrupted_with_a_temporary_file(tmp_path):
    """The shape is known, so the files are begun before the numbers have come."""
    np.save(tmp_path / "in.npy", np.zeros((4000, 100), "f4"))
    content = (tmp_path / "in.npy").read_bytes()
    folder = tmp_path / "results"
    for number, status in [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)]:
        folder.mkdir()
        done = start("topk", "-k", 1, "-", "-o", folder / "out")
        hold_back(done, content[:1_000_000])
        opened = [os.readlink(link) for link in glob.glob(f"/proc/{done.pid}/fd/*")]
        assert sum(name.startswith(str(folder)) for name in opened) >= 2, "both files are begun"
        done.send_signal(number)
        assert done.wait(timeout=20) == status
        assert not list(folder.iterdir())
        folder.rmdir()
        done.stdin.close()


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_interrupted_while_nobody_reads(wide, form):
    if SANITIZER == "tsan":
        pytest.skip("the thread sanitizer flushes standard output in _exit, and so waits for its reader")
    done = start("topk", "-k", 1, *form, wide)
    os.read(done.stdout.fileno(), 100)  # it is printing, and now waits for its reader
    time.sleep(0.1)
    done.send_signal(signal.SIGINT)
    assert done.wait(timeout=20) == 130
    assert done.stderr.read() == b""


def test_an_interrupt_that_is_ignored_stays_ignored():
    done = start("topk", "-k", 1, "-", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    hold_back(done, b"1\n")
    done.send_signal(signal.SIGINT)
    time.sleep(0.1)
    out, _ = done.communicate(b"5\n")
    assert done.returncode == 0 and out == b"0\t0\t1\t5\n"


# ---- terminals -------------------------------------------------------------------------------------------------------


def on_terminal(arguments, feed, stream, columns=80):
    """Runs with stdout or stderr on a terminal, input from feed(file); returns (status, what it showed, other)."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: follower}
    done = start(*arguments, **streams)
    os.close(follower)
    shown = []

    def read():
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:  # the last writer is gone
                return
            if not part:
                return
            shown.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    feed(done.stdin)
    done.stdin.close()
    other = (done.stderr if stream == "stdout" else done.stdout).read()
    status = done.wait(timeout=30)
    reader.join()
    os.close(leader)
    return status, b"".join(shown).decode(), other.decode()


def test_a_table_on_a_terminal():
    status, shown, _ = on_terminal(["topk", "-k", 2, "-"], lambda file: file.write(b"10\n-2.5\n300\n"), "stdout")
    assert status == 0
    assert shown.splitlines() == ["row  position  index  value", "  0         0      2    300",
                                  "  0         1      0     10"]
    text = "name,size\nplain,1\n\x1b[31mred,2\n".encode()
    status, shown, _ = on_terminal(["topk", "-k", 2, "--column", "size", "--show", "name", "-"],
                                   lambda file: file.write(text), "stdout")
    assert shown.splitlines() == ["row  position  name      value", "  0         0  ?[31mred      2",
                                  "  0         1  plain         1"]


def with_a_break(parts):
    """The first part, more than half a second after the program has taken it the rest."""
    def feed(file):
        file.write(parts[0])
        file.flush()
        wait_until_taken(file)
        time.sleep(0.7)
        for part in parts[1:]:
            file.write(part)
    return feed


def npy_parts(tmp_path, count):
    np.save(tmp_path / "in.npy", np.arange(count * 2.0 ** 20).astype("f4").reshape(-1, 65536))
    content = (tmp_path / "in.npy").read_bytes()
    step = len(content) // 8 + 1
    return [content[at:at + step] for at in range(0, len(content), step)]


def test_progress_of_a_known_size(tmp_path):
    status, shown, out = on_terminal(["topk", "-k", 1, "-"], with_a_break(npy_parts(tmp_path, 8)), "stderr")
    assert status == 0 and len(out.splitlines()) == 128
    assert "%" in shown and "MiB/s" in shown and "left" in shown and "#" in shown
    assert shown.endswith("\r\x1b[K")
    assert all(len(line) < 80 for line in shown.replace("\x1b[K", "").split("\r"))


def test_progress_of_an_unknown_size():
    numbers = b"".join(b"%d\n" % number for number in range(70_000))
    status, shown, out = on_terminal(["topk", "-k", 1, "-"], with_a_break([numbers] * 3), "stderr")
    assert status == 0 and out == "0\t0\t69999\t69999\n"
    assert "numbers" in shown and "/s" in shown and "%" not in shown


def test_no_progress_where_it_is_not_wanted(tmp_path):
    parts = npy_parts(tmp_path, 1)
    assert on_terminal(["topk", "-k", 1, "--quiet", "-"], with_a_break(parts), "stderr")[1] == ""
    done = start("topk", "-k", 1, "-")
    with_a_break(parts)(done.stdin)
    done.stdin.close()
    done.stdout.read()
    assert done.stderr.read() == b"" and done.wait() == 0
