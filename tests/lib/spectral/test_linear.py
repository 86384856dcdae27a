import numpy as np
import pytest
import torch
from scipy import linalg
from scipy.sparse.linalg import LinearOperator
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from replearn import spectral
from sampling import normal

digits = load_digits()
LIVE = digits.data.std(axis=0) > 0.5
X, y = digits.data[:600][:, LIVE] / 16, digits.target[:600]
LABELS = spectral.label_graph(y, normalize="class", self_loops=True)
SMALL = normal(50, 5)
KNN = spectral.knn_graph(SMALL, 4, weight="heat")


@pytest.mark.parametrize("method", ["vicreg", "barlow"])
def test_the_label_graph_gives_fisher_discriminants(method):
    W = spectral.linear_ssl(X, LABELS, 9, method=method, inv=0.5).W
    lda = LinearDiscriminantAnalysis(solver="eigen").fit(X, y).scalings_[:, :9]
    assert spectral.principal_angles(W, lda).max() < 0.01


def test_vicreg_eigenvalues_say_which_directions_separate_classes():
    e = spectral.linear_ssl(X, LABELS, X.shape[1], inv=1.01)
    np.testing.assert_allclose(e.eigenvalues[9:], 1, atol=1e-8)
    assert e.eigenvalues[8] < 0.9
    assert np.sum(e.strengths > 0) == 9


def two_views(n=200, d=6):
    base = normal(n, d, seed=1)
    return base + 0.3 * normal(n, d, seed=2), base + 0.3 * normal(n, d, seed=3)


def test_two_views_give_canonical_correlations_with_shared_weights():
    a, b = two_views()
    stacked, pairs = np.vstack([a, b]), spectral.pairs_graph(np.arange(200), 200 + np.arange(200), 400)
    centred = stacked - stacked.mean(axis=0)
    q, r = linalg.qr(centred, mode="economic")
    rho, u = linalg.eigh(q[:200].T @ q[200:] + q[200:].T @ q[:200])
    barlow = spectral.linear_ssl(stacked, pairs, 6, method="barlow")
    np.testing.assert_allclose(barlow.eigenvalues, rho[::-1], atol=1e-10)
    np.testing.assert_allclose(spectral.linear_ssl(stacked, pairs, 6).eigenvalues, 1 - rho[::-1], atol=1e-10)
    three = spectral.linear_ssl(stacked, pairs, 3, inv=1e-6)
    assert spectral.principal_angles(three.W, linalg.solve_triangular(r, u[:, :2:-1])).max() < 1e-6


LOSSES = {
    "vicreg": lambda Z: spectral.vicreg_graph_loss(Z, spectral.laplacian(KNN)[0], inv=0.3),
    "contrastive": lambda Z: spectral.contrastive_graph_loss(Z, KNN),
    "barlow": lambda Z: spectral.barlow_graph_loss(Z, KNN),
}


@pytest.mark.parametrize("method", list(LOSSES))
@pytest.mark.parametrize("dim", [2, 5])
def test_each_method_is_the_linear_minimum_that_descent_finds(method, dim):
    found = spectral.linear_ssl(SMALL, KNN, dim, method=method, inv=0.3)
    closed = LOSSES[method](torch.tensor(found.transform(SMALL)))
    W = torch.randn(5, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    inputs = torch.tensor(SMALL - SMALL.mean(axis=0))
    optimiser = torch.optim.LBFGS([W], max_iter=500, tolerance_grad=1e-10, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        value = LOSSES[method](inputs @ W)
        value.backward()
        return value

    optimiser.step(closure)
    np.testing.assert_allclose(closed, LOSSES[method](inputs @ W.detach()), rtol=1e-6)


@pytest.mark.parametrize("method", list(LOSSES))
def test_graphs_may_be_sparse_dense_or_operators(method):
    operator = LinearOperator(KNN.shape, matvec=lambda v: KNN @ v, matmat=lambda M: KNN @ M, dtype=float)
    expected = spectral.linear_ssl(SMALL, KNN, 3, method=method)
    for G in (KNN.toarray(), operator, torch.tensor(KNN.toarray())):
        found = spectral.linear_ssl(torch.tensor(SMALL), G, 3, method=method)
        np.testing.assert_allclose(found.eigenvalues, expected.eigenvalues, atol=1e-12)
    labels = np.random.default_rng(4).integers(3, size=50)
    low_rank = spectral.label_graph(labels, normalize="class", as_operator=True)
    np.testing.assert_allclose(
        spectral.linear_ssl(SMALL, low_rank, 2).eigenvalues,
        spectral.linear_ssl(SMALL, spectral.label_graph(labels, normalize="class"), 2).eigenvalues,
    )


def test_ridge_is_the_variance_of_noise_that_is_drawn_anew_for_each_end_of_an_edge():
    g, n, noise = KNN.toarray(), len(SMALL), 0.3 * np.eye(5)
    energy = np.zeros((5, 5))
    for i in range(n):
        for j in range(n):
            apart = SMALL[i] - SMALL[j]
            energy += g[i, j] * (np.outer(apart, apart) + 2 * noise) / (2 * n)
    expected = linalg.eigh(energy, np.cov(SMALL.T, bias=True) + noise, eigvals_only=True)
    np.testing.assert_allclose(spectral.linear_ssl(SMALL, KNN, 5, ridge=0.3).eigenvalues, expected, rtol=1e-9)


def test_ridge_replaces_the_missing_directions():
    wide = np.hstack([SMALL, SMALL[:, :1]])
    with pytest.raises(ValueError, match="ridge > 0"):
        spectral.linear_ssl(wide, KNN, 2)
    narrow = spectral.linear_ssl(SMALL, KNN, 2).eigenvalues
    np.testing.assert_allclose(spectral.linear_ssl(wide, KNN, 2, ridge=1e-9).eigenvalues, narrow, rtol=1e-6)


@pytest.mark.parametrize(
    ("inputs", "G", "dim", "options", "message"),
    [
        (SMALL, KNN, 6, {}, "dim must be"),
        (SMALL, KNN, 0, {}, "dim must be"),
        (SMALL[:40], KNN, 2, {}, "one row per row of X"),
        (SMALL * np.nan, KNN, 2, {}, "NaN"),
        (SMALL, -KNN, 2, {}, "no positive pair"),
        (SMALL, KNN, 2, {"method": "simclr"}, "method must be one of"),
        (SMALL, KNN, 2, {"inv": -1.0}, "inv must be"),
        (SMALL, KNN, 2, {"reg": 0.0}, "reg must be"),
        (SMALL, KNN, 2, {"ridge": -1.0}, "ridge must be"),
    ],
)
def test_bad_input_is_refused(inputs, G, dim, options, message):
    with pytest.raises(ValueError, match=message):
        spectral.linear_ssl(inputs, G, dim, **options)


def test_transform_refuses_another_width():
    with pytest.raises(ValueError, match="5 columns"):
        spectral.linear_ssl(SMALL, KNN, 2).transform(SMALL[:, :4])
