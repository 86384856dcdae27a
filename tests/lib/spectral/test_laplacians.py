"""Laplacians against scipy."""

import numpy as np
import pytest
from scipy.sparse import csgraph

from replearn import spectral
from sampling import normal

X = normal(60, 3)


@pytest.mark.parametrize("kind", ["unnormalized", "sym", "rw"])
def test_laplacian_matches_scipy(kind):
    g = spectral.knn_graph(X, 4, weight="heat")
    L, degrees = spectral.laplacian(g, kind=kind)
    if kind == "rw":
        expected = np.eye(60) - np.linalg.inv(np.diag(degrees)) @ g.toarray()
    else:
        expected = csgraph.laplacian(g, normed=kind == "sym").toarray()
    np.testing.assert_allclose(L.toarray(), expected, atol=1e-12)
    np.testing.assert_allclose(degrees, g.toarray().sum(axis=0))


def test_dirichlet_energy_counts_every_edge_twice():
    g, Z = spectral.knn_graph(X, 4, weight="heat"), normal(60, 2, seed=1)
    double_sum = np.sum(g.toarray() * np.sum((Z[:, None] - Z[None]) ** 2, axis=2))
    np.testing.assert_allclose(double_sum, 2 * np.trace(Z.T @ (spectral.laplacian(g)[0] @ Z)))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: spectral.laplacian(np.triu(np.ones((3, 3)))), "symmetric"),
        (lambda: spectral.laplacian(-np.ones((3, 3))), "no positive pair"),
        (lambda: spectral.laplacian(np.array([[0, 1, -1], [1, 0, 0], [-1, 0, 0]])), "non-negative"),
        (lambda: spectral.laplacian(np.diag([0, 1, 1.0]), kind="rw"), "isolated"),
        (lambda: spectral.laplacian(np.ones((3, 2))), "square"),
        (lambda: spectral.laplacian(np.ones((3, 3)), kind="normalised"), "kind must be one of"),
    ],
)
def test_bad_input_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
