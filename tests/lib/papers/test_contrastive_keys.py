"""How stale MoCo's keys are, against the same views encoded anew by hand."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from replearn import losses
from replearn.data import GaussianNoise
from replearn.methods import MoCo
from replearn.papers.contrastive import aged_keys
from replearn.training import seeded
from sampling import rows


def images(n=50):
    return rows(n)


def moco(seed=0, **options):
    with seeded(0):
        encoder = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU())
        projector = nn.Linear(8, 4)
    options = {"size": 40, "dim": 4, **options}
    return MoCo(encoder, projector, partial(losses.info_nce, temperature=0.3), GaussianNoise(0.2), seed=seed, **options)


def cosine(keys):
    return F.cosine_similarity(keys.stored, keys.renewed, dim=2).mean(1)


def test_keys_of_a_network_that_never_moves_are_made_anew_as_they_were():
    frozen = aged_keys(moco(decay=1.0), images(), steps=7, batch_size=8)
    assert frozen.stored.shape == frozen.renewed.shape == (5, 8, 4)
    torch.testing.assert_close(frozen.stored, frozen.renewed)


def test_old_keys_are_staler_than_new_ones_and_a_slow_network_keeps_them_fresh():
    fast, slow = (
        cosine(aged_keys(moco(decay=decay), images(), steps=20, batch_size=8, lr=3e-2)) for decay in (0.0, 0.9)
    )
    assert fast[0] > fast[-1] + 0.03
    assert slow.mean() > fast.mean() + 0.01


def test_the_keys_are_those_of_the_views_drawn_with_the_seed():
    method, steps, generator = moco(decay=0.5), 6, torch.Generator().manual_seed(3)
    stored, renewed = aged_keys(method, images(), steps=steps, batch_size=8, seed=3)
    views = [method.views(images(), torch.randint(50, (8,), generator=generator), generator) for _ in range(steps)]
    for age in range(5):
        torch.testing.assert_close(renewed[age], method.key_encoder(views[steps - 1 - age][1]))
        torch.testing.assert_close(stored[age], method.queue.get()[40 - 8 * (age + 1) : 40 - 8 * age])


@pytest.mark.parametrize(
    ("options", "message"),
    [({"batch_size": 16}, "whole batches"), ({"batch_size": 8, "steps": 4}, "at most 4"), ({"lr": 0.0}, "lr must be")],
)
def test_it_refuses_what_does_not_fill_the_queue(options, message):
    with pytest.raises(ValueError, match=message):
        aged_keys(moco(), images(), **{"batch_size": 8, **options})
