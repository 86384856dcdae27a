import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.neighbors import NearestNeighbors

from replearn import spectral
from sampling import normal

X = normal(60, 3)
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
    ],
)
def test_bad_input_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
