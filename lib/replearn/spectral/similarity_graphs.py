"""The graph that a contrastive method reads off its own similarities."""

import numpy as np

from replearn.spectral.arrays import as_array, check_square
from replearn.validate import check_choice, check_finite, check_positive


def _simplex_projection(S):
    """Euclidean projection of each row (last axis) onto the probability simplex."""
    ordered = -np.sort(-S, axis=1)
    excess = (np.cumsum(ordered, axis=1) - 1) / np.arange(1, S.shape[1] + 1)
    support = np.sum(ordered > excess, axis=1)
    return np.maximum(S - excess[np.arange(len(S)), support - 1][:, None], 0)


def _softmax(S):
    weights = np.exp(S - S.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def _one_hot_max(S):
    return np.eye(S.shape[1])[S.argmax(axis=1)]


def row_stochastic_graph(S, tau, *, regularizer="entropy"):
    """The graph that best explains similarities: argmin over G >= 0, G 1 = 1, diag(G) = 0 of -<S, G> + tau Omega(G).

    Omega = sum_ij G_ij (log G_ij - 1), "entropy": the row softmax of S / tau, as in SimCLR;
    Omega = ||G||_F^2 / 2, "frobenius": each row of S / tau projected onto the simplex (sparsemax);
    Omega = 0, "none": the nearest neighbour alone (the first of equals), as in NNCLR; ``tau`` plays no role.

    Parameters
    ----------
    S : (N, N) array or tensor of similarities, N >= 2; need not be symmetric, its diagonal is ignored.
    tau : float > 0, temperature.
    regularizer : "entropy", "frobenius" or "none".

    Returns
    -------
    (N, N) array, rows summing to 1, zero diagonal.

    Raises
    ------
    ValueError
        If S is not a finite square matrix, tau <= 0, or the regularizer is unknown.

    Source: Balestriero & LeCun 2022; Martins & Astudillo 2016 for the projection.
    """
    solve = {"entropy": _softmax, "frobenius": _simplex_projection, "none": _one_hot_max}
    check_choice("regularizer", regularizer, tuple(solve))
    check_positive("tau", tau)
    S = as_array(S)
    check_square("S", S)
    check_finite("S", S)
    n = len(S)
    if n < 2:
        raise ValueError("S must have at least two rows, since a sample is not its own neighbour")
    off_diagonal = ~np.eye(n, dtype=bool)
    G = np.zeros((n, n))
    G[off_diagonal] = solve[regularizer](S[off_diagonal].reshape(n, n - 1) / tau).ravel()
    return G
