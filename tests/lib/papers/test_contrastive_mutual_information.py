"""A pair of known mutual information, and the InfoNCE bound, against closed forms."""

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import softmax

from replearn.evaluation import gaussian_entropy
from replearn.papers.contrastive import gaussian_critic, gaussian_pair, infonce_mi_bound


@pytest.mark.parametrize(("d", "mi"), [(1, 0.3), (10, 2.0), (4, 12.0), (3, 0.0)])
def test_the_pair_has_the_information_that_was_asked_for(d, mi):
    x, y, rho = gaussian_pair(200_000, d, mi, seed=1)
    eye = np.eye(d)
    joint = np.block([[eye, rho * eye], [rho * eye, eye]])
    assert 2 * gaussian_entropy(eye) - gaussian_entropy(joint) == pytest.approx(mi, abs=1e-8)
    measured = np.cov(torch.cat([x, y], 1).numpy(), rowvar=False)
    np.testing.assert_allclose(measured, joint, atol=0.02)


def test_the_pair_depends_on_its_seed_alone():
    first = gaussian_pair(5, 2, 1.0, seed=3)
    torch.randn(3)
    assert torch.equal(gaussian_pair(5, 2, 1.0, seed=3).y, first.y)
    assert not torch.equal(gaussian_pair(5, 2, 1.0, seed=4).y, first.y)


def test_the_bound_is_its_formula_averaged_over_batches():
    scores = np.random.default_rng(0).standard_normal((3, 5, 5))
    values = [np.log(5) + np.log(np.diagonal(softmax(s, axis=1))).mean() for s in scores]
    assert infonce_mi_bound(scores) == pytest.approx(np.mean(values), rel=1e-12)
    assert infonce_mi_bound(torch.tensor(scores[1])) == pytest.approx(values[1], rel=1e-12)


def test_scores_that_say_nothing_give_0_and_perfect_ones_log_n():
    assert infonce_mi_bound(np.ones((7, 7))) == pytest.approx(0, abs=1e-12)
    assert infonce_mi_bound(1e3 * np.eye(7)) == pytest.approx(np.log(7), abs=1e-12)


def test_for_copies_of_a_fair_die_the_mean_is_known_in_closed_form():
    n, faces, batches = 16, 6, 4000
    draws = np.random.default_rng(0).integers(faces, size=(batches, n))
    scores = np.where(draws[:, :, None] == draws[:, None, :], 0.0, -1e4)
    others = np.arange(n)
    expected = np.log(n) - stats.binom.pmf(others, n - 1, 1 / faces) @ np.log1p(others)
    assert infonce_mi_bound(scores) == pytest.approx(expected, abs=0.01)
    assert expected < np.log(faces)


def test_the_best_scores_are_the_ratio_of_densities():
    x, y, rho = gaussian_pair(10, 3, 1.5, seed=0)
    conditional = stats.norm(rho * x.numpy()[:, None], np.sqrt(1 - rho**2)).logpdf(y.numpy()).sum(-1)
    expected = conditional - stats.norm.logpdf(y.numpy()).sum(-1)
    np.testing.assert_allclose(gaussian_critic(x, y, rho), expected, rtol=1e-10)
    x, y = x.view(2, 5, 3), y.view(2, 5, 3)
    np.testing.assert_allclose(gaussian_critic(x, y, rho)[1], expected[5:, 5:], rtol=1e-10)


def test_with_the_best_scores_the_bound_is_nearly_the_truth_of_a_gaussian_pair():
    scores = gaussian_critic(*gaussian_pair(2000, 3, 1.5, seed=0))
    assert scores.diagonal().mean() == pytest.approx(1.5, abs=0.1)
    assert infonce_mi_bound(scores) == pytest.approx(1.5, abs=0.06)
    assert infonce_mi_bound(0.3 * scores) < infonce_mi_bound(scores)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gaussian_pair(0, 2, 1.0), "n must be"),
        (lambda: gaussian_pair(5, 0, 1.0), "d must be"),
        (lambda: gaussian_pair(5, 2, -1.0), "mi must be"),
        (lambda: gaussian_critic(torch.ones(3, 2), torch.ones(4, 2), 0.5), "one shape"),
        (lambda: gaussian_critic(torch.ones(3, 2), torch.ones(3, 2), 1.0), "rho must"),
        (lambda: infonce_mi_bound(np.ones((3, 4))), "N, N"),
        (lambda: infonce_mi_bound(np.ones((1, 1))), "N >= 2"),
        (lambda: infonce_mi_bound(np.ones(4)), "N, N"),
        (lambda: infonce_mi_bound(np.full((3, 3), np.nan)), "NaN"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
