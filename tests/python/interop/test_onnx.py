# SPDX-License-Identifier: AGPL-3.0-or-later
"""The node tests that ONNX has of its operator TopK: attributes, inputs and outputs, as the package onnx makes them."""
import json
import os
import subprocess
import sys

import numpy as np
import pytest

import spiraltorch as st

# Where tools/get_python_peers.sh puts it. Its modules stay in a process of their own: some are newer than Debian's.
FOLDER = os.environ.get("ST_TEST_PYTHON_PEERS", "")
WRITE_CASES = """
import json
import numpy as np
from onnx.backend.test.case.node import collect_testcases

def listed(arrays):
    return [[str(np.asarray(array).dtype), np.asarray(array).tolist()] for array in arrays]

print(json.dumps([[case.name, {attribute.name: attribute.i for attribute in case.model.graph.node[0].attribute},
                   [[listed(part) for part in parts] for parts in case.data_sets]] for case in collect_testcases("TopK")]))
"""


def test_topk_nodes():
    if not FOLDER:
        pytest.skip("ST_TEST_PYTHON_PEERS names no folder with the package onnx: tools/get_python_peers.sh makes one")
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", WRITE_CASES], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "PYTHONPATH": FOLDER})
    assert done.returncode == 0, done.stderr
    cases = json.loads(done.stdout)
    for name, attributes, data_sets in cases:
        in_order = attributes.get("sorted", 1)
        for inputs, outputs in data_sets:
            x, k = (np.array(content, dtype) for dtype, content in inputs)
            found = st.topk(x, int(k[0]), attributes.get("axis", -1), bool(attributes.get("largest", 1)), bool(in_order))
            for ours, (dtype, content) in zip(found, outputs, strict=True):
                theirs = np.array(content, dtype)
                assert ours.dtype == theirs.dtype, name
                np.testing.assert_array_equal(ours if in_order else np.sort(ours), theirs if in_order else np.sort(theirs), name)
    print(f"{len(cases)} node tests: {', '.join(case[0] for case in cases)}")
    assert len(cases) >= 4
