"""Canonical correlations against scikit-learn, generalised eigenproblems and brute force."""

import numpy as np
import pytest
import scipy.linalg
import torch
from sklearn.cross_decomposition import CCA as SklearnCCA
from sklearn.datasets import load_digits

from replearn.spectral import canonical_spectrum, cca, pair_moments, total_correlation


@pytest.fixture(scope="module")
def halves():
    x = load_digits().data.reshape(-1, 8, 8)
    left, right = x[:, :, :4].reshape(-1, 32), x[:, :, 4:].reshape(-1, 32)
    return tuple(h[:, h.std(0) > 0.5] for h in (left, right))


def generalised(X, Y, ridge):
    """All canonical correlations from scipy's generalised symmetric eigenproblem of size p + q."""
    X, Y, n, p = X - X.mean(0), Y - Y.mean(0), len(X), X.shape[1]
    between, within = (np.zeros((p + Y.shape[1],) * 2) for _ in range(2))
    between[:p, p:] = X.T @ Y / n
    within[:p, :p] = X.T @ X / n + ridge * np.eye(p)
    within[p:, p:] = Y.T @ Y / n + ridge * np.eye(Y.shape[1])
    return scipy.linalg.eigh(between + between.T, within, eigvals_only=True)[::-1][: min(p, Y.shape[1])]


@pytest.mark.parametrize("ridge", [0.0, 2.0])
def test_correlations_solve_the_generalised_eigenproblem(halves, ridge):
    rho = cca(*halves, 24, ridge=ridge).rho
    np.testing.assert_allclose(rho, generalised(*halves, ridge), atol=1e-9)


def test_scikit_learn_agrees(halves):
    rho = cca(*halves, 5).rho
    a, b = SklearnCCA(5, scale=False, max_iter=20000, tol=1e-12).fit_transform(*halves)
    np.testing.assert_allclose(rho, [np.corrcoef(a[:, i], b[:, i])[0, 1] for i in range(5)], atol=1e-6)


@pytest.mark.parametrize("ridge", [0.0, 2.0])
def test_weights_meet_the_constraints_and_attain_the_correlations(halves, ridge):
    X, Y = (h - h.mean(0) for h in halves)
    rho, A, B = cca(*halves, 6, ridge=ridge)
    n = len(X)
    np.testing.assert_allclose(A.T @ (X.T @ X / n + ridge * np.eye(24)) @ A, np.eye(6), atol=1e-10)
    np.testing.assert_allclose(B.T @ (Y.T @ Y / n + ridge * np.eye(28)) @ B, np.eye(6), atol=1e-10)
    np.testing.assert_allclose(A.T @ X.T @ Y @ B / n, np.diag(rho), atol=1e-10)


def test_signs_are_fixed_and_the_order_of_views_does_not_matter(halves):
    X, Y = halves
    rho, A, _ = cca(X, Y, 6)
    assert (np.abs(A).max(0) == A.max(0)).all()
    np.testing.assert_allclose(cca(Y, X, 6).rho, rho, atol=1e-12)


def test_a_rank_deficient_view_is_handled(halves):
    X, Y = halves
    copied = np.column_stack([X, X[:, :3] @ np.ones((3, 2))])
    np.testing.assert_allclose(cca(copied, Y, 5).rho, cca(X, Y, 5).rho, atol=1e-10)
    with pytest.raises(ValueError, match="between 1 and 24"):
        cca(copied, Y, 25)


def test_tensors_are_taken(halves):
    X, Y = halves
    np.testing.assert_array_equal(cca(torch.as_tensor(X), torch.as_tensor(Y), 3).rho, cca(X, Y, 3).rho)


@pytest.mark.parametrize("ridge", [0.0, 2.0])
def test_total_correlation_is_the_sum_of_the_spectrum(halves, ridge):
    total = total_correlation(*(torch.as_tensor(h) for h in halves), ridge=ridge)
    assert total.item() == pytest.approx(generalised(*halves, ridge).sum(), abs=1e-6)


def test_total_correlation_agrees_with_finite_differences():
    x, y = torch.randn(2, 12, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: total_correlation(a, b, ridge=0.1), (x, y))


def brute_moments(views, weights):
    V, n, d = views.shape
    mean = sum(weights[v] * views[v].mean(0) for v in range(V))
    C, C_plus = np.zeros((2, d, d))
    for i in range(n):
        for u in range(V):
            C += weights[u] * np.outer(views[u, i] - mean, views[u, i] - mean) / n
            for v in range(V):
                C_plus += weights[u] * weights[v] * np.outer(views[u, i] - mean, views[v, i] - mean) / n
    return C, C_plus


@pytest.mark.parametrize("weights", [None, [0.5, 0.2, 0.3]])
def test_moments_enumerate_all_ordered_pairs(weights):
    views = np.random.default_rng(0).normal(size=(3, 7, 4)) + 2
    expected = brute_moments(views, weights or [1 / 3] * 3)
    for moment, reference in zip(pair_moments(list(views), weights), expected, strict=True):
        np.testing.assert_allclose(moment, reference, atol=1e-12)


def test_canonical_spectrum_is_the_generalised_eigenproblem():
    C, C_plus = pair_moments(np.random.default_rng(0).normal(size=(3, 50, 6)))
    np.testing.assert_allclose(
        canonical_spectrum(C, C_plus), scipy.linalg.eigh(C_plus, C, eigvals_only=True)[::-1], atol=1e-10
    )


def test_rotations_by_quarter_turns_keep_exactly_the_sixteen_orbit_means():
    x = load_digits().images
    views = np.stack([np.rot90(x, turns, (1, 2)).reshape(len(x), -1) for turns in range(4)])
    rho = canonical_spectrum(*pair_moments(views))
    np.testing.assert_allclose(rho, [1] * 16 + [0] * 48, atol=1e-8)


def test_identical_views_share_everything_within_the_rank():
    x = load_digits().data
    rho = canonical_spectrum(*pair_moments([x, x]))
    np.testing.assert_allclose(rho, np.ones(61), atol=1e-8)


X, Y = np.random.default_rng(0).normal(size=(2, 20, 4))
EYE = np.eye(3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cca(X, Y[:19], 2), "same samples"),
        (lambda: cca(X, Y, 0), "dim"),
        (lambda: cca(X, Y, 5), "between 1 and 4"),
        (lambda: cca(X * np.nan, Y, 2), "X contains NaN"),
        (lambda: cca(X, Y, 2, ridge=-1), "ridge must be at least 0"),
        (lambda: cca(X[:1], Y[:1], 1), "N >= 2"),
        (lambda: cca(X * 0, Y, 1), "X is constant"),
        (lambda: total_correlation(torch.ones(20, 2), torch.as_tensor(Y)), "covariance of x is singular"),
        (lambda: total_correlation(torch.as_tensor(X), torch.as_tensor(Y[:3])), "same samples"),
        (lambda: pair_moments(X), "must have the shape"),
        (lambda: pair_moments([X, Y[:3]]), "same shape"),
        (lambda: pair_moments([X, X], weights=[0.5, 0.6]), "sum to 1"),
        (lambda: pair_moments([X, X * np.inf]), "NaN or infinite"),
        (lambda: canonical_spectrum(EYE, np.eye(4)), "must have one shape"),
        (lambda: canonical_spectrum(EYE, np.triu(np.ones((3, 3)))), "C_plus must be symmetric"),
        (lambda: canonical_spectrum(-EYE, EYE), "positive semi-definite"),
        (lambda: canonical_spectrum(0 * EYE, EYE), "positive semi-definite"),
        (lambda: canonical_spectrum(EYE, EYE, rcond=0), "rcond must be positive"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
