"""Batches read from a data set while training, against the same data held as a tensor."""

from functools import partial

import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import TensorDataset

from replearn.data import GaussianNoise
from replearn.methods import JointEmbedding
from replearn.training import pretrain, seeded
from replearn.training.batches import batches


def images(n=50):
    return torch.arange(n * 3.0).view(n, 3)


def drawn(data, start=0, workers=0, steps=6):
    generator = torch.Generator().manual_seed(0)
    found = batches(data, 4, generator=generator, seed=7, start=start, steps=steps, workers=workers)
    return torch.stack([pool[index] for pool, index in found])


@pytest.mark.parametrize("workers", [0, 2])
def test_a_data_set_gives_batches_of_its_images(workers):
    data = TensorDataset(images(), torch.zeros(50))
    found = drawn(data, workers=workers)
    index = torch.randint(50, (6, 4), generator=torch.Generator().manual_seed(7))
    assert torch.equal(found[0], images()[index[0]]) and found.shape == (6, 4, 3)
    assert torch.equal(drawn(data, start=4, workers=workers), found[4:])


def test_a_tensor_is_drawn_from_the_generator():
    index = torch.randint(50, (4,), generator=torch.Generator().manual_seed(0))
    assert torch.equal(drawn(images())[0], images()[index])


def test_items_that_are_no_tensors():
    with pytest.raises(ValueError, match="transform the Image"):
        drawn([Image.new("L", (2, 2))] * 5)


class Stopped(JointEmbedding):
    def __init__(self, stop=None):
        with seeded(0):
            super().__init__(nn.Linear(3, 8), nn.Linear(8, 4), spread, GaussianNoise(0.2))
        self.left = stop

    def views(self, images, index, generator):
        if self.left == 0:
            raise KeyboardInterrupt
        self.left = None if self.left is None else self.left - 1
        return super().views(images, index, generator)


def spread(a, b):
    return (a - b).square().mean() - 0.1 * a.var(0).mean()


run = partial(pretrain, steps=12, batch_size=8, warmup=2, lr=1e-2)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_on_a_data_set_resumes_bit_for_bit(tmp_path, workers):
    data, whole, half, rest = TensorDataset(images() / 100), Stopped(), Stopped(stop=7), Stopped()
    loss = run(whole, data, workers=workers).loss
    saved = {"checkpoint": tmp_path / "run.pt", "checkpoint_every": 5, "workers": workers}
    assert run(half, data, **saved).interrupted
    assert run(rest, data, **saved, resume=True).loss == loss
    for a, b in zip(whole.parameters(), rest.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("data", [TensorDataset(torch.zeros(0, 3)), [1.0, 2.0], None])
def test_what_is_no_data_set(data):
    with pytest.raises(ValueError, match="images must be a tensor or a torch Dataset"):
        run(Stopped(), data)


def test_a_negative_number_of_workers():
    with pytest.raises(ValueError, match="workers"):
        run(Stopped(), images(), workers=-1)
