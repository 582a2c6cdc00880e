# SPDX-License-Identifier: AGPL-3.0-or-later
"""What libraries say on standard error while they are loaded is not for the benchmark's reader."""
import contextlib
import os
import sys


@contextlib.contextmanager
def quiet():
    sys.stderr.flush()
    kept, sink = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    os.close(sink)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
