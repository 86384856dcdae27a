"""HSIC and dHSIC against loops over samples, and their permutation test against its level."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist

from replearn.evaluation import dhsic, dhsic_null, gram_gaussian, hsic, hsic_from_grams, linear_cka, pairwise_nhsic
from replearn.papers.pairwise_independence import xor_triple
from sampling import normal


def samples(n=7, d=3, seed=0):
    return normal(n, d, seed=seed)


def brute_gram(x, bandwidth):
    return np.array([[math.exp(-np.sum((a - b) ** 2) / (2 * bandwidth**2)) for b in x] for a in x])


def grams(n=6, d=3, seed=0):
    return [gram_gaussian(column).numpy() for column in samples(n, d, seed).T]


def loop_hsic(K, L):
    """The V-statistic of Gretton et al., sums over two, three and four samples."""
    n = range(len(K))
    pairs = sum(K[i, j] * L[i, j] for i, j in itertools.product(n, n))
    triples = sum(K[i, j] * L[i, q] for i, j, q in itertools.product(n, n, n))
    apart = sum(K[i, j] * L[q, r] for i, j, q, r in itertools.product(n, n, n, n))
    return pairs / len(n) ** 2 - 2 * triples / len(n) ** 3 + apart / len(n) ** 4


def test_gram_is_the_double_loop():
    x = samples()
    np.testing.assert_allclose(gram_gaussian(x, bandwidth=0.7).numpy(), brute_gram(x, 0.7), atol=1e-14)
    torch.testing.assert_close(gram_gaussian(x[:, 0]), gram_gaussian(x[:, :1]))


def test_gram_of_many_far_points_keeps_its_diagonal():
    assert (gram_gaussian(1e6 + samples(60, 4), bandwidth=1e-3).diagonal() == 1).all()


def test_median_bandwidth_is_the_median_distance():
    x = samples(8)
    whole, first = (brute_gram(part, np.median(pdist(part))) for part in (x, x[:, :1]))
    np.testing.assert_allclose(gram_gaussian(x, bandwidth="median"), whole, atol=1e-14)
    assert hsic(x, x[:, 0]) == pytest.approx(loop_hsic(whole, first), abs=1e-14)


def test_hsic_is_the_sum_over_quadruples():
    K, L, _ = grams()
    assert hsic_from_grams(K, L) == pytest.approx(loop_hsic(K, L), abs=1e-14)


def test_hsic_is_the_norm_of_the_cross_covariance_of_features():
    x, y = samples(20, 3), samples(20, 2, seed=1)
    cross = np.linalg.norm(np.cov(x.T, y.T, ddof=0)[:3, 3:]) ** 2
    assert hsic_from_grams(x @ x.T, y @ y.T) == pytest.approx(cross, abs=1e-12)


def test_nhsic_is_hsic_over_the_geometric_mean():
    x = samples(8, 3)
    K = [brute_gram(column[:, None], 0.8) for column in x.T]
    expected = [[loop_hsic(a, b) / math.sqrt(loop_hsic(a, a) * loop_hsic(b, b)) for b in K] for a in K]
    np.testing.assert_allclose(pairwise_nhsic(x, bandwidth=0.8).numpy(), expected, atol=1e-12)


def test_wide_bandwidth_nhsic_is_the_squared_correlation():
    x = samples(50, 3) @ samples(3, 3, seed=1)
    np.testing.assert_allclose(pairwise_nhsic(x, bandwidth=1e3).numpy(), np.corrcoef(x.T) ** 2, atol=1e-4)
    assert pairwise_nhsic(x, bandwidth=1e3)[0, 1].item() == pytest.approx(linear_cka(x[:, :1], x[:, 1:2]), abs=1e-4)


def test_dhsic_of_two_is_hsic():
    K, L, _ = grams(30)
    assert dhsic([K, L]) == pytest.approx(hsic_from_grams(K, L), abs=1e-12)


def test_dhsic_of_three_is_the_sum_over_tuples():
    K = grams(4)
    n = range(4)
    together = np.mean([math.prod(k[a, b] for k in K) for a, b in itertools.product(n, n)])
    apart = math.prod(k.mean() for k in K)
    mixed = np.mean(
        [math.prod(k[a, b] for k, b in zip(K, bs, strict=True)) for a, *bs in itertools.product(n, repeat=4)]
    )
    assert dhsic(K) == pytest.approx(together + apart - 2 * mixed, abs=1e-14)


def test_pairs_of_an_exclusive_or_look_independent_and_the_triple_does_not():
    K = [gram_gaussian(column) for column in xor_triple(300).T]
    for i, j in itertools.combinations(range(3), 2):
        assert hsic_from_grams(K[i], K[j]) < dhsic_null([K[i], K[j]]).max()
    assert dhsic(K) > 20 * dhsic_null(K).quantile(0.95)


def test_the_permutation_test_rejects_independent_pairs_at_its_level():
    rejected = 0
    for seed in range(200):
        K, L = grams(16, 2, seed)
        rejected += hsic_from_grams(K, L) > dhsic_null([K, L], permutations=40, seed=seed).quantile(0.8)
    assert 0.12 < rejected / 200 < 0.3


def test_the_null_is_that_of_shuffled_samples():
    x = samples(10, 2)
    order = torch.randperm(10, generator=torch.Generator().manual_seed(5)).numpy()
    expected = loop_hsic(brute_gram(x[:, :1], 1), brute_gram(x[order, 1:], 1))
    K = [gram_gaussian(column) for column in x.T]
    assert dhsic_null(K, permutations=1, seed=5).item() == pytest.approx(expected, abs=1e-12)


K4 = np.eye(4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gram_gaussian(np.ones((3, 2))), "N >= 4"),
        (lambda: gram_gaussian(np.ones((4, 2, 2))), "must have shape"),
        (lambda: gram_gaussian(samples(), bandwidth=0), "bandwidth must be positive"),
        (lambda: gram_gaussian(samples(), bandwidth="mean"), "'median'"),
        (lambda: gram_gaussian(np.ones(5), bandwidth="median"), "median distance is 0"),
        (lambda: gram_gaussian(samples() * np.nan), "NaN"),
        (lambda: hsic_from_grams(K4, np.eye(5)), "must have shape"),
        (lambda: hsic_from_grams(np.ones((4, 5)), K4), "must have shape"),
        (lambda: hsic_from_grams(np.eye(3), np.eye(3)), "N >= 4"),
        (lambda: hsic(samples(5), samples(6)), "must have shape"),
        (lambda: pairwise_nhsic(np.hstack([samples(), np.ones((7, 1))])), "constant column"),
        (lambda: pairwise_nhsic(samples(), bandwidth=-1), "bandwidth must be positive"),
        (lambda: dhsic([K4]), "V >= 2"),
        (lambda: dhsic([K4, K4, np.full((4, 4), np.inf)]), "infinite"),
        (lambda: dhsic_null([K4, K4], permutations=0), "permutations"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
