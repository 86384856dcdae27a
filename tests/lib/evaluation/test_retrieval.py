"""Retrieval against scikit-learn's neighbours and a brute force."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from replearn.evaluation import blocks, recall_at_k, retrieve
from sampling import normal

Z, Q, Y = normal(120, 8), normal(30, 8, seed=1), np.random.default_rng(2).integers(0, 6, 120)


@pytest.mark.parametrize("k", [1, 7, 120])
def test_neighbours_are_scikit_learns(k):
    expected = NearestNeighbors(metric="cosine").fit(Z).kneighbors(Q, k, return_distance=False)
    np.testing.assert_array_equal(retrieve(Z, torch.tensor(Q), k), expected)


@pytest.mark.parametrize("k", [1, 3, 119])
def test_recall_is_that_of_the_brute_force(k):
    unit = Z / np.linalg.norm(Z, axis=1, keepdims=True)
    hits = 0
    for i in range(len(Z)):
        others = [j for j in np.argsort(-unit @ unit[i]) if j != i]
        hits += Y[i] in Y[others[:k]]
    assert recall_at_k(Z, Y, k) == pytest.approx(hits / len(Z), abs=1e-12)


def test_a_copy_of_the_sample_is_found_but_not_the_sample_itself():
    z = np.concatenate([Z, 3 * Z])
    assert recall_at_k(z, np.arange(240) % 120, 1) == 1
    assert (retrieve(Z, Z, 1)[:, 0] == torch.arange(120)).all()


def test_a_sample_does_not_find_itself_where_all_others_point_away():
    simplex = np.eye(4) - 1 / 4
    z = simplex + 0.1 * simplex[[1, 0, 3, 2]]
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    assert (unit @ unit.T)[~np.eye(4, dtype=bool)].max() < 0
    assert recall_at_k(z, np.array([0, 1, 0, 1]), 1) == 0


def test_chunks_do_not_change_the_result(monkeypatch):
    neighbours, recall = retrieve(Z, Q, 5), recall_at_k(Z, Y, 2)
    monkeypatch.setattr(blocks, "BLOCK", 120 * 7)
    assert torch.equal(retrieve(Z, Q, 5), neighbours) and recall_at_k(Z, Y, 2) == recall


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: retrieve(Z, Q[:, :3], 1), "must have shape"),
        (lambda: retrieve(Z, Q, 121), "k must be"),
        (lambda: retrieve(Z, Q, 0), "k must be"),
        (lambda: retrieve(Z, 0 * Q, 1), "queries has a zero vector"),
        (lambda: retrieve(Z * np.nan, Q, 1), "NaN"),
        (lambda: recall_at_k(Z, Y[:5], 1), "must have shape"),
        (lambda: recall_at_k(Z, Y, 120), "k must be"),
        (lambda: recall_at_k(Z, np.arange(120), 1), "single sample"),
        (lambda: recall_at_k(0 * Z, Y, 1), "zero vector"),
        (lambda: recall_at_k(Z[0], Y, 1), "must have shape"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
