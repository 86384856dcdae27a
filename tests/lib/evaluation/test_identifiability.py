"""Measures of recovery and agreement against scikit-learn, brute force and counts known by hand."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.neighbors import NearestNeighbors

from replearn.evaluation import (
    affine_rank,
    cross_r2,
    linear_cka,
    linear_r2,
    mean_correlation,
    mutual_knn,
)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("fit", [0.5, 0.8])
def test_linear_r2_is_scikit_learns_on_held_out_samples(fit):
    h, split = normal(100, 4) + 3, round(100 * fit)
    z = h @ normal(4, 3, seed=1) + 0.5 * normal(100, 3, seed=2)
    model = LinearRegression().fit(h[:split], z[:split])
    expected = r2_score(z[split:], model.predict(h[split:]))
    assert linear_r2(h, z, fit=fit) == pytest.approx(expected, abs=1e-8)


def test_weighted_linear_r2_is_scikit_learns_and_does_not_change_when_the_target_is_rotated():
    h = normal(100, 4) + 3
    z = (h @ normal(4, 3, seed=1) + normal(100, 3, seed=2)) * [1, 0.1, 5]
    model = LinearRegression().fit(h[:50], z[:50])
    expected = r2_score(z[50:], model.predict(h[50:]), multioutput="variance_weighted")
    rotation, _ = np.linalg.qr(normal(3, 3, seed=3))
    assert linear_r2(h, z, weighted=True) == pytest.approx(expected, abs=1e-8)
    assert linear_r2(h, z @ rotation, weighted=True) == pytest.approx(expected, abs=1e-8)
    assert linear_r2(h, z) != pytest.approx(expected, abs=1e-3)


def test_cross_r2_is_the_worse_of_scikit_learns_two_regressions():
    a, noise = normal(100, 2), normal(100, 3, seed=1)
    b = np.hstack([a, noise[:, :1]]) + 4

    def score(x, y):
        return r2_score(y[50:], LinearRegression().fit(x[:50], y[:50]).predict(x[50:]), multioutput="variance_weighted")

    scores = cross_r2([a, b, noise])
    assert scores[0, 1].item() == pytest.approx(min(score(a, b), score(b, a)), abs=1e-8)
    assert scores[1, 2].item() == pytest.approx(min(score(b, noise), score(noise, b)), abs=1e-8)
    np.testing.assert_allclose(scores.diagonal(), 1, atol=1e-8)
    assert (scores == scores.T).all() and scores[0, 1] < score(b, a) - 0.1


def test_linear_r2_of_an_affine_image_is_one_even_with_collinear_features():
    z = normal(60, 3)
    h = z @ normal(3, 3, seed=1) + 7
    assert linear_r2(h, z) == pytest.approx(1, abs=1e-8)
    assert linear_r2(np.hstack([h, h]), z) == pytest.approx(1, abs=1e-8)
    assert linear_r2(h, z[:, 0]) == pytest.approx(1, abs=1e-8)


def test_linear_r2_of_noise_is_not_rewarded_for_its_width():
    assert linear_r2(normal(200, 60), normal(200, 2, seed=1)) < 0


def test_mcc_is_the_best_of_all_matchings():
    a = normal(50, 4)
    b = a[:, [2, 0, 3, 1]] + 0.8 * normal(50, 4, seed=1)
    c = np.abs(np.corrcoef(a.T, b.T)[:4, 4:])
    best = max(np.mean([c[i, p[i]] for i in range(4)]) for p in itertools.permutations(range(4)))
    assert mean_correlation(a, b) == pytest.approx(best, abs=1e-12)


def test_mcc_ignores_order_sign_scale_and_shift_only():
    a = normal(200, 3)
    assert mean_correlation(a[:, [1, 2, 0]] * [-2, 5, 1e-3] + 4, a) == pytest.approx(1, abs=1e-12)
    rotation, _ = np.linalg.qr(normal(3, 3, seed=1))
    assert mean_correlation(a @ rotation, a) < 0.95


@pytest.mark.parametrize("rank", [0, 1, 2, 4])
def test_affine_rank_of_points_in_a_flat(rank):
    points = normal(9, rank) @ normal(rank, 4, seed=1) + 10 * normal(4, seed=2)
    assert affine_rank(points) == rank
    assert affine_rank(torch.tensor(points)) == rank


def test_affine_rank_counts_differences():
    assert affine_rank(np.eye(3)) == 2
    assert affine_rank(np.ones((1, 5))) == 0


@pytest.mark.parametrize("k", [1, 5])
def test_mutual_knn_is_that_of_scikit_learns_neighbours(k, monkeypatch):
    monkeypatch.setattr("replearn.evaluation.identifiability._ENTRIES", 200)
    a, b = normal(40, 5), normal(40, 5) + 0.5 * normal(40, 5, seed=1)
    finder = NearestNeighbors(n_neighbors=k, metric="cosine")
    near_a, near_b = (finder.fit(m).kneighbors(return_distance=False) for m in (a, b))
    expected = np.mean([len(set(u) & set(v)) / k for u, v in zip(near_a, near_b, strict=True)])
    assert mutual_knn(a, b, k=k) == pytest.approx(expected, abs=1e-12)
    assert mutual_knn(a, b[:, :2], k=k) < expected


def test_mutual_knn_sees_directions_and_no_rotation():
    a = normal(60, 4)
    rotation, _ = np.linalg.qr(normal(4, 4, seed=1))
    assert mutual_knn(a, 3 * a @ rotation, k=10) == 1
    assert mutual_knn(a, normal(60, 4, seed=2), k=10) < 0.4


@pytest.mark.parametrize("shapes", [((30, 4), (30, 6)), ((8, 40), (8, 25)), ((8, 40), (8, 3))])
def test_linear_cka_is_the_alignment_of_centred_grams(shapes):
    a, b = normal(*shapes[0]) + 2, normal(*shapes[1], seed=1)
    H = np.eye(len(a)) - 1 / len(a)
    K, L = H @ a @ a.T @ H, H @ b @ b.T @ H
    expected = np.sum(K * L) / np.sqrt(np.sum(K * K) * np.sum(L * L))
    assert linear_cka(a, b) == pytest.approx(expected, abs=1e-10)
    assert linear_cka(b, a) == pytest.approx(expected, abs=1e-10)


def test_linear_cka_ignores_rotation_and_scale():
    a = normal(30, 4)
    rotation, _ = np.linalg.qr(normal(4, 4, seed=1))
    assert linear_cka(a, 5 * a @ rotation + 3) == pytest.approx(1, abs=1e-12)
    assert linear_cka(a, a @ normal(4, 4, seed=2)) < 0.99


A = normal(20, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: linear_r2(A[:7], A[:7]), "at least 8 samples"),
        (lambda: linear_r2(A, A[:9]), "must have shape"),
        (lambda: linear_r2(A, A, fit=1.0), "fit"),
        (lambda: linear_r2(A, np.ones(20)), "constant"),
        (lambda: linear_r2(A * np.nan, A), "NaN"),
        (lambda: mean_correlation(A, A[:, :2]), "b must have shape"),
        (lambda: mean_correlation(A, np.ones((20, 3))), "constant column"),
        (lambda: affine_rank(np.ones(3)), "must have shape"),
        (lambda: affine_rank(A * np.inf), "infinite"),
        (lambda: mutual_knn(A, A, k=20), "k must be below .* 20"),
        (lambda: mutual_knn(A, A[:9]), "must have shape"),
        (lambda: mutual_knn(A, np.zeros((20, 3)), k=2), "b has a zero vector"),
        (lambda: linear_cka(A, A[:9]), "must have shape"),
        (lambda: linear_cka(A, np.ones((20, 2))), "constant"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
