"""Losses of latents against closed forms, and restarts against trainings made one by one."""

from functools import partial
from math import log

import numpy as np
import pytest
import torch

from replearn.data import bayes_cross_entropy, latent_world
from replearn.losses import info_nce, spectral_contrastive
from replearn.models import mlp_head
from replearn.papers.singular_identifiability import loss_range, train_world, train_world_classes
from replearn.recipes import train_pairs
from replearn.training import features, seeded

WORLD = latent_world(3, kappa=5.0, seed=1)
INFO_NCE = partial(info_nce, similarity="sqdist", normalize=False, temperature=0.2)


def make(seed, d_in=3):
    with seeded(seed):
        return mlp_head(d_in, 16, 3)


def test_the_spectral_loss_of_latents_is_that_of_the_eigenvalues():
    # E<z, z'> = A = coth(kappa) - 1 / kappa and E<z, z-> ^2 = 1/3: min over c of -2 c^2 A + c^4 / 3 is -3 A^2.
    A = 1 / np.tanh(5) - 1 / 5
    nothing, truth, scale = loss_range(spectral_contrastive, WORLD, batch_size=4000)
    assert nothing == 0
    assert truth == pytest.approx(-3 * A**2, rel=0.02)
    assert scale == pytest.approx((3 * A) ** 0.5, abs=0.1)


def test_info_nce_of_nothing_is_log_n_and_latents_have_scale_one():
    nothing, truth, scale = loss_range(INFO_NCE, WORLD, batch_size=256)
    assert nothing == pytest.approx(log(256), abs=1e-5)
    assert scale == 1.0 and truth < nothing


@pytest.mark.parametrize("style", [0, 2])
def test_all_starts_are_made_and_sorted_by_what_they_miss(style):
    world = latent_world(3, kappa=5.0, style=style, seed=1)
    build = partial(make, d_in=3 + style)
    made = train_world(build, INFO_NCE, world, 15, stop_below=-1.0, seed=4, batch_size=64, lr=0.02)
    generator, (nothing, truth, _) = torch.Generator().manual_seed(0), loss_range(INFO_NCE, WORLD, batch_size=64)
    batches, expected = [world.views(64, generator) for _ in range(5)], []
    for seed in (4, 5, 6):
        encoder = make(seed, 3 + style)
        train_pairs(encoder, INFO_NCE, world.views, 15, batch_size=64, lr=0.02, seed=seed)
        loss = np.mean([INFO_NCE(features(encoder, a), features(encoder, b)).item() for a, b in batches])
        expected.append((loss - truth) / (nothing - truth))
    assert [run.missing for run in made] == pytest.approx(sorted(expected), abs=1e-5)


def test_a_good_start_is_the_last():
    assert len(train_world(make, INFO_NCE, WORLD, 5, stop_below=10.0, batch_size=32)) == 1


def test_the_gap_of_a_classifier_is_to_the_posterior():
    run, *others = train_world_classes(make, WORLD, 20, seed=3, starts=2, stop_below=-1.0, batch_size=64)
    z = WORLD.sample(20_000, torch.Generator().manual_seed(9))
    c = WORLD.posterior(z).multinomial(1, generator=torch.Generator().manual_seed(9))[:, 0]
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(run.head(features(run.encoder, WORLD.render(z))), c).item()
    gap = loss - bayes_cross_entropy(WORLD.centres, WORLD.kappa, z, c)
    assert len(others) == 1 and run.gap == pytest.approx(gap, abs=0.1) and run.gap > 0


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="starts"):
        train_world(make, INFO_NCE, WORLD, 5, starts=0)
    with pytest.raises(ValueError, match="batch_size"):
        loss_range(INFO_NCE, WORLD, batch_size=1)
    with pytest.raises(ValueError, match="not below that of nothing"):
        loss_range(lambda a, b: (a - b).square().mean(), WORLD)
