"""Restarts against the same trainings made one by one."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from replearn.recipes import train_best_of
from replearn.training import seeded


def make(seed):
    with seeded(seed):
        return nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Tanh()), nn.Linear(8, 3)


def blobs(n, generator):
    y = torch.randint(3, (n,), generator=generator)
    return torch.randn(n, 2, generator=generator) + 2 * y[:, None], y


X, Y = blobs(500, torch.Generator().manual_seed(5))


def gap_by_hand(seed, bayes, steps=20):
    """Adam on 32 fresh samples a step, from a rate of 0.02 along half a cosine to 0."""
    encoder, head = make(seed)
    optim = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=2e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optim, steps)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        torch.randint(1, (32,), generator=generator)  # the common loop draws images first, of which there are none
        x, y = blobs(32, generator)
        F.cross_entropy(head(encoder(x)), y).backward()
        optim.step()
        optim.zero_grad()
        schedule.step()
    encoder.eval()
    with torch.no_grad():
        return F.cross_entropy(head(encoder(X)), Y).item() - bayes


def test_all_starts_are_made_and_sorted_by_their_loss():
    made = train_best_of(make, blobs, (X, Y, 0.2), 20, stop_below=-1.0, starts=3, seed=4, batch_size=32)
    assert [run.gap for run in made] == pytest.approx(sorted(gap_by_hand(s, 0.2) for s in (4, 5, 6)), abs=1e-6)
    with torch.no_grad():
        loss = F.cross_entropy(made[0].head(made[0].encoder.eval()(X)), Y).item()
    assert loss - 0.2 == pytest.approx(made[0].gap, abs=1e-6)


def test_a_good_start_is_the_last_and_is_watched():
    steps = []
    watch = lambda encoder, head: lambda step, out: steps.append((step, encoder.training))  # noqa: E731
    made = train_best_of(make, blobs, (X, Y, 0.2), 20, stop_below=10.0, monitor_for=watch, batch_size=32, log_every=10)
    assert len(made) == 1 and steps == [(0, True), (10, True)]


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="starts"):
        train_best_of(make, blobs, (X, Y, 0.0), 5, starts=0)
