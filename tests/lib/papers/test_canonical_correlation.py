"""Soft canonical correlation analysis against scipy's solvers, brute force and the library's losses."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize
from sklearn.datasets import load_digits
from torch import nn

from replearn import losses, spectral
from replearn.papers.canonical_correlation import (
    barlow_twins_sweep,
    below_last_layer,
    digit_halves,
    misplaced_share,
    principal_correlations,
    sea_level,
    share_known,
    train_linear,
    variance_spent,
)

RHO = np.array([0.96, 0.85, 0.81, 0.8, 0.7, 0.6])


def spread_loss(variance, rho, dim, inv, cov):
    return (2 * inv * np.sum((1 - rho) * variance) + 2 * cov * np.sum(variance**2)) / dim


@pytest.mark.parametrize("cov", [0.05, 0.3, 0.6, 1.0, 2.0, 30.0])
@pytest.mark.parametrize("dim", [1, 2, 4])
def test_the_sea_level_is_the_minimum_that_scipy_finds(cov, dim):
    found = sea_level(RHO, dim, inv=25, cov=cov)
    solved = optimize.minimize(
        spread_loss,
        np.ones(dim),
        args=(RHO[:dim], dim, 25, cov),
        bounds=[(0, None)] * dim,
        constraints={"type": "eq", "fun": lambda variance: variance.sum() - dim},
        options={"ftol": 1e-14, "maxiter": 500},
    )
    np.testing.assert_allclose(found.variance[:dim], solved.x, atol=1e-4)
    assert (found.variance[dim:] == 0).all()


@given(
    rho=st.lists(st.floats(0, 1), min_size=1, max_size=8),
    cov=st.floats(0.01, 100),
    inv=st.floats(0.1, 100),
    data=st.data(),
)
def test_variances_sum_to_the_dimension_and_stand_above_the_level(rho, cov, inv, data):
    rho = np.sort(rho)[::-1]
    dim = data.draw(st.integers(1, len(rho)))
    level, variance = sea_level(rho, dim, inv=inv, cov=cov)
    assert variance.sum() == pytest.approx(dim, rel=1e-6)
    np.testing.assert_allclose(variance[:dim], inv / 2 / cov * np.maximum(rho[:dim] - level, 0), atol=1e-6 * dim)


def test_descent_on_vicreg_itself_ends_at_the_sea_level():
    generator = torch.Generator().manual_seed(0)
    u, noise = torch.linalg.qr(torch.randn(400, 12, generator=generator, dtype=torch.float64))[0].chunk(2, 1)
    u, noise = (losses.whiten(z, correction=0) for z in (u - u.mean(0), noise - noise.mean(0)))
    joint = losses.whiten(torch.cat([u, noise], 1), correction=0)
    u, noise = joint.chunk(2, 1)
    rho = torch.as_tensor(RHO)
    x, y = u, rho * u + (1 - rho**2).sqrt() * noise  # white views whose correlations are RHO
    weights = [torch.randn(6, 4, generator=generator, dtype=torch.float64).div(3).requires_grad_() for _ in range(2)]
    solver = torch.optim.Adam(weights)
    for step in range(600):
        solver.param_groups[0]["lr"] = 0.05 * (1 + np.cos(np.pi * step / 600))
        loss = losses.vicreg(x @ weights[0], y @ weights[1], cov=0.6).total
        solver.zero_grad()
        loss.backward()
        solver.step()
    np.testing.assert_allclose(weights[0].detach().square().sum(1), sea_level(RHO, 4, cov=0.6).variance, atol=0.05)


def test_principal_correlations_are_those_of_each_direction_alone():
    a, noise = torch.randn(2, 500, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    a, b = a * torch.tensor([3.0, 2.0, 1.0]), a * torch.tensor([3.0, 2.0, 1.0]) + noise
    variance, rho = principal_correlations(a, b)
    both = torch.cat([a - a.mean(0), b - b.mean(0)]).numpy()
    values, directions = np.linalg.eigh(both.T @ both / len(both))
    np.testing.assert_allclose(variance, values[::-1])
    first, second = ((z - z.mean(0)).numpy() @ directions[:, ::-1] for z in (a, b))
    np.testing.assert_allclose(rho, (first * second).mean(0) / variance)


def test_white_views_give_canonical_correlations():
    x, noise = torch.randn(2, 300, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    y = x + noise
    rho, A, B = spectral.cca(x, y, 3)
    sizes = torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64)
    found = principal_correlations(x @ torch.as_tensor(A) * sizes, y @ torch.as_tensor(B) * sizes)
    np.testing.assert_allclose(found.rho, rho, atol=1e-10)
    np.testing.assert_allclose(found.variance, sizes**2, atol=1e-10)


def test_faint_directions_are_left_out():
    z = torch.randn(100, 4, generator=torch.Generator().manual_seed(3)) * torch.tensor([1.0, 1.0, 0.05, 0.01])
    assert len(principal_correlations(z, z, least=0.01).variance) == 2


def test_the_sweep_has_the_loss_of_the_library_on_white_views():
    generator = torch.Generator().manual_seed(4)
    joint = losses.whiten(torch.randn(200, 12, generator=generator, dtype=torch.float64), correction=0)
    u, noise = joint.chunk(2, 1)
    rho = torch.as_tensor(RHO)
    x, y = u, rho * u + (1 - rho**2).sqrt() * noise
    A, B, loss = barlow_twins_sweep(RHO, [0.01, 1.0], 3, steps=30)
    for a, b, lam, value in zip(A, B, [0.01, 1.0], loss, strict=True):
        torch.testing.assert_close(losses.barlow_twins(x @ a, y @ b, lam=lam, eps=0).total, value)


def test_gram_duality_norms_and_pairs_of_dimensions_balance_those_of_samples():
    for shape in ((8, 50), (50, 8), (20, 20)):
        z = torch.randn(shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
        sides = [losses.off_diagonal_energy(m, m) + m.norm(dim=0).pow(4).sum() for m in (z, z.T)]
        torch.testing.assert_close(*sides)


def test_halves_are_the_pixels_of_scikit_learn():
    x = load_digits().images / 16
    for across, parts in ((True, (x[:, :4], x[:, 4:])), (False, (x[:, :, :4], x[:, :, 4:]))):
        halves = digit_halves(across=across)
        for half, part in zip(halves[:2], parts, strict=True):
            flat = part.reshape(len(part), -1)
            flat = flat[:, flat.std(0) > 0.03]
            np.testing.assert_allclose(half, (flat - flat.mean(0)) / flat.std(0), atol=1e-6)


def test_variance_spent_is_the_squared_coordinates_of_the_embedding():
    x, noise = torch.randn(2, 300, 5, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    _, A, _ = spectral.cca(x, x + noise, 5)
    u = (x - x.mean(0)) @ torch.as_tensor(A)
    weights = torch.randn(5, 2, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    spent = variance_spent(u, u @ weights)
    np.testing.assert_allclose(spent, weights.square().sum(1), atol=1e-10)
    assert spent.sum() == pytest.approx((u @ weights).var(0, correction=0).sum().item())


def test_training_a_linear_encoder_reaches_canonical_correlation_analysis():
    first, second, *_ = digit_halves()
    rho, A, _ = spectral.cca(first, second, 4)
    loss = partial(losses.w_mse, normalize=False, correction=0)
    z1, z2 = train_linear(loss, first, second, 4, steps=500)
    assert loss(z1, z2).item() == pytest.approx(2 * np.sum(1 - rho), rel=5e-3)
    assert spectral.principal_angles(z1, first @ torch.as_tensor(A)).max() < 3


def test_share_known_is_the_r2_of_least_squares_on_the_second_half():
    source, noise = torch.randn(2, 400, 3, generator=torch.Generator().manual_seed(8), dtype=torch.float64)
    target = source @ torch.tensor([[1.0, 0.0], [2.0, 1.0], [0.0, 1.0]], dtype=torch.float64) + noise[:, :2]
    design = np.column_stack([source.numpy(), np.ones(400)])
    weights, *_ = np.linalg.lstsq(design[:200], target[:200].numpy(), rcond=None)
    error = target[200:] - torch.tensor(design[200:] @ weights)
    spread = target[200:] - target[200:].mean(0)
    expected = (1 - error.square().sum(0) / spread.square().sum(0)).mean().item()
    assert share_known(source, target) == pytest.approx(expected, abs=1e-2)


def test_the_last_layer_is_left_out_and_views_come_from_the_seed():
    encoder, projector = nn.Linear(4, 5), nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 2))
    images = torch.randn(7, 4, generator=torch.Generator().manual_seed(9))

    def noisy(x, generator):
        return x + torch.randn(x.shape, generator=generator)

    first, second = below_last_layer(encoder, projector, images, noisy, seed=3)
    generator = torch.Generator().manual_seed(3)
    for found in (first, second):
        expected = projector[:2](encoder(noisy(images, generator)))
        torch.testing.assert_close(found, expected.detach().double())


Z = torch.randn(6, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sea_level([0.5, 0.9], 1), "descending"),
        (lambda: sea_level([[0.9, 0.5]], 1), "descending"),
        (lambda: sea_level([0.9, np.nan], 1), "NaN"),
        (lambda: sea_level([0.9], 2), "dim"),
        (lambda: sea_level([0.9], 1, cov=0), "cov must be positive"),
        (lambda: sea_level([0.9], 1, inv=-1), "inv must be positive"),
        (lambda: principal_correlations(Z, Z[:5]), "one shape"),
        (lambda: principal_correlations(Z, Z, least=0), "least must be positive"),
        (lambda: principal_correlations(Z, Z, least=2), "at most 1"),
        (lambda: principal_correlations(0 * Z, 0 * Z), "constant"),
        (lambda: variance_spent(Z, Z[:5]), "same samples"),
        (lambda: misplaced_share([1.0], [1.0, 2.0]), "one length"),
        (lambda: misplaced_share([1.0], [0.0]), "must be positive"),
        (lambda: share_known(Z, Z[:5]), "same samples"),
        (lambda: train_linear(losses.vicreg, Z, Z[:5], 1), "same samples"),
        (lambda: train_linear(losses.vicreg, Z, Z, 0), "dim"),
        (lambda: train_linear(losses.vicreg, Z, Z, 1, lr=0), "lr must be positive"),
        (lambda: barlow_twins_sweep([0.9, np.inf], [1.0], 1), "infinite"),
        (lambda: barlow_twins_sweep([0.9], [-1.0], 1), "lams must be at least 0"),
        (lambda: barlow_twins_sweep([0.9], [1.0], 0), "dim"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
