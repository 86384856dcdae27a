import numpy as np
import pytest
import torch
from scipy import linalg

from replearn import spectral
from sampling import normal

A, B = normal(30, 4), normal(30, 6, seed=1)


@pytest.mark.parametrize(("a", "b"), [(A, B), (B, A), (A, A @ normal(4, 4, seed=2))])
def test_principal_angles_match_scipy(a, b):
    expected = linalg.subspace_angles(a, b)[::-1]
    np.testing.assert_allclose(spectral.principal_angles(a, b, degrees=False), expected, atol=1e-12)
    np.testing.assert_allclose(spectral.principal_angles(a, b), np.degrees(expected), atol=1e-10)


def test_principal_angles_resolve_tiny_angles():
    tilted = A + 1e-10 * normal(*A.shape, seed=3)
    angle = spectral.principal_angles(A, tilted, degrees=False).max()
    np.testing.assert_allclose(angle, linalg.subspace_angles(A, tilted).max(), rtol=1e-3)
    assert 1e-11 < angle < 1e-9


def test_principal_angles_in_a_metric_are_those_of_mapped_columns():
    F = normal(30, 30, seed=4)
    expected = linalg.subspace_angles(F @ A, F @ B)[::-1]
    np.testing.assert_allclose(
        spectral.principal_angles(A, B, degrees=False, metric=torch.tensor(F.T @ F)), expected, atol=1e-7
    )


def test_subspace_overlap_is_the_mean_squared_cosine():
    expected = np.mean(np.cos(linalg.subspace_angles(A, B)) ** 2)
    np.testing.assert_allclose(spectral.subspace_overlap(torch.tensor(A), B), expected)
    np.testing.assert_allclose(spectral.subspace_overlap(A, np.hstack([A, B])), 1)


@pytest.mark.parametrize(
    ("a", "b", "metric", "message"),
    [
        (A, B[:20], None, "number of rows"),
        (A[:, 0], B, None, "must be a matrix"),
        (np.hstack([A, A[:, :1]]), B, None, "linearly independent"),
        (np.full_like(A, np.nan), B, None, "NaN"),
        (A, B, np.eye(29), "must have shape"),
        (A, B, -np.eye(30), "positive definite"),
        (A, B, normal(30, 30, seed=5), "symmetric"),
    ],
)
def test_principal_angles_refuse_bad_input(a, b, metric, message):
    with pytest.raises(ValueError, match=message):
        spectral.principal_angles(a, b, metric=metric)


def test_procrustes_matches_scipy_and_undoes_a_rotation():
    C = normal(30, 4, seed=6)
    aligned, R, residual = spectral.procrustes(A, C)
    expected, _ = linalg.orthogonal_procrustes(A, C)
    np.testing.assert_allclose(R, expected, atol=1e-12)
    np.testing.assert_allclose(residual, linalg.norm(aligned - C) / linalg.norm(C))
    turned = A @ linalg.qr(normal(4, 4, seed=7))[0]
    assert spectral.procrustes(turned, A)[2] < 1e-12
    assert spectral.procrustes(3 * turned, A)[2] > 1
    assert spectral.procrustes(3 * turned, A, scale=True)[2] < 1e-12


def test_procrustes_refuses_bad_input():
    with pytest.raises(ValueError, match="one shape"):
        spectral.procrustes(A, B)
    with pytest.raises(ValueError, match="zeros"):
        spectral.procrustes(A, np.zeros_like(A))


def test_signs():
    flipped = A * [-1, 1, -1, 1]
    np.testing.assert_array_equal(spectral.sign_align(flipped, A), A)
    np.testing.assert_array_equal(spectral.fix_signs(flipped), spectral.fix_signs(A))
    assert np.all(spectral.fix_signs(A).max(axis=0) == np.abs(A).max(axis=0))
    with pytest.raises(ValueError, match="one shape"):
        spectral.sign_align(A, B)
    with pytest.raises(ValueError, match="NaN"):
        spectral.fix_signs(A * np.inf)


def test_gaps_and_groups():
    w = np.array([0, 1e-9, 1, 3, 3, 3 + 1e-8, 4])
    assert spectral.spectral_gap(w, 2) == pytest.approx(1)
    assert spectral.spectral_gap(w[::-1], 1) == pytest.approx(1)
    assert spectral.eigen_groups(w) == [[0, 1], [2], [3, 4, 5], [6]]
    assert spectral.eigen_groups(w, rtol=0) == [[0], [1], [2], [3, 4], [5], [6]]
    with pytest.raises(ValueError, match="between 1 and 6"):
        spectral.spectral_gap(w, 7)
    with pytest.raises(ValueError, match="one dimension"):
        spectral.eigen_groups(A)
