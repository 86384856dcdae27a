import numpy as np
import pytest
import torch
from sklearn.datasets import make_swiss_roll
from sklearn.manifold import Isomap, spectral_embedding

from replearn import spectral
from replearn.papers import spectral_embedding as paper
from sampling import normal

N = 60
KNN = spectral.knn_graph(make_swiss_roll(N, random_state=0)[0], 8)
HEAT = spectral.knn_graph(normal(N, 3), 8, weight="heat")
ring = np.arange(N)
CIRCULANT = spectral.pairs_graph(np.tile(ring, 3), np.concatenate([ring + 1, ring + 2, ring + 5]) % N, N)
VIEWS = spectral.augmentation_graph(np.repeat(np.arange(20), 4))


def dense(G):
    return torch.tensor(G.toarray())


@pytest.mark.parametrize("G", [KNN, HEAT, CIRCULANT])
@pytest.mark.parametrize("threshold", [0.3, 0.8, 1.3])
def test_vicreg_is_the_minimum_that_descent_finds(G, threshold):
    L = spectral.laplacian(G)[0]
    inv = threshold / spectral.eigenpairs(L, 4, deflate=np.ones(N))[0][-1]
    e = spectral.vicreg_embedding(G, 4, inv=2 * inv, reg=2.0)
    Z, losses = spectral.minimize_embedding(
        lambda Z: spectral.vicreg_graph_loss(Z, dense(L), inv=2 * inv, reg=2.0), N, 4
    )
    np.testing.assert_allclose(losses[-1], e.loss, rtol=1e-6)
    np.testing.assert_allclose(spectral.vicreg_graph_loss(torch.tensor(e.Z), L, inv=2 * inv, reg=2.0), e.loss)
    assert e.rank == np.linalg.matrix_rank(e.Z) == np.sum(e.eigenvalues < 1 / inv)
    if e.gap > 1e-3 and threshold < 1:
        centred = Z - Z.mean(axis=0)
        assert spectral.principal_angles(centred, e.Z).max() < 0.05
        assert spectral.procrustes(centred, e.Z)[2] < 1e-3


@pytest.mark.parametrize("S", [KNN.toarray(), VIEWS, paper.row_stochastic_graph(np.eye(9), 1.0)])
@pytest.mark.parametrize("dim", [2, 8])
def test_contrastive_is_the_minimum_that_descent_finds(S, dim):
    e = spectral.contrastive_embedding(S, dim)
    tensor = torch.tensor(np.asarray(S.todense() if hasattr(S, "todense") else S))
    losses = spectral.minimize_embedding(lambda Z: spectral.contrastive_graph_loss(Z, tensor), len(tensor), dim).losses
    np.testing.assert_allclose(losses[-1], e.loss, rtol=1e-6)
    np.testing.assert_allclose(spectral.contrastive_graph_loss(torch.tensor(e.Z), S), e.loss, rtol=1e-9)


@pytest.mark.parametrize(
    ("G", "dim"), [(KNN, 1), (KNN, 4), (HEAT, 8), (HEAT, 30), (CIRCULANT, 12), (VIEWS, 10), (VIEWS, 32)]
)
def test_barlow_is_the_minimum_that_descent_finds(G, dim):
    e = spectral.barlow_embedding(G, dim)
    Z, losses = spectral.minimize_embedding(lambda Z: spectral.barlow_graph_loss(Z, dense(G)), G.shape[0], dim)
    np.testing.assert_allclose(losses[-1], e.loss, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(spectral.barlow_graph_loss(torch.tensor(e.Z), G), e.loss, rtol=1e-9, atol=1e-12)
    assert e.rank == np.linalg.matrix_rank(e.Z)
    if e.rank == dim and e.gap > 1e-3:
        assert spectral.principal_angles(Z - Z.mean(axis=0), e.Z - e.Z.mean(axis=0)).max() < 0.1


def test_barlow_drops_directions_that_the_views_share_too_little():
    e = spectral.barlow_embedding(spectral.knn_graph(np.random.default_rng(0).standard_normal((12, 3)), 3), 5)
    positive = e.eigenvalues[e.eigenvalues > 0]
    t = e.strengths[: len(positive)] ** 2
    assert t.sum() == pytest.approx(5)
    nu = positive - t * positive**2
    np.testing.assert_allclose(nu[t > 0], nu[0])
    assert np.all(positive[t == 0] <= nu[0])


@pytest.mark.parametrize("self_loops", [False, True])
def test_barlow_with_columns_to_spare_costs_one_for_each_beyond_the_positive_eigenvalues(self_loops):
    blocks = 3 * np.eye(5) + np.random.default_rng(0).uniform(size=(5, 5))
    G = np.kron(blocks + blocks.T, np.ones((3, 3)))
    G = G if self_loops else G - np.diag(np.diag(G))
    e = spectral.barlow_embedding(G, 12)
    positive = e.eigenvalues[e.eigenvalues > 1e-9]
    assert len(positive) == e.rank == np.linalg.matrix_rank(e.Z) == 4
    assert 4 < np.sum(1 / positive) < 12 and np.sum(1 / positive) % 1 > 0.01
    found = spectral.minimize_embedding(lambda Z: spectral.barlow_graph_loss(Z, torch.tensor(G)), 15, 12)
    assert e.loss == pytest.approx(12 - 4) and found.losses[-1] == pytest.approx(e.loss)
    assert float(spectral.barlow_graph_loss(torch.tensor(e.Z), G)) == pytest.approx(e.loss)


def test_barlow_that_does_not_centre_begins_with_the_constant():
    e = spectral.barlow_embedding(HEAT, 3, center=False)
    np.testing.assert_allclose(e.eigenvalues, [1, *spectral.barlow_embedding(HEAT, 2).eigenvalues])
    assert float(spectral.barlow_graph_loss(torch.tensor(e.Z), HEAT, center=False)) == pytest.approx(e.loss)


def test_ranks_follow_the_graph():
    assert spectral.vicreg_embedding(VIEWS, 32, inv=0.9 / 4).rank == 32
    assert spectral.vicreg_embedding(VIEWS, 32, inv=1.1 / 4).rank == 19
    assert spectral.vicreg_embedding(VIEWS, 32, inv=0.0).rank == 32
    assert spectral.contrastive_embedding(VIEWS, 32).rank == 20
    barlow = spectral.barlow_embedding(VIEWS, 32)
    assert barlow.rank == 19 and barlow.loss == pytest.approx(13)
    assert spectral.vicreg_embedding(VIEWS, 32, inv=0.9 / 4).gap == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("G", [KNN, HEAT])
def test_eigenmaps_span_what_scikit_learn_finds(G):
    for kind, normed in (("unnormalized", False), ("rw", True)):
        e = spectral.laplacian_eigenmaps(G, 4, kind=kind)
        reference = spectral_embedding(G, n_components=4, norm_laplacian=normed, eigen_solver="arpack", random_state=0)
        assert spectral.principal_angles(e.Z, reference).max() < 1e-4


def test_eigenmaps_meet_their_constraints():
    L, degrees = spectral.laplacian(HEAT)
    e = spectral.laplacian_eigenmaps(HEAT, 3)
    np.testing.assert_allclose(e.Z.T @ e.Z, N * np.eye(3), atol=1e-8)
    np.testing.assert_allclose(np.trace(e.Z.T @ (L @ e.Z)) / N, e.loss)
    rw = spectral.laplacian_eigenmaps(HEAT, 3, kind="rw").Z
    np.testing.assert_allclose(rw.T @ (degrees[:, None] * rw), degrees.sum() * np.eye(3), atol=1e-8)
    sym = spectral.laplacian_eigenmaps(HEAT, 3, kind="sym").Z
    np.testing.assert_allclose(sym.T @ sym, N * np.eye(3), atol=1e-8)
    with_constant = spectral.laplacian_eigenmaps(HEAT, 3, drop_constant=False)
    np.testing.assert_allclose(with_constant.eigenvalues, [0, *e.eigenvalues[:2]], atol=1e-10)
    kinds = [spectral.laplacian_eigenmaps(CIRCULANT, 4, kind=kind).Z for kind in ("unnormalized", "sym", "rw")]
    assert max(spectral.principal_angles(kinds[0], Z).max() for Z in kinds) < 1e-6


def test_classical_scaling_of_geodesics_is_isomap():
    X = normal(N, 3, seed=1)
    Z = spectral.classical_mds(spectral.geodesic_distances(X, 8) ** 2, 2).Z
    assert spectral.procrustes(Z, Isomap(n_neighbors=8).fit_transform(X))[2] < 1e-6


def test_the_gap_says_whether_the_subspace_is_unique():
    e = spectral.laplacian_eigenmaps(HEAT, 4)
    w = np.linalg.eigvalsh(spectral.laplacian(HEAT)[0].toarray())
    assert e.gap == pytest.approx(w[5] - w[4])
    assert spectral.laplacian_eigenmaps(HEAT, N - 1).gap == np.inf


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: spectral.vicreg_embedding(KNN, 0), "dim must be"),
        (lambda: spectral.vicreg_embedding(KNN, N), "dim must be"),
        (lambda: spectral.vicreg_embedding(KNN, 2, inv=-1.0), "inv must be"),
        (lambda: spectral.vicreg_embedding(KNN, 2, reg=0.0), "reg must be"),
        (lambda: spectral.vicreg_embedding(-KNN, 2), "no positive pair"),
        (lambda: spectral.contrastive_embedding(np.triu(np.ones((4, 4))), 2), "symmetric"),
        (lambda: spectral.contrastive_embedding(np.full((4, 4), np.nan), 2), "NaN"),
        (lambda: spectral.barlow_embedding(np.diag([0, 1, 1.0]), 1), "isolated"),
        (lambda: spectral.laplacian_eigenmaps(KNN, 2, kind="cosine"), "kind must be"),
        (lambda: spectral.laplacian_eigenmaps(np.ones((3, 2)), 2), "square"),
    ],
)
def test_bad_input_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
