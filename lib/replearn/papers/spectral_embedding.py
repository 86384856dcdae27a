"""Digits on top of a background pattern: two labels for each picture, one wanted and one a nuisance."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.datasets import load_digits

from replearn.spectral.arrays import as_array, check_square
from replearn.validate import check_choice, check_finite, check_integer, check_positive


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


def nuisance_digits(
    *, seed: int = 0, n_train: int = 1200, strength: float = 0.25, noise: float = 0.02
) -> NuisanceDigits:
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

    References
    ----------
    Made for this book. scikit-learn's digits are those of Alpaydin & Kaynak 1998 (UCI, CC BY 4.0).

    Examples
    --------
    >>> nuisance_digits().x_train.shape
    (1200, 64)
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


def _simplex_projection(S: np.ndarray) -> np.ndarray:
    """Euclidean projection of each row (last axis) onto the probability simplex."""
    ordered = -np.sort(-S, axis=1)
    excess = (np.cumsum(ordered, axis=1) - 1) / np.arange(1, S.shape[1] + 1)
    support = np.sum(ordered > excess, axis=1)
    return np.maximum(S - excess[np.arange(len(S)), support - 1][:, None], 0)


def _softmax(S: np.ndarray) -> np.ndarray:
    weights = np.exp(S - S.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def _one_hot_max(S: np.ndarray) -> np.ndarray:
    return np.eye(S.shape[1])[S.argmax(axis=1)]


def row_stochastic_graph(S: ArrayLike, temperature: float, *, regularizer: str = "entropy") -> np.ndarray:
    """The graph that best explains similarities: argmin over G >= 0, G 1 = 1, diag(G) = 0 of -<S, G> + tau Omega(G).

    Omega = sum_ij G_ij (log G_ij - 1), "entropy": the row softmax of S / tau, as in SimCLR;
    Omega = ||G||_F^2 / 2, "frobenius": each row of S / tau projected onto the simplex (sparsemax);
    Omega = 0, "none": the nearest neighbour alone (the first of equals), as in NNCLR; ``temperature`` plays no role.

    Parameters
    ----------
    S : (N, N) array or tensor of similarities, N >= 2; need not be symmetric, its diagonal is ignored.
    temperature : float tau > 0.
    regularizer : "entropy", "frobenius" or "none".

    Returns
    -------
    (N, N) array, rows summing to 1, zero diagonal.

    References
    ----------
    Balestriero & LeCun 2022; Martins & Astudillo 2016 for the projection.

    Examples
    --------
    >>> row_stochastic_graph(np.eye(3), 1.0)
    array([[0. , 0.5, 0.5],
           [0.5, 0. , 0.5],
           [0.5, 0.5, 0. ]])
    """
    solve = {"entropy": _softmax, "frobenius": _simplex_projection, "none": _one_hot_max}
    check_choice("regularizer", regularizer, tuple(solve))
    check_positive("temperature", temperature)
    S = as_array(S)
    check_square("S", S)
    check_finite("S", S)
    n = len(S)
    if n < 2:
        raise ValueError("S must have at least two rows, since a sample is not its own neighbour")
    off_diagonal = ~np.eye(n, dtype=bool)
    G = np.zeros((n, n))
    G[off_diagonal] = solve[regularizer](S[off_diagonal].reshape(n, n - 1) / temperature).ravel()
    return G
