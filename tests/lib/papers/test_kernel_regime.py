import numpy as np
import pytest
import torch
from scipy import sparse

from replearn import spectral
from replearn.papers.kernel_regime import smoothest_directions, ssl_target, tied_eigenspace

rng = np.random.default_rng(0)
N = 24
X = rng.standard_normal((N, 3))
X -= X.mean(axis=0)
K = spectral.rbf_kernel(X, bandwidth=0.6**-0.5) + 0.1 * np.eye(N)
G = spectral.knn_graph(X, 4, weight="heat")
L = spectral.laplacian(G)[0]
INV = 0.5 / spectral.eigenpairs(L, 8)[0][-1]
TARGET = ssl_target(G, inv=INV)
w, U = np.linalg.eigh(K)
ROOT = torch.tensor((U * np.sqrt(w)) @ U.T)


def rank_part(T, dim):
    """The positive part of the ``dim`` largest eigenpairs."""
    e, V = np.linalg.eigh(T)
    return (V[:, -dim:] * np.maximum(e[-dim:], 0)) @ V[:, -dim:].T


def descended(loss, dim):
    return spectral.minimize_embedding(loss, N, dim)


def test_vicreg_in_the_kernels_space_is_where_descent_ends():
    found = spectral.kernel_ssl(K, TARGET, 3)
    closed = spectral.vicreg_graph_loss(torch.tensor(found.Z), L, inv=INV).item()
    best = descended(lambda P: spectral.vicreg_graph_loss(ROOT @ P, L, inv=INV), 3)
    np.testing.assert_allclose(closed, best.losses[-1], rtol=1e-6)
    np.testing.assert_allclose(closed, spectral.vicreg_embedding(G, 3, inv=INV).loss, rtol=1e-9)
    Z = ROOT.numpy() @ best.Z
    assert spectral.principal_angles(found.Z, Z - Z.mean(axis=0)).max() < 0.01
    assert found.rank == 3


@pytest.mark.parametrize("lam", [0.0, 0.05, 5.0])
def test_the_penalised_minimum_is_where_descent_ends(lam):
    T = ssl_target(G, method="contrastive")

    def loss(P):
        return spectral.contrastive_graph_loss(ROOT @ P, T) + 2 * lam * P.square().sum()

    found = spectral.kernel_ssl(K, T, 4, lam=lam)
    norm = np.trace(found.coef.T @ K @ found.coef)
    closed = np.sum((found.Z @ found.Z.T - T) ** 2) + 2 * lam * norm
    np.testing.assert_allclose(closed, descended(loss, 4).losses[-1], rtol=1e-6)
    assert found.rank == np.sum(found.eigenvalues > 0)


def test_the_induced_kernel_interpolates_the_target():
    found = spectral.kernel_ssl(K, TARGET, 5)
    np.testing.assert_allclose(found.kernel(K, K), rank_part(TARGET, 5), atol=1e-8)
    np.testing.assert_allclose(found.transform(K), found.Z, atol=1e-9)
    blocks = spectral.augmentation_graph(np.repeat(np.arange(6), 4))
    T = ssl_target(blocks, method="contrastive")
    np.testing.assert_allclose(spectral.kernel_ssl(K, T, 6).kernel(K, K), np.eye(N) + blocks.toarray(), atol=1e-9)


def test_a_linear_kernel_gives_the_linear_regime():
    linear = spectral.linear_ssl(X, G, 3, inv=INV)
    found = spectral.kernel_ssl(X @ X.T, TARGET, 3)
    Z = linear.transform(X)
    np.testing.assert_allclose(found.Z @ found.Z.T, Z @ Z.T, atol=1e-8)
    new = rng.standard_normal((7, 3))
    expected = linear.transform(new) - linear.transform(np.zeros((1, 3)))
    np.testing.assert_allclose(
        found.kernel(new @ X.T, X @ X.T), expected @ (Z - linear.transform(np.zeros((1, 3)))).T, atol=1e-8
    )


def test_too_much_penalty_collapses_and_duplicates_are_no_trouble():
    assert spectral.kernel_ssl(K, TARGET, 3, lam=1e6).rank == 0
    twice = np.vstack([X, X[:4]])
    singular = spectral.rbf_kernel(twice, bandwidth=0.6**-0.5)
    graph = spectral.augmentation_graph(np.repeat(np.arange(14), 2))
    found = spectral.kernel_ssl(singular, ssl_target(graph, method="contrastive"), 5)
    np.testing.assert_allclose(found.Z[:4], found.Z[N:], atol=1e-6)


def test_a_tiny_penalty_picks_the_smoothest_of_the_tied_directions():
    graph = spectral.augmentation_graph(np.repeat(np.arange(8), 3))
    T = ssl_target(graph)
    Q = tied_eigenspace(T, N)
    assert Q.shape == (N, 7)
    np.testing.assert_allclose(np.ptp(Q.reshape(8, 3, 7), axis=1), 0, atol=1e-10)
    energies, V = smoothest_directions(Q, K, 3)
    np.testing.assert_allclose(energies, np.diag(V.T @ np.linalg.inv(K) @ V), rtol=1e-8)
    basis = np.linalg.qr(Q @ rng.standard_normal((7, 3)))[0]
    assert energies.sum() < np.trace(basis.T @ np.linalg.inv(K) @ basis)
    free, W = smoothest_directions(Q, K, 7)
    np.testing.assert_allclose(free.sum(), np.trace(Q.T @ np.linalg.inv(K) @ Q))
    assert spectral.principal_angles(W, Q).max() < 1e-6
    tie = spectral.kernel_ssl(K, T, 3, lam=1e-7 * N)
    assert spectral.principal_angles(tie.Z, V).max() < 0.05


def test_targets_follow_their_formulas():
    H = np.eye(N) - 1 / N
    np.testing.assert_allclose(ssl_target(G, inv=0.3, reg=2.0), N * (H - 0.15 * L.toarray()), atol=1e-12)
    contrastive = ssl_target(G.toarray(), method="contrastive")
    np.testing.assert_allclose(contrastive, np.eye(N) + G.toarray())
    for form in (sparse.csr_array(contrastive), torch.tensor(contrastive)):
        np.testing.assert_allclose(spectral.kernel_ssl(K, form, 2).Z, spectral.kernel_ssl(K, contrastive, 2).Z)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ssl_target(G, method="barlow"), "method must be one of"),
        (lambda: ssl_target(G, inv=-1.0), "inv must be"),
        (lambda: ssl_target(G, reg=0.0), "reg must be"),
        (lambda: ssl_target(np.eye(4) + 1, method="contrastive"), "zero diagonal"),
        (lambda: spectral.kernel_ssl(K + np.triu(np.ones((N, N)), 1), TARGET, 2), "symmetric"),
        (lambda: spectral.kernel_ssl(K - np.eye(N), TARGET, 2), "positive semi-definite"),
        (lambda: spectral.kernel_ssl(X @ X.T, TARGET, 4), "rank of K"),
        (lambda: spectral.kernel_ssl(K, TARGET[:5, :5], 2), "shape of K"),
        (lambda: spectral.kernel_ssl(K, TARGET, 2, lam=-1.0), "lam must be"),
        (lambda: spectral.kernel_ssl(K, TARGET, 2, rtol=0.0), "rtol must be"),
        (lambda: spectral.kernel_ssl(K, TARGET, 2).transform(K[:, :5]), "one per training point"),
        (lambda: tied_eigenspace(TARGET, -1e6), "no eigenvalue"),
        (lambda: tied_eigenspace(TARGET, N, rtol=0), "rtol must be"),
        (lambda: smoothest_directions(X, K, 2), "orthonormal"),
        (lambda: smoothest_directions(np.eye(N)[:, :2], X @ X.T, 2), "positive definite"),
        (lambda: smoothest_directions(np.eye(N)[:, :2], K, 3), "dim must be"),
        (lambda: smoothest_directions(np.eye(4)[:, :2], K, 2), "one row per row of K"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
