import numpy as np
import pytest
import torch

from replearn import spectral
from sampling import normal

X = normal(40, 6) @ normal(6, 6, seed=1)


def sampled(augment, draws=4000):
    """Brute-force moments of an augmentation by many pairs of views."""
    C, plus, clean = np.zeros((3, 6, 6))
    for _ in range(draws):
        v, w = augment(X), augment(X)
        C += (v.T @ v + w.T @ w) / 2
        plus += (v.T @ w + w.T @ v) / 2
        clean += X.T @ (v + w) / 2
    return [m / (draws * len(X)) for m in (C, plus, clean)]


def close_within(expected, found, share=0.02):
    assert np.linalg.norm(expected - found) < share * np.linalg.norm(expected)


@pytest.mark.parametrize(("p", "patch"), [(0.3, (1, 1)), (0.6, (2, 2)), (0.5, (1, 2)), (0.0, (2, 3))])
def test_mask_moments_are_those_of_many_masks(p, patch):
    draw, (height, width) = np.random.default_rng(1), patch

    def mask(x):
        kept = np.zeros((len(x), 2, 3))
        for top in range(0, 2, height):
            for left in range(0, 3, width):
                kept[:, top : top + height, left : left + width] = (draw.random(len(x)) >= p)[:, None, None]
        return x * kept.reshape(len(x), 6)

    found = spectral.mask_moments(X, p, (2, 3), patch)
    for expected, moment in zip(sampled(mask), found, strict=True):
        close_within(expected, moment)


def test_masking_four_pixels_by_hand():
    x = np.array([[1.0, 2.0, 3.0, 4.0]])
    found = spectral.mask_moments(x, 0.5, (2, 2), (1, 2))
    np.testing.assert_allclose(found.C, [[0.5, 1, 0.75, 1], [1, 2, 1.5, 2], [0.75, 1.5, 4.5, 6], [1, 2, 6, 8]])
    np.testing.assert_allclose(found.C_clean, 0.5 * x.T @ x)
    np.testing.assert_allclose(found.C_plus, 0.25 * x.T @ x)


def test_additive_moments_are_those_of_many_noisy_views():
    draw, root = np.random.default_rng(2), normal(6, 6, seed=2)
    found = spectral.additive_moments(X, root @ root.T)
    for expected, moment in zip(sampled(lambda x: x + draw.standard_normal(x.shape) @ root.T), found, strict=True):
        close_within(expected, moment)
    np.testing.assert_allclose(spectral.additive_moments(X, 2.0).C, spectral.additive_moments(X, 2 * np.eye(6)).C)
    np.testing.assert_allclose(
        spectral.additive_moments(X, np.arange(6)).C, spectral.additive_moments(X, np.diag(np.arange(6.0))).C
    )


def test_view_moments_are_a_double_loop_that_leaves_out_equal_views():
    F = normal(3, 5, 2, seed=3)
    C = sum(np.outer(F[a, i], F[a, i]) for i in range(5) for a in range(3)) / 15
    plus = sum(np.outer(F[a, i], F[b, i]) for i in range(5) for a in range(3) for b in range(3) if a != b) / 30
    found = spectral.view_moments(F)
    np.testing.assert_allclose(found.C, C)
    np.testing.assert_allclose(found.C_plus, plus, atol=1e-15)


def test_empirical_moments_are_unbiased():
    def augment(x, generator):
        return x * (torch.rand(x.shape, generator=generator, dtype=x.dtype) >= 0.3)

    exact = spectral.mask_moments(X, 0.3, (2, 3))
    many = [spectral.empirical_moments(X, augment, 3, seed=s) for s in range(400)]
    for name in ("C", "C_plus", "C_clean"):
        runs = np.array([getattr(m, name) for m in many])
        error = abs(runs.mean(axis=0) - getattr(exact, name)) / (runs.std(axis=0) / 20)
        assert error.max() < 4.5
    again = spectral.empirical_moments(X, augment, 3, seed=7)
    np.testing.assert_array_equal(again.C, many[7].C)


def identity(x, generator):
    return x


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: spectral.mask_moments(X, 1.0, (2, 3)), "p must be"),
        (lambda: spectral.mask_moments(X, 0.5, (2, 2)), "4 pixels"),
        (lambda: spectral.mask_moments(X, 0.5, (6,)), "image_shape must be"),
        (lambda: spectral.mask_moments(X, 0.5, (2, 3), (0, 1)), "patch_shape"),
        (lambda: spectral.mask_moments(X * np.nan, 0.5, (2, 3)), "NaN"),
        (lambda: spectral.additive_moments(X, np.ones(5)), "noise must be"),
        (lambda: spectral.additive_moments(X, -1.0), "covariance"),
        (lambda: spectral.additive_moments(X, np.triu(np.ones((6, 6)))), "symmetric"),
        (lambda: spectral.empirical_moments(X, identity, 1), "views must be"),
        (lambda: spectral.empirical_moments(X, lambda x, g: x[:3], 2), "keep the shape"),
        (lambda: spectral.view_moments(X[None]), "V >= 2"),
        (lambda: spectral.view_moments([X * np.inf, X]), "NaN or infinite"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
