#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# get_python_peers.sh - puts what the Python tests take from PyPI into build/python-peers (or the folder that is named): ONNX, whose
# node tests are run, and mypy, which reads the stubs. Pinned by version and hash. Needs no network where it is already there.
# The last line is the folder.
set -eu
cd "$(dirname "$0")/.."
folder=${1:-$(pwd)/build/python-peers}
requirements=tests/python/interop/requirements.txt
wanted=$(cksum <$requirements)
if [ "$(cat "$folder/installed" 2>/dev/null)" = "$wanted" ]; then
    echo "$folder"
    exit 0
fi
python=${ST_PYTHON:-/usr/bin/python3}
mkdir -p "$folder"
log=$folder.log
# Not NumPy: the tests have one already, and there must not be two.
if ! "$python" -m pip install -q --disable-pip-version-check --no-deps --require-hashes --only-binary :all: --upgrade \
    --target "$folder" -r $requirements >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
echo "$wanted" >"$folder/installed"
echo "$folder"
