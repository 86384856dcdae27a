import math

import numpy as np
import pytest
import torch
from sklearn import datasets

from replearn.data import circles, s_curve, spirals, swiss_roll, two_moons

TOYS = [two_moons, circles, spirals, swiss_roll, s_curve]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda: two_moons(31, noise=0.1, seed=4), lambda: datasets.make_moons(31, noise=0.1, random_state=4)),
        (
            lambda: circles(31, noise=0.1, factor=0.3, seed=4),
            lambda: datasets.make_circles(31, noise=0.1, factor=0.3, random_state=4),
        ),
        (lambda: swiss_roll(31, noise=0.1, seed=4), lambda: datasets.make_swiss_roll(31, noise=0.1, random_state=4)),
        (lambda: s_curve(31, noise=0.1, seed=4), lambda: datasets.make_s_curve(31, noise=0.1, random_state=4)),
    ],
)
def test_toys_are_scikit_learns(ours, theirs):
    for mine, reference in zip(ours(), theirs(), strict=True):
        np.testing.assert_array_equal(mine.numpy(), reference)


def test_sheets_lie_on_their_formula():
    x, t = swiss_roll(50)
    torch.testing.assert_close(torch.stack([x[:, 0], x[:, 2]]), torch.stack([t * t.cos(), t * t.sin()]))
    x, t = s_curve(50)
    torch.testing.assert_close(torch.stack([x[:, 0], x[:, 2]]), torch.stack([t.sin(), t.sign() * (t.cos() - 1)]))


def test_spirals_lie_on_their_arms_in_order():
    x, y = spirals(200, noise=0.0, seed=1)
    radius = x.norm(dim=1)
    t = radius * 3 * math.pi / 2
    assert (t.diff() >= 0).all() and t.min() >= 0.5 and t.max() <= 3 * math.pi + 0.5
    expected = radius.unsqueeze(1) * torch.stack(
        [torch.cos(t + math.pi * y.double()), torch.sin(t + math.pi * y.double())], 1
    )
    torch.testing.assert_close(x, expected)
    assert y.tolist() == [0, 1] * 100
    noisy, _ = spirals(4000, noise=0.5, seed=1)
    clean, _ = spirals(4000, noise=0.0, seed=1)
    assert (noisy - clean).std().item() == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("toy", TOYS)
def test_toys_are_seeded_float64(toy):
    state = torch.get_rng_state(), np.random.get_state()[1].copy()
    (x, y), (again, _), (other, _) = toy(40, seed=1), toy(40, seed=1), toy(40, seed=2)
    assert x.dtype == torch.float64 and len(x) == len(y) == 40
    assert torch.equal(x, again) and not torch.allclose(x, other)
    assert torch.equal(state[0], torch.get_rng_state()) and (state[1] == np.random.get_state()[1]).all()


@pytest.mark.parametrize("toy", TOYS)
def test_toys_refuse_bad_input(toy):
    with pytest.raises(ValueError, match="n must be an integer"):
        toy(1)
    with pytest.raises(ValueError, match="noise"):
        toy(10, noise=-0.1)


@pytest.mark.parametrize("factor", [0.0, 1.0, float("nan")])
def test_circles_refuse_a_bad_factor(factor):
    with pytest.raises(ValueError, match="factor"):
        circles(10, factor=factor)
