"""The conditional mean against least squares and against Gaussian densities; masks, and one matrix for all of them."""

from itertools import product

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.linear_model import LinearRegression

from replearn.data import load, patchify, random_mask
from replearn.papers.masked_modeling import (
    gaussian_reconstruction,
    guess_sources,
    hide_nothing,
    one_block,
    shared_filling,
    split_pixels,
)
from replearn.spectral import mask_moments

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


GRID = (3, 2)
IMAGES = RNG.standard_normal((300, 24)) @ RNG.standard_normal((24, 24))
IMAGES -= IMAGES.mean(0)
SIGMA = IMAGES.T @ IMAGES / len(IMAGES)
PATCHES = [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15], [16, 17, 20, 21], [18, 19, 22, 23]]


def draws():
    return torch.Generator().manual_seed(0)


def test_pixels_are_those_of_the_patches():
    mask = random_mask(4, GRID, draws(), ratio=0.5)
    for (seen, hidden), keep, masked in zip(split_pixels(mask, 2, (6, 4)), mask.keep, mask.masked, strict=True):
        assert seen.tolist() == [pixel for patch in keep for pixel in PATCHES[patch]]
        assert hidden.tolist() == [pixel for patch in masked for pixel in PATCHES[patch]]


def test_one_block_is_a_square_that_may_lie_anywhere():
    hidden = one_block(200, (7, 7), draws(), ratio=25 / 49).masked
    rows, columns = hidden // 7, hidden % 7
    assert ((rows.amax(1) - rows.amin(1) == 4) & (columns.amax(1) - columns.amin(1) == 4)).all()
    assert {0, 1, 2} == set(rows.amin(1).tolist()) == set(columns.amin(1).tolist())


def test_nothing_is_hidden_and_everything_is_asked_for():
    keep, masked = hide_nothing(3, GRID, draws())
    assert keep.tolist() == masked.tolist() == [[0, 1, 2, 3, 4, 5]] * 3


def test_sources_are_least_squares_for_each_hidden_patch():
    mask = random_mask(5, GRID, draws(), ratio=0.5)
    left, total = np.zeros(2), 0.0
    for keep, masked in zip(mask.keep.tolist(), mask.masked.tolist(), strict=True):
        for patch in masked:
            hole = IMAGES[:, PATCHES[patch]]
            total += (hole**2).sum()
            near = [other for other in keep if abs(other // 2 - patch // 2) <= 1]  # the grid has two columns
            for place, sources in enumerate((keep, near)):
                seen = IMAGES[:, [pixel for other in sources for pixel in PATCHES[other]]]
                fitted = seen @ np.linalg.lstsq(seen, hole)[0] if sources else 0
                left[place] += ((hole - fitted) ** 2).sum()
    found = guess_sources(SIGMA, mask, 2, (6, 4), ridge=0)
    np.testing.assert_allclose(found, 1 - left / total, rtol=1e-8)
    assert found.neighbors < found.everything


def test_one_matrix_for_all_masks_is_least_squares_over_all_masks():
    kept = 3  # floor(6 (1 - 0.4))
    F = shared_filling(SIGMA, 0.4, 2, (6, 4), ridge=0)
    masks = [mask for mask in product([0, 1], repeat=6) if sum(mask) == kept]
    for patch, hole in enumerate(PATCHES):
        inputs, targets = [], []
        for mask in masks:
            if not mask[patch]:
                pixels = np.zeros(24)
                pixels[[pixel for other in range(6) if mask[other] for pixel in PATCHES[other]]] = 1
                inputs.append(IMAGES * pixels)
                targets.append(IMAGES[:, hole])
        fitted = np.linalg.lstsq(np.concatenate(inputs), np.concatenate(targets))[0]
        np.testing.assert_allclose(F[hole], fitted.T, atol=1e-8)


def test_moments_of_masked_images_are_their_average_over_all_masks():
    found = mask_moments(IMAGES, 0.7, (6, 4), (2, 2))
    zeroed, cross = np.zeros((2, 24, 24))
    for mask in product([0, 1], repeat=6):
        pixels = np.zeros(24)
        pixels[[pixel for patch in range(6) if mask[patch] for pixel in PATCHES[patch]]] = 1
        chance = 0.3 ** sum(mask) * 0.7 ** (6 - sum(mask))
        zeroed += chance * (IMAGES * pixels).T @ (IMAGES * pixels) / 300
        cross += chance * IMAGES.T @ (IMAGES * pixels) / 300
    np.testing.assert_allclose(found.C, zeroed, atol=1e-10)
    np.testing.assert_allclose(found.C_clean, cross, atol=1e-10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda mask: guess_sources(SIGMA, mask, 3, (6, 4)), "patch must divide"),
        (lambda mask: guess_sources(0 * SIGMA, mask, 2, (6, 4)), "masked pixels do not vary"),
        (lambda mask: guess_sources(SIGMA[:4, :4], mask, 2, (6, 4)), "C must be the covariance of 24 pixels"),
        (lambda mask: shared_filling(SIGMA[:4, :4], 0.5, 2, (6, 4)), "C must be the covariance of 24 pixels"),
        (lambda mask: shared_filling(SIGMA, 1.0, 2, (6, 4)), "ratio"),
        (lambda mask: shared_filling(SIGMA[:2, :2], 0.5, 1, (1, 2)), "three patches"),
        (lambda mask: shared_filling(SIGMA, 0.5, 2, (6, 4), ridge=-1.0), "ridge must be"),
        (lambda mask: split_pixels(mask, 3, (6, 4)), "patch must divide"),
    ],
)
def test_bad_masks_and_sizes_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(random_mask(2, GRID, draws(), ratio=0.5))
