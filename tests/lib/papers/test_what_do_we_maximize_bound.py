"""The bound of Barber and Agakov against its definition, and the test of normality against scipy."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from replearn.evaluation import gaussian_entropy, gmm_entropy_mc
from replearn.papers.what_do_we_maximize import ba_bound_gaussian, normality_rejection


def rng(seed=0):
    return np.random.default_rng(seed)


def covariance(k, seed=0):
    a = rng(seed).normal(size=(k, 2 * k))
    return a @ a.T


EYE, LINE = np.eye(3), np.ones((30, 2))


def test_normality_rejection_keeps_gaussians_and_finds_uniforms():
    gaussian, uniform = rng().normal(size=(500, 400)), rng().uniform(size=(500, 400))
    assert normality_rejection(gaussian, alpha=0.05) == pytest.approx(0.05, abs=0.035)
    assert normality_rejection(uniform) > 0.99
    assert normality_rejection(np.hstack([gaussian[:, :100], uniform[:, :100]])) == pytest.approx(0.5, abs=0.03)


def test_normality_is_that_of_scipy_and_constant_columns_are_left_out():
    z = rng().normal(size=(200, 30)) ** 3
    z[:, :15] = rng(1).normal(size=(200, 15))
    expected = np.mean([stats.normaltest(column).pvalue < 0.01 for column in z.T])
    assert normality_rejection(1e-3 * z + 50) == expected
    assert normality_rejection(np.hstack([z, np.full((200, 20), 7.0)])) == expected


@pytest.mark.parametrize("tau", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("r", [0.3, 2.0])
def test_the_gap_of_the_bound_is_the_divergence(tau, r):
    S = covariance(4) / 8
    result = ba_bound_gaussian(S, tau, r)
    joint = np.block([[S + tau**2 * np.eye(4), S], [S, S + tau**2 * np.eye(4)]])
    entropy = stats.multivariate_normal(cov=joint[:4, :4]).entropy()
    assert result.information == pytest.approx(2 * entropy - stats.multivariate_normal(cov=joint).entropy(), abs=1e-9)
    assert result.information - result.bound == pytest.approx(result.gap, abs=1e-9)
    assert result.gap > 0


def test_the_bound_is_the_mean_of_the_log_density_of_the_guess():
    S, tau, r = covariance(2) / 4, 0.6, 0.8
    joint = np.block([[S + tau**2 * np.eye(2), S], [S, S + tau**2 * np.eye(2)]])
    x = rng().multivariate_normal(np.zeros(4), joint, 200_000)
    guess = stats.norm(scale=r).logpdf(x[:, :2] - x[:, 2:]).sum(1)
    expected = stats.multivariate_normal(cov=S + tau**2 * np.eye(2)).entropy() + guess.mean()
    assert ba_bound_gaussian(S, tau, r).bound == pytest.approx(expected, abs=4 * guess.std() / math.sqrt(len(x)))


def test_the_bound_is_best_at_twice_the_noise_and_its_gap_grows_with_the_noise():
    S = np.eye(3)
    best = ba_bound_gaussian(S, 0.5, math.sqrt(2) * 0.5).bound
    assert all(ba_bound_gaussian(S, 0.5, math.sqrt(2) * 0.5 * c).bound < best - 1e-3 for c in (0.9, 1.1))
    gaps = [ba_bound_gaussian(S, tau, math.sqrt(2) * tau).gap for tau in (0.1, 0.5, 1.0)]
    assert gaps == sorted(gaps) and gaps[0] < 0.1 * gaps[2]


@pytest.mark.parametrize("seed", range(5))
def test_independent_dimensions_have_the_larger_entropy_unless_the_covariance_is_diagonal(seed):
    cov = covariance(8, seed)
    alone = sum(stats.norm(scale=math.sqrt(variance)).entropy() for variance in np.diag(cov))
    assert gaussian_entropy(cov) < alone - 0.1
    assert gaussian_entropy(np.diag(np.diag(cov))) == pytest.approx(alone, abs=1e-10)


def test_the_gaussian_bound_is_tight_for_one_cloud_alone():
    cov = 0.09 * np.eye(2)
    one = gmm_entropy_mc(np.zeros((1, 2)), 0.3, 4000, torch.Generator().manual_seed(0))
    two = gmm_entropy_mc([[-1.0, 0.0], [1.0, 0.0]], 0.3, 4000, torch.Generator().manual_seed(0))
    assert one.value == pytest.approx(gaussian_entropy(cov), abs=4 * one.error)
    assert gaussian_entropy(cov + np.diag([1.0, 0.0])) > two.value + 0.4


def test_the_information_of_a_gaussian_pair_is_that_of_its_canonical_correlations():
    S, tau = covariance(4) / 8, 0.5
    variances = np.linalg.eigvalsh(S)
    rho = variances / (variances + tau**2)
    assert ba_bound_gaussian(S, tau, 1.0).information == pytest.approx(-np.log(1 - rho**2).sum() / 2, abs=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: normality_rejection(np.ones((19, 2))), "N >= 20"),
        (lambda: normality_rejection(LINE), "nothing to test"),
        (lambda: normality_rejection(LINE, alpha=1), "alpha"),
        (lambda: ba_bound_gaussian(np.ones((2, 3)), 1, 1), "square"),
        (lambda: ba_bound_gaussian(-EYE, 1, 1), "positive semi-definite"),
        (lambda: ba_bound_gaussian(EYE, 0, 1), "tau must be positive"),
        (lambda: ba_bound_gaussian(EYE, 1, 0), "r must be positive"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
