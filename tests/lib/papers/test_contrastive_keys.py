"""How stale MoCo's keys are, against the same views encoded anew by hand."""

from functools import partial

import pytest
import torch
from sampling import rows
from torch import nn
from torch.nn import functional as F

from replearn import losses
from replearn.data import GaussianNoise
from replearn.methods import MoCo
from replearn.papers.contrastive import key_freshness
from replearn.training import seeded


def images(n=50):
    return rows(n)


def moco(seed=0, **options):
    with seeded(0):
        encoder = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU())
        projector = nn.Linear(8, 4)
    options = {"size": 40, "dim": 4, **options}
    return MoCo(encoder, projector, partial(losses.info_nce, temperature=0.3), GaussianNoise(0.2), seed=seed, **options)


def test_keys_of_a_network_that_never_moves_stay_fresh_and_in_their_place():
    frozen = key_freshness(moco(decay=1.0), images(), steps=7, batch_size=8)
    torch.testing.assert_close(frozen.cosine, torch.ones(5))
    assert frozen.misplaced == 0


def test_old_keys_are_staler_than_new_ones_and_a_slow_network_keeps_them_fresh():
    cosines = {}
    for decay in (0.0, 0.9):
        method = moco(decay=decay)
        cosines[decay], misplaced = key_freshness(method, images(), steps=20, batch_size=8, lr=3e-2)
        assert misplaced == 0
    assert cosines[0.0][0] > cosines[0.0][-1] + 0.03
    assert cosines[0.9].mean() > cosines[0.0].mean() + 0.01


def test_freshness_is_that_of_the_views_drawn_with_the_seed():
    method, steps, generator = moco(decay=0.5), 6, torch.Generator().manual_seed(3)
    cosine, _ = key_freshness(method, images(), steps=steps, batch_size=8, seed=3)
    views = [method.views(images(), torch.randint(50, (8,), generator=generator), generator) for _ in range(steps)]
    for age in range(5):
        fresh = method.key_encoder(views[steps - 1 - age][1])
        stored = method.queue.get()[40 - 8 * (age + 1) : 40 - 8 * age]
        torch.testing.assert_close(cosine[age], F.cosine_similarity(stored, fresh).mean())


@pytest.mark.parametrize(
    ("options", "message"),
    [({"batch_size": 16}, "whole batches"), ({"batch_size": 8, "steps": 4}, "at most 4"), ({"lr": 0.0}, "lr must be")],
)
def test_freshness_refuses_what_does_not_fill_the_queue(options, message):
    with pytest.raises(ValueError, match=message):
        key_freshness(moco(), images(), **{"batch_size": 8, **options})
