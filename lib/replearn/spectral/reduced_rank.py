"""Linear regression through a bottleneck, and the encoders that reconstruction and joint embedding learn with it."""

from typing import NamedTuple

import numpy as np
from scipy import linalg

from replearn.spectral.arrays import as_array, as_definite, as_points, as_symmetric
from replearn.spectral.canonical import _two_views
from replearn.spectral.kernels import kernel_spectrum
from replearn.spectral.linear import LinearSSL
from replearn.spectral.moments import as_moment_pair
from replearn.validate import check_integer, check_positive


class ReducedRank(NamedTuple):
    """A linear encoder and decoder, y ~ x V W for samples in rows.

    Attributes
    ----------
    V : (d, k) array, the encoder; the features x V have second moment I.
    W : (k, q) array, the decoder.
    phi : (r,) array, descending: all singular values, of which the first k are used; each lowers the loss by phi^2.
    """

    V: np.ndarray
    W: np.ndarray
    phi: np.ndarray


def reduced_rank_regression(cross, C, k):
    r"""Minimise E||y - W^T V^T x||^2 over encoders V (d, k) and decoders W (k, q).

    With cross C^{-1/2} = R diag(phi) P^T: V = C^{-1/2} P_k, W = diag(phi_k) R_k^T, and the loss is
    E||y||^2 - sum_{i <= k} phi_i^2. The columns of V are the top eigenvectors of cross^T cross v = phi^2 C v.
    With x a noisy view of y it is the denoising or masked auto-encoder; any V T, T^{-1} W is as good.

    Parameters
    ----------
    cross : (q, d) array, E[y x^T].
    C : (d, d) array, E[x x^T], positive semi-definite; directions below 1e-10 of its largest variance are left out.
    k : int, 1 <= k <= min(q, rank of C).

    Returns
    -------
    ReducedRank ``(V, W, phi)``.

    Raises
    ------
    ValueError
        If C is not positive semi-definite, the shapes differ, the entries are not finite, or k is out of range.

    Source: Van Assel et al. 2025, theorem 3.1; Balestriero & LeCun 2024; Izenman 1975. Costs O(d^3 + q d^2).
    """
    cross = as_points("cross", cross)
    variances, U = kernel_spectrum("C", C, 1e-10)
    if cross.shape[1] != len(U):
        raise ValueError(f"cross must have {len(U)} columns like C, but has shape {cross.shape}")
    check_integer("k (at most the rank of C and the rows of cross)", k, 1, min(len(variances), len(cross)))
    whiten = U / np.sqrt(variances)
    R, phi, Pt = linalg.svd(cross @ whiten, full_matrices=False)
    return ReducedRank(whiten @ Pt[:k].T, phi[:k, None] * R[:, :k].T, phi)


def joint_encoder(X, Y, k, *, lam):
    r"""The encoder that shares k features between a task and reconstruction, both linear.

    min over V, W, U of (1/N) ||Y - X V W||_F^2 + (lam / N) ||X - X V U||_F^2: reduced-rank regression of the targets
    [Y, lam^{1/2} X] on X. The loss is ||Y||_F^2 / N + lam ||X||_F^2 / N - sum_{i <= k} phi_i^2; at lam = 0 the task's
    own regression, as lam grows PCA.

    Parameters
    ----------
    X : (N, d) array or tensor of inputs; Y : (N, c) of targets, such as one-hot labels. Both are centred here.
    k : int, 1 <= k <= rank of X.
    lam : float >= 0, weight of reconstruction. At 0 the features beyond the rank of the task are arbitrary.

    Returns
    -------
    ReducedRank whose decoder (k, c + d) holds W in its first c columns and lam^{1/2} U in the others.

    Raises
    ------
    ValueError
        If X or Y is malformed, their lengths differ, lam < 0, or k is out of range.

    Source: Balestriero & LeCun 2024.
    """
    check_positive("lam", lam, allow_zero=True)
    X, Y = _centred_pair(X, Y)
    targets = np.hstack([Y, np.sqrt(lam) * X])
    return reduced_rank_regression(targets.T @ X / len(X), X.T @ X / len(X), k)


def ridge_augmented(X, Y, noise):
    r"""Regression on noisy inputs, min (1/N) sum_i E||y_i - W^T (x_i + e)||^2: W = (X^T X / N + Cov(e))^{-1} X^T Y / N.

    Augmenting is Tikhonov regularisation: the loss is ||Y - X W||_F^2 / N + tr(W^T Cov(e) W).

    Parameters
    ----------
    X : (N, d) array or tensor of inputs; Y : (N, c) of targets. Nothing is centred.
    noise : (d, d) covariance of the augmentation's noise.

    Returns
    -------
    (d, c) array W.

    Raises
    ------
    ValueError
        If a shape is wrong, an entry not finite, or X^T X / N + Cov(e) not positive definite.

    Source: Van Assel et al. 2025, lemma B.1 and proposition 4.2; Bishop 1995.
    """
    X, Y = _two_views(X, Y)
    noise = as_symmetric("noise", as_array(noise))
    if noise.shape[0] != X.shape[1]:
        raise ValueError(f"noise must have one row per column of X, ({X.shape[1]}), but has shape {noise.shape}")
    C = as_definite("X^T X / N + noise", X.T @ X / len(X) + noise)
    return linalg.solve(C, X.T @ Y / len(X), assume_a="pos")


def je_linear(C, C_plus, k):
    r"""Joint embedding by a linear map: bring two views together while the features stay white.

    min E||W^T v - W^T v'||^2 subject to W^T C W = I: the top eigenvectors of C_plus w = omega C w; the loss is
    2 (k - sum_i omega_i). Any rotation of W is as good.

    Parameters
    ----------
    C : (d, d) array, E[v v^T] of single views, positive definite.
    C_plus : (d, d) array, E[v v'^T] between two views of one sample, symmetric.
    k : int, 1 <= k <= d.

    Returns
    -------
    LinearSSL with ``W`` (d, k), ``eigenvalues`` omega descending, strengths 1 and mean 0.

    Raises
    ------
    ValueError
        If C is not positive definite, C_plus not symmetric, the shapes differ, or k is out of range.

    Source: Van Assel et al. 2025, theorem 3.2.
    """
    C, C_plus = as_moment_pair(C, C_plus)
    d = len(C)
    check_integer("k", k, 1, d)
    omega, W = linalg.eigh(C_plus, C, subset_by_index=(d - k, d - 1))
    return LinearSSL(W[:, ::-1], np.zeros(d), omega[::-1], np.ones(k))


def _centred_pair(X, Y):
    X, Y = _two_views(X, Y)
    return X - X.mean(axis=0), Y - Y.mean(axis=0)
