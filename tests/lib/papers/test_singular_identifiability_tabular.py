"""The tabular classifier against torch's cross-entropy, finite differences and the counts of its flat directions."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from replearn.papers.singular_identifiability import (
    descend,
    flat_directions,
    learning_coefficient,
    quadric_gap,
    tabular_classifier,
)


def rows(count, d, seed):
    return F.normalize(torch.tensor(np.random.default_rng(seed).normal(size=(count, d))), dim=1)


def test_the_loss_is_torchs_with_soft_targets():
    V, z = rows(5, 3, 0), rows(8, 3, 1)
    loss, optimum = tabular_classifier(V, z, kappa=4.0)
    theta = torch.randn(39, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    logits = theta[:24].view(8, 3) @ theta[24:].view(5, 3).T
    target = (4 * z @ V.T).softmax(1)
    assert loss(theta).item() == pytest.approx(F.cross_entropy(logits, target).item(), abs=1e-12)
    assert loss(optimum).item() == pytest.approx(torch.special.entr(target).sum(1).mean().item(), abs=1e-12)


@pytest.mark.parametrize("unit_rows", [False, True])
def test_nothing_nearby_is_better_than_the_optimum(unit_rows):
    loss, optimum = tabular_classifier(rows(6, 2, 0), rows(9, 2, 1), kappa=5.0, unit_rows=unit_rows)
    steps = torch.randn(50, len(optimum), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert all(loss(optimum + 0.1 * step) > loss(optimum) for step in steps)


def test_lengths_do_not_matter_to_unit_rows():
    V, z = rows(6, 3, 0), rows(9, 3, 1)
    loss, optimum = tabular_classifier(V, z, kappa=5.0, unit_rows=True)
    longer = optimum.clone()
    longer[27:] *= 3
    assert loss(longer).item() == pytest.approx(loss(optimum).item(), abs=1e-12)


@pytest.mark.parametrize(
    ("C", "d", "n", "unit_rows", "nullity"),
    [
        (4, 3, 20, False, 12),
        (20, 4, 12, False, 20),
        (6, 2, 20, True, 7),
        (5, 3, 20, True, 12),
        (16, 4, 16, True, 22),
        (3, 3, 20, False, 29),
        (3, 3, 20, True, 29),
        (2, 3, 20, False, 46),
    ],
)
def test_flat_directions_are_the_gauge(C, d, n, unit_rows, nullity):
    assert (
        flat_directions(*tabular_classifier(rows(C, d, 0), rows(n, d, 1), kappa=5.0, unit_rows=unit_rows)).nullity
        == nullity
    )


@pytest.mark.parametrize(
    ("V", "z", "options", "message"),
    [
        (rows(4, 3, 0), rows(5, 2, 0), {"kappa": 1.0}, "equally many columns"),
        (rows(4, 3, 0), rows(5, 3, 0), {"kappa": 0.0}, "kappa"),
        (2 * rows(4, 3, 0), rows(5, 3, 0), {"kappa": 1.0, "unit_rows": True}, "length 1"),
        (torch.zeros(3), rows(5, 3, 0), {"kappa": 1.0}, "V"),
    ],
)
def test_bad_input_is_refused(V, z, options, message):
    with pytest.raises(ValueError, match=message):
        tabular_classifier(V, z, **options)


@pytest.mark.parametrize("rank", [2, 6])
def test_the_learning_coefficient_of_a_quadratic_is_half_its_rank(rank):
    curvature = torch.tensor([10.0 ** -(i % 4) for i in range(rank)] + [0.0] * (8 - rank), dtype=torch.float64)
    axes, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))
    axes = torch.tensor(axes)
    found = learning_coefficient(lambda theta: (curvature * (axes @ theta).square()).sum() / 2, np.zeros(8), steps=6000)
    assert found == pytest.approx(rank / 2, rel=0.15)


def quartic_by_quadrature(temperature, spring):
    """Mean of x^4 / T under exp(-(x^4 + spring x^2 / 2) / T), on a fine grid."""
    x = np.linspace(-1, 1, 200_001)
    weight = np.exp(-(x**4 + spring * x**2 / 2) / temperature)
    return (x**4 / temperature * weight).sum() / weight.sum()


@pytest.mark.parametrize(("spring", "step_size"), [(5e-4, 0.5), (1e-4, 0.3)])
def test_the_learning_coefficient_of_a_quartic_is_that_of_quadrature(spring, step_size):
    found = learning_coefficient(
        lambda theta: theta.pow(4).sum(),
        np.zeros(4),
        temperature=1e-6,
        spring=spring,
        step_size=step_size,
        steps=12_000,
    )
    assert found == pytest.approx(4 * quartic_by_quadrature(1e-6, spring), rel=0.1)


@pytest.mark.parametrize("temperature", [1e-12, 3e-10, 1e-9, 1e-8, 1e-6])
def test_the_learning_coefficient_holds_over_six_decades_of_temperature(temperature):
    loss, optimum = tabular_classifier(rows(3, 3, 0), rows(20, 3, 1), kappa=5.0)
    spring = max(1e-7, 30 * temperature)
    found = learning_coefficient(loss, optimum, temperature=temperature, spring=spring, steps=2000, step_size=0.3)
    assert found == pytest.approx(20, rel=0.2)  # 69 parameters, 29 of them flat


def test_draws_that_say_nothing_are_refused():
    loss, optimum = tabular_classifier(rows(3, 3, 0), rows(20, 3, 1), kappa=5.0)
    with pytest.raises(ValueError, match="proposals were accepted"):
        learning_coefficient(loss, optimum, temperature=1e-4, steps=600)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"temperature": 0.0}, "temperature"), ({"steps": 2}, "steps"), ({"step_size": 1.1}, "step_size")],
)
def test_bad_settings_of_the_sampler_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        learning_coefficient(lambda theta: theta.square().sum(), np.zeros(2), **options)
    with pytest.raises(ValueError, match="optimum"):
        learning_coefficient(lambda theta: theta.square().sum(), np.zeros((2, 2)))


def test_descent_ends_where_the_loss_is_least_and_flat_directions_are_as_predicted():
    loss, optimum = tabular_classifier(rows(12, 3, 0), rows(20, 3, 1), kappa=5.0, unit_rows=True)
    starts = torch.randn(4, len(optimum), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ends = [descend(loss, start) for start in starts]
    best = min(ends, key=loss)
    assert loss(best).item() == pytest.approx(loss(optimum).item(), abs=1e-14)
    assert torch.func.grad(loss)(best).norm() < 1e-14
    assert flat_directions(loss, best, rtol=1e-7).nullity == 15


def test_descent_reaches_the_nearest_point_of_a_curve_of_minima():
    end = descend(lambda theta: (theta.square().sum() - 1) ** 2, [2.0, 0.0])
    torch.testing.assert_close(end, torch.tensor([1.0, 0.0], dtype=torch.float64), atol=1e-12, rtol=0)
    with pytest.raises(ValueError, match="start"):
        descend(lambda theta: theta.square().sum(), [[1.0]])
    with pytest.raises(ValueError, match="NaN"):
        descend(lambda theta: theta.square().sum(), [np.nan])


def test_the_gap_to_a_second_quadric_is_zero_exactly_on_one():
    cone = np.random.default_rng(0).normal(size=(30, 3))
    cone[:, 2] = np.sqrt(np.abs(cone[:, 0] * cone[:, 1]))  # |x y| = z^2, so that x y - z^2 = 0 where x y > 0
    on_it = cone[cone[:, 0] * cone[:, 1] > 0]
    assert len(on_it) > 9
    assert quadric_gap(F.normalize(torch.tensor(on_it), dim=1)) < 1e-12
    assert quadric_gap(rows(8, 3, 0)) == 0
    V = rows(12, 3, 0)
    terms = [[v[a] * v[b] for a in range(3) for b in range(a, 3)] + list(v) for v in V.numpy()]
    assert quadric_gap(V) == pytest.approx(np.linalg.svd(np.array(terms))[1][-1], rel=1e-10)
    with pytest.raises(ValueError, match="length 1"):
        quadric_gap(2 * V)
