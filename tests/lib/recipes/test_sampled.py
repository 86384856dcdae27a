"""Training on endless data: the loop written out by hand, and the recovery that the theorems promise."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from replearn.data import bayes_cross_entropy, latent_world
from replearn.evaluation import linear_r2
from replearn.losses import info_nce, vicreg
from replearn.models import mlp_head
from replearn.recipes import train_ce, train_pairs
from replearn.training import cosine_ramp, features, seeded


def blobs(n, generator):
    y = torch.randint(3, (n,), generator=generator)
    return torch.randn(n, 2, generator=generator) + 2 * y[:, None], y


def noisy_pairs(n, generator):
    x = torch.randn(n, 2, generator=generator)
    return x, x + 0.1 * torch.randn(n, 2, generator=generator)


def networks():
    with seeded(0):
        return nn.Sequential(nn.Linear(2, 4), nn.Tanh()), nn.Linear(4, 3)


class Recorder:
    """A sampler that keeps what it drew."""

    def __init__(self, sampler):
        self.sampler, self.batches = sampler, []

    def __call__(self, n, generator):
        self.batches.append(self.sampler(n, generator))
        return self.batches[-1]


def adam_by_hand(parameters, losses, lr):
    """Descend the losses one by one with Adam at a rate that falls along half a cosine."""
    optimiser = torch.optim.Adam(parameters, lr=lr)
    values = []
    for step, loss in enumerate(losses):
        optimiser.param_groups[0]["lr"] = cosine_ramp(step, len(losses), lr, 0.0)
        optimiser.zero_grad()
        value = loss()
        value.backward()
        optimiser.step()
        values.append(value.item())
    return values


def test_train_ce_is_adam_on_fresh_batches():
    encoder, head = networks()
    sampler = Recorder(blobs)
    history = train_ce(encoder, head, sampler, 15, batch_size=32, lr=0.05, seed=3)
    copy, copy_head = networks()
    steps = [lambda x=x, y=y: F.cross_entropy(copy_head(copy(x)), y) for x, y in sampler.batches]
    expected = adam_by_hand([*copy.parameters(), *copy_head.parameters()], steps, 0.05)
    torch.testing.assert_close(torch.tensor(history.loss), torch.tensor(expected))
    torch.testing.assert_close(head.weight, copy_head.weight)
    assert len(sampler.batches) == 15 and not torch.equal(sampler.batches[0][0], sampler.batches[1][0])


def test_train_pairs_is_adam_on_fresh_pairs():
    encoder, _ = networks()
    sampler = Recorder(noisy_pairs)
    history = train_pairs(encoder, vicreg, sampler, 15, batch_size=32, lr=0.05)
    copy, _ = networks()
    steps = [lambda a=a, b=b: vicreg(copy(a), copy(b)).total for a, b in sampler.batches]
    torch.testing.assert_close(torch.tensor(history.loss), torch.tensor(adam_by_hand(copy.parameters(), steps, 0.05)))


def test_the_seed_decides_the_draws_and_settings_may_be_replaced():
    first, again, other = (train_ce(*networks(), blobs, 5, seed=s).loss for s in (1, 1, 2))
    assert first == again != other
    warm = train_ce(*networks(), blobs, 10, warmup=5)
    assert warm.lr[0] == 0 and max(warm.lr) == 2e-2


@pytest.fixture(scope="module")
def world():
    return latent_world(3, n_classes=20)


def latents(world):
    z, c = world.classes(2000, torch.Generator().manual_seed(9))
    return z, c, world.render(z)


def test_cross_entropy_recovers_the_latents(world):
    def labelled(n, generator):
        z, c = world.classes(n, generator)
        return world.render(z), c

    with seeded(0):
        encoder, head = mlp_head(3, 64, 3, layers=4), nn.Linear(3, 20, bias=False)
    z, c, x = latents(world)
    before = linear_r2(features(encoder, x), z)
    train_ce(encoder, head, labelled, 150, batch_size=256)
    h = features(encoder, x)
    gap = F.cross_entropy(head(h), c).item() - bayes_cross_entropy(world.centres, world.kappa, z, c)
    assert linear_r2(h, z) > 0.95 > 0.9 > linear_r2(x, z) and before < 0.75
    assert -0.01 < gap < 0.05


def test_info_nce_recovers_the_latents_up_to_a_rotation(world):
    def views(n, generator):
        return tuple(map(world.render, world.pair(n, generator)))

    with seeded(0):
        encoder = mlp_head(3, 64, 3, layers=4)
    loss = partial(info_nce, similarity="sqdist", normalize=False, temperature=1 / world.kappa)
    train_pairs(encoder, loss, views, 150, batch_size=256)
    z, _, x = latents(world)
    h = features(encoder, x)
    stretch = torch.linalg.svdvals(torch.linalg.lstsq(z, h - h.mean(0)).solution)
    assert linear_r2(h, z) > 0.95
    assert stretch.max() / stretch.min() < 1.2 and stretch.mean().item() == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: train_ce(*networks(), blobs, 0), "steps"),
        (lambda: train_ce(*networks(), blobs, 5, lr=-1), "lr must be positive"),
        (lambda: train_pairs(networks()[0], vicreg, noisy_pairs, 5, batch_size=1), "batch_size"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
