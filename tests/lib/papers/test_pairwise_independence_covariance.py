"""The penalty on nonlinear covariances against numpy's and against HSIC."""

import itertools

import numpy as np
import pytest
import torch

from replearn.evaluation import gram_gaussian, hsic_from_grams
from replearn.papers.pairwise_independence import RandomFeatures, cross_variable_covariance


def features(n=20, m=3, p=4, seed=0):
    return torch.randn(n, m, p, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("n", [5, 20])
def test_it_is_the_loop_over_pairs_of_variables_by_kernels_and_by_covariances(n):
    phi = features(n=n)
    total = 0.0
    for i, j in itertools.combinations(range(3), 2):
        total += np.sum(np.cov(phi[:, i].T, phi[:, j].T, ddof=0)[:4, 4:] ** 2)
    assert cross_variable_covariance(phi).item() == pytest.approx(total, rel=1e-12)


def test_it_is_the_sum_of_pairwise_hsic():
    phi = features(n=30, m=4, p=3)
    kernels = [phi[:, i] @ phi[:, i].T for i in range(4)]
    expected = sum(hsic_from_grams(a, b) for a, b in itertools.combinations(kernels, 2))
    assert cross_variable_covariance(phi).item() == pytest.approx(expected, abs=1e-10)


def test_with_many_cosines_it_tends_to_gaussian_hsic():
    x = torch.linspace(-2, 2, 100, dtype=torch.float64)
    pair = torch.stack([x, x.square()], 1)
    exact = hsic_from_grams(gram_gaussian(pair[:, 0]), gram_gaussian(pair[:, 1]))
    estimates = [cross_variable_covariance(RandomFeatures(512, seed=s)(pair)).item() for s in range(20)]
    errors = [abs(cross_variable_covariance(RandomFeatures(32, seed=s)(pair)).item() / exact - 1) for s in range(20)]
    assert np.mean(estimates) == pytest.approx(exact, rel=0.1)
    assert np.mean(np.abs(np.array(estimates) / exact - 1)) < 0.5 * np.mean(errors)


def test_covariances_inside_a_variable_are_free():
    phi = features()
    phi[:, 1:] = 0
    assert cross_variable_covariance(phi) == 0


@pytest.mark.parametrize("n", [4, 9])
def test_gradient_agrees_with_finite_differences(n):
    assert torch.autograd.gradcheck(cross_variable_covariance, (features(n, 3, 2).requires_grad_(),))


@pytest.mark.parametrize(
    ("phi", "message"),
    [
        (features()[0], "shape"),
        (features(m=1), "M >= 2"),
        (features(n=1), "N, M >= 2"),
        (features() * torch.inf, "infinite"),
    ],
)
def test_bad_input_is_refused(phi, message):
    with pytest.raises(ValueError, match=message):
        cross_variable_covariance(phi)
