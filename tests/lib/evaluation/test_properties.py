"""What holds for every representation: bounds of the scores, and what leaves them as they are."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from replearn import evaluation
from strategies import batches, orders, rotation, seeds

RANKS = {
    "effective_rank": lambda z: evaluation.effective_rank(z, eps=0),
    "effective_rank, centred": lambda z: evaluation.effective_rank(z, eps=0, center=True, squared=True),
    "participation_ratio": evaluation.participation_ratio,
}


@st.composite
def labeled(draw, classes=3):
    """Features of training and test samples, and the training classes, each of them at least once."""
    train, test = draw(batches(count=2, samples=(6, 12), dims=(2, 5)))
    more = draw(st.lists(st.integers(0, classes - 1), min_size=len(train) - classes, max_size=len(train) - classes))
    return train, torch.tensor([*range(classes), *more]), test


@pytest.mark.parametrize("name", RANKS)
@given(data=st.data(), z=batches(samples=(3, 9), dims=(1, 6)), seed=seeds)
def test_ranks_count_directions_whatever_their_names_and_units(name, data, z, seed):
    rank, measure = RANKS[name](z), RANKS[name]
    assert 1 - 1e-9 <= rank <= min(z.shape) + 1e-9
    assert measure(3 * z[data.draw(orders(len(z)))] @ rotation(z.shape[1], seed)) == pytest.approx(rank, rel=1e-7)
    assert measure(torch.cat([z, 0 * z], 1)) == pytest.approx(rank, rel=1e-7)
    assert measure(torch.cat([z, z])) == pytest.approx(rank, rel=1e-7)


@given(data=st.data(), sets=labeled(), seed=seeds, k=st.integers(1, 6), temperature=st.sampled_from([1e-3, 0.07, 1.0]))
def test_knn_sees_directions_alone(data, sets, seed, k, temperature):
    train, y, test = sets
    predicted = evaluation.knn_probe(train, y, test, k=k, temperature=temperature)
    order, turn = data.draw(orders(len(train))), rotation(train.shape[1], seed)
    moved = evaluation.knn_probe(7 * train[order] @ turn, y[order], test @ turn, k=k, temperature=temperature)
    assert torch.equal(moved, predicted)
    renamed = evaluation.knn_probe(train, 2 - y, test, k=k, temperature=temperature)
    assert torch.equal(2 - renamed, predicted)


@given(sets=labeled())
def test_as_the_temperature_falls_the_nearest_neighbor_decides(sets):
    """At 1e-4 a vote is e^10,000, which no float64 holds."""
    train, y, test = sets
    nearest = evaluation.knn_probe(train, y, test, k=1)
    assert torch.equal(evaluation.knn_probe(train, y, test, k=len(train), temperature=1e-4), nearest)


@given(data=st.data(), sets=labeled(), seed=seeds)
def test_ridge_sees_no_shift_no_unit_no_order_and_no_repetition(data, sets, seed):
    train, y, test = sets
    predicted = evaluation.ridge_probe(train, y, test)
    order = data.draw(orders(len(train)))
    units = 10 ** (torch.rand(train.shape[1], generator=torch.Generator().manual_seed(seed), dtype=train.dtype) - 0.5)
    assert torch.equal(evaluation.ridge_probe(units * train[order] + 2, y[order], units * test + 2), predicted)
    assert torch.equal(evaluation.ridge_probe(torch.cat([train, train]), y.repeat(2), test), predicted)
    turn = rotation(train.shape[1], seed)
    plain, turned = (
        evaluation.ridge_probe(z, y, t, standardize=False) for z, t in ((train, test), (train @ turn, test @ turn))
    )
    assert torch.equal(plain, turned)


@given(sets=labeled(), scale=st.floats(0.1, 10), shift=st.floats(-5, 5))
def test_r2_is_at_most_one_and_sees_no_unit_of_the_factor_and_no_repetition(sets, scale, shift):
    train, _, test = sets
    factor, held = train[:, :1].square(), test[:, :1].square()
    r2 = evaluation.r2_probe(train, factor, test, held)
    moved = evaluation.r2_probe(train, scale * factor + shift, test, scale * held + shift)
    assert r2 <= 1 and moved == pytest.approx(r2)
    assert evaluation.r2_probe(train.repeat(2, 1), factor.repeat(2, 1), test, held) == pytest.approx(r2)
    assert evaluation.r2_probe(train, factor, train, factor) >= -1e-9


@given(pair=batches(count=2, samples=(8, 12), dims=(1, 4)), seed=seeds)
def test_agreement_of_two_representations_lies_between_0_and_1_and_is_mutual(pair, seed):
    a, b = pair
    turned = 2 * a @ rotation(a.shape[1], seed)
    for measure in (evaluation.linear_cka, lambda a, b: evaluation.mutual_knn(a, b, k=3), evaluation.mean_correlation):
        agreement = measure(a, b)
        assert -1e-9 <= agreement <= 1 + 1e-9 and measure(b, a) == pytest.approx(agreement, abs=1e-9)
        assert measure(a, 3 * a) == pytest.approx(1)
    assert evaluation.linear_cka(turned + 1, b) == pytest.approx(evaluation.linear_cka(a, b), abs=1e-9)
    assert evaluation.mutual_knn(turned, b, k=3) == evaluation.mutual_knn(a, b, k=3)


@given(data=st.data(), pair=batches(count=2, samples=(5, 9), dims=(1, 3)))
def test_hsic_is_positive_symmetric_and_sees_no_order(data, pair):
    a, b = pair
    order = data.draw(orders(len(a)))
    found = evaluation.hsic(a, b)
    assert found >= 0 and evaluation.hsic(b, a) == pytest.approx(found)
    assert evaluation.hsic(a[order], b[order]) == pytest.approx(found)
    normalized = evaluation.pairwise_nhsic(torch.cat([a, b], 1))
    assert normalized.min() >= -1e-9 and normalized.max() <= 1 + 1e-9
    torch.testing.assert_close(normalized, normalized.T)


@given(sets=labeled(classes=2), seed=seeds)
def test_recall_grows_with_the_neighbors_and_sees_directions_alone(sets, seed):
    train = torch.cat([sets[0], sets[2]])
    y = torch.arange(len(train)) % 2
    recalls = [evaluation.recall_at_k(train, y, k) for k in (1, 2, 4)]
    assert 0 <= recalls[0] <= recalls[1] <= recalls[2] <= 1
    turned = 5 * train @ rotation(train.shape[1], seed)
    assert [evaluation.recall_at_k(turned, 9 - y, k) for k in (1, 2, 4)] == recalls


@given(data=st.data(), u=st.lists(st.integers(0, 3), min_size=6, max_size=20))
def test_scores_of_clusters_see_neither_names_nor_order_and_are_1_for_the_classes_themselves(data, u):
    v = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(u), max_size=len(u))))
    u, order = np.array(u), data.draw(orders(len(u))).numpy()
    scores = evaluation.cluster_scores(u, v)
    assert evaluation.cluster_scores(9 - u[order], 5 + v[order]) == pytest.approx(scores, abs=1e-9)
    assert -1e-9 <= scores.nmi <= 1 + 1e-9 and scores.accuracy >= np.bincount(v).max() / len(v) / 4 - 1e-9
    assert evaluation.cluster_scores(9 - v, v) == pytest.approx((1, 1, 1, 1))


@given(z=batches(samples=(8, 12), dims=(1, 4)), scale=st.floats(0.2, 5), seed=seeds)
def test_entropy_grows_by_the_log_of_the_stretch(z, scale, seed):
    stretched = scale * z @ rotation(z.shape[1], seed) + 1
    gain = z.shape[1] * np.log(scale)
    plain, moved = (evaluation.logdet_entropy(x, eps=0) for x in (z, stretched))
    assert moved - plain == pytest.approx(gain, abs=1e-7)
    plain, moved = (evaluation.pairwise_entropy(x, s) for x, s in ((z, 0.5), (stretched, 0.5 * scale)))
    assert moved - plain == pytest.approx(gain, abs=1e-7)
