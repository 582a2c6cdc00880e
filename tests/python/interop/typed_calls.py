# SPDX-License-Identifier: AGPL-3.0-or-later
"""Calls as a typed program makes them. test_types.py lets mypy read them, and nothing runs them."""
import array
from typing import Any, assert_type

import numpy as np
import numpy.typing as npt

import spiraltorch as st

x: npt.NDArray[np.float32] = np.zeros((4, 9), dtype=np.float32)
values, indices = st.topk(x, 3, dim=0, largest=False, nan="last")
assert_type(values, npt.NDArray[np.float32])
assert_type(st.top_k(x, 2, axis=None, mode="smallest").values, npt.NDArray[np.float32])
assert_type(st.rank_window(x, 1, 3, descending=True, sorted=False).values, npt.NDArray[np.float32])
assert_type(st.topk(array.array("d", [1.0]), 1), st.TopK[st.Array])
assert_type(st.stream_topk([x, x], 2).values, npt.NDArray[np.float32])
assert_type(st.band_compact(x, 0, 1).counts, Any)
middle = st.quantile(x, [0.5], dim=1, method="hazen", keepdim=True, nan="omit")
assert_type(st.plan(8, 65536, 64).choice, dict[str, int])
assert_type(st.devices()[0].available, bool)
assert_type(st.kdsl.check("mk: 2").hard, int)
assert_type(st.get_num_threads(), int)
st.torch.topk(st.torch.midk(x, 3, 0).values, 1)  # PyTorch itself is not read

try:
    st.topk(x, 3, device="cuda:0", lengths=[9, 9, 9, 9], out=(values, indices))
except st.Error as error:
    assert_type(error.status, str)
