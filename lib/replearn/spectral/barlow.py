"""Barlow Twins in closed form.

Write P = D^{-1/2} G D^{-1/2} = V diag(rho) V^T and Y = D^{1/2} Z with columns scaled to unit length, which the loss
||Y^T P Y - I||_F^2 ignores. It depends on Y through W = Y Y^T alone, W >= 0 with trace K and rank <= K, and every
such W has unit-length factors Y (Schur and Horn). With W = sum_k t_k v_k v_k^T the loss is sum_k (1 - t_k rho_k)^2, to
be minimised over t >= 0, sum_k t_k = K: t_k = (rho_k - nu)_+ / rho_k^2, with nu set by the sum. So Barlow Twins, too,
thresholds its spectrum: a direction that the views share too little (rho_k <= nu) is dropped.
"""

import math

import numpy as np

from replearn.spectral.arrays import ZERO


def barlow_strengths(rho):
    """The number of columns in use and sqrt(t_k) for K eigenvalues rho, descending: 0 where a direction is dropped."""
    positive = rho[rho > ZERO]
    columns = min(len(rho), math.floor(np.sum(1 / positive) + 1e-9))
    first, second = np.cumsum(1 / positive), np.cumsum(1 / positive**2)
    nu = (first - columns) / second
    kept = np.flatnonzero(positive > nu)
    t = np.zeros(len(rho))
    if len(kept):
        t[: len(positive)] = np.maximum(positive - nu[kept[-1]], 0) / positive**2
    return columns, np.sqrt(t)


def equal_columns(strengths, columns):
    """A matrix M (K, K) with M M^T = diag(strengths^2) whose first ``columns`` columns have unit length, the rest zero.

    Each plane rotation of a short axis with a long one gives the first of them length 1 (Schur and Horn).
    """
    M, lengths = np.diag(strengths[:columns]), strengths[:columns] ** 2
    for _ in range(columns - 1):
        i, j = lengths.argmin(), lengths.argmax()
        if lengths[j] - lengths[i] < 1e-14:
            break
        sine = np.sqrt((1 - lengths[i]) / (lengths[j] - lengths[i]))
        cosine = np.sqrt(1 - sine**2)
        M[:, [i, j]] = M[:, [i, j]] @ np.array([[cosine, -sine], [sine, cosine]])
        lengths[j] += lengths[i] - 1
        lengths[i] = 1
    return np.pad(M, (0, len(strengths) - columns))
