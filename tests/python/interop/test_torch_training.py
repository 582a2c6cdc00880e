# SPDX-License-Identifier: AGPL-3.0-or-later
"""st.torch: gradients by finite differences, beside torch.topk's own, through torch.compile, and in a model that learns."""
import pathlib
import re
import subprocess
import sys

import pytest

import spiraltorch as st

torch = pytest.importorskip("torch")

ROOT = pathlib.Path(__file__).resolve().parents[3]
DATA = pathlib.Path("/usr/share/datasets/fashion-mnist")
SELECTIONS = {
    "topk": lambda x: st.torch.topk(x, 3)[0],
    "topk, axis 0": lambda x: st.torch.topk(x, 2, 0)[0],
    "smallest, unsorted": lambda x: st.torch.topk(x, 3, 2, False, False)[0],
    "midk": lambda x: st.torch.midk(x, 2, 0)[0],
    "rank_window": lambda x: st.torch.rank_window(x, 1, 4, -1, True)[0],
    "short rows": lambda x: st.torch.topk(x, 3, lengths=torch.tensor([[5, 2], [0, 1], [3, 5], [4, 4]]))[0],
}


def apart(*shape):
    """Numbers that differ by more than finite differences move them."""
    count = int(torch.tensor(shape).prod())
    generator = torch.Generator().manual_seed(3)
    return torch.randperm(count, generator=generator).double().reshape(shape).div(count).requires_grad_()


@pytest.mark.parametrize("name", SELECTIONS)
def test_gradients(name):
    select = SELECTIONS[name]
    x = apart(4, 2, 5)
    assert torch.autograd.gradcheck(select, (x,))
    assert torch.autograd.gradgradcheck(lambda elements: select(elements) ** 3, (x,))
    transposed = apart(5, 2, 4).detach().transpose(0, 2).requires_grad_()
    assert torch.autograd.gradcheck(select, (transposed,))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_gradient_is_torch_topks(dtype):
    generator = torch.Generator().manual_seed(5)
    for shape, dim, k, largest in [((7,), 0, 3, True), ((6, 40), 1, 40, False), ((3, 4, 5), -2, 2, True), ((2, 9), 1, 0, True)]:
        count = int(torch.tensor(shape).prod())
        x = torch.randperm(count, generator=generator).reshape(shape).to(dtype)
        weights = torch.rand(*[k if axis == dim % len(shape) else size for axis, size in enumerate(shape)],
                             generator=generator).to(dtype)
        gradients = []
        for select in (st.torch.topk, torch.topk):
            x.requires_grad_().grad = None
            values, indices = select(x, k, dim, largest)
            assert not indices.requires_grad
            (values * weights).sum().backward()
            gradients.append(x.grad)
        assert torch.equal(*gradients)


def test_without_a_gradient():
    x = torch.tensor([3, 1, 2], dtype=torch.int16)
    found = st.torch.topk(x, 2)
    assert found.values.tolist() == [3, 2] and found.indices.tolist() == [0, 2]
    with torch.no_grad():
        assert not st.torch.midk(apart(9), 1).values.requires_grad


def test_errors_are_spiraltorchs():
    with pytest.raises(ValueError, match="k"):
        st.torch.topk(apart(4), 5)
    with pytest.raises(ValueError, match="nan"):
        st.torch.topk(apart(4), 2, nan="first")


@pytest.mark.skipif(not hasattr(torch.library, "custom_op"), reason="this PyTorch has no torch.library.custom_op; 2.4 and newer do")
def test_compile_keeps_it_in_one_graph():
    operator = torch.ops.spiraltorch.select
    torch.library.opcheck(operator, (apart(4, 6), 0, 2, 1, True, True, "greatest", None))
    torch.library.opcheck(operator, (apart(3, 6), 2, 5, 0 - 1, False, False, "last", None))

    def loss(elements):
        values, indices = st.torch.topk(elements * 2, 3, 0)
        return (values * (indices + 1)).sum() + st.torch.midk(elements, 1).values.sum()

    for dynamic in (False, True):
        compiled = torch.compile(loss, fullgraph=True, dynamic=dynamic, backend="aot_eager")
        for width in (5, 8):
            x = apart(9, width)
            wanted, = torch.autograd.grad(loss(x), x)
            assert torch.equal(compiled(x), loss(x))
            assert torch.equal(torch.autograd.grad(compiled(x), x)[0], wanted)


def test_a_model_learns_through_it():
    if not DATA.is_dir():
        pytest.skip(f"there is no {DATA}: Debian's dataset-fashion-mnist has it")
    done = subprocess.run([sys.executable, str(ROOT / "examples/python/gated_experts.py")], capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == 0, done.stderr
    losses = [float(loss) for loss in re.findall(r"loss (\d+\.\d+)$", done.stdout, re.M)]
    right = float(re.search(r"^(\d+\.\d) % of 10000 test pictures", done.stdout, re.M).group(1))
    assert len(losses) >= 3 and losses[-1] < 0.75 * losses[0], done.stdout
    assert right > 70, done.stdout
