# SPDX-License-Identifier: AGPL-3.0-or-later
"""torch.topk, sort, kthvalue and median on random tensors: the same values, and the indices of PyTorch's stable sort."""
import numpy as np
import pytest

import spiraltorch as st
from cases import View, expect, generators, order, ranks

torch = pytest.importorskip("torch")
try:
    torch.zeros(1).numpy()
except RuntimeError as error:
    pytest.skip(f"PyTorch {torch.__version__} with NumPy {np.__version__}: {error}", allow_module_level=True)

# The NumPy type that the numbers are drawn in, and that compares exactly.
DTYPES = {torch.float32: "f4", torch.float64: "f8", torch.float16: "f2", torch.bfloat16: "f4", torch.int8: "i1",
          torch.uint8: "u1", torch.int16: "i2", torch.int32: "i4", torch.int64: "i8"}


def tensors(name, count):
    for number, rng in generators(name, count):
        dtype = list(DTYPES)[rng.integers(len(DTYPES))]
        view = View(rng, DTYPES[dtype], flips=False)
        x = view.of(torch.from_numpy(view.base).to(dtype), lambda tensor, axes: tensor.permute(axes))
        yield f"case {number}: {dtype} {view}", rng, x, view.dim


def exact(x):
    """A tensor that PyTorch can sort, of the same order, and that NumPy can hold."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def same_bits(left, right):
    assert left.dtype == right.dtype
    whole = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[left.element_size()]
    return torch.equal(left.contiguous().view(whole), right.contiguous().view(whole))


def test_topk_is_torch_topk():
    for case, rng, x, dim in tensors("torch", 3000):
        k = int(rng.integers(0, x.shape[dim] + 1))
        largest, in_order = bool(rng.random() < 0.5), bool(rng.random() < 0.7)
        try:
            values, indices = st.topk(x, k, dim, largest, in_order)
            assert type(values) is torch.Tensor and type(indices) is torch.Tensor and indices.dtype == torch.int64
            assert values.device == x.device
            wanted = exact(x)
            # Of equals the lowest index first, which is what a stable sort gives.
            first = torch.sort(wanted, dim=dim, descending=largest, stable=True)[1].narrow(dim, 0, k)
            if not in_order:
                first = first.sort(dim)[0]
            assert torch.equal(indices, first)
            assert same_bits(values, torch.gather(x, dim, indices))
            # torch.topk picks any of equals: the keys of what it picked must be those of what we did.
            theirs, picked = torch.topk(wanted, k, dim, largest, True)
            ours = torch.sort(exact(values), dim=dim, descending=largest)[0]
            assert torch.equal(ours.nan_to_num(nan=0.125), theirs.nan_to_num(nan=0.125)) if ours.is_floating_point() \
                else torch.equal(ours, theirs)
            if ours.is_floating_point():
                assert torch.equal(ours.isnan(), theirs.isnan())
            alone = torch.sort(torch.where(once(wanted, dim), indices_of(wanted, dim), -1).gather(dim, picked), dim=dim)[0]
            mine = torch.sort(torch.where(once(wanted, dim), indices_of(wanted, dim), -1).gather(dim, indices), dim=dim)[0]
            assert torch.equal(alone, mine)
        except Exception as error:
            raise AssertionError(f"{case}, k {k}, largest {largest}, sorted {in_order}") from error


def indices_of(x, dim):
    """Each element's place along dim."""
    shape = [1] * x.dim()
    shape[dim] = -1
    return torch.arange(x.shape[dim]).reshape(shape).expand(x.shape)


def once(x, dim):
    """Where an element has no equal in its row."""
    ordered, places = torch.sort(x, dim=dim, stable=True)
    ordered = ordered.double().nan_to_num(nan=float("inf")) if x.is_floating_point() else ordered
    length = x.shape[dim]
    alone = torch.ones(x.shape, dtype=torch.bool)
    if length > 1:
        equal = ordered.narrow(dim, 1, length - 1) == ordered.narrow(dim, 0, length - 1)
        edge = torch.zeros_like(alone.narrow(dim, 0, 1))
        alone = ~(torch.cat((edge, equal), dim) | torch.cat((equal, edge), dim))
    return torch.zeros_like(alone).scatter(dim, places, alone)


def test_rank_window_is_kthvalue():
    for case, rng, x, dim in tensors("kthvalue", 300):
        length = x.shape[dim]
        if length == 0:
            continue
        rank = int(rng.integers(length))
        try:
            values, indices = st.rank_window(x, rank, rank + 1, dim)
            wanted = torch.sort(exact(x), dim=dim, stable=True)
            assert torch.equal(indices, wanted[1].narrow(dim, rank, 1))
            theirs = torch.kthvalue(exact(x), rank + 1, dim, keepdim=True)[0]
            np.testing.assert_array_equal(exact(values).numpy(), theirs.numpy())
        except Exception as error:
            raise AssertionError(f"{case}, rank {rank}") from error


def test_a_lazy_negation_is_seen():
    x = torch.complex(torch.zeros(4), torch.tensor([3.0, -1.0, 2.0, 7.0])).conj().imag
    assert x.is_neg()
    with pytest.raises(ValueError, match="resolve_neg"):
        st.topk(x, 2)
    for values, indices in (st.topk(x.resolve_neg(), 2), st.torch.topk(x, 2)):
        assert values.tolist() == [1.0, -2.0] and indices.tolist() == [1, 2]


def test_a_numpy_array_and_its_tensor_agree():
    x = np.random.default_rng(0).standard_normal((5, 90), dtype="f4")
    wanted = ranks(order(x, 0, True), 0, 0, 3)
    expect(x, *st.topk(x, 3, 0), wanted, 0)
    expect(x, *(part.numpy() for part in st.topk(torch.from_numpy(x), 3, 0)), wanted, 0)
