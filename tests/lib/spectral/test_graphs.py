import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.optimize import minimize
from scipy.sparse import csgraph
from sklearn.manifold import Isomap
from sklearn.neighbors import NearestNeighbors

from replearn import spectral
from replearn.papers.spectral_embedding import row_stochastic_graph

rng = np.random.default_rng(0)
X = rng.standard_normal((60, 3))
labels = np.array([0, 0, 0, 2, 2, 5, -1, -1])


def brute_label_graph(labels, normalize, self_loops):
    g = np.array([[float(a == b and a != -1) for b in labels] for a in labels])
    if normalize == "class":
        g = g / g.sum(axis=1, keepdims=True).clip(1)
    return g if self_loops else g * (1 - np.eye(len(labels)))


@pytest.mark.parametrize("normalize", ["none", "class"])
@pytest.mark.parametrize("self_loops", [False, True])
@pytest.mark.parametrize("as_operator", [False, True])
def test_label_graph_matches_the_double_loop(normalize, self_loops, as_operator):
    g = spectral.label_graph(labels, normalize=normalize, self_loops=self_loops, as_operator=as_operator)
    expected = brute_label_graph(labels, normalize, self_loops)
    np.testing.assert_allclose(g @ np.eye(8), expected)
    np.testing.assert_allclose(g @ np.arange(8.0), expected @ np.arange(8.0))
    if not as_operator:
        assert isinstance(g, sparse.csr_array) and g.dtype == np.float64 and g.nnz == np.count_nonzero(expected)


def test_label_operator_stays_small_where_the_graph_would_not_fit():
    n = 200_000
    g = spectral.label_graph(np.arange(n) % 2, normalize="class", self_loops=True, as_operator=True)
    np.testing.assert_allclose(g @ np.arange(n), np.where(np.arange(n) % 2, n / 2, n / 2 - 1))


def test_augmentation_graph_has_the_spectrum_of_cliques():
    g = spectral.augmentation_graph(torch.arange(5).repeat(4))
    eigenvalues = np.linalg.eigvalsh(spectral.laplacian(g)[0].toarray())
    np.testing.assert_allclose(eigenvalues, [0] * 5 + [4] * 15, atol=1e-12)
    assert not g.diagonal().any()
    np.testing.assert_array_equal(spectral.augmentation_graph([7, 7, 3], self_loops=True).diagonal(), 1)


@pytest.mark.parametrize("symmetrize", ["union", "mutual", "mean"])
@pytest.mark.parametrize("weight", ["connectivity", "heat"])
def test_knn_graph_matches_brute_force(symmetrize, weight):
    distance = np.linalg.norm(X[:, None] - X[None], axis=2)
    order = np.argsort(distance + np.diag(np.full(60, np.inf)), axis=1)[:, :5]
    directed = np.zeros((60, 60))
    for i, neighbours in enumerate(order):
        directed[i, neighbours] = np.exp(-(distance[i, neighbours] ** 2) / (2 * 0.7**2)) if weight == "heat" else 1
    combine = {"union": np.maximum, "mutual": np.minimum, "mean": lambda a, b: (a + b) / 2}
    g = spectral.knn_graph(X, 5, weight=weight, bandwidth=0.7, symmetrize=symmetrize)
    np.testing.assert_allclose(g.toarray(), combine[symmetrize](directed, directed.T), atol=1e-12)


def test_heat_bandwidth_defaults_to_the_median_neighbour_distance():
    d = NearestNeighbors(n_neighbors=5).fit(X).kneighbors()[0]
    same = spectral.knn_graph(X, 5, weight="heat") - spectral.knn_graph(X, 5, weight="heat", bandwidth=np.median(d))
    assert abs(same).max() < 1e-12


def test_pairs_graph_adds_repeated_pairs():
    g = spectral.pairs_graph([0, 2, 1], [1, 0, 0], 4, [1.0, 0.5, 2.0]).toarray()
    expected = np.zeros((4, 4))
    expected[0, 1] = expected[1, 0] = 3
    expected[0, 2] = expected[2, 0] = 0.5
    np.testing.assert_array_equal(g, expected)


SPARSE, CROWDED = spectral.knn_graph(X, 3, weight="heat"), spectral.augmentation_graph([0] * 9 + [1])


@pytest.mark.parametrize("fraction", [0, 0.3, 1])
@pytest.mark.parametrize("g", [SPARSE, CROWDED], ids=["sparse", "crowded"])
def test_rewiring_keeps_the_weights_and_the_rest_of_the_edges(g, fraction):
    rewired = spectral.rewire_graph(g, fraction, seed=1)
    assert (rewired != rewired.T).nnz == 0 and not rewired.diagonal().any()
    np.testing.assert_array_equal(np.sort(rewired.data), np.sort(g.data))
    moved = np.count_nonzero((rewired != g).toarray() & (g > 0).toarray()) / g.nnz
    assert moved <= fraction + 1 / g.nnz
    assert (spectral.rewire_graph(g, fraction, seed=1) != rewired).nnz == 0


def test_rewiring_moves_the_stated_fraction_uniformly():
    rewired = spectral.rewire_graph(SPARSE, 0.5, seed=1)
    kept = sparse.csr_array(rewired.multiply(SPARSE > 0)).nnz / SPARSE.nnz
    assert 0.5 <= kept < 0.6
    new = np.mean([(spectral.rewire_graph(CROWDED, 1, seed=s) > 0).toarray() for s in range(300)], axis=0)
    np.testing.assert_allclose(new[~np.eye(10, dtype=bool)], 36 / 45, atol=0.1)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: spectral.augmentation_graph(np.zeros((3, 2))), "one dimension"),
        (lambda: spectral.augmentation_graph([0, 1, 2]), "no positive pair"),
        (lambda: spectral.label_graph([-1, -1, 0]), "no positive pair"),
        (lambda: spectral.label_graph([1, 1], normalize="rows"), "normalize must be one of"),
        (lambda: spectral.knn_graph(X, 60), "between 1 and 59"),
        (lambda: spectral.knn_graph(X * np.nan, 2), "NaN"),
        (lambda: spectral.knn_graph(X, 2, weight="heat", bandwidth=0.0), "bandwidth must be positive"),
        (lambda: spectral.knn_graph(X, 2, symmetrize="both"), "symmetrize must be one of"),
        (lambda: spectral.pairs_graph([0], [0], 2), "two different samples"),
        (lambda: spectral.pairs_graph([0], [2], 2), "between 0 and 1"),
        (lambda: spectral.pairs_graph([0], [1], 2, [-1.0]), "non-negative"),
        (lambda: spectral.pairs_graph([0, 1], [1], 2), "one shape"),
        (lambda: spectral.pairs_graph([0], [1], 2, [0.0]), "no positive pair"),
        (lambda: spectral.rewire_graph(np.ones((3, 3)) - np.eye(3), 1.5, seed=0), "between 0 and 1"),
        (lambda: spectral.rewire_graph(np.ones((3, 3)), 0.5, seed=0), "zero diagonal"),
        (lambda: spectral.laplacian(np.triu(np.ones((3, 3)))), "symmetric"),
        (lambda: spectral.laplacian(-np.ones((3, 3))), "no positive pair"),
        (lambda: spectral.laplacian(np.array([[0, 1, -1], [1, 0, 0], [-1, 0, 0]])), "non-negative"),
        (lambda: spectral.laplacian(np.diag([0, 1, 1.0]), kind="rw"), "isolated"),
        (lambda: spectral.laplacian(np.ones((3, 2))), "square"),
        (lambda: spectral.laplacian(np.ones((3, 3)), kind="normalised"), "kind must be one of"),
        (lambda: row_stochastic_graph(np.eye(3), 0.0), "temperature must be positive"),
        (lambda: row_stochastic_graph(np.eye(3), 1, regularizer="l1"), "regularizer must be one of"),
        (lambda: row_stochastic_graph(np.ones((3, 2)), 1), "square"),
        (lambda: row_stochastic_graph(np.ones((1, 1)), 1), "two rows"),
        (lambda: spectral.double_center(np.ones((3, 2))), "square"),
        (lambda: spectral.geodesic_distances(np.vstack([X, X + 100]), 4), "falls into 2 parts"),
        (lambda: spectral.geodesic_distances(X, 60), "between 1 and 59"),
    ],
)
def test_bad_input_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


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
    g, Z = spectral.knn_graph(X, 4, weight="heat"), rng.standard_normal((60, 2))
    double_sum = np.sum(g.toarray() * np.sum((Z[:, None] - Z[None]) ** 2, axis=2))
    np.testing.assert_allclose(double_sum, 2 * np.trace(Z.T @ (spectral.laplacian(g)[0] @ Z)))


def test_entropic_graph_is_the_row_softmax():
    S = torch.randn(9, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    masked = (S / 0.3).masked_fill(torch.eye(9, dtype=torch.bool), -torch.inf)
    np.testing.assert_allclose(row_stochastic_graph(S, 0.3), masked.softmax(dim=1).numpy(), atol=1e-14)
    assert np.isfinite(row_stochastic_graph(S, 1e-4)).all()


def test_frobenius_graph_minimises_its_objective_over_the_simplex():
    S = rng.standard_normal((5, 5))
    G = row_stochastic_graph(S, 0.8, regularizer="frobenius")
    for i in range(5):
        others = np.delete(np.arange(5), i)
        best = minimize(
            lambda g, s=S[i, others]: -s @ g + 0.4 * g @ g,
            np.full(4, 0.25),
            bounds=[(0, 1)] * 4,
            constraints={"type": "eq", "fun": lambda g: g.sum() - 1},
            options={"ftol": 1e-14},
        )
        np.testing.assert_allclose(G[i, others], best.x, atol=1e-6)
    np.testing.assert_array_equal(np.diag(G), 0)


def test_without_regularizer_the_graph_is_the_nearest_neighbour():
    S = rng.standard_normal((7, 7))
    G = row_stochastic_graph(S, 1.0, regularizer="none")
    np.testing.assert_array_equal(G.argmax(axis=1), (S - 1e9 * np.eye(7)).argmax(axis=1))
    np.testing.assert_array_equal(np.sort(G, axis=1)[:, -2:], [[0, 1]] * 7)
    np.testing.assert_allclose(row_stochastic_graph(S, 1e-3), G, atol=1e-6)


def test_double_centring_returns_inner_products():
    D2 = np.sum((X[:, None] - X[None]) ** 2, axis=2)
    centred = X - X.mean(axis=0)
    np.testing.assert_allclose(spectral.double_center(D2), centred @ centred.T, atol=1e-12)


def test_geodesics_match_isomap():
    expected = Isomap(n_neighbors=8).fit(X).dist_matrix_
    np.testing.assert_allclose(spectral.geodesic_distances(X, 8), expected)
    directed = NearestNeighbors(n_neighbors=8).fit(X).kneighbors_graph(mode="distance")
    np.testing.assert_allclose(spectral.geodesic_distances(directed.maximum(directed.T)), expected)
