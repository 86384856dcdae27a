"""Scores from covariance spectra against numpy's covariance and scipy's generalised eigenvalues."""

import numpy as np
import pytest
import torch
from scipy import linalg
from scipy.stats import linregress

from replearn import evaluation
from replearn.evaluation import alpha_req, blocks, effective_rank, lidar, participation_ratio
from sampling import normal


def power_law(alpha, n=4000, d=64, seed=0):
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.normal(size=(d, d)))
    return rng.normal(size=(n, d)) * np.arange(1, d + 1) ** (-alpha / 2) @ q + 3


def spectrum(z):
    return np.linalg.eigvalsh(np.cov(z.T))[::-1]


@pytest.mark.parametrize("shape", [(200, 12), (10, 30)])
def test_participation_ratio_is_that_of_numpys_eigenvalues(shape):
    z = normal(*shape) * np.arange(1, shape[1] + 1) + 3
    lam = spectrum(z)
    assert participation_ratio(z) == pytest.approx(lam.sum() ** 2 / (lam**2).sum(), rel=1e-10)


@pytest.mark.parametrize("shape", [(300, 20), (15, 40)])
@pytest.mark.parametrize("skip", [0, 3])
def test_alpha_is_the_slope_of_a_regression(shape, skip):
    z = normal(*shape, seed=1) * np.arange(1, shape[1] + 1) + 3
    lam = spectrum(z)[: min(shape[0] - 1, shape[1])]
    fit = linregress(np.log(np.arange(1, len(lam) + 1))[skip:], np.log(lam)[skip:])
    assert alpha_req(z, skip=skip) == pytest.approx(-fit.slope, rel=1e-8)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_planted_power_laws_are_recovered(alpha):
    assert alpha_req(power_law(alpha)) == pytest.approx(alpha, abs=0.06)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_numerically_zero_tail_is_left_out(dtype):
    z = power_law(1.0, d=20)
    wide = z @ np.linalg.qr(normal(50, 20, seed=2))[0].T
    assert alpha_req(torch.tensor(wide, dtype=dtype)) == pytest.approx(alpha_req(z), abs=1e-4)


def reference_lidar(z, delta=1e-4, eps=1e-7):
    n, _, d = z.shape
    between = np.cov(z.mean(1).T)
    within = sum(np.cov(views.T) for views in z) / n + delta * np.eye(d)
    lam = linalg.eigh(between, within, eigvals_only=True).clip(min=0)
    p = lam / lam.sum() + eps
    return np.exp(-(p * np.log(p)).sum())


@pytest.mark.parametrize("shape", [(60, 5, 12), (8, 3, 20)])
def test_lidar_is_that_of_scipys_generalised_eigenvalues(shape):
    z = normal(shape[0], 1, shape[2], seed=3) * np.arange(1, shape[2] + 1) + normal(*shape, seed=4) + 5
    assert lidar(z) == pytest.approx(reference_lidar(z), rel=1e-6)
    assert lidar(z, delta=2.0) == pytest.approx(reference_lidar(z, delta=2.0), rel=1e-6)


def test_lidar_does_not_depend_on_the_units_of_the_axes_but_for_delta():
    z = normal(60, 1, 6, seed=5) * np.arange(1, 7) + normal(60, 5, 6, seed=6)
    mixed = z @ normal(6, 6, seed=7)
    assert lidar(mixed, delta=1e-12) == pytest.approx(lidar(z, delta=1e-12), rel=1e-6)


def test_noise_dimensions_raise_rankme_but_hardly_lidar():
    centres = 4 * normal(300, 1, 8, seed=8)
    signal, noise = centres + 0.5 * normal(300, 10, 8, seed=9), 4 * normal(300, 10, 64, seed=10)
    both = np.concatenate([signal, noise], 2)
    assert effective_rank(both.reshape(3000, -1)) > 5 * effective_rank(signal.reshape(3000, -1))
    assert lidar(both) < 1.4 * lidar(signal)


def test_blocks_do_not_change_the_scores(monkeypatch):
    z, views = power_law(1.0, n=500, d=16), normal(40, 4, 16, seed=11)
    whole = participation_ratio(z), alpha_req(z), lidar(views)
    monkeypatch.setattr(blocks, "BLOCK", 16 * 7)
    assert (participation_ratio(z), alpha_req(z), lidar(views)) == pytest.approx(whole, rel=1e-10)


@pytest.mark.parametrize("score", ["participation_ratio", "alpha_req"])
@pytest.mark.parametrize(
    ("z", "message"),
    [
        (np.ones((1, 3)), "N >= 2"),
        (np.ones(3), "must have shape"),
        (np.full((4, 3), np.nan), "NaN"),
        (np.ones((4, 3)), "equal"),
    ],
)
def test_bad_input_is_refused(score, z, message):
    with pytest.raises(ValueError, match=message):
        getattr(evaluation, score)(z)


VIEWS = np.arange(24.0).reshape(4, 2, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: alpha_req(normal(20, 4, seed=12)), "rank 4"),
        (lambda: alpha_req(normal(20, 9, seed=13), skip=-1), "skip"),
        (lambda: lidar(VIEWS[0]), "N, Q, K"),
        (lambda: lidar(VIEWS[:1]), "N >= 2"),
        (lambda: lidar(VIEWS[:, :1]), "Q >= 2"),
        (lambda: lidar(np.full_like(VIEWS, np.inf)), "NaN or infinite"),
        (lambda: lidar(VIEWS[[0, 0]]), "same mean"),
        (lambda: lidar(VIEWS, delta=0.0), "delta"),
        (lambda: lidar(VIEWS, eps=-1.0), "eps"),
    ],
)
def test_bad_settings_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
