import numpy as np
import pytest
import torch
from scipy import linalg

from replearn import spectral
from sampling import normal

D, K, N = 6, 2, 50
X = normal(N, D) @ normal(D, D, seed=1)
X -= X.mean(axis=0)
Y = np.eye(3)[np.random.default_rng(2).integers(3, size=N)] + 0.3 * X[:, :3]
MASKED = spectral.mask_moments(X, 0.4, (2, 3))


def test_the_masked_auto_encoder_is_where_descent_ends():
    cross, C, energy = torch.tensor(MASKED.C_clean), torch.tensor(MASKED.C), np.sum(X**2) / N

    def loss(P):
        B = P[:D] @ P[D:].T
        return energy - 2 * (B * cross.T).sum() + (B * (C @ B)).sum()

    found = spectral.reduced_rank_regression(MASKED.C_clean, MASKED.C, K)
    minimum = energy - np.sum(found.phi[:K] ** 2)
    here = loss(torch.tensor(np.vstack([found.V, found.W.T])))
    np.testing.assert_allclose(here, minimum, rtol=1e-10)
    np.testing.assert_allclose(spectral.minimize_embedding(loss, 2 * D, K).losses[-1], minimum, rtol=1e-8)
    draw = np.random.default_rng(1)
    errors = [np.sum((X - X * (draw.random(X.shape) >= 0.4) @ found.V @ found.W) ** 2) / N for _ in range(2000)]
    assert np.mean(errors) == pytest.approx(minimum, rel=0.01)


def test_the_encoder_solves_the_generalised_eigenproblem():
    found = spectral.reduced_rank_regression(MASKED.C_clean, MASKED.C, K)
    w, V = linalg.eigh(MASKED.C_clean.T @ MASKED.C_clean, MASKED.C)
    np.testing.assert_allclose(found.phi**2, w[::-1], rtol=1e-9)
    assert spectral.principal_angles(found.V, V[:, -K:]).max() < 1e-5
    np.testing.assert_allclose(found.V.T @ MASKED.C @ found.V, np.eye(K), atol=1e-10)
    np.testing.assert_allclose(found.W, found.V.T @ MASKED.C_clean.T, atol=1e-10)


def test_white_noise_leaves_the_subspace_of_pca_and_masks_do_not():
    pca = linalg.eigh(X.T @ X)[1][:, -K:]
    for sigma in (0.1, 1.0, 10.0):
        m = spectral.additive_moments(X, sigma**2)
        V = spectral.reduced_rank_regression(m.C_clean, m.C, K).V
        assert spectral.principal_angles(V, pca).max() < 1e-4
    V = spectral.reduced_rank_regression(MASKED.C_clean, MASKED.C, K).V
    assert spectral.principal_angles(V, pca).max() > 5


def test_directions_without_data_do_not_matter():
    pad = ((0, 0), (0, 1))
    cross, C = np.pad(MASKED.C_clean, pad), np.pad(MASKED.C, ((0, 1), (0, 1)))
    found, plain = (spectral.reduced_rank_regression(*m, K) for m in ((cross, C), (MASKED.C_clean, MASKED.C)))
    np.testing.assert_allclose(found.phi, plain.phi, rtol=1e-9)
    np.testing.assert_allclose(found.V[-1], 0, atol=1e-12)
    with pytest.raises(ValueError, match="k "):
        spectral.reduced_rank_regression(cross, C, D + 1)


def test_joint_embedding_is_the_best_of_all_white_embeddings():
    C, plus = MASKED.C, MASKED.C_plus
    found = spectral.joint_embedding_linear(C, plus, K)
    np.testing.assert_allclose(found.W.T @ C @ found.W, np.eye(K), atol=1e-10)
    loss = 2 * (K - np.trace(found.W.T @ plus @ found.W))
    assert loss == pytest.approx(2 * (K - found.eigenvalues.sum()))
    np.testing.assert_allclose(found.eigenvalues, spectral.canonical_spectrum(C, plus)[:K], rtol=1e-10)
    half, view = torch.tensor(linalg.inv(linalg.cholesky(C))), torch.tensor(plus)

    def on_the_stiefel_manifold(P):
        W = half @ torch.linalg.qr(P).Q
        return 2 * (K - (W * (view @ W)).sum())

    assert spectral.minimize_embedding(on_the_stiefel_manifold, D, K, steps=300).losses[-1] == pytest.approx(
        loss, rel=1e-8
    )
    np.testing.assert_allclose(found.transform(X), X @ found.W)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: spectral.reduced_rank_regression(MASKED.C_clean, -MASKED.C, K), "positive semi-definite"),
        (lambda: spectral.reduced_rank_regression(MASKED.C_clean[:, :3], MASKED.C, K), "columns like C"),
        (lambda: spectral.reduced_rank_regression(MASKED.C_clean, MASKED.C, 0), "k "),
        (lambda: spectral.reduced_rank_regression(MASKED.C_clean[:1], MASKED.C, 2), "k "),
        (lambda: spectral.reduced_rank_regression(MASKED.C_clean, MASKED.C * np.nan, K), "NaN"),
        (lambda: spectral.joint_embedding_linear(np.zeros((D, D)), MASKED.C_plus, K), "positive definite"),
        (lambda: spectral.joint_embedding_linear(MASKED.C, MASKED.C_plus[:2, :2], K), "one shape"),
        (lambda: spectral.joint_embedding_linear(MASKED.C, MASKED.C_plus, D + 1), "dim must be"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
