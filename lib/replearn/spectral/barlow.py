"""Barlow Twins in closed form.

Write P = D^{-1/2} G D^{-1/2} = V diag(rho) V^T and Y = D^{1/2} Z with columns scaled to unit length, which the loss
||Y^T P Y - I||_F^2 ignores. It depends on Y through W = Y Y^T alone, W >= 0 with trace K and rank <= K, and every
such W has unit-length factors Y (Schur and Horn). With W = sum_k t_k v_k v_k^T the loss is sum_k (1 - t_k rho_k)^2, to
be minimized over t >= 0, sum_k t_k = K: t_k = (rho_k - nu)_+ / rho_k^2, with nu set by the sum. So Barlow Twins, too,
thresholds its spectrum: a direction that the views share too little (rho_k <= nu) is dropped.

That holds while nu >= 0, which is K <= sum 1 / rho_k over the r positive rho. For more columns no loss is below K - r,
since Y^T P Y has at most r positive eigenvalues; it is reached by t_k = 1 / rho_k and by spending what is left of K on
a direction that the views do not share: a v_r + b u with P u = rho_u u, rho_u <= 0, a^2 rho_r + b^2 rho_u = 1.
"""

import numpy as np

from replearn.spectral.arrays import ZERO


def barlow_columns(rho: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best unit-length columns for K eigenvalues rho, descending.

    Returns M (K, K), the columns in the basis of the eigenvectors, Y = V M, and the length (K,) of each direction in
    use, 0 where it is dropped. Without a positive rho all columns are zero, and each costs 1.
    """
    dim = len(rho)
    positive = rho[rho > ZERO]
    squares, basis = np.zeros(dim), np.eye(dim)
    if not len(positive):
        return np.zeros((dim, dim)), squares
    spare = dim - np.sum(1 / positive)
    if spare <= 1e-9 * dim:
        squares[: len(positive)] = _thresholded(positive, dim)
    else:
        last, other = len(positive) - 1, len(positive)
        squares[: len(positive)] = 1 / positive
        outside = spare / (1 - rho[other] / rho[last])
        squares[last] += spare
        basis[[last, other], last] = np.sqrt([squares[last] - outside, outside]) / np.sqrt(squares[last])
    lengths = np.sqrt(squares)
    return basis @ equal_columns(lengths), lengths


def _thresholded(positive: np.ndarray, dim: int) -> np.ndarray:
    """t_k = (rho_k - nu)_+ / rho_k^2 with the sum ``dim``, for positive rho, descending."""
    first, second = np.cumsum(1 / positive), np.cumsum(1 / positive**2)
    nu = (first - dim) / second
    kept = np.flatnonzero(positive > nu)
    return np.maximum(positive - nu[kept[-1]], 0) / positive**2


def equal_columns(lengths: np.ndarray) -> np.ndarray:
    """A matrix M (K, K) with M M^T = diag(lengths^2) and columns of unit length, for lengths^2 that sum to K.

    Each plane rotation of a short axis with a long one gives the first of them length 1 (Schur and Horn).
    """
    M, squares = np.diag(lengths), lengths**2
    for _ in range(len(lengths) - 1):
        i, j = squares.argmin(), squares.argmax()
        if squares[j] - squares[i] < 1e-14:
            break
        sine = np.sqrt((1 - squares[i]) / (squares[j] - squares[i]))
        cosine = np.sqrt(1 - sine**2)
        M[:, [i, j]] = M[:, [i, j]] @ np.array([[cosine, -sine], [sine, cosine]])
        squares[j] += squares[i] - 1
        squares[i] = 1
    return M
