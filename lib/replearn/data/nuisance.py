"""Digits on top of a background pattern: two labels for each picture, one wanted and one a nuisance."""

from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits

from replearn.validate import check_integer, check_positive


class NuisanceDigits(NamedTuple):
    """Pictures and their two labels, split into training and test samples.

    Attributes
    ----------
    x_train, x_test : (N, 64) float64 arrays, 8 x 8 pictures in rows, about -0.8 to 1.8.
    digit_train, digit_test : (N,) int64 arrays, the digit, 0..9: what a task asks for.
    pattern_train, pattern_test : (N,) int64 arrays, the background pattern, 0..9, independent of the digit.
    patterns : (10, 64) array, the patterns themselves, standard normal.
    """

    x_train: np.ndarray
    digit_train: np.ndarray
    pattern_train: np.ndarray
    x_test: np.ndarray
    digit_test: np.ndarray
    pattern_test: np.ndarray
    patterns: np.ndarray


def nuisance_digits(*, seed=0, n_train=1200, strength=0.25, noise=0.02):
    """Handwritten digits with one of ten fixed patterns added: x = digit / 16 + strength pattern + noise epsilon.

    Parameters
    ----------
    seed : int, of the patterns, the shuffling, the choice of pattern for each digit, and the noise.
    n_train : int, training samples, 10 to 1787; the rest of the 1797 digits is the test set.
    strength : float >= 0, size of the patterns in units of the pixels' range.
    noise : float >= 0, standard deviation of the pixel noise.

    Returns
    -------
    NuisanceDigits.

    Raises
    ------
    ValueError
        If n_train is out of range, seed is not a non-negative integer, or strength or noise is negative.

    Source: made for this book. scikit-learn's digits are those of Alpaydin & Kaynak 1998 (UCI, CC BY 4.0).
    """
    check_integer("seed", seed, 0)
    check_integer("n_train", n_train, 10, 1787)
    check_positive("strength", strength, allow_zero=True)
    check_positive("noise", noise, allow_zero=True)
    digits = load_digits()
    rng = np.random.default_rng(1000 + seed)
    patterns = rng.standard_normal((10, 64))
    order = rng.permutation(len(digits.data))
    pattern = rng.integers(10, size=len(order))
    clean = digits.data[order] / 16 + strength * patterns[pattern]
    x, digit = clean + noise * rng.standard_normal(clean.shape), digits.target[order]
    train, test = slice(n_train), slice(n_train, None)
    return NuisanceDigits(x[train], digit[train], pattern[train], x[test], digit[test], pattern[test], patterns)
