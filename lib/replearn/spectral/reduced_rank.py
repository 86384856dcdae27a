"""Linear regression through a bottleneck, and the encoders that reconstruction and joint embedding learn with it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from replearn.spectral.arrays import as_points, positive_eigenpairs
from replearn.spectral.linear import LinearSSL
from replearn.spectral.moments import as_moment_pair
from replearn.validate import check_integer


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


def reduced_rank_regression(cross: ArrayLike, C: ArrayLike, dim: int) -> ReducedRank:
    r"""Minimise E||y - W^T V^T x||^2 over encoders V (d, k) and decoders W (k, q).

    With cross C^{-1/2} = R diag(phi) P^T: V = C^{-1/2} P_k, W = diag(phi_k) R_k^T, and the loss is
    E||y||^2 - sum_{i <= k} phi_i^2. The columns of V are the top eigenvectors of cross^T cross v = phi^2 C v.
    With x a noisy view of y it is the denoising or masked auto-encoder; any V T, T^{-1} W is as good.

    Parameters
    ----------
    cross : (q, d) array, E[y x^T].
    C : (d, d) array, E[x x^T], positive semi-definite; directions below 1e-10 of its largest variance are left out.
    dim : int k, 1 <= k <= min(q, rank of C).

    Returns
    -------
    ReducedRank ``(V, W, phi)``.

    Raises
    ------
    ValueError
        If C is not positive semi-definite, the shapes differ, the entries are not finite, or dim is out of range.

    Notes
    -----
    Costs O(d^3 + q d^2).

    References
    ----------
    Van Assel et al. 2025, theorem 3.1; Balestriero & LeCun 2024; Izenman 1975.

    Examples
    --------
    >>> reduced_rank_regression(np.diag([2.0, 1.0]), np.eye(2), 1).phi
    array([2., 1.])
    """
    cross = as_points("cross", cross)
    variances, U = positive_eigenpairs("C", C, 1e-10)
    if cross.shape[1] != len(U):
        raise ValueError(f"cross must have {len(U)} columns like C, but has shape {cross.shape}")
    check_integer("dim (at most the rank of C and the rows of cross)", dim, 1, min(len(variances), len(cross)))
    whiten = U / np.sqrt(variances)
    R, phi, Pt = linalg.svd(cross @ whiten, full_matrices=False)
    return ReducedRank(whiten @ Pt[:dim].T, phi[:dim, None] * R[:, :dim].T, phi)


def joint_embedding_linear(C: ArrayLike, C_plus: ArrayLike, dim: int) -> LinearSSL:
    r"""Joint embedding by a linear map: bring two views together while the features stay white.

    min E||W^T v - W^T v'||^2 subject to W^T C W = I: the top eigenvectors of C_plus w = omega C w; the loss is
    2 (k - sum_i omega_i). Any rotation of W is as good.

    Parameters
    ----------
    C : (d, d) array, E[v v^T] of single views, positive definite.
    C_plus : (d, d) array, E[v v'^T] between two views of one sample, symmetric.
    dim : int k, 1 <= k <= d.

    Returns
    -------
    LinearSSL with ``W`` (d, k), ``eigenvalues`` omega descending, strengths 1 and mean 0.

    Raises
    ------
    ValueError
        If C is not positive definite, C_plus not symmetric, the shapes differ, or dim is out of range.

    References
    ----------
    Van Assel et al. 2025, theorem 3.2.

    Examples
    --------
    >>> joint_embedding_linear(np.eye(2), np.diag([0.9, 0.5]), 1).eigenvalues
    array([0.9])
    """
    C, C_plus = as_moment_pair(C, C_plus)
    d = len(C)
    check_integer("dim", dim, 1, d)
    omega, W = linalg.eigh(C_plus, C, subset_by_index=(d - dim, d - 1))
    return LinearSSL(W[:, ::-1], np.zeros(d), omega[::-1], np.ones(dim))
