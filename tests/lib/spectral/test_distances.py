"""From distances to inner products, against scikit-learn."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform
from sklearn.decomposition import PCA
from sklearn.manifold import Isomap
from sklearn.neighbors import NearestNeighbors

from replearn import spectral
from sampling import normal

X = normal(60, 3)


def test_double_centring_returns_inner_products():
    D2 = np.sum((X[:, None] - X[None]) ** 2, axis=2)
    centred = X - X.mean(axis=0)
    np.testing.assert_allclose(spectral.double_center(D2), centred @ centred.T, atol=1e-12)


def test_geodesics_match_isomap():
    expected = Isomap(n_neighbors=8).fit(X).dist_matrix_
    np.testing.assert_allclose(spectral.geodesic_distances(X, 8), expected)
    directed = NearestNeighbors(n_neighbors=8).fit(X).kneighbors_graph(mode="distance")
    np.testing.assert_allclose(spectral.geodesic_distances(directed.maximum(directed.T)), expected)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: spectral.double_center(np.ones((3, 2))), "square"),
        (lambda: spectral.geodesic_distances(np.vstack([X, X + 100]), 4), "falls into 2 parts"),
        (lambda: spectral.geodesic_distances(X, 60), "between 1 and 59"),
    ],
)
def test_bad_input_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_classical_scaling_of_euclidean_distances_is_pca():
    squares = squareform(pdist(X)) ** 2
    found = spectral.classical_mds(squares, 3)
    np.testing.assert_allclose(pdist(found.Z), pdist(X), rtol=1e-9)
    components = PCA(2).fit_transform(X)
    np.testing.assert_allclose(spectral.sign_align(found.Z[:, :2], components), components, atol=1e-9)
    np.testing.assert_allclose(found.eigenvalues / len(X), PCA().fit(X).explained_variance_ * (1 - 1 / len(X)))
    np.testing.assert_allclose(found.loss, 0, atol=1e-8)


def test_classical_scaling_refuses_inner_products():
    with pytest.raises(ValueError, match="zero on the diagonal"):
        spectral.classical_mds(X @ X.T, 2)
