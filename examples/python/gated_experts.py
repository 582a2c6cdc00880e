# SPDX-License-Identifier: AGPL-3.0-or-later
"""Names the clothes on pictures by a few experts out of many: a gate scores all experts, topk picks the two best for each
picture, and only those two look at it. What the gate learns comes through topk's gradient.

    gated_experts.py [FOLDER with the four Fashion-MNIST files]

Prints the mean loss as it falls, and how often the pictures of the test set are named rightly.
"""
import gzip
import pathlib
import struct
import sys

import torch

import spiraltorch as st

FOLDER = "/usr/share/datasets/fashion-mnist"
PIXELS, CLASSES = 28 * 28, 10
EXPERTS, PICKED, HIDDEN = 16, 2, 32
BATCH, STEPS, REPORT = 256, 240, 40


def read_idx(path):
    """The bytes of an IDX file (images or labels), in its shape."""
    content = gzip.decompress(path.read_bytes())
    axes = content[3]
    shape = struct.unpack_from(f">{axes}I", content, 4)
    return torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=4 + 4 * axes).reshape(shape)


def read_set(folder, name):
    images = read_idx(folder / f"{name}-images-idx3-ubyte.gz").reshape(-1, PIXELS)
    return images.float() / 255 - 0.5, read_idx(folder / f"{name}-labels-idx1-ubyte.gz").long()


class GatedExperts(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = torch.nn.Linear(PIXELS, EXPERTS)
        self.experts = torch.nn.ModuleList(
            torch.nn.Sequential(torch.nn.Linear(PIXELS, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, CLASSES))
            for _ in range(EXPERTS))

    def forward(self, images):
        """Scores of the classes for each picture, and how evenly the gate uses its experts (1 is evenly, more is worse)."""
        scores = self.gate(images)
        best, picked = st.torch.topk(scores, PICKED)
        weights = best.softmax(1)
        answer = images.new_zeros(len(images), CLASSES)
        for number, expert in enumerate(self.experts):
            rows, places = (picked == number).nonzero(as_tuple=True)
            answer = answer.index_add(0, rows, weights[rows, places, None] * expert(images[rows]))
        share = torch.bincount(picked.flatten(), minlength=EXPERTS) / picked.numel()
        return answer, EXPERTS * (share * scores.softmax(1).mean(0)).sum()


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else FOLDER)
    try:
        images, labels = read_set(folder, "train")
        test_images, test_labels = read_set(folder, "t10k")
    except OSError as error:
        sys.exit(f"gated_experts.py: {error}; install dataset-fashion-mnist, or name the folder with its files")
    torch.manual_seed(1)
    model = GatedExperts()
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    sum_of_losses = 0.0
    for step in range(1, STEPS + 1):
        rows = torch.randint(len(images), (BATCH,))
        answer, unevenness = model(images[rows])
        loss = torch.nn.functional.cross_entropy(answer, labels[rows])
        optimiser.zero_grad()
        (loss + 0.01 * unevenness).backward()
        optimiser.step()
        sum_of_losses += loss.item()
        if step % REPORT == 0:
            print(f"steps {step - REPORT + 1:4} to {step:4}: loss {sum_of_losses / REPORT:.3f}")
            sum_of_losses = 0.0
    with torch.no_grad():
        answer, _ = model(test_images)
    right = (answer.argmax(1) == test_labels).float().mean().item()
    print(f"{100 * right:.1f} % of {len(test_labels)} test pictures are named rightly, each by {PICKED} of {EXPERTS} experts")


if __name__ == "__main__":
    main()
