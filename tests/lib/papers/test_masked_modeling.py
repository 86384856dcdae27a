"""The conditional mean against least squares and against Gaussian densities."""

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.linear_model import LinearRegression

from replearn.data import load, patchify, random_mask
from replearn.papers.masked_modeling import gaussian_reconstruction

RNG = np.random.default_rng(0)
X = RNG.standard_normal((400, 7)) @ RNG.standard_normal((7, 7))
X -= X.mean(0)
C, VISIBLE, MASKED = X.T @ X / len(X), [0, 2, 6, 3], [5, 1]


def test_it_is_least_squares_on_the_same_samples():
    fit = LinearRegression().fit(X[:, VISIBLE], X[:, MASKED])
    r2, mean = gaussian_reconstruction(C, VISIBLE, MASKED, X, ridge=0)
    np.testing.assert_allclose(mean, fit.predict(X[:, VISIBLE]), atol=1e-10)
    expected = 1 - ((X[:, MASKED] - mean) ** 2).sum() / (X[:, MASKED] ** 2).sum()
    assert r2 == pytest.approx(expected, rel=1e-10)
    schur = C[np.ix_(MASKED, MASKED)] - C[np.ix_(MASKED, VISIBLE)] @ np.linalg.solve(
        C[np.ix_(VISIBLE, VISIBLE)], C[np.ix_(VISIBLE, MASKED)]
    )
    assert r2 == pytest.approx(1 - np.trace(schur) / C[MASKED, MASKED].sum(), rel=1e-10)


def test_the_conditional_mean_is_where_the_density_is_highest():
    _, mean = gaussian_reconstruction(C, VISIBLE, MASKED, X[0], ridge=0)
    ids = VISIBLE + MASKED
    density = stats.multivariate_normal(cov=C[np.ix_(ids, ids)])
    best = density.logpdf(np.r_[X[0, VISIBLE], mean])
    for step in RNG.standard_normal((50, 2)):
        assert density.logpdf(np.r_[X[0, VISIBLE], mean + 0.01 * step]) < best


def test_with_a_ridge_r2_is_that_of_the_ridge_predictor():
    r2, mean = gaussian_reconstruction(C, VISIBLE, MASKED, X, ridge=0.5)
    assert r2 == pytest.approx(1 - ((X[:, MASKED] - mean) ** 2).sum() / (X[:, MASKED] ** 2).sum(), rel=1e-10)
    assert r2 < gaussian_reconstruction(C, VISIBLE, MASKED, ridge=0).r2
    assert gaussian_reconstruction(C, VISIBLE, MASKED).mean is None


def test_digits_with_a_quarter_of_their_patches():
    images = load("mnist_10k").images.double()[:2000]
    x = images.flatten(1) - images.flatten(1).mean(0)
    mask = random_mask(1, (7, 7), torch.Generator().manual_seed(0))
    pixels = patchify(torch.arange(784).reshape(1, 1, 28, 28), 4)[0]
    visible, masked = pixels[mask.keep[0]].flatten(), pixels[mask.masked[0]].flatten()
    r2, mean = gaussian_reconstruction(x.T @ x / len(x), visible, masked, x, ridge=1e-9)
    fitted = x[:, visible] @ torch.linalg.lstsq(x[:, visible], x[:, masked], driver="gelsd").solution
    assert abs(mean - fitted.numpy()).max() < 1e-3
    expected = 1 - (x[:, masked] - fitted).square().sum() / x[:, masked].square().sum()
    assert r2 == pytest.approx(expected.item(), abs=1e-5)


ZERO = np.diag([1.0, 1, 0, 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: f(C[:, :3], VISIBLE, MASKED), "square"),
        (lambda f: f(np.triu(C), VISIBLE, MASKED), "symmetric"),
        (lambda f: f(C * np.nan, VISIBLE, MASKED), "NaN"),
        (lambda f: f(C, [], MASKED), "visible must hold"),
        (lambda f: f(C, VISIBLE, [7]), "masked must hold"),
        (lambda f: f(C, [0, 0], [1]), "each once"),
        (lambda f: f(C, [0, 1], [1, 2]), "disjoint"),
        (lambda f: f(C, VISIBLE, MASKED, ridge=-1.0), "ridge must be"),
        (lambda f: f(C, VISIBLE, MASKED, X[:, :3]), "x must be samples"),
        (lambda f: f(C, VISIBLE, MASKED, X * np.nan), "NaN"),
        (lambda f: f(ZERO, [0, 1], [2, 3]), "masked pixels do not vary"),
        (lambda f: f(ZERO, [2, 3], [0, 1]), "visible pixels do not vary"),
        (lambda f: f(ZERO, [1, 2], [0], ridge=0), "positive ridge"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(gaussian_reconstruction)
