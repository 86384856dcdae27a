"""Clustering scores against formulas from the contingency table and a search over all matchings."""

from itertools import permutations

import numpy as np
import pytest
import torch
from scipy.stats import entropy

from replearn.evaluation import cluster_scores


def table(u, v):
    return np.histogram2d(u, v, bins=[np.arange(u.max() + 2), np.arange(v.max() + 2)])[0]


def noisy(k=5, n=200):
    rng = np.random.default_rng(0)
    v = rng.integers(0, k, n)
    return np.where(rng.random(n) < 0.6, (v + 1) % k, rng.integers(0, k, n)), v


def test_scores_are_those_of_the_contingency_table():
    u, v = noisy()
    counts = table(u, v)
    joint = counts / counts.sum()
    hu, hv = entropy(joint.sum(1)), entropy(joint.sum(0))
    scores = cluster_scores(torch.tensor(u), v)
    assert scores.nmi == pytest.approx(2 * (hu + hv - entropy(joint.ravel())) / (hu + hv), rel=1e-9)
    best = max(sum(counts[i, p[i]] for i in range(5)) for p in permutations(range(5)))
    assert scores.accuracy == pytest.approx(best / len(v), rel=1e-12)
    same_u, same_v = u[:, None] == u, v[:, None] == v
    upper = np.triu_indices(len(u), 1)
    a, b = same_u[upper], same_v[upper]
    chance = a.sum() * b.sum() / len(a)
    assert scores.ari == pytest.approx(((a & b).sum() - chance) / ((a.sum() + b.sum()) / 2 - chance), rel=1e-9)


def test_ami_subtracts_the_mean_over_permutations():
    u, v = noisy(n=60)
    joint = table(u, v) / 60
    hu, hv = entropy(joint.sum(1)), entropy(joint.sum(0))

    def information(u):
        return hu + hv - entropy((table(u, v) / 60).ravel())

    rng = np.random.default_rng(1)
    chance = np.mean([information(rng.permutation(u)) for _ in range(2000)])
    expected = (information(u) - chance) / ((hu + hv) / 2 - chance)
    assert cluster_scores(u, v).ami == pytest.approx(expected, abs=0.01)


def test_names_of_clusters_do_not_matter():
    v = np.random.default_rng(2).integers(0, 4, 100)
    assert cluster_scores(np.array([70, -3, 12, 5])[v], v) == pytest.approx((1, 1, 1, 1))


def test_chance_raises_nmi_but_not_ami_and_accuracy_matches_one_to_one():
    v = np.arange(1000) % 10
    random = cluster_scores(np.random.default_rng(3).integers(0, 1000, 1000), v)
    assert random.nmi > 0.3 and abs(random.ami) < 0.02
    alone = cluster_scores(np.arange(1000), v)
    assert alone.nmi == pytest.approx(0.5, abs=1e-9) and alone.ami == pytest.approx(0, abs=1e-9)
    assert alone.accuracy == pytest.approx(10 / 1000)


@pytest.mark.parametrize(
    ("u", "v", "message"),
    [
        ([0, 1], [0, 1, 2], "assignments"),
        ([0, 1], [[0, 1]], "labels"),
        ([], [], "must have shape"),
        ([0.5, 1.0], [0, 1], "assignments must hold integers"),
        ([0, 1], [0.0, 1.0], "labels must hold integers"),
    ],
)
def test_bad_input_is_refused(u, v, message):
    with pytest.raises((TypeError, ValueError), match=message):
        cluster_scores(u, v)
