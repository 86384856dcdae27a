"""Other geometry against invertible maps, chance against all orders, conditional samples against Gaussian moments."""

from itertools import permutations

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression

from replearn import evaluation
from replearn.data import load
from replearn.papers.evaluation import chance_correlations, conditional_samples, rescale_directions
from replearn.papers.masked_modeling import gaussian_reconstruction
from sampling import draws

RNG = np.random.default_rng(0)
A = RNG.standard_normal((6, 6))
C, W, MEAN, H = A @ A.T, RNG.standard_normal((2, 6)), RNG.standard_normal(6), RNG.standard_normal(2)


Z = RNG.standard_normal((40, 5)) * [9, 5, 3, 2, 1] + 1


@pytest.mark.parametrize("power", [-0.5, 0.0, 1.0, 2.5])
def test_directions_get_other_sizes_by_an_invertible_matrix(power):
    new = rescale_directions(Z, power)
    A, misfit, rank, _ = np.linalg.lstsq(Z, new)
    assert misfit.max() < 1e-20 and rank == np.linalg.matrix_rank(A) == 5
    sizes = np.linalg.svd(Z, compute_uv=False) ** power
    np.testing.assert_allclose(new.T @ new, np.diag(sizes**2), atol=1e-9 * sizes.max() ** 2)


def test_a_power_can_be_undone_and_one_is_a_turn():
    np.testing.assert_allclose(rescale_directions(Z, 1) @ rescale_directions(Z, 1).T, Z @ Z.T, atol=1e-10)
    back = rescale_directions(rescale_directions(Z, -0.25), -4)
    np.testing.assert_allclose(back @ back.T, Z @ Z.T, atol=1e-9)


def test_directions_without_size_are_left_out():
    flat = np.column_stack([Z, Z[:, 0], np.zeros(40)])
    assert rescale_directions(flat, -1).shape == (40, 5)


def test_least_squares_forgives_every_invertible_map_and_the_others_a_turn_with_a_scale_alone():
    digits = load("digits")
    x, y = digits.images.flatten(1).double().numpy()[:1400], digits.labels[:1400]
    x = x - x.mean(0)
    turn, other = (np.linalg.qr(RNG.standard_normal((64, 64)))[0] for _ in range(2))
    A = turn @ np.diag(np.geomspace(1, 100, 64)) @ other
    targets = np.eye(10)[y[:1000]]

    def scores(x):
        outputs = LinearRegression().fit(x[:1000], targets).predict(x[1000:])
        return outputs, evaluation.knn_probe(x[:1000], y[:1000], x[1000:], y[1000:]), evaluation.effective_rank(x)

    outputs, knn, rank = scores(x)
    mapped, mapped_knn, mapped_rank = scores(x @ A)
    assert abs(mapped - outputs).max() < 1e-8 and mapped_knn < knn - 0.02 and mapped_rank < rank - 5
    _, turned_knn, turned_rank = scores(3 * x @ turn)
    assert (turned_knn, turned_rank) == pytest.approx((knn, rank), abs=1e-6)
    shifted, _, shifted_rank = scores(x + 0.25)
    assert abs(shifted - outputs).max() < 1e-8 and shifted_rank < rank - 2


def test_chance_is_that_of_all_orders():
    exact = [spearmanr(range(5), order).statistic for order in permutations(range(5))]
    drawn = chance_correlations(5, 100_000, draws())
    for level in (-0.95, -0.45, 0.15, 0.65, 0.85):
        assert np.mean(drawn > level) == pytest.approx(np.mean(np.array(exact) > level), abs=0.005)
    assert chance_correlations(30, 20_000, draws(1)).std() == pytest.approx(29**-0.5, rel=0.03)
    assert np.array_equal(drawn, chance_correlations(5, 100_000, draws()))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rescale_directions(Z[0], 1), "matrix"),
        (lambda: rescale_directions(Z * np.nan, 1), "NaN"),
        (lambda: rescale_directions(Z, np.inf), "power must be finite"),
        (lambda: rescale_directions(0 * Z, 1), "all zeros"),
        (lambda: chance_correlations(1, 5, draws()), "n must be"),
        (lambda: chance_correlations(5, 0, draws()), "draws must be"),
    ],
)
def test_bad_scores_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_samples_have_the_code_and_the_moments_of_the_conditional_law():
    x, variance, ignored = conditional_samples(C, W, MEAN, H, 200_000, draws())
    np.testing.assert_allclose(x @ W.T, np.tile(H, (len(x), 1)), atol=1e-10)
    K = C @ W.T @ np.linalg.inv(W @ C @ W.T)
    covariance = C - K @ W @ C
    np.testing.assert_allclose(x.mean(0), MEAN + K @ (H - W @ MEAN), atol=0.02)
    np.testing.assert_allclose(np.cov(x.T), covariance, atol=0.02 * C.max())
    np.testing.assert_allclose(variance, covariance.diagonal(), atol=1e-10)
    assert ignored == pytest.approx(np.trace(covariance) / np.trace(C), rel=1e-10)


def test_an_encoder_that_picks_pixels_is_the_masked_reconstruction():
    visible, masked = [0, 2, 5], [1, 3, 4]
    x, variance, ignored = conditional_samples(C, np.eye(6)[visible], 0 * MEAN, A[0, :3], 100_000, draws())
    seen = np.zeros(6)
    seen[visible] = A[0, :3]
    r2, mean = gaussian_reconstruction(C, visible, masked, seen, ridge=0)
    np.testing.assert_allclose(x.mean(0)[masked], mean, atol=0.03)
    assert 1 - variance[masked].sum() / C[masked, masked].sum() == pytest.approx(r2, rel=1e-8)
    assert variance[visible].max() < 1e-9 and ignored > 0


def test_principal_components_ignore_the_variance_they_do_not_explain_and_any_other_code_more():
    images = load("mnist_10k").images.double()[:2000]
    x = torch.nn.functional.avg_pool2d(images.reshape(-1, 1, 28, 28), 2).flatten(1).numpy()
    covariance, mean = np.cov(x.T), x.mean(0)
    pca = PCA(32, svd_solver="full").fit(x)
    samples, _, ignored = conditional_samples(covariance, pca.components_, mean, pca.transform(x[:1])[0], 8, draws())
    assert ignored == pytest.approx(1 - pca.explained_variance_ratio_.sum(), abs=1e-8)
    random = RNG.standard_normal((32, 196))
    samples, _, more = conditional_samples(covariance, random, mean, random @ x[0], 8, draws())
    assert abs(samples @ random.T - random @ x[0]).max() < 1e-5
    assert more > ignored + 0.1


def test_draws_come_from_the_generator_alone():
    state = torch.get_rng_state()
    first, again, other = (conditional_samples(C, W, MEAN, H, 3, draws(s)).x for s in (1, 1, 2))
    assert np.array_equal(first, again) and not np.allclose(first, other)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"C": C[:, :3]}, "square"),
        ({"C": np.triu(C)}, "symmetric"),
        ({"C": -C}, "semi-definite"),
        ({"C": 0 * C}, "not zero"),
        ({"W": W[:, :3]}, "W must be an encoder"),
        ({"W": W * np.nan}, "NaN"),
        ({"W": W[[0, 0]]}, "positive definite"),
        ({"mean": MEAN[:3]}, "mean must be a vector"),
        ({"h": MEAN}, "h must be a vector"),
        ({"h": H * np.inf}, "infinite"),
        ({"n": 0}, "n must be"),
    ],
)
def test_bad_input_is_refused(change, message):
    arguments = {"C": C, "W": W, "mean": MEAN, "h": H, "n": 2, "generator": draws()} | change
    with pytest.raises(ValueError, match=message):
        conditional_samples(**arguments)
