"""Kernels, and what is built on a kernel matrix alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, sparse
from scipy.spatial.distance import pdist

from replearn.spectral.arrays import ZERO, as_points, as_symmetric, positive_eigenpairs
from replearn.validate import check_integer, check_positive


def rbf_kernel(X: ArrayLike, Y: ArrayLike | None = None, *, bandwidth: float) -> np.ndarray:
    """Gaussian kernel between two sets of points: k(x, y) = exp(-||x - y||^2 / (2 bandwidth^2)).

    Parameters
    ----------
    X : (N, D) array or tensor; Y : (M, D), or None for X itself.
    bandwidth : float > 0, in units of the points.

    Returns
    -------
    (N, M) array, entries in [0, 1]; without Y symmetric with ones on the diagonal.

    Notes
    -----
    Costs O(N M D).

    References
    ----------
    Schölkopf & Smola 2002.

    Examples
    --------
    >>> rbf_kernel([[0.0], [1.0]], bandwidth=1.0).round(4)
    array([[1.    , 0.6065],
           [0.6065, 1.    ]])
    """
    check_positive("bandwidth", bandwidth)
    X = as_points("X", X)
    Y, same = (X, True) if Y is None else (as_points("Y", Y), False)
    if X.shape[1] != Y.shape[1]:
        raise ValueError(f"X and Y must have equally many columns, but have {X.shape[1]} and {Y.shape[1]}")
    center = X.mean(axis=0)  # distances ignore it, and without it they keep their digits
    X, Y = X - center, Y - center
    squared = np.sum(X**2, axis=1)[:, None] + np.sum(Y**2, axis=1) - 2 * X @ Y.T
    squared = np.maximum(squared, 0)  # roundoff only
    if same:
        np.fill_diagonal(squared, 0)
    return np.exp(-squared / (2 * bandwidth**2))


def median_bandwidth(X: ArrayLike) -> float:
    """Median of the distances between different samples: the usual bandwidth of a Gaussian kernel.

    Parameters
    ----------
    X : (N, D) array or tensor, N >= 2.

    Returns
    -------
    float > 0, in units of X.

    Raises
    ------
    ValueError
        If X is not a finite matrix with N >= 2, or most samples coincide.

    Notes
    -----
    Costs O(N^2 D) time and O(N^2) memory.

    References
    ----------
    The median heuristic of Gretton et al. 2012.

    Examples
    --------
    >>> median_bandwidth([[0.0], [1.0], [3.0]])
    2.0
    """
    median = float(np.median(pdist(as_points("X", X, min_rows=2))))
    if median == 0:
        raise ValueError("the median distance is 0, as most samples coincide; choose a bandwidth yourself")
    return median


@dataclass(frozen=True)
class KernelSSL:
    """An encoder f(x) = k(x, x_1..N) coef that is linear in the features of a kernel.

    Attributes
    ----------
    coef : (N, K) array.
    Z : (N, K) array, the embedding of the training points.
    eigenvalues : (K,) array, descending, of the target (less the penalty); those that are not positive give nothing.
    rank : int, number of positive eigenvalues.
    """

    coef: np.ndarray
    Z: np.ndarray
    eigenvalues: np.ndarray
    rank: int

    def transform(self, Kx: ArrayLike) -> np.ndarray:
        """Embed new points from their kernel with the training points (M, N): Kx coef, shape (M, K)."""
        Kx = as_points("Kx", Kx)
        if Kx.shape[1] != len(self.coef):
            raise ValueError(f"Kx must have {len(self.coef)} columns, one per training point, but has {Kx.shape[1]}")
        return Kx @ self.coef

    def kernel(self, Kx: ArrayLike, Ky: ArrayLike) -> np.ndarray:
        """The induced kernel k*(x, y) = <f(x), f(y)> from the kernels (M, N) and (M', N), shape (M, M')."""
        return self.transform(Kx) @ self.transform(Ky).T


def kernel_ssl(
    K: ArrayLike, target: ArrayLike | sparse.sparray, dim: int, *, lam: float = 0.0, rtol: float = 1e-10
) -> KernelSSL:
    r"""Minimise ||Z Z^T - T||_F^2 + 2 lam ||W||^2 over encoders f(x) = W Phi(x) in the feature space of a kernel.

    By the representer theorem Z = K A and ||W||^2 = tr(A^T K A). With K = U diag(w) U^T over its positive
    eigenvalues, and (q, Q) the top eigenpairs of U^T T U - lam diag(1 / w):
    Z = U Q diag((q)_+^{1/2}), A = U diag(1 / w) Q diag((q)_+^{1/2}).

    Parameters
    ----------
    K : (N, N) kernel matrix, symmetric positive semi-definite. VICReg's loss ignores the mean of Z, so that with its
        target a K of low rank must be centred, H K H; for K of full rank nothing needs to be done.
    target : (N, N) symmetric T, such as :func:`ssl_target`, sparse or dense.
    dim : int, embedding dimension, 1 <= dim <= rank of K.
    lam : float >= 0, weight of the norm of W in feature space. Where eigenvalues of the target are equal, a tiny one
        picks the smoothest directions among them.
    rtol : float > 0, eigenvalues of K below ``rtol`` times the largest count as zero.

    Returns
    -------
    KernelSSL with ``coef``, ``Z``, ``eigenvalues`` q, ``rank``, ``.transform(Kx)`` and ``.kernel(Kx, Ky)``.

    Raises
    ------
    ValueError
        If K is not symmetric positive semi-definite, the target is not symmetric or has another shape, dim exceeds
        the rank of K, lam < 0 or rtol <= 0.

    Notes
    -----
    Costs O(N^3).

    References
    ----------
    Kiani et al. 2022; Schölkopf, Herbrich & Smola 2001 for the representer theorem.

    Examples
    --------
    >>> kernel_ssl(np.eye(3), np.diag([2.0, 1.0, -1.0]), 2).eigenvalues
    array([2., 1.])
    """
    check_positive("lam", lam, allow_zero=True)
    check_positive("rtol", rtol)
    w, U = positive_eigenpairs("K", K, rtol)
    target = as_symmetric("target", target)
    if target.shape[0] != len(U):
        raise ValueError(f"target must have the shape of K, ({len(U)}, {len(U)}), but has shape {target.shape}")
    check_integer("dim (at most the rank of K)", dim, 1, len(w))
    restricted = U.T @ (target @ U) - lam * np.diag(1 / w)
    q, Q = linalg.eigh((restricted + restricted.T) / 2, subset_by_index=(len(w) - dim, len(w) - 1))
    q, Q = q[::-1], Q[:, ::-1]
    largest = abs(target).max()
    strengths = np.sqrt(np.where(q > ZERO * largest, q, 0.0))
    Q = Q * strengths
    return KernelSSL(U @ (Q / w[:, None]), U @ Q, q, int(np.sum(strengths > 0)))
