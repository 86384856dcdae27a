"""Conditional samples against the Gaussian's conditional moments, scikit-learn's PCA and the masked special case."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from replearn.data import load
from replearn.papers.evaluation import conditional_samples
from replearn.papers.masked_modeling import gaussian_reconstruction
from sampling import draws

RNG = np.random.default_rng(0)
A = RNG.standard_normal((6, 6))
C, W, MEAN, H = A @ A.T, RNG.standard_normal((2, 6)), RNG.standard_normal(6), RNG.standard_normal(2)


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
