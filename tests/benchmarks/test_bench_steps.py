"""What a training step costs beside the network, and what its options save: time and memory, as ratios."""

import pytest
import torch
from measuring import fastest, peak_memory
from torch.nn import functional as F

from replearn.data import ColorJitter, Compose, GaussianBlur, RandomAffineCrop, RandomGrayscale
from replearn.methods import method
from replearn.models import TinyConv

BATCH, WIDTH = 256, 64
VIEWS = Compose(
    RandomAffineCrop(scale=(0.2, 1.0), degrees=0.0, hflip=True), ColorJitter(), RandomGrayscale(), GaussianBlur()
)


def images():
    return torch.rand(1024, 3, 32, 32, generator=torch.Generator().manual_seed(0))


class Steps:
    """One method on the small convnet: its whole step, and parts of it."""

    def __init__(self, name):
        torch.set_num_threads(1)
        self.method = method(name, TinyConv(WIDTH, 3), VIEWS, d_hidden=512, dim=64).train()
        self.optimiser = torch.optim.AdamW(self.method.param_groups(1e-4), lr=1e-3)
        self.images, self.generator = images(), torch.Generator().manual_seed(0)
        self.index = torch.arange(BATCH)
        self.fixed = list(self.method.views(self.images, self.index, self.generator))
        self.labels = torch.arange(2 * BATCH) % 64

    def descend(self, loss):
        loss.backward()
        self.optimiser.step()
        self.optimiser.zero_grad()

    def whole(self):
        self.descend(self.method.step(self.method.views(self.images, self.index, self.generator))["loss"])
        self.method.after_step()

    def without_views(self):
        self.descend(self.method.step(self.fixed)["loss"])
        self.method.after_step()

    def network_alone(self):
        self.method.projector(self.method.encoder(torch.cat(self.fixed))).sum().backward()
        self.optimiser.zero_grad()

    def supervised(self):
        """Cross-entropy on the same batch, after as many further forward passes as the method has for its teacher."""
        both = torch.cat(self.fixed)
        if getattr(self.method, "teacher", None) is not None:
            with torch.no_grad():
                self.method.projector(self.method.encoder(both))
        self.descend(F.cross_entropy(self.method.projector(self.method.encoder(both)), self.labels))


def test_a_simclr_step_is_spent_in_the_network(benchmark, capsys):
    steps = Steps("simclr")
    network, whole = fastest(steps.network_alone, steps.whole)
    benchmark.pedantic(steps.whole, rounds=3)
    with capsys.disabled():
        print(f"\nsimclr, batch {BATCH}: step {whole * 1e3:.0f} ms, of which network {network / whole:.0%}")
    assert network >= 0.8 * whole


@pytest.mark.parametrize("name", ["dino", "byol", "vicreg"])
def test_a_step_costs_little_more_than_a_supervised_one(benchmark, capsys, name):
    steps = Steps(name)
    supervised, ours = fastest(steps.supervised, steps.without_views)
    benchmark.pedantic(steps.without_views, rounds=3)
    with capsys.disabled():
        print(f"\n{name}: {ours * 1e3:.0f} ms, supervised {supervised * 1e3:.0f} ms, {ours / supervised - 1:+.0%}")
    assert ours <= 1.15 * supervised


@pytest.mark.parametrize("parts", [2, 8])
def test_micro_batches_trade_time_for_memory(benchmark, capsys, parts):
    whole, cached = Steps("simclr"), Steps("simclr")
    cached.method.micro_batches = parts
    whole_time, time = fastest(whole.without_views, cached.without_views)
    benchmark.pedantic(cached.without_views, rounds=3)
    whole_bytes, bytes_ = peak_memory(whole.without_views), peak_memory(cached.without_views)
    with capsys.disabled():
        print(f"\n{parts} micro-batches: time x{time / whole_time:.2f}, memory x{bytes_ / whole_bytes:.2f}")
    assert bytes_ < whole_bytes
