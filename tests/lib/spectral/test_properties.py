"""What holds for every graph and every cloud of points: orders, rotations, scales and bounds."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from replearn import spectral
from strategies import batches, graphs, orders, rotation, seeds

EMBEDDINGS = {
    "laplacian_eigenmaps": spectral.laplacian_eigenmaps,
    "laplacian_eigenmaps, rw": lambda G, dim: spectral.laplacian_eigenmaps(G, dim, kind="rw"),
    "vicreg_embedding": lambda G, dim: spectral.vicreg_embedding(G, dim, inv=0.3),
    "contrastive_embedding": spectral.contrastive_embedding,
    "barlow_embedding": spectral.barlow_embedding,
}
LOSSES = {
    "vicreg_embedding": lambda Z, G: spectral.vicreg_graph_loss(Z, spectral.laplacian(G)[0], inv=0.3),
    "contrastive_embedding": spectral.contrastive_graph_loss,
    "barlow_embedding": spectral.barlow_graph_loss,
}


def gram(Z):
    return Z @ Z.T


def euclidean(X):
    """Squared distances (N, N) between the rows, by their differences."""
    return ((X[:, None] - X[None]) ** 2).sum(2)


@pytest.mark.parametrize("name", EMBEDDINGS)
@given(data=st.data(), G=graphs(), dim=st.integers(1, 3))
def test_another_order_of_the_samples_reorders_the_embedding_and_no_more(name, data, G, dim):
    order = data.draw(orders(len(G))).numpy()
    e, moved = EMBEDDINGS[name](G, dim), EMBEDDINGS[name](G[np.ix_(order, order)], dim)
    np.testing.assert_allclose(moved.eigenvalues, e.eigenvalues, atol=1e-8)
    assert moved.loss == pytest.approx(e.loss, abs=1e-8) and moved.rank == e.rank
    assume(e.gap > 1e-4)
    np.testing.assert_allclose(gram(moved.Z), gram(e.Z)[np.ix_(order, order)], atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
@given(G=graphs(), dim=st.integers(1, 3), seed=seeds)
def test_no_other_embedding_costs_less(name, G, dim, seed):
    e, rng = EMBEDDINGS[name](G, dim), np.random.default_rng(seed)
    assert float(LOSSES[name](torch.tensor(e.Z), G)) == pytest.approx(e.loss, abs=1e-8)
    for size in (1e-3, 1e-1, 1.0):
        other = torch.tensor(e.Z + size * rng.standard_normal(e.Z.shape))
        assert float(LOSSES[name](other, G)) >= e.loss - 1e-9


@pytest.mark.parametrize("name", ["vicreg_embedding", "contrastive_embedding"])
@given(G=graphs(), Z=batches(samples=(6, 6), dims=(1, 4)), seed=seeds)
def test_rotations_of_an_embedding_cost_the_same(name, G, Z, seed):
    G = G[:6, :6] + np.eye(6)
    found = LOSSES[name](Z @ rotation(Z.shape[1], seed), G)
    torch.testing.assert_close(found, LOSSES[name](Z, G), rtol=1e-8, atol=1e-8)


@given(G=graphs(), scale=st.floats(0.1, 10))
def test_the_scale_of_a_graph_scales_its_laplacian_and_leaves_what_is_normalized(G, scale):
    near, far = (spectral.laplacian_eigenmaps(c * G, 2) for c in (1, scale))
    np.testing.assert_allclose(far.eigenvalues, scale * near.eigenvalues, rtol=1e-7)
    for kind in ("sym", "rw"):
        near, far = (spectral.laplacian(c * G, kind=kind)[0] for c in (1, scale))
        np.testing.assert_allclose(far.toarray(), near.toarray(), atol=1e-12)
    np.testing.assert_allclose(
        spectral.barlow_embedding(scale * G, 2).eigenvalues, spectral.barlow_embedding(G, 2).eigenvalues, atol=1e-9
    )


@given(G=graphs())
def test_laplacians_have_one_zero_for_each_connected_part_and_no_negative_eigenvalue(G):
    apart = np.kron(np.eye(2), G)
    for kind, most in (("unnormalized", 2 * G.sum(0).max()), ("sym", 2.0)):
        w = np.linalg.eigvalsh(spectral.laplacian(apart, kind=kind)[0].toarray())
        assert (np.abs(w) < 1e-9).sum() == 2 and w[0] > -1e-9 and w[-1] <= most + 1e-9


@given(X=batches(samples=(5, 9), dims=(1, 3)), seed=seeds)
def test_classical_scaling_gives_back_all_distances_wherever_the_points_lie(X, seed):
    moved = (X @ rotation(X.shape[1], seed) + 5).numpy()
    e = spectral.classical_mds(euclidean(moved), X.shape[1])
    np.testing.assert_allclose(euclidean(e.Z), euclidean(X.numpy()), rtol=1e-6, atol=1e-8)
    assert e.loss == pytest.approx(0, abs=1e-6 * (1 + e.eigenvalues[0] ** 2))


@given(pair=batches(count=2, samples=(5, 9), dims=(1, 4)), seed=seeds)
def test_angles_belong_to_subspaces_and_not_to_their_bases(pair, seed):
    A, B = (z.numpy() for z in pair)
    rng = np.random.default_rng(seed)
    mix = np.tril(rng.uniform(-1, 1, (A.shape[1],) * 2), -1) + np.diag(rng.uniform(0.5, 2, A.shape[1]))
    angles = spectral.principal_angles(A, B)
    np.testing.assert_allclose(spectral.principal_angles(B, A @ mix), angles, atol=1e-5)
    assert (np.diff(angles) >= 0).all() and angles[0] >= 0 and angles[-1] <= 90
    overlap = spectral.subspace_overlap(A, B)
    assert overlap == pytest.approx(np.mean(np.cos(np.radians(angles)) ** 2), abs=1e-8)


@given(pair=batches(count=2, samples=(4, 9), dims=(1, 4)), seed=seeds, scale=st.booleans())
def test_procrustes_sees_no_rotation_of_the_embedding_and_finds_no_worse_than_any(pair, seed, scale):
    Z, ref = (z.numpy() for z in pair)
    turn = rotation(Z.shape[1], seed).numpy()
    found = spectral.procrustes(Z, ref, scale=scale)
    np.testing.assert_allclose(found.rotation @ found.rotation.T, np.eye(Z.shape[1]), atol=1e-9)
    assert spectral.procrustes(Z @ turn, ref, scale=scale).residual == pytest.approx(found.residual, abs=1e-8)
    assert found.residual <= np.linalg.norm(Z @ turn - ref) / np.linalg.norm(ref) + 1e-9
    assert not scale or found.residual <= 1 + 1e-9


@given(X=batches(samples=(9, 12), dims=(1, 3)), seed=seeds)
def test_linear_vicreg_sees_no_invertible_map_and_no_shift_of_its_inputs(X, seed):
    X, rng = X.numpy(), np.random.default_rng(seed)
    mix = np.tril(rng.uniform(-1, 1, (X.shape[1],) * 2), -1) + np.diag(rng.uniform(0.5, 2, X.shape[1]))
    G = spectral.knn_graph(X, 3)
    plain, mapped = (spectral.linear_ssl(x, G, X.shape[1], inv=0.1) for x in (X, X @ mix + 4))
    np.testing.assert_allclose(mapped.eigenvalues, plain.eigenvalues, atol=1e-7)
    np.testing.assert_allclose(gram(mapped.transform(X @ mix + 4)), gram(plain.transform(X)), atol=1e-6)
