"""Principal components as a learner sees them: which it keeps, when it learns them, and what a task finds in them."""

import numpy as np
from scipy import linalg

from replearn.spectral.arrays import as_array, as_points
from replearn.spectral.reduced_rank import _centred_pair
from replearn.validate import check_choice, check_positive


def pca_split(X, fraction, *, part="top"):
    """Basis of the principal directions that carry a given fraction of the variance, from the top or from the bottom.

    "top" takes the fewest leading directions with at least ``fraction`` of the variance, "bottom" all that "top" of
    1 - fraction leaves, which carry at most ``fraction``.

    Parameters
    ----------
    X : (N, d) array or tensor, centred here.
    fraction : float, strictly between 0 and 1.
    part : "top" or "bottom".

    Returns
    -------
    basis : (d, k) array with orthonormal columns, variances descending; the part of X is X basis basis^T.
    explained : float, the fraction of the variance inside it.

    Raises
    ------
    ValueError
        If X is malformed or constant, fraction is out of range, part is unknown, or the part is empty.

    Source: Balestriero & LeCun 2024.
    """
    check_choice("part", part, ("top", "bottom"))
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must lie strictly between 0 and 1, but is {fraction}")
    X = as_points("X", X, min_rows=2)
    X = X - X.mean(axis=0)
    w, U = linalg.eigh(X.T @ X / len(X))
    w, U = np.maximum(w[::-1], 0), U[:, ::-1]
    if w[0] == 0:
        raise ValueError("X is constant, so it has no variance to split")
    shares = np.cumsum(w) / w.sum()
    cut = int(np.searchsorted(shares, fraction if part == "top" else 1 - fraction)) + 1
    if part == "top":
        return U[:, :cut], float(shares[cut - 1])
    if cut == len(w):
        raise ValueError(f"the bottom part is empty: even the last direction carries more than {fraction:.3g}")
    return U[:, cut:], float(1 - shares[cut - 1])


def task_alignment(X, Y, V):
    """Share of what inputs can say about a task linearly that the first 1, 2, .. K features of an encoder keep.

    a_k = ||P_k Y||_F^2 / ||P Y||_F^2, with P_k and P the projectors on the columns of X V_k and of X.

    Parameters
    ----------
    X : (N, d) array or tensor of inputs; Y : (N, c) of targets, such as one-hot labels. Both are centred here.
    V : (d, K) array, an encoder whose features X V are linearly independent, in order of importance.

    Returns
    -------
    (K,) array, nondecreasing, in [0, 1].

    Raises
    ------
    ValueError
        If a shape is wrong, the features are linearly dependent, or X says nothing about Y.

    Source: Balestriero & LeCun 2024; their code shows the square root. Costs O(N d^2).
    """
    X, Y = _centred_pair(X, Y)
    V = as_points("V", V)
    if len(V) != X.shape[1]:
        raise ValueError(f"V must have one row per column of X, ({X.shape[1]}), but has shape {V.shape}")
    Q, R = linalg.qr(X @ V, mode="economic")
    diagonal = abs(np.diag(R))
    if V.shape[1] > len(X) or diagonal.min() <= 1e-10 * diagonal.max():
        raise ValueError("the features X V must be linearly independent; leave out those of zero variance")
    U, s, _ = linalg.svd(X, full_matrices=False)
    total = np.sum((U[:, s > 1e-10 * s[0]].T @ Y) ** 2)
    if total <= 1e-12 * np.sum(Y**2) or total == 0:
        raise ValueError("X says nothing about Y: no column of Y correlates with a column of X")
    return np.cumsum(np.sum((Q.T @ Y) ** 2, axis=1)) / total


def linear_autoencoder_flow(variances, t, a0):
    r"""How far a linear auto-encoder has learned each principal direction at time t: large variances come first.

    Under gradient flow of E||x - W^T V^T x||^2 from the balanced small start W = V^T, product a0 in each direction, the
    law is logistic: a_i(t) = 1 / (1 + (1 / a0 - 1) exp(-4 l_i t)). The error left is sum_i l_i (1 - a_i)^2 and a latent
    coordinate is a_i^{1/2} u_i^T x.

    Parameters
    ----------
    variances : (d,) array of l_i >= 0, eigenvalues of the covariance.
    t : float or (T,) array of times >= 0, in inverse units of the variances.
    a0 : float, strictly between 0 and 1.

    Returns
    -------
    (d,) or (T, d) array, in (0, 1].

    Raises
    ------
    ValueError
        If a variance or a time is negative, or a0 is out of range.

    Source: Saxe, McClelland & Ganguli 2014; Balestriero & LeCun 2024.
    """
    variances, t = as_array(variances), as_array(t)
    if variances.ndim != 1 or not (np.isfinite(variances).all() and (variances >= 0).all()):
        raise ValueError("variances must be a vector of finite numbers, none of them negative")
    if t.ndim > 1 or not (np.isfinite(t).all() and (t >= 0).all()):
        raise ValueError("t must hold finite times, none of them negative")
    check_positive("a0", a0)
    if a0 >= 1:
        raise ValueError(f"a0 must lie strictly between 0 and 1, but is {a0}")
    return 1 / (1 + (1 / a0 - 1) * np.exp(-4 * t[..., None] * variances))
