"""Entropies and bounds against scipy, quadrature and brute-force loops."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from replearn.evaluation import (
    gaussian_entropy,
    gmm_entropy_mc,
    gmm_logpdf,
    logdet_entropy,
    null_projection_residual,
    pairwise_entropy,
)
from sampling import draws


def rng(seed=0):
    return np.random.default_rng(seed)


def covariance(k, seed=0):
    a = rng(seed).normal(size=(k, 2 * k))
    return a @ a.T


def component_entropy(k, s):
    return k / 2 * math.log(2 * math.pi * math.e * s**2)


@pytest.mark.parametrize("k", [1, 2, 7])
def test_gaussian_entropy_is_scipys(k):
    cov = covariance(k)
    assert gaussian_entropy(cov) == pytest.approx(stats.multivariate_normal(cov=cov).entropy(), abs=1e-10)
    shifted = stats.multivariate_normal(cov=cov + 0.3 * np.eye(k)).entropy()
    assert gaussian_entropy(torch.tensor(cov), eps=0.3) == pytest.approx(shifted, abs=1e-10)


def test_a_collapsed_representation_sits_at_the_floor():
    floor = 64 / 2 * math.log(2 * math.pi * math.e * 1e-6)
    assert logdet_entropy(torch.full((100, 64), 3.0)) == pytest.approx(floor, abs=1e-9)
    assert floor == pytest.approx(-351.3, abs=0.05)


def test_logdet_entropy_is_that_of_numpys_covariance():
    z = rng().normal(size=(50, 6)) @ rng(1).normal(size=(6, 6)) + 5
    expected = stats.multivariate_normal(cov=np.cov(z.T) + 1e-6 * np.eye(6)).entropy()
    assert logdet_entropy(z) == pytest.approx(expected, abs=1e-9)
    assert logdet_entropy(3 * z, eps=0) == pytest.approx(logdet_entropy(z, eps=0) + 6 * math.log(3), abs=1e-9)
    assert logdet_entropy(z[:, :1], eps=0) == pytest.approx(stats.norm(scale=z[:, 0].std(ddof=1)).entropy(), abs=1e-9)


@pytest.mark.parametrize("kind", ["lower", "upper"])
def test_pairwise_entropy_is_the_double_loop_of_distances_between_components(kind):
    mu, s, (n, k) = rng().normal(size=(9, 3)), 0.7, (9, 3)
    total = 0.0
    for i in range(n):
        inner = 0.0
        for j in range(n):
            gap = mu[i] - mu[j]
            bhattacharyya = gap @ np.linalg.inv(s**2 * np.eye(k)) @ gap / 8
            kullback_leibler = gap @ np.linalg.inv(s**2 * np.eye(k)) @ gap / 2
            inner += math.exp(-(bhattacharyya if kind == "lower" else kullback_leibler)) / n
        total -= math.log(inner) / n
    assert pairwise_entropy(mu, s, kind) == pytest.approx(component_entropy(k, s) + total, abs=1e-12)


def test_blocks_of_rows_do_not_change_the_pairwise_entropy(monkeypatch):
    mu = rng().normal(size=(50, 2))
    whole = pairwise_entropy(mu, 0.5)
    monkeypatch.setattr("replearn.evaluation.information._ROWS", 7)
    assert pairwise_entropy(mu, 0.5) == pytest.approx(whole, abs=1e-12)


@pytest.mark.parametrize("kind", ["lower", "upper"])
def test_pairwise_entropy_runs_from_one_component_to_the_log_of_their_number(kind):
    n, k, s = 30, 4, 0.4
    h = component_entropy(k, s)
    assert pairwise_entropy(np.full((n, k), 1e3), s, kind) == pytest.approx(h, abs=1e-10)
    assert pairwise_entropy(rng().normal(size=(n, k)) * 1e3, s, kind) == pytest.approx(h + math.log(n), abs=1e-10)


def test_gmm_logpdf_is_the_mixture_of_scipys_densities():
    mu, z, s = rng().normal(size=(7, 3)), rng(1).normal(size=(11, 3)), 0.6
    expected = np.log(np.mean([stats.multivariate_normal(m, s**2).pdf(z) for m in mu], axis=0))
    np.testing.assert_allclose(gmm_logpdf(z, mu, s).numpy(), expected, atol=1e-12)


def test_monte_carlo_entropy_agrees_with_quadrature_within_its_error():
    mu, s = np.array([[-1.0], [0.2], [2.5]]), 0.5

    def surprise(x):
        density = np.mean(stats.norm(mu[:, 0], s).pdf(x))
        return -density * math.log(density)

    exact, _ = integrate.quad(surprise, -5, 7)
    estimate = gmm_entropy_mc(mu, s, 20_000, draws())
    assert 0.002 < estimate.error < 0.01
    assert abs(estimate.value - exact) < 4 * estimate.error
    assert estimate == gmm_entropy_mc(mu, s, 20_000, draws())


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("spread", [0.0, 0.5, 2.0, 8.0])
def test_the_bounds_bracket_the_entropy(k, spread):
    s, mu = 0.3, spread * rng(k).normal(size=(40, k))
    truth = gmm_entropy_mc(mu, s, 4000, draws())
    gaussian = gaussian_entropy(np.atleast_2d(np.cov(mu.T, ddof=0)), eps=s**2)
    slack = 4 * truth.error
    assert pairwise_entropy(mu, s, "lower") <= truth.value + slack
    assert truth.value <= min(pairwise_entropy(mu, s, "upper"), gaussian) + slack


@pytest.mark.parametrize("shape", [(30, 6), (8, 20)])
def test_the_residual_is_that_of_the_pseudo_inverse(shape):
    Z, Y = rng().normal(size=shape), rng(1).normal(size=(shape[0], 3))
    Z[:, -2:] = Z[:, :2]
    expected = np.linalg.norm(Y - Z @ np.linalg.pinv(Z, rcond=1e-8) @ Y)
    assert null_projection_residual(Z, Y) == pytest.approx(expected, abs=1e-10)
    assert (expected < 1e-8) == (shape == (8, 20))


def test_the_residual_of_a_representation_without_features_is_the_labels():
    Y = np.eye(4)
    assert null_projection_residual(np.zeros((4, 2)), Y) == pytest.approx(2.0)


EYE, LINE = np.eye(3), np.ones((30, 2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gaussian_entropy(np.ones((2, 3))), "must have shape"),
        (lambda: gaussian_entropy([[1.0, 0.5], [0.4, 1.0]]), "symmetric"),
        (lambda: gaussian_entropy(-EYE), "positive semi-definite"),
        (lambda: gaussian_entropy([[1.0, 2.0], [2.0, 1.0]], eps=5.0), "positive semi-definite"),
        (lambda: gaussian_entropy(np.ones((3, 3))), "singular"),
        (lambda: gaussian_entropy(EYE * np.nan), "NaN"),
        (lambda: gaussian_entropy(EYE, eps=-1), "eps must be at least 0"),
        (lambda: logdet_entropy(np.ones((1, 3))), "N >= 2"),
        (lambda: logdet_entropy(LINE, eps=0), "singular"),
        (lambda: logdet_entropy(np.full((4, 2), np.inf)), "infinite"),
        (lambda: pairwise_entropy(EYE, 0), "s must be positive"),
        (lambda: pairwise_entropy(EYE, 1, "middle"), "kind must be one of"),
        (lambda: pairwise_entropy(np.ones(3), 1), "must have shape"),
        (lambda: gmm_logpdf(EYE, np.ones((3, 2)), 1), "must have shape"),
        (lambda: gmm_logpdf(EYE, EYE, -1), "s must be positive"),
        (lambda: gmm_entropy_mc(EYE, 1, 1, draws()), "n must be an integer"),
        (lambda: null_projection_residual(EYE, np.ones((4, 2))), "must have shape"),
        (lambda: null_projection_residual(EYE, EYE * np.nan), "NaN"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
